"""The people of every test: alice owns a team, bob is a member, carol views, mallory is a stranger with a team of her own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import hypothesis
import pytest
from django.apps import apps
from django.core.cache import caches
from django.db import connections
from django.test import Client, override_settings

from accounts.models import Membership, Role, Team, User
from billing.models import CreditPack, Plan
from studio.live import relay
from tests import emptying
from tests.environment import data_dir

hypothesis.settings.register_profile("studio", deadline=None)
hypothesis.settings.load_profile("studio")
"""A property that is slow on a busy machine is not wrong: what has to be quick is measured where that is said."""

PASSWORD = "correct horse battery"
"""Every persona's password."""


@pytest.fixture(scope="session", autouse=True)
def cheap_settings() -> Iterator[None]:
    """Static files without a manifest (there was no collectstatic) and a password hash that takes no time."""
    storages = {
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    with override_settings(STORAGES=storages, PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]):
        yield


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """SQLite in a file and not in memory: threads of a race get a connection each, and wait for each other as they do in the studio."""
    settings = connections["default"].settings_dict
    if settings["ENGINE"].endswith("sqlite3"):
        settings["TEST"]["NAME"] = str(data_dir / "test.sqlite3")


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> Iterator[None]:
    """The usual database, emptied in a quicker way."""
    with pytest.MonkeyPatch.context() as patch:
        if connections["default"].vendor == "postgresql":
            emptying.install(patch, connections["default"])
        yield


@pytest.fixture(autouse=True)
def own_files(settings: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Media of one test lie in its own folder; caches, and so login limits, start empty."""
    settings.MEDIA_ROOT = tmp_path / "media"  # type: ignore[attr-defined]
    for cache in caches.all(initialized_only=True):
        cache.clear()


@pytest.fixture(autouse=True)
def no_loop_left() -> Iterator[None]:
    """A test that leaves its event loop running in this thread is told so itself, and not whoever comes after it to the database."""
    yield
    assert asyncio._get_running_loop() is None, "this test has left its event loop running"


@pytest.fixture(autouse=True)
def own_relay(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What one test says to pages waits for a web process until the test is over, and not in the data folders of later ones."""
    monkeypatch.setattr(relay, "_client", None)
    yield
    if relay._client:
        relay._client.close(0)
        if relay._client._thread:
            relay._client._thread.join()


@pytest.fixture(autouse=True)
def what_migrations_wrote(request: pytest.FixtureRequest) -> None:
    """A test that commits empties every table when it ends: the next one finds the packs and plans that migrations wrote all the same."""
    if request.node.get_closest_marker("django_db") or {"db", "transactional_db", "live_server"} & set(request.fixturenames):
        request.getfixturevalue("db")
        seed_what_migrations_wrote()


def seed_what_migrations_wrote() -> None:
    for migration, seed, model in (("0005_buying", "offer", CreditPack), ("0006_plans", "seed", Plan)):
        if not model.objects.exists():
            getattr(import_module(f"billing.migrations.{migration}"), seed)(apps, None)


def make_user(name: str) -> User:
    from accounts.services import create_user_with_team

    return create_user_with_team(email=f"{name.split()[0].lower()}@harbour.example", name=name, password=PASSWORD, email_verified=True)


@pytest.fixture
def alice(db: None) -> User:
    """Owner of the team Harbour Street; not an operator of the studio."""
    return make_user("Alice Harbour")


@pytest.fixture
def team(alice: User) -> Team:
    """Harbour Street, with alice in it. bob and carol join when a test asks for them."""
    from accounts.services import create_team

    return create_team("Harbour Street", alice)


@pytest.fixture
def bob(team: Team) -> User:
    """Member of Harbour Street who creates."""
    user = make_user("Bob Member")
    Membership.objects.create(team=team, user=user, role=Role.CREATOR)
    return user


@pytest.fixture
def carol(team: Team) -> User:
    """Member of Harbour Street who only looks."""
    user = make_user("Carol Viewer")
    Membership.objects.create(team=team, user=user, role=Role.VIEWER)
    return user


@pytest.fixture
def mallory(db: None) -> User:
    """A stranger: in no team but her own two."""
    return make_user("Mallory Stranger")


@pytest.fixture
def other_team(mallory: User) -> Team:
    """Mallory's team, Elsewhere."""
    from accounts.services import create_team

    return create_team("Elsewhere", mallory)


@pytest.fixture
def client_of() -> Callable[..., Client]:
    """`client_of(user, team=None, **client_options)`: a signed-in browser, at work in `team`, else in the first shared one."""

    def make(user: User, team: Team | None = None, **options: object) -> Client:
        client = Client(**options)
        client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
        chosen = team or Team.objects.filter(memberships__user=user, is_personal=False).order_by("id").first()
        if chosen:
            from accounts.access import SESSION_KEY

            session = client.session
            session[SESSION_KEY] = chosen.pk
            session.save()
        return client

    return make


@pytest.fixture
def operator(alice: User) -> User:
    """Alice, running the studio too."""
    User.objects.filter(pk=alice.pk).update(is_staff=True, is_superuser=True)
    alice.refresh_from_db()
    return alice


@pytest.fixture
def desk(operator: User, client_of: Callable[..., Client]) -> Client:
    """The operator's browser, at the admin."""
    return client_of(operator)
