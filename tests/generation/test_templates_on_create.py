"""Create with a template: its fields stand in place of the prompt, what it holds is held, and its pictures remember it."""

import pytest
from django.urls import reverse
from django.utils import timezone

from studio.galleries import facts
from studio.generation.models import Artifact, Job, Worker
from studio.generation.services import claim, fail, succeed
from studio.prompts.content import Content
from studio.prompts.models import PromptTemplate
from studio.prompts.services import templates
from tests.generation.conftest import HTMX, fields, initial, media, press, price_of_one, wallet

pytestmark = pytest.mark.django_db

CONTENT = {
    "sections": [
        {"name": "subject", "text": "A photograph of {product} on a {tint} table"},
        {"name": "style", "text": "brand style", "locked": True},
    ],
    "negative": {"text": "blurry"},
    "fields": [
        {"name": "product", "label": "Product", "required": True, "default": "a mug", "max_length": 40},
        {"name": "tint", "type": "colour", "default": "#ff0000"},
        {"name": "light", "type": "multi_choice", "choices": ["window light", "studio"], "default": ["studio"]},
    ],
    "engine": "null",
    "parameters": {"num_images": 2, "num_inference_steps": 12, "size": "512x512"},
    "changeable": ["num_images", "seed"],
}


def make(team, author, *, visibility="team", **changes) -> PromptTemplate:
    content = Content.checked({**CONTENT, **changes})
    made = templates.create(team, author=author, name="Product photo", content=content, visibility=visibility)
    templates.publish(made.versions.get(), by=author)
    made.refresh_from_db()
    return made


@pytest.fixture
def template(alice, rich):
    return make(rich, alice)


def again(template, author, **changes):
    """Save and publish another version."""
    newest = template.versions.newest_first().first()
    version = templates.save_version(template, author=author, content=Content.checked({**CONTENT, **changes}), after=newest.number)
    templates.publish(version, by=author)
    return version


def sent(template, **changes):
    """What the panel of the template sends."""
    values = {"template": str(template.published_id), "field_product": "a jug", "field_tint": "#0000ff", "field_light": ["", "studio"]}
    return {**values, "num_images": "1", "seed": "7", **changes}


PROMPT = "A photograph of a jug on a blue table, brand style"


# --- the panel ---------------------------------------------------------------------------------------------------------


def test_fields_stand_in_place_of_the_prompt(alices, template):
    page = alices.get(reverse("create"), {"template": template.pk})
    form = page.context["form"]
    assert "prompt" not in form.fields
    assert (form["field_product"].value(), form["field_tint"].value()) == ("a mug", "#ff0000")
    assert (form["num_images"].value(), form["template"].value()) == (2, str(template.published_id))
    html = page.content.decode()
    assert "What the engine reads" in html
    assert 'class="locked-words' in html
    assert ("Steps", "12") in page.context["fixed"]


def test_a_certain_version_and_a_draft_can_be_tried(alices, alice, template):
    again(template, alice, sections=[{"name": "prompt", "text": "two {product}"}])
    draft = templates.save_version(
        template, author=alice, content=Content.checked({**CONTENT, "sections": [{"name": "prompt", "text": "three"}]}), after=2
    )
    for query, number in (({}, 2), ({"version": "1"}, 1), ({"version": "3"}, 3)):
        assert alices.get(reverse("create"), {"template": template.pk, **query}).context["template"].version.number == number
    assert alices.get(reverse("create"), {"template": draft.pk}).context["template"].version == draft
    for version in ("4", "x", "99999999999999999999"):
        assert alices.get(reverse("create"), {"template": template.pk, "version": version}).status_code == 404


def test_what_others_keep_to_themselves_is_not_there(client_of, alices, alice, bob, mallory, rich, template):
    private = make(rich, bob, visibility="private")
    for wanted in (private.pk, private.published_id, "nonsense", rich.pk):
        assert alices.get(reverse("create"), {"template": wanted}).status_code == 404
    assert client_of(mallory).get(reverse("create"), {"template": template.pk}).status_code == 404
    assert press(alices, **sent(private)).status_code == 422
    assert not Job.objects.exists()
    assert wallet(rich) == (100_000, 0)


def test_a_template_is_used_in_its_own_team(client_of, alice, rich, template):
    own = alice.memberships.get(team__is_personal=True).team
    page = client_of(alice, own).get(reverse("create"), {"template": template.pk})
    assert page.context["template"] is None
    assert "belongs to Harbour Street" in page.content.decode()


