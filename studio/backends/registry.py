"""Find backends and engines by name. Backends are dotted paths in `settings.BACKENDS`, imported on first use."""

from __future__ import annotations

from functools import cache

from django.conf import settings
from django.utils.module_loading import import_string

from studio.backends.base import Backend, Engine


class UnknownEngine(LookupError):
    """No configured backend offers an engine of this id."""


@cache
def backend(name: str) -> Backend:
    """Return the one instance of a configured backend in this process. Raises KeyError for a name that is not configured."""
    config = settings.BACKENDS[name]
    loaded: Backend = import_string(str(config["BACKEND"]))(name, config.get("OPTIONS"))
    return loaded


def enabled() -> list[str]:
    """Names of the backends that are not switched off by the option `ENABLED`; those that are cost neither an import nor a worker."""
    return [name for name, config in settings.BACKENDS.items() if config.get("OPTIONS", {}).get("ENABLED", True)]


def backends() -> list[Backend]:
    return [backend(name) for name in enabled()]


def engines() -> list[Engine]:
    """Every engine that is offered now, in the order of the settings."""
    return [engine for one in backends() for engine in one.engines()]


def engine(engine_id: str) -> Engine:
    """Raises `UnknownEngine`."""
    for candidate in engines():
        if candidate.id == engine_id:
            return candidate
    raise UnknownEngine(engine_id)
