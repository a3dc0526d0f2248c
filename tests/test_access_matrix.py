"""Who gets in where: every route of the studio against everybody who may knock.

A row has a letter for each of: owner, admin, creator, viewer of the team; stranger (at work in a team of their own); holder of a share link
without an account; nobody. `+` is let in (what they sent may be refused as nonsense), `F` is told no (403), `0` finds nothing (404), `>` is
led to the sign-in page. A new route without a row fails `test_every_route_has_a_row`, and a method that it answers and no row has fails
`test_every_method_that_a_route_answers_has_a_row`.
"""

from __future__ import annotations

import copy
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.cache import caches
from django.db import transaction
from django.test import Client, override_settings
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from pytest_django.plugin import DjangoDbBlocker

from accounts import keys
from accounts.inviting import invite
from accounts.models import Membership, Role
from accounts.services import create_team
from billing.models import Scope
from billing.services import budgets
from billing.services.approvals import add_rule
from billing.services.budget_requests import ask
from billing.services.wallets import wallet_of
from studio.galleries import curating, publishing
from studio.galleries.models import Comment, Visibility
from studio.galleries.notices import notify
from studio.generation import files
from studio.generation.images import clean_upload
from studio.generation.models import Job
from studio.live import viewers
from studio.live.routing import websocket_urlpatterns
from studio.prompts.access import token_of
from studio.prompts.models import BrandRule, Wildcard
from studio.prompts.services import templates
from studio.webhooks.services import make_endpoint, send_test
from tests.access_rows import IN, OPEN_ACCOUNT_PAGES, PEOPLE, ROWS, SIGN_IN, Row, World
from tests.billing.shop import begin, offer
from tests.conftest import make_user, seed_what_migrations_wrote
from tests.factories import draw, make_artifact, make_batch, make_job
from tests.generation.tabled import make_versions
from tests.prompts.factories import make_template