def test_another_engine_or_mode_keeps_template_and_values(alices, rich, alice):
    free = make(rich, alice, changeable=["engine", "mode", "num_images", "seed"])
    shown = {**sent(free), "engine": "storybook", "mode": "text-to-image", "was": "null"}
    page = alices.get(reverse("create_form"), {**shown, "field_light": ["", "window light", "studio"]}, **HTMX)
    form = page.context["form"]
    assert (page.context["engine"].id, form["template"].value()) == ("storybook", str(free.published_id))
    assert form["field_product"].value() == "a jug"
    assert form["field_light"].value() == ["", "window light", "studio"]
    emptied = alices.get(reverse("create_form"), {**shown, "field_tint": ""}, **HTMX).context["form"]
    assert emptied["field_tint"].value() == "", "what was emptied is not filled with its default again"


def test_the_words_are_shown_with_the_price(alices, template):
    page = alices.post(reverse("create_quote"), {**fields(), **sent(template, num_images="2")}, **HTMX)
    assert page.context["quote"].amount == 2 * price_of_one()
    assert "".join(part.text for part in page.context["wording"].prompt) == PROMPT
    html = page.content.decode()
    assert '<mark class="f1" title="Product">a jug</mark>' in html
    unfinished = alices.post(reverse("create_quote"), {**fields(), **sent(template, field_product="")}, **HTMX)
    assert "[Product]" in "".join(part.text for part in unfinished.context["wording"].prompt)


def test_leaving_keeps_the_words_and_what_was_held(alices, template):
    page = alices.get(reverse("create_form"), {**sent(template, field_product="a {x|y} jug"), "leave": "1", "was": "null"}, **HTMX)
    form = page.context["form"]
    assert (page.context["template"], form["template"].value() if "template" in form.fields else None) == (None, None)
    assert form["prompt"].value() == "A photograph of a \\{x\\|y\\} jug on a blue table, brand style"
    assert (form["negative_prompt"].value() if "negative_prompt" in form.fields else "blurry") == "blurry"
    assert str(form["num_inference_steps"].value()) == "12"
    assert not form.held


def test_a_page_that_is_open_hears_of_a_newer_version_with_its_next_price(alices, alice, template):
    values = sent(template)
    quote = reverse("create_quote")
    assert "was published" not in alices.post(quote, values, headers={"HX-Request": "true"}).content.decode()
    again(template, alice, negative={"text": "rain"})
    answer = alices.post(quote, values, headers={"HX-Request": "true"}).content.decode()
    assert '<hx-partial hx-target="#template-newer" hx-swap="outerMorph">' in answer
    assert "Version 2 was published" in answer


def test_a_yes_or_no_says_what_each_puts_in(alices, alice, rich):
    fields = [*CONTENT["fields"], {"name": "people", "label": "People", "type": "yes_no", "yes": "with people"}]
    page = alices.get(reverse("create"), {"template": make(rich, alice, fields=fields).pk}).content.decode()
    assert 'Yes: <span dir="auto">with people</span> · No: nothing</p>' in page


def test_the_page_of_a_picture_says_yes_or_no_and_leaves_out_what_is_not_used(alices, alice, rich):
    answers = [{"name": name, "label": name.title(), "type": "yes_no", "yes": name} for name in ("people", "style", "unused")]
    sections = [{"name": "subject", "text": "A photograph of {product}, {people}, {style}"}]
    template = make(rich, alice, sections=sections, fields=[*CONTENT["fields"], *answers])
    assert press(alices, **sent(template, field_people="true", field_style="false", field_unused="true")).status_code == 200
    artifact = Artifact(job=Job.objects.get())
    told = [(fact.label, fact.value) for fact in facts.written(artifact, alice).values]
    assert told == [("Product", "a jug"), ("People", "Yes"), ("Style", "No")]


# --- the press ---------------------------------------------------------------------------------------------------------


def test_a_picture_remembers_what_it_was_made_with(alices, rich, template):
    assert press(alices, **sent(template)).status_code == 200
    job = Job.objects.get()
    assert job.request["prompt"] == PROMPT
    assert job.template_version_id == template.published_id
    assert job.template_values == {"fields": {"product": "a jug", "tint": "#0000ff", "light": ["studio"]}, "sections": {}}
    assert job.written["prompt"] == "A photograph of {product} on a {tint} table, brand style"
    assert wallet(rich) == (100_000, price_of_one())


