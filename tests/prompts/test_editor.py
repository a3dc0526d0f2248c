"""Writing a template: what is kept, what is refused beside its place, and what it would come to."""

from __future__ import annotations

import json
import re

import pytest

from studio.prompts.models import PromptTemplate
from studio.prompts.services import templates
from tests.prompts.factories import TYPED, content, make_template, newest, page_of, said

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


# --- writing ---------------------------------------------------------------------------------------------------------
def test_a_template_is_written(alice, team, client_of):
    given = {**TYPED, "after": "0", "name": "Product photo", "description": "For the shop", "tags": "shop, Photo", "do": "publish"}
    answer = client_of(alice).post("/templates/new/", given)
    made = PromptTemplate.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, page_of(made))
    assert (made.name, made.description, made.tags, made.visibility, made.published.number) == (
        "Product photo",
        "For the shop",
        ["shop", "photo"],
        "team",
        1,
    )
    kept = newest(made).content
    assert kept["sections"][1] == {"name": "constraints", "text": "Harbour Street house style, no text", "locked": True}
    assert [(one["name"], one["type"], one["required"], one["default"]) for one in kept["fields"]] == [
        ("product", "text", True, "a mug"),
        ("light", "choice", False, "window light"),
    ]
    assert (kept["engine"], kept["parameters"]["num_images"], kept["changeable"]) == ("null", 2, ["num_images"])
    assert "seed" not in kept["parameters"]


def test_what_does_not_fit_is_said_beside_it_and_kept(alice, team, client_of):
    wrong = {
        **TYPED,
        "name": "",
        "field.1.choices": "",
        "setting-num_images": "900",
        "field.2.name": "Bad Name",
        "field.2.type": "number",
        "note": "still here",
    }
    answer = client_of(alice).post("/templates/new/", wrong)
    page = said(answer)
    assert answer.status_code == 422
    for sentence in (
        "Write at least one choice, each on a line of its own.",
        "A field&#x27;s name starts with a letter and has small letters a to z, digits and _ only, like main_object.",
        "makes 1 to",
        "Something does not fit yet. It is said beside it; nothing is lost.",
    ):
        assert sentence in page, sentence
    for typed in ('value="Bad Name"', 'value="still here"', "A drawing of {product}, {light}", 'value="900"'):
        assert typed in page, typed
    assert PromptTemplate.objects.count() == 0


def test_a_template_without_a_name_is_refused_beside_it(alice, team, client_of):
    answer = client_of(alice).post("/templates/new/", {**TYPED, "name": " "})
    assert (answer.status_code, "Give the template a name, so that others find it." in said(answer)) == (422, True)
    assert PromptTemplate.objects.count() == 0


def test_a_save_is_the_next_version(alice, bob, team, client_of):
    made = make_template(team, alice)
    answer = client_of(bob).post(page_of(made), TYPED)
    assert (answer.status_code, answer["Location"]) == (302, page_of(made))
    version = newest(made)
    assert (version.number, version.status, version.author, version.note) == (2, "draft", bob, "a drawing")
    assert version.content["sections"][0]["text"] == "A drawing of {product}, {light}"
    client_of(bob).post(page_of(made), {**TYPED, "after": "2", "do": "publish"})
    made.refresh_from_db()
    assert (made.versions.count(), made.published) == (2, version)


def test_who_was_slower_sees_both_and_saves_on_top(alice, bob, team, client_of):
    made = make_template(team, alice)
    templates.save_version(made, author=bob, content=content("A painting of {product}"), after=1)
    answer = client_of(alice).post(page_of(made), TYPED)
    page = said(answer)
    assert answer.status_code == 409
    assert "Bob Member saved version 2 while you were writing." in page
    assert "<del>painting</del>" in page
    assert "<ins>drawing</ins>" in page
    assert 'name="after" value="2"' in page
    assert "A drawing of {product}, {light}" in page
    assert "Save mine on top" in page
    assert made.versions.count() == 2
    assert client_of(alice).post(page_of(made), {**TYPED, "after": "2"}).status_code == 302
    assert newest(made).content["sections"][0]["text"] == "A drawing of {product}, {light}"


def test_the_same_again_saves_nothing(alice, team, client_of):
    made = make_template(team, alice, is_published=False)
    client = client_of(alice)
    client.post(page_of(made), TYPED)
    answer = client.post(page_of(made), {**TYPED, "after": "2"})
    assert "Nothing has changed since version 2" in said(answer)
    assert made.versions.count() == 2


