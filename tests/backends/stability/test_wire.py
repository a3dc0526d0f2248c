"""On a real connection: what a network played by a function cannot show."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from studio.backends import errors
from studio.backends.stability import StabilityBackend
from studio.backends.stability.keys import Key
from tests.backends.stability.conftest import KEY, PICTURE, generate, wanted


class Provider(ThreadingHTTPServer):
    """Answers a POST with a picture once `go` is set; `short` bytes of it are kept back."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.go = threading.Event()
        self.short = 0
        self.posts = 0


class Handler(BaseHTTPRequestHandler):
    server: Provider
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.server.posts += 1
        assert self.server.go.wait(30)
        self.send_response(200)
        self.send_header("content-type", "image/png")
        self.send_header("content-length", str(len(PICTURE)))
        self.send_header("seed", "5")
        self.end_headers()
        self.wfile.write(PICTURE[: len(PICTURE) - self.server.short])
        self.close_connection = bool(self.server.short)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def provider() -> Iterator[Provider]:
    server = Provider()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.go.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def backend(provider: Provider) -> StabilityBackend:
    options = {"API_KEYS": [KEY], "API_HOST": f"http://127.0.0.1:{provider.server_port}"}
    return StabilityBackend("stability", options, start=lambda read: None)


def test_a_token_is_on_its_way_back_while_the_result_is_still_made(
    backend: StabilityBackend, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limiter hears that the last byte has left before there is an answer: here the answer waits for that."""
    left: list[str] = []

    def note(key: str, call: str) -> None:
        left.append(key)
        provider.go.set()

    monkeypatch.setattr(backend._keys._limiter, "left", note)

    [media] = generate(backend, wanted())

    assert (media.data, media.seed) == (PICTURE, 5)
    assert left == [Key(KEY).id]


def test_a_picture_that_is_cut_off_on_its_way_is_lost_and_not_asked_for_again(backend: StabilityBackend, provider: Provider) -> None:
    provider.go.set()
    provider.short = 40

    with pytest.raises(errors.ResultUnknown):
        generate(backend, wanted())

    assert provider.posts == 1


def test_nobody_at_the_other_end_can_be_tried_again(provider: Provider) -> None:
    slept: list[float] = []
    options = {"API_KEYS": [KEY], "API_HOST": f"http://127.0.0.1:{provider.server_port}"}
    provider.server_close()
    backend = StabilityBackend("stability", options, sleep=slept.append, jitter=lambda: 0.5)

    with pytest.raises(errors.EngineUnavailable) as told:
        generate(backend, wanted())

    assert told.value.message == "Stability cannot be reached."
    assert sum(slept) == 15
