"""Where the studio sends to: which addresses people may name, and which computers those may lead to.

A studio stands in a network with other things in it (a database, a router's pages, a cloud's metadata at 169.254.169.254), and anybody
who administers a team may write an address down here. So a name is looked up once, every address that it has must be public, and the call
goes to one of exactly those: nothing is looked up again between the look and the call. The operator opens more with
`settings.WEBHOOK_PRIVATE`.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from socket import SOCK_STREAM, getaddrinfo
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

from studio.webhooks.errors import AddressRefused

IPAddress = IPv4Address | IPv6Address

MOST = 2000
"""Characters of an address."""
LOOKUP_SECONDS = 5.0
LOOKUPS = 16
"""Look-ups that may be under way: one that hangs cannot be ended, only waited for no longer."""

NOT_PUBLIC = tuple(
    ip_network(one)
    for one in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24"),
        *("192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        "168.63.129.16/32",  # looks public, and is what a machine at Azure asks for its own settings
        *("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"),  # protocols (Teredo), documentation, 6to4, documentation
    )
)
"""IANA's special purpose registries (RFC 6890 and after), as far as they lie in what `PUBLIC` allows."""
PUBLIC = (IPv4Network("0.0.0.0/0"), IPv6Network("2000::/3"))
"""Of IPv6 only global unicast is given out; all else is local, multicast or reserved."""
NAT64 = IPv6Network("64:ff9b::/96")
"""An IPv4 address as a network without IPv4 sees it (RFC 6052): what counts is that one."""

_slots = threading.BoundedSemaphore(LOOKUPS)


@dataclass(frozen=True, slots=True)
class Target:
    """An address, taken apart once; the call is made of these parts. `path` has the query with it, `host` no brackets."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def origin(self) -> str:
        """What stands in the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == {"https": 443, "http": 80}[self.scheme] else f"{host}:{self.port}"


def read(url: str) -> Target:
    """Take an address apart. Raises AddressRefused with a sentence for a person."""
    if len(url) > MOST:
        raise AddressRefused(f"An address has {MOST} characters at most.")
    if not re.fullmatch(r"[!-\[\]-~]+", url):
        raise AddressRefused("Write the address without spaces, and with other letters than a–z in their %-form.")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise AddressRefused("This is no address. Write it like https://example.com/hooks.") from None
    if parts.scheme not in ("https", "http") or not host:
        raise AddressRefused("Write the whole address, like https://example.com/hooks.")
    if parts.username is not None or parts.password is not None or parts.fragment or "#" in url:
        raise AddressRefused("Leave out the name, the password and what comes after #. What is sent is signed: check that.")
    if not (re.fullmatch(r"[a-z0-9_.-]{1,253}", host) or _literal(host)):
        raise AddressRefused("This is no name of a computer. Write the address like https://example.com/hooks.")
    if port == 0:
        raise AddressRefused("There is no port 0.")
    return Target(parts.scheme, host, port or {"https": 443, "http": 80}[parts.scheme], _path(parts))


def _path(parts: SplitResult) -> str:
    return f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"


def check(url: str) -> None:
    """Refuse an address that nothing would be sent to, as far as that is known now: a name that nobody knows yet may be known later.

    Raises AddressRefused.
    """
    target = read(url)
    try:
        found = look_up(target)
    except LookupFailed:
        if not _host_is_allowed(target.host):
            _require_public_way(target)
        return
    require_allowed(target, found)


def resolve(target: Target) -> list[IPAddress]:
    """The addresses to which this may be sent, in the order to try them. Raises AddressRefused."""
    found = look_up(target)
    require_allowed(target, found)
    return found


def require_allowed(target: Target, found: list[IPAddress]) -> None:
    """Raises AddressRefused unless every one of them may be sent to: a name that has a public and a private address is a trick."""
    if _host_is_allowed(target.host):
        return
    opened = [any(one in network for network in _networks()) for one in found]
    if not all(is_open or is_public(one) for one, is_open in zip(found, opened, strict=True)):
        raise AddressRefused("This leads to a computer that is not public. Give the address of a server on the internet.")
    if not all(opened):
        _require_public_way(target)


def _require_public_way(target: Target) -> None:
    if target.scheme != "https":
        raise AddressRefused("Only https is sent to: what is sent says what your team does. Write the address with https.")
    if str(target.port) not in settings.WEBHOOK_PORTS:
        ports = " or ".join(settings.WEBHOOK_PORTS)
        raise AddressRefused(f"Nothing is sent to port {target.port}. Use port {ports}.")


def is_public(address: IPAddress) -> bool:
    """Whether it is somebody's on the internet: not local, not private, not multicast, not reserved, also when it is wrapped in IPv6."""
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            return False
        if address in NAT64:
            return is_public(IPv4Address(int(address) & 0xFFFFFFFF))
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
    if not any(address in network for network in PUBLIC) or any(address in network for network in NOT_PUBLIC):
        return False
    return address.is_global and not address.is_multicast


# --- what the operator opened ----------------------------------------------------------------------------------------


def _host_is_allowed(host: str) -> bool:
    return host.rstrip(".") in (one.lower() for one in settings.WEBHOOK_PRIVATE)


def _networks() -> list[IPv4Network | IPv6Network]:
    return [network for one in settings.WEBHOOK_PRIVATE if (network := network_of(one)) is not None]


def network_of(word: str) -> IPv4Network | IPv6Network | None:
    """A word of `settings.WEBHOOK_PRIVATE` that is an address or a network; None for a name."""
    try:
        return ip_network(word)
    except ValueError:
        return None


# --- looking up ------------------------------------------------------------------------------------------------------


class LookupFailed(AddressRefused):
    code = "lookup_failed"


def _literal(host: str) -> IPAddress | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def look_up(target: Target) -> list[IPAddress]:
    """Every address of its host, looked up once, within `LOOKUP_SECONDS`. Raises LookupFailed."""
    literal = _literal(target.host)
    if literal is not None:
        return [literal]
    return list(dict.fromkeys(ip_address(one) for one in _asked(target.host, LOOKUP_SECONDS)))


def _asked(host: str, seconds: float) -> list[str]:
    """What the system's own look-up says, which knows no time limit: it is asked in a thread that is left to itself when it takes long."""
    answer: list[list[str]] = []
    failed: list[OSError | UnicodeError] = []

    def run() -> None:
        try:
            answer.append([str(one[4][0]) for one in getaddrinfo(host, None, type=SOCK_STREAM)])
        except (OSError, UnicodeError) as error:
            failed.append(error)
        finally:
            _slots.release()

    if not _slots.acquire(timeout=seconds):
        raise LookupFailed("Too many names are being looked up. Try again in a moment.")
    thread = threading.Thread(target=run, name="look-up", daemon=True)
    thread.start()
    thread.join(seconds)
    if answer and answer[0]:
        return answer[0]
    if failed:
        raise LookupFailed("Its name is not known: it could not be looked up.")
    raise LookupFailed("Its name could not be looked up in time.")
