"""Galleries by program: made, filled, read in their order, put away; what others keep to themselves is not there."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import AuditEntry, Team, User
from accounts.services import create_team
from studio.galleries import curating
from studio.galleries.models import Gallery, Visibility
from tests.api.conftest import problem
from tests.factories import make_artifacts

pytestmark = pytest.mark.django_db

Makes = Callable[..., Any]


def test_a_gallery_is_made_filled_and_read(alice: User, team: Team, program: Makes) -> None:
    pictures = make_artifacts(team, alice, 3, files=False)
    ids = [str(one.pk) for one in pictures]
    robot = program(alice)
    made = robot.post("/galleries", {"name": "  Spring   campaign ", "description": "All of it"})
    assert made.status_code == 201
    gallery = made.json()
    assert {name: gallery[name] for name in ("object", "name", "description", "visibility", "size", "cover", "owner", "deleted_at")} == {
        "object": "gallery",
        "name": "Spring campaign",
        "description": "All of it",
        "visibility": "team",
        "size": 0,
        "cover": None,
        "owner": {"id": str(alice.pk), "name": "Alice Harbour"},
        "deleted_at": None,
    }
    address = f"/galleries/{gallery['id']}"
    filled = robot.post(f"{address}/items", {"ids": [ids[2], ids[0], ids[1]]}).json()
    assert (filled["changed"], filled["gallery"]["size"]) == (3, 3)
    assert robot.post(f"{address}/items", {"ids": [ids[0]]}).json()["changed"] == 0
    first = robot.get(f"{address}/items", {"limit": 2}).json()
    rest = robot.get(f"{address}/items", {"limit": 2, "cursor": first["next"]}).json()
    assert [one["item"]["id"] for one in first["items"] + rest["items"]] == [ids[2], ids[0], ids[1]]
    assert {one["review"] for one in first["items"]} == {"approved"}
    assert rest["next"] is None
    taken = robot.post(f"{address}/items/remove", {"ids": [ids[2]]}).json()
    assert (taken["changed"], taken["gallery"]["size"]) == (1, 2)
    assert {one["id"] for one in robot.get("/library", {"gallery": gallery["id"]}).json()["items"]} == {ids[0], ids[1]}


def test_a_gallery_is_renamed_deleted_and_brought_back(alice: User, team: Team, program: Makes) -> None:
    robot = program(alice)
    address = f"/galleries/{robot.post('/galleries', {'name': 'Boats'}).json()['id']}"
    assert robot.patch(address, {"name": "Ships"}).json()["name"] == "Ships"
    assert robot.patch(address, {"description": "Large ones"}).json()["description"] == "Large ones"
    assert robot.patch(address, {}).json()["name"] == "Ships"
    assert robot.delete(address).json()["deleted_at"]
    problem(robot.get(address), 404, "not_found")
    assert robot.get("/galleries").json() == {"items": [], "next": None}
    assert robot.post(f"{address}/restore").json()["deleted_at"] is None
    assert robot.get(address).json()["name"] == "Ships"
    actions = ["gallery.created", "gallery.described", "gallery.described", "gallery.deleted", "gallery.restored"]
    assert list(AuditEntry.objects.of_team(team).filter(api_key=robot.key).order_by("id").values_list("action", flat=True)) == actions


def test_the_list_is_read_page_by_page(alice: User, team: Team, program: Makes) -> None:
    """A gallery that is changed or made between two pages moves none of the others."""
    made = sorted((curating.create(team, by=alice, name=f"Set {number}") for number in range(5)), key=lambda one: one.pk)
    robot = program(alice)
    first = robot.get("/galleries", {"limit": 2}).json()
    curating.describe(made[0], name=made[0].name, description="changed meanwhile", by=alice)
    curating.create(team, by=alice, name="Set 5")
    second = robot.get("/galleries", {"limit": 2, "cursor": first["next"]}).json()
    last = robot.get("/galleries", {"limit": 2, "cursor": second["next"]}).json()
    assert [one["name"] for page in (first, second, last) for one in page["items"]] == [one.name for one in reversed(made)]
    assert last["next"] is None
    assert [one["name"] for one in robot.get("/galleries", {"q": "set 3"}).json()["items"]] == ["Set 3"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "   "}, "name"),
        ({"name": "x" * 121}, "name"),
        ({"name": "x", "visibility": "public"}, "visibility"),
        ({"name": "x", "description": "y" * 4001}, "description"),
        ({"name": "x", "description": "a\0b"}, "description"),
    ],
)
def test_what_makes_no_gallery_is_named(alice: User, team: Team, program: Makes, body: dict[str, str], field: str) -> None:
    answer = program(alice).post("/galleries", body)
    assert (answer.status_code, list(answer.json()["errors"])) == (422, [field])
    assert not Gallery.objects.exists()


ROUTES = (
    ("get", "/galleries/{id}"),
    ("patch", "/galleries/{id}"),
    ("delete", "/galleries/{id}"),
    ("post", "/galleries/{id}/restore"),
    ("get", "/galleries/{id}/items"),
    ("post", "/galleries/{id}/items"),
    ("post", "/galleries/{id}/items/remove"),
)


@pytest.mark.parametrize(("method", "address"), ROUTES)
def test_what_is_not_ones_own_is_not_there(
    alice: User, bob: User, team: Team, other_team: Team, mallory: User, program: Makes, method: str, address: str
) -> None:
    """Of another team, of another team of the same person, and private ones of somebody else: all the same as none."""
    [picture] = make_artifacts(team, alice, files=False)
    second = create_team("Second", alice)
    hidden = [
        curating.create(other_team, by=mallory, name="Theirs"),
        curating.create(second, by=alice, name="Elsewhere"),
        curating.create(team, by=bob, name="Bob's own", visibility=Visibility.PRIVATE),
    ]
    robot = program(alice, team)
    body = {"ids": [str(picture.pk)]} if "items" in address else {"name": "Mine"} if method == "patch" else None
    for one in (*(gallery.pk for gallery in hidden), uuid.uuid4()):
        problem(robot.ask(method, address.format(id=one), None if method == "get" else body), 404, "not_found")
    assert {gallery.name for gallery in Gallery.objects.filter(deleted_at=None)} == {"Theirs", "Elsewhere", "Bob's own"}


def test_a_gallery_takes_nothing_of_another_team(alice: User, team: Team, program: Makes) -> None:
    second = create_team("Second", alice)
    [elsewhere], [here] = make_artifacts(second, alice, files=False), make_artifacts(team, alice, files=False)
    gallery = curating.create(team, by=alice, name="Boats")
    answer = program(alice, team).post(f"/galleries/{gallery.pk}/items", {"ids": [str(here.pk), str(elsewhere.pk)]})
    problem(answer, 404, "not_found")
    assert gallery.items.count() == 0


@pytest.mark.parametrize(("method", "address"), [("get", "/galleries"), ("post", "/galleries"), *ROUTES])
def test_a_route_needs_its_scope(alice: User, team: Team, program: Makes, method: str, address: str) -> None:
    gallery = curating.create(team, by=alice, name="Boats")
    scope = "library:read" if method == "get" else "library:write"
    others = tuple(one for one in ("generate", "library:read", "library:write", "templates", "billing:read", "webhooks") if one != scope)
    problem(program(alice, scopes=others).ask(method, address.format(id=gallery.pk), {}), 403, "scope_missing")
    assert list(Gallery.objects.filter(deleted_at=None).values_list("name", flat=True)) == ["Boats"]


def test_a_cursor_of_another_list_is_refused(alice: User, team: Team, program: Makes) -> None:
    gallery = curating.create(team, by=alice, name="Boats")
    curating.add(gallery, make_artifacts(team, alice, 2, files=False), by=alice)
    robot = program(alice)
    cursor = robot.get(f"/galleries/{gallery.pk}/items", {"limit": 1}).json()["next"]
    assert list(problem(robot.get("/galleries", {"cursor": cursor}), 422, "fields_refused")["errors"]) == ["cursor"]
