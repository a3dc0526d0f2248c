"""The library by program: what is found, what comes down, what goes up, what is tagged and thrown away; and what of others stays hidden."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from accounts.models import AuditEntry, Membership, Role, Team, User
from accounts.services import create_team
from studio.galleries import sorting, trashing
from studio.galleries.models import Mark
from studio.generation.models import Artifact
from tests.api.conftest import problem
from tests.factories import draw, make_artifacts
from tests.media import sound

pytestmark = pytest.mark.django_db

Makes = Callable[..., Any]


def found(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [one["id"] for one in answer.json()["items"]]


def upload(program: Any, data: bytes, name: str = "boat.png", **more: Any) -> Any:
    return program.post("/library", {"file": SimpleUploadedFile(name, data), **more}, multipart=True)


def test_a_thing_is_told_in_full(alice: User, team: Team, program: Makes) -> None:
    """All that somebody reads beside a picture, and where its files are, with this host."""
    [picture] = make_artifacts(team, alice, seed=5, prompt="a red sailboat")
    sorting.set_tags([picture], add=["boats"], by=alice)
    told = program(alice).get(f"/library/{picture.pk}").json()
    assert told == {
        "id": str(picture.pk),
        "object": "item",
        "kind": "picture",
        "mime": "image/png",
        "width": 64,
        "height": 64,
        "seconds": None,
        "bytes": picture.bytes,
        "sha256": picture.sha256,
        "prompt": "a red sailboat",
        "engine": "null",
        "engine_label": "Test card",
        "mode": "text-to-image",
        "seed": 5,
        "tags": ["boats"],
        "job": str(picture.job_id),
        "credits": "1",
        "person": {"id": str(alice.pk), "name": "Alice Harbour"},
        "api_key": None,
        "created_at": told["created_at"],
        "deleted_at": None,
        "files": {name: f"http://testserver/api/v1/library/{picture.pk}/files/{name}" for name in ("original", "large", "thumb")},
    }


def test_a_search_has_the_words_of_the_page(alice: User, bob: User, team: Team, program: Makes) -> None:
    """Each filter finds its own, and all together find what fits them all."""
    [boat] = make_artifacts(team, alice, prompt="a red sailboat", seed=1)
    [house] = make_artifacts(team, bob, prompt="a blue house", seed=2, width=128, height=64)
    [hum] = make_artifacts(team, alice, mime="audio/mpeg", prompt="a humming", mode="text-to-audio")
    sorting.set_tags([house], add=["Homes"], by=bob)
    robot = program(bob)
    Mark.objects.create(team=team, user=bob, artifact=house, rating=4, is_favourite=True)
    Artifact.objects.filter(pk=boat.pk).update(api_key=robot.key)
    for query, wanted in (
        ({}, [hum, house, boat]),
        ({"sort": "oldest"}, [boat, house, hum]),
        ({"q": "red sail"}, [boat]),
        ({"kind": "sound"}, [hum]),
        ({"by": str(bob.pk)}, [house]),
        ({"tag": "homes"}, [house]),
        ({"size": "128x64"}, [house]),
        ({"shape": "landscape"}, [house]),
        ({"seed": 1}, [boat]),
        ({"mode": "text-to-audio"}, [hum]),
        ({"rating": 4}, [house]),
        ({"favourite": "true"}, [house]),
        ({"sort": "best"}, [house]),
        ({"from": str(timezone.localdate() + timedelta(days=1))}, []),
        ({"engine": "null", "kind": "picture", "q": "house"}, [house]),
        ({"gallery": str(uuid.uuid4())}, []),
        ({"key": robot.key.public_id}, [boat]),
        ({"key": "nobodys8"}, []),
    ):
        assert found(robot.get("/library", query)) == [str(one.pk) for one in wanted], query


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"mode": "painting"}, "mode"),
        ({"kind": "film"}, "kind"),
        ({"size": "big"}, "size"),
        ({"rating": "6"}, "rating"),
        ({"limit": "101"}, "limit"),
        ({"limit": "0"}, "limit"),
        ({"from": "2026-02-30"}, "from"),
        ({"from": "2026-03-02", "to": "2026-03-01"}, "from"),
        ({"seed": "-1"}, "seed"),
        ({"key": "sk-"}, "key"),
        ({"cursor": "abc"}, "cursor"),
        ({"cursor": "!"}, "cursor"),
        ({"cursor": base64.urlsafe_b64encode(b"no id").decode()}, "cursor"),
        ({"cursor": "é"}, "cursor"),
    ],
)
def test_a_wrong_word_of_a_search_is_named(alice: User, team: Team, program: Makes, query: dict[str, str], field: str) -> None:
    answer = program(alice).get("/library", query)
    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == [field]


@pytest.mark.parametrize("sort", ["newest", "oldest", "best"])
def test_pages_stay_as_they_are_while_new_things_come(alice: User, team: Team, program: Makes, sort: str) -> None:
    """Each thing that was there comes once, however many are made between two pages."""
    pictures = make_artifacts(team, alice, 7, files=False)
    Mark.objects.bulk_create([Mark(team=team, user=alice, artifact=one, rating=1 + place % 3) for place, one in enumerate(pictures)])
    robot, seen, cursor = program(alice), [], ""
    for _ in range(10):
        answer = robot.get("/library", {"sort": sort, "limit": 2, "cursor": cursor}).json()
        seen += [one["id"] for one in answer["items"]]
        if sort != "oldest":
            [fresh] = make_artifacts(team, alice, files=False)
            Mark.objects.create(team=team, user=alice, artifact=fresh, rating=5)
        if not answer["next"]:
            break
        cursor = answer["next"]
    assert sorted(seen) == sorted(str(one.pk) for one in pictures)


def test_files_come_down(alice: User, team: Team, program: Makes) -> None:
    """Whole, in parts, not at all when nothing changed, without a word in it, and with a name to save it under."""
    [picture] = make_artifacts(team, alice, prompt="a red sailboat")
    robot, address = program(alice), f"/library/{picture.pk}/files"
    whole = robot.get(f"{address}/original")
    data = whole.getvalue()
    assert (whole.status_code, whole["Content-Type"], len(data)) == (200, "image/png", picture.bytes)
    part = robot.get(f"{address}/original", headers={"Range": "bytes=0-7"})
    assert (part.status_code, part.getvalue(), part["Content-Range"]) == (206, data[:8], f"bytes 0-7/{len(data)}")
    assert robot.get(f"{address}/original", headers={"If-None-Match": whole["ETag"]}).status_code == 304
    assert robot.get(f"{address}/original", headers={"Range": f"bytes={len(data)}-"}).status_code == 416
    bare = robot.get(f"{address}/original", {"strip": "true"}).getvalue()
    assert b"a red sailboat" in data
    assert b"a red sailboat" not in bare
    thumb = robot.get(f"{address}/thumb", {"download": "true"})
    assert thumb["Content-Type"] == "image/webp"
    assert thumb["Content-Disposition"].startswith('attachment; filename="a-red-sailboat-')
    problem(robot.get(f"{address}/huge"), 422, "invalid")


def test_a_lost_file_is_a_problem(alice: User, team: Team, program: Makes) -> None:
    [picture] = make_artifacts(team, alice, files=False)
    problem(program(alice).get(f"/library/{picture.pk}/files/original"), 404, "not_found")


def test_an_upload_says_what_brought_it(alice: User, team: Team, program: Makes) -> None:
    """New the first time, the same the second; the key stands in the row and in the team's log."""
    robot = program(alice, name="Importer")
    first = upload(robot, draw(80, 60), tags=["boats", "client"])
    assert first.status_code == 201, first.content
    told = first.json()
    assert told["is_new"] is True
    assert (told["item"]["width"], told["item"]["height"], told["item"]["tags"]) == (80, 60, ["boats", "client"])
    assert told["item"]["api_key"] == {"id": robot.key.public_id, "name": "Importer"}
    assert told["item"]["engine_label"] == "Uploaded"
    again = upload(robot, draw(80, 60), "other.png")
    assert (again.status_code, again.json()["is_new"], again.json()["item"]["id"]) == (200, False, told["item"]["id"])
    assert upload(robot, sound(), "hum.mp3").json()["item"]["kind"] == "sound"
    entry = AuditEntry.objects.get(action="pictures.uploaded")
    assert entry.api_key == robot.key


