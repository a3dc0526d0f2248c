"""An open page as the server sees it: a websocket through the whole ASGI application, with the cookies of a signed-in browser."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.test import Client

from accounts.models import Team, User
from billing.services import wallets
from studio.backends import registry
from studio.backends.base import GenerationRequest, Mode
from studio.generation import services
from studio.generation.models import Job
from studio.live.consumers import BEAT

PATIENCE = 90
"""Seconds until a test gives up on a message that must come."""


@pytest.fixture(autouse=True)
def only_the_null_engine(settings):
    settings.BACKENDS = {"null": {"BACKEND": "studio.backends.null.NullBackend", "OPTIONS": {"ENABLED": True}}}
    registry.backend.cache_clear()
    yield
    registry.backend.cache_clear()


@pytest.fixture
def rich(team: Team) -> Team:
    wallets.grant(wallets.wallet_of(team), 100_000, reference="test", description="For the test")
    return team


@pytest.fixture
def make_job() -> Callable[..., Job]:
    """`make_job(user, team, **request)`: a queued job of the null engine, told to whoever listens."""
    keys = itertools.count()

    def make(user: User, team: Team, **fields: Any) -> Job:
        values = {"engine": "null", "mode": Mode.TEXT_TO_IMAGE, "seed": 1, "prompt": "a boat", "width": 512, "height": 512, **fields}
        return services.submit(user=user, team=team, request=GenerationRequest(**values), idempotency_key=f"key-{next(keys)}")

    return make


class Page:
    """One page's socket. `next` is the next message, `snapshot` the first."""

    def __init__(self, client: Client | None, query: str, origin: str) -> None:
        from studio.asgi import application

        cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items()) if client else ""
        headers = [(b"origin", origin.encode()), (b"host", b"localhost"), (b"cookie", cookies.encode())]
        self.line = WebsocketCommunicator(application, f"/live/?{query}", headers)
        self.snapshot = ""

    async def connect(self) -> bool:
        accepted, _ = await self.line.connect(PATIENCE)
        return accepted

    async def word(self) -> str:
        """The next message, and be it a beat."""
        return await self.line.receive_from(PATIENCE)

    async def next(self) -> str:
        while (message := await self.word()) == BEAT:
            pass
        return message

    async def news(self) -> str:
        """The next message about a job: one about the header alone may come in between (over Redis, from before the page was opened)."""
        while 'id="balance"' in (message := await self.next()) and 'id="job-' not in message:
            pass
        return message

    async def until(self, text: str) -> str:
        """The next message that holds `text`; those before it are read and dropped."""
        while text not in (message := await self.next()):
            pass
        return message

    async def closed(self) -> int:
        """The code with which the server closes, and with no message before that."""
        while (message := await self.line.receive_output(PATIENCE)).get("text") == BEAT:
            pass
        assert message["type"] == "websocket.close", message
        return message["code"]


@pytest.fixture
def embedded(settings) -> None:
    """One web process without Redis, whatever this run was given: what is tested is that mode's own way."""
    settings.EMBEDDED = True
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "studio.live.layer.HomeLoopLayer", "CONFIG": {"capacity": 1000}}}


@pytest.fixture
async def open_page(client_of) -> AsyncIterator[Callable[..., Any]]:
    """`await open_page(user, "view=create", team=…)`: a page that has got its snapshot. `user` may be a client, or None for nobody."""
    pages: list[Page] = []

    async def make(who: User | Client | None, query: str = "view=create", *, team: Team | None = None, origin: str = "http://localhost"):
        client = await sync_to_async(client_of)(who, team) if isinstance(who, User) else who
        page = Page(client, query, origin)
        pages.append(page)
        if await page.connect() and client:
            page.snapshot = await page.next()
        return page

    yield make
    for page in pages:
        with suppress(asyncio.CancelledError):  # its socket gave up on a test that failed; that is told once
            await page.line.disconnect(PATIENCE)


def in_thread(work: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Run code that uses the database, as a view or a worker would, in a thread of its own kind."""
    return sync_to_async(work)(*args, **kwargs)


async def wait_until(condition: Callable[[], bool]) -> None:
    """Let the loop go on until something holds that no message tells of."""
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0)
