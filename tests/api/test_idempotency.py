"""The same request sent twice is one job."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connections
from django.utils import timezone

from accounts import keys
from accounts.keys import organization_id
from accounts.models import Team
from billing.services import wallets
from studio.api.models import Submission
from studio.api.once import forget
from studio.generation.models import Batch, Job
from tests.api.conftest import problem, work
from tests.api.test_jobs import BOAT
from tests.generation.conftest import wallet

pytestmark = pytest.mark.django_db


def same(key: str) -> dict[str, str]:
    return {"Idempotency-Key": key}


@pytest.fixture
def robot(alice, rich, program):
    return program(alice)


def test_the_same_key_and_body_give_the_same_job_and_one_hold(rich, robot):
    first = robot.post("/jobs", BOAT, headers=same("k 1"))
    again = robot.post("/jobs", dict(reversed(BOAT.items())), headers=same("k 1"))

    assert (first.status_code, again.status_code) == (201, 200)
    assert (first.has_header("Idempotency-Replayed"), again["Idempotency-Replayed"]) == (False, "true")
    assert first.json() == again.json()
    assert first["Location"] == again["Location"]
    assert wallet(rich) == (100_000, 1_000)
    work()
    assert robot.post("/jobs", BOAT, headers=same("k 1")).json()["status"] == "succeeded"
    assert Job.objects.count() == 1


def test_another_body_under_the_same_key_is_refused(rich, robot):
    robot.post("/jobs", BOAT, headers=same("k"))

    problem(robot.post("/jobs", {**BOAT, "seed": 8}, headers=same("k")), 409, "idempotency_conflict")
    problem(robot.post("/batches", {"items": [BOAT]}, headers=same("k")), 409, "idempotency_conflict")
    assert wallet(rich) == (100_000, 1_000)


def test_another_team_under_the_same_key_is_refused(alice, rich, program):
    """It may be one that the person has left since."""
    robot = program(alice, all_teams=True)
    robot.post("/jobs", BOAT, headers=same("k"))
    own = Team.objects.get(is_personal=True, memberships__user=alice)

    elsewhere = robot.post("/jobs", BOAT, headers={**same("k"), "Organization": organization_id(own)})

    problem(elsewhere, 409, "idempotency_conflict")


def test_another_key_of_the_studio_has_keys_of_its_own(alice, robot, program):
    first, other = robot.post("/jobs", BOAT, headers=same("k")), program(alice).post("/jobs", BOAT, headers=same("k"))

    assert (first.status_code, other.status_code) == (201, 201)
    assert first.json()["id"] != other.json()["id"]


def test_a_new_secret_of_the_same_key_gives_the_first_job(alice, rich, robot):
    first = robot.post("/jobs", BOAT, headers=same("k"))
    made = keys.rotate(robot.key, by=alice)
    newest = keys.rotate(made.key, by=alice)

    for secret in (made.secret, newest.secret):
        again = robot.post("/jobs", BOAT, headers={**same("k"), "Authorization": f"Bearer {secret}"})
        assert (again.status_code, again["Idempotency-Replayed"], again.json()["id"]) == (200, "true", first.json()["id"])
    problem(
        robot.post("/jobs", {**BOAT, "seed": 8}, headers={**same("k"), "Authorization": f"Bearer {made.secret}"}),
        409,
        "idempotency_conflict",
    )
    later = robot.post("/jobs", BOAT, headers={**same("later"), "Authorization": f"Bearer {newest.secret}"})
    assert later.status_code == 201
    assert robot.post("/jobs", BOAT, headers=same("later")).json()["id"] == later.json()["id"], "with the old secret, while it holds"
    assert Job.objects.count() == 2
    assert wallet(rich) == (100_000, 2_000)


def test_what_was_refused_may_come_again_mended_or_when_there_is_money(alice, team, program):
    robot = program(alice)
    problem(robot.post("/jobs", {**BOAT, "seed": -1}, headers=same("k")), 422, "fields_refused")
    problem(robot.post("/jobs", BOAT, headers=same("k")), 402, "insufficient_credits")
    assert not Submission.objects.exists()

    wallets.grant(wallets.wallet_of(team), 10_000, reference="test", description="For the test")

    assert robot.post("/jobs", BOAT, headers=same("k")).status_code == 201


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "a\tb", "é", " a", "a "])
def test_a_key_is_printable_and_not_too_long(robot, key):
    problem(robot.post("/jobs", BOAT, headers=same(key)), 400, "bad_idempotency_key")
    assert not Job.objects.exists()


def test_the_longest_key(robot):
    assert robot.post("/jobs", BOAT, headers=same("~" * 255)).status_code == 201
    assert robot.post("/jobs", BOAT, headers=same("~" * 255)).status_code == 200


def test_a_batch_is_made_once_and_says_the_same_of_what_was_wrong(rich, robot):
    body = {"items": [BOAT, {"engine": "none"}]}
    first, again = (robot.post("/batches", body, headers=same("k")) for _ in range(2))

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert [one["index"] for one in again.json()["errors"]] == [1]
    assert (Batch.objects.count(), Job.objects.count()) == (1, 1)


def test_a_submit_whose_process_died_before_it_was_noted_gives_the_job_that_it_made(rich, robot):
    first = robot.post("/jobs", BOAT, headers=same("k")).json()
    Submission.objects.update(job=None)

    again = robot.post("/jobs", BOAT, headers=same("k"))

    assert again.json()["id"] == first["id"]
    assert again["Idempotency-Replayed"] == "true"
    assert Submission.objects.get().job_id == Job.objects.get().pk


def test_after_a_month_a_key_is_new_again(robot):
    first = robot.post("/jobs", BOAT, headers=same("k")).json()
    Submission.objects.update(created_at=timezone.now() - timedelta(days=29))
    assert forget() == 0
    Submission.objects.update(created_at=timezone.now() - timedelta(days=31))
    assert forget() == 1

    again = robot.post("/jobs", BOAT, headers=same("k"))

    assert again.status_code == 201
    assert again.json()["id"] != first["id"]


@pytest.mark.django_db(transaction=True)
def test_the_same_key_at_the_very_same_time_makes_one_job(alice, rich, robot):
    robot.works, number = False, 6
    ready = Barrier(number)
    answers = []

    def ask(_: int) -> None:
        try:
            ready.wait(60)
            answers.append(robot.post("/jobs", BOAT, headers=same("k")))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(number) as pool:
        list(pool.map(ask, range(number)))

    assert sorted(one.status_code for one in answers) == [200] * (number - 1) + [201]
    assert len({one.json()["id"] for one in answers}) == 1
    assert wallet(rich) == (100_000, 1_000)
