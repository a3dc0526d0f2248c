"""The provider that the paid engines ask: the stand-in, which answers badly now and then and remembers whom it charged for what."""

from __future__ import annotations

import random
import threading
from collections import Counter
from dataclasses import replace
from typing import Any

from PIL import Image

from tests.chaos.asks import TAG
from tests.stability_server import v2beta
from tests.stability_server.catalog import OPERATIONS
from tests.stability_server.faults import NONE, Fault, Faults
from tests.stability_server.requests import Request
from tests.stability_server.standin import StandIn

ENGINE = "stable-image-core"
"""One call for a picture, answered with it."""
OFTEN = 0.15
"""The part of the calls that go wrong."""
KINDS = (
    *("status=500", "status=502", "status=503", "html=502", "rate-limited=1"),
    *("drop", "drop-after", "drop-mid-body", "truncated", "delay=1", "delay=3"),
)


class Whims(Faults):
    """Some calls go wrong. Remembers which job each was for, and how often which fault was given."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.given = Counter[str]()
        self.tags: dict[str, str] = {}
        self._random, self._guard = random.Random(seed), threading.Lock()

    def take(self, request: Request) -> Fault:
        if request.method != "POST":
            return NONE
        found = TAG.search(request.body.decode(errors="replace"))
        with self._guard:
            self.tags[request.request_id] = found[0] if found else ""
            if self._random.random() >= OFTEN:
                return NONE
            kind = self._random.choice(KINDS)
            self.given[kind] += 1
            return Fault.read(kind)


class Provider:
    def __init__(self, seed: int) -> None:
        small: Any = {path: replace(one, draw=_card) for path, one in OPERATIONS.items()}
        v2beta.OPERATIONS = small  # type: ignore[attr-defined]  # its landscapes are for eyes
        self.whims = Whims(seed)
        self.standin = StandIn(balance=1_000_000)
        self.standin.faults = self.whims

    def start(self) -> Provider:
        self.standin.start()
        return self

    def stop(self) -> None:
        self.standin.stop()

    @property
    def charges(self) -> Counter[str]:
        """How often it charged for each job, by the word in its prompt."""
        return Counter(self.whims.tags.get(charge.request_id, "") for charge in self.standin.books)


def _card(values: Any, seed: int) -> Image.Image:
    return Image.new("RGB", (64, 64), f"#{seed % 0xFFFFFF:06x}")
