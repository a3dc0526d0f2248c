"""A batch is paused and goes on, where the plan has room; it is not paused without end, and the log says who did what."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import Q
from django.utils import timezone

from accounts import members
from accounts.models import AuditEntry
from billing.models import Plan
from studio.generation import services, usage
from studio.generation.errors import PlanLimit
from studio.generation.models import Batch, Job
from studio.generation.services import batches, claiming
from tests.billing.race import at_once, kinds
from tests.generation.conftest import agree, media, price_of_one, run, states, wallet

pytestmark = pytest.mark.django_db


def told(team: Any) -> list[tuple[str, str, str]]:
    lines = AuditEntry.objects.filter(team=team, action__startswith="batch.").order_by("id")
    return list(lines.values_list("actor_name", "action", "text"))


def test_a_paused_batch_is_not_taken_and_what_runs_ends(make_batch, alice, rich, bells, django_capture_on_commit_callbacks):
    batch = make_batch(alice, rich, 3)
    [running] = services.claim(["null"], "w", batch=False)
    assert services.pause(batch, by=alice)
    assert not services.pause(batch, by=alice)
    assert batch.paused_at is not None
    assert services.claim(["null"], "w") == []
    assert services.succeed(running, media())
    bells.clear()
    with django_capture_on_commit_callbacks(execute=True):
        assert services.go_on(batch, by=alice)
    assert bells == ["null"]
    assert not services.go_on(batch, by=alice)
    assert [run()[0].batch_place for _ in range(2)] == [1, 2]
    assert not services.pause(batch, by=alice)  # nothing waits
    assert states(batch) == ["succeeded"] * 3
    agree()


@pytest.mark.parametrize("guarded", [True, False])
def test_a_worker_that_looked_before_the_pause_does_not_begin(make_batch, alice, rich, monkeypatch, guarded):
    batch = make_batch(alice, rich, 1)
    [seen] = Job.objects.claimable(["null"], timezone.now())
    services.pause(batch, by=alice)
    if not guarded:
        monkeypatch.setattr(seen, "batch_id", None)
    assert claiming._take(seen, "w") is not guarded


# --- room ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def one_at_once(settings) -> None:
    settings.DEFAULT_PLAN = "one"
    Plan.objects.create(slug="one", name="One", position=5, jobs_at_once=1)


def test_going_on_needs_the_room_that_pausing_gave_back(make_batch, alice, rich, one_at_once):
    first = make_batch(alice, rich, 2)
    services.pause(first, by=alice)
    second = make_batch(alice, rich, 1)
    before = Batch.objects.get(pk=first.pk).paused_at
    with pytest.raises(PlanLimit) as caught:
        services.go_on(first, by=alice)
    assert caught.value.message == (
        "The One plan runs one job of a team at once. A batch of any length counts as one. Wait for one to finish, "
        "or change to Free, which has 2."
    )
    first.refresh_from_db()
    assert (first.paused_at, states(first), usage.open_jobs(rich)) == (before, ["queued"] * 2, 1)
    services.cancel_rest(second, by=alice)
    assert services.go_on(first, by=alice)
    assert usage.open_jobs(rich) == 1
    assert not services.go_on(first, by=alice)


def test_a_batch_of_which_something_runs_has_its_room(make_batch, alice, rich, one_at_once):
    batch = make_batch(alice, rich, 2)
    services.claim(["null"], "w", batch=False)
    services.pause(batch, by=alice)
    assert usage.open_jobs(rich) == 1
    assert services.go_on(batch, by=alice)


@pytest.mark.django_db(transaction=True)
def test_of_many_that_go_on_at_once_as_many_do_as_the_plan_has_room_for(make_batch, alice, rich, one_at_once):
    paused = []
    for _ in range(4):
        paused.append(make_batch(alice, rich, 2))
        services.pause(paused[-1], by=alice)
    runners = [(lambda batch=batch: batch, lambda batch: services.go_on(batch, by=alice)) for batch in paused]
    assert kinds(at_once(*runners)) == {"PlanIsBusy": 3, "bool": 1}
    assert usage.open_jobs(rich) == 1


# --- paused for long -------------------------------------------------------------------------------------------------


def test_what_waits_for_thirty_days_in_a_pause_is_canceled(make_batch, alice, rich):
    old, new, going = (make_batch(alice, rich, 3) for _ in range(3))
    run()
    for batch in (old, new):
        services.pause(batch, by=alice)
    Batch.objects.filter(pk=new.pk).update(paused_at=timezone.now() - timedelta(days=29))
    Batch.objects.filter(pk=old.pk).update(paused_at=timezone.now() - timedelta(days=31))
    assert services.end_paused() == 2
    assert services.end_paused() == 0
    assert [states(batch) for batch in (old, new, going)] == [["succeeded", "canceled", "canceled"], ["queued"] * 3, ["queued"] * 3]
    old.refresh_from_db()
    assert (old.paused_at, old.canceled_at is None) == (None, False)
    assert wallet(rich) == (100_000 - price_of_one(), 6 * price_of_one())
    assert told(rich)[-1] == (
        "The studio",
        "batch.canceled",
        "canceled the rest of “Boats of all colours”, 2 of 3: it was paused for 30 days",
    )
    agree()


def test_what_somebody_paused_ends_when_they_leave(make_batch, alice, bob, rich):
    theirs, going, other = make_batch(bob, rich, 2), make_batch(bob, rich, 2), make_batch(alice, rich, 2)
    for batch in (theirs, other):
        services.pause(batch, by=alice)
    members.remove_member(rich, bob, by=alice)
    assert [states(batch) for batch in (theirs, going, other)] == [["canceled"] * 2, ["queued"] * 2, ["queued"] * 2]
    assert wallet(rich) == (100_000, 4 * price_of_one())
    assert told(rich)[-1][2] == "canceled the rest of “Boats of all colours”, 2 of 2: Bob Member is not in the team any more"
    agree()


def test_a_batch_that_goes_on_at_that_moment_is_left_alone(make_batch, alice, rich):
    batch = make_batch(alice, rich, 2)
    services.pause(batch, by=alice)
    seen = Batch.objects.held_up().get()
    services.go_on(batch, by=alice)
    assert batches._cancel(seen, by=None, only=Q(paused_at__isnull=False)) == 0
    assert states(batch) == ["queued"] * 2
    assert wallet(rich) == (100_000, 2 * price_of_one())


def test_the_log_says_who_did_what_until_its_words_are_erased(make_batch, alice, bob, rich):
    batch = make_batch(alice, rich, 3)
    services.pause(batch, by=bob)
    services.pause(batch, by=bob)
    services.go_on(batch, by=alice)
    services.claim(["null"], "w", batch=False)
    services.cancel_rest(batch, by=bob, running=True)
    services.cancel_rest(batch, by=bob)
    lines = [
        ("Bob Member", "batch.paused", "paused “Boats of all colours”"),
        ("Alice Harbour", "batch.continued", "went on with “Boats of all colours”"),
        ("Bob Member", "batch.canceled", "canceled the rest of “Boats of all colours”, 3 of 3"),
    ]
    assert told(rich) == lines
    services.erase_words(Job.objects.filter(user=alice))
    assert told(rich) == [(who, what, text.replace("Boats of all colours", "Erased")) for who, what, text in lines]
