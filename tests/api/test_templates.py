"""Templates by program: read with their versions, run with values; what does not fit is said by its name and costs nothing."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import Team, User
from accounts.services import create_team
from billing.services import wallets
from studio.generation.models import Job
from studio.prompts.models import PromptTemplate, Visibility
from studio.prompts.services import templates
from tests.api.conftest import problem, work
from tests.prompts.factories import CONTENT, content, make_template, newest

pytestmark = pytest.mark.django_db

Makes = Callable[..., Any]


def held(team: Team) -> int:
    return wallets.wallet_of(team).held


@pytest.fixture
def template(alice: User, rich: Team) -> PromptTemplate:
    return make_template(rich, alice, description="For the shop", tags=["shop", "product"])


def test_templates_and_versions_are_read(alice: User, template: PromptTemplate, program: Makes) -> None:
    robot = program(alice)
    one = robot.get(f"/templates/{template.pk}").json()
    assert {name: value for name, value in one.items() if not name.endswith("_at")} == {
        "id": str(template.pk),
        "object": "template",
        "name": "Product photo",
        "description": "For the shop",
        "tags": ["shop", "product"],
        "visibility": "team",
        "published": 1,
        "author": {"id": str(alice.pk), "name": "Alice Harbour"},
    }
    assert robot.get("/templates").json() == {"items": [one], "next": None}
    version = robot.get(f"/templates/{template.pk}/versions/1").json()
    assert (version["number"], version["status"], version["engine"], version["mode"]) == (1, "published", "null", "text-to-image")
    assert version["sections"] == CONTENT["sections"]
    assert version["negative"] == {"name": "negative", "text": "blurry", "locked": False}
    assert [(field["name"], field["type"], field["required"], field["default"], field["choices"]) for field in version["fields"]] == [
        ("product", "text", True, "a mug", []),
        ("light", "choice", False, "window light", ["window light", "studio light"]),
    ]
    assert (version["settings"], version["changeable"]) == ({"num_images": 2}, ["num_images"])
    problem(robot.get(f"/templates/{template.pk}/versions/2"), 404, "not_found")
    problem(robot.get(f"/templates/{template.pk}/versions/{10**12}"), 404, "not_found")


def test_versions_come_page_by_page(alice: User, template: PromptTemplate, program: Makes) -> None:
    for number in range(2, 6):
        templates.save_version(template, author=alice, content=content(f"Take {number} of {{product}}, {{light}}"), after=number - 1)
    robot = program(alice)
    first = robot.get(f"/templates/{template.pk}/versions", {"limit": 3}).json()
    templates.save_version(template, author=alice, content=content("Meanwhile {product}, {light}"), after=5)
    rest = robot.get(f"/templates/{template.pk}/versions", {"limit": 3, "cursor": first["next"]}).json()
    assert [one["number"] for one in first["items"] + rest["items"]] == [5, 4, 3, 2, 1]
    assert rest["next"] is None


def test_the_list_is_searched(alice: User, template: PromptTemplate, program: Makes) -> None:
    old = make_template(template.team, alice, name="Old poster", tags=["poster"])
    templates.archive(old, by=alice)
    robot = program(alice)
    for query, names in (
        ({}, ["Product photo"]),
        ({"q": "shop"}, ["Product photo"]),
        ({"q": "poster"}, []),
        ({"tag": "Shop"}, ["Product photo"]),
        ({"tag": "sho"}, []),
        ({"archived": "true"}, ["Old poster"]),
    ):
        assert [one["name"] for one in robot.get("/templates", query).json()["items"]] == names, query


def test_a_run_is_a_job_with_the_values(alice: User, template: PromptTemplate, program: Makes) -> None:
    """Held and charged like any other; what it was filled in with stays with it."""
    robot = program(alice)
    answer = robot.post(f"/templates/{template.pk}/runs", {"values": {"product": "a teapot"}, "num_images": 1})
    assert answer.status_code == 201, answer.content
    told = answer.json()
    assert (told["status"], told["engine"]) == ("queued", "null")
    assert told["prompt"] == "A photograph of a teapot, window light, Harbour Street house style, no text"
    job = Job.objects.get(pk=told["id"])
    assert job.template_version == template.published
    assert job.template_values["fields"] == {"product": "a teapot", "light": "window light"}
    assert (job.api_key, job.num_images, job.hold.api_key) == (robot.key, 1, robot.key)
    assert held(template.team) == job.hold.amount
    assert work() == 1
    assert robot.get(f"/jobs/{told['id']}").json()["status"] == "succeeded"


def test_what_is_left_out_is_as_the_template_has_it(alice: User, template: PromptTemplate, program: Makes) -> None:
    job = Job.objects.get(pk=program(alice).post(f"/templates/{template.pk}/runs", {}).json()["id"])
    assert (job.num_images, job.prompt[:30]) == (2, "A photograph of a mug, window ")


def test_sections_may_be_reworded_unless_they_are_locked(alice: User, template: PromptTemplate, program: Makes) -> None:
    robot, address = program(alice), f"/templates/{template.pk}/runs"
    told = robot.post(address, {"sections": {"subject": "A drawing of {product}", "negative": "text"}}).json()
    assert told["prompt"].startswith("A drawing of a mug, Harbour")
    errors = problem(robot.post(address, {"sections": {"constraints": "anything", "lighting": "soft"}}), 422, "fields_refused")["errors"]
    assert set(errors) == {"sections.constraints", "sections.lighting"}


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"values": {"product": ""}}, {"values.product"}),
        ({"values": {"light": "candle"}}, {"values.light"}),
        ({"values": {"produkt": "x", "light": "studio light"}}, {"values.produkt"}),
        ({"values": {"product": "x" * 501, "light": "neon"}}, {"values.product", "values.light"}),
        ({"version": 9}, {"version"}),
        ({"version": 0}, {"version"}),
        ({"engine": "nothing-like-it"}, {"engine"}),
        ({"mode": "image-to-image"}, {"mode"}),
        ({"seed": 5}, {"seed"}),
        ({"width": 128, "height": 128}, {"width"}),
        ({"width": 128}, {"height"}),
        ({"settings": {"num_inference_steps": 3}}, {"settings.num_inference_steps"}),
        ({"settings": {"sparkle": 1}}, {"settings.sparkle"}),
        ({"settings": {"num_images": 1}}, {"settings.num_images"}),
        ({"num_images": 99}, {"num_images"}),
        ({"inputs": {"image": str(uuid.uuid4())}}, {"inputs.image"}),
        ({"source": str(uuid.uuid4())}, {"source"}),
        ({"value": {}}, {"value"}),
        ({"values": {"product": {"a": 1}}}, None),
    ],
)
def test_what_does_not_fit_is_said_by_its_name(
    alice: User, template: PromptTemplate, program: Makes, body: dict[str, Any], fields: set[str] | None
) -> None:
    """Nothing is made, nothing is held."""
    answer = program(alice).post(f"/templates/{template.pk}/runs", body)
    assert answer.status_code == 422, answer.content
    errors = answer.json()["errors"]
    assert all(name.startswith("values.product") for name in errors) if fields is None else set(errors) == fields, errors
    assert all("page" not in said and "press" not in said for said in errors.values())
    assert not Job.objects.exists()
    assert held(template.team) == 0


def test_the_same_run_twice_is_one(alice: User, template: PromptTemplate, program: Makes) -> None:
    """By its Idempotency-Key; another body under it is refused."""
    robot, address = program(alice), f"/templates/{template.pk}/runs"
    once = {"headers": {"Idempotency-Key": "order 17"}}
    first = robot.post(address, {"values": {"product": "a jug"}}, **once)
    again = robot.post(address, {"values": {"product": "a jug"}}, **once)
    assert (first.status_code, again.status_code, again.json()["id"]) == (201, 200, first.json()["id"])
    assert again["Idempotency-Replayed"] == "true"
    problem(robot.post(address, {"values": {"product": "a vase"}}, **once), 409, "idempotency_conflict")
    assert Job.objects.count() == 1


def test_a_run_can_be_waited_for(alice: User, template: PromptTemplate, program: Makes) -> None:
    told = program(alice).post(f"/templates/{template.pk}/runs?wait=30", {"num_images": 1}).json()
    assert (told["status"], len(told["results"])) == ("succeeded", 1)


def test_values_are_words_and_no_syntax(alice: User, template: PromptTemplate, program: Makes) -> None:
    """What a program fills in stands in the prompt as it is, whatever braces it has."""
    told = program(alice).post(f"/templates/{template.pk}/runs", {"values": {"product": "{a|b} __animals__"}}).json()
    assert told["prompt"].startswith("A photograph of {a|b} __animals__, window light")


def test_a_template_that_draws_is_run_once_for_each_result(alice: User, rich: Team, program: Makes) -> None:
    drawing = make_template(rich, alice, content=content("A {{red|blue|green}} {product}, {light}".replace("{{", "{").replace("}}", "}")))
    robot = program(alice)
    assert list(problem(robot.post(f"/templates/{drawing.pk}/runs", {}), 422, "fields_refused")["errors"]) == ["num_images"]
    assert robot.post(f"/templates/{drawing.pk}/runs", {"num_images": 1}).status_code == 201


def test_a_wallet_without_credits_makes_nothing(alice: User, team: Team, program: Makes) -> None:
    wallet = wallets.wallet_of(team)
    if wallet.available:
        wallets.place_hold(wallet, wallet.available, reference="all", description="all of it", actor=alice)
    before = held(team)
    template = make_template(team, alice)
    problem(program(alice).post(f"/templates/{template.pk}/runs", {}), 402, "insufficient_credits")
    assert (Job.objects.count(), held(team)) == (0, before)


ROUTES = (
    ("get", "/templates/{id}"),
    ("get", "/templates/{id}/versions"),
    ("get", "/templates/{id}/versions/1"),
    ("post", "/templates/{id}/runs"),
)


@pytest.mark.parametrize(("method", "address"), ROUTES)
def test_what_is_not_ones_own_is_not_there(
    alice: User, bob: User, rich: Team, other_team: Team, mallory: User, program: Makes, method: str, address: str
) -> None:
    """Of another team, of another team of the same person, what somebody keeps to themselves: all the same as none."""
    second = create_team("Second", alice)
    hidden = [
        make_template(other_team, mallory),
        make_template(second, alice),
        make_template(rich, bob, visibility=Visibility.PRIVATE),
    ]
    robot = program(alice, rich)
    for one in (*(template.pk for template in hidden), uuid.uuid4()):
        problem(robot.ask(method, address.format(id=one), {} if method == "post" else None), 404, "not_found")
    assert robot.get("/templates").json()["items"] == []
    assert not Job.objects.exists()


def test_to_run_takes_both_scopes(alice: User, carol: User, template: PromptTemplate, program: Makes) -> None:
    """And somebody who may only look runs nothing, whatever their key says."""
    address = f"/templates/{template.pk}/runs"
    problem(program(alice, scopes=("templates",)).post(address, {}), 403, "scope_missing")
    problem(program(alice, scopes=("generate",)).post(address, {}), 403, "scope_missing")
    problem(program(carol).post(address, {}), 403, "scope_missing")
    assert program(carol).get(f"/templates/{template.pk}").status_code == 200
    for _, path in ROUTES[:3]:
        problem(program(alice, scopes=("generate", "library:read")).get(path.format(id=template.pk)), 403, "scope_missing")
    assert not Job.objects.exists()
    assert newest(template).number == 1
