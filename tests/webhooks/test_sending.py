"""One call to a receiver that does whatever receivers do."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import Any

import pytest

from studio.webhooks import addresses, sending
from studio.webhooks.sending import Answer, post
from tests.webhooks.receiver import Authority, Got, Receiver, answering, for_ever, raw

BODY = b'{"id":"evt_1"}'
HEADERS = {"Content-Type": "application/json", "webhook-id": "evt_1"}
OK = b"HTTP/1.1 200 OK\r\n"


def send(receiver: Receiver, url: str = "") -> Answer:
    return post(url or receiver.url, BODY, HEADERS)


def test_what_arrives(receiver: Receiver) -> None:
    receiver.answer = answering(201, b"thanks")
    answer = send(receiver)
    assert (answer.status, answer.said, answer.error, answer.is_delivered, answer.problem) == (201, "thanks", "", True, "")
    [got] = receiver.got
    assert got.line == "POST /hooks?from=studio HTTP/1.1"
    assert got.body == BODY
    assert got.headers == {
        "host": f"127.0.0.1:{receiver.port}",
        "content-length": str(len(BODY)),
        "accept-encoding": "identity",
        "connection": "close",
        "content-type": "application/json",
        "webhook-id": "evt_1",
    }


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(receiver: Receiver, status: int) -> None:
    elsewhere = Receiver()
    receiver.answer = answering(status, Location=elsewhere.url)
    answer = send(receiver)
    assert (answer.status, answer.is_delivered) == (status, False)
    assert answer.problem == f"It answered {status}, which sends on to another address; that is not followed."
    assert elsewhere.connections == 0
    elsewhere.close()


@pytest.mark.parametrize(("status", "gone"), [(400, False), (404, False), (410, True), (429, False), (500, False), (503, False)])
def test_a_refusal_is_told(receiver: Receiver, status: int, gone: bool) -> None:
    receiver.answer = answering(status, b"no\x00\x1b[31m", Retry_After="120")
    answer = send(receiver)
    assert (answer.status, answer.is_delivered, answer.is_gone, answer.problem) == (status, False, gone, f"It answered {status}.")
    assert (answer.said, answer.retry_after) == ("no  [31m", 120.0)


def test_says_nothing(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "WHOLE_SECONDS", 0.3)
    receiver.answer = receiver.hold
    answer = send(receiver)
    assert (answer.status, answer.error) == (None, "It did not answer within 0 seconds.")
    assert len(receiver.got) == 1


def test_a_byte_now_and_then_buys_no_time(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each byte comes long before a wait of its own would end; all together never do."""
    monkeypatch.setattr(sending, "WHOLE_SECONDS", 0.5)

    def drip(connection: socket.socket, got: Got) -> None:
        connection.sendall(OK + b"X-Slow: ")
        while not receiver.let_go.wait(0.05):
            connection.sendall(b"x")

    receiver.answer = drip
    answer = send(receiver)
    assert (answer.status, answer.error) == (None, "It did not answer within 0 seconds.")


def test_endless_headers(receiver: Receiver) -> None:
    receiver.answer = for_ever(OK, b"X-More: " + b"x" * 4000 + b"\r\n")
    assert send(receiver).error == "It did not answer in HTTP, or broke off before it had."


def test_an_endless_body_is_cut_off(receiver: Receiver) -> None:
    receiver.answer = for_ever(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"3e8\r\n" + b"x" * 1000 + b"\r\n")
    answer = send(receiver)
    assert (answer.status, answer.is_delivered, answer.said) == (200, True, "x" * 1000)


def test_a_body_that_never_comes_is_not_waited_for(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "BODY_SECONDS", 0.1)

    def stall(connection: socket.socket, got: Got) -> None:
        connection.sendall(OK + b"Content-Length: 1000000\r\n\r\nwell")
        receiver.let_go.wait(60)

    receiver.answer = stall
    answer = send(receiver)
    assert (answer.status, answer.is_delivered, answer.said) == (200, True, "well")


