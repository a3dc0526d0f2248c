"""The studio's settings with a null engine that takes its time: STEPS and STEP_SECONDS from the environment of the test, and the gate."""

import os

from studio.settings import *  # noqa: F403
from studio.settings import BACKENDS

BACKENDS["null"]["OPTIONS"] |= {
    "STEPS": int(os.environ.get("NULL_STEPS", "1")),
    "STEP_SECONDS": float(os.environ.get("NULL_STEP_SECONDS", "0")),
}

if "NULL_GATE" in os.environ:
    BACKENDS["null"]["BACKEND"] = "tests.processes.gated.GatedBackend"
    BACKENDS["null"]["OPTIONS"] |= {"GATE": os.environ["NULL_GATE"], "GATE_FROM": os.environ["NULL_GATE_FROM"]}
