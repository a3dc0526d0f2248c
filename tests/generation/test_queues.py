"""The operator pauses a queue, lets it go on, moves a job to the front, stops one; and who comes next with several teams."""

from __future__ import annotations

import json
import logging
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import AuditEntry, User
from accounts.services import create_team, create_user_with_team
from billing.models import Plan
from billing.services import wallets
from studio.backends import registry
from studio.generation import lanes, services
from studio.generation.models import Job, PausedQueue
from studio.generation.services import claiming, stranded
from tests.billing.race import PATIENCE, at_once
from tests.generation.conftest import agree, media, price_of_one, run, states, wallet

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(db: None) -> User:
    return create_user_with_team(email="olga@harbour.example", name="Olga Operator", password="x", email_verified=True, is_staff=True)


@pytest.fixture
def teams(alice: User, rich: Any) -> list[Any]:
    """Three teams with credits."""
    others = [create_team(f"Quay {number}", alice) for number in (2, 3)]
    for team in others:
        wallets.grant(wallets.wallet_of(team), 100_000, reference="test", description="For the test")
    return [rich, *others]


def begun() -> Job | None:
    """What a worker takes next."""
    taken = services.claim(["null"], "w", batch=False)
    return taken[0] if taken else None


def order() -> list[Job]:
    """What workers take, one after another, while nothing ends."""
    found = []
    while job := begun():
        found.append(job)
    return found


# --- paused ----------------------------------------------------------------------------------------------------------


def test_of_a_paused_queue_nothing_is_begun_and_what_runs_ends(make_job, alice, rich, operator):
    first, second = make_job(alice, rich), make_job(alice, rich)
    running = begun()
    assert running == first
    assert services.pause_queue("null", by=operator, reason="  New model,\n back at five ")
    assert begun() is None
    assert services.succeed(running, media(1))
    assert list(PausedQueue.objects.values_list("queue", "paused_by", "reason")) == [("null", operator.pk, "New model, back at five")]
    assert services.resume_queue("null", by=operator)
    assert begun() == second
    assert PausedQueue.objects.count() == 0


def test_another_queue_goes_on(make_job, alice, rich, operator):
    job = make_job(alice, rich)
    services.pause_queue("stability", by=operator)
    assert begun() == job


def test_a_paused_queue_holds_batches_too(make_batch, alice, rich, operator):
    batch = make_batch(alice, rich, 3)
    services.pause_queue("null", by=operator)
    assert services.claim(["null"], "w", batch=True) == []
    services.resume_queue("null", by=operator)
    run()
    assert states(batch) == ["succeeded", "queued", "queued"]
    agree()


def test_what_comes_back_to_a_paused_queue_waits(make_job, alice, rich, operator):
    make_job(alice, rich)
    running = begun()
    services.pause_queue("null", by=operator)
    assert services.requeue(running, count_attempt=False)
    assert begun() is None
    services.resume_queue("null", by=operator)
    assert begun() == running


