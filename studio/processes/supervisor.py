"""Start some programs, restart them when they end, hand their output on, and stop all of them in order: one thread, one loop.

One thread also because Linux ties "end with your parent" to the thread that started the child.
"""

from __future__ import annotations

import os
import selectors
import signal
import sys
import time
from collections.abc import Callable, Sequence
from types import FrameType

from studio.processes.program import Child, Program, describe_end

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Supervisor:
    """`on_ready(name)` is called each time that a program said it is ready; `on_change()` when a process came or went."""

    def __init__(
        self,
        programs: Sequence[Program],
        *,
        on_ready: Callable[[str], None] = lambda name: None,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        self.children = [Child(program) for program in programs]
        self.failed = False
        self._on_ready = on_ready
        self._on_change = on_change
        self._selector = selectors.DefaultSelector()
        self._signals: list[int] = []
        self._stopping_level: int | None = None
        self._width = max((len(program.name) for program in programs), default=0)

    def run(self) -> int:
        """Until a signal ends it. Returns the exit status: 0, or 1 when an essential program could not be started at all."""
        waker, wakee = self._catch_signals()
        try:
            while not (self._stopping_level is not None and not any(child.is_alive for child in self.children)):
                self._start_due()
                for key, _ in self._selector.select(self._next_moment()):
                    if key.fd == wakee:
                        _read(wakee)
                    else:
                        self._hear(key.data, key.fd)
                self._obey_signals()
                self._bury_ended()
                self._kill_overdue()
        finally:
            for child in self.children:  # only after an error of our own is anybody left
                child.send(signal.SIGKILL)
            signal.set_wakeup_fd(-1)
            self._selector.close()
            os.close(waker)
            os.close(wakee)
        return 1 if self.failed else 0

    def say(self, text: str, name: str = "atelier") -> None:
        """Write a line with the name of who says it; a terminal that went away is no reason to stop."""
        try:
            sys.stdout.write(f"{name:<{max(self._width, 7)}} | {text}\n")
            sys.stdout.flush()
        except OSError:
            pass

    # --- signals -----------------------------------------------------------------------------------------------------

    def _catch_signals(self) -> tuple[int, int]:
        def heard(number: int, frame: FrameType | None) -> None:
            self._signals.append(number)

        wakee, waker = os.pipe()
        for fd in (wakee, waker):
            os.set_blocking(fd, False)
        signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
        for number in STOP_SIGNALS:
            signal.signal(number, heard)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)  # only to wake the loop
        self._selector.register(wakee, selectors.EVENT_READ)
        return waker, wakee

    def _obey_signals(self) -> None:
        while self._signals:
            self._signals.pop(0)
            if self._stopping_level is None:
                self.say("Stopping. What is unfinished goes on at the next start.")
                self._stop_level(min(child.program.stop_order for child in self.children))
                self._continue_stopping()
            else:
                self.say("Stopping at once.")
                for child in self.children:
                    child.send(signal.SIGKILL)

    def _stop_level(self, level: int) -> None:
        self._stopping_level = level
        for child in self.children:
            child.restart_at = None
            if child.program.stop_order == level and child.is_alive:
                child.ask_to_stop()

    # --- children ----------------------------------------------------------------------------------------------------

    def _start_due(self) -> None:
        if self._stopping_level is not None:
            return
        for child in self.children:
            if child.restart_at is not None and child.restart_at <= time.monotonic() and self._may_start(child):
                child.start()
                self._selector.register(child.output, selectors.EVENT_READ, child)
                self._selector.register(child.readiness, selectors.EVENT_READ, child)
                self._on_change()

    def _may_start(self, child: Child) -> bool:
        """The essential one starts alone, so that the site answers before a model is loaded on the same cores."""
        return child.program.essential or all(other.was_ready for other in self.children if other.program.essential)

    def _next_moment(self) -> float | None:
        """Seconds until something is due by the clock; None when only an event can be."""
        moments = [child.kill_at for child in self.children if child.kill_at is not None]
        if self._stopping_level is None:
            moments += [child.restart_at for child in self.children if child.restart_at is not None and self._may_start(child)]
        return max(0.0, min(moments) - time.monotonic()) if moments else None

    def _hear(self, child: Child, fd: int) -> None:
        data = _read(fd)
        if fd == child.readiness:
            self._selector.unregister(fd)
            os.close(fd)
            child.readiness = -1
            if data:
                child.was_ready = True
                self._on_ready(child.name)
        elif data:
            *lines, child.rest = (child.rest + data).split(b"\n")
            for line in lines:
                self.say(line.decode(errors="replace"), child.name)
        else:
            self._selector.unregister(fd)  # closed; the end of the process itself comes by SIGCHLD
            child.output = -1

    def _bury_ended(self) -> None:
        for child in self.children:
            status = child.ended()
            if status is None:
                continue
            while child.output >= 0 and (data := _read(child.output)):
                child.rest += data
            for line in filter(None, child.rest.split(b"\n")):
                self.say(line.decode(errors="replace"), child.name)
            for fd in (child.output, child.readiness):
                if fd >= 0:
                    self._selector.unregister(fd)
            child.forget(status)
            self._on_change()
            if self._stopping_level is not None:
                self._continue_stopping()
            else:
                self._say_why(child, status)

    def _say_why(self, child: Child, status: int) -> None:
        if child.restart_at is None:
            self.say(f"{child.name} {describe_end(status)}: its set-up is wrong, and it is not started again. The lines above say why.")
        elif child.loops and child.program.essential and not child.was_ready:
            self.say(f"{child.name} does not start: it ended {child.short_lives} times in a row. The lines above say why.")
            child.restart_at = None
        elif child.loops:
            pause = child.restart_at - time.monotonic()
            self.say(f"{child.name} {describe_end(status)}, {child.short_lives} times in a row; next try in {pause:.0f} s.")
        else:
            self.say(f"{child.name} {describe_end(status)}; starting it again.")
        if child.restart_at is None and child.program.essential:
            self.failed = True
            self._stop_level(min(other.program.stop_order for other in self.children))
            self._continue_stopping()

    def _continue_stopping(self) -> None:
        """When everybody of one level is gone, ask the next."""
        while True:
            alive = [child for child in self.children if child.is_alive]
            if not alive or any(child.program.stop_order == self._stopping_level for child in alive):
                return
            self._stop_level(min(child.program.stop_order for child in alive))

    def _kill_overdue(self) -> None:
        for child in self.children:
            if child.kill_at is not None and child.kill_at <= time.monotonic():
                self.say(f"{child.name} does not stop by itself; ending it.")
                child.kill_at = None
                child.send(signal.SIGKILL)


def _read(fd: int) -> bytes:
    try:
        return os.read(fd, 65536)
    except BlockingIOError:
        return b""
