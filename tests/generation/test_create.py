"""Create through its front door: what a person sends, what they get, and that nothing is lost or charged when it is refused."""

import uuid

import pytest
from django.urls import reverse

from accounts.models import User
from billing.services import wallets
from studio.generation.models import Job
from tests.generation.conftest import HTMX, fields, initial, press, price_of_one, wallet

pytestmark = pytest.mark.django_db


def test_the_page_shows_prompt_price_and_button(alices):
    page = alices.get(reverse("create"), {"engine": "null"})
    assert page.status_code == 200
    html = page.content.decode()
    assert 'name="prompt"' in html
    assert "Generate" in html
    assert page.context["quote"].amount == price_of_one()
    assert page.context["after"] == 100_000 - price_of_one()


def test_generate_makes_a_job_with_what_was_typed(alices, alice, rich):
    response = press(alices, prompt="  a red\r\nboat  ", seed="42")
    assert response.status_code == 200
    job = Job.objects.get()
    assert (job.user, job.team, job.prompt, job.request["seed"], job.num_images) == (alice, rich, "a red\nboat", 42, 2)
    assert wallet(rich) == (100_000, 2 * price_of_one())
    assert f"job-{job.pk}" in response.content.decode()


def test_without_javascript_generate_leads_to_the_job(alices):
    response = alices.post(reverse("create"), fields())
    assert response.status_code == 302
    assert response["Location"] == f"/create/?job={Job.objects.get().pk}"


def test_a_double_click_is_one_job(alices, rich):
    press(alices)
    press(alices)
    assert Job.objects.count() == 1
    assert wallet(rich) == (100_000, 2 * price_of_one())


def test_the_answer_brings_a_fresh_key(alices):
    html = press(alices).content.decode()
    assert 'name="idempotency_key"' in html
    assert 'value="k1"' not in html


@pytest.mark.parametrize("prompt", ["🏰 castle ✨", "סירה אדומה", "a\x00b\x07c\x1b[31m", "<script>alert(1)</script>", "x" * 10_000])
def test_any_words_are_taken(alices, prompt):
    assert press(alices, prompt=prompt).status_code == 200
    stored = Job.objects.get().prompt
    assert stored == prompt.replace("\x00", " ").replace("\x07", " ").replace("\x1b", " ")


def test_words_cannot_be_made_to_read_backwards(alices):
    assert press(alices, prompt="a \u202eevil\u202c cat, \u2066סירה\u2069").status_code == 200
    assert Job.objects.get().prompt == "a evil cat, סירה"


def test_a_refusal_for_an_engine_that_is_gone_can_be_pressed_again(alices):
    refused = press(alices, engine="gone")
    shown = {name: refused.context["form"][name].value() for name in ("engine", "mode")}
    assert press(alices, **shown).status_code == 200


def test_words_are_escaped_on_the_page(alices):
    html = press(alices, prompt="<script>alert(1)</script>").content.decode()
    assert "<script>alert(1)" not in html
    assert "&lt;script&gt;alert(1)" in html


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"prompt": ""}, "Write what the picture should show."),
        ({"prompt": " \n\t "}, "Write what the picture should show."),
        ({"prompt": "x" * 100_000}, "Prompt may have at most 10,000 characters; this has 100,000. Shorten it."),
        ({"num_images": "9"}, "makes 1 to 8 pictures at a time"),
        ({"num_images": "0"}, "makes 1 to 8 pictures at a time"),
        ({"num_images": "many"}, "makes 1 to 8 pictures at a time"),
        ({"seed": "-1"}, "A seed is a whole number from 0"),
        ({"seed": str(2**32)}, "A seed is a whole number from 0"),
        ({"seed": "1.5"}, "A seed is a whole number from 0"),
        ({"mode": "image-to-image"}, "Choose a picture to start from"),
        ({"mode": "image-to-image", "image": "nonsense"}, "Choose the picture again."),
        ({"mode": "image-to-image", "image": str(uuid.uuid4())}, "The file is gone, or is not yours. Choose it again."),
        ({"idempotency_key": ""}, "This page has lost the key of its press. Reload it, and press again."),
        ({"engine": "gone"}, "What you had chosen is not offered any more; this is "),
        ({"mode": "gone"}, "What you had chosen is not offered any more; this is "),
        ({"engine": "storybook", "mode": "text-to-3d"}, "What you had chosen is not offered any more; this is Storybook now."),
    ],
)
def test_bad_input_is_refused_with_a_reason_and_nothing_is_lost(alices, rich, changes, says):
    response = press(alices, **changes)
    assert response.status_code == 422
    assert says in str(response.context["form"].errors)
    if changes.get("prompt", "").strip() == "" and "prompt" in changes:
        assert response.context["form"]["prompt"].value().strip() == ""
    else:
        assert response.context["form"]["prompt"].value() == changes.get("prompt", "a boat"), "what was typed is kept"
    assert not Job.objects.exists()
    assert wallet(rich) == (100_000, 0)


