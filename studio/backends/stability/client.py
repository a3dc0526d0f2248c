"""The one place that speaks HTTP: a call goes out with a key, an answer comes back or the connection is lost."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable
from typing import Any

import httpx

from studio.backends.errors import BackendError, EngineUnavailable, PayloadTooLarge, ResultUnknown
from studio.backends.stability.calls import MEBIBYTE, Answer, Call
from studio.backends.stability.keys import Key

HOST = "https://api.stability.ai"
CONNECT_SECONDS = 10.0
WRITE_SECONDS = 30.0
"""For one piece of a body, not for all of it."""
IDLE_SECONDS = 4.0
"""A connection that was idle for longer is not used again: the other side may be closing it just then, and a paid call would be lost. The
hastiest of the usual servers (Node's, uvicorn) close after 5 s."""
IN_MEMORY = MEBIBYTE
"""Bytes of an answer after which it goes to a temporary file."""
MAX_ANSWER = 256 * MEBIBYTE
LONGEST_HEADER = 256
"""Characters of each `Stability-Client-*` header (`stability/API.md` 0)."""

_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)
_SENT = "http11.send_request_body.complete"


class Client:
    """Connections to the provider, shared by all threads of a process. `in_flight` is how many there may be."""

    def __init__(
        self,
        host: str = HOST,
        *,
        in_flight: int,
        organization: str = "",
        client_id: str = "",
        client_version: str = "",
        user_id: str = "",
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        named = {"Stability-Client-ID": client_id, "Stability-Client-Version": client_version}
        self._headers = {name: value[:LONGEST_HEADER] for name, value in named.items() if value}
        # `Organization` is of v1 only, the user's id of v2beta only (`stability/API.md` 0).
        self._own_headers = {
            "v1": {"Organization": organization} if organization else {},
            "v2beta": {"Stability-Client-User-ID": user_id[:LONGEST_HEADER]} if user_id else {},
        }
        self._host, self._transport = host, transport
        self._limits = httpx.Limits(max_connections=in_flight, max_keepalive_connections=in_flight, keepalive_expiry=IDLE_SECONDS)
        self._lock = threading.Lock()
        self._made: httpx.Client | None = None

    @property
    def _http(self) -> httpx.Client:
        """Made for the first call: a process that only lists engines needs no certificates in memory."""
        with self._lock:
            if self._made is None:
                self._made = httpx.Client(base_url=self._host, limits=self._limits, transport=self._transport)
            return self._made

    def send(self, call: Call, key: Key, *, on_sent: Callable[[], None], on_left: Callable[[], None]) -> Answer:
        """Make one call, once. `on_sent` is called before its first byte goes out, `on_left` when the last one was written.

        Raises `PayloadTooLarge` before anything is sent, `EngineUnavailable` when nothing was sent or nothing was asked that costs, and
        `ResultUnknown` when a paid call went out and its answer did not come back whole.
        """
        request = self._request(call, key, on_left)
        on_sent()
        try:
            response = self._http.send(request, stream=True)
        except _NOT_SENT:
            raise EngineUnavailable("Stability cannot be reached.") from None
        except httpx.HTTPError:
            raise _lost(call) from None
        try:
            body = _receive(response)
        except (httpx.HTTPError, OSError):  # the wire, or the disk under the temporary file
            if response.is_success:
                raise _lost(call) from None
            body = b""  # refused, whatever else it wanted to say
        finally:
            response.close()
        if not response.is_success:
            body = body.replace(key.secret.encode(), b"[key]")  # v1 quotes a wrong key in full (`stability/API.md` 1.6)
        return Answer(response.status_code, {name.lower(): value for name, value in response.headers.items()}, body)

    def _request(self, call: Call, key: Key, on_left: Callable[[], None]) -> httpx.Request:
        def trace(event: str, _: dict[str, Any]) -> None:
            if event == _SENT:
                on_left()

        headers = {**self._headers, **self._own_headers[call.dialect], "Accept": call.accept, "Authorization": f"Bearer {key.secret}"}
        # Fields are parts without a file name. Given to httpx as `data`, a form without files would go out urlencoded, which v2beta
        # refuses; this needs no empty file called "none" to prevent it (`stability/API.md` 2.1).
        parts: list[tuple[str, Any]] = [(name, (None, value)) for name, value in call.fields]
        parts += [(file.name, (file.filename, file.data, file.mime)) for file in call.files]
        request = self._http.build_request(
            call.method,
            call.path,
            headers=headers,
            files=parts or None,
            json=call.json,
            timeout=httpx.Timeout(call.seconds, connect=CONNECT_SECONDS, write=WRITE_SECONDS, pool=CONNECT_SECONDS),
            extensions={"trace": trace},
        )
        size = int(request.headers.get("content-length", 0))
        if call.body_limit is not None and size > call.body_limit:
            most = call.body_limit // MEBIBYTE
            raise PayloadTooLarge(f"Together they have {size / MEBIBYTE:.1f} MB; {most} MB is the most.")
        return request


def _receive(response: httpx.Response) -> bytes:
    with tempfile.SpooledTemporaryFile(IN_MEMORY) as file:
        for chunk in response.iter_bytes():
            file.write(chunk)
            if file.tell() > MAX_ANSWER:
                raise httpx.ReadError("The answer has no end.")
        file.seek(0)
        return file.read()


def _lost(call: Call) -> BackendError:
    return ResultUnknown() if call.paid else EngineUnavailable("The connection to Stability was lost.")
