"""One request by program, from the submit to the bytes."""

from __future__ import annotations

import uuid

import pytest
from django.urls import reverse

from accounts.access import SESSION_KEY
from billing.models import Hold, Plan, Scope
from billing.services import budgets, wallets
from billing.services.approvals import add_rule
from studio.api.v1.schemas import JobOut
from studio.generation import services
from studio.generation.models import Artifact, Job
from tests.api.conftest import problem, work
from tests.generation.conftest import agree, price_of_one, wallet

pytestmark = pytest.mark.django_db

BOAT = {"engine": "null", "prompt": "a boat", "width": 512, "height": 512, "seed": 7}


@pytest.fixture
def robot(alice, rich, program):
    return program(alice)


def test_a_job_is_submitted_made_and_fetched(alice, rich, robot):
    made = robot.post("/jobs", {**BOAT, "num_images": 2})

    told = made.json()
    assert made.status_code == 201
    assert made["Location"] == f"/api/v1/jobs/{told['id']}"
    assert (told["status"], told["engine"], told["mode"], told["prompt"]) == ("queued", "null", "text-to-image", "a boat")
    assert told["credits"] == {"quoted": "2", "charged": None}
    assert told["api_key"] == {"id": robot.key.public_id, "name": "Robot"}
    assert told["results"] == []
    assert wallet(rich) == (100_000, 2_000)

    work()
    over = robot.get(f"/jobs/{told['id']}").json()

    assert over["status"] == "succeeded"
    assert over["credits"] == {"quoted": "2", "charged": "2"}
    assert [(one["index"], one["mime"], one["width"], one["height"], one["seed"]) for one in over["results"]] == [
        (0, "image/png", 512, 512, 7),
        (1, "image/png", 512, 512, 8),
    ]
    assert wallet(rich) == (98_000, 0)
    agree()
    for one in over["results"]:
        artifact = Artifact.objects.get(pk=one["id"])
        data = robot.get(one["path"])
        assert data["Content-Type"] == "image/png"
        assert len(b"".join(data)) == one["bytes"] == artifact.bytes
        assert (artifact.api_key, artifact.user) == (robot.key, alice)
    JobOut.model_validate(over)
    assert set(over) == set(JobOut.model_fields)


def test_what_was_made_has_had_all_its_steps(robot):
    """They are noted now and then, so that the last ones are not."""
    made = robot.post("/jobs?wait=5", BOAT).json()["id"]
    Job.objects.update(step=27, total_steps=30)
    assert robot.get(f"/jobs/{made}").json()["progress"] == {"step": 30, "total": 30}
    Job.objects.update(status=Job.Status.FAILED)
    assert robot.get(f"/jobs/{made}").json()["progress"] == {"step": 27, "total": 30}


def test_the_bytes_come_in_parts_and_not_twice(robot):
    [result] = robot.post("/jobs?wait=5", BOAT).json()["results"]
    whole = robot.get(result["path"])
    data = b"".join(whole)

    part = robot.get(result["path"], headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, data[10:20])
    assert part["Content-Range"] == f"bytes 10-19/{len(data)}"
    assert robot.get(result["path"], headers={"If-None-Match": whole["ETag"]}).status_code == 304
    outside = robot.get(result["path"], headers={"Range": f"bytes={len(data)}-"})
    problem(outside, 416, "no_such_range")
    assert outside["Content-Range"] == f"bytes */{len(data)}"
    problem(robot.get(result["path"].replace("/0", "/1")), 404, "not_found")


def test_a_result_in_the_trash_is_not_told(robot):
    told = robot.post("/jobs?wait=5", BOAT).json()
    Artifact.objects.update(deleted_at="2026-01-01T00:00Z")

    assert robot.get(f"/jobs/{told['id']}").json()["results"] == []
    problem(robot.get(told["results"][0]["path"]), 404, "not_found")


def test_the_answer_can_wait_for_the_end(robot):
    assert robot.post("/jobs?wait=30", BOAT).json()["status"] == "succeeded"

    later = robot.post("/jobs", {**BOAT, "seed": 8}).json()
    assert robot.get(f"/jobs/{later['id']}?wait=30").json()["status"] == "succeeded"
    problem(robot.get(f"/jobs/{later['id']}?wait=61"), 422, "invalid")