def test_what_may_not_be_changed_is_not(alices, template):
    forged = {
        "engine": "storybook",
        "mode": "image-to-image",
        "num_inference_steps": "3",
        "size": "64x64",
        "width": "64",
        "section_style": "my own style",
        "section_subject": "A drawing of {product}",
        "prompt": "something else",
        "field_nothing": "x",
    }
    assert press(alices, **sent(template, **forged)).status_code == 200
    job = Job.objects.get()
    assert (job.engine, job.mode) == ("null", "text-to-image")
    assert (job.request["num_inference_steps"], job.request["width"], job.request["seed"]) == (12, 512, 7)
    assert job.request["prompt"] == "A drawing of a jug, brand style"
    assert job.template_values["sections"] == {"subject": "A drawing of {product}"}


def test_a_seed_that_is_held_is_the_version_s(alices, rich, alice):
    held = make(rich, alice, parameters={"seed": 5, "num_images": 1}, changeable=[])
    assert press(alices, **sent(held, seed="99", num_images="4")).status_code == 200
    job = Job.objects.get()
    assert (job.request["seed"], job.num_images) == (5, 1)


@pytest.mark.parametrize(
    ("changes", "place", "says"),
    [
        ({"field_product": ""}, "field_product", "Fill in “Product”."),
        ({"field_product": "x" * 41}, "field_product", "at most 40 characters"),
        ({"field_tint": "reddish"}, "field_tint", "has to be a colour"),
        ({"field_light": "noon"}, "field_light", "has no choice “noon”"),
        ({"section_subject": "a __beast__"}, "section_subject", "There is no wildcard “beast”."),
        ({"section_negative": "{5$$a|b}"}, "section_negative", "there are only 2"),
    ],
)
def test_what_is_wrong_is_said_beside_it_and_nothing_is_charged(alices, rich, template, changes, place, says):
    response = press(alices, **sent(template, **changes))
    form = response.context["form"]
    assert response.status_code == 422
    assert says in str(form.errors[place])
    assert form[place].value() == changes[place]
    assert form["field_tint"].value() == changes.get("field_tint", "#0000ff"), "nothing is lost"
    assert not Job.objects.exists()
    assert wallet(rich) == (100_000, 0)


def test_a_version_that_is_published_meanwhile_changes_nothing_on_the_page(alices, alice, template):
    page = sent(template)
    second = again(template, alice, sections=[{"name": "prompt", "text": "all new {product}"}])
    assert press(alices, **page).status_code == 200
    job = Job.objects.get()
    assert (job.template_version.number, job.request["prompt"]) == (1, PROMPT)
    redrawn = alices.get(reverse("create_form"), {**page, "was": "null"}, **HTMX)
    assert redrawn.context["template"].newer == second
    assert "Version 2 was published" in redrawn.content.decode()
    newest = alices.get(reverse("create_form"), {**page, "template": second.pk, "was": "null"}, **HTMX)
    assert newest.context["form"]["field_product"].value() == "a jug"


def test_a_template_that_is_put_away_meanwhile_still_works_where_it_is_open(alices, alice, template):
    assert templates.archive(template, by=alice)
    assert press(alices, **sent(template)).status_code == 200
    assert Job.objects.get().template_version_id == template.published_id


def test_a_template_that_was_taken_back_meanwhile_is_refused(client_of, alice, bob, rich, template, bells, hints):
    templates.set_visibility(template, "private", by=alice)
    response = press(client_of(bob), **sent(template))
    assert response.status_code == 422
    assert "keeps it to themselves" in str(response.context["form"].errors)
    assert not Job.objects.exists()
    assert wallet(rich) == (100_000, 0)


def test_a_template_for_an_engine_that_is_gone_says_so(alices, rich, alice):
    lost = make(rich, alice, engine="gone")
    assert "is made for an engine that this studio does not offer now" in str(
        alices.get(reverse("create"), {"template": lost.pk}).context["notes"]
    )
    response = press(alices, **sent(lost))
    assert response.status_code == 422
    assert "is made for an engine that this studio does not offer now" in str(response.context["form"].errors)
    assert not Job.objects.exists()


def test_a_value_brings_no_syntax_into_the_request(alices, template):
    assert press(alices, **sent(template, field_product="{a|b} __x__ (c:1.9) {tint}")).status_code == 200
    assert Job.objects.get().request["prompt"] == "A photograph of {a|b} __x__ \\(c:1.9\\) {tint} on a blue table, brand style"


@pytest.fixture
def workers(db):
    for queue in ("null", "stability"):
        Worker.objects.create(name=queue, queues=[queue], state="ready", pid=1, host="here", heartbeat_at=timezone.now())


