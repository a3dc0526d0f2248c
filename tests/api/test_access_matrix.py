"""Who is let in by the API: every operation against every scope, every role, and the things of other teams.

A new operation without a row fails `test_every_operation_has_a_row`. What is not one's own answers as what was never there, to the last
byte: `test_what_others_have_is_as_what_nobody_has`.
"""

from __future__ import annotations

import copy
import io
import json
import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.core.cache import caches
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client, override_settings
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from pytest_django.plugin import DjangoDbBlocker

from accounts import keys
from accounts.access import RIGHTS
from accounts.models import Membership, Role, Team, User
from accounts.services import create_team
from billing.models import LedgerEntry
from billing.services import wallets
from studio.api.models import Generation
from studio.api.stability import contract
from studio.api.v1 import api
from studio.galleries import curating, trashing
from studio.galleries.models import Visibility
from studio.generation import files, throttle
from studio.generation.images import clean_upload
from studio.generation.models import Job
from studio.webhooks import services as hooks
from tests.api.access_rows import NAMED, ROWS, Row
from tests.api.conftest import ALL, OWN
from tests.conftest import make_user, seed_what_migrations_wrote
from tests.factories import draw, make_artifact, make_batch, make_job
from tests.prompts.factories import make_template
from tests.stability_server.minimal import minimal, send

pytestmark = pytest.mark.django_db
ROLES = (Role.OWNER, Role.ADMIN, Role.CREATOR, Role.VIEWER)
LET_IN = {200, 201, 202, 204, 409, 422}
"""What a key that is let in may be told; a request that makes no sense at this moment is not one that was kept out."""
World = dict[str, str]


def operations() -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Method, path with names as the rows write them all alike, and scopes."""
    for _, router in api._routers:
        for path, view in router.path_operations.items():
            for operation in view.operations:
                [key] = operation.auth_callbacks
                for method in operation.methods:
                    yield method, shape(path), key.scopes


def shape(path: str) -> str:
    """A path without the names of what stands in it."""
    path = re.sub(r"(?<=^/engines/)null$|(?<=/files/)original$|(?<=/results/)0(?=$|/)|(?<=/versions/)1$", "{}", path)
    return re.sub(r"{[^}]*}", "{}", path)


def test_every_operation_has_a_row() -> None:
    asked = {(method, path) for method, path, _ in operations()}
    rows = {(row.method, shape(row.path)) for row in ROWS}
    assert sorted(asked - rows) == []
    assert sorted(rows - asked) == []


def test_every_operation_asks_for_the_scopes_of_its_row() -> None:
    asked = {(method, path): scopes for method, path, scopes in operations()}
    rows = {(row.method, shape(row.path)): row.scopes for row in ROWS}
    assert rows == asked


def people(name: str) -> dict[str, User]:
    """A team's owner, admin, creator and viewer, by their roles."""
    found = {str(role): make_user(f"{role}{name} {name}") for role in ROLES}
    team = create_team(name, found[Role.OWNER])
    for role in ROLES[1:]:
        Membership.objects.create(team=team, user=found[role], role=role)
    return found


def furnish(team: Team, user: User) -> World:
    """One of everything that has an id, made by `user`."""
    wallets.grant(wallets.wallet_of(team), 100_000, reference=f"test-{team.pk}", description="For the test")
    item, trashed = make_artifact(team, user), make_artifact(team, user, seed=2)
    trashing.trash([trashed], by=user)
    away = curating.create(team, by=user, name="Away", visibility=Visibility.TEAM)
    curating.delete(away, by=user)
    owner = team.memberships.get(role=Role.OWNER).user
    endpoint = hooks.make_endpoint(team, by=owner, url="https://93.184.215.14/hooks", events=["job.succeeded"])
    things = {
        "template": make_template(team, user),
        "endpoint": endpoint,
        "delivery": hooks.send_test(endpoint, by=owner),
        "input": files.save_input(clean_upload(io.BytesIO(draw())), team=team, user=user),
        "job": make_job(team, user),
        "done": item.job,
        "batch": make_batch(team, user),
        "item": item,
        "trashed": trashed,
        "gallery": curating.create(team, by=user, name="Boats", visibility=Visibility.TEAM),
        "private": curating.create(team, by=user, name="Mine", visibility=Visibility.PRIVATE),
        "away": away,
        "entry": LedgerEntry.objects.filter(wallet__team=team, kind=LedgerEntry.Kind.GRANT).get(),
    }
    return {name: str(thing.pk) for name, thing in things.items()}


