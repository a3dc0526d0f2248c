"""What a child of the supervisor does about it: end when the supervisor ends, and say when it is ready."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time

SUPERVISOR = "ATELIER_SUPERVISOR_PID"
"""Environment variable with the pid of the supervisor that started a process; without it a process stands alone."""

READY_FD = "ATELIER_READY_FD"
"""Environment variable with the number of the pipe on which a process says that it is ready."""

PROGRAM = "ATELIER_PROGRAM"
"""Environment variable with the name that the supervisor has for a process."""

RESTART_PLEASE = 75
"""Exit status of a child that wants to be started anew, without a pause (sysexits.h: EX_TEMPFAIL)."""

MISCONFIGURED = 78
"""Exit status of a child that another start cannot help (sysexits.h: EX_CONFIG)."""

_PR_SET_PDEATHSIG = 1


def _supervisor() -> int:
    return int(os.environ.get(SUPERVISOR, 0))


def bind_to_supervisor() -> None:
    """Have this process ended by SIGTERM when its supervisor dies, also of `kill -9`. Does nothing for a process that stands alone.

    Linux does it by itself (prctl(2), PR_SET_PDEATHSIG); elsewhere a thread looks once a second.
    """
    supervisor = _supervisor()
    if not supervisor:
        return
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    else:
        threading.Thread(target=_watch, args=(supervisor,), name="supervisor-watch", daemon=True).start()
    if os.getppid() != supervisor:  # it died before we asked
        raise SystemExit(0)


def _watch(supervisor: int) -> None:
    while os.getppid() == supervisor:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)


def is_orphaned() -> bool:
    """Whether the supervisor of this process is dead."""
    supervisor = _supervisor()
    return bool(supervisor) and os.getppid() != supervisor


def leave_output_if_orphaned() -> None:
    """Stop writing to the pipe of a dead supervisor: the last things that a process does must not fail for want of a reader."""
    if is_orphaned():
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)


def say_ready() -> None:
    """Tell the supervisor that start-up is over."""
    number = os.environ.pop(READY_FD, "")
    if number:
        with os.fdopen(int(number), "w") as pipe:
            pipe.write("ready\n")
