"""Rules for where errors and traces go."""

from __future__ import annotations

import os
import re
from importlib.util import find_spec
from urllib.parse import urlsplit

from django.conf import settings

from studio.checks.rule import Finding, Rule

INSTALL = "Install requirements/scaled.txt (make run does)."


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0 and not re.search(r"\s", text)
    except ValueError:
        return False


def _sentry() -> Finding | None:
    dsn = settings.SENTRY_DSN
    if not dsn:
        return None
    if not (_is_address(dsn) and urlsplit(dsn).username and re.search(r"/\d+$", urlsplit(dsn).path)):
        return "SENTRY_DSN is not the address of a project.", "Copy it from Sentry's page Client Keys: https://key@host/number."
    if not find_spec("sentry_sdk"):
        return "SENTRY_DSN is given, but the library for Sentry is not installed.", INSTALL
    return None


def _environment() -> Finding | None:
    if re.fullmatch(r"[\w.-]{1,64}", settings.SENTRY_ENVIRONMENT) and settings.SENTRY_ENVIRONMENT != "None":
        return None
    return "STUDIO_SENTRY_ENVIRONMENT is no name that Sentry takes.", "Use letters, digits, dots and hyphens: production, staging, …"


def _sampled() -> Finding | None:
    if 0 <= settings.SENTRY_TRACES <= 1:
        return None
    return f"STUDIO_SENTRY_TRACES is {settings.SENTRY_TRACES:g}.", "It is a part of all requests: from 0 (none) to 1 (each)."


def _traces() -> Finding | None:
    if not settings.OTEL_ENDPOINT:
        return None
    if not _is_address(settings.OTEL_ENDPOINT):
        return "OTEL_EXPORTER_OTLP_ENDPOINT is not an address.", "Write it like http://collector:4318, without /v1/traces."
    protocol = os.environ.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL") or "http/protobuf"
    if protocol != "http/protobuf":
        return (
            f"OTEL_EXPORTER_OTLP_PROTOCOL is “{protocol[:40]}”, which the studio does not speak.",
            "Set it to http/protobuf, or leave it out, and name the collector's port for it (usually 4318).",
        )
    if not all(find_spec(name) for name in ("opentelemetry", "httpx")) or not find_spec("opentelemetry.sdk"):
        return "OTEL_EXPORTER_OTLP_ENDPOINT is given, but the libraries of OpenTelemetry are not installed.", INSTALL
    return None


RULES: tuple[Rule, ...] = (
    Rule("SENTRY_DSN", _sentry),
    Rule("STUDIO_SENTRY_ENVIRONMENT", _environment),
    Rule("STUDIO_SENTRY_TRACES", _sampled),
    Rule("OTEL_EXPORTER_OTLP_ENDPOINT", _traces),
)