@pytest.mark.parametrize(
    ("data", "code"),
    [(b"Dear sirs, this is no picture.", "unusable_image"), (b"", "unusable_file"), (draw()[:200], "unusable_image")],
    ids=["a text", "nothing", "half a picture"],
)
def test_what_is_no_picture_is_refused(alice: User, team: Team, program: Makes, data: bytes, code: str) -> None:
    """Whatever its name says; nothing is kept."""
    told = problem(upload(program(alice), data), 422, code)
    assert told["detail"].endswith(".")
    assert not Artifact.objects.exists()


def test_an_upload_with_a_tag_that_is_none_keeps_nothing(alice: User, team: Team, program: Makes) -> None:
    problem(upload(program(alice), draw(), tags=["a,b"]), 422, "tag_refused")
    assert not Artifact.objects.exists()


def test_an_upload_without_a_file_says_so(alice: User, team: Team, program: Makes) -> None:
    robot = program(alice)
    assert list(problem(robot.post("/library", {"tags": "x"}, multipart=True), 422, "invalid")["errors"]) == ["file"]
    assert list(problem(robot.post("/library", {"file": "boat.png"}), 422, "invalid")["errors"]) == ["file"]


def test_tags_are_given_and_taken(alice: User, team: Team, program: Makes) -> None:
    one, two = make_artifacts(team, alice, 2, files=False)
    robot = program(alice)
    assert robot.post(f"/library/{one.pk}/tags", {"add": ["Boats", "draft"]}).json()["tags"] == ["Boats", "draft"]
    done = robot.post("/library/tags", {"ids": [str(one.pk), str(two.pk)], "add": ["client"], "remove": ["draft"]}).json()
    assert done == {"message": "Tags of 2 pictures changed.", "ids": [str(one.pk), str(two.pk)]}
    assert robot.get("/library/tags").json()["items"] == [{"name": "client", "count": 2}, {"name": "Boats", "count": 1}]
    assert robot.get("/library/tags", {"starting_with": "bo"}).json()["items"] == [{"name": "Boats", "count": 1}]
    problem(robot.post(f"/library/{one.pk}/tags", {"add": ["a,b"]}), 422, "tag_refused")
    problem(robot.post("/library/tags", {"ids": [str(one.pk)]}), 422, "bulk_refused")
    trashing.trash([one], by=alice)
    problem(robot.post(f"/library/{one.pk}/tags", {"add": ["x"]}), 409, "in_trash")


