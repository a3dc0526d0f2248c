"""One line per event, for people (`line`: key=value) or for machines (`json`), without prompts, keys and passwords.

`settings.LOGGING_CONFIG` names `configure`. Everything that logs through the standard library takes the same way out.
"""

from __future__ import annotations

import logging
import logging.config
import re
from collections.abc import Mapping
from time import perf_counter
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from studio import telemetry

REDACTED = "[redacted]"
_SECRET_NAME = re.compile(
    r"prompt|passw|secret|token|authorization|cookie|csrf|credential|otp|recovery|(^|_)key$|api_?key|private|signature|session(_?id|_?key)?$",
    re.I,
)
_SECRET_TEXT = [
    # What an address carries behind "?": searched prompts, settings of a picture, codes of a sign-in.
    (re.compile(r"(/[^\s?\"']*)\?[^\s\"']+"), r"\1"),
    # Addresses that are themselves a key.
    (re.compile(r"(/invitations/|/accounts/confirm-email/|/accounts/password/reset/key/|/s/)[^/\s\"']+"), rf"\1{REDACTED}"),
    # user:password@host in the address of a database, a broker or a mail server.
    (re.compile(r"(\w+://)[^/\s@\"']+@"), rf"\1{REDACTED}@"),
    (re.compile(r"\b(bearer|basic|token)\s+[\w.~+/=-]{8,}", re.I), rf"\1 {REDACTED}"),
    (re.compile(r"\b(sk|pk|rk|whsec|ghp|hf)[-_][\w-]{8,}"), REDACTED),
    (re.compile(r"((?:password|secret|token|api_?key|prompt)[\"']?\s*[=:]\s*)(\"[^\"]*\"|'[^']*'|[^\s,;&]+)", re.I), rf"\1{REDACTED}"),
]
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_PICTURE_FILE = re.compile(r"GET /((pictures|s/[^/ ]+|public/[^/ ]+)/[^/ ]+/(thumb|large|original)|inputs/[^/ ]+/|jobs/[^/ ]+/preview/)")
_LONGEST = 8000
"""Characters of one value; a traceback fits, an uploaded file that came with an error does not."""


def scrub(value: Any) -> Any:
    """Take out of a value what nobody may read in a log: keys inside texts, what stands under a telling name, control characters."""
    if isinstance(value, Mapping):
        return {k: REDACTED if _SECRET_NAME.search(str(k)) else scrub(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [scrub(item) for item in value]
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    if not isinstance(value, str):
        return value if value is None or isinstance(value, (bool, int, float)) else scrub(str(value))
    for pattern, replacement in _SECRET_TEXT:
        value = pattern.sub(replacement, value)
    value = _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", value)
    return value if len(value) <= _LONGEST else f"{value[:_LONGEST]}… ({len(value)} characters)"


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Structlog processor: `scrub` the whole event."""
    return {
        name: REDACTED if value is not None and name != "event" and _SECRET_NAME.search(name) else scrub(value)
        for name, value in event.items()
    }


def add_duration(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Structlog processor: say how long a request took, in milliseconds, since `studio.middleware` saw it."""
    started = event.pop("_started", None)
    if started is not None and event.get("event") in ("request_finished", "request_failed"):
        event["ms"] = round((perf_counter() - started) * 1000, 1)
    return event


def add_trace(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Structlog processor: say of which trace it is, where there are traces."""
    event.update(telemetry.current())
    return event


def drop_pictures(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Structlog processor: a page of the library asks for fifty pictures; that they were sent is not worth fifty lines."""
    if event.get("event") == "request_finished" and event.get("code", 500) < 400 and _PICTURE_FILE.match(str(event.get("request"))):
        raise structlog.DropEvent
    return event


def _line_order(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Structlog processor: time, level and event first; the rest as it was bound; names that a line cannot hold are mended."""
    first = {name: event.pop(name) for name in ("time", "level", "event") if name in event}
    return {re.sub(r"\s", "_", name): value for name, value in (first | dict(event)).items()}


SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.ExtraAdder(allow=[]),
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
    add_duration,
    add_trace,
    drop_pictures,
]
PROCESSORS: list[Processor] = [structlog.stdlib.filter_by_level, *SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter]
"""One list for the life of the process: loggers that have spoken keep it, whatever is configured later."""


def configure(config: Mapping[str, Any]) -> None:
    """Set up all logging of a process. `config` is `settings.LOGGING`: `level` a level's name, `format` `line` or `json`."""
    level = str(config.get("level", "INFO")).upper()
    if level not in logging.getLevelNamesMapping():
        level = "INFO"  # studio.checks says so in words; logging must work until then
    render: list[Processor] = [structlog.processors.format_exc_info, redact]
    if config.get("format") == "json":
        render.append(structlog.processors.JSONRenderer(ensure_ascii=False, default=str))
    else:
        render += [_line_order, structlog.processors.LogfmtRenderer(bool_as_flag=False)]
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "studio": {
                    "()": structlog.stdlib.ProcessorFormatter,
                    "foreign_pre_chain": [*SHARED, structlog.stdlib.add_logger_name],
                    "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render],
                }
            },
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "studio"}, "nowhere": {"class": "logging.NullHandler"}},
            "root": {"handlers": ["stderr"], "level": level},
            "loggers": {
                "django": {"handlers": [], "level": level, "propagate": True},
                # django_structlog says each of these once, with the request's id, the person and the time it took.
                "django.request": {"handlers": ["nowhere"], "propagate": False},
                "django.server": {"handlers": ["nowhere"], "propagate": False},
                "django.channels.server": {"handlers": ["nowhere"], "propagate": False},
                # A stranger's guess at a host name is answered with 400 and is no event.
                "django.security.DisallowedHost": {"handlers": ["nowhere"], "propagate": False},
                # uvicorn brings handlers of its own.
                "uvicorn": {"handlers": [], "level": level, "propagate": True},
                "uvicorn.error": {"handlers": [], "level": "WARNING", "propagate": True},
                "uvicorn.access": {"handlers": ["nowhere"], "propagate": False},
                # They tell every query, request line and image chunk at DEBUG, and httpx every address at INFO.
                **{
                    name: {"level": "WARNING"}
                    for name in (
                        "asyncio",
                        "daphne",
                        "django.db.backends",
                        "django.template",
                        "httpcore",
                        "httpx",
                        "PIL",
                        "urllib3",
                        "opentelemetry",
                        "filelock",
                    )
                },
            },
        }
    )
    structlog.configure(
        processors=PROCESSORS,
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
