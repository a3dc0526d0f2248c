"""No request may bring more bytes than an upload is allowed to have: Django would spool them to disk before any view is asked."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from django.conf import settings

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

FRAMING = 1024 * 1024
"""Bytes beside the file itself: multipart borders and the other fields of a form."""

SENTENCE = "That is too large: {megabytes} MB is the most that can be sent at once. Choose a smaller file and try again."
PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Too large</title></head>
<body><main><h1>Too large</h1><p>{sentence}</p>
<p>Nothing was saved and nothing was charged. <a href="/">Back to the studio</a></p></main></body>
</html>
"""


def limit() -> int:
    """Bytes of a whole request body."""
    return int(settings.MAX_UPLOAD_BYTES) + FRAMING


def refusal(headers: Iterable[tuple[bytes, bytes]]) -> tuple[bytes, bytes]:
    """Content type and body of a 413, as JSON for a script that asked for it, else as a page. No template: it would want a session."""
    sentence = SENTENCE.format(megabytes=settings.MAX_UPLOAD_BYTES // (1024 * 1024))
    accept = b",".join(value for name, value in headers if name.lower() == b"accept")
    if b"application/json" in accept and b"text/html" not in accept:
        return b"application/json", json.dumps({"error": sentence}).encode()
    return b"text/html; charset=utf-8", PAGE.format(sentence=sentence).encode()


class _TooLarge(Exception):
    pass


class BodyLimit:
    """ASGI middleware: 413 for a body over `limit()`, whether its length is declared or it comes in chunks."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        most = limit()
        declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        if not declared.isdigit() or int(declared) > most:
            await _refuse(scope, send)
            return
        received = 0
        started = False

        async def counted() -> MutableMapping[str, Any]:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > most:
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
                await _refuse(scope, send)


async def _refuse(scope: Scope, send: Send) -> None:
    content_type, body = refusal(scope["headers"])
    headers = [(b"content-type", content_type), (b"content-length", str(len(body)).encode()), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": body})