@pytest.mark.parametrize(
    ("does", "rows"),
    [
        ("field:add", ["product", "light", ""]),
        ("field:add:mood", ["product", "light", "mood"]),
        ("field:up:1", ["light", "product"]),
        ("field:down:0", ["light", "product"]),
        ("field:remove:0", ["light"]),
        ("field:up:0", ["product", "light"]),
        ("field:remove:7", ["product", "light"]),
        ("nonsense", ["product", "light"]),
    ],
)
def test_fields_are_changed_without_a_script(alice, team, client_of, does, rows):
    made = make_template(team, alice)
    answer = client_of(alice).post(page_of(made), {**TYPED, "do": does})
    assert answer.status_code == 200
    assert [row.given["name"] for row in answer.context["draft"].rows] == rows
    assert (made.versions.count(), 'value="a drawing"' in said(answer)) == (1, True)


def test_a_name_in_braces_becomes_a_field(alice, team, client_of):
    made = make_template(team, alice)
    typed = {**TYPED, "section.subject.text": "A {Mood} drawing of {product}"}
    answer = client_of(alice).post(page_of(made), {**typed, "do": "redraw"})
    assert 'value="field:add:mood"' in said(answer)
    answer = client_of(alice).post(page_of(made), {**typed, "do": "field:add:mood"})
    assert "A {mood} drawing of {product}" in said(answer)


def test_settings_are_drawn_for_another_engine(alice, team, client_of):
    answer = client_of(alice).post("/templates/settings/", {**TYPED, "engine": ""}, headers=HTMX)
    assert (answer.status_code, "setting-num_images" in said(answer)) == (200, False)
    answer = client_of(alice).post("/templates/settings/", TYPED, headers=HTMX)
    assert 'name="setting-num_images" value="2" checked' in said(answer)


def test_settings_of_an_engine_that_is_gone_stay(alice, team, client_of):
    made = make_template(team, alice, content=content(engine="gone", parameters={"num_images": 3, "mood": "calm"}, changeable=["mood"]))
    page = said(client_of(alice).get(page_of(made)))
    assert "gone (not offered now)" in page
    kept = re.search(r'name="kept" value="([^"]+)"', page)[1].replace("&quot;", '"')
    assert json.loads(kept) == {"num_images": 3, "mood": "calm"}
    typed = {name: value for name, value in TYPED.items() if not name.startswith("setting")}
    client_of(alice).post(page_of(made), {**typed, "engine": "gone", "kept": kept, "changeable": ["mood"]})
    assert (newest(made).content["parameters"], newest(made).content["changeable"]) == ({"num_images": 3, "mood": "calm"}, ["mood"])
    client_of(alice).post(page_of(made), {**typed, "after": "2", "engine": "gone", "kept": "[" * 5000, "changeable": ["mood"]})
    assert newest(made).content["parameters"] == {}


def test_a_copy_is_begun_from_another(alice, team, client_of):
    made = make_template(team, alice)
    page = said(client_of(alice).get(f"/templates/new/?from={made.pk}"))
    assert 'value="Product photo, copy"' in page
    assert "A photograph of {product}, {light}" in page
    assert client_of(alice).get("/templates/new/?from=nonsense").status_code == 200


# --- trying ----------------------------------------------------------------------------------------------------------
def test_a_preview_is_the_prompt_of_the_values(alice, team, client_of):
    made = make_template(team, alice)
    answer = client_of(alice).post(page_of(made, "preview/"), {"value.product": "a (red) cup", "value.light": "studio light"}, headers=HTMX)
    trial = answer.context["trial"]
    assert [(one.text, one.look) for one in trial.prompt if one.look] == [
        ("a (red) cup", "f1"),
        ("studio light", "f2"),
        ("Harbour Street house style, no text", "lock"),
    ]
    assert (trial.combinations, trial.varies, trial.quote.num_images) == (1, False, 2)


def test_a_preview_is_of_what_stands_in_the_editor(alice, carol, team, client_of):
    made = make_template(team, alice)
    typed = {**TYPED, "section.subject.text": "{one|two|three} of {product}", "try_seed": "7", "value.product": ""}
    trial = client_of(alice).post(page_of(made, "preview/"), typed, headers=HTMX).context["trial"]
    assert (trial.seed, trial.combinations, trial.varies, trial.stand_ins) == (7, 3, True, ["Product"])
    again = client_of(alice).post(page_of(made, "preview/"), typed, headers=HTMX).context["trial"]
    assert again.prompt == trial.prompt
    theirs = client_of(carol).post(page_of(made, "preview/"), typed, headers=HTMX).context["trial"]
    assert "".join(one.text for one in theirs.prompt).startswith("A photograph of Product, window light")


