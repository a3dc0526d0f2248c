"""Errors on their way to Sentry: what kind, where in the code, in which release, of which job or request. Nothing else.

An error's text may quote whatever it choked on, so none is sent; the log of the process has it, under the ids that are sent. The same for
local variables, addresses (some are keys), headers, bodies, cookies, people. What passes stands in the lists here.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Callable, Mapping
from typing import Any

import sentry_sdk
from django.conf import settings
from sentry_sdk.integrations import Integration
from sentry_sdk.integrations.atexit import AtexitIntegration
from sentry_sdk.integrations.dedupe import DedupeIntegration
from sentry_sdk.integrations.django import DjangoIntegration
from sentry_sdk.integrations.excepthook import ExcepthookIntegration
from sentry_sdk.integrations.httpx import HttpxIntegration
from sentry_sdk.integrations.redis import RedisIntegration
from sentry_sdk.integrations.threading import ThreadingIntegration
from structlog.contextvars import get_contextvars

OURS = "atelier"
"""The category of breadcrumbs that this module makes; no other passes."""
TOP = frozenset({"event_id", "timestamp", "start_timestamp", "level", "platform", "release", "environment", "sdk", "type", "transaction"})
FRAME = frozenset({"filename", "function", "module", "lineno", "in_app", "pre_context", "context_line", "post_context"})
SPAN = frozenset({"trace_id", "span_id", "parent_span_id", "start_timestamp", "timestamp", "op", "status", "origin"})
TRACE = frozenset({"trace_id", "span_id", "parent_span_id", "op", "status", "origin"})
TAGS = ("request_id", "job", "jobs", "attempt", "engine", "queue", "worker", "backend", "chore", "delivery", "part", "code", "reason")
"""Names under which the studio logs ids and its own short words."""
_WORD = re.compile(r"[\w.:/ @-]{1,120}")
_QUIET = ("sentry_sdk", "urllib3", "opentelemetry", "django.request", "django.security")
"""Loggers that are not heard: what sends, or it would tell of itself for ever; and what `DjangoIntegration` tells."""


def start() -> Callable[[], None]:
    """Returns what sends all that is waiting. Raises ValueError for a DSN that is no address."""
    integrations: list[Integration] = [
        DedupeIntegration(),
        ExcepthookIntegration(),
        ThreadingIntegration(),
        AtexitIntegration(callback=lambda pending, timeout: None),
        DjangoIntegration(transaction_style="function_name", signals_spans=False),
    ]
    if settings.SENTRY_TRACES:
        integrations += [HttpxIntegration(), RedisIntegration()]
    sentry_sdk.init(
        dsn=settings.SENTRY_DSN,
        release=f"atelier@{settings.VERSION}",
        environment=settings.SENTRY_ENVIRONMENT,
        server_name="",
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
        traces_sample_rate=settings.SENTRY_TRACES or None,
        trace_propagation_targets=[],  # no id of ours goes to providers and receivers of webhooks
        before_send=_bare,
        before_send_transaction=_bare,
        before_breadcrumb=_own,
        default_integrations=False,
        auto_enabling_integrations=False,
        integrations=integrations,
        auto_session_tracking=False,
        send_client_reports=False,
        shutdown_timeout=1,
    )
    logging.getLogger().addHandler(_Logged())
    return lambda: sentry_sdk.flush(timeout=1)


class _Logged(logging.Handler):
    """Lines of the log: from ERROR on an event of its own, with the error that is handled at the moment; before it, a breadcrumb."""

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno < logging.INFO or record.name.startswith(_QUIET):
            return
        said = record.msg if isinstance(record.msg, dict) else {}
        # A text without arguments may have been put together from anything; one with arguments was written by a programmer.
        name = str(said.get("event") or (record.msg if record.args else record.name))
        if record.levelno < logging.ERROR:
            sentry_sdk.add_breadcrumb(category=OURS, message=name, level=record.levelname.lower(), data=_tags(said))
            return
        with sentry_sdk.new_scope() as scope:
            scope.set_tags(_tags(said) | {"said": _short(name)})
            error = _error(said.get("exc_info") or record.exc_info)
            if error is not None:
                scope.capture_exception(error)
            else:
                scope.capture_message(name, level="error")


def _error(told: Any) -> BaseException | None:
    if isinstance(told, BaseException):
        return told
    return told[1] if isinstance(told, tuple) else sys.exc_info()[1]


def _tags(said: Mapping[str, Any]) -> dict[str, str]:
    """Ids and short words, of the line itself and of what the thread works on."""
    known = get_contextvars() | dict(said)
    return {name: _short(known[name]) for name in TAGS if known.get(name) not in (None, "", [])}


def _short(value: Any) -> str:
    """A word; of what is not one (a sentence, somebody's text) nothing but that."""
    text = str(value[0] if isinstance(value, list) and value else value)
    return text if _WORD.fullmatch(text) else "…"


def _bare(event: Any, hint: Any) -> Any:
    """The event with nothing in it but what the lists name."""
    kept = {name: event[name] for name in TOP & event.keys()}
    if (event.get("transaction_info") or {}).get("source") == "url":
        kept.pop("transaction", None)  # the address itself, where no page has it: it may be a key with a typing error in it
    kept["tags"] = _tags({}) | {name: _short(value) for name, value in dict(event.get("tags") or {}).items() if name in (*TAGS, "said")}
    if said := (event.get("logentry") or {}).get("message") or event.get("message"):
        kept["message"] = _short(said)
    if method := (event.get("request") or {}).get("method"):
        kept["request"] = {"method": method}
    if trace := (event.get("contexts") or {}).get("trace"):
        kept["contexts"] = {"trace": {name: trace[name] for name in TRACE & trace.keys()}}
    if errors := (event.get("exception") or {}).get("values"):
        kept["exception"] = {"values": [_bare_error(one) for one in errors]}
    if crumbs := (event.get("breadcrumbs") or {}).get("values"):
        kept["breadcrumbs"] = {"values": crumbs}
    if "spans" in event:
        kept["spans"] = [{name: one[name] for name in SPAN & one.keys()} for one in event["spans"]]
    return kept


def _bare_error(error: Mapping[str, Any]) -> dict[str, Any]:
    """Its type and its way through the code; not its text."""
    frames = (error.get("stacktrace") or {}).get("frames") or []
    mechanism = error.get("mechanism") or {}
    return {
        "type": error.get("type"),
        "module": error.get("module"),
        "mechanism": {name: mechanism[name] for name in ("type", "handled") if name in mechanism},
        "stacktrace": {"frames": [{name: frame[name] for name in FRAME & frame.keys()} for frame in frames]},
    }


def _own(crumb: Any, hint: Any) -> Any:
    """Queries, calls and lines of libraries hold what people wrote; the studio's own lines were made into words before."""
    return crumb if crumb.get("category") == OURS else None
