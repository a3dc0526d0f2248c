"""What can be asked for."""

from __future__ import annotations

import pytest

from billing.models import Plan
from studio.api.v1.schemas import EngineOut
from studio.backends import registry
from tests.api.conftest import problem
from tests.api.test_jobs import BOAT

pytestmark = pytest.mark.django_db


def test_every_engine_is_described_so_that_a_program_can_ask_right(alice, rich, program):
    robot = program(alice)

    listed = robot.get("/engines").json()["items"]

    assert [one["id"] for one in listed] == [engine.id for engine in registry.engines()]
    for one in listed:
        EngineOut.model_validate(one)
        assert set(one) == set(EngineOut.model_fields)
        engine = registry.engine(one["id"])
        assert [mode["name"] for mode in one["modes"]] == list(engine.modes)
        named = {setting["name"] for setting in one["settings"]}
        assert all(set(mode["settings"]) <= named for mode in one["modes"])
        assert robot.get(f"/engines/{one['id']}").json() == one


def test_what_is_described_can_be_asked_for(alice, rich, program):
    robot = program(alice)
    null = robot.get("/engines/null").json()

    size = null["sizes"]["default"]
    made = robot.post("/jobs", {**BOAT, "width": size[0], "height": size[1], "num_images": null["max_images"], "seed": null["max_seed"]})
    assert made.status_code == 201
    over = robot.post("/jobs", {**BOAT, "num_images": null["max_images"] + 1})
    assert set(problem(over, 422, "fields_refused")["errors"]) == {"num_images"}
    assert null["price"]["usual"] == robot.post("/quotes", BOAT).json()["credits"]


def test_no_such_engine(alice, program):
    problem(program(alice).get("/engines/none"), 404, "not_found")


def test_a_key_without_any_of_the_scopes_sees_them_too(alice, program):
    assert program(alice, scopes=("webhooks",)).get("/engines").status_code == 200


def test_an_engine_that_the_plan_does_not_have(alice, rich, program):
    Plan.objects.filter(slug="studio").update(engines=["something else"])
    robot = program(alice)

    null = robot.get("/engines/null").json()

    assert null["usable"] is False
    assert null["refusal"] == problem(robot.post("/jobs", BOAT), 403, "plan_limit")["detail"]