def test_what_nobody_touched_follows_the_default(alice, team, client_of):
    typed = {
        **TYPED,
        "field.0.default": "a jug",
        "value.product": "a mug",
        "start.product": "a mug",
        "value.light": "",
        "start.light": "window light",
    }
    trial = client_of(alice).post("/templates/new/preview/", typed, headers=HTMX).context["trial"]
    assert [(control.value, control.untouched) for control in trial.controls] == [("a jug", "a jug"), ("", "window light")]
    typed |= {"value.product": "a cup", "start.product": "a jug"}
    trial = client_of(alice).post("/templates/new/preview/", typed, headers=HTMX).context["trial"]
    assert trial.controls[0].value == "a cup"


@pytest.mark.parametrize(
    ("typed", "problem"),
    [({"section.subject.text": "{3$$a|b}"}, "3 alternatives are to be taken here"), ({"section.subject.text": "__nowhere__"}, "nowhere")],
)
def test_a_preview_says_what_is_wrong(alice, team, client_of, typed, problem):
    trial = client_of(alice).post("/templates/new/preview/", {**TYPED, **typed}, headers=HTMX).context["trial"]
    assert len(trial.problems) == 1
    assert problem in trial.problems[0]


def test_a_preview_goes_on_beside_a_field_that_makes_no_sense_yet(alice, team, client_of):
    typed = {**TYPED, "field.2.name": "", "field.2.type": "number", "field.2.minimum": "x", "value.light": "fog"}
    trial = client_of(alice).post("/templates/new/preview/", typed, headers=HTMX).context["trial"]
    assert [(control.field.name, control.problem[:27]) for control in trial.controls] == [
        ("product", ""),
        ("light", "“Light” has no choice “fog”"),
    ]
    assert trial.prompt


def test_every_type_of_field_can_be_tried(alice, team, client_of):
    fields = [
        {"name": "a", "type": "text", "required": True},
        {"name": "b", "type": "long_text"},
        {"name": "c", "type": "choice", "choices": ["x", "y"], "required": True},
        {"name": "d", "type": "multi_choice", "choices": ["x, z", "y"], "default": ["x, z"]},
        {"name": "e", "type": "number", "minimum": 2, "required": True},
        {"name": "f", "type": "colour", "required": True},
        {"name": "g", "type": "yes_no", "yes": "with people", "default": True},
    ]
    made = make_template(team, alice, content=content("{a} {b} {c} {d} {e} {f} {g}", fields=fields))
    trial = client_of(alice).get(page_of(made)).context["trial"]
    assert trial.stand_ins == ["A", "C", "E", "F"]
    assert "".join(one.text for one in trial.prompt).startswith("A x x, z 2 gray with people")


def test_a_start_that_does_not_fit_is_said_beside_its_field_and_the_field_stays(alice, team, client_of):
    typed = {**TYPED, "section.subject.text": "A {tone} {product}", "field.2.name": "tone", "field.2.type": "colour"}
    for required in ({}, {"field.2.required": "on"}):
        start = {"field.2.default": "oranje", "value.tone": "", "start.tone": ""}
        answer = client_of(alice).post("/templates/new/preview/", {**typed, **required, **start}, headers=HTMX)
        trial = answer.context["trial"]
        assert [control.problem[:19] for control in trial.controls] == ["", "", "The default does no"]
        assert ("{tone}" in said(answer), "“oranje” is none." in said(answer), trial.prompt[0].text) == (False, True, "A ")
    answer = client_of(alice).post("/templates/new/preview/", {**typed, "field.2.default": "orange"}, headers=HTMX)
    assert [control.problem for control in answer.context["trial"].controls] == ["", "", ""]


def test_who_only_looks_is_not_sent_to_create(carol, alice, team, client_of):
    made = make_template(team, alice)
    for user, is_sent in ((alice, True), (carol, False)):
        page, preview = client_of(user).get(page_of(made)), client_of(user).post(page_of(made, "preview/"), {}, headers=HTMX)
        assert ("Use on Create" in said(page), "Use on Create" in said(preview)) == (is_sent, is_sent)
