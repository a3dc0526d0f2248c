"""One call to somebody's server: to an address that was looked at before, and so that nothing it does can hold the studio up.

The address is looked up once (`addresses.resolve`) and connected to as it is; name, port and certificate are still those of the endpoint.
No redirect is followed, no proxy of the environment asked, nothing of the answer believed but its status: of its body the first bytes are
kept for the log. httpcore, and not httpx, because that is where a connection can be given a stream of one's own.
"""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache

import httpcore
import httpx

from studio.webhooks.addresses import IPAddress, Target, read, resolve
from studio.webhooks.errors import AddressRefused

CONNECT_SECONDS = 5.0
WHOLE_SECONDS = 15.0
"""From the look-up to the status line."""
BODY_SECONDS = 2.0
"""The answer is there by then; this is for what it says."""
BODY_BYTES = 4096
SAID = 1000
"""Characters of an answer that are kept."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a call: a status, or an `error` as a sentence. `ms` it took, `said` is the beginning of the answer, `retry_after` are
    the seconds for which it asked to be left alone.
    """

    ms: int
    status: int | None = None
    said: str = ""
    error: str = ""
    retry_after: float = 0.0

    @property
    def is_delivered(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_gone(self) -> bool:
        """It asks for nothing to be sent any more."""
        return self.status == 410

    @property
    def problem(self) -> str:
        """Why it counts as not delivered, in words; empty when it is."""
        if self.error or self.is_delivered:
            return self.error
        if self.status is not None and 300 <= self.status < 400:
            return f"It answered {self.status}, which sends on to another address; that is not followed."
        return f"It answered {self.status}."


def post(url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    """Never raises for what the other side does, or for an address that may not be sent to."""
    began = time.monotonic()
    deadline = began + WHOLE_SECONDS

    def took() -> int:
        return round((time.monotonic() - began) * 1000)

    try:
        target = read(url)
        status, said, retry_after = _exchange(target, _Pinned(resolve(target), deadline), body, headers)
    except AddressRefused as error:
        return Answer(took(), error=error.message)
    except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, OSError) as error:
        return Answer(took(), error=_sentence(error))
    return Answer(took(), status, said, retry_after=retry_after)


def _exchange(target: Target, backend: _Pinned, body: bytes, headers: Mapping[str, str]) -> tuple[int, str, float]:
    origin = httpcore.Origin(target.scheme.encode(), target.host.encode(), target.port)
    url = httpcore.URL(scheme=target.scheme.encode(), host=target.host.encode(), port=target.port, target=target.path.encode())
    ours = {"Host": target.origin, "Content-Length": str(len(body)), "Accept-Encoding": "identity", "Connection": "close"}
    sent: list[tuple[bytes | str, bytes | str]] = [*ours.items(), *headers.items()]
    timeouts = {"connect": CONNECT_SECONDS, "read": WHOLE_SECONDS, "write": WHOLE_SECONDS}
    connection = httpcore.HTTPConnection(origin, ssl_context=tls(), network_backend=backend)
    with connection, connection.stream("POST", url, headers=sent, content=body, extensions={"timeout": timeouts}) as response:
        named = {name.lower(): value for name, value in response.headers}
        backend.deadline = min(backend.deadline, time.monotonic() + BODY_SECONDS)
        return response.status, _beginning(response), _seconds(named.get(b"retry-after", b""))


def _beginning(response: httpcore.Response) -> str:
    """What it says, as far as it comes: the status stands, whatever the body does (lies about its length, never ends, breaks off)."""
    got = bytearray()
    with suppress(httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, OSError):
        for piece in response.iter_stream():
            got += piece
            if len(got) >= BODY_BYTES:
                break
    text = bytes(got[:BODY_BYTES]).decode("utf-8", "replace")
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f]", " ", text).strip()[:SAID]


def _seconds(retry_after: bytes) -> float:
    """A date is passed over: few send one, and its clock is not ours."""
    return float(retry_after) if re.fullmatch(rb"\d{1,6}", retry_after) else 0.0


def _sentence(error: Exception) -> str:
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLCertVerificationError):
            return f"Its certificate is not trusted: {seen.verify_message}."
        if isinstance(seen, ssl.SSLError):
            return "It did not agree on an encrypted connection."
        seen = seen.__cause__ or seen.__context__
    if isinstance(error, httpcore.ConnectTimeout):
        return f"It could not be reached within {CONNECT_SECONDS:.0f} seconds."
    if isinstance(error, httpcore.ConnectError):
        return "It could not be reached: nothing listens there."
    if isinstance(error, httpcore.TimeoutException):
        return f"It did not answer within {WHOLE_SECONDS:.0f} seconds."
    if isinstance(error, httpcore.ProtocolError):
        return "It did not answer in HTTP, or broke off before it had."
    return "The connection broke."


@cache
def tls() -> ssl.SSLContext:
    """Certificates are checked against the usual authorities, or those of SSL_CERT_FILE and SSL_CERT_DIR."""
    return httpx.create_ssl_context()


class _Pinned(httpcore.NetworkBackend):
    """Connects to one of the addresses that were looked at, and to nothing else, whatever name it is asked for."""

    def __init__(self, addresses: list[IPAddress], deadline: float) -> None:
        self._addresses = addresses
        self._plain = httpcore.SyncBackend()
        self.deadline = deadline
        """On the clock of `time.monotonic`; every wait for the other side ends then."""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        until = min(self.deadline, time.monotonic() + (timeout or CONNECT_SECONDS))
        failed: Exception = httpcore.ConnectTimeout()
        for address in self._addresses:
            left = until - time.monotonic()
            if left <= 0:
                break
            try:
                stream = self._plain.connect_tcp(str(address), port, left, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failed = error
            else:
                return _Timed(stream, self)
        raise failed

    def left(self) -> float:
        """Raises ReadTimeout when there is no time left."""
        seconds = self.deadline - time.monotonic()
        if seconds <= 0:
            raise httpcore.ReadTimeout
        return seconds


class _Timed(httpcore.NetworkStream):
    """A stream on which a byte now and then does not buy more time."""

    def __init__(self, stream: httpcore.NetworkStream, backend: _Pinned) -> None:
        self._stream, self._backend = stream, backend

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._backend.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._backend.left())

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Timed(
            self._stream.start_tls(ssl_context, server_hostname, min(timeout or CONNECT_SECONDS, self._backend.left())), self._backend
        )

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)