def test_what_is_not_there_any_more_when_the_wait_is_over_is_a_problem(robot):
    made = robot.post("/jobs", BOAT).json()
    waiting = robot.client.get(f"/api/v1/jobs/{made['id']}?wait=30")
    services.cancel(Job.objects.get())
    Job.objects.update(team=robot.key.user.memberships.exclude(team=robot.key.team).get().team)
    problem(waiting.finish_now(), 404, "not_found")


def test_a_mistake_of_ours_when_the_wait_is_over_is_a_problem(robot, monkeypatch):
    made = robot.post("/jobs", BOAT).json()
    waiting = robot.client.get(f"/api/v1/jobs/{made['id']}?wait=30")
    monkeypatch.setattr("studio.api.v1.jobs.job_facts", lambda job: 1 // 0)
    problem(waiting.finish_now(), 500, "internal")


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"engine": "nothing"}, "engine"),
        ({"mode": "inpainting-of-all"}, "mode"),
        ({"prompt": ""}, "prompt"),
        ({"width": 511, "height": 512}, "width"),
        ({"height": None}, "height"),
        ({"num_images": 0}, "num_images"),
        ({"num_images": 10**30}, "num_images"),
        ({"seed": -1}, "seed"),
        ({"settings": {"colour": "red"}}, "settings.colour"),
        ({"inputs": {"image": str(uuid.uuid4())}}, "inputs.image"),
        ({"source": str(uuid.uuid4())}, "source"),
        ({"mode": "image-to-image"}, "inputs.image"),
        ({"colour": "red"}, "colour"),
        ({"width": "wide"}, "width"),
        ({"seed": 1.5}, "seed"),
        ({"prompt": 3}, "prompt"),
        ({"settings": {"colour": ["red"]}}, None),
    ],
)
def test_what_is_wrong_is_said_by_the_name_of_the_field_and_costs_nothing(rich, robot, change, name):
    answer = robot.post("/jobs", {**BOAT, **change})

    told = answer.json()
    assert answer.status_code == 422, told
    assert answer["Content-Type"] == "application/problem+json"
    assert told["code"] in ("fields_refused", "invalid")
    assert name is None or name in told["errors"], told
    assert all(said.endswith(".") for said in told["errors"].values())
    assert not Job.objects.exists()
    assert wallet(rich) == (100_000, 0)


@pytest.mark.parametrize(
    "body", ["", "{", "[]", "null", '"text"', "[" * 100_000, '{"engine": "null", "prompt": "\\ud800"}', "NaN", "1" * 5000]
)
def test_a_body_that_is_none_is_a_problem(robot, body):
    answer = robot.client.post("/api/v1/jobs", body, content_type="application/json")

    assert answer.status_code in (400, 422)
    assert answer["Content-Type"] == "application/problem+json"
    assert not Job.objects.exists()


def test_a_prompt_goes_out_as_it_is_written_unless_it_has_alternatives(robot):
    literal = robot.post("/jobs", {**BOAT, "prompt": "a {red|blue} __colour__ boat"}).json()
    drawn = robot.post("/jobs", {**BOAT, "prompt": "a {red|red} boat", "alternatives": True}).json()

    assert literal["prompt"] == "a {red|blue} __colour__ boat"
    assert drawn["prompt"] == "a red boat"
    several = {**BOAT, "prompt": "a {red|blue} boat", "alternatives": True, "num_images": 2}
    assert "num_images" in problem(robot.post("/jobs", several), 422, "fields_refused")["errors"]


def test_too_few_credits(alice, team, program):
    told = problem(program(alice).post("/jobs", BOAT), 402, "insufficient_credits")

    assert told["detail"] == "This costs 1 credit and 0 are available. Add credits to the wallet, or choose something that costs less."
    assert not Job.objects.exists()


def test_a_budget_that_is_used_up(alice, rich, robot):
    budgets.set_limits(wallets.wallet_of(rich), by=alice, day=0, month=None, scope=Scope.TEAM)

    problem(robot.post("/jobs", BOAT), 402, "over_budget")
    assert wallet(rich) == (100_000, 0)


