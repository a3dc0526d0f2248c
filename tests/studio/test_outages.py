"""What is said of a service that went and came back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from studio import outages
from studio.generation.dispatch import broker


class Log:
    """Notes what is said, and whether somebody else could speak in between."""

    def __init__(self, lock: Any) -> None:
        self.lock = lock
        self.said: list[tuple[str, bool]] = []

    def warning(self, event: str, **_: object) -> None:
        self.said.append((event, self.lock.locked()))

    info = warning


def of_the_broker() -> tuple[Any, Callable[[str], None], Callable[[str], None]]:
    outage = broker.BrokerOutage()
    return outage, lambda who: outage.failed(who, "no answer"), outage.answered


def of_another_service() -> tuple[Any, Callable[[str], None], Callable[[str], None]]:
    outage = outages.Outage("redis")
    return outage, lambda who: outage.failed(OSError()), lambda who: outage.answered()


@pytest.mark.parametrize(
    ("make", "module", "sentences"),
    [
        (of_the_broker, broker, ("broker_unreachable", "broker_answers_again")),
        (of_another_service, outages, ("service_away", "service_back")),
    ],
)
def test_each_end_of_an_outage_is_said_once_and_in_its_order(
    make: Callable[[], Any], module: Any, sentences: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line to the broker may break as the last of the others is back: outside the lock the two could be told in the wrong order."""
    outage, failed, answered = make()
    log = Log(outage._lock)
    monkeypatch.setattr(module, "log", log)
    for _ in range(2):
        failed("one")
        failed("one")
        answered("one")
        answered("one")
    assert log.said == [(sentence, True) for sentence in sentences * 2]


def test_the_broker_is_back_when_all_lines_to_it_are(monkeypatch: pytest.MonkeyPatch) -> None:
    outage, failed, answered = of_the_broker()
    log = Log(outage._lock)
    monkeypatch.setattr(broker, "log", log)
    for line in ("one", "two", "three"):
        failed(line)
    answered("one")
    outage.forget("three")
    assert [event for event, _ in log.said] == ["broker_unreachable"]
    answered("two")
    assert [event for event, _ in log.said] == ["broker_unreachable", "broker_answers_again"]
