"""The very end of a process."""

from __future__ import annotations

import logging
import os
import sys
from contextlib import suppress

from studio import telemetry
from studio.generation.dispatch import doorbell
from studio.live import publish


def leave(code: int) -> None:
    """End now. A regular end would wait for a thread that is deep in a model, and would run destructors that torch's threads race with."""
    telemetry.flush()
    publish.goodbye()
    doorbell().flush()
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):  # nobody reads it any more
            stream.flush()
    os._exit(code)
