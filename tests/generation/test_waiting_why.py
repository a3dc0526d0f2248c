"""Why a job waits: each reason, which comes first, what the card says of it and what Create says; and no query for each job."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from billing.models import Plan
from studio.backends import registry
from studio.backends.base import EngineState
from studio.generation import cards, services, waiting_why
from studio.generation.engines import available
from studio.generation.models import Job, PausedQueue, Worker
from tests import factories
from tests.generation.conftest import HTMX

pytestmark = pytest.mark.django_db


@pytest.fixture
def worker(db: None) -> Worker:
    return Worker.objects.create(
        name="dock-1", queues=["null"], state="ready", threads=4, running=1, pid=1, host="dock", heartbeat_at=timezone.now()
    )


def why(job: Job, *, ahead: int = 0) -> list[tuple[str, str]]:
    fresh = Job.objects.select_related("batch").get(pk=job.pk)
    return [(one.code, one.sentence) for one in waiting_why.reasons(fresh, waiting_why.for_operator(), ahead=ahead)]


def pause(by: Any, reason: str = "A new model comes") -> str:
    """Returns since when, as it is said."""
    services.pause_queue("null", by=by, reason=reason)
    return f"{timezone.localtime(PausedQueue.objects.get().paused_at):%H:%M}"


def test_it_is_next(make_job, alice, rich, worker):
    job = make_job(alice, rich)
    assert why(job) == [("next", "It is next.")]
    Worker.objects.update(running=4)
    assert why(job) == [("next", "It is next. All 4 places of its workers are busy.")]
    Worker.objects.update(threads=1, running=8)
    assert why(job) == [("next", "It is next. Its worker is busy.")]


def test_others_are_before_it_and_teams_take_turns(make_job, alice, rich, worker, mallory, other_team):
    first, job = make_job(alice, rich), make_job(alice, rich)
    assert why(job, ahead=1) == [("in_line", "1 is before it.")]  # of no other team
    factories.make_job(other_team, mallory)
    assert why(job, ahead=1) == [("in_line", "1 is before it. Teams take turns: 0 of its team are running.")]
    services.claim(["null"], "w", batch=False)
    Worker.objects.update(running=4)
    sentence = "1,200 are before it. Teams take turns: 1 of its team is running. All 4 places of its workers are busy."
    assert why(job, ahead=1200) == [("in_line", sentence)]
    services.move_up(job, by=alice)
    assert why(job, ahead=2)[0][1].startswith("2 are before it. It was moved to the front.")
    assert first.pk


def test_the_operator_paused_its_queue(make_job, alice, rich, worker, client_of):
    job = make_job(alice, rich)
    since = pause(alice)
    assert why(job) == [("queue_paused", f"The queue null is paused by Alice Harbour since {since}: A new model comes")]
    card = cards.load_one(Job.objects.get(pk=job.pk)).card
    assert (card.why, card.is_paused) == ("Paused by the operator: A new model comes.", True)
    drawn = client_of(alice).get(reverse("job", args=[job.pk]), **HTMX).content.decode()
    assert "Paused by the operator: A new model comes." in drawn
    assert "Waiting · paused" in drawn
    stage = client_of(alice).get(reverse("job_stage", args=[job.pk]), **HTMX).content.decode()
    assert "Paused by the operator: A new model comes." in stage
    services.resume_queue("null", by=alice)
    card = cards.load_one(Job.objects.get(pk=job.pk)).card
    assert (card.why, card.is_paused) == ("", False)


@pytest.mark.parametrize(
    ("reason", "sentence"),
    [("", "Paused by the operator."), ("Back at 5", "Paused by the operator: Back at 5."), ("Why?", "Paused by the operator: Why?")],
)
def test_a_pause_is_a_whole_sentence(reason, sentence):
    assert PausedQueue(queue="null", reason=reason).sentence == sentence


@pytest.mark.parametrize("page", ["job", "job_stage"])
def test_nothing_moves_on_the_card_of_a_paused_queue(page, make_job, alice, rich, worker, client_of):
    """A bar without a value is one that runs to and fro."""
    job = make_job(alice, rich)

    def bar() -> str:
        html = client_of(alice).get(reverse(page, args=[job.pk]), **HTMX).content.decode()
        return html.partition("<progress ")[2].partition(">")[0]

    assert "value" not in bar()
    pause(alice)
    assert 'value="0"' in bar()
    services.resume_queue("null", by=alice)
    assert "value" not in bar()


def test_create_says_so_of_the_engine(alice, rich, worker, client_of):
    pause(alice)
    engine = next(one for one in available() if one.id == "null")
    assert (engine.state, engine.state_detail) == (
        EngineState.PAUSED,
        "Paused by the operator: A new model comes. What you send waits, and goes on by itself.",
    )
    html = client_of(alice).get(reverse("create_engine"), {"engine": "null", "mode": "text-to-image"}).content.decode()
    assert engine.state_detail in html
    assert "is paused.</strong>" in html


def test_a_batch_says_so_on_its_card(make_batch, alice, rich, worker, client_of):
    batch = make_batch(alice, rich, 2)
    pause(alice)
    card = client_of(alice).get(reverse("batch", args=[batch.pk]), **HTMX).content.decode()
    assert "Paused by the operator: A new model comes." in card


def test_what_its_team_paused_and_what_the_plan_allows(make_batch, alice, rich, worker, settings):
    settings.DEFAULT_PLAN = "one"
    Plan.objects.create(slug="one", name="One", position=5, jobs_at_once=1)
    batch = make_batch(alice, rich, 2)
    services.claim(["null"], "w", batch=False)
    waiting = batch.jobs.get(status="queued")
    plan = ("plan", "The plan of its team runs 1 of a batch at once, and 1 of the team is running.")
    assert why(waiting) == [plan]
    services.pause(batch, by=alice)
    batch.refresh_from_db()
    since = f"{timezone.localtime(batch.paused_at):%H:%M}"
    assert why(waiting) == [("batch_paused", f"Its batch is paused since {since}. Its team can let it go on."), plan]


def test_it_rests_after_a_try(make_job, alice, rich, worker):
    make_job(alice, rich)
    [job] = services.claim(["null"], "w", batch=False)
    services.requeue(job, delay=300, code="rate_limited", reason="The provider asked for a rest.")
    until = timezone.localtime(Job.objects.get().run_after)
    expected = f"It rests until {until:%H:%M}, after try 1: The provider asked for a rest."
    if until.date() == timezone.localdate():
        assert why(job) == [("resting", expected)]
    Job.objects.update(run_after=timezone.now() - timedelta(seconds=1))
    assert why(job) == [("next", "It is next.")]


def test_nobody_is_there_to_begin_it(make_job, alice, rich, worker):
    job = make_job(alice, rich)
    Worker.objects.update(state="starting")
    assert why(job) == [("starting", "Its workers are not ready yet (starting): a model may be loading.")]
    assert cards.load_one(Job.objects.get()).card.why == "Its worker is starting. It waits a moment."
    Worker.objects.update(state="broken", detail="No such folder: /models.")
    assert why(job) == [("broken", "dock-1 did not start: No such folder: /models.")]
    Worker.objects.update(heartbeat_at=timezone.now() - timedelta(minutes=2))
    assert why(job) == [("no_worker", "No worker serves the queue null. Start one: manage.py worker --queue null.")]
    assert cards.load_one(Job.objects.get()).card.why == "No worker is there for it at the moment. It waits, and loses nothing."


def test_its_engine_is_gone(make_job, alice, rich, monkeypatch):
    job = make_job(alice, rich, prompt="x")
    Job.objects.update(engine="old", engine_label="Old one")
    sentence = (
        "No backend offers Old one any more, and no worker serves the queue null. What waits for it fails after a quarter of an hour."
    )
    assert why(job) == [("engine_gone", sentence)]


def test_its_provider_keeps_it_waiting(make_job, alice, rich, worker):
    job = make_job(alice, rich)
    until = (timezone.now() + timedelta(minutes=1)).isoformat()
    Worker.objects.update(engines={"null": {"state": "cooling-down", "detail": "Cooling down, 60 s.", "until": until}})
    assert why(job) == [("cooling-down", f"{registry.engine('null').label}: Cooling down, 60 s.")]


def test_it_needs_approval(make_job, alice, rich):
    job = make_job(alice, rich)
    Job.objects.update(status="approval", approval="more than 50 credits")
    assert why(job) == [("approval", "It needs approval: more than 50 credits. Whoever may approve in its team decides.")]


def test_the_first_reason_is_the_first_thing_to_do(make_batch, alice, rich):
    batch = make_batch(alice, rich, 1)
    services.pause(batch, by=alice)
    pause(alice)
    Job.objects.update(run_after=timezone.now() + timedelta(minutes=9), attempt=1)
    codes = [code for code, _ in why(batch.jobs.get())]
    assert codes == ["queue_paused", "batch_paused", "resting", "no_worker"]


def test_no_query_for_each_job(make_job, alice, rich, worker, django_assert_num_queries):
    for _ in range(3):
        make_job(alice, rich)
    jobs = list(Job.objects.select_related("batch"))
    with django_assert_num_queries(7):
        standing = waiting_why.for_operator()
        for job in jobs:
            waiting_why.reasons(job, standing, ahead=1)
    with django_assert_num_queries(2):
        standing = waiting_why.for_cards()
        for job in jobs:
            waiting_why.told(job, standing)
