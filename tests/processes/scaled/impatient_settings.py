"""The studio's settings, with workers that say often that they live, and soon count as hung."""

from studio.settings import *  # noqa: F403

JOB_HEARTBEAT_SECONDS = 0.5
WORKER_HUNG_SECONDS = 12.0
