"""Start some programs, restart them when they end, hand their output on, and stop all of them in order: one thread, one loop.

One thread also because Linux ties "end with your parent" to the thread that started the child.
"""

from __future__ import annotations

import errno
import math
import os
import selectors
import signal
import sys
import time
from collections.abc import Callable, Sequence
from types import FrameType

from studio.processes.program import Child, Program, describe_end
from studio.processes.restarting import Caller, Listener
from studio.processes.rolling import NotReplaced, Waiting, replace_all

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
WATCH_SECONDS = 5.0
"""How often it is looked for processes that hang."""


class Supervisor:
    """`on_ready(name)` is called each time that a program said it is ready; `on_change()` when a process came or went.

    On the socket `restarts` it is asked for a rolling restart. `silence(pid)`, which must not wait for anything, says for how many seconds
    a process was not heard of; after `hung_seconds` it is ended and started anew.
    """

    def __init__(
        self,
        programs: Sequence[Program],
        *,
        on_ready: Callable[[str], None] = lambda name: None,
        on_change: Callable[[], None] = lambda: None,
        restarts: Listener | None = None,
        silence: Callable[[int], float] = lambda pid: 0.0,
        hung_seconds: float = math.inf,
    ) -> None:
        self.children = [Child(program) for program in programs]
        self.failed = False
        self._on_ready = on_ready
        self._on_change = on_change
        self._restarts = restarts
        self._silence, self._hung_seconds = silence, hung_seconds
        self._watch_at = time.monotonic() + WATCH_SECONDS if hung_seconds < math.inf else math.inf
        self._restart: Waiting | None = None
        self._restart_at: float | None = None
        self._restart_caller: Caller | None = None
        self._selector = selectors.DefaultSelector()
        self._signals: list[int] = []
        self._stopping_level: int | None = None
        self._width = max((len(program.name) for program in programs), default=0)

    def run(self) -> int:
        """Until a signal ends it. Returns the exit status: 0, or 1 when an essential program could not be started at all."""
        waker, wakee = self._catch_signals()
        if self._restarts:
            self._selector.register(self._restarts, selectors.EVENT_READ)
        try:
            while not (self._stopping_level is not None and not any(child.is_alive for child in self.children)):
                self._start_due()
                for key, _ in self._selector.select(self._next_moment()):
                    if key.fd == wakee:
                        _read(wakee)
                    elif key.fileobj is self._restarts:
                        self._let_in(self._restarts)
                    elif isinstance(key.data, Caller):
                        self._listen_to(key.data)
                    else:
                        self._hear(key.data, key.fd)
                self._obey_signals()
                self._bury_ended()
                self._kill_overdue()
                self._end_hung()
                self._go_on_restarting()
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
        except OSError as error:
            if error.errno in (errno.EPIPE, errno.EIO):
                _let_nobody_read()

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
                self._start(child)
            if self._stopping_level is not None:  # an essential one could not be started
                return

    def _start(self, child: Child) -> None:
        try:
            child.start()
        except OSError as error:  # an environment that is just being replaced, no room for a process: the others go on
            self.say(f"There is no process for {child.name}: {error.strerror or type(error).__name__}.")
            child.could_not_start()
            self._miss(child, child.last_status)
            return
        self._selector.register(child.output, selectors.EVENT_READ, child)
        self._selector.register(child.readiness, selectors.EVENT_READ, child)
        self._on_change()

    def _may_start(self, child: Child) -> bool:
        """The essential one starts alone, so that the site answers before a model is loaded on the same cores."""
        return child.program.essential or all(other.was_ready for other in self.children if other.program.essential and not other.on_trial)

    def _next_moment(self) -> float | None:
        """Seconds until something is due by the clock; None when only an event can be."""
        moments = [child.kill_at for child in self.children if child.kill_at is not None]
        moments += [self._restart_at] if self._restart_at is not None else []
        if self._stopping_level is None:
            moments += [self._watch_at] if self._watch_at < math.inf else []
            moments += [child.restart_at for child in self.children if child.restart_at is not None and self._may_start(child)]
        return max(0.0, min(moments) - time.monotonic()) if moments else None

    def _hear(self, child: Child, fd: int) -> None:
        data = _read(fd)
        if fd == child.readiness:
            self._selector.unregister(fd)
            os.close(fd)
            child.readiness = -1
            if data:
                child.is_ready = True
                if not child.on_trial:
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
        for child in tuple(self.children):
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
            self._miss(child, status)

    def _miss(self, child: Child, status: int) -> None:
        """One has no process any more, or got none."""
        if child.leaves or child.on_trial:
            self.children.remove(child)
        self._on_change()
        if self._stopping_level is not None:
            self._continue_stopping()
        elif child in self.children:
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

    def _end_hung(self) -> None:
        """One that has been told to stop or to leave has a limit already."""
        if self._stopping_level is not None or time.monotonic() < self._watch_at:
            return
        self._watch_at = time.monotonic() + WATCH_SECONDS
        for child in self.children:
            if child.process is None or child.kill_at is not None or time.monotonic() - child.started_at < self._hung_seconds:
                continue
            if (silence := self._silence(child.process.pid)) >= self._hung_seconds:
                self.say(f"{child.name} hangs: it has not been heard of for {silence:.0f} s, though the database answers. Ending it.")
                child.send(signal.SIGKILL)

    # --- a rolling restart -------------------------------------------------------------------------------------------

    def _let_in(self, door: Listener) -> None:
        if caller := door.come_in():
            self._selector.register(caller, selectors.EVENT_READ, caller)

    def _listen_to(self, caller: Caller) -> None:
        self._selector.unregister(caller)
        if not caller.asks():
            caller.hang_up(1)
        elif self._restart or self._stopping_level is not None:
            caller.tell("A restart is under way already." if self._restart else "Atelier is stopping.")
            caller.hang_up(1)
        else:
            self._restart_caller = caller
            self._restart = replace_all(self, self._tell)

    def _tell(self, text: str) -> None:
        self.say(text)
        if self._restart_caller:
            self._restart_caller.tell(text)

    def _go_on_restarting(self) -> None:
        if not self._restart:
            return
        try:
            if self._stopping_level is not None:
                raise NotReplaced("Atelier is stopping.")
            self._restart_at = next(self._restart)
            return
        except NotReplaced as error:
            status, last_words = 1, f"{error} The restart ends here."
        except StopIteration:
            status, last_words = 0, "All processes run the new code."
        self._tell(last_words)
        if self._restart_caller:
            self._restart_caller.hang_up(status)
        self._restart = self._restart_at = self._restart_caller = None

    def insert(self, new: Child, *, beside: Child | None = None) -> None:
        """Start a process that a rolling restart brings, and take care of it from now on."""
        self.children.insert(self.children.index(beside) + 1 if beside else len(self.children), new)
        self._start(new)

    def dismiss(self, child: Child, patience: float) -> None:
        """Have a process end within so many seconds, for good; it is one of the children until it has."""
        if child.is_alive:
            child.ask_to_leave(patience)
        else:
            self.children.remove(child)


def _read(fd: int) -> bytes:
    try:
        return os.read(fd, 65536)
    except BlockingIOError:
        return b""


def _let_nobody_read() -> None:
    """Send what is written from now on nowhere: what is in the buffer would fail once more as Python ends, which gives the status 120."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