def test_into_the_trash_and_back(alice: User, team: Team, program: Makes) -> None:
    """One or many; the log says which key it was."""
    pictures = make_artifacts(team, alice, 3, files=False)
    ids = [str(one.pk) for one in pictures]
    robot = program(alice)
    assert robot.delete(f"/library/{ids[0]}").json()["deleted_at"]
    assert set(found(robot.get("/library"))) == set(ids[1:])
    assert robot.post("/library/trash", {"ids": ids[1:]}).json()["message"] == "2 pictures deleted."
    assert sorted(found(robot.get("/library/trash"))) == sorted(ids)
    first = robot.get("/library/trash", {"limit": 2}).json()
    rest = robot.get("/library/trash", {"limit": 2, "cursor": first["next"]}).json()
    assert sorted(one["id"] for one in first["items"] + rest["items"]) == sorted(ids)
    assert rest["next"] is None
    assert robot.post(f"/library/{ids[0]}/restore").json()["deleted_at"] is None
    assert robot.post("/library/restore", {"ids": ids[1:]}).json()["message"] == "2 pictures restored."
    assert len(found(robot.get("/library"))) == 3
    assert set(AuditEntry.objects.filter(action__in=["pictures.trashed", "pictures.restored"]).values_list("api_key", flat=True)) == {
        robot.key.pk
    }


