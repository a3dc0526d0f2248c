"""The stand-in as a server on the loopback."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from tests.stability_server.app import read_body
from tests.stability_server.serving import Server
from tests.stripe_server import api, pages
from tests.stripe_server.stripe import Stripe

Message = MutableMapping[str, Any]


class App:
    """The ASGI application in front of a stand-in; its answers are worked out in threads."""

    def __init__(self, stripe: Stripe) -> None:
        self.stripe = stripe

    async def __call__(self, scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]) -> None:
        headers = {name.decode().lower(): value.decode() for name, value in scope["headers"]}
        body, _ = await read_body(receive)
        target = scope["path"] + ("?" + scope["query_string"].decode() if scope["query_string"] else "")
        status, kind, payload, location = await asyncio.to_thread(self._answer, scope["method"], target, headers, body.decode())
        sent = [(b"content-type", kind.encode()), (b"content-length", str(len(payload)).encode())]
        sent += [(b"location", location.encode())] if location else []
        await send({"type": "http.response.start", "status": status, "headers": sent})
        await send({"type": "http.response.body", "body": payload})

    def _answer(self, method: str, target: str, headers: dict[str, str], body: str) -> tuple[int, str, bytes, str]:
        if target.startswith("/v1/"):
            status, made = api.answer(self.stripe, method, target, headers, body)
            return status, "application/json", json.dumps(made).encode(), ""
        status, html, location = pages.answer(self.stripe, method, target.partition("?")[0], body)
        return status, "text/html; charset=utf-8", html.encode(), location


class StandIn(Stripe):
    """`with StandIn() as stripe:`; `stripe.url` is what `STUDIO_STRIPE_API_BASE` is set to."""

    def __init__(self, port: int = 0, **options: Any) -> None:
        super().__init__(**options)
        self._server = Server(App(self), port)
        self.url = f"http://127.0.0.1:{self._server.port}"

    def __enter__(self) -> StandIn:
        self._server.start()
        return self

    def __exit__(self, *args: object) -> None:
        self.courier.stop()
        self._server.stop()
