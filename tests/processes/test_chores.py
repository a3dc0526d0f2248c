"""The thread of a worker that does what has to be done once a day."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts import ending
from accounts.models import Team, User
from studio import settings as shipped
from studio.generation.worker.chores import Chores

done = threading.Event()
calls: list[str] = []


def breaks() -> None:
    calls.append("breaks")
    raise RuntimeError("boom")


def works() -> None:
    calls.append("works")
    done.set()


@pytest.mark.django_db(transaction=True)
def test_one_that_fails_keeps_no_other_from_its_turn() -> None:
    done.clear()
    calls.clear()
    chores = Chores([f"{__name__}.breaks", f"{__name__}.works"], 60)
    chores.start()
    assert done.wait(10)
    chores.stop()
    assert chores.join(10)
    assert calls == ["breaks", "works"]


@pytest.mark.django_db(transaction=True)
def test_none_begins_after_the_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    calls.clear()
    chores = Chores([f"{__name__}.breaks", f"{__name__}.works"], 60)
    monkeypatch.setattr(f"{__name__}.breaks", chores.stop)
    chores.start()
    assert chores.join(10)
    assert calls == []


@pytest.mark.django_db(transaction=True)
def test_a_studio_without_paid_engines_erases_teams_too(
    start_worker: Any, told: Any, settings: Any, team: Team, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DAILY_CHORES = shipped.DAILY_CHORES
    monkeypatch.setattr(ending, "erase_ended_teams", told.after(ending.erase_ended_teams))
    ending.delete_team(team, by=alice)
    long_ago = timezone.now() - timedelta(days=settings.TEAM_GRACE_DAYS, hours=2)
    Team.objects.filter(pk=team.pk).update(deleted_at=long_ago)
    start_worker("scripted")
    assert told.wait(lambda: Team.objects.filter(pk=team.pk, name=ending.ERASED).first())


def test_the_studio_s_own_chores_can_be_imported(settings: Any) -> None:
    from django.utils.module_loading import import_string

    assert {import_string(path).__name__ for path in [*settings.DAILY_CHORES, *settings.PAID_CHORES]} == {
        "daily",
        "hourly",
        "lapse",
        "end_paused",
        "forget",
        "forget_old",
    }
    assert [import_string(path).__name__ for path in settings.LOCAL_CHORES] == ["look"]
    assert [import_string(path).__name__ for path in settings.QUICK_CHORES] == ["end_stranded", "draw_due_sheets"]