def routes(resolver: URLResolver | None = None, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    """Every route of the studio, with its address as it is written."""
    for one in (resolver or get_resolver()).url_patterns:
        if isinstance(one, URLResolver):
            yield from routes(one, prefix + str(one.pattern))
        else:
            yield prefix + str(one.pattern), one


ELSEWHERE = ("accounts/", "admin/", "api/v1/", "^(?:v1|v2beta|v2alpha)/")
"""Pages of allauth and the admin; what programs ask for has a matrix of its own: `tests/api/test_access_matrix.py`."""


def ours() -> dict[str, str]:
    return {str(one.name): route for route, one in routes() if not route.startswith(ELSEWHERE)}


def test_every_route_has_a_row() -> None:
    assert sorted(ours().keys() - {row.name for row in ROWS}) == []


def test_every_method_that_a_route_answers_has_a_row(world: World, client_of: Callable[..., Client]) -> None:
    """Whatever is not refused with 405 is answered, and somebody has to say to whom; methods that no row has are refused everywhere."""
    rows = {row.name: row for row in ROWS}
    answered = set()
    client = client_of(world.people["owner"])
    for name in ours():
        path = reverse(name, kwargs=rows[name].arguments(world, "owner"))
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            with transaction.atomic():
                if client.generic(method, path).status_code != 405:
                    answered.add((name, method))
                transaction.set_rollback(True)
    assert answered == {(row.name, row.method) for row in ROWS}


def test_every_row_has_a_route_and_a_letter_for_everybody() -> None:
    assert sorted({row.name for row in ROWS} - ours().keys()) == []
    assert [row.name for row in ROWS if len(row.who) != len(PEOPLE) or set(row.who) - set("+F0>")] == []


def test_every_route_has_a_name_of_its_own() -> None:
    names = [one.name for route, one in routes() if not route.startswith(ELSEWHERE)]
    assert None not in names
    assert len(names) == len(set(names))


# --- the doors -------------------------------------------------------------------------------------------------------


Built = tuple[World, Path]


@pytest.fixture(scope="module")
def built(django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    """The world and the folder of its files, built once: each test undoes what it did, and the last one leaves nothing."""
    media = tmp_path_factory.mktemp("media")
    with django_db_blocker.unblock(), override_settings(MEDIA_ROOT=media), transaction.atomic():
        seed_what_migrations_wrote()
        yield build(), media
        transaction.set_rollback(True)


@pytest.fixture
def world(built: Built, db: None, own_files: None, settings: Any) -> World:
    """A copy, so that no test sees what another one read into its objects."""
    world, settings.MEDIA_ROOT = built
    return copy.deepcopy(world)


def build() -> World:
    people = {"owner": make_user("Alice Harbour")}
    team = create_team("Harbour Street", people["owner"])
    colleagues = (("admin", "Dora Admin", Role.ADMIN), ("creator", "Bob Member", Role.CREATOR), ("viewer", "Carol Viewer", Role.VIEWER))
    for person, name, role in colleagues:
        people[person] = make_user(name)
        Membership.objects.create(team=team, user=people[person], role=role)
    people["stranger"] = make_user("Mallory Stranger")
    create_team("Elsewhere", people["stranger"])
    bob = people["creator"]
    found = World(
        team=team,
        people=people,
        picture=make_artifact(team, bob),
        waiting=make_job(team, bob),
        failed=make_job(team, bob, status=Job.Status.FAILED),
    )
    found.kept["input"] = files.save_input(clean_upload(io.BytesIO(draw())), team=team, user=bob)
    furnish(found)
    return found


def furnish(world: World) -> None:
    """Things of rooms above generation; what the creator made for the world, the owner has approved."""
    owner, creator = world.people["owner"], world.people["creator"]
    kept, team = world.kept, world.team
    offer()
    kept["rule"] = add_rule(wallet_of(team), kind="credits", threshold=50_000, by=owner)
    kept["template"] = make_template(team, creator)
    templates.set_cover(kept["template"], draw(), by=creator)
    shown = make_template(team, creator, name="For all")
    templates.set_cover(shown, draw(), by=creator)
    templates.set_visibility(shown, "link", by=owner)
    kept["shown"] = token_of(shown)
    kept["brand"] = BrandRule.objects.create(team=team, name="No rivals", kind="banned", words="Acme", made_by=owner)
    Wildcard.objects.create(team=team, name="harbour", lines="crane\nbuoy", changed_by=creator)
    kept["waits"] = make_job(team, creator, status=Job.Status.NEEDS_APPROVAL, approval="more than 50 credits")
    kept["batch"] = make_batch(team, creator)
    kept["compared"] = make_batch(team, creator, 2, kind="comparison", versions=make_versions(team, creator, versions=2))
    kept["asked_batch"] = make_batch(team, creator, status=Job.Status.NEEDS_APPROVAL, approval="more than 20 pictures")
    kept["invitation"], kept["way_in"] = invite(team, invited_by=owner)
    kept["letter"], _ = invite(team, invited_by=owner, email="erin@harbour.example")
    kept["purchase"] = begin(wallet_of(team), owner, gateway="manual")
    budgets.set_limits(wallet_of(team), by=owner, day=1_000_000, month=None, scope=Scope.EVERYONE)
    kept["asked"] = ask(wallet_of(team), creator, limit="member-day", amount=1000)
    kept["other"] = make_artifact(team, creator, seed=8)
    kept["preview"] = make_artifact(team, creator, seed=9)
    Job.objects.filter(pk=kept["preview"].job_id).update(intended=kept["preview"].job.request)
    kept["comment"] = Comment.objects.create(artifact=world.picture, user=creator, text="Hm")
    [kept["notice"]] = notify([owner], team=team, actor=creator, kind="comment", text="Bob wrote.", artifact=world.picture)
    kept["gallery"] = curating.create(team, by=creator, name="Boats", visibility=Visibility.LINK)
    kept["private"] = curating.create(team, by=creator, name="Mine", visibility=Visibility.PRIVATE)
    kept["public"] = curating.create(team, by=creator, name="For all", visibility=Visibility.PUBLIC)
    for gallery in (kept["gallery"], kept["public"]):
        curating.add(gallery, [world.picture], by=owner)
    kept["link"] = publishing.make_link(kept["gallery"], by=owner, days=7)
    kept["token"] = publishing.token_of(kept["link"])
    kept["key"] = keys.make(team, creator, name="Robot", scopes=["generate"]).key
    kept["endpoint"] = make_endpoint(team, by=owner, url="https://harbour.example/hook", events=["job.succeeded"])
    kept["delivery"] = send_test(kept["endpoint"], by=owner)
    kept["report"] = publishing.report(kept["public"], None, reason="other", text="", email="")


def knock(client: Client, row: Row, world: World, person: str) -> str:
    """The letter for what somebody finds behind a door."""
    path = reverse(row.name, kwargs=row.arguments(world, person))
    response = getattr(client, row.method.lower())(path, row.data(world, person))
    if response.status_code == 302 and response["Location"].startswith(SIGN_IN):
        return ">"
    if response.status_code in IN:
        return "+"
    return {403: "F", 404: "0"}.get(response.status_code, str(response.status_code))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.method} {row.name}")
def test_who_gets_in(row: Row, world: World, client_of: Callable[..., Client]) -> None:
    found = ""
    for person in PEOPLE:
        with transaction.atomic():
            client = client_of(world.people[person]) if person in world.people else Client()
            found += knock(client, row, world, person)
            transaction.set_rollback(True)  # what one of them did is not there for the next
        for cache in caches.all(initialized_only=True):
            cache.clear()
    assert found == row.who


def test_the_admin_is_for_operators_alone(world: World, client_of: Callable[..., Client]) -> None:
    doors = [route for route, one in routes() if route.startswith("admin/") and "<" not in route and "(?P" not in route]
    assert len(doors) > 20
    for person in ("owner", "stranger", "nobody"):
        client = client_of(world.people[person]) if person in world.people else Client()
        for door in doors:
            if door in ("admin/login/", "admin/logout/"):
                continue
            response = client.get(f"/{door}")
            assert (door, response.status_code) in ((door, 302), (door, 403), (door, 404), (door, 405)), person
            assert response.get("Location", "/accounts/login/").startswith(("/accounts/", "/admin/login/")), door


def test_account_pages_that_are_not_named_open_ask_who_it_is(world: World) -> None:
    closed = [
        (str(one.name), route)
        for route, one in routes()
        if route.startswith("accounts/") and one.name not in OPEN_ACCOUNT_PAGES and "<" not in route and "(?P" not in route
    ]
    assert len(closed) > 10
    for name, route in closed:
        response = Client().get(f"/{route}")
        assert response.status_code in (301, 302, 404, 405), name
        assert response.get("Location", SIGN_IN).startswith(SIGN_IN if response.status_code == 302 else "/accounts/"), name


# --- the socket ------------------------------------------------------------------------------------------------------


def test_the_one_websocket_tells_people_of_their_own_teams_only(world: World, client_of: Callable[..., Client]) -> None:
    assert [str(one.pattern) for one in websocket_urlpatterns] == ["live/", ""]
    asked = {"view": "create", "job": str(world.waiting.pk)}
    for person, user in world.people.items():
        admitted = viewers.admit(user, client_of(user).session, asked)
        assert isinstance(admitted, viewers.Viewer)
        assert (world.team.pk in admitted.teams) is (person != "stranger")
        assert (admitted.job_id == world.waiting.pk) is (person != "stranger")
    assert viewers.admit(AnonymousUser(), Client().session, asked) == viewers.NOT_SIGNED_IN
