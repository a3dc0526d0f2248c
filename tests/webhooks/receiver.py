"""A server of somebody's that is told things: it keeps what came, and does with it what a test wants."""

from __future__ import annotations

import datetime
import json
import queue
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

PATIENCE = 60


@dataclass(frozen=True)
class Got:
    """One request."""

    line: str
    headers: dict[str, str]
    body: bytes

    @property
    def payload(self) -> Any:
        return json.loads(self.body)


Answer = Callable[[socket.socket, Got], None]


def answering(status: int = 204, body: bytes = b"", **headers: str) -> Answer:
    """Answers in good order."""

    def answer(connection: socket.socket, got: Got) -> None:
        lines = [
            f"HTTP/1.1 {status} Told",
            f"Content-Length: {len(body)}",
            *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
        ]
        connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    return answer


def raw(*pieces: bytes) -> Answer:
    """Writes exactly this, and hangs up."""

    def answer(connection: socket.socket, got: Got) -> None:
        for piece in pieces:
            connection.sendall(piece)

    return answer


def for_ever(first: bytes, piece: bytes) -> Answer:
    """Writes until nobody reads any more."""

    def answer(connection: socket.socket, got: Got) -> None:
        connection.sendall(first)
        while True:
            connection.sendall(piece)

    return answer


class Receiver:
    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.answer: Answer = answering()
        self.got: list[Got] = []
        self.connections = 0
        self.came: queue.Queue[Got] = queue.Queue()
        self.let_go = threading.Event()
        """For an `answer` that holds its sender."""
        self._context = context
        self._door = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._door.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hooks?from=studio"

    def next(self) -> Got:
        return self.came.get(timeout=PATIENCE)

    def close(self) -> None:
        self.let_go.set()
        with suppress(OSError):
            self._door.shutdown(socket.SHUT_RDWR)  # the thread that waits there holds it open else
        self._door.close()

    def hold(self, connection: socket.socket, got: Got) -> None:
        """An `answer` that says nothing until `let_go`."""
        self.let_go.wait(PATIENCE)
        answering()(connection, got)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._door.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, plain: socket.socket) -> None:
        with suppress(OSError, ValueError), plain:
            connection = self._context.wrap_socket(plain, server_side=True) if self._context else plain
            with connection:
                got = _read(connection)
                self.got.append(got)
                self.came.put(got)
                self.answer(connection, got)


def _read(connection: socket.socket) -> Got:
    data = b""
    while b"\r\n\r\n" not in data:
        data += _more(connection)
    head, _, body = data.partition(b"\r\n\r\n")
    line, *rest = head.decode().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in rest)}
    while len(body) < int(headers["content-length"]):
        body += _more(connection)
    return Got(line, headers, body)


def _more(connection: socket.socket) -> bytes:
    piece = connection.recv(65536)
    if not piece:
        raise OSError("it hung up")
    return piece


# --- certificates ----------------------------------------------------------------------------------------------------


class Authority:
    """Signs certificates, which who trusts it trusts."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "An authority of this test")])
        limits = x509.BasicConstraints(ca=True, path_length=0)
        self._certificate = _begun(self._name, self._name, self._key).add_extension(limits, critical=True).sign(self._key, hashes.SHA256())

    def trusting(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        context.load_verify_locations(cadata=self._certificate.public_bytes(serialization.Encoding.PEM).decode())
        return context

    def server(self, *names: str) -> ssl.SSLContext:
        """What a server of these names and addresses needs."""
        key = ec.generate_private_key(ec.SECP256R1())
        known = [x509.IPAddress(ip_address(one)) if one[0].isdigit() else x509.DNSName(one) for one in names]
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
        certificate = _begun(subject, self._name, key).add_extension(x509.SubjectAlternativeName(known), critical=False)
        path = self._folder / f"{names[0]}.pem"
        path.write_bytes(
            key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
            + certificate.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context


def _begun(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    day = datetime.timedelta(days=1)
    begun = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
    return begun.serial_number(x509.random_serial_number()).not_valid_before(now - day).not_valid_after(now + day)