def test_pausing_and_going_on_twice_changes_nothing(make_job, alice, rich, operator, bells, hints, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        job = make_job(alice, rich)
    with django_capture_on_commit_callbacks(execute=True):
        assert services.pause_queue("null", by=operator, reason="A")
    since = PausedQueue.objects.get().paused_at
    hints.clear()
    bells.clear()
    with django_capture_on_commit_callbacks(execute=True):
        assert not services.pause_queue("null", by=operator, reason="A")
        assert (hints, bells) == ([], [])
        assert services.pause_queue("null", by=operator, reason="B")
    assert hints == [("job", rich.pk, job.pk)]
    assert list(PausedQueue.objects.values_list("reason", "paused_at")) == [("B", since)]
    with django_capture_on_commit_callbacks(execute=True):
        assert services.resume_queue("null", by=operator)
        assert not services.resume_queue("null", by=operator)
    assert bells == ["null"]
    assert hints == [("job", rich.pk, job.pk)] * 2


def test_going_on_wakes_workers_once_it_is_committed(make_job, alice, rich, operator, bells, django_capture_on_commit_callbacks):
    services.pause_queue("null", by=operator)
    bells.clear()
    with django_capture_on_commit_callbacks(execute=False) as later:
        services.resume_queue("null", by=operator)
    assert bells == []
    for call in later:
        call()
    assert bells == ["null"]


def test_a_batch_is_told_of_once(make_batch, alice, rich, operator, hints, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        batch = make_batch(alice, rich, 4)
    hints.clear()
    with django_capture_on_commit_callbacks(execute=True):
        services.pause_queue("null", by=operator)
    assert hints == [("batch", rich.pk, batch.pk)]


def test_who_did_it_and_why_is_in_the_log(operator, caplog, django_capture_on_commit_callbacks):
    with caplog.at_level(logging.INFO), django_capture_on_commit_callbacks(execute=True):
        services.pause_queue("null", by=operator, reason="New cable")
        services.resume_queue("null", by=operator)
    lines = [record.msg for record in caplog.records if record.name.endswith("services.queues")]
    said = [line if isinstance(line, dict) else json.loads(line) for line in lines]
    assert [(one["event"], one["queue"], one["by"], one.get("reason")) for one in said] == [
        ("queue_paused", "null", operator.pk, "New cable"),
        ("queue_resumed", "null", operator.pk, None),
    ]


def test_one_that_was_looked_at_before_the_pause_is_not_taken_after_it(make_job, alice, rich, operator):
    job = make_job(alice, rich)
    now = timezone.now()
    [seen] = Job.objects.claimable(["null"], now)
    services.pause_queue("null", by=operator)
    assert not claiming._take(seen, "w")
    job.refresh_from_db()
    assert (job.status, job.attempt, job.worker) == ("queued", 0, "")


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_looked_before_the_pause_and_takes_after_it_gets_nothing(make_job, alice, rich, operator):
    """Two connections: the worker has its candidates, the operator's pause is committed, then it takes one."""
    for _ in range(3):
        make_job(alice, rich)
    now = timezone.now()
    paused = threading.Event()

    def pause(_: None) -> bool:
        changed = services.pause_queue("null", by=operator)
        paused.set()
        return changed

    def take(seen: list[Job]) -> list[bool]:
        assert paused.wait(PATIENCE)
        return [claiming._take(job, "w") for job in seen]

    assert at_once((lambda: None, pause), (lambda: list(Job.objects.claimable(["null"], now)), take)) == [True, [False] * 3]
    assert list(Job.objects.values_list("status", flat=True)) == ["queued"] * 3


def test_what_waits_in_a_paused_queue_is_not_failed_because_its_engine_is_away(make_job, alice, rich, operator, settings, monkeypatch):
    """An operator who pauses a queue to change its keys loses nothing."""
    make_job(alice, rich)
    services.pause_queue("null", by=operator)
    monkeypatch.setattr(registry, "engines", list)
    monkeypatch.setattr(stranded, "GONE_AFTER", timedelta(0))
    stranded._missed.clear()
    assert services.end_stranded() == 0
    services.resume_queue("null", by=operator)
    assert services.end_stranded() == 1


# --- who comes next --------------------------------------------------------------------------------------------------


def test_teams_take_turns_priority_counts_among_equals_and_what_was_moved_up_comes_first(make_job, alice, teams, operator):
    one, two, three = teams
    many = [make_job(alice, one) for _ in range(4)]
    urgent, other = make_job(alice, two), make_job(alice, two)
    Job.objects.filter(pk=urgent.pk).update(priority=5)
    late = make_job(alice, three)
    moved = [many[3], many[2]]
    for job in moved:
        assert services.move_up(job, by=operator)
    expected = [many[3], many[2], urgent, late, other, many[0], many[1]]
    line = list(Job.objects.in_line("null", timezone.now()))
    assert line == expected
    assert list(lanes.places("null", timezone.now()).items()) == [(job.pk, place) for place, job in enumerate(expected, 1)]
    assert order() == expected


def test_the_line_is_what_workers_take_one_after_another(make_job, alice, teams, operator):
    """The window query and the claims agree, whatever runs already."""
    for place, team in enumerate(teams):
        for number in range(4 - place):
            job = make_job(alice, team)
            Job.objects.filter(pk=job.pk).update(priority=number % 2)
    for _ in range(2):
        begun()
    expected = list(Job.objects.in_line("null", timezone.now()))
    assert len(expected) == 7
    assert order() == expected


def test_what_is_held_up_stands_last_in_line(make_job, make_batch, alice, rich, operator):
    batch = make_batch(alice, rich, 1)
    services.pause(batch, by=alice)
    resting, next_one = make_job(alice, rich), make_job(alice, rich)
    Job.objects.filter(pk=resting.pk).update(run_after=timezone.now() + timedelta(minutes=5))
    line = list(Job.objects.in_line("null", timezone.now()))
    assert line == [next_one, resting, batch.jobs.get()]
    assert [job.held_up for job in line] == [False, True, True]


def test_a_job_is_moved_up_once_and_only_while_it_waits(make_job, alice, rich, operator, hints, django_capture_on_commit_callbacks):
    first, second, third = (make_job(alice, rich) for _ in range(3))
    running = begun()
    assert running == first
    assert not services.move_up(first, by=operator)
    hints.clear()
    with django_capture_on_commit_callbacks(execute=True):
        assert services.move_up(third, by=operator)
    since = Job.objects.get(pk=third.pk).moved_up_at
    assert not services.move_up(third, by=operator)
    assert Job.objects.get(pk=third.pk).moved_up_at == since
    assert hints == [("job", rich.pk, third.pk)]
    assert [begun(), begun()] == [third, second]


def test_one_that_was_moved_up_stays_in_front_when_it_is_tried_again(make_job, alice, rich, operator):
    make_job(alice, rich)
    job = make_job(alice, rich)
    services.move_up(job, by=operator)
    taken = begun()
    assert taken == job
    services.requeue(taken)
    assert begun() == job


def test_moving_up_does_not_pass_the_limit_of_a_plan(make_batch, alice, rich, operator, settings):
    """The plan lets one of the team's batch run at a time; the operator's hand changes the order, not what was bought."""
    settings.DEFAULT_PLAN = "one"
    Plan.objects.create(slug="one", name="One", position=5, jobs_at_once=1)
    batch = make_batch(alice, rich, 3)
    running = begun()
    last = batch.jobs.get(batch_place=2)
    assert services.move_up(last, by=operator)
    assert begun() is None
    assert services.succeed(running, media(1))
    assert begun() == last


# --- stopped ---------------------------------------------------------------------------------------------------------


def test_the_operator_stops_what_waits_and_it_says_so(make_job, alice, rich, operator, client_of):
    job = make_job(alice, rich, prompt="a lighthouse")
    assert services.stop_as_operator(job, by=operator)
    assert not services.stop_as_operator(job, by=operator)
    job.refresh_from_db()
    assert (job.status, job.decision) == ("canceled", "Stopped by the operator.")
    assert wallet(rich) == (100_000, 0)
    card = client_of(alice).get(f"/jobs/{job.pk}/", HTTP_HX_REQUEST="true").content.decode()
    assert "Stopped by the operator." in card
    told = list(AuditEntry.objects.filter(action="job.stopped").values_list("team", "actor_name", "text"))
    assert told == [(rich.pk, "Olga Operator", f"stopped a job of Alice Harbour with {job.engine_label}, as an operator")]
    agree()


def test_the_operator_stops_what_runs_at_its_next_step(make_job, alice, rich, operator):
    make_job(alice, rich)
    job = begun()
    assert services.stop_as_operator(job, by=operator)
    now = Job.objects.get(pk=job.pk)
    assert (now.status, now.cancel_requested_at is None, now.decision) == ("running", False, "Stopped by the operator.")
    assert services.finish_canceled(job)
    now.refresh_from_db()
    assert (now.status, now.decision) == ("canceled", "Stopped by the operator.")
    assert wallet(rich) == (100_000, 0)
    agree()


def test_what_somebody_else_asked_for_too_is_stopped_for_all(make_job, alice, rich, operator):
    job = make_job(alice, rich)
    Job.objects.filter(pk=job.pk).update(joined=True)
    assert services.stop_as_operator(job, by=operator)
    assert Job.objects.get(pk=job.pk).status == "canceled"


def test_what_has_ended_stays_as_it_is(make_job, alice, rich, operator):
    make_job(alice, rich)
    [job] = run()
    assert not services.stop_as_operator(job, by=operator)
    job.refresh_from_db()
    assert (job.status, job.decision) == ("succeeded", "")
    assert wallet(rich) == (100_000 - price_of_one(), 0)
    assert AuditEntry.objects.filter(action="job.stopped").count() == 0
