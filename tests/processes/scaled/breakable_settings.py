"""The studio's settings, which cannot be read while a file lies in the data folder: as if somebody had put a mistake on the disk."""

from studio.settings import *  # noqa: F403
from studio.settings import DATA_DIR

BREAKS = "breaks"
"""That file."""

if (DATA_DIR / BREAKS).exists():
    raise RuntimeError("a mistake in the new code")
