"""The place in line that a card tells: that of the claims, whatever waits, and for a number of queries that does not grow."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.services import create_team
from billing.services import wallets
from studio.generation import cards, lanes, services
from studio.generation.models import Job, Worker
from tests.generation.conftest import HTMX
from tests.generation.test_lanes import QUEUES, Crowd

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def worker(db: None) -> Worker:
    return Worker.objects.create(name="dock-1", queues=["null"], state="ready", pid=1, host="dock", heartbeat_at=timezone.now())


@pytest.fixture
def other(alice: Any, rich: Any) -> Any:
    team = create_team("Quay", alice)
    wallets.grant(wallets.wallet_of(team), 100_000, reference="test", description="For the test")
    return team


@pytest.fixture
def long_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three are many."""
    monkeypatch.setattr(lanes, "LINE", 2)


def places(*jobs: Job) -> list[int]:
    return [job.card.place for job in cards.load(Job.objects.with_pictures().filter(pk__in=[job.pk for job in jobs]).order_by("pk"))]


def test_one_job_of_another_team_is_next_but_one_however_many_were_sent_before(make_job, alice, rich, other, client_of):
    many = [make_job(alice, rich) for _ in range(5)]
    job = make_job(alice, other)
    assert places(*many, job) == [1, 3, 4, 5, 6, 2]
    services.claim(["null"], "w", batch=False)
    assert places(*many[1:], job) == [2, 3, 4, 5, 1]
    for page, words in (("job", "Waiting · next"), ("job_stage", "Waiting, next in line")):
        assert words in client_of(alice).get(reverse(page, args=[job.pk]), **HTMX).content.decode()


@pytest.mark.parametrize("waiting", [1, 12])
def test_no_query_for_each_card(waiting, make_job, alice, rich):
    jobs = [make_job(alice, rich) for _ in range(waiting)]
    rows = list(Job.objects.with_pictures().filter(pk__in=[job.pk for job in jobs]).order_by("pk"))
    with CaptureQueriesContext(connection) as seen:
        cards.load(rows)
    assert [row.card.place for row in rows] == list(range(1, waiting + 1))
    assert len(seen) == 5  # paused queues, workers, how long the line is, what runs, the line


def test_of_a_long_line_the_first_turn_is_told(long_line, make_job, make_batch, alice, rich, other, client_of):
    many = [make_job(alice, rich) for _ in range(3)]
    make_batch(alice, rich, 2)
    job = make_job(alice, other)
    assert places(*many, job) == [1, 0, 0, 2]
    services.claim(["null"], "w", batch=False)
    assert places(*many[1:], job) == [0, 0, 1]
    services.move_up(many[2], by=alice)
    assert places(*many[1:], job) == [0, 1, 2]
    html = client_of(alice).get(reverse("job", args=[many[1].pk]), **HTMX).content.decode()
    assert '<span class="tag run">Waiting</span>' in html
    assert "<span>Waiting</span>" in client_of(alice).get(reverse("job_stage", args=[many[1].pk]), **HTMX).content.decode()


def test_a_long_line_is_not_read(long_line, make_job, alice, rich):
    for _ in range(4):
        make_job(alice, rich)
    with CaptureQueriesContext(connection) as seen:
        lanes.places("null", timezone.now())
    assert len(seen) == 2
    assert "LIMIT 3" in seen[0]["sql"]
    assert "ROW_NUMBER" not in seen[1]["sql"].upper()


def test_what_is_held_up_has_no_place(make_job, alice, rich):
    resting, job = make_job(alice, rich), make_job(alice, rich)
    Job.objects.filter(pk=resting.pk).update(run_after=timezone.now() + timedelta(minutes=5))
    assert places(resting, job) == [0, 1]


@pytest.mark.parametrize("seed", range(12))
def test_what_is_told_of_a_long_line_agrees_with_all_of_it(seed, alice, monkeypatch):
    crowd = Crowd(alice, seed)
    Job.objects.filter(batch__isnull=False).update(batch=None)  # `in_line` leaves the limits of plans out of account
    for queue in QUEUES:
        monkeypatch.setattr(lanes, "LINE", 200)
        line = lanes.places(queue, crowd.now)
        monkeypatch.setattr(lanes, "LINE", -1)
        told = lanes.places(queue, crowd.now)
        assert told == {pk: place for pk, place in line.items() if pk in told}
        assert list(told.values()) == list(range(1, len(told) + 1))