def test_sizes_off_the_list_or_grid_are_refused(alices, rich):
    for size in ("513x512", "0x0", "30000x30000", "axb", "-512x512"):
        response = press(alices, engine="storybook", size=size)
        assert response.status_code == 422
        assert "does not make that size" in str(response.context["form"].errors["size"])
    assert wallet(rich) == (100_000, 0)


@pytest.fixture
def no_welcome(settings):
    settings.WELCOME_CREDITS = 0


def test_too_expensive_is_refused_with_the_numbers(no_welcome, client_of, alice, team, bells, hints):
    response = press(client_of(alice), num_images="2")
    assert response.status_code == 422
    said = "This costs 2 credits and 0 are available. Add credits to the wallet, or choose something that costs less."
    [told] = response.context["form"].non_field_errors()
    assert told == f'{said} <a class="link" href="/wallet/buy/">Buy credits</a>'
    assert told in response.content.decode()
    assert not Job.objects.exists()


def test_where_there_is_enough_is_said_before_the_press(client_of, alice, team, bells, hints):
    page = client_of(alice, team).get(reverse("create"), {"engine": "null", "mode": "text-to-image"})
    assert page.context["way_out"] == "Your own team has 25 credits: switch to it at the top of the page."
    assert page.context["way_out"] in page.content.decode()
    wallets.grant(wallets.wallet_of(team), 100_000, reference="test", description="For the test")
    page = client_of(alice, team).get(reverse("create"), {"engine": "null", "mode": "text-to-image"})
    assert page.context["way_out"] == ""


def test_too_expensive_here_but_not_in_another_team_says_so(client_of, alice, team):
    [said] = press(client_of(alice, team), num_images="2").context["form"].non_field_errors()
    assert said.endswith(" Your own team has 25 credits: switch to it at the top of the page.")
    assert not Job.objects.exists()


def test_an_operator_is_told_where_credits_are_granted(no_welcome, client_of, alice, team):
    User.objects.filter(pk=alice.pk).update(is_staff=True)
    [said] = press(client_of(alice), num_images="2").context["form"].non_field_errors()
    assert said.endswith(" As an operator you grant credits in the admin, under Wallets.")


def test_too_fast_is_refused_with_a_time(alices, settings, rich):
    settings.SUBMIT_RATE = "2/minute"
    statuses = [press(alices, idempotency_key=f"k{i}").status_code for i in range(3)]
    assert statuses == [200, 200, 429]
    assert Job.objects.count() == 2


def test_a_press_that_is_wrong_counts_too(alices, settings, rich):
    """It is counted before its files are read, so nobody can have them read without end."""
    settings.SUBMIT_RATE = "1/minute"
    assert [press(alices, prompt="").status_code for _ in range(2)] == [422, 429]
    assert not Job.objects.exists()


def test_viewers_may_not_generate(client_of, carol, rich):
    client = client_of(carol)
    assert press(client).status_code == 403
    assert not Job.objects.exists()
    assert wallet(rich) == (100_000, 0)
    assert client.get(reverse("create")).context["can_generate"] is False


HINT = '<p class="help foreign" role="status" data-english-only'


@pytest.mark.parametrize(("prompt", "shown"), [("قارب أحمر", f"{HINT}>"), ("a red boat", f"{HINT} hidden>")])
def test_an_engine_that_knows_english_only_says_so(alices, prompt, shown):
    html = alices.get(reverse("create"), {"engine": "storybook", "mode": "text-to-image", "prompt": prompt}).content.decode()
    assert shown in html
    assert "Storybook understands English only" in html


def test_another_engine_may_know_any_language(alices):
    html = alices.get(reverse("create"), {"engine": "null", "mode": "text-to-image", "prompt": "قارب أحمر"}).content.decode()
    assert HINT not in html


@pytest.mark.parametrize(
    ("engine", "prompt", "shown", "words"),
    [
        ("null", "a (red:1.2) boat", ">", "Null (test card) ignores weights: (cat:1.2) is read as cat."),
        ("null", r"a (red) boat \(old:1.2\)", " hidden>", "Null (test card) ignores weights: (cat:1.2) is read as cat."),
        ("storybook", "a (red:1.2) boat", ">", "(word:1.2) gives a word more weight, (word:0.8) less."),
    ],
)
def test_an_engine_says_what_it_makes_of_weights(alices, engine, prompt, shown, words):
    html = alices.get(reverse("create"), {"engine": engine, "mode": "text-to-image", "prompt": prompt}).content.decode()
    assert f'<p class="help" role="status" data-weights-help{shown}{words}' in html


