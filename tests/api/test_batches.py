"""Many requests under one id: what is wrong with one is said of that one."""

from __future__ import annotations

import pytest

from billing.services import wallets
from billing.services.approvals import add_rule
from studio.api.v1.schemas import BatchMade, BatchOut
from studio.generation import services
from studio.generation.models import Batch, Job
from tests.api.conftest import problem, work
from tests.api.test_inputs import png, upload
from tests.api.test_jobs import BOAT
from tests.generation.conftest import agree, media, wallet

pytestmark = pytest.mark.django_db


@pytest.fixture
def robot(alice, rich, program):
    return program(alice)


def boats(number: int) -> list[dict[str, object]]:
    return [{**BOAT, "prompt": f"boat {seed}", "seed": seed} for seed in range(number)]


def test_all_are_made_under_one_id(rich, robot):
    made = robot.post("/batches", {"items": boats(3), "title": "Boats\x07\n of all colours"})

    told = made.json()
    assert made.status_code == 201
    assert made["Location"] == told["path"] == f"/api/v1/batches/{told['id']}"
    assert (told["status"], told["title"], told["size"], told["refused"], told["errors"]) == ("open", "Boats of all colours", 3, 0, [])
    assert told["jobs"] == {"approval": 0, "queued": 3, "running": 0, "succeeded": 0, "failed": 0, "canceled": 0}
    assert wallet(rich) == (100_000, 3_000)
    assert set(told) == set(BatchMade.model_fields)

    assert work() == 3
    over = robot.get(f"/batches/{told['id']}").json()
    assert (over["status"], over["credits"]) == ("finished", {"quoted": "3", "charged": "3"})
    assert set(over) == set(BatchOut.model_fields)
    items = robot.get(f"/batches/{told['id']}/items").json()
    assert [(one["index"], one["job"]["prompt"], one["error"]) for one in items["items"]] == [(n, f"boat {n}", None) for n in range(3)]
    assert items["next"] is None
    agree()


def test_bad_ones_are_reported_and_good_ones_made(rich, robot, monkeypatch):
    real = services.batches.words.refusals

    def refusals(team, texts):
        return {name: "“Rude” is not allowed." for name, text in texts.items() if "rude" in text} | dict(real(team, texts))

    monkeypatch.setattr("studio.moderation.words.refusals", refusals)
    good = boats(2)
    items = [good[0], {**BOAT, "seed": -1}, "nothing", {**BOAT, "colour": "red"}, {**BOAT, "prompt": "rude"}, {"engine": "x"}, good[1]]

    told = robot.post("/batches", {"items": items}).json()

    assert (told["size"], told["refused"]) == (2, 5)
    assert [(one["index"], one["error"]["code"], list(one["error"]["errors"])) for one in told["errors"]] == [
        (1, "fields_refused", ["seed"]),
        (2, "invalid", ["item"]),
        (3, "invalid", ["colour"]),
        (4, "words_refused", []),
        (5, "fields_refused", ["engine"]),
    ]
    assert wallet(rich) == (100_000, 2_000)
    listed = robot.get(f"/batches/{told['id']}/items", {"limit": 4}).json()
    rest = robot.get(f"/batches/{told['id']}/items", {"limit": 4, "cursor": listed["next"]}).json()
    everything = listed["items"] + rest["items"]
    assert [one["index"] for one in everything] == list(range(7))
    assert [one["job"] is not None for one in everything] == [True, False, False, False, False, False, True]
    assert [one["error"] for one in everything if one["error"]] == [one["error"] for one in told["errors"]]
    assert rest["next"] is None


def test_when_none_can_be_made_the_whole_is_refused(rich, robot):
    told = problem(robot.post("/batches", {"items": [{"engine": "x"}, 3]}), 422, "batch_refused")

    assert set(told["items"]) == {"0", "1"}
    assert not Batch.objects.exists()


@pytest.mark.parametrize("items", [[], [BOAT] * 501, {}, None])
def test_from_one_to_five_hundred(robot, items):
    problem(robot.post("/batches", {"items": items}), 422, "invalid")
    assert not Batch.objects.exists()


def test_the_good_ones_are_paid_together_or_none_is_made(alice, team, program):
    wallets.grant(wallets.wallet_of(team), 2_000, reference="test", description="For the test")

    told = problem(program(alice).post("/batches", {"items": [*boats(3), {"engine": "x"}]}), 402, "insufficient_credits")

    assert "2 of its 3" in told["detail"]
    assert wallet(team) == (2_000, 0)
    assert not Job.objects.exists()