def preview_of(client, template):
    """What the page offers to try first, and what comes of a press on it."""
    values = sent(template, num_inference_steps="12")
    page = client.post(reverse("create_quote"), {**fields(), **values}, **HTMX)
    return page.context, press(client, preview="1", **values)


def test_a_preview_keeps_to_the_steps_that_are_held(alices, rich, alice, workers):
    held, free = make(rich, alice), make(rich, alice, changeable=["num_images", "seed", "num_inference_steps"])
    offered, pressed = preview_of(alices, held)
    assert (offered["preview"], pressed.status_code) == (None, 422)
    assert "There is no cheaper way to try this any more." in str(pressed.context["form"].errors)
    assert (Job.objects.count(), wallet(rich)) == (0, (100_000, 0))
    offered, pressed = preview_of(alices, free)
    assert (offered["preview"].request.num_inference_steps, pressed.status_code) == (6, 200)
    assert Job.objects.get().intended["num_inference_steps"] == 12


def test_a_held_engine_is_neither_tried_nor_offered_with_another(alices, rich, alice, provider, workers):
    parts = {"engine": "sd3.5-large", "parameters": {"num_images": 2}}
    held, free = make(rich, alice, **parts), make(rich, alice, **parts, changeable=["num_images", "seed", "engine"])
    offered, pressed = preview_of(alices, held)
    assert (offered["preview"], offered["here"], offered["looks_here"], pressed.status_code) == (None, None, False, 422)
    assert (Job.objects.count(), wallet(rich)) == (0, (100_000, 0))
    page = alices.post(reverse("create_quote"), {**fields(), **sent(free), "engine": "sd3.5-large"}, **HTMX)
    assert (page.context["preview"].engine.id, page.context["here"].engine.id) == ("sd3.5-flash", "null")


# --- and back ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def made(alices, template):
    press(alices, **sent(template, section_subject="A drawing of {product}"))
    [job] = claim(["null"], "w", batch=False)
    assert succeed(job, media(1))
    Artifact.objects.filter(job=job).update(seed=7)
    return Artifact.objects.get()


def test_use_all_and_remix_bring_back_template_version_and_values(alices, alice, template, made):
    again(template, alice, sections=[{"name": "prompt", "text": "new"}])
    for use, seed in (("all", 7), ("remix", None)):
        page = alices.get(reverse("create"), {"from": made.pk, "use": use})
        form = page.context["form"]
        assert page.context["template"].version.number == 1
        assert (form["field_product"].value(), form["field_light"].value()) == ("a jug", ["studio"])
        assert form["section_subject"].value() == "A drawing of {product}"
        assert form["seed"].value() == seed
        assert "".join(part.text for part in page.context["wording"].prompt) == "A drawing of a jug, brand style"


def test_use_all_of_a_template_that_is_gone_brings_its_words(alices, template, made):
    template.delete()
    page = alices.get(reverse("create"), {"from": made.pk, "use": "all"})
    assert page.context["template"] is None
    assert page.context["form"]["prompt"].value() == "A drawing of a jug, brand style"
    assert "The template that this was made with is gone." in page.content.decode()


def test_a_picture_made_with_somebody_s_private_template_brings_its_words(client_of, alice, bob, template, made):
    templates.set_visibility(template, "private", by=alice)
    page = client_of(bob).get(reverse("create"), {"from": made.pk, "use": "all"})
    assert page.context["template"] is None
    assert page.context["form"]["prompt"].value() == "A drawing of a jug, brand style"


def test_to_another_mode_go_the_words_alone(alices, made):
    values = initial(alices, **{"from": made.pk, "use": "image"})
    assert (values["prompt"], values["mode"]) == ("A drawing of a jug, brand style", "image-to-image")
    assert "template" not in values


def test_a_failed_job_comes_back_to_be_changed_and_is_tried_again_as_it_was(alices, template):
    press(alices, **sent(template))
    [job] = claim(["null"], "w", batch=False)
    assert fail(job, "bad_request", "Too blue.")
    page = alices.get(reverse("create"), {"job": job.pk, "use": "settings"})
    assert page.context["template"].version == job.template_version
    assert page.context["form"]["field_tint"].value() == "#0000ff"
    alices.post(reverse("job_retry", args=[job.pk]), {"idempotency_key": "again"}, **HTMX)
    retried = Job.objects.exclude(pk=job.pk).get()
    assert (retried.template_version, retried.template_values, retried.written) == (job.template_version, job.template_values, job.written)
