"""`manage.py seed_library`: quick, the same each time, alive on the page, and never among real work."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.models import Team, User
from studio.galleries.models import Comment, Gallery, Mark, Tagging
from studio.galleries.seeding import seed
from studio.generation.models import Artifact
from tests.factories import make_artifact


def test_it_fills_a_team_that_its_owner_can_look_at(
    alice: User, client_of: Callable[..., Client], capsys: pytest.CaptureFixture[str]
) -> None:
    User.objects.filter(pk=alice.pk).update(is_owner=True)
    call_command("seed_library", "--pictures", "120", "--team", "Pier Nine")
    assert capsys.readouterr().out == "120 pictures of Pier Nine, owned by Alice Harbour (alice@harbour.example).\n"
    team = Team.objects.get(name="Pier Nine")
    assert (team.artifacts.count(), team.members.count(), Gallery.objects.filter(team=team).count()) == (120, 6, 3)
    assert Tagging.objects.exists()
    assert Mark.objects.filter(user=alice, rating__gt=0).exists()
    browser = client_of(alice, team)
    page = browser.get("/library/").content.decode()
    assert page.count('class="picture tile"') == 50
    shown = team.artifacts.visible().latest("id")
    assert browser.get(f"/pictures/{shown.id}/thumb").status_code == 200
    assert browser.get(f"/pictures/{shown.id}/").status_code == 200
    call_command("verify_ledger")


@pytest.mark.django_db
def test_the_same_number_makes_the_same_library() -> None:
    def told(name: str, number: int) -> list[tuple[object, ...]]:
        made = seed(40, name=name, number=number, with_files=False)
        return list(Artifact.objects.filter(team=made.team).order_by("id").values_list("prompt", "engine", "seed", "width", "tags"))

    first = told("One", 3)
    assert told("Two", 3) == first
    assert told("Three", 4) != first
    assert Comment.objects.count() < 40


def test_it_keeps_away_from_real_work(team: Team, alice: User) -> None:
    make_artifact(team, alice, files=False)
    with pytest.raises(CommandError, match="1 pictures already"):
        call_command("seed_library", "--pictures", "5")
    with pytest.raises(CommandError, match="Choose between 1 and"):
        call_command("seed_library", "--pictures", "0")
    with pytest.raises(CommandError, match="Nobody here has the address"):
        call_command("seed_library", "--pictures", "5", "--owner", "nobody@harbour.example", "--force")
    assert Artifact.objects.count() == 1
    call_command("seed_library", "--pictures", "5", "--no-files", "--force")
    assert Artifact.objects.count() == 6
