"""What a process knows of Redis, for one test, with a clock that moves when it is told to."""

from __future__ import annotations

import pytest

from studio import outages


class Watch:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds

    def rest(self) -> None:
        """So long that a service which is away is asked again."""
        self.seconds += outages.REST


def own_outage(monkeypatch: pytest.MonkeyPatch, watch: Watch) -> outages.Outage:
    """Nothing that other tests learnt of Redis, and nothing that they will."""
    own = outages.Outage("redis", now=watch)
    for module in ("studio.outages", "studio.caching", "studio.developers.once", "studio.generation.throttle", "studio.health"):
        monkeypatch.setattr(f"{module}.redis_outage", own)
    return own
