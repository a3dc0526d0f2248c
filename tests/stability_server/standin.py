"""The stand-in as tests and people hold it."""

from __future__ import annotations

import time
from collections.abc import Callable
from decimal import Decimal
from types import TracebackType

from tests.stability_server.accounts import FREE_CREDITS
from tests.stability_server.app import App
from tests.stability_server.provider import Provider
from tests.stability_server.serving import Server

KEY = "sk-standin-0123456789abcdefghijklmnopqrstuvwxyzABCDEF"
"""The key that is there from the beginning."""


class ManualClock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


class StandIn(Provider):
    """The provider, and a server in front of it: `with StandIn() as standin: …`. The address is known before the start."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        port: int = 0,
        key: str = KEY,
        balance: Decimal | int | str = FREE_CREDITS,
        result_seconds: float = 3,
    ) -> None:
        super().__init__(clock, key=key, balance=balance, result_seconds=result_seconds)
        self.key = key
        self.server = Server(App(self), port)
        self.url = f"http://127.0.0.1:{self.server.port}"

    def start(self) -> StandIn:
        self.server.start()
        return self

    def stop(self) -> None:
        self.server.stop()

    def __enter__(self) -> StandIn:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()
