"""What tests of webhooks share: a receiver on this machine, which the operator has opened, and an endpoint that names it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from accounts.models import Team, User
from studio.webhooks import addresses, sending, services
from studio.webhooks.models import Endpoint, Event
from tests.webhooks.receiver import Authority, Receiver

EVERYTHING = [str(one) for one in Event]


@pytest.fixture(autouse=True)
def no_look_up(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[list[str]]]:
    """`no_look_up[name]` are the answers that a name gets, one after another, the last one from then on. No other name is known."""
    names: dict[str, list[list[str]]] = {}

    def answer(host: str, port: Any, **options: Any) -> list[Any]:
        if host not in names:
            raise OSError(f"{host} is not known")
        found = names[host].pop(0) if len(names[host]) > 1 else names[host][0]
        return [(0, 0, 0, "", (one, 0)) for one in found]

    monkeypatch.setattr(addresses, "getaddrinfo", answer)
    return names


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    settings.WEBHOOK_PRIVATE = ["127.0.0.1"]
    one = Receiver()
    yield one
    one.close()


@pytest.fixture
def endpoint(team: Team, alice: User, receiver: Receiver) -> Endpoint:
    return services.make_endpoint(team, by=alice, url=receiver.url, events=EVERYTHING)


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """The one whose certificates are trusted in this test."""
    one = Authority(tmp_path)
    monkeypatch.setattr(sending, "tls", one.trusting)
    return one


@pytest.fixture
def secure(authority: Authority) -> Iterator[Callable[..., Receiver]]:
    """`secure(name, …)`: a receiver with a certificate for these names."""
    started: list[Receiver] = []

    def start(*names: str) -> Receiver:
        started.append(Receiver(authority.server(*names)))
        return started[-1]

    yield start
    for one in started:
        one.close()
