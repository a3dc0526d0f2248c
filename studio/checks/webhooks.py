"""Rules for where webhooks are sent."""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from django.conf import settings

from studio.checks.rule import Finding, Rule, at_least

METADATA = ip_address("169.254.169.254")
"""Where a machine at a cloud asks for its own settings, and the keys that it works with."""


def _network(word: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(word)
    except ValueError:
        return None


def _private() -> Finding | None:
    for word in settings.WEBHOOK_PRIVATE:
        if _network(word) is None and not re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*", word):
            return (
                f"STUDIO_WEBHOOK_PRIVATE names “{word[:60]}”, which is no computer and no network.",
                "Write names, addresses or networks with commas between them, like hooks.internal,10.20.0.0/16.",
            )
    return None


def _metadata() -> Finding | None:
    if any(network is not None and METADATA in network for network in map(_network, settings.WEBHOOK_PRIVATE)):
        return (
            "STUDIO_WEBHOOK_PRIVATE opens 169.254.169.254: at a cloud, whoever administers a team can read the keys of this machine.",
            "Name the computers that are meant, or a smaller network.",
        )
    return None


def _ports() -> Finding | None:
    if settings.WEBHOOK_PORTS and all(re.fullmatch(r"[1-9]\d{0,4}", port) and int(port) < 65536 for port in settings.WEBHOOK_PORTS):
        return None
    return "STUDIO_WEBHOOK_PORTS has no port, or one that does not exist.", "Write numbers from 1 to 65535 with commas between them."


RULES: tuple[Rule, ...] = (
    Rule("STUDIO_WEBHOOK_PRIVATE", _private),
    Rule("STUDIO_WEBHOOK_PRIVATE", _metadata, warning=True),
    Rule("STUDIO_WEBHOOK_PORTS", _ports),
    at_least("STUDIO_WEBHOOK_OFF_AFTER_DAYS", lambda: settings.WEBHOOK_OFF_AFTER_DAYS, 1, "Days until an endpoint is switched off"),
)
