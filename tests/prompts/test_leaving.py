"""What becomes of templates when their author goes: the team keeps them, or nobody does."""

from __future__ import annotations

import json

import pytest
from django.core.files.storage import default_storage
from django.db import transaction

from accounts import members
from accounts.departing import becomes_the_teams
from accounts.models import AuditEntry
from studio.privacy import erasing
from studio.privacy.export import everything
from studio.prompts.erasing import erase_private, erase_team
from studio.prompts.models import PromptTemplate
from studio.prompts.services import templates
from tests.factories import draw, make_job
from tests.prompts.factories import content, make_template

pytestmark = pytest.mark.django_db


@pytest.fixture
def private(bob, team):
    """A template that only bob sees, with a cover."""
    made = make_template(team, bob, name="Only bob's", visibility="private")
    templates.set_cover(made, draw(), by=bob)
    return made


def test_what_a_member_had_alone_becomes_the_teams(alice, bob, team, private):
    make_template(team, bob, name="Everybody's")
    assert becomes_the_teams(team, bob) == "1 private template"
    members.remove_member(team, bob, by=alice)
    private.refresh_from_db()
    assert (private.visibility, set(PromptTemplate.objects.visible_to(alice).values_list("name", flat=True))) == (
        "team",
        {"Only bob's", "Everybody's"},
    )
    assert list(AuditEntry.objects.of_team(team).filter(action="template.handed").values_list("text", flat=True)) == [
        "gave the team what Bob Member had alone: 1 private template"
    ]


@pytest.mark.parametrize(("leaves_work", "left"), [(True, {"Only bob's", "Everybody's"}), (False, {"Everybody's"})])
def test_an_account_that_ends_takes_what_it_had_alone_unless_it_is_left(
    alice, bob, team, private, leaves_work, left, django_capture_on_commit_callbacks
):
    shared = make_template(team, bob, name="Everybody's")
    with django_capture_on_commit_callbacks(execute=True):
        erasing.erase_account(bob, leaves_work=leaves_work)
    found = PromptTemplate.objects.all()
    assert ({one.name for one in found}, {one.author for one in found}, {one.visibility for one in found}) == (left, {None}, {"team"})
    assert default_storage.exists(private.cover) is leaves_work
    assert shared.versions.get().author is None


@pytest.mark.parametrize("erase", [lambda team, bob: erase_team(team), lambda team, bob: erase_private(bob)])
def test_covers_stay_where_what_erased_them_is_undone(bob, team, private, erase, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        with transaction.atomic():
            erase(team, bob)
            transaction.set_rollback(True)
        assert PromptTemplate.objects.get() == private
    assert default_storage.exists(private.cover)
    with django_capture_on_commit_callbacks(execute=True):
        erase(team, bob)
        assert default_storage.exists(private.cover)
    assert not PromptTemplate.objects.exists()
    assert not default_storage.exists(private.cover)


def test_one_takes_along_what_one_wrote(alice, bob, team):
    hers = make_template(team, alice, name="Hers", description="not his words")
    templates.save_version(hers, author=bob, content=content("A drawing of {product}"), note="his note", after=1)
    templates.favor(bob, hers, True)
    make_template(team, bob, name="His", visibility="private", tags=["shop"])
    text = next(b"".join(file.pieces) for file in everything(bob) if file.name == "templates.json").decode()
    assert "his note" in text
    assert "A drawing of {product}" in text
    assert "not his words" not in text
    assert [text.count(f'"template": "{name}"') for name in ("Hers", "His")] == [2, 1]


def test_nobody_takes_along_what_somebody_else_keeps_to_themselves(alice, bob, team):
    hers = make_template(team, alice, name="Hers")
    templates.save_version(hers, author=bob, content=content("A drawing of {product}"), note="his note", after=1)
    templates.favor(bob, hers, True)
    templates.set_visibility(hers, "private", by=alice)
    text = next(b"".join(file.pieces) for file in everything(bob) if file.name == "templates.json").decode()
    assert ("his note" in text, "Hers" in text, "favourite" in text) == (True, False, False)


def test_one_takes_along_what_one_typed_and_filled_in(bob, team):
    typed, filled = make_job(team, bob), make_job(team, bob)
    type(typed).objects.filter(pk=typed.pk).update(written={"prompt": "a {red|blue} kite"})
    type(typed).objects.filter(pk=filled.pk).update(written={"prompt": "{thing}"}, template_values={"fields": {"thing": "his mug"}})
    kept = json.loads(next(b"".join(file.pieces) for file in everything(bob) if file.name == "generations.json"))
    assert [(one["typed"], one["filled_in"]) for one in kept] == [
        ({"prompt": "a {red|blue} kite"}, None),
        (None, {"fields": {"thing": "his mug"}}),
    ]
