"""X/Y grids: what can be changed, what each cell becomes, and that just what was counted is made."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Team, User
from billing.services import wallets
from studio.generation import tallies
from studio.generation.models import Batch, Job
from studio.prompts.content import Content
from studio.prompts.models import PromptTemplateVersion
from tests.generation.tabled import CONTENT, make_versions

pytestmark = pytest.mark.usefixtures("bells", "hints")
PAGE = "/create/grid/"
BARE = {"template": "", "engine": "null", "mode": "text-to-image", "prompt": "a red door by the sea", "idempotency_key": "key"}


@pytest.fixture
def rich(team: Team) -> Team:
    wallets.grant(wallets.wallet_of(team), 100_000, reference="test", description="For the test")
    return team


@pytest.fixture
def version(rich: Team, alice: User) -> PromptTemplateVersion:
    return make_versions(rich, alice)[-1]


@pytest.fixture
def browser(client_of: Callable[..., Client], rich: Team, bob: User) -> Client:
    return client_of(bob)


def count(browser: Client, **fields: Any) -> Any:
    return browser.post(PAGE, {**BARE, "step": "count", **fields})


def press(browser: Client, counted: Any, **fields: Any) -> Any:
    return browser.post(PAGE, {**dict(counted.wsgi_request.POST.lists()), "step": "make", "digest": counted.context["digest"], **fields})


def problems(counted: Any) -> list[str]:
    return counted.context["grid"].problems


def requests(counted: Any) -> list[Any]:
    assert problems(counted) == []
    return [cell.request for cell in counted.context["grid"].cells]


def axes(counted: Any) -> dict[str, list[str]]:
    return {group: [axis.name for axis in some] for group, some in counted.context["axes"]}


def test_what_can_be_changed(browser: Client, version: PromptTemplateVersion) -> None:
    assert axes(browser.get(PAGE, {"engine": "null"})) == {"Prompt": ["words"], "Settings": ["seed", "size", "num_inference_steps"]}
    assert axes(browser.get(PAGE, {"template": str(version.pk)})) == {
        "Fields": ["field_product", "field_colour", "field_people"],
        "Prompt": ["words"],
        "Settings": ["seed", "size"],
    }


def test_every_cell_has_its_values_and_the_same_seed(browser: Client) -> None:
    counted = count(browser, x="num_inference_steps", x_values="10-30 (+10)", y="size", y_choices=["640x384", "512x512"])
    made = [(one.num_inference_steps, one.width, one.height, one.num_images) for one in requests(counted)]

    assert made == [
        *((10, 640, 384, 1), (20, 640, 384, 1), (30, 640, 384, 1)),
        *((10, 512, 512, 1), (20, 512, 512, 1), (30, 512, 512, 1)),
    ]
    assert len({one.seed for one in requests(counted)}) == 1
    assert counted.context["total"].quote.amount == 6000
    assert "3 × 2 = 6 pictures" in counted.content.decode()
    assert {one.seed for one in requests(count(browser, seed="77", x="num_inference_steps", x_values="10, 20"))} == {77}


def test_the_first_words_are_replaced_by_the_others(browser: Client) -> None:
    counted = count(browser, x="words", x_values='red, blue, "old, green"', y="words", y_values="sea\nlake")
    assert [one.prompt for one in requests(counted)] == [
        *("a red door by the sea", "a blue door by the sea", "a old, green door by the sea"),
        *("a red door by the lake", "a blue door by the lake", "a old, green door by the lake"),
    ]


def test_one_side_may_be_empty(browser: Client) -> None:
    across, down = count(browser, x="seed", x_values="1-3"), count(browser, y="seed", y_values="1-3")

    assert [one.seed for one in requests(across)] == [one.seed for one in requests(down)] == [1, 2, 3]
    nothing = {"name": "", "label": "", "values": [""]}
    seeds = {"name": "seed", "label": "Seed", "values": ["1", "2", "3"]}
    assert (across.context["grid"].axes, down.context["grid"].axes) == ({"x": seeds, "y": nothing}, {"x": nothing, "y": seeds})


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"x": "seed", "x_values": "1-3", "y": "seed", "y_values": "4"}, "Both sides change Seed. Choose something else for one of them."),
        (
            {"x": "seed", "x_values": "1-20", "y": "num_inference_steps", "y_values": "1-6"},
            "20 × 6 is 120 pictures; a grid has at most 100. Take some values out.",
        ),
        ({"x": "words", "x_values": "green, blue"}, "“green” is not in the prompt. Write it there, or name other words."),
        ({"x": "num_inference_steps", "x_values": "10, 500"}, "Steps must be at most 150."),
        ({"x": "num_inference_steps", "x_values": "ten"}, "“ten” is no number for Steps. Write them like 3, 5, 7 or 3-9 (+2) or 3-9 [4]."),
        ({"x": "size"}, "Tick at least one choice for Shape, or choose nothing for this side."),
        ({"x": "seed", "x_values": "1", "prompt": ""}, "Write what the picture should show."),
        ({"x": "made-up", "x_values": "1"}, "Choose what changes along at least one side."),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_made(browser: Client, fields: dict[str, Any], said: str) -> None:
    counted = count(browser, **fields)
    assert problems(counted) == [said]
    answer = press(browser, counted)
    assert (answer.status_code, answer.context["grid"].problems) == (422, [said])
    assert answer.context["bench"].form["prompt"].value() == fields.get("prompt", BARE["prompt"]), "what was typed is kept"
    assert not Batch.objects.exists()


def test_a_grid_of_a_template_s_fields(browser: Client, version: PromptTemplateVersion) -> None:
    given = {"template": str(version.pk), "field_product": "a mug", "field_people": "no"}
    counted = count(browser, **given, x="field_product", x_values="a mug, a pen", y="field_colour", y_choices=["red", "blue"])

    assert [one.prompt for one in requests(counted)] == [
        *("a photograph of a mug on red cloth, studio light", "a photograph of a pen on red cloth, studio light"),
        *("a photograph of a mug on blue cloth, studio light", "a photograph of a pen on blue cloth, studio light"),
    ]
    press(browser, counted)
    batch = Batch.objects.get()
    assert (batch.title, batch.template_version) == ("Product photo: Product × Cloth", version)
    assert [job.template_values["fields"]["product"] for job in batch.jobs.order_by("batch_place")] == ["a mug", "a pen"] * 2


def test_what_a_template_locks_is_no_axis(browser: Client, version: PromptTemplateVersion) -> None:
    given = {"template": str(version.pk), "field_product": "a mug"}
    steps = count(browser, **given, x="num_inference_steps", x_values="1-3")
    assert problems(steps) == ["Choose what changes along at least one side."]
    words = count(browser, **given, x="words", x_values="studio light, dusk")
    assert problems(words) == ["“studio light” is not in the prompt. The parts of a template that are locked stay as they are."]
    open_part = count(browser, **given, x="words", x_values="photograph, drawing")
    assert [one.prompt[:12] for one in requests(open_part)] == ["a photograph", "a drawing of"]


def test_what_was_counted_is_made_once(browser: Client, bob: User, rich: Team) -> None:
    counted = count(browser, x="words", x_values="red, blue", y="seed", y_values="1, 2")
    answers = [press(browser, counted) for _ in range(2)]

    batch = Batch.objects.get()
    assert [answer.headers["Location"] for answer in answers] == [reverse("batch", args=[batch.pk])] * 2
    assert (batch.kind, batch.title, batch.size, batch.axes) == (
        *("grid", "Words in the prompt × Seed", 4),
        {
            "x": {"name": "words", "label": "Words in the prompt", "values": ["red", "blue"]},
            "y": {"name": "seed", "label": "Seed", "values": ["1", "2"]},
        },
    )
    assert [job.to_request() for job in batch.jobs.order_by("batch_place")] == requests(counted)
    assert wallets.wallet_of(rich).held == 4000


def test_a_press_on_something_else_is_looked_at_again(browser: Client) -> None:
    answer = press(browser, count(browser, x="seed", x_values="1, 2"), x_values="1-50")
    assert (answer.status_code, answer.context["total"].quote.pictures) == (422, 50)
    assert answer.context["refused"].startswith("Something has changed since you looked")
    assert not Job.objects.exists()


def test_too_few_credits_are_said(browser: Client, rich: Team) -> None:
    wallets.place_hold(wallets.wallet_of(rich), 98_500, reference="other", description="Something else")
    counted = count(browser, x="seed", x_values="1-3")
    assert (counted.context["total"].missing, counted.context["total"].fits) == (1500, 1)
    assert press(browser, counted).status_code == 422
    assert not Job.objects.exists()


def test_a_colour_has_its_swatch_and_its_name(browser: Client, rich: Team, alice: User) -> None:
    fields = [{"name": "cloth", "label": "Cloth", "type": "colour", "required": True}]
    sections = [{"name": "subject", "text": "a mug on {cloth} cloth", "locked": False}]
    [version] = make_versions(rich, alice, fields=fields, sections=sections)
    html = count(browser, template=str(version.pk), field_cloth="#1f4e79", x="seed", x_values="1-2").content.decode()
    assert '<input class="js-only" type="color" value="#1f4e79" data-colour-of="field_cloth"' in html
    assert re.search(r'<data hidden data-colour="field_cloth" value="[a-z ]+">', html)


def test_the_foot_alone_is_counted_while_one_types(browser: Client) -> None:
    answer = browser.post(PAGE, {**BARE, "step": "count", "x": "seed", "x_values": "1-3"}, headers={"HX-Request": "true"})
    assert next(template.name for template in answer.templates) == "generation/_grid_foot.html"


def test_whoever_only_looks_makes_nothing(client_of: Callable[..., Client], carol: User, rich: Team) -> None:
    assert count(client_of(carol), x="seed", x_values="1").status_code == 403


def shapes(browser: Client) -> list[tuple[str, str]]:
    html = browser.get(reverse("batch", args=[Batch.objects.get().pk])).content.decode()
    assert ("data-mixed" in html) == (len(set(re.findall(r'viewBox="0 0 (\d+ \d+)"', html))) > 1)
    return re.findall(r'class="cell-shape" viewBox="0 0 (\d+) (\d+)"', html)


def test_a_cell_has_the_shape_of_its_picture_before_there_is_one(browser: Client) -> None:
    press(browser, count(browser, size="640x384", x="seed", x_values="1-3"))
    assert shapes(browser) == [("640", "384")] * 3


def test_pictures_of_many_shapes_stand_in_cells_of_one(browser: Client) -> None:
    press(browser, count(browser, x="size", x_choices=["640x384", "384x640"]))
    assert shapes(browser) == [("640", "384"), ("384", "640")]


# --- two versions of a template --------------------------------------------------------------------------------------


def compare(browser: Client, versions: list[PromptTemplateVersion], **fields: Any) -> Any:
    address = reverse("template_compare", args=[versions[0].template_id])
    return browser.post(address, {"field_product": "a mug", "idempotency_key": "key", "seeds": "2", "step": "count", **fields})


def differing(team: Team, author: User, **content: Any) -> list[PromptTemplateVersion]:
    """Two versions of one template, upright and then lying."""
    [first] = make_versions(team, author, parameters={"num_inference_steps": 12, "size": "384x640"}, **content)
    data = {**CONTENT, **content, "parameters": {"num_inference_steps": 12, "size": "640x384"}}
    kept = Content.from_json(data).to_json()
    return [first, PromptTemplateVersion.objects.create(template=first.template, number=2, author=author, content=kept, status="draft")]


def try_both(browser: Client, compared: Any, **fields: Any) -> Any:
    given = {**dict(compared.wsgi_request.POST.lists()), "step": "make", "digest": compared.context["digest"], **fields}
    return browser.post(compared.wsgi_request.path, given)


def test_two_versions_on_the_same_values_and_seeds(browser: Client, rich: Team, alice: User) -> None:
    versions = make_versions(rich, alice, versions=3)
    compared = compare(browser, versions, a="1", b="3", seed="8")
    answer = try_both(browser, compared)

    batch = Batch.objects.get()
    assert answer.headers["Location"] == reverse("template_comparison", args=[versions[0].template_id, batch.pk])
    assert (batch.kind, batch.title, batch.template_version) == ("comparison", "Product photo: versions 1 and 3", versions[2])
    assert batch.axes == {
        "x": {"name": "version", "label": "Version", "values": ["1", "3"]},
        "y": {"name": "seed", "label": "Seed", "values": ["8", "9"]},
    }
    jobs = list(batch.jobs.order_by("batch_place"))
    assert [(job.template_version.number, job.request["seed"]) for job in jobs] == [(1, 8), (3, 8), (1, 9), (3, 9)]
    assert [job.request["negative_prompt"] for job in jobs[:2]] == ["blurry, as in version 1", "blurry"]
    page = browser.get(answer.headers["Location"])
    assert [(version.number, its.made) for version, its in page.context["versions"]] == [(1, 0), (3, 0)]


def test_what_is_counted_of_a_comparison_follows_its_batch(browser: Client, rich: Team, alice: User) -> None:
    versions = make_versions(rich, alice, versions=2)
    address = try_both(browser, compare(browser, versions)).headers["Location"]
    figures = re.search(r'<section [^>]*id="comparison-figures"[^>]*>', browser.get(address).content.decode())
    assert figures
    assert f'hx-get="{address}"' in figures[0]
    assert 'hx-trigger="poll, batch:news"' in figures[0]
    Job.objects.filter(batch_place__in=(1, 3)).update(delivered=1)

    again = browser.get(address, headers={"HX-Request": "true"})
    assert again.content.decode().strip().startswith("<section")
    assert [(version.number, its.made) for version, its in again.context["versions"]] == [(1, 0), (2, 2)]


def test_a_cell_that_begins_while_the_page_is_drawn_is_no_cell_that_it_has_seen(
    browser: Client, rich: Team, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = try_both(browser, compare(browser, make_versions(rich, alice, versions=2))).headers["Location"]
    read = tallies.rows_of

    def rows_of(*of: Any) -> list[Job]:
        rows = read(*of)
        Job.objects.filter(batch_place=1).update(status="running")
        return rows

    monkeypatch.setattr(tallies, "rows_of", rows_of)
    html = browser.get(address).content.decode()
    monkeypatch.undo()
    assert 'id="row-1" class="batch-row" data-status="queued"' in html
    seen = re.search(r'name="seen" value="(\w+)"', html)
    assert seen
    changes = browser.get(reverse("batch_changes", args=[Batch.objects.get().pk]), {"seen": seen[1]}, headers={"HX-Request": "true"})
    assert re.findall(r'id="row-(\d)"', changes.content.decode()) == ["1"]


def test_what_versions_hold_differently_is_said_of_each(browser: Client, rich: Team, alice: User) -> None:
    page = compare(browser, differing(rich, alice, changeable=["seed"]))
    assert page.context["trial"].own == [("Shape", "384 × 640", "640 × 384")]
    assert [label for label, _ in page.context["trial"].fixed] == ["Pictures", "Steps"]
    sizes = [(one.request.width, one.request.height) for one in page.context["trial"].cells]
    assert sizes == [(384, 640), (640, 384)] * 2
    html = page.content.decode()
    assert re.search(r"Version 1:</span> 384 × 640<br><span [^>]+>Version 2:</span> 640 × 384", html)


def test_a_setting_that_both_may_change_begins_alike(browser: Client, rich: Team, alice: User) -> None:
    page = compare(browser, differing(rich, alice))
    assert page.context["trial"].own == []
    assert {(one.request.width, one.request.height) for one in page.context["trial"].cells} == {(640, 384)}


def test_a_comparison_needs_two_versions_and_values(browser: Client, rich: Team, alice: User) -> None:
    alone = make_versions(rich, alice)
    assert "There is one version so far" in compare(browser, alone).content.decode()
    versions = make_versions(rich, alice, name="Poster", versions=2)
    assert compare(browser, versions, a="2", b="2").context["problems"] == ["Choose two versions that are not the same."]
    assert compare(browser, versions, field_product="").context["problems"] == ["Fill in “Product”."]
    assert compare(browser, versions, a="7").status_code == 404
    answer = try_both(browser, compare(browser, versions, field_product=""))
    assert answer.status_code == 422
    assert not Batch.objects.exists()


def test_a_stranger_compares_nothing(client_of: Callable[..., Client], browser: Client, mallory: User, rich: Team, alice: User) -> None:
    versions = make_versions(rich, alice, versions=2)
    try_both(browser, compare(browser, versions))
    batch = Batch.objects.get()
    stranger = client_of(mallory)
    assert compare(stranger, versions).status_code == 404
    assert stranger.get(reverse("template_comparison", args=[versions[0].template_id, batch.pk])).status_code == 404
    assert Batch.objects.count() == 1