def test_the_budget_of_the_key_itself(alice, rich, program):
    robot = program(alice, budget_day=price_of_one())

    assert robot.post("/jobs", BOAT).status_code == 201
    assert "Robot" in problem(robot.post("/jobs", {**BOAT, "seed": 8}), 402, "over_budget")["detail"]
    assert Job.objects.count() == 1


def test_an_engine_that_the_key_is_not_for(alice, rich, program):
    robot = program(alice, engines=["stability"])

    assert "engine" in problem(robot.post("/jobs", BOAT), 403, "engine_not_allowed")["errors"]
    [null] = [one for one in robot.get("/engines").json()["items"] if one["id"] == "null"]
    assert (null["usable"], null["refusal"]) == (False, problem(robot.post("/jobs", BOAT), 403, "engine_not_allowed")["detail"])


def test_as_many_jobs_at_once_as_the_plan_runs(rich, robot):
    Plan.objects.filter(slug="studio").update(jobs_at_once=1)
    robot.post("/jobs", BOAT)

    refused = robot.post("/jobs", {**BOAT, "seed": 8})

    problem(refused, 429, "plan_limit")
    assert int(refused["Retry-After"]) > 0
    assert int(refused["RateLimit-Remaining"]) > 0  # it is the jobs that are too many, not the requests
    work()
    assert robot.post("/jobs", {**BOAT, "seed": 8}).status_code == 201


def test_a_library_that_is_full(rich, robot):
    Plan.objects.filter(slug="studio").update(storage=1)
    robot.post("/jobs?wait=1", BOAT)

    problem(robot.post("/jobs", {**BOAT, "seed": 8}), 403, "plan_limit")


def test_words_that_are_not_allowed(robot, settings, monkeypatch):
    monkeypatch.setattr("studio.moderation.words.refusals", lambda team, texts: {"prompt": "The word “boat” is not allowed here."})

    told = problem(robot.post("/jobs", BOAT), 422, "words_refused")
    assert told["errors"] == {"prompt": "The word “boat” is not allowed here."}
    assert not Hold.objects.exists()


def test_what_needs_approval_is_a_job_that_waits(alice, bob, rich, program):
    add_rule(wallets.wallet_of(rich), kind="credits", threshold=500, by=alice)
    robot = program(bob)

    told = robot.post("/jobs", BOAT).json()

    assert told["status"] == "approval"
    assert told["approval"]["verdict"] is None
    assert told["approval"]["reason"]
    assert work() == 0
    assert robot.post(f"/jobs/{told['id']}/cancel").json()["status"] == "canceled"
    assert wallet(rich) == (100_000, 0)


def test_a_job_is_canceled_and_costs_nothing(rich, robot):
    told = robot.post("/jobs", BOAT).json()

    stopped = robot.post(f"/jobs/{told['id']}/cancel").json()

    assert (stopped["status"], stopped["credits"]["charged"]) == ("canceled", "0")
    assert robot.post(f"/jobs/{told['id']}/cancel").json() == stopped
    assert wallet(rich) == (100_000, 0)
    agree()


def test_a_job_of_somebody_else_is_stopped_by_a_curator_only(alice, bob, carol, rich, program):
    theirs = program(bob).post("/jobs", BOAT).json()["id"]

    problem(program(alice, scopes=("generate", "library:read")).post(f"/jobs/{theirs}/cancel"), 403, "scope_missing")
    problem(program(carol).post(f"/jobs/{theirs}/cancel"), 403, "scope_missing")
    assert program(alice).post(f"/jobs/{theirs}/cancel").json()["status"] == "canceled"


def test_a_failed_job_says_why(robot):
    told = robot.post("/jobs", BOAT).json()
    [job] = services.claim(["null"], "w")
    services.fail(job, "content_filtered", fields={"prompt": "Not this."})

    error = robot.get(f"/jobs/{told['id']}").json()["error"]

    assert error["code"] == "content_filtered"
    assert error["fields"] == {"prompt": "Not this."}
    assert error["message"].startswith("The content filter refused this.")


