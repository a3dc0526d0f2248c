"""No request may bring more bytes than an upload is allowed to have: Django would spool them to disk before any view is asked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

from django.conf import settings
from django.utils.module_loading import import_string

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = Iterable[tuple[bytes, bytes]]

FRAMING = 1024 * 1024
"""Bytes beside the file itself: multipart borders and the other fields of a form."""

DRAINED = 8
"""A refused body is read and dropped up to so many times the limit, so that the browser gets to read why; then the line is cut."""

DRAIN_SECONDS = 30.0
"""So long is waited for the rest of it."""

SENTENCE = "That is too large: {megabytes} MB is the most that can be sent at once. Choose a smaller file and try again."
PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Too large</title></head>
<body><main><h1>Too large</h1><p>{sentence}</p>
<p>Nothing was saved and nothing was charged. <a href="/">Back to the studio</a></p></main></body>
</html>
"""


class Refused(NamedTuple):
    """What whoever sent too much is answered."""

    content_type: bytes
    body: bytes
    status: int = 413
    headers: tuple[tuple[bytes, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class Limit:
    """Bytes that a whole request body may have, and the answer to one that has more, made from the request's headers."""

    bytes: int
    refusal: Callable[[Headers], Refused]


def limit(path: str) -> Limit:
    """That of an address: what one of `settings.BODY_LIMITS` (dotted paths, called with it) says, else that of an upload."""
    for dotted in settings.BODY_LIMITS:
        if found := import_string(dotted)(path):
            return cast(Limit, found)
    return Limit(most(), page)


def most() -> int:
    """Bytes of a body that brings an upload."""
    return int(settings.MAX_UPLOAD_BYTES) + FRAMING


def page(headers: Headers) -> Refused:
    """JSON for a script that asked for it, else a page. No template: it would want a session."""
    sentence = SENTENCE.format(megabytes=settings.MAX_UPLOAD_BYTES // (1024 * 1024))
    accept = b",".join(value for name, value in headers if name.lower() == b"accept")
    if b"application/json" in accept and b"text/html" not in accept:
        return Refused(b"application/json", json.dumps({"error": sentence}).encode())
    return Refused(b"text/html; charset=utf-8", PAGE.format(sentence=sentence).encode())


class _TooLarge(Exception):
    pass


class BodyLimit:
    """ASGI middleware: no body over the `limit` of its address, whether its length is declared or it comes in chunks."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        allowed = limit(scope["path"])
        declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        if not declared.isdigit() or int(declared) > allowed.bytes:
            await _refuse(allowed, scope, receive, send)
            return
        received = 0
        started = False

        async def counted() -> MutableMapping[str, Any]:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > allowed.bytes:
                raise _TooLarge
            return message

        async def noted(message: MutableMapping[str, Any]) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, counted, noted)
        except _TooLarge:
            if not started:
                await _refuse(allowed, scope, receive, send)


async def _refuse(allowed: Limit, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer at once, but end the answer when the body has ended: the server then closes the connection, and one that is closed with bytes
    unread is reset, before a browser that still sends has looked for an answer."""
    refused = allowed.refusal(scope["headers"])
    headers = [*refused.headers, *framing(refused)]
    await send({"type": "http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "http.response.body", "body": refused.body, "more_body": True})
    dropped = 0
    try:
        async with asyncio.timeout(DRAIN_SECONDS):
            while dropped < DRAINED * allowed.bytes and (message := await receive()).get("more_body"):
                dropped += len(message["body"])
    except TimeoutError:
        pass
    await send({"type": "http.response.body", "body": b""})


def framing(refused: Refused) -> list[tuple[bytes, bytes]]:
    """The headers that every refusal has. The connection ends with it: the rest of the body is still on its way."""
    length = str(len(refused.body)).encode()
    return [(b"content-type", refused.content_type), (b"content-length", length), (b"connection", b"close")]
