"""The ASGI application: reads a request, lets the provider answer it in a thread, and sends the answer, wire faults included."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from studio.api.stability.messages import Answer
from tests.stability_server import control
from tests.stability_server.faults import NONE, Fault
from tests.stability_server.provider import Provider
from tests.stability_server.requests import Request

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

KEPT_BODY = 101 * 1024 * 1024
"""Bytes of a body that are kept: a little more than the largest that any endpoint takes. The rest is read, counted and dropped."""


class App:
    def __init__(self, provider: Provider) -> None:
        self.provider = provider

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        method, path = scope["method"], scope["path"]
        if not path.startswith("/v"):
            body, _ = await read_body(receive)
            await deliver(await asyncio.to_thread(control.answer, self.provider, method, path, body), send)
            return
        request, barred = self.provider.received(method, path, headers)
        request.body, request.size = await read_body(receive)
        await self._answer(request, barred, scope, send)

    async def _answer(self, request: Request, barred: float, scope: Scope, send: Send) -> None:
        try:
            fault = NONE if barred else self.provider.faults.take(request)
        except ValueError as error:
            await deliver(Answer(400, f"{error}\n".encode(), "text/plain; charset=utf-8"), send)
            return
        if fault.kind == "drop":
            return await hang_up(scope)
        answer = await asyncio.to_thread(self.provider.answer, request, barred, fault)
        if fault.kind == "drop-after":
            return await hang_up(scope)
        if fault.kind == "delay":
            await asyncio.sleep(float(fault.value))
        if fault.kind == "hold":
            await asyncio.to_thread(self.provider.faults.wait)
        await deliver(answer, send, fault)


async def read_body(receive: Receive) -> tuple[bytes, int]:
    """The body, and how many bytes came."""
    pieces, size = [], 0
    while True:
        message = await receive()
        piece = message.get("body", b"")
        if size + len(piece) <= KEPT_BODY:
            pieces.append(piece)
        size += len(piece)
        if not message.get("more_body"):
            return b"".join(pieces), size


async def deliver(answer: Answer, send: Send, fault: Fault = NONE) -> None:
    """Send an answer; half of it, when that is the fault: the server then closes the connection, since the length was promised."""
    headers = {"content-type": answer.content_type, "content-length": str(len(answer.body)), **answer.headers}
    encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": encoded})
    if fault.kind == "drop-mid-body":
        await send({"type": "http.response.body", "body": answer.body[: len(answer.body) // 2], "more_body": True})
    else:
        await send({"type": "http.response.body", "body": answer.body})


async def hang_up(scope: Scope) -> None:
    """Close the connection without a word."""
    scope["transport"].close()
    await scope["closed"].wait()