def test_jobs_are_listed_by_cursor_newest_first(robot):
    ids = [robot.post("/jobs", {**BOAT, "seed": seed}).json()["id"] for seed in range(5)]
    robot.post(f"/jobs/{ids[0]}/cancel")

    first = robot.get("/jobs?limit=2").json()
    second = robot.get("/jobs", {"limit": 2, "cursor": first["next"]}).json()
    third = robot.get("/jobs", {"limit": 2, "cursor": second["next"]}).json()

    assert [one["id"] for page in (first, second, third) for one in page["items"]] == ids[::-1]
    assert third["next"] is None
    assert [one["id"] for one in robot.get("/jobs?status=canceled").json()["items"]] == [ids[0]]
    assert robot.get("/jobs?status=succeeded&status=canceled&engine=null").json()["items"][0]["id"] == ids[0]
    assert robot.get("/jobs?engine=other").json()["items"] == []
    for wrong in ("x", "!!", "bm8", "é" * 3):
        assert "cursor" in problem(robot.get("/jobs", {"cursor": wrong}), 422, "fields_refused")["errors"]


def test_a_list_takes_as_many_queries_for_many_as_for_one(robot, django_assert_max_num_queries):
    for seed in range(10):
        robot.post("/jobs?wait=1", {**BOAT, "seed": seed})
    with django_assert_max_num_queries(6):
        assert len(robot.get("/jobs").json()["items"]) == 10


def test_nothing_of_another_team_is_there(mallory, other_team, robot, program):
    told = robot.post("/jobs?wait=1", BOAT).json()
    stranger = program(mallory)

    nothing = problem(stranger.get(f"/jobs/{uuid.uuid4()}"), 404, "not_found")
    for path in (f"/jobs/{told['id']}", f"/jobs/{told['id']}/events", told["results"][0]["path"]):
        assert problem(stranger.get(path), 404, "not_found") == nothing
    assert problem(stranger.post(f"/jobs/{told['id']}/cancel"), 404, "not_found") == nothing
    assert stranger.get("/jobs").json()["items"] == []
    source = problem(stranger.post("/jobs", {**BOAT, "source": told["results"][0]["id"], "mode": "image-to-image"}), 422, "fields_refused")
    assert source["errors"] == {"source": "There is no such thing in the library."}


def test_a_key_sees_its_own_team_only_whatever_other_teams_its_person_is_in(alice, rich, robot, program):
    from accounts.services import create_team

    elsewhere = program(alice, create_team("Second", alice))
    told = robot.post("/jobs?wait=1", BOAT).json()

    problem(elsewhere.get(f"/jobs/{told['id']}"), 404, "not_found")
    upload = robot.post("/jobs", {**BOAT, "mode": "image-to-image", "source": told["results"][0]["id"]})
    assert upload.status_code == 201
    kept = str(Job.objects.get(pk=upload.json()["id"]).image_id)
    refused = problem(elsewhere.post("/jobs", {**BOAT, "mode": "image-to-image", "inputs": {"image": kept}}), 422, "fields_refused")
    assert set(refused["errors"]) == {"inputs.image"}


def test_without_the_library_a_key_sees_what_was_asked_for_with_it_or_with_what_it_replaced(alice, bob, rich, program):
    from accounts import keys

    narrow, other = program(alice, scopes=("generate",)), program(alice, scopes=("generate",), name="Other")
    own, theirs = narrow.post("/jobs", BOAT).json()["id"], other.post("/jobs", {**BOAT, "seed": 8}).json()["id"]

    assert [one["id"] for one in narrow.get("/jobs").json()["items"]] == [own]
    problem(narrow.get(f"/jobs/{theirs}"), 404, "not_found")
    secret = keys.rotate(narrow.key, by=alice).secret
    assert narrow.client.get(f"/api/v1/jobs/{own}", headers={"Authorization": secret}).status_code == 200
    assert {one["id"] for one in program(bob, scopes=("library:read",)).get("/jobs").json()["items"]} == {own, theirs}


def test_a_preview_says_so_or_is_refused(robot):
    problem(robot.post("/jobs", {**BOAT, "preview": True}), 422, "no_preview")


def test_a_page_shows_what_a_program_asked_for(alice, client_of, robot):
    told = robot.post("/jobs?wait=1", BOAT).json()

    page = client_of(alice).get(reverse("create"), {"job": told["id"]})

    assert page.status_code == 200
    assert told["id"] in page.content.decode()
    assert client_of(alice).session[SESSION_KEY] == robot.key.team_id
