"""A rolling restart over small programs: who comes and goes in which order, and who stays when the new code is no good."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from studio.processes.restarting import GO, Asking, NobodyRuns
from tests.processes.supervised import Supervised

SERVE = "serve()"
BROKEN = "print('no such module'); sys.exit(3)"
NEVER_READY = "print('up', os.getpid(), flush=True)\nwhile True: signal.pause()"


class Machine:
    """A studio of two web processes, a worker that overlaps with its successor and one that does not, all with their code in a file."""

    def __init__(self, supervise: Callable[..., Supervised], folder: Path, **options: Any) -> None:
        self.code = folder / "code.py"
        self.release(SERVE)
        run = f"exec(open({str(self.code)!r}).read())"
        programs = [
            ["web-1", run, 1, 5, True, True],
            ["web-2", run, 1, 5, True, True],
            ["worker-1", run, 0, 5, False, True],
            ["worker-2", run, 0, 5, False, False],
        ]
        self.names = [program[0] for program in programs]
        self.door = folder / "door"
        self.studio = supervise(*programs, restarts=str(self.door), **options)
        self.old = {name: self.studio.born(name) for name in self.names}

    def release(self, code: str) -> None:
        """Put new code on the disk."""
        self.code.write_text(code)

    def restart(self) -> tuple[int | None, list[str]]:
        asking = Asking(self.door)
        told = list(asking.go())
        return asking.status, told

    def said(self, text: str) -> int:
        """The number of the last line of the output that holds this."""
        return max(number for number, line in enumerate(self.studio.lines) if text in line)


@pytest.fixture
def machine(supervise, short_dir) -> Callable[..., Machine]:
    return lambda **options: Machine(supervise, short_dir, **options)


def test_all_are_replaced_one_by_one_the_site_first_and_the_new_one_works_before_the_old_one_goes(machine):
    one = machine()
    one.release("print('the new code')\nserve(' of the new code')")
    status, told = one.restart()
    assert status == 0
    assert [line for line in told if line.endswith(": new.")] == [f"{name}: new." for name in one.names]
    assert told[-1] == "All processes run the new code."
    new = {name: one.studio.born(name) for name in one.names}
    for name, old in one.old.items():
        assert not old.is_running()
        assert new[name].is_running()
        came, went = one.said(f"up {new[name].pid}"), one.said(f"bye {old.pid}")
        assert (came < went) == (name != "worker-2")
    assert sum(line.endswith("| the new code") for line in one.studio.lines) == 4
    one.studio.signal(signal.SIGTERM)
    assert one.studio.ends() == 0


def test_a_successor_that_ends_leaves_everything_as_it_was(machine):
    one = machine()
    one.release(BROKEN)
    status, told = one.restart()
    assert status == 1
    assert told == [
        "web-1: the new process starts.",
        "web-1: the new process ended with status 3; its lines say why. The old ones go on. The restart ends here.",
    ]
    assert all(old.is_running() for old in one.old.values())
    one.studio.hears(r"^web-1 +\| no such module")
    one.release(SERVE)
    assert one.restart()[0] == 0


def test_a_successor_that_is_never_ready_is_given_up(machine):
    one = machine(ready_seconds=0.5)
    one.release(NEVER_READY)
    status, told = one.restart()
    assert status == 1
    assert "not ready within" in told[-1]
    assert all(old.is_running() for old in one.old.values())
    one.studio.signal(signal.SIGTERM)
    assert one.studio.ends() == 0


def test_where_there_is_no_python_for_a_successor_the_old_ones_go_on(machine, short_dir):
    """A release whose environment is just being made anew."""
    python = short_dir / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o700)
    one = machine(python=str(python))
    away = python.rename(short_dir / "away")
    status, told = one.restart()
    assert status == 1
    assert told == [
        "web-1: the new process starts.",
        "web-1: the new process could not be started; its lines say why. The old ones go on. The restart ends here.",
    ]
    one.studio.hears(r"^atelier +\| There is no process for web-1: No such file or directory\.$")
    one.old["worker-1"].kill()
    one.studio.hears(r"^atelier +\| There is no process for worker-1: No such file or directory\.$")
    one.studio.hears(r"^atelier +\| worker-1 could not be started; starting it again\.$")
    assert all(one.old[name].is_running() for name in one.names if name != "worker-1")
    away.rename(python)
    assert one.studio.born("worker-1").is_running()
    assert one.restart()[0] == 0
    one.studio.signal(signal.SIGTERM)
    assert one.studio.ends() == 0


def test_one_that_crashes_again_and_again_is_replaced_by_one_that_does_not(supervise, short_dir):
    code = short_dir / "code.py"
    code.write_text(BROKEN)
    studio = supervise(["worker", f"exec(open({str(code)!r}).read())", 0, 5, False, True], restarts=str(short_dir / "door"))
    studio.hears(r"5 times in a row; next try in")
    code.write_text(SERVE)
    asking = Asking(short_dir / "door")
    list(asking.go())
    assert asking.status == 0
    studio.born("worker")
    studio.signal(signal.SIGTERM)
    assert studio.ends() == 0


def test_a_second_restart_is_refused_while_one_is_under_way(machine):
    one = machine()
    one.release(NEVER_READY)
    first = Asking(one.door)
    lines = first.go()
    assert next(lines) == "web-1: the new process starts."
    assert one.restart() == (1, ["A restart is under way already."])
    one.studio.signal(signal.SIGTERM)
    assert list(lines) == ["Atelier is stopping. The restart ends here."]
    assert first.status == 1
    assert one.studio.ends() == 0


def test_a_restart_goes_on_when_whoever_asked_for_it_has_gone(machine):
    one = machine()
    asking = Asking(one.door)
    asking._line.sendall(GO)
    asking._line.close()
    one.studio.hears("All processes run the new code.")


def test_who_only_looks_in_changes_nothing(machine):
    one = machine()
    Asking(one.door)._line.close()
    assert one.restart()[0] == 0
    assert sum("the new process starts" in line for line in one.studio.lines) == 3


def test_where_nobody_runs_nobody_is_asked(short_dir):
    with pytest.raises(NobodyRuns):
        Asking(short_dir / "door")


def test_a_web_process_that_is_killed_during_a_restart_is_started_again(machine):
    """By its own code: it is neither the successor nor its predecessor."""
    one = machine()
    one.release(f"print('slow', flush=True)\nif os.path.exists({str(one.code)!r} + '.go'): serve()\n{NEVER_READY}")
    asking = Asking(one.door)
    lines = asking.go()
    next(lines)
    one.studio.hears(r"^web-1 +\| slow")
    one.release(SERVE)
    one.old["web-2"].kill()
    one.studio.hears(r"web-2 was ended by SIGKILL; starting it again")
    one.studio.born("web-1")
    assert one.studio.born("web-2").is_running()
    one.studio.signal(signal.SIGTERM)
    assert one.studio.ends() == 0
    list(lines)
