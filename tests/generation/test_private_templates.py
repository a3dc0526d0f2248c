"""What somebody makes with a template of their own is the team's to see; the template, and what it is called, is not."""

from __future__ import annotations

import pytest
from django.core import mail
from django.urls import reverse

from accounts.models import AuditEntry
from billing.services import wallets
from billing.services.approvals import add_rule
from studio.generation import services
from studio.generation.models import Artifact, Batch
from studio.generation.services import claim, succeed
from studio.prompts.content import Content
from studio.prompts.services import templates
from tests.generation.conftest import media, press
from tests.prompts.factories import make_template

pytestmark = pytest.mark.django_db

CALLED = "Autumn campaign"
CONTENT = {
    "sections": [{"name": "prompt", "text": "{thing} in {soft|hard} light"}],
    "fields": [{"name": "thing", "label": "Secret thing", "required": True}],
    "changeable": ["num_images", "seed"],
}


@pytest.fixture
def private(bob, rich):
    return make_template(rich, bob, name=CALLED, content=Content.checked(CONTENT), visibility="private")


@pytest.fixture
def bobs(client_of, bob, rich, bells, hints):
    return client_of(bob)


def both_light(client, template):
    """All combinations of the template: a batch of two."""
    assert press(client, template=str(template.published_id), field_thing="a mug", seed="3", all="2").status_code == 200
    return Batch.objects.get()


def test_a_batch_says_its_words_and_not_what_the_template_is_called(bobs, alices, private):
    batch = both_light(bobs, private)
    assert batch.title == "a mug in soft light"
    page = reverse("batch", args=[batch.pk])
    for address in (page, reverse("create")):
        shown = alices.get(address).content.decode()
        assert "a mug in soft light" in shown
        assert CALLED not in shown
        assert str(private.pk) not in shown
    assert f"{CALLED}, version 1</a>" in bobs.get(page).content.decode()


def test_a_template_that_is_taken_back_afterwards_is_led_to_no_more(bobs, alices, bob, private):
    templates.set_visibility(private, "team", by=bob)
    batch = both_light(bobs, private)
    page = reverse("batch", args=[batch.pk])
    version = reverse("template_version", args=[private.pk, 1])
    assert version in alices.get(page).content.decode()
    templates.set_visibility(private, "private", by=bob)
    assert version not in alices.get(page).content.decode()
    assert version in bobs.get(page).content.decode()


def test_how_the_versions_did_is_shown_to_those_who_may_see_them(bobs, alices, bob, private):
    templates.set_visibility(private, "team", by=bob)
    batch = both_light(bobs, private)
    Batch.objects.update(kind="comparison")
    page, link = reverse("batch", args=[batch.pk]), reverse("template_comparison", args=[private.pk, batch.pk])
    for address in (page, reverse("create")):
        assert alices.get(address).content.decode().count(link) == 1
    templates.set_visibility(private, "private", by=bob)
    for address in (page, reverse("create")):
        assert link not in alices.get(address).content.decode()
    assert bobs.get(page).content.decode().count(link) == 1


def test_the_log_says_its_words_and_not_what_the_template_is_called(bobs, rich, bob, private):
    services.pause(both_light(bobs, private), by=bob)
    assert AuditEntry.objects.get(action="batch.paused").text == "paused “a mug in soft light”"


def test_a_picture_says_it_to_the_author_alone(bobs, alices, bob, private):
    press(bobs, template=str(private.published_id), field_thing="a mug", seed="3", num_images="1")
    [job] = claim(["null"], "w", batch=False)
    assert succeed(job, media(1))
    page = reverse("picture", args=[Artifact.objects.get().pk])
    mine, theirs = bobs.get(page).content.decode(), alices.get(page).content.decode()
    for words in (f"{CALLED}, version 1", "<dt>Secret thing</dt>", str(private.pk)):
        assert words in mine
        assert words not in theirs
    templates.set_visibility(private, "team", by=bob)
    assert f"{CALLED}, version 1" in alices.get(page).content.decode()


def test_who_approves_is_asked_for_the_words(bobs, alices, rich, alice, private, django_capture_on_commit_callbacks):
    add_rule(wallets.wallet_of(rich), kind="pictures", threshold=1, by=alice)
    with django_capture_on_commit_callbacks(execute=True):
        both_light(bobs, private)
    [letter] = mail.outbox
    for told in (letter.body, alices.get(reverse("wallet_approvals")).content.decode()):
        assert "a mug in soft light" in told
        assert CALLED not in told