@pytest.mark.parametrize(
    ("head", "body", "said"),
    [
        (b"Content-Length: 1000\r\n\r\n", b"short", "short"),
        (b"Content-Length: 2\r\n\r\n", b"longer than it says", "lo"),
        (b"Content-Length: 0\r\n\r\n", b"there was none", ""),
        (b"\r\n", b"no length at all", "no length at all"),
        (b"Transfer-Encoding: chunked\r\n\r\n", b"ffffffff\r\nabc", "abc"),
        (b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\n", b"\x1f\x8b\x08\x00", "\ufffd"),
    ],
)
def test_lies_about_its_length(receiver: Receiver, head: bytes, body: bytes, said: str) -> None:
    receiver.answer = raw(OK + head, body)
    answer = send(receiver)
    assert (answer.status, answer.is_delivered, answer.said) == (200, True, said)


@pytest.mark.parametrize(
    "junk", [b"hello\r\n\r\n", b"HTTP/1.1 200", b"", b"\x16\x03\x01\x02\x00", b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n"]
)
def test_does_not_speak_http(receiver: Receiver, junk: bytes) -> None:
    receiver.answer = raw(junk)
    answer = send(receiver)
    assert (answer.status, answer.is_delivered) == (None, False)
    assert answer.error in ("It did not answer in HTTP, or broke off before it had.", "The connection broke.")


def test_nothing_listens(receiver: Receiver) -> None:
    receiver.close()
    assert send(receiver).error == "It could not be reached: nothing listens there."


# --- which address ---------------------------------------------------------------------------------------------------


def test_an_address_that_turned_private_is_not_called(receiver: Receiver, settings: Any, no_look_up: dict[str, Any]) -> None:
    """It was public when it was written down, and leads to this machine when something is sent."""
    settings.WEBHOOK_PRIVATE = []
    settings.WEBHOOK_PORTS = [str(receiver.port)]
    url = f"https://turned.example:{receiver.port}/"
    no_look_up["turned.example"] = [["93.184.215.14"], ["127.0.0.1"]]
    addresses.check(url)
    answer = send(receiver, url)
    assert (answer.status, answer.error) == (
        None,
        "This leads to a computer that is not public. Give the address of a server on the internet.",
    )
    assert receiver.connections == 0


def test_the_name_is_looked_up_once(receiver: Receiver, settings: Any, no_look_up: dict[str, Any]) -> None:
    """It changes its address between the look and the call: the call goes where was looked."""
    settings.WEBHOOK_PRIVATE = ["127.0.0.1"]
    no_look_up["twice.example"] = [["127.0.0.1"], ["127.0.0.2"]]
    assert send(receiver, f"http://twice.example:{receiver.port}/").status == 204
    assert receiver.got[0].headers["host"] == f"twice.example:{receiver.port}"
    assert no_look_up["twice.example"] == [["127.0.0.2"]]


def test_the_second_address_is_tried_when_nothing_listens_at_the_first(
    receiver: Receiver, settings: Any, no_look_up: dict[str, Any]
) -> None:
    settings.WEBHOOK_PRIVATE = ["127.0.0.0/8"]
    no_look_up["two.example"] = [["127.0.0.9", "127.0.0.1"]]
    assert send(receiver, f"http://two.example:{receiver.port}/").status == 204


def test_no_proxy_of_the_environment_is_asked(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = Receiver()
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
    assert send(receiver).status == 204
    assert (proxy.connections, receiver.connections) == (0, 1)
    proxy.close()


# --- certificates ----------------------------------------------------------------------------------------------------


def test_the_certificate_is_of_the_name_and_not_of_the_address(
    secure: Callable[..., Receiver], settings: Any, no_look_up: dict[str, Any]
) -> None:
    settings.WEBHOOK_PRIVATE = ["127.0.0.1"]
    no_look_up["hooks.example"] = [["127.0.0.1"]]
    named, numbered = secure("hooks.example"), secure("127.0.0.1")
    assert send(named, f"https://hooks.example:{named.port}/").status == 204
    refused = send(numbered, f"https://hooks.example:{numbered.port}/")
    assert refused.status is None
    assert refused.error.startswith("Its certificate is not trusted: Hostname mismatch")
    assert numbered.got == []


def test_nobody_vouches_for_it(secure: Callable[..., Receiver], settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.WEBHOOK_PRIVATE = ["127.0.0.1"]
    one = secure("127.0.0.1")
    monkeypatch.undo()
    assert send(one, f"https://127.0.0.1:{one.port}/").error.startswith("Its certificate is not trusted: ")
    assert one.got == []


def test_no_tls_at_all(receiver: Receiver, authority: Authority) -> None:
    def not_tls(connection: socket.socket, got: Got) -> None:
        raise AssertionError("nothing is told without TLS")

    receiver.answer = not_tls
    door = socket.create_server(("127.0.0.1", 0))
    door.settimeout(60)
    import threading

    def serve() -> None:
        connection, _ = door.accept()
        with connection:
            connection.recv(100)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    thread = threading.Thread(target=serve)
    thread.start()
    answer = send(receiver, f"https://127.0.0.1:{door.getsockname()[1]}/")
    thread.join()
    door.close()
    assert (answer.status, answer.error) == (None, "It did not agree on an encrypted connection.")


def test_a_handshake_that_never_ends(receiver: Receiver, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "CONNECT_SECONDS", 0.2)
    door = socket.create_server(("127.0.0.1", 0))
    began = time.monotonic()
    answer = send(receiver, f"https://127.0.0.1:{door.getsockname()[1]}/")
    assert (answer.status, answer.error) == (None, "It could not be reached within 0 seconds.")
    assert time.monotonic() - began < 30
    door.close()
