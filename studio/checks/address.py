"""Rules for where the studio lives: folder, address, proxies, key, probes and logs."""

from __future__ import annotations

import ipaddress
import logging
import os
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings

from studio.checks.rule import Finding, Rule, at_least, one_of


def _is_local(host: str | None) -> bool:
    """Whether a host is this machine or in a home's or office's own network, where plain HTTP is a choice."""
    if not host or host == "localhost" or host.endswith((".localhost", ".local", ".lan", ".internal", ".test")):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_private or address.is_loopback


def _env_file() -> Finding | None:
    path = settings.ENVIRONMENT.given("STUDIO_ENV_FILE")
    if path and not Path(path).exists():
        return f"STUDIO_ENV_FILE names {path}, which is not there.", "Name a file of NAME=value lines, or leave it out to use .env."
    return None


def _data_dir() -> Finding | None:
    if os.access(settings.DATA_DIR, os.W_OK | os.X_OK):
        return None
    return f"STUDIO_DATA_DIR: {settings.DATA_DIR} cannot be written.", "Give the folder to the user that runs the studio, or name another."


def _url() -> Finding | None:
    parts = urlsplit(settings.STUDIO_URL)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path or parts.query:
        return f"STUDIO_URL is “{settings.STUDIO_URL}”.", "Write the address that people open, without a path: https://studio.example.org."
    return None


def _url_is_safe() -> Finding | None:
    if settings.BEHIND_TLS or _is_local(urlsplit(settings.STUDIO_URL).hostname):
        return None
    return (
        f"STUDIO_URL is {settings.STUDIO_URL}: passwords and pictures would cross the network in the open.",
        "Put the studio behind a proxy with a certificate and set STUDIO_URL to its https:// address.",
    )


def _port() -> Finding | None:
    if 0 <= settings.STUDIO_PORT < 65536:
        return None
    return f"STUDIO_PORT is {settings.STUDIO_PORT}.", "Give a port of this machine, from 1 to 65535, or 0 for any free one."


def _bind() -> Finding | None:
    if settings.STUDIO_BIND == "localhost" or _is_address(settings.STUDIO_BIND):
        return None
    return f"STUDIO_BIND is “{settings.STUDIO_BIND[:60]}”.", "Give an address of this machine: 127.0.0.1, or 0.0.0.0 for all of them."


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _bind_fits_url() -> Finding | None:
    loopback = settings.STUDIO_BIND == "localhost" or (
        _is_address(settings.STUDIO_BIND) and ipaddress.ip_address(settings.STUDIO_BIND).is_loopback
    )
    host = urlsplit(settings.STUDIO_URL).hostname
    if loopback or settings.BEHIND_TLS or host not in ("localhost", "127.0.0.1", "::1"):
        return None
    return (
        f"The studio listens on {settings.STUDIO_BIND} but its address is {settings.STUDIO_URL}: other machines would be refused.",
        "Set STUDIO_URL to the address that people type.",
    )


def _hosts() -> Finding | None:
    host = urlsplit(settings.STUDIO_URL).hostname
    if not host:
        return None
    if "*" in settings.ALLOWED_HOSTS or any(
        host == name or (name.startswith(".") and host.endswith(name)) for name in settings.ALLOWED_HOSTS
    ):
        return None
    return f"STUDIO_ALLOWED_HOSTS leaves out {host}, the host of STUDIO_URL: every page would be refused.", f"Add {host}, or leave it out."


def _any_host() -> Finding | None:
    if "*" not in settings.ALLOWED_HOSTS:
        return None
    return "STUDIO_ALLOWED_HOSTS holds “*”: mails could be made to link to another site.", "Name the hosts that people really use."


def _proxies() -> Finding | None:
    if not settings.BEHIND_TLS or settings.TRUSTED_PROXIES:
        return None
    return (
        "STUDIO_URL is https:// but STUDIO_TRUSTED_PROXIES is 0: the studio cannot tell which requests came over TLS and redirects all.",
        "Set STUDIO_TRUSTED_PROXIES to the number of proxies in front (usually 1); they must set X-Forwarded-Proto and X-Forwarded-For.",
    )


def _debug() -> Finding | None:
    if settings.DEBUG and settings.BEHIND_TLS:
        return "STUDIO_DEBUG is on at a public address: error pages would show settings and code.", "Leave STUDIO_DEBUG out."
    return None


def _secret_key() -> Finding | None:
    if len(settings.SECRET_KEY) >= 40:
        return None
    return "STUDIO_SECRET_KEY is short enough to be guessed.", "Use 50 random characters: openssl rand -base64 48. People sign in again."


def _secret_key_is_shared() -> Finding | None:
    if settings.EMBEDDED or settings.ENVIRONMENT.given("STUDIO_SECRET_KEY"):
        return None
    return (
        "REDIS_URL is given, so there may be several web processes, but the secret key is the one in this data folder.",
        f"For one machine that will do; its key is {settings.DATA_DIR / 'secret_key'}. Of several, every machine needs the same one: "
        "give them STUDIO_SECRET_KEY (or STUDIO_SECRET_KEY_FILE), or people are signed out at random.",
    )


def _metrics_token() -> Finding | None:
    if not settings.METRICS_TOKEN or len(settings.METRICS_TOKEN) >= 16:
        return None
    return "STUDIO_METRICS_TOKEN is short enough to be guessed.", "Use at least 16 random characters: openssl rand -hex 24."


RULES: tuple[Rule, ...] = (
    Rule("STUDIO_ENV_FILE", _env_file),
    Rule("STUDIO_DATA_DIR", _data_dir),
    Rule("STUDIO_DEBUG", _debug),
    Rule("STUDIO_PORT", _port),
    Rule("STUDIO_BIND", _bind),
    Rule("STUDIO_URL", _url),
    Rule("STUDIO_URL", _url_is_safe, warning=True),
    Rule("STUDIO_URL", _bind_fits_url, warning=True),
    Rule("STUDIO_ALLOWED_HOSTS", _hosts),
    Rule("STUDIO_ALLOWED_HOSTS", _any_host, warning=True),
    at_least("STUDIO_TRUSTED_PROXIES", lambda: settings.TRUSTED_PROXIES, 0, "The number of proxies in front"),
    Rule("STUDIO_TRUSTED_PROXIES", _proxies, warning=True),
    Rule("STUDIO_SECRET_KEY", _secret_key),
    Rule("STUDIO_SECRET_KEY", _secret_key_is_shared, warning=True),
    at_least("STUDIO_HSTS_SECONDS", lambda: settings.STUDIO_HSTS_SECONDS, 0, "Seconds"),
    Rule("STUDIO_METRICS_TOKEN", _metrics_token),
    one_of("STUDIO_LOG_FORMAT", lambda: settings.LOG_FORMAT, ("line", "json")),
    one_of("STUDIO_LOG_LEVEL", lambda: settings.LOG_LEVEL.upper(), tuple(logging.getLevelNamesMapping())),
)
