"""Mail servers for tests: one that answers on this machine, and ways of sending that fail."""

from __future__ import annotations

import smtplib
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core import mail
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.backends.locmem import EmailBackend
from django.db import connection


class Unreachable(BaseEmailBackend):
    """Nobody listens there."""

    def open(self) -> bool:
        raise ConnectionRefusedError

    def send_messages(self, email_messages: Any) -> int:
        raise ConnectionRefusedError


class Choosy(EmailBackend):
    """Takes letters for everybody but `nobody@…`."""

    def send_messages(self, messages: Any) -> int:
        for message in messages:
            if message.to[0].startswith("nobody@"):
                raise smtplib.SMTPRecipientsRefused({message.to[0]: (550, b"no such mailbox")})
        return int(super().send_messages(messages))


class NotInTransactions(EmailBackend):
    """Takes a letter only when no transaction is open."""

    def send_messages(self, messages: Any) -> int:
        assert not connection.in_atomic_block
        return int(super().send_messages(messages))


class _Conversation(socketserver.StreamRequestHandler):
    """As much of SMTP (RFC 5321) as a letter needs."""

    def handle(self) -> None:
        self._say("220 ready")
        for line in self.rfile:
            word = line.split(b":")[0].split()[0].upper()
            if word == b"QUIT":
                return self._say("221 bye")
            if word == b"DATA":
                self._say("354 go on")
                text = b"".join(iter(self.rfile.readline, b".\r\n"))
                self.server.letters.append(text.decode())  # type: ignore[attr-defined]
            self._say("250 ok")
        return None

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@contextmanager
def smtp_server() -> Iterator[tuple[int, list[str]]]:
    """A port of this machine that takes mail, and what it took."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Conversation) as server:
        server.letters = []  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield server.server_address[1], server.letters  # type: ignore[attr-defined]
        server.shutdown()


def html_of(letter: mail.EmailMessage) -> str:
    """The HTML part of a letter that went out."""
    [part] = letter.alternatives  # type: ignore[attr-defined]
    assert part.mimetype == "text/html"
    return str(part.content)
