"""What `lanes.heads` gives first is what `JobQuerySet.claimable` gives first, whatever waits."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Team, User
from accounts.services import create_team
from studio.generation import lanes, services
from studio.generation.models import Batch, Job, PausedQueue
from studio.ids import uuid7
from tests import factories

pytestmark = pytest.mark.django_db

QUEUES = ("null", "stability", "diffusers")
PRIORITIES = (-1, -1, 0, 0, 0, 3)


class Crowd:
    """Jobs of several teams, single and in batches, in every state that counts when the next is chosen. `seed` decides all of it."""

    def __init__(self, alice: User, seed: int) -> None:
        self.chance = random.Random(seed)
        self.now = timezone.now()
        self.teams = [create_team(f"Quay {number}", alice) for number in range(4)]
        self.batches = [self._batch(alice, team) for team in self.teams for _ in range(2)]
        for _ in range(self.chance.choice((6, 40))):
            self._job(alice)
        for queue in QUEUES:
            if self.chance.random() < 0.15:
                PausedQueue.objects.create(queue=queue)

    def _batch(self, alice: User, team: Team) -> Batch:
        paused = self.now if self.chance.random() < 0.25 else None
        told: dict[str, Any] = {"kind": "table", "title": "Boats", "size": 40, "idempotency_key": uuid7().hex}
        return Batch.objects.create(team=team, user=alice, at_once=self.chance.choice((None, 1, 2)), paused_at=paused, **told)

    def _job(self, alice: User) -> None:
        batch = self.chance.choice([None, *self.batches])
        team = batch.team if batch else self.chance.choice(self.teams)
        job = factories.make_job(team, alice, queue=self.chance.choice(QUEUES))
        Job.objects.filter(pk=job.pk).update(
            batch=batch,
            status=self.chance.choice(("queued",) * 5 + ("running", "succeeded")),
            priority=self.chance.choice(PRIORITIES),
            run_after=self.chance.choice((None, None, None, self.now - timedelta(seconds=1), self.now + timedelta(hours=1))),
            cancel_requested_at=self.now if self.chance.random() < 0.05 else None,
            moved_up_at=self.now - timedelta(seconds=self.chance.randrange(99)) if self.chance.random() < 0.05 else None,
        )


@pytest.mark.parametrize("seed", range(12))
def test_one_after_another_they_come_in_the_order_that_reads_all(seed, alice):
    """Until nothing is left that may be taken, with jobs that end in between."""
    crowd = Crowd(alice, seed)
    queues = crowd.chance.sample(QUEUES, crowd.chance.randrange(1, 4))
    while True:
        expected = list(Job.objects.claimable(queues, crowd.now)[:1])
        found = lanes.heads(queues, crowd.now, 8)
        assert found[:1] == expected
        assert [(one.running_in_team, one.at_once) for one in found[:1]] == [(one.running_in_team, one.at_once) for one in expected]
        if not expected:
            break
        Job.objects.filter(pk=expected[0].pk).update(status="running")
        if crowd.chance.random() < 0.5:
            over = Job.objects.filter(status="running").values_list("pk", flat=True)[: crowd.chance.randrange(1, 3)]
            Job.objects.filter(pk__in=list(over)).update(status="succeeded")


def test_it_is_all_that_a_claim_needs(alice, rich, make_job):
    """Each one is the first of its lane: what stands behind it cannot be next."""
    single, behind = make_job(alice, rich), make_job(alice, rich)
    batch = factories.make_batch(rich, alice, 2)
    first, second = batch.jobs.order_by("batch_place")
    assert lanes.heads(["null"], timezone.now(), 8) == [single, first]
    services.move_up(second, by=alice)
    assert lanes.heads(["null"], timezone.now(), 8) == [second, single, first]
    assert lanes.heads(["null"], timezone.now(), 1) == [second]
    assert behind not in lanes.heads(["null"], timezone.now(), 8)


def test_one_query_whatever_waits(alice, rich, make_job):
    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            lanes.heads(["null", "stability"], timezone.now(), 8)
        return len(seen)

    assert queries() == 1
    for _ in range(3):
        make_job(alice, rich)
    assert queries() == 1


def test_a_name_of_a_queue_is_a_value(alice, rich, make_job):
    make_job(alice, rich)
    assert lanes.heads(["null'); --", "%(now)s"], timezone.now(), 8) == []


def test_what_waits_is_found_by_its_indexes(alice, rich, make_job):
    """Read off the plan: without one of them a claim reads everything that waits, or that ever did."""
    for _ in range(40):
        make_job(alice, rich)
    Job.objects.update(status="succeeded")
    needed = {"job_next_single", "job_next_of_batch", "job_running_per_team"}
    with CaptureQueriesContext(connection) as seen:
        lanes.heads(["null"], timezone.now(), 8)
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            needed.add("job_moved_up")  # PostgreSQL takes it once there are rows
        else:
            cursor.execute("ANALYZE generation_job")  # it plans by what it knows of the rows, and else by what earlier tests left
            cursor.execute("SET LOCAL enable_seqscan = off")  # a table of a few rows is read as a whole
        cursor.execute(f"{'EXPLAIN QUERY PLAN' if connection.vendor == 'sqlite' else 'EXPLAIN'} {seen[0]['sql']}")
        plan = "\n".join(str(row) for row in cursor.fetchall())
    assert {index for index in needed if index in plan} == needed