def test_a_prompt_may_be_longer_than_what_leaves_of_it(alices, rich):
    assert press(alices, engine="null", prompt="a (cat:1.2) " + "b" * 9_994).status_code == 200
    assert Job.objects.get().prompt.startswith("a (cat:1.2) b")
    refused = press(alices, engine="null", prompt="(a:1)" * 5_000)
    assert refused.status_code == 422
    assert "Prompt may have at most 20,000 characters; this has 25,000. Shorten it." in refused.content.decode()
    assert Job.objects.count() == 1


def test_nobody_signed_in_is_led_to_the_login_page(client, alice):
    response = client.post(reverse("create"), fields())
    assert response.status_code == 302
    assert response["Location"].startswith(reverse("account_login"))


def test_strangers_see_nothing(done, client_of, mallory, other_team):
    client = client_of(mallory)
    before = wallet(done.team)
    assert client.get(reverse("job", args=[done.pk]), **HTMX).status_code == 404
    assert client.get(reverse("job_stage", args=[done.pk]), **HTMX).status_code == 404
    assert client.get(reverse("job_preview", args=[done.pk, 1])).status_code == 404
    assert client.post(reverse("job_cancel", args=[done.pk]), **HTMX).status_code == 404
    assert client.post(reverse("job_retry", args=[done.pk]), **HTMX).status_code == 404
    assert client.get(reverse("create"), {"from": done.artifacts.first().pk, "use": "all"}).status_code == 404
    assert f"/jobs/{done.pk}/" not in client.get(reverse("create"), {"job": done.pk}).content.decode()
    assert (Job.objects.count(), wallet(done.team)) == (1, before)


def test_a_team_mate_sees_the_job_but_a_viewer_cannot_change_it(done, client_of, carol):
    client = client_of(carol)
    assert client.get(reverse("job", args=[done.pk]), **HTMX).status_code == 200
    assert client.post(reverse("job_retry", args=[done.pk]), **HTMX).status_code == 403
    assert Job.objects.count() == 1


def test_use_all_restores_every_setting(done, alices):
    second = done.artifacts.get(index=1)
    values = initial(alices, **{"from": second.pk, "use": "all"})
    assert (values["engine"], values["mode"], values["prompt"], values["seed"]) == ("null", "text-to-image", "a castle", 101)


def test_remix_keeps_all_but_the_seed(done, alices):
    values = initial(alices, **{"from": done.artifacts.first().pk, "use": "remix"})
    assert (values["prompt"], values["seed"]) == ("a castle", None)


def test_use_seed_keeps_what_is_on_the_page(done, alices):
    values = initial(alices, **{"from": done.artifacts.first().pk, "use": "seed", "prompt": "a dog", "engine": "null"})
    assert (values["prompt"], values["seed"]) == ("a dog", 100)


@pytest.mark.parametrize(("use", "mode"), [("image", "image-to-image"), ("mask", "inpainting"), ("upscale", "upscaling")])
def test_send_to_another_mode(done, alices, use, mode):
    artifact = done.artifacts.first()
    page = alices.get(reverse("create"), {"from": artifact.pk, "use": use})
    assert page.context["mode"].value == mode
    assert page.context["source"] == artifact
    assert str(page.context["form"]["source"].value()) == str(artifact.pk)


def test_what_one_goes_on_from_is_on_the_stage(done, alices):
    older = done.artifacts.get(index=1)
    press(alices, prompt="a newer one", idempotency_key="k2")
    page = alices.get(reverse("create"), {"from": older.pk, "use": "mask"})
    assert (page.context["job"], page.context["selected"]) == (done, older)


def test_switching_engine_keeps_what_applies_and_says_what_changed(alices):
    page = alices.get(
        reverse("create_form"), {"engine": "storybook", "mode": "text-to-image", "prompt": "a dog", "size": "9x9", "seed": "5"}, **HTMX
    )
    form = page.context["form"]
    assert (form["prompt"].value(), form["seed"].value()) == ("a dog", "5")
    assert any("9x9" in note for note in page.context["notes"])


def test_the_price_follows_the_form(alices):
    response = alices.post(reverse("create_quote"), fields(num_images="4", prompt=""), **HTMX)
    assert response.status_code == 200
    assert response.context["quote"].amount == 4 * price_of_one()
    assert not Job.objects.exists()
