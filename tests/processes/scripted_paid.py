"""A backend that somebody else bills, and that does what a test says at each point of a call."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from studio.backends.base import Engine, GeneratedMedia, GenerationRequest, Mode, PaidBackend, PriceTable, SizeRules
from tests.processes.scripted import pictures

WORK = "key.work-1"
"""The id under which the provider works on what was submitted."""
PRICE = 1000


def billed(request: GenerationRequest) -> list[GeneratedMedia]:
    """Its pictures, each at the price of the engine's record."""
    return [replace(one, provider_cost=PRICE) for one in pictures(request)]


class Killed(SystemExit):
    """Ends the thread that runs the backend where it is, and nobody settles its job: all that the row hears of a `kill -9`."""


class Provider:
    """What it was asked for, and what happens meanwhile: `at["asked"]` before a request leaves, `at["sent"]` when it is out,
    `at["submitted"]` when its id was told, `at["resumed"]` when somebody comes back for it. `end(request)` gives the result."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.billed = 0
        self.submits = False
        self.killed = threading.Event()
        self.at: dict[str, Callable[[], Any]] = {}
        self.end: Callable[[GenerationRequest], list[GeneratedMedia]] = billed

    def kill(self) -> None:
        self.killed.set()
        raise Killed

    def reach(self, point: str) -> None:
        if happens := self.at.get(point):
            happens()


provider = Provider()


class PaidScriptedBackend(PaidBackend):
    def engines(self) -> Sequence[Engine]:
        size = SizeRules((64, 64), ((64, 64),))
        return (Engine("paid", "Paid", self.name, "paid", (Mode.TEXT_TO_IMAGE,), PriceTable("1", PRICE), size=size, max_images=4),)

    def generate(self, request: GenerationRequest, *, on_sent: Any, on_submitted: Any, **callbacks: Any) -> list[GeneratedMedia]:
        provider.calls.append("generate")
        provider.reach("asked")
        on_sent()
        provider.billed += 1
        provider.reach("sent")
        if provider.submits:
            on_submitted(WORK)
            provider.reach("submitted")
        return provider.end(request)

    def resume(self, request: GenerationRequest, provider_id: str, **callbacks: Any) -> list[GeneratedMedia]:
        provider.calls.append(f"resume {provider_id}")
        provider.reach("resumed")
        return provider.end(request)

    def balance(self) -> int:
        return 0
