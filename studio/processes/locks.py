"""Locks on files of the data folder. The system drops them when their process ends, however it ends."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.cache import cache


class AlreadyHeld(Exception):
    """Another process holds the lock; `holder` is what it wrote into the file."""

    def __init__(self, holder: dict[str, Any]) -> None:
        self.holder = holder
        super().__init__(f"held by process {holder.get('pid', 'unknown')}")


class FileLock:
    """An exclusive lock for the life of this process, with a JSON note on who holds it.

    A note that is still there when the lock is free was left by a holder that was killed: `left_behind`.
    """

    def __init__(self, path: Path) -> None:
        """Take the lock at once or raise `AlreadyHeld`."""
        self.path = path
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = self._read()
            os.close(self._fd)
            raise AlreadyHeld(holder) from None
        self.left_behind = self._read()

    def note(self, **about: Any) -> None:
        """Replace what the file says about the holder; its pid is always there."""
        text = json.dumps({"pid": os.getpid(), **about}).encode()
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, text, 0)

    def release(self) -> None:
        """Empty the note, as a sign of a clean end, and let go. The file stays: removing it would race with the next holder."""
        os.ftruncate(self._fd, 0)
        os.close(self._fd)

    def _read(self) -> dict[str, Any]:
        try:
            found = json.loads(os.pread(self._fd, 4096, 0) or b"{}")
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}


@contextmanager
def exclusively(path: Path) -> Iterator[None]:
    """Wait for a lock, and hold it for a short piece of work."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def is_my_turn(name: str, every: timedelta) -> bool:
    """Whether, of all processes with a clock, this one is to do now what is done once in so long; the turn is taken by asking.

    For work that may as well be done twice: one machine keeps it in the data folder, several keep it in Redis, which may forget it.
    """
    if not settings.EMBEDDED:
        return bool(cache.add(f"turn:{name}", 1, timeout=every.total_seconds()))
    with exclusively(Path(settings.DATA_DIR) / "turns.lock"):
        stamp = _stamp(name)
        if stamp.is_file() and time.time() - stamp.stat().st_mtime < every.total_seconds():
            return False
        stamp.touch()
        return True


@contextmanager
def turn(name: str, every: timedelta) -> Iterator[bool]:
    """`is_my_turn`, and whether it was: the turn is given back when the work fails, so that whoever asks next tries again."""
    mine = is_my_turn(name, every)
    try:
        yield mine
    except BaseException:
        if mine:
            _give_back(name)
        raise


def _give_back(name: str) -> None:
    if settings.EMBEDDED:
        _stamp(name).unlink(missing_ok=True)
    else:
        cache.delete(f"turn:{name}")


def _stamp(name: str) -> Path:
    return Path(settings.DATA_DIR) / f"{name}.stamp"
