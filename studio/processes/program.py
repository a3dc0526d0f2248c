"""One child of the supervisor: how it is started, watched and stopped."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from studio.processes.child import MISCONFIGURED, PROGRAM, READY_FD, RESTART_PLEASE, SUPERVISOR

CANNOT_START = 126
"""Exit status of a child that never was a process (as shells have it): Python is not there, or the system has no room."""

SHORT_LIFE = 10.0
"""Seconds: a child that ends sooner did not work."""

LOOP_LENGTH = 5
"""So many short lives in a row are a crash loop."""

PAUSE = (0.2, 30.0)
"""First and longest pause before a restart, in seconds; doubled with each short life."""


@dataclass(frozen=True)
class Program:
    """What to run. `stop_order`: lower numbers are stopped first; `patience` is how many seconds it gets to end by itself.

    `essential`: when this one cannot even start, the whole is pointless. `overlaps`: in a rolling restart, a successor works beside it
    before it ends. `stop_signal`: what it is told when everything stops; SIGTERM, when a successor takes over.
    """

    name: str
    arguments: tuple[str, ...]
    stop_order: int
    patience: float
    essential: bool = False
    overlaps: bool = False
    stop_signal: int = signal.SIGTERM
    pass_fds: tuple[int, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


class Child:
    """A program and its present process. `output` and `readiness` are file descriptors to read from, -1 when there is none."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.process: subprocess.Popen[bytes] | None = None
        self.output = -1
        self.readiness = -1
        self.rest = b""
        self.started_at = 0.0
        self.restart_at: float | None = 0.0
        self.kill_at: float | None = None
        self.short_lives = 0
        self.is_ready = self.was_ready = False
        # In a rolling restart: a successor, of which nobody knows yet whether it is any good; and one that leaves, to stay away.
        self.on_trial = self.leaves = False
        self.last_status = 0

    @property
    def name(self) -> str:
        return self.program.name

    @property
    def is_alive(self) -> bool:
        return self.process is not None

    def start(self) -> None:
        """Start the process, in a group of its own: Ctrl+C in the terminal is for the supervisor alone. Raises OSError."""
        ready_in, ready_out = os.pipe()
        try:
            self.process = subprocess.Popen(  # noqa: S603 - our own command line
                [sys.executable, *self.program.arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=(*self.program.pass_fds, ready_out),
                process_group=0,
                env={
                    **os.environ,
                    **self.program.environment,
                    PROGRAM: self.name,
                    SUPERVISOR: str(os.getpid()),
                    READY_FD: str(ready_out),
                    "PYTHONUNBUFFERED": "1",
                },
            )
        except OSError:
            os.close(ready_in)
            raise
        finally:
            os.close(ready_out)
        assert self.process.stdout is not None
        self.output, self.readiness = self.process.stdout.fileno(), ready_in
        for fd in (self.output, self.readiness):
            os.set_blocking(fd, False)
        self.started_at = time.monotonic()
        self.restart_at = self.kill_at = None
        self.is_ready = False
        self.rest = b""

    def send(self, number: int) -> None:
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, number)

    def ask_to_stop(self) -> None:
        self.send(self.program.stop_signal)
        self.kill_at = time.monotonic() + self.program.patience

    def ask_to_leave(self, patience: float) -> None:
        """Its place is taken, or will be: it finishes what it has begun, however long that takes within so many seconds."""
        self.leaves = True
        self.send(signal.SIGTERM)
        self.kill_at = time.monotonic() + patience

    def ended(self) -> int | None:
        """The exit status (negative: the signal that ended it) once it is over, and everything of it gone; None while it runs."""
        if self.process is None or (status := self.process.poll()) is None:
            return None
        self.send(signal.SIGKILL)  # whatever it started itself
        return status

    def forget(self, status: int) -> None:
        """Note the end, and when to start again."""
        assert self.process is not None
        assert self.process.stdout is not None
        self.process.stdout.close()
        if self.readiness >= 0:
            os.close(self.readiness)
        self.process, self.output, self.readiness, self.kill_at = None, -1, -1, None
        self._come_again(status)

    def could_not_start(self) -> None:
        """Note that `start` failed: it counts as an end at once."""
        self.started_at = time.monotonic()
        self._come_again(CANNOT_START)

    def _come_again(self, status: int) -> None:
        self.last_status = status
        lived = time.monotonic() - self.started_at
        self.short_lives = self.short_lives + 1 if lived < SHORT_LIFE and status != RESTART_PLEASE else 0
        pause = 0.0 if status == RESTART_PLEASE else min(PAUSE[1], PAUSE[0] * 2 ** max(0, self.short_lives - 1))
        self.restart_at = None if status == MISCONFIGURED else time.monotonic() + pause

    @property
    def loops(self) -> bool:
        return self.short_lives >= LOOP_LENGTH

    def identity(self) -> list[float] | None:
        """Pid and moment of birth, by which a later supervisor knows that it is really this process."""
        if self.process is None:
            return None
        with contextlib.suppress(psutil.Error):
            return [self.process.pid, psutil.Process(self.process.pid).create_time()]
        return None


def manage_py() -> str:
    from django.conf import settings

    return str(Path(settings.BASE_DIR) / "manage.py")


def describe_end(status: int) -> str:
    """In words for a person."""
    if status == RESTART_PLEASE:
        return "asked to be started anew"
    if status == CANNOT_START:
        return "could not be started"
    if status >= 0:
        return f"ended with status {status}"
    try:
        return f"was ended by {signal.Signals(-status).name}"
    except ValueError:
        return f"was ended by signal {-status}"


def end_leftovers(identities: list[list[float]], patience: float = 10.0) -> int:
    """End the children that a killed supervisor left, should they still live. Returns how many there were."""
    left = []
    for pid, born in identities:
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(int(pid))
            if abs(process.create_time() - born) < 1:
                left.append(process)
    for process in left:
        with contextlib.suppress(psutil.Error):
            process.terminate()
    _, stubborn = psutil.wait_procs(left, timeout=patience)
    for process in stubborn:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(stubborn, timeout=5)
    return len(left)
