"""The web process's listening sockets. The supervisor holds them, so that a restarted web process is never refused its port, and a
browser that comes in between waits a second instead of being turned away."""

from __future__ import annotations

import errno
import socket

LOOPBACK = {"127.0.0.1": "::1", "::1": "127.0.0.1", "localhost": "::1"}
TRIES = 20


class PortTaken(Exception):
    """Another program listens there; the message says what to do."""


class PortRefused(Exception):
    """The system does not let us listen there; the message says why."""


def open_sockets(bind: str, port: int) -> list[socket.socket]:
    """Listen on an address and port; 0 picks a free port. All sockets have the same port number.

    On the loopback both of its addresses are taken, 127.0.0.1 and ::1: `localhost` means either, and one of them must not lead to another
    program. Raises `PortTaken`, `PortRefused`.
    """
    addresses = [bind] if bind not in LOOPBACK else ["127.0.0.1", "::1"]
    for _ in range(TRIES):
        sockets: list[socket.socket] = []
        try:
            for address in addresses:
                number = sockets[0].getsockname()[1] if sockets else port
                try:
                    sockets.append(_listen(address, number))
                except OSError as error:
                    if sockets and error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                        continue  # a machine without IPv6
                    raise
            return sockets
        except OSError as error:
            for one in sockets:
                one.close()
            if error.errno == errno.EADDRINUSE:
                if port == 0:
                    continue  # free on the one address, taken on the other
                raise PortTaken(
                    f"Port {port} is taken by another program. Stop it, or choose another port: `make run PORT=8080` (0: any free one)."
                ) from error
            raise PortRefused(f"Cannot listen on {bind} port {port}: {error.strerror}.") from error
    raise PortTaken("No free port was found.")


def _listen(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    one = socket.socket(family, socket.SOCK_STREAM)
    try:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        one.bind((address, port))
        one.listen(1024)
        one.setblocking(False)
    except OSError:
        one.close()
        raise
    return one