class Ground:
    """Two teams, each with people of every role and one of everything."""

    def __init__(self) -> None:
        self.people, self.strangers = people("Harbour"), people("Elsewhere")
        self.team = Team.objects.get(name="Harbour", is_personal=False)
        self.elsewhere = Team.objects.get(name="Elsewhere", is_personal=False)
        self.world = furnish(self.team, self.people[Role.CREATOR])
        self.others = furnish(self.elsewhere, self.strangers[Role.CREATOR])

    def key(self, role: str, scopes: tuple[str, ...] = ALL) -> str:
        """The secret of a key of somebody with a role, with those of the scopes that it can have."""
        held = [scope.name for scope in keys.scopes_of(role) if scope.name in scopes]
        return keys.make(self.team, self.people[role], name="Robot", scopes=held).secret


Built = tuple[Ground, Path]


@pytest.fixture(scope="module")
def built(django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    """Both teams and the folder of their files, built once: each test undoes what it did, and the last one leaves nothing."""
    media = tmp_path_factory.mktemp("media")
    with django_db_blocker.unblock(), override_settings(MEDIA_ROOT=media), transaction.atomic():
        seed_what_migrations_wrote()
        yield Ground(), media
        transaction.set_rollback(True)


@pytest.fixture
def ground(built: Built, db: None, own_files: None, settings: Any) -> Ground:
    """A copy, so that no test sees what another one read into its objects."""
    ground, settings.MEDIA_ROOT = built
    return copy.deepcopy(ground)


def knock(secret: str, row: Row, world: World) -> Any:
    """The answer to a row's request; nothing that it did is left."""
    client = Client(headers={"Authorization": f"Bearer {secret}"} if secret else {})
    address = OWN + filled(row.path, world)
    with transaction.atomic():
        if row.file:
            answer = client.generic(row.method, address, **form())
        else:
            body = filled(json.dumps(row.body), world) if row.body is not None else ""
            answer = client.generic(row.method, address, body, content_type="application/json")
        transaction.set_rollback(True)
    for cache in caches.all(initialized_only=True):
        cache.clear()
    throttle.limiter().storage.reset()
    return answer


def form() -> dict[str, Any]:
    return {"data": encode_multipart(BOUNDARY, {"file": SimpleUploadedFile("boat.png", draw(seed=77))}), "content_type": MULTIPART_CONTENT}


def filled(text: str, world: World) -> str:
    return re.sub(r"{([a-z]+)}", lambda word: world[word[1]], text)


def letter(answer: Any) -> str:
    if answer.status_code in LET_IN:
        return "+"
    return {401: "?", 403: "F", 404: "0"}.get(answer.status_code, str(answer.status_code))


def named(row: Row) -> str:
    return f"{row.method} {row.path}"


@pytest.mark.parametrize("row", ROWS, ids=named)
def test_each_role(row: Row, ground: Ground) -> None:
    """Somebody with every scope that their role can have gets what a page would give them, and nobody without a key gets anything."""
    assert "".join(letter(knock(ground.key(role), row, ground.world)) for role in ROLES) == row.who
    for secret in ("", "sk-nothing", ground.key(Role.OWNER)[:-1]):
        answer = knock(secret, row, ground.world)
        assert (answer.status_code, answer.json()["code"], answer["WWW-Authenticate"]) == (401, "bad_key", "Bearer")


@pytest.mark.parametrize("row", ROWS, ids=named)
def test_each_scope(row: Row, ground: Ground) -> None:
    """The creator of all with one scope at a time is let in by those of the row and by no other; the owner for what a creator may not."""
    role = Role.CREATOR if row.who[2] == "+" else Role.OWNER
    for scope in ALL:
        if not {scope, row.both} - {""} <= {one.name for one in keys.scopes_of(role)}:
            continue
        answer = knock(ground.key(role, (scope,)), row, ground.world)
        if not row.scopes or (scope in row.scopes and not row.both):
            assert answer.status_code not in (401, 403), (scope, answer.content)
        else:
            assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing"), (scope, answer.content)
    if row.both:
        assert letter(knock(ground.key(role, (*row.scopes, row.both)), row, ground.world)) == "+"


@pytest.mark.parametrize("row", [row for row in ROWS if row.scopes], ids=named)
def test_a_scope_ends_with_the_right_behind_it(row: Row, ground: Ground) -> None:
    """Whoever is made a viewer keeps the key, and what it says, and can do with it what a viewer can, from the next request on."""
    secret = ground.key(Role.CREATOR)
    Membership.objects.filter(team=ground.team, user=ground.people[Role.CREATOR]).update(role=Role.VIEWER)
    holds = {scope.name for scope in keys.SCOPES if scope.right in RIGHTS[Role.VIEWER]}
    answer = knock(secret, row, ground.world)
    assert (answer.status_code == 403) is not bool(holds & set(row.scopes) and (not row.both or row.both in holds)), answer.content
    Membership.objects.filter(team=ground.team, user=ground.people[Role.CREATOR]).delete()
    assert knock(secret, row, ground.world).status_code in (401, 403)


@pytest.mark.parametrize(
    "row", [row for row in ROWS + NAMED if "{" in row.path + str(row.body)], ids=lambda row: f"{named(row)} {row.body or ''}"
)
@pytest.mark.parametrize("scopes", [ALL, ("generate",)], ids=["all scopes", "generate"])
def test_what_others_have_is_as_what_nobody_has(row: Row, scopes: tuple[str, ...], ground: Ground) -> None:
    """Status, body and headers of the answer are the same: nobody learns that an id is somebody's. For each id that the request names."""
    secret = ground.key(Role.OWNER, scopes)
    for word in set(re.findall(r"(?<={)[a-z]+(?=})", row.path + json.dumps(row.body))):
        nothing = "999999999" if word == "entry" else str(uuid.uuid4())
        theirs = knock(secret, row, ground.world | {word: ground.others[word]})
        nobodys = knock(secret, row, ground.world | {word: nothing})
        assert told(theirs, ground.others[word]) == told(nobodys, nothing)
        assert b"Elsewhere" not in theirs.content
        if "{" in row.path and row.path.count("{") == 1 and f"{{{word}}}" in row.path and "?" not in row.path:
            assert theirs.status_code in (403, 404)
            assert letter(knock(secret, row, ground.world)) != "0" or scopes != ALL or row.who.startswith("0")


def told(answer: Any, name: str) -> tuple[int, str, dict[str, str]]:
    headers = {key: text for key, text in answer.items() if key.lower() != "x-request-id"}
    return answer.status_code, answer.content.decode().replace(name, "…"), headers


# --- the Stability API -----------------------------------------------------------------------------------------------

ENDPOINTS = contract.endpoints()


class InProcess:
    """What `minimal.send` needs of an httpx client, for Django's: the answer to what httpx would have sent."""

    def __init__(self, secret: str) -> None:
        self.secret = secret

    def post(self, path: str, **how: Any) -> Any:
        return self.send("POST", path, **how)

    def send(self, method: str, path: str, **how: Any) -> Any:
        sent = httpx.Client(base_url="http://testserver").build_request(method, path, **how)
        names = {name: text for name, text in sent.headers.items() if name not in ("host", "content-length", "content-type")}
        names |= {"authorization": f"Bearer {self.secret}"} if self.secret else {}
        with transaction.atomic():
            answer = Client(headers=names).generic(method, path, sent.read(), content_type=sent.headers.get("content-type", ""))
            transaction.set_rollback(True)
        throttle.limiter().storage.reset()
        return answer


def stability(secret: str, endpoint: contract.Endpoint, result: str = "") -> Any:
    if endpoint.method == "POST":
        return send(InProcess(secret), endpoint, minimal(endpoint))  # type: ignore[arg-type]
    path = re.sub(r"{[a-z]*id}", result or "0" * 64, endpoint.path)
    return InProcess(secret).send("GET", path)


NO = {"v1": (403, "permission_denied"), "v2beta": (401, "unauthorized")}
"""How each says that a key may not: 403 of v2beta is the word of the content filter."""


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda one: f"{one.method} {one.path}")
def test_stability_paths(endpoint: contract.Endpoint, ground: Ground) -> None:
    """No key, a bad one, one without the scope and a viewer's are told no in the words of the contract, and nothing is made or charged."""
    for secret in ("", "sk-nothing"):
        assert stability(secret, endpoint).status_code == 401
    if endpoint.method == "GET":
        assert stability(ground.key(Role.VIEWER, ("billing:read",)), endpoint).status_code in (200, 404)
        return
    before = Job.objects.count()
    without = tuple(scope for scope in ALL if scope != "generate")
    for secret in (ground.key(Role.OWNER, without), ground.key(Role.VIEWER)):
        answer = stability(secret, endpoint)
        assert (answer.status_code, json.loads(answer.content)["name"]) == NO[endpoint.dialect]
    assert Job.objects.count() == before


@pytest.mark.parametrize("endpoint", [one for one in ENDPOINTS if "{id}" in one.path], ids=lambda one: one.path)
def test_what_was_submitted_with_another_key_is_not_there(endpoint: contract.Endpoint, ground: Ground) -> None:
    """Not even for the same person in the same team: the contract has results fetched with the key that asked for them."""
    mine, other = ground.key(Role.CREATOR), ground.key(Role.CREATOR)
    theirs = Generation.objects.create(
        id="a" * 64, api_key=keys.find(other), job_id=ground.world["done"], operation="stable-image/upscale/creative"
    )
    answers = [stability(mine, endpoint, name) for name in (theirs.pk, "b" * 64)]
    assert [answer.status_code for answer in answers] == [404, 404]
    bodies = [{name: text for name, text in json.loads(answer.content).items() if name != "id"} for answer in answers]
    assert bodies[0] == bodies[1]
