"""What a worker of the scaled mode makes of what Celery says, in Celery's own loop."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from unittest.mock import MagicMock

import pytest
from celery.bootsteps import RUN
from celery.worker import loops
from kombu.asynchronous import Hub

from studio.generation.worker import hosting


@pytest.fixture(autouse=True)
def loggers() -> Iterator[None]:
    """With the filters that a worker gives them, for the length of a test."""
    names = [name for name in logging.root.manager.loggerDict if name.startswith(("celery", "kombu"))]
    before = {name: (logging.getLogger(name).level, list(logging.getLogger(name).filters)) for name in names}
    hosting.HostingWorker.setup_logging(MagicMock())
    yield
    for name, (level, filters) in before.items():
        logging.getLogger(name).setLevel(level)
        logging.getLogger(name).filters = filters


def lose(line: Exception, in_hand: Exception) -> None:
    """Celery's loop over a line that breaks with one error, just as a thread hands in an acknowledgement, which fails with the other."""

    def fail(error: Exception) -> None:
        raise error

    def break_line() -> None:
        hub.call_soon(fail, in_hand)
        raise line

    hub, connection = Hub(), MagicMock(connection_errors=hosting.connection_errors())
    consumer = MagicMock(event_dispatcher=None, timer_entries_before_start=None)
    hub.call_soon(break_line)
    try:
        with pytest.raises(type(line)):
            loops.asynloop(consumer, connection, MagicMock(), MagicMock(state=RUN), hub, MagicMock(), 0, MagicMock())
    finally:
        hub.close()


def test_what_was_in_hand_as_the_line_broke_is_no_error_of_its_own(caplog: pytest.LogCaptureFixture) -> None:
    lose(ConnectionResetError("the line"), BrokenPipeError("what was in hand"))
    assert caplog.records == []


def test_what_else_fails_while_celery_cleans_up_is_told(caplog: pytest.LogCaptureFixture) -> None:
    lose(ConnectionResetError("the line"), RuntimeError("something of ours"))
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.getMessage().startswith("Error cleaning up after event loop")
