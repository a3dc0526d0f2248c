"""Everything that a person made and said, for them to take along."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable

from asgiref.sync import async_to_sync
from django.http import StreamingHttpResponse
from django.test import Client
from django.urls import reverse

from accounts import audit, members
from accounts.models import Membership, Team, User
from billing.models import Scope
from billing.services import budget_requests, budgets, wallets
from studio.galleries.models import Comment, Gallery, GalleryItem, Mark, Tag, Tagging
from studio.generation import files
from studio.generation.images import clean_upload
from studio.webhooks.models import Endpoint
from tests.billing.shop import begin, offer
from tests.factories import draw, make_artifact, make_job

ClientOf = Callable[..., Client]


async def _whole(response: StreamingHttpResponse) -> bytes:
    return b"".join([piece async for piece in aiter(response)])


def exported(client: Client) -> zipfile.ZipFile:
    response = client.post(reverse("export"))
    assert response.status_code == 200
    assert response["Content-Disposition"].endswith('-all-of-mine.zip"')
    archive = zipfile.ZipFile(io.BytesIO(async_to_sync(_whole)(response)))
    assert archive.testzip() is None
    return archive


def test_it_has_all_that_the_person_made_and_nothing_of_others(bob: User, alice: User, team: Team, client_of: ClientOf) -> None:
    mine, hers = make_artifact(team, bob, prompt="bob's boat"), make_artifact(team, alice, prompt="alice's hill")
    Comment.objects.create(artifact=hers, user=bob, text="Lovely <light>")
    Comment.objects.create(artifact=mine, user=alice, text="Not his words")
    Mark.objects.create(team=team, user=bob, artifact=hers, rating=4, is_favourite=True)
    Tagging.objects.create(tag=Tag.objects.create(team=team, name="Sea", key="sea"), artifact=mine, user=bob)
    shelf = Gallery.objects.create(team=team, owner=bob, name="Boats")
    GalleryItem.objects.create(gallery=shelf, artifact=mine, position=1)
    audit.record(team, bob, "gallery.made", "made the gallery Boats")
    wallets.grant(wallets.wallet_of(team), 7_500, reference="test", description="A present", actor=bob)
    offer()
    begin(wallets.wallet_of(team), bob, gateway="manual")
    given = files.save_input(clean_upload(io.BytesIO(draw(seed=5))), team=team, user=bob)
    budgets.set_limits(wallets.wallet_of(team), by=alice, day=1_000_000, month=None, scope=Scope.EVERYONE)
    budget_requests.ask(wallets.wallet_of(team), bob, limit="member-day", amount=2_000, why="a campaign")
    told = {"url": "https://hooks.example/", "events": ["job.failed"], "secret": "whsec_unsaid"}
    Endpoint.objects.create(team=team, made_by=bob, **told)
    Endpoint.objects.create(team=team, made_by=alice, **told)
    archive = exported(client_of(bob))
    names = archive.namelist()

    def read(name: str) -> object:
        return json.loads(archive.read(name))

    words = ["account", "generations", "comments", "ratings", "galleries", "templates", "log", "budget_requests", "webhooks"]
    assert names[:11] == [*(f"{word}.json" for word in words), "credits.csv", "purchases.csv"]
    assert names[11:] == [
        f"pictures/0001 bob s boat {mine.pk.hex[-6:]}.png",
        "pictures/metadata.json",
        "pictures/metadata.csv",
        f"given/{given.file.rpartition('/')[2]}",
    ]
    account = read("account.json")
    assert isinstance(account, dict)
    assert (account["name"], account["email"]) == ("Bob Member", "bob@harbour.example")
    assert [one["role"] for one in account["teams"]] == ["owner", "creator"]
    assert "password" not in archive.read("account.json").decode()
    assert [job["settings"]["prompt"] for job in read("generations.json")] == ["bob's boat"]  # type: ignore[attr-defined]
    assert [one["text"] for one in read("comments.json")] == ["Lovely <light>"]  # type: ignore[attr-defined]
    assert read("ratings.json") == [
        {"picture": str(hers.pk), "rating": 4, "favourite": True, "tags": []},
        {"picture": str(mine.pk), "rating": 0, "favourite": False, "tags": ["Sea"]},
    ]
    assert [(one["name"], one["pictures"]) for one in read("galleries.json")] == [("Boats", [str(mine.pk)])]  # type: ignore[attr-defined]
    told = [one["text"] for one in read("log.json")]  # type: ignore[attr-defined]
    assert told == ["made the gallery Boats", "asked for 2 credits more for today"]
    [asked] = read("budget_requests.json")  # type: ignore[misc]
    assert (asked["team"], asked["credits"], asked["why"], asked["status"]) == ("Harbour Street", "2", "a campaign", "open")
    [hook] = read("webhooks.json")  # type: ignore[misc]
    assert (hook["team"], hook["url"], hook["events"]) == ("Harbour Street", "https://hooks.example/", ["job.failed"])
    assert "whsec" not in archive.read("webhooks.json").decode()
    assert archive.read(names[11]) == files.read(mine.variant("original"))
    assert ",Harbour Street,Granted,7.5,0,A present,test" in archive.read("credits.csv").decode("utf-8-sig")
    assert ',Harbour Street,AT-001001,"1,000 credits",$10.00,Waiting for payment,$0.00,,' in archive.read("purchases.csv").decode(
        "utf-8-sig"
    )


def test_it_says_where_the_person_was_removed(bob: User, alice: User, team: Team, client_of: ClientOf) -> None:
    members.remove_member(team, bob, by=alice)
    account = json.loads(exported(client_of(bob)).read("account.json"))
    assert [one["team"] for one in account["removed_from"]] == ["Harbour Street"]
    assert [one["role"] for one in account["teams"]] == ["owner"]


def test_of_a_team_that_was_left_come_the_words_and_not_the_files(bob: User, team: Team, client_of: ClientOf) -> None:
    make_artifact(team, bob, prompt="left behind")
    Membership.objects.filter(team=team, user=bob).delete()
    archive = exported(client_of(bob))
    assert [job["settings"]["prompt"] for job in json.loads(archive.read("generations.json"))] == ["left behind"]
    assert [name for name in archive.namelist() if name.endswith(".png")] == []


def test_it_is_asked_for_by_the_person_alone(bob: User, team: Team, client_of: ClientOf) -> None:
    make_job(team, bob)
    assert client_of(bob).get(reverse("export")).status_code == 405
    assert Client().post(reverse("export")).status_code == 302
    page = client_of(bob).get(reverse("your_data")).content.decode()
    assert "0 pictures and other results, 1 generation with their prompts" in page
