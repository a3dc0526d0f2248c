"""Rules for the account at Stability. No sentence repeats a key."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings

from studio.checks.rule import Finding, Rule

OWN = "https://api.stability.ai"
LOOPBACK = ("localhost", "127.0.0.1", "::1")


def _fits_a_header(text: str) -> bool:
    return text.isascii() and text.isprintable() and " " not in text


def _keys() -> Finding | None:
    bad = sum(not _fits_a_header(key) for key in settings.STABILITY_API_KEY)
    if not bad:
        return None
    return (
        f"STABILITY_API_KEY: {bad} of {len(settings.STABILITY_API_KEY)} holds characters that no key has.",
        "Copy the key anew from your account at Stability; put commas between several, and nothing else.",
    )


def _host() -> Finding | None:
    try:
        parts = urlsplit(settings.STABILITY_API_HOST)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and not (parts.query or parts.fragment)
    except ValueError:  # a port that is no number, half an IPv6 address
        usable = False
    if usable:
        return None
    return f"STABILITY_API_HOST is “{settings.STABILITY_API_HOST[:60]}”.", f"Write an address like {OWN}, or leave it out."


def _host_is_safe() -> Finding | None:
    if _host() or not settings.STABILITY_API_HOST.startswith("http://") or urlsplit(settings.STABILITY_API_HOST).hostname in LOOPBACK:
        return None
    return "STABILITY_API_HOST is not encrypted: the key and the prompts would cross the network in the open.", "Use an https:// address."


def _organization() -> Finding | None:
    if _fits_a_header(settings.STABILITY_ORGANIZATION):
        return None
    return "STABILITY_ORGANIZATION holds characters that no id has.", "Give the id that your account shows, like org-…, or leave it out."


RULES: tuple[Rule, ...] = (
    Rule("STABILITY_API_KEY", _keys),
    Rule("STABILITY_API_HOST", _host),
    Rule("STABILITY_API_HOST", _host_is_safe, warning=True),
    Rule("STABILITY_ORGANIZATION", _organization),
)
