"""Brand rules: what they say to a prompt and a size, and that a press which breaks one costs nothing and loses nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry, Team, User
from billing.services import wallets
from studio.backends.base import Engine, GenerationRequest, Mode, Parameter, PriceTable
from studio.generation.errors import BatchRefused, BrandRefused
from studio.generation.models import Batch, Job
from studio.generation.services import submit
from studio.generation.services.batches import Item, submit_batch
from studio.generation.services.branding import refusals
from studio.prompts.brand import Wish, broken, rules_of
from studio.prompts.errors import Unfit
from studio.prompts.models import BrandRule
from studio.prompts.services.brand import MOST, Draft, add_rule, change_rule, delete_rule
from tests.factories import make_job
from tests.prompts.factories import TYPED, make_template, page_of

ClientOf = Callable[..., Client]


@pytest.fixture(autouse=True)
def null_engine(settings: Any) -> None:
    settings.BACKENDS = {"null": {"BACKEND": "studio.backends.null.NullBackend", "OPTIONS": {"ENABLED": True}}}


@pytest.fixture
def rich(team: Team) -> Team:
    wallets.grant(wallets.wallet_of(team), 10_000, reference="test", description="For a test")
    return team


def rule(kind: str = "banned", **fields: Any) -> BrandRule:
    return BrandRule(**{"name": "No rivals", "kind": kind, **fields})


def said(one: BrandRule, prompt: str = "a mug", **wish: Any) -> list[str]:
    return [problem.message for problem in broken([one], Wish(prompt, **wish))]


# --- words -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "prompt", ["an Acme mug", "acme", "ÀCME!", "a c m e", "аcme", "(acme:1.3)", "ac(m:1.2)e", r"\(acme\)", "two acmes", "mug,acme,tea"]
)
def test_a_banned_word_is_found_however_it_is_written(prompt: str) -> None:
    assert said(rule(words="Acme", advice="Say “our mug” instead."), prompt) == [
        "“No rivals” does not allow “Acme”. Say “our mug” instead."
    ]


@pytest.mark.parametrize("prompt", ["acmeology", "a mug", "", "ac me"])
def test_other_words_are_left_alone(prompt: str) -> None:
    assert said(rule(words="Acme"), prompt) == []


def test_words_are_named_as_the_admin_wrote_them() -> None:
    many = rule(words="Acme\nInitech*\nBig Corp|BigCorp\nHooli + mug\n! Acme Street\nP\nQ\nR")
    assert said(many, "the Initechs of big corp") == ["“No rivals” does not allow “Initech…” and “Big Corp”."]
    assert said(many, "a hooli mug on Acme Street") == ["“No rivals” does not allow “hooli with mug”."]
    assert said(many, "acme initech bigcorp p q r") == ["“No rivals” does not allow “Acme”, “Initech…”, “BigCorp”, “P”, “Q” and more."]


def test_one_of_the_required_words_is_enough_and_no_prompt_is_asked_for_none() -> None:
    one, two = rule("required", words="watercolor"), rule("required", words="watercolor\nflat illustration\nink*")
    assert said(one) == ["“No rivals” asks for “watercolor”."]
    assert said(two) == ["“No rivals” asks for one of “watercolor”, “flat illustration” or “ink…”."]
    assert said(two, "a mug, Flat Illustration") == []
    assert said(two, "a mug in inks") == []
    assert said(two, "") == []
    assert said(two, asks_for_words=False) == []


def test_a_rule_without_words_asks_for_nothing() -> None:
    assert said(rule(words="")) == []
    assert said(rule("required", words="# later\n")) == []


# --- sizes and shapes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "wish", "sentence"),
    [
        ({"minimum": 512}, {"width": 384, "height": 640}, "asks for at least 512 pixels on the shorter side; this has 384."),
        ({"minimum": 512}, {"width": 512, "height": 512}, ""),
        ({"maximum": 1024}, {"width": 1536, "height": 640}, "allows at most 1,024 pixels on the longer side; this has 1,536."),
        ({"ratios": ["1:1"]}, {"width": 512, "height": 768}, "allows only the shape 1:1; this is 512 × 768."),
        ({"ratios": ["1:1", "4:5", "16:9"]}, {"shape": "3:2"}, "allows only the shapes 1:1, 4:5 and 16:9; this is 3:2."),
        ({"ratios": ["16:9"]}, {"width": 1344, "height": 768}, ""),  # as near as this engine comes
        ({"ratios": ["4:5"]}, {"width": 576, "height": 768}, "allows only the shape 4:5; this is 576 × 768."),
        ({"ratios": ["16:9"]}, {"shape": "16:9"}, ""),
        ({"ratios": ["16:9"]}, {"shape": "9:16"}, "allows only the shape 16:9; this is 9:16."),
        ({"ratios": ["16:9"]}, {"shape": "4:0"}, ""),
        ({"minimum": 512, "ratios": ["16:9"]}, {}, ""),  # the size follows from a file
        ({"minimum": 512}, {"shape": "1:1"}, ""),  # how many pixels, the engine decides
        (
            {"minimum": 512, "ratios": ["1:1"], "advice": "Post a square."},
            {"width": 640, "height": 384},
            "asks for at least 512 pixels on the shorter side; this has 384. "
            "It allows only the shape 1:1; this is 640 × 384. Post a square.",
        ),
    ],
)
def test_a_size_is_compared_with_what_is_known_of_it(fields: dict[str, Any], wish: dict[str, Any], sentence: str) -> None:
    found = broken([rule("size", name="Posts", **fields)], Wish("a mug", **wish))
    assert [(one.rule, one.field, one.message) for one in found] == ([("Posts", "size", f"“Posts” {sentence}")] if sentence else [])


def test_the_rules_of_a_team_are_its_own(team: Team, other_team: Team) -> None:
    BrandRule.objects.create(team=team, name="No rivals", kind="banned", words="Acme")
    assert [one.rule for one in broken(rules_of(team), Wish("acme"))] == ["No rivals"]
    assert broken(rules_of(other_team), Wish("acme")) == []


# --- at the front door -----------------------------------------------------------------------------------------------


def press(client: Client, prompt: str, **fields: str) -> Any:
    data = {"engine": "null", "mode": "text-to-image", "prompt": prompt, "idempotency_key": f"key {prompt}"[:60], **fields}
    return client.post(reverse("create"), data, headers={"HX-Request": "true"})


def test_a_press_that_breaks_rules_costs_nothing_and_keeps_everything(bob: User, rich: Team, client_of: ClientOf) -> None:
    client = client_of(bob)
    drawn = client.get(reverse("create"), {"engine": "null", "prompt": "acme"}).content.decode()
    BrandRule.objects.create(team=rich, name="No <b>rivals</b>", kind="banned", words="Acme", advice="Say “our mug” instead.")
    BrandRule.objects.create(team=rich, name="Print", kind="size", minimum=20_000, advice="Take a <i>larger</i> engine.")
    assert "No <b>rivals" not in drawn
    assert "No &lt;b&gt;rivals" not in drawn  # the page was drawn before the rule was made
    response = press(client, "an acme mug", seed="77")
    page = response.content.decode()
    assert response.status_code == 422
    assert "“No &lt;b&gt;rivals&lt;/b&gt;” does not allow “Acme”. Say “our mug” instead." in page
    assert "“Print” asks for at least 20,000 pixels on the shorter side" in page
    assert "Take a &lt;i&gt;larger&lt;/i&gt; engine." in page
    assert "an acme mug</textarea>" in page
    assert 'value="77"' in page
    assert not Job.objects.exists()
    assert (wallets.wallet_of(rich).held, wallets.wallet_of(rich).available) == (0, 10_000)


def test_the_price_says_nothing_of_rules(bob: User, rich: Team, client_of: ClientOf) -> None:
    BrandRule.objects.create(team=rich, name="No rivals", kind="banned", words="Acme")
    data = {"engine": "null", "mode": "text-to-image", "prompt": "acme"}
    response = client_of(bob).post(reverse("create_quote"), data, headers={"HX-Request": "true"})
    assert response.status_code == 200
    assert "No rivals" not in response.content.decode()


def test_what_shall_be_left_out_may_be_named(bob: User, rich: Team, client_of: ClientOf) -> None:
    BrandRule.objects.create(team=rich, name="No rivals", kind="banned", words="Acme")
    assert press(client_of(bob), "a mug", negative_prompt="acme").status_code == 200
    assert Job.objects.get().prompt == "a mug"


def test_a_retry_is_looked_at_with_the_rules_of_now(bob: User, team: Team, client_of: ClientOf) -> None:
    job = make_job(team, bob, status=Job.Status.FAILED, prompt="an acme mug")
    held = wallets.wallet_of(team).held
    BrandRule.objects.create(team=team, name="No rivals", kind="banned", words="Acme")
    response = client_of(bob).post(reverse("job_retry", args=[job.pk]), headers={"HX-Request": "true"})
    assert response.status_code == 422
    assert "“No rivals” does not allow “Acme”." in response.content.decode()
    assert (Job.objects.count(), wallets.wallet_of(team).held) == (1, held)


def test_a_preview_may_be_small_where_what_it_is_of_is_large_enough(bob: User, rich: Team) -> None:
    BrandRule.objects.create(team=rich, name="Print", kind="size", minimum=512)
    small = GenerationRequest(engine="null", mode=Mode.TEXT_TO_IMAGE, seed=1, prompt="a mug", width=256, height=256)
    large = {**small.to_json(), "width": 512, "height": 512}
    with pytest.raises(BrandRefused, match="“Print” asks for at least 512 pixels"):
        submit(user=bob, team=rich, request=small, idempotency_key="a")
    assert submit(user=bob, team=rich, request=small, idempotency_key="b", intended=large).request["width"] == 256
    assert Job.objects.count() == 1


SHAPED = Engine(
    id="shaped",
    label="Shaped",
    backend="null",
    queue="null",
    modes=(Mode.TEXT_TO_IMAGE, Mode.SEARCH_AND_REPLACE, Mode.TEXT_TO_AUDIO),
    price=PriceTable("1", per_image=1000),
    parameters=(
        Parameter("aspect_ratio", "Shape", "aspect-ratio", "1:1", choices=("1:1", "16:9"), modes=frozenset((Mode.TEXT_TO_IMAGE,))),
    ),
)


def asked(mode: Mode = Mode.TEXT_TO_IMAGE, prompt: str = "a mug", **extra: str) -> GenerationRequest:
    return GenerationRequest(engine="shaped", mode=mode, seed=1, prompt=prompt, extra=extra)


def test_a_shape_is_refused_beside_its_field_also_when_nobody_chose_it() -> None:
    wide = [rule("size", name="Wide", ratios=["16:9"])]
    assert refusals(wide, asked(aspect_ratio="16:9"), SHAPED) == {}
    assert refusals(wide, asked(), SHAPED) == {"aspect_ratio": "“Wide” allows only the shape 16:9; this is 1:1."}


def test_all_that_is_drawn_is_looked_at_and_what_is_looked_for_may_be_named() -> None:
    rules = [rule(words="Acme"), rule("required", name="Style", words="ink")]
    assert refusals(rules, asked(Mode.SEARCH_AND_REPLACE, "an ink pot", search_prompt="the acme mug"), SHAPED) == {}
    found = refusals(rules, asked(Mode.SEARCH_AND_REPLACE, "", foreground_prompt="an acme mug"), SHAPED)
    assert found == {"foreground_prompt": "“No rivals” does not allow “Acme”."}


def test_words_of_pictures_are_not_asked_of_sounds() -> None:
    rules = [rule("required", name="Style", words="ink")]
    assert refusals(rules, asked(Mode.TEXT_TO_AUDIO, "a slow waltz"), SHAPED) == {}
    assert refusals(rules, asked(), SHAPED) == {"prompt": "“Style” asks for “ink”."}


def test_a_batch_is_refused_by_the_places_of_what_breaks_a_rule(bob: User, rich: Team) -> None:
    BrandRule.objects.create(team=rich, name="No rivals", kind="banned", words="Acme", advice="Say “our mug” instead.")
    BrandRule.objects.create(team=rich, name="Print", kind="size", minimum=512)
    requests = [
        GenerationRequest(engine="null", mode=Mode.TEXT_TO_IMAGE, seed=1, prompt=prompt, width=size, height=size)
        for prompt, size in (("a mug", 512), ("an acme mug", 512), ("a mug", 256))
    ]
    with pytest.raises(BatchRefused) as refused:
        submit_batch(
            user=bob, team=rich, items=[Item(one) for one in requests], kind=Batch.Kind.TABLE, title="Mugs", idempotency_key="mugs"
        )
    assert refused.value.items == {
        1: "“No rivals” does not allow “Acme”. Say “our mug” instead.",
        2: "“Print” asks for at least 512 pixels on the shorter side; this has 256.",
    }
    assert not Job.objects.exists()
    assert wallets.wallet_of(rich).held == 0


# --- writing rules ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "draft", "fields"),
    [
        ("banned", Draft("", words="Acme"), {"name": "Give the rule a name: a refusal says it."}),
        ("banned", Draft("\u2800", words="Acme"), {"name": "Give the rule a name: a refusal says it."}),
        ("banned", Draft("x" * 81, words="Acme"), {"name": "Shorten this to 80 characters; it has 81."}),
        ("banned", Draft("A", words=" \n# Acme"), {"words": "Write a word or phrase on each line."}),
        ("required", Draft("A", words="! Acme"), {"words": "Write a word or phrase on each line."}),
        ("banned", Draft("A", words="Acme\nx*"), {"words": "Line 2, “x*”: at least three letters have to stand before a *."}),
        (
            "banned",
            Draft("A", words="t-shirt, Rock ’n’ Roll\n<b>"),
            {"words": "“<b>”: prompts are compared by letters and digits, so < and > would count for nothing. Leave them out."},
        ),
        (
            "banned",
            Draft("A", words="Yahoo!"),
            {"words": "“Yahoo!”: prompts are compared by letters and digits, so ! would count for nothing. Leave it out."},
        ),
        ("banned", Draft("A", words="Acme", advice="x" * 201), {"advice": "Shorten this to 200 characters; it has 201."}),
        ("size", Draft("A"), {"minimum": "Say at least one of these: a smallest size, a largest size, or the shapes that are allowed."}),
        (
            "size",
            Draft("A", minimum=900, maximum=300),
            {"maximum": "No picture can be at least 900 and at most 300 pixels. Swap the two, or change one."},
        ),
        ("size", Draft("A", minimum=0), {"minimum": "Write a number of pixels from 1 to 20,000."}),
        ("size", Draft("A", ratios=["1:1", "4:0"]), {"ratios": "“4:0” is no shape: neither side can be 0."}),
        ("size", Draft("A", ratios=["wide"]), {"ratios": "“wide” is no shape. Write it as 16:9, the width before the height."}),
        ("size", Draft("A", ratios=["100:1"]), {"ratios": "“100:1” is too narrow: one side may be 20 times the other at most."}),
    ],
)
def test_a_rule_that_makes_no_sense_is_not_kept(kind: str, draft: Draft, fields: dict[str, str], alice: User, team: Team) -> None:
    with pytest.raises(Unfit) as unfit:
        add_rule(team, draft, kind=kind, by=alice)
    assert unfit.value.fields == fields
    assert not BrandRule.objects.exists()
    assert not AuditEntry.objects.filter(action__startswith="brand_rule.").exists()


def test_no_two_rules_are_called_the_same(alice: User, team: Team, other_team: Team) -> None:
    first = add_rule(team, Draft("No rivals", words="Acme"), kind="banned", by=alice)
    second = add_rule(team, Draft("Posts", ratios=["4:5", "4 / 5"]), kind="size", by=alice)
    assert second.ratios == ["4:5"]
    with pytest.raises(Unfit) as unfit:
        add_rule(team, Draft(" no  RIVALS", words="Globex"), kind="banned", by=alice)
    assert unfit.value.fields == {"name": "There is a rule “no RIVALS” already. Change that one, or choose another name."}
    with pytest.raises(Unfit):
        change_rule(second, Draft("No rivals", ratios=["1:1"]), by=alice)
    change_rule(first, Draft("NO RIVALS", words="Acme"), by=alice)
    add_rule(other_team, Draft("No rivals", words="Acme"), kind="banned", by=alice)
    assert sorted(BrandRule.objects.values_list("team__name", "name")) == [
        ("Elsewhere", "No rivals"),
        ("Harbour Street", "NO RIVALS"),
        ("Harbour Street", "Posts"),
    ]


def test_there_is_an_end_to_rules(alice: User, team: Team) -> None:
    BrandRule.objects.bulk_create(BrandRule(team=team, name=f"Rule {n}", kind="banned", words="Acme") for n in range(MOST))
    with pytest.raises(Unfit, match="A team has 100 brand rules at most"):
        add_rule(team, Draft("One more", words="Acme"), kind="banned", by=alice)
    assert BrandRule.objects.count() == MOST


def test_the_log_says_who_changed_which_rule(alice: User, team: Team) -> None:
    made = add_rule(team, Draft("No rivals", words="Acme"), kind="banned", by=alice)
    change_rule(made, Draft("No rivals", words="Acme"), by=alice)  # nothing is different
    change_rule(made, Draft("Rivals", words="Acme\nGlobex"), by=alice)
    assert delete_rule(made, by=alice)
    assert not delete_rule(made, by=alice)
    with pytest.raises(Unfit, match="Somebody deleted this rule while you were writing"):
        change_rule(BrandRule(pk=10**6, team=team, kind="banned"), Draft("Rivals", words="Acme"), by=alice)
    log = AuditEntry.objects.filter(team=team, action__startswith="brand_rule.").order_by("pk")
    assert list(log.values_list("action", "text")) == [
        ("brand_rule.added", "made the brand rule “No rivals”"),
        ("brand_rule.changed", "changed the brand rule “No rivals”, and calls it “Rivals”"),
        ("brand_rule.deleted", "deleted the brand rule “Rivals”"),
    ]


# --- the page --------------------------------------------------------------------------------------------------------


def test_an_admin_makes_changes_and_deletes_a_rule(alice: User, team: Team, client_of: ClientOf) -> None:
    client = client_of(alice)
    new = reverse("brand_rule_new", args=["size"])
    page = client.post(new, {"name": "Posts", "minimum": "384", "ratios": "1:1, 4:5 and 1.91:1"}, follow=True).content.decode()
    made = BrandRule.objects.get()
    assert "“Posts” is saved. It holds for what is asked for from now on." in page
    assert "At least 384 pixels on the shorter side, only 1:1, 4:5 and 1.91:1" in page
    assert (made.minimum, made.ratios, made.made_by) == (384, ["1:1", "4:5", "1.91:1"], alice)
    address = reverse("brand_rule", args=[made.pk])
    assert 'value="1:1, 4:5, 1.91:1"' in client.get(address).content.decode()
    client.post(address, {"name": "Square posts", "minimum": "", "ratios": "1:1"})
    made.refresh_from_db()
    assert (made.name, made.minimum, made.ratios) == ("Square posts", None, ["1:1"])
    assert "“Square posts” is gone." in client.post(reverse("brand_rule_delete", args=[made.pk]), follow=True).content.decode()
    assert not BrandRule.objects.exists()


def test_what_makes_no_sense_is_said_beside_its_field_and_kept(alice: User, team: Team, client_of: ClientOf) -> None:
    data = {"name": "<b>Posts</b>", "minimum": "many", "ratios": "4:0"}
    response = client_of(alice).post(reverse("brand_rule_new", args=["size"]), data)
    page = response.content.decode()
    assert response.status_code == 422
    assert "Write a whole number of pixels." in page
    assert 'value="&lt;b&gt;Posts&lt;/b&gt;"' in page
    assert 'value="4:0"' in page
    assert not BrandRule.objects.exists()


def test_members_see_the_rules_and_write_none(bob: User, carol: User, team: Team, client_of: ClientOf) -> None:
    made = BrandRule.objects.create(team=team, name="<i>No rivals</i>", kind="banned", words="Acme\nGlobex", advice="Say <b>our</b>.")
    for person in (bob, carol):
        client = client_of(person)
        page = client.get(reverse("brand_rules")).content.decode()
        assert "&lt;i&gt;No rivals&lt;/i&gt;" in page
        assert "Say &lt;b&gt;our&lt;/b&gt;." in page
        assert "Globex" in page
        assert reverse("brand_rule", args=[made.pk]) not in page
        assert reverse("brand_rule_new", args=["banned"]) not in page
        assert reverse("brand_rules") in client.get(reverse("team")).content.decode()
        assert client.post(reverse("brand_rule_delete", args=[made.pk])).status_code == 403
        assert client.post(reverse("brand_rule", args=[made.pk]), {"name": "A", "words": "B"}).status_code == 403
    made.refresh_from_db()
    assert (made.name, made.words) == ("<i>No rivals</i>", "Acme\nGlobex")


def test_there_is_no_other_kind_of_rule(alice: User, team: Team, client_of: ClientOf) -> None:
    assert client_of(alice).get(reverse("brand_rule_new", args=["anything"])).status_code == 404


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"sample": "an acme mug"}, "“No rivals” does not allow “Acme”."),
        ({"sample": "a mug", "size": "1024x768"}, "“Posts” allows only the shape 1:1; this is 1024 × 768."),
        ({"sample": "", "size": "16:9"}, "“Posts” allows only the shape 1:1; this is 16:9."),
        ({"sample": "a mug", "size": "1:1"}, "No rule has anything against this."),
        ({"sample": "a mug", "size": "large"}, "Write a size in pixels, like 1024 × 768, or a shape, like 16:9."),
        ({"sample": "", "size": ""}, "Write a prompt to try, or a size."),
    ],
)
def test_a_prompt_can_be_tried(query: dict[str, str], sentence: str, carol: User, team: Team, client_of: ClientOf) -> None:
    BrandRule.objects.create(team=team, name="No rivals", kind="banned", words="Acme")
    BrandRule.objects.create(team=team, name="Posts", kind="size", ratios=["1:1"])
    assert sentence in client_of(carol).get(reverse("brand_rules"), query).content.decode()


def test_who_saves_a_template_that_breaks_a_rule_is_told_and_may(alice: User, team: Team, client_of: ClientOf) -> None:
    add_rule(team, Draft("No rivals", words="Acme\nwindow light"), kind="banned", by=alice)
    made = make_template(team, alice)
    client = client_of(alice)
    told = "Pictures with this version will be refused: “No rivals” does not allow"
    acme = {**TYPED, "section.subject.text": "An Acme {product}"}
    page = client.post(page_of(made), acme, follow=True).content.decode()
    assert (f"{told} “Acme”." in page, made.versions.count()) == (True, 2)
    page = client.post(page_of(made, "versions/2/publish/"), follow=True).content.decode()
    assert f"{told} “Acme”." in page
    page = client.post(page_of(made), {**TYPED, "after": "2"}, follow=True).content.decode()
    assert f"{told} “window light”." in page  # a choice of a field
    page = client.post(page_of(made), {**acme, "after": "3", "section.subject.text": "A {product}"}, follow=True).content.decode()
    assert (told in page, made.versions.count()) == (False, 4)
