"""The engines as they stand now: what the backends offer, and whether a worker is there to run it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from studio.backends import registry
from studio.backends.base import Engine, EngineState, Mode
from studio.generation.models import PausedQueue, Worker
from studio.generation.modes import group_of
from studio.pricing.prices import priced

USABLE = (EngineState.READY, EngineState.SLOW, EngineState.STARTING, EngineState.PAUSED)
"""What is sent to an engine in one of these is made, now or later."""


def available() -> list[Engine]:
    """Every engine with its live state and today's price; three queries."""
    paused = PausedQueue.objects.in_bulk()
    workers: dict[str, list[Worker]] = {}
    for worker in Worker.objects.alive():
        for queue in worker.queues:
            workers.setdefault(queue, []).append(worker)
    found = [_with_workers(engine, workers.get(engine.queue, [])) for engine in priced(registry.engines())]
    return [_held(engine, paused[engine.queue]) if engine.queue in paused else engine for engine in found]


def _held(engine: Engine, paused: PausedQueue) -> Engine:
    """What the operator decided counts before what its workers and the provider say."""
    return engine.in_state(EngineState.PAUSED, f"{paused.sentence} What you send waits, and goes on by itself.")


def _with_workers(engine: Engine, workers: list[Worker]) -> Engine:
    """What this process knows counts first, then what a worker says that could run it: it alone sees the provider's answers."""
    if engine.state is not EngineState.READY:
        return engine
    ready = [worker for worker in workers if worker.state == "ready"]
    if ready:
        seen = [_reported(engine, worker.engines.get(engine.id)) for worker in ready]
        return next((one for one in seen if one.state is EngineState.READY), seen[0])
    if broken := next((worker for worker in workers if worker.state == "broken"), None):
        return engine.in_state(EngineState.BROKEN, broken.detail or "Its worker did not start; the log says why.")
    if not workers:
        return engine.in_state(EngineState.STARTING, "Its worker is not running at the moment. What you send waits for it.")
    return engine.in_state(EngineState.STARTING, "It is warming up. What you send waits a moment.")


def is_local(engine_id: str) -> bool:
    """Whether this machine does the work itself; of an engine that is gone nobody knows, and it is taken for one of them."""
    try:
        return registry.engine(engine_id).local
    except registry.UnknownEngine:
        return True


def report(engine: Engine) -> dict[str, Any]:
    """The state of an engine as a worker writes it into its row."""
    until = None if engine.state_seconds is None else (timezone.now() + timedelta(seconds=engine.state_seconds)).isoformat()
    return {"state": engine.state.value, "detail": engine.state_detail, "until": until}


def _reported(engine: Engine, told: Mapping[str, Any] | None) -> Engine:
    """The engine as a worker told of it; ready where it told nothing, or something that only a newer release knows."""
    if told is None or told["state"] not in set(EngineState):
        return engine
    seconds = None
    if told["until"]:
        seconds = (datetime.fromisoformat(told["until"]) - timezone.now()).total_seconds()
        if seconds <= 0:
            if told["state"] != EngineState.NO_KEY:
                return engine
            seconds = None  # a refused key is tried then, and nobody knows yet what came of it
    return engine.in_state(EngineState(told["state"]), told["detail"], seconds)


def pick(engines: list[Engine], engine_id: str, mode: Mode | None, *, first: Sequence[Engine] = ()) -> Engine | None:
    """The engine asked for; else the first usable one that does the mode, of those named `first` before others; None when there is none.

    A paused one is usable: what is sent waits for it, and must not become another engine's work that nobody chose.
    """
    for engine in engines:
        if engine.id == engine_id and (mode is None or engine.supports(mode)):
            return engine
    usable = [e for e in (*first, *engines) if e.state in USABLE]
    for engine in [*usable, *first, *engines]:
        if mode is None or engine.supports(mode):
            return engine
    return None


def modes_of(engines: list[Engine]) -> list[Mode]:
    return [mode for mode in Mode if any(engine.supports(mode) for engine in engines)]


@dataclass(frozen=True, slots=True)
class Picker:
    """The engines as they are listed: those that do the mode first, then the others under what they are for."""

    fitting: list[Engine]
    others: list[tuple[str, list[Engine]]]


def picker(engines: list[Engine], mode: Mode) -> Picker:
    others: dict[str, list[Engine]] = {}
    for engine in engines:
        if not engine.supports(mode):
            others.setdefault(group_of(engine.modes[0]), []).append(engine)
    return Picker([engine for engine in engines if engine.supports(mode)], list(others.items()))
