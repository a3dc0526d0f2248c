"""Programs: clients with a key. What they ask for is made in this process, by the drawing engine."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from accounts import keys
from accounts.models import ApiKey, Team, User
from billing.services import wallets
from studio.backends import registry
from studio.generation import services, throttle
from studio.generation.worker import runner
from studio.waiting import Waiting

ALL = tuple(scope.name for scope in keys.SCOPES)
OWN = "/api/v1"


@pytest.fixture(autouse=True)
def nobody_was_fast() -> None:
    """Counts of earlier tests (and, in Redis, of earlier runs) are forgotten."""
    throttle.limiter().storage.reset()


def work(queue: str = "null") -> int:
    """Make everything that waits in a queue, as its worker does; returns how many jobs there were."""
    count = 0
    while jobs := services.claim([queue], "w", batch=False):
        for job in jobs:
            made = registry.backend(registry.engine(job.engine).backend).generate(
                runner._request(job), on_progress=lambda progress: None, is_canceled=lambda: False
            )
            services.succeed(job, made)
            count += 1
    return count


class Program:
    """A client with a key. An answer that waits for work (`Waiting`) is the final one: the work is done first, unless `works` is false."""

    def __init__(self, secret: str, key: ApiKey, *, organization: str = "", **options: Any) -> None:
        self.secret, self.key, self.works = secret, key, True
        headers = {"Authorization": f"Bearer {secret}"} | ({"Organization": organization} if organization else {})
        self.client = Client(headers=headers, **options)

    def ask(self, method: str, path: str, data: Any = None, **how: Any) -> Any:
        """JSON, unless there are files or another `content_type`; a path that begins with no version is one of the own API."""
        address = path if path.startswith(("/api/", "/v1/", "/v2beta/", "/v2alpha/")) else f"{OWN}{path}"
        if method in ("get", "head") or how.pop("multipart", False):
            answer = getattr(self.client, method)(address, data, **how)
        else:
            answer = self.client.generic(
                method.upper(), address, json.dumps(data) if data is not None else "", content_type="application/json", **how
            )
        return self.finished(answer) if isinstance(answer, Waiting) else answer

    def finished(self, answer: Waiting) -> Any:
        if self.works:
            work()
        final: Any = answer.finish_now()
        if isinstance(final, HttpResponse) and not hasattr(final, "json"):
            final.json = lambda: json.loads(final.content)
        return final

    def get(self, path: str, data: Any = None, **how: Any) -> Any:
        return self.ask("get", path, data, **how)

    def head(self, path: str, **how: Any) -> Any:
        return self.ask("head", path, **how)

    def post(self, path: str, data: Any = None, **how: Any) -> Any:
        return self.ask("post", path, data, **how)

    def patch(self, path: str, data: Any = None, **how: Any) -> Any:
        return self.ask("patch", path, data, **how)

    def put(self, path: str, data: Any = None, **how: Any) -> Any:
        return self.ask("put", path, data, **how)

    def delete(self, path: str, data: Any = None, **how: Any) -> Any:
        return self.ask("delete", path, data, **how)


@pytest.fixture
def program(db: None) -> Callable[..., Program]:
    """`program(user, team=None, scopes=ALL, **of_the_key)`: a program of somebody's, in `team`, else in their first shared one."""

    def make(user: User, team: Team | None = None, scopes: tuple[str, ...] = ALL, *, organization: str = "", **of_the_key: Any) -> Program:
        chosen = team or Team.objects.of(user).filter(is_personal=False).first() or Team.objects.of(user).get()
        role = chosen.memberships.get(user=user).role
        held = [name for name in scopes if name in {scope.name for scope in keys.scopes_of(role)}]
        made = keys.make(chosen, user, **{"name": "Robot", "scopes": held, **of_the_key})
        return Program(made.secret, made.key, organization=organization)

    return make


@pytest.fixture
def rich(team: Team) -> Team:
    """Harbour Street with 100 credits."""
    wallets.grant(wallets.wallet_of(team), 100_000, reference="test", description="For the test")
    return team


def problem(answer: Any, status: int, code: str) -> dict[str, Any]:
    """The problem that an answer has to be."""
    told: dict[str, Any] = json.loads(answer.content)
    assert (answer.status_code, told.get("code")) == (status, code), told
    assert answer["Content-Type"] == "application/problem+json"
    assert told["status"] == status
    assert told["type"] == f"urn:atelier:problem:{code}"
    assert set(told) >= {"title", "detail", "errors"}
    return told
