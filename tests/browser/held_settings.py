"""The studio's settings with a local runner that a test can hold (`tests.browser.held`)."""

from studio.settings import *  # noqa: F403
from studio.settings import BACKENDS

BACKENDS["diffusers"]["BACKEND"] = "tests.browser.held.HeldBackend"
