"""What is not to be paid twice, and what is tried for less first: with engines of a provider."""

from __future__ import annotations

import pytest

from studio.generation.models import Job
from tests.api.conftest import problem, work
from tests.generation.conftest import agree, provider, wallet  # noqa: F401 - a fixture
from tests.generation.paid import work as work_there
from tests.generation.test_before_the_press import workers  # noqa: F401 - a fixture
from tests.stability_server.fixtures import running_standin, standin  # noqa: F401 - fixtures

pytestmark = pytest.mark.django_db

LARGE = {"engine": "sd3.5-large", "prompt": "a boat", "seed": 7}


@pytest.fixture
def robot(alice, rich, program, provider, workers):  # noqa: F811
    return program(alice)


def test_the_same_again_is_given_for_nothing_unless_it_shall_be_made_anew(rich, robot):
    first = robot.post("/jobs", {**LARGE, "anew": False})
    under_way = robot.post("/jobs", {**LARGE, "anew": False})
    work_there()
    spent = wallet(rich)
    there = robot.post("/jobs", {**LARGE, "anew": False}, headers={"Idempotency-Key": "again"})

    assert [one.status_code for one in (first, under_way, there)] == [201, 200, 200]
    assert first.json()["id"] == under_way.json()["id"] == there.json()["id"]
    assert there.json()["status"] == "succeeded"
    assert not there.has_header("Idempotency-Replayed")
    assert wallet(rich) == spent
    assert robot.post("/jobs", LARGE).status_code == 201
    assert Job.objects.count() == 2
    agree()


def test_what_two_asked_for_is_stopped_for_all_only(robot):
    told = robot.post("/jobs", {**LARGE, "anew": False}).json()
    robot.post("/jobs", {**LARGE, "anew": False})

    problem(robot.post(f"/jobs/{told['id']}/cancel"), 409, "asked_for_twice")
    assert robot.post(f"/jobs/{told['id']}/cancel?for_all=true").json()["status"] == "canceled"


def test_a_preview_costs_less_and_becomes_what_was_meant(rich, robot):
    asked = {**LARGE, "preview": True}
    quoted = robot.post("/quotes", asked).json()
    told = robot.post("/jobs", asked).json()

    assert quoted["engine"] == told["engine"] != "sd3.5-large"
    assert float(quoted["credits"]) < float(robot.post("/quotes", LARGE).json()["credits"])
    assert (told["is_preview"], told["credits"]["quoted"]) == (True, quoted["credits"])
    problem(robot.post(f"/jobs/{told['id']}/results/0/final"), 404, "not_found")
    work_there()

    final = robot.post(f"/jobs/{told['id']}/results/0/final")
    again = robot.post(f"/jobs/{told['id']}/results/0/final")

    assert (final.status_code, final.json()["engine"], final.json()["is_preview"]) == (201, "sd3.5-large", False)
    assert (again.status_code, again.json()["id"]) == (200, final.json()["id"])
    assert Job.objects.get(pk=final.json()["id"]).request["seed"] == 7
    assert str(Job.objects.get(pk=final.json()["id"]).final_of.job_id) == told["id"]
    agree()


def test_what_is_no_preview_has_no_final(robot):
    told = robot.post("/jobs", {"engine": "null", "prompt": "a boat"}).json()
    work()

    problem(robot.post(f"/jobs/{told['id']}/results/0/final"), 409, "no_preview")


def test_once_more(robot):
    told = robot.post("/jobs", {"engine": "null", "prompt": "a boat", "seed": 3}).json()
    problem(robot.post(f"/jobs/{told['id']}/retry"), 409, "not_over")
    work()

    again = robot.post(f"/jobs/{told['id']}/retry", headers={"Idempotency-Key": "k"})
    replayed = robot.post(f"/jobs/{told['id']}/retry", headers={"Idempotency-Key": "k"})

    assert again.status_code == 201
    assert again.json()["id"] != told["id"]
    assert (again.json()["prompt"], replayed.json()["id"]) == ("a boat", again.json()["id"])
    assert Job.objects.get(pk=again.json()["id"]).retry_of_id == Job.objects.get(pk=told["id"]).pk
