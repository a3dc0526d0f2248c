"""The doorbell: tells workers that there is work on a queue, never which.

A lost ring is covered by every worker's sweep (`settings.JOB_SWEEP_SECONDS`), one too many finds nothing. So a ring may be best effort.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Protocol

from django.conf import settings
from django.utils.module_loading import import_string


class Listener(Protocol):
    """A worker's ear on some queues."""

    def wait(self, timeout: float) -> bool:
        """Block until a ring, `interrupt` or `timeout` seconds; say whether it rang. Many rings at once count as one."""

    def interrupt(self) -> None:
        """End a `wait` of another thread, or the next one."""

    def close(self) -> None:
        """Stop listening and leave nothing behind."""


class Doorbell(Protocol):
    def wake(self, queue: str) -> None:
        """Ring for a queue: new work, or a running job that somebody wants stopped. Quick, best effort, never raises."""

    def listen(self, queues: Sequence[str]) -> Listener:
        """Start to hear the rings of some queues."""

    def flush(self) -> None:
        """At the end of a process: give rings that are on their way a moment."""


@cache
def _doorbell(dotted_path: str) -> Doorbell:
    loaded: Doorbell = import_string(dotted_path)()
    return loaded


def doorbell() -> Doorbell:
    """The one that `settings.DOORBELL` names; one instance per process."""
    return _doorbell(settings.DOORBELL)
