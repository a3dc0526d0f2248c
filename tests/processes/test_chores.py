"""The thread of a worker that does what has to be done once a day."""

from __future__ import annotations

import os
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.utils import timezone

from accounts import ending
from accounts.models import Team, User
from accounts.sessions import forget_expired
from studio import settings as shipped
from studio.galleries import tidying
from studio.generation.worker.chores import Chores
from studio.processes.locks import is_my_turn, turn
from tests.processes.conftest import PATIENCE

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
    assert done.wait(PATIENCE)
    chores.stop()
    assert chores.join(PATIENCE)
    assert calls == ["breaks", "works"]


@pytest.mark.django_db(transaction=True)
def test_none_begins_after_the_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    calls.clear()
    chores = Chores([f"{__name__}.breaks", f"{__name__}.works"], 60)
    monkeypatch.setattr(f"{__name__}.breaks", chores.stop)
    chores.start()
    assert chores.join(PATIENCE)
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
        "forget_expired",
        "weekly",
    }
    assert [import_string(path).__name__ for path in settings.DUE_CHORES] == ["reap", "ring_due", "ring_due"]
    assert [import_string(path).__name__ for path in settings.LOCAL_CHORES] == ["look"]
    assert [import_string(path).__name__ for path in settings.QUICK_CHORES] == ["end_stranded", "draw_due_sheets"]


# --- what comes once a day or once a week ----------------------------------------------------------------------------
@pytest.mark.parametrize("is_embedded", [True, False])
def test_one_of_many_has_the_turn_and_the_next_comes_when_the_time_is_over(settings: Any, tmp_path: Path, is_embedded: bool) -> None:
    settings.EMBEDDED, settings.DATA_DIR = is_embedded, tmp_path
    begin, turns = threading.Barrier(8), []

    def ask() -> None:
        begin.wait(PATIENCE)
        turns.append(is_my_turn("sweeping", timedelta(days=1)))

    together = [threading.Thread(target=ask) for _ in range(8)]
    for thread in together:
        thread.start()
    for thread in together:
        thread.join(PATIENCE)
    assert sorted(turns) == [False] * 7 + [True]
    assert is_my_turn("dusting", timedelta(days=1)) is True
    assert is_my_turn("dusting", timedelta(days=1)) is False
    if is_embedded:
        long_ago = time.time() - timedelta(days=1).total_seconds() - 1
        os.utime(tmp_path / "dusting.stamp", (long_ago, long_ago))
        assert is_my_turn("dusting", timedelta(days=1)) is True
    else:
        cache.delete("turn:dusting")
        assert is_my_turn("dusting", timedelta(days=1)) is True


@pytest.mark.parametrize("is_embedded", [True, False])
def test_a_turn_in_which_the_work_failed_is_given_back(settings: Any, tmp_path: Path, is_embedded: bool) -> None:
    settings.EMBEDDED, settings.DATA_DIR = is_embedded, tmp_path
    week, turns = timedelta(days=7), []

    def mop(*, fails: bool) -> None:
        with turn("mopping", week) as is_mine:
            turns.append(is_mine)
            if fails:
                raise OSError("the object store cannot be reached")

    with pytest.raises(OSError, match="store"):
        mop(fails=True)
    mop(fails=False)
    with pytest.raises(OSError, match="store"):  # it had no turn, and gives none back
        mop(fails=True)
    mop(fails=False)
    assert turns == [True, True, False, False]


@pytest.mark.django_db(transaction=True)
def test_expired_sessions_and_what_was_noted_of_their_browsers_are_forgotten(alice: User, client_of: Any) -> None:
    client_of(alice).get("/")
    client_of(alice).get("/")
    over, open_ = Session.objects.order_by("session_key").values_list("session_key", flat=True)
    for key in (over, open_):
        UserSession.objects.update_or_create(session_key=key, defaults={"user": alice, "ip": "127.0.0.1", "user_agent": "a browser"})
    Session.objects.filter(session_key=over).update(expire_date=timezone.now() - timedelta(seconds=1))
    forget_expired()
    assert list(Session.objects.values_list("session_key", flat=True)) == [open_]
    assert list(UserSession.objects.values_list("session_key", flat=True)) == [open_]


def test_the_trash_is_emptied_once_a_day_and_files_are_pruned_once_a_week(
    settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.EMBEDDED, settings.DATA_DIR = True, tmp_path
    called: list[str] = []
    for room, name in ((tidying, "empty_trash"), (tidying.curating, "empty_trash"), (tidying, "prune_files"), (tidying, "prune_inputs")):
        monkeypatch.setattr(room, name, lambda *args, name=name: called.append(name) or [])
    for _ in range(3):
        tidying.daily()
        tidying.weekly()
    assert called == ["empty_trash", "empty_trash", "prune_inputs", "prune_files"]