def test_all_or_none(alice: User, team: Team, other_team: Team, mallory: User, program: Makes) -> None:
    """One id of another team refuses the whole order."""
    [mine], [theirs] = make_artifacts(team, alice, files=False), make_artifacts(other_team, mallory, files=False)
    robot = program(alice)
    for address in ("/library/trash", "/library/tags", "/library/restore"):
        problem(robot.post(address, {"ids": [str(mine.pk), str(theirs.pk)], "add": ["x"]}), 404, "not_found")
    problem(robot.post("/library/trash", {"ids": []}), 422, "invalid")
    problem(robot.post("/library/trash", {"ids": [str(uuid.uuid4()) for _ in range(501)]}), 422, "invalid")
    assert Artifact.objects.visible().filter(tags="").count() == 2


ROUTES = (
    ("get", "/library/{id}"),
    ("get", "/library/{id}/files/original"),
    ("delete", "/library/{id}"),
    ("post", "/library/{id}/restore"),
    ("post", "/library/{id}/tags"),
)


@pytest.mark.parametrize(("method", "address"), ROUTES)
def test_another_team_is_not_there(
    alice: User, team: Team, other_team: Team, mallory: User, program: Makes, method: str, address: str
) -> None:
    """Nor is another team of the very person: the key works in one."""
    [theirs] = make_artifacts(other_team, mallory, files=False)
    second = create_team("Second", alice)
    [own] = make_artifacts(second, alice, files=False)
    robot = program(alice, team)
    told = {"add": ["x"]} if method == "post" else None
    answers = [robot.ask(method, address.format(id=one), told) for one in (theirs.pk, own.pk, uuid.uuid4())]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
    assert Artifact.objects.visible().filter(tags="").count() == 2


@pytest.mark.parametrize(
    ("method", "address", "scope"),
    [
        ("get", "/library", "library:read"),
        ("get", "/library/tags", "library:read"),
        ("get", "/library/trash", "library:write"),
        ("post", "/library", "library:write"),
        ("post", "/library/tags", "library:write"),
        ("post", "/library/trash", "library:write"),
        ("post", "/library/restore", "library:write"),
        *((method, address, "library:read" if method == "get" else "library:write") for method, address in ROUTES),
    ],
)
def test_a_route_needs_its_scope(alice: User, team: Team, program: Makes, method: str, address: str, scope: str) -> None:
    [picture] = make_artifacts(team, alice, files=False)
    others = tuple(one for one in ("generate", "library:read", "library:write", "templates", "billing:read", "webhooks") if one != scope)
    problem(program(alice, scopes=others).ask(method, address.format(id=picture.pk), {}), 403, "scope_missing")
    assert Artifact.objects.visible().count() == 1


def test_a_role_counts_from_the_next_request_on(alice: User, bob: User, team: Team, program: Makes) -> None:
    """Somebody who may only look any more changes nothing with a key made before."""
    [picture] = make_artifacts(team, alice, files=False)
    robot = program(bob)
    assert robot.post(f"/library/{picture.pk}/tags", {"add": ["x"]}).status_code == 200
    Membership.objects.filter(user=bob, team=team).update(role=Role.VIEWER)
    problem(robot.delete(f"/library/{picture.pk}"), 403, "scope_missing")
    assert robot.get(f"/library/{picture.pk}").status_code == 200