def test_an_engine_that_the_key_is_not_for_is_said_of_its_items(alice, rich, program):
    told = problem(program(alice, engines=["stability"]).post("/batches", {"items": boats(1)}), 422, "batch_refused")

    assert "not among the engines of the API key" in told["items"]["0"]


def test_items_may_start_from_files_of_their_own_and_keep_them_when_made_again(rich, robot):
    ids = [upload(robot, png((64, 64), colour)).json()["id"] for colour in ("red", "blue")]
    items = [{**BOAT, "mode": "image-to-image", "prompt": f"boat {one}", "inputs": {"image": one}} for one in ids]

    told = robot.post("/batches", {"items": items}).json()

    assert [str(job.image_id) for job in Job.objects.order_by("batch_place")] == ids
    for job in services.claim(["null"], "w", batch=False) + services.claim(["null"], "w", batch=False):
        services.fail(job, "engine_failed")
    again = robot.post(f"/batches/{told['id']}/retry")
    assert (again.status_code, again.json()["kind"], again.json()["size"]) == (201, "program", 2)
    assert [str(job.image_id) for job in Job.objects.filter(batch=again.json()["id"]).order_by("batch_place")] == ids
    problem(robot.post(f"/batches/{told['id']}/retry"), 409, "nothing_to_retry")


def test_pause_go_on_and_cancel(rich, robot):
    told = robot.post("/batches", {"items": boats(3)}).json()
    path = f"/batches/{told['id']}"

    assert robot.post(f"{path}/pause").json()["status"] == "paused"
    assert robot.post(f"{path}/pause").json()["status"] == "paused"
    assert services.claim(["null"], "w") == []
    assert robot.post(f"{path}/resume").json()["status"] == "open"
    [job] = services.claim(["null"], "w", batch=False)
    assert services.succeed(job, media())
    stopped = robot.post(f"{path}/cancel").json()
    assert (stopped["status"], stopped["jobs"]["canceled"], stopped["jobs"]["succeeded"]) == ("canceled", 2, 1)
    assert wallet(rich) == (99_000, 0)
    problem(robot.post(f"{path}/pause"), 409, "nothing_to_pause")
    agree()


def test_the_answer_can_wait_for_all(robot):
    told = robot.post("/batches", {"items": boats(3)}).json()

    assert robot.get(f"/batches/{told['id']}?wait=30").json()["status"] == "finished"


def test_what_needs_approval_waits_together(alice, bob, rich, program):
    add_rule(wallets.wallet_of(rich), kind="credits", threshold=2_000, by=alice)

    told = program(bob).post("/batches", {"items": boats(3)}).json()

    assert told["jobs"]["approval"] == 3


def test_nothing_of_another_team_and_nothing_of_others_without_the_library(alice, bob, mallory, other_team, rich, robot, program):
    told = robot.post("/batches", {"items": boats(1)}).json()
    path = f"/batches/{told['id']}"

    for stranger in (program(mallory), program(alice, scopes=("generate",)), program(bob, scopes=("generate",))):
        for method, address in (("get", path), ("get", f"{path}/items"), ("post", f"{path}/pause"), ("post", f"{path}/cancel")):
            problem(stranger.ask(method, address), 404, "not_found")
        assert stranger.get("/batches").json()["items"] == []
    problem(program(bob, scopes=("generate", "library:read")).post(f"{path}/cancel"), 403, "scope_missing")
    assert program(bob).post(f"{path}/cancel").json()["status"] == "canceled"


def test_a_batch_of_five_hundred_takes_no_query_for_each(robot, team, django_assert_max_num_queries):
    wallets.grant(wallets.wallet_of(team), 500_000, reference="more", description="For the test")
    with django_assert_max_num_queries(80):
        made = robot.post("/batches", {"items": boats(500)})
    assert made.json()["size"] == 500


@pytest.mark.parametrize("depth", [21, 300, 500, 5000])
@pytest.mark.parametrize(("begin", "end"), [("[", "]"), ('{"a":', "}")])
def test_what_is_nested_too_deeply_is_refused(robot, depth, begin, end):
    body = f'{{"items": [{begin * depth}1{end * depth}]}}'
    answer = robot.client.generic("POST", "/api/v1/batches", body, content_type="application/json")
    if depth < 1000:
        told = problem(answer, 422, "invalid")
        assert "lists and objects are nested at most 20 deep" in told["errors"]["items"]
    else:  # Python's own reader gives up
        problem(answer, 400, "unreadable")
