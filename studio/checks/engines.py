"""Rules for the local runner, the queue and the limits of a person."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string
from limits import parse

from studio.backends.diffusers.shelf import parse_limit
from studio.checks.rule import Finding, Rule, at_least

WEB_SECONDS = 300
"""`studio.processes.site.REQUEST_SECONDS`, which must not be imported here: that loads the server."""


def _option(backend: str, name: str) -> Any:
    return settings.BACKENDS.get(backend, {}).get("OPTIONS", {}).get(name)


def _models_file() -> Finding | None:
    path = settings.ENVIRONMENT.given("STUDIO_LOCAL_MODELS")
    if path and not Path(path).expanduser().is_file():
        return f"STUDIO_LOCAL_MODELS names {path}, which is not there.", "Name a TOML file (README, “A real model”), or leave it out."
    return None


def _models_loaded() -> Finding | None:
    value = _option("diffusers", "MAX_LOADED")
    try:
        parse_limit(value)
    except ValueError:
        return f"STUDIO_LOCAL_MODELS_LOADED is “{str(value)[:40]}”.", "Give a number of models from 1, or memory such as 12GB."
    return None


def _doorbell() -> Finding | None:
    try:
        bell = import_string(settings.DOORBELL)
    except ImportError as error:
        return f"STUDIO_DOORBELL cannot be imported: {error}.", "Leave it out, or give the dotted path of a class that is a doorbell."
    if not all(callable(getattr(bell, name, None)) for name in ("wake", "listen", "flush")):
        return f"STUDIO_DOORBELL: {settings.DOORBELL} lacks wake, listen or flush.", "Give the dotted path of a doorbell, or leave it out."
    return None


def _lease() -> Finding | None:
    if settings.JOB_LEASE_SECONDS >= 2 * settings.JOB_HEARTBEAT_SECONDS:
        return None
    return (
        f"A lease of {settings.JOB_LEASE_SECONDS:g} s, a heartbeat every {settings.JOB_HEARTBEAT_SECONDS:g} s: one late one loses the job.",
        "Make STUDIO_JOB_LEASE_SECONDS at least twice STUDIO_JOB_HEARTBEAT_SECONDS.",
    )


def _answer_seconds() -> Finding | None:
    if 1 <= settings.API_ANSWER_SECONDS < WEB_SECONDS:
        return None
    return (
        f"STUDIO_API_ANSWER_SECONDS is {settings.API_ANSWER_SECONDS}.",
        f"Give a number of seconds from 1 and less than {WEB_SECONDS}, after which the web process ends every request.",
    )


def _rate(name: str) -> Rule:
    def look() -> Finding | None:
        text = getattr(settings, name)
        try:
            parse(text)
        except ValueError:
            return f"STUDIO_{name} is “{text[:40]}”.", "Write it like 60/minute or 5 per second."
        return None

    return Rule(f"STUDIO_{name}", look)


def _previews() -> Finding | None:
    wrong = next((name for name in settings.PREVIEW_ENGINES if not re.fullmatch(r"[a-z0-9._-]{1,80}", name)), None)
    if wrong is None:
        return None
    return f"STUDIO_PREVIEW_ENGINES names “{wrong[:40]}”, which is no engine's id.", "Write ids with commas between them, or none."


RULES: tuple[Rule, ...] = (
    Rule("STUDIO_LOCAL_MODELS", _models_file),
    Rule("STUDIO_LOCAL_MODELS_LOADED", _models_loaded),
    at_least("STUDIO_LOCAL_THREADS", lambda: _option("diffusers", "THREADS") or 0, 0, "Threads of the local runner (0: it decides)"),
    Rule("STUDIO_DOORBELL", _doorbell),
    Rule("STUDIO_JOB_LEASE_SECONDS", _lease),
    at_least("STUDIO_JOB_HEARTBEAT_SECONDS", lambda: settings.JOB_HEARTBEAT_SECONDS, 0.1, "Seconds between heartbeats"),
    at_least("STUDIO_JOB_SWEEP_SECONDS", lambda: settings.JOB_SWEEP_SECONDS, 0.1, "Seconds between looks at the queue"),
    at_least("STUDIO_JOB_SECONDS", lambda: settings.JOB_SECONDS, 0, "Seconds that a job may run (0: no limit)"),
    at_least("STUDIO_STOP_SECONDS", lambda: settings.STOP_SECONDS, 0, "Seconds that a stopping worker waits for a paid call"),
    at_least("STUDIO_LOCAL_MEMORY_MB", lambda: settings.LOCAL_MEMORY_MB, 0, "Megabytes at which the local worker starts anew (0: never)"),
    at_least("STUDIO_MAX_OPEN_JOBS", lambda: settings.MAX_OPEN_JOBS, 1, "Waiting and running jobs of one person"),
    at_least("STUDIO_MAX_BATCH", lambda: settings.MAX_BATCH, 1, "Waiting and running jobs of batches of one person"),
    _rate("SUBMIT_RATE"),
    _rate("API_RATE"),
    _rate("API_BURST"),
    Rule("STUDIO_API_ANSWER_SECONDS", _answer_seconds),
    at_least("STUDIO_API_BURST_PAUSE", lambda: settings.API_BURST_PAUSE, 1, "Seconds that a key is refused for after a burst"),
    Rule("STUDIO_PREVIEW_ENGINES", _previews),
    at_least("STUDIO_MAX_UPLOAD_MB", lambda: settings.MAX_UPLOAD_BYTES >> 20, 1, "Megabytes of an uploaded picture"),
    at_least("STUDIO_MAX_UPLOAD_MEGAPIXELS", lambda: settings.MAX_UPLOAD_PIXELS / 1e6, 1, "Megapixels of an uploaded picture"),
    at_least("STUDIO_TRASH_DAYS", lambda: settings.TRASH_DAYS, 1, "Days that a deleted picture can be brought back"),
)
