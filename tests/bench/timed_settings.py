"""The studio's settings with a null engine that notes when each step happened: one line `step seconds` per step in BENCH_STEPS_FILE.

Seconds are those of the machine's monotonic clock, which all its processes share.
"""

import os

from studio.settings import *  # noqa: F403
from studio.settings import BACKENDS

BACKENDS["null"]["BACKEND"] = "tests.bench.timed_null.TimedNullBackend"
BACKENDS["null"]["OPTIONS"] |= {
    "STEPS": int(os.environ.get("BENCH_STEPS", "1")),
    "STEP_SECONDS": float(os.environ.get("BENCH_STEP_SECONDS", "0")),
}
