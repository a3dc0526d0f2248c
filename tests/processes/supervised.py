"""A supervisor over small programs, as a process of its own: `python -m tests.processes.supervised '[["web", "code", 1, 5, true], …]'`.

A program: name, code, stop order, patience, whether it is essential, and whether a successor may overlap with it. Then options:
`restarts`, the path of a socket for rolling restarts, `ready_seconds`, how long those wait for a successor, `python`, what runs the
programs, and `hang`, a folder with a file named after the pid of each that hangs.
"""

from __future__ import annotations

import json
import queue
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import psutil

from studio.processes import program, rolling
from studio.processes import supervisor as supervisor_module
from studio.processes.program import Program
from studio.processes.restarting import Listener
from studio.processes.supervisor import Supervisor

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 90

PRELUDE = """
import os, signal, sys, time
sys.path.insert(0, os.getcwd())
from studio.processes.child import bind_to_supervisor, say_ready
bind_to_supervisor()
def serve(farewell=""):
    def end(number, frame):
        print(f"bye {os.getpid()}{farewell}", flush=True)
        sys.exit(0)
    signal.signal(signal.SIGTERM, end)
    print(f"up {os.getpid()}", flush=True)
    say_ready()
    while True:
        signal.pause()
"""


class Supervised:
    """A supervisor in a process of its own, its output, and everybody who was ever born under it."""

    def __init__(self, *programs: list[Any], **options: Any) -> None:
        command = [sys.executable, "-m", "tests.processes.supervised", json.dumps(programs), json.dumps(options)]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.lines: list[str] = []
        self._heard: queue.Queue[str | None] = queue.Queue()
        self._unasked: list[str] = []
        self.family: dict[int, psutil.Process] = {}
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.append(line.rstrip())
            self._heard.put(line.rstrip())
        self._heard.put(None)

    def hears(self, pattern: str) -> re.Match[str]:
        """The first line that matches and was not asked for before, now or when it comes."""
        waiting = self._unasked
        self._unasked = []
        while True:
            line = waiting.pop(0) if waiting else self._heard.get(timeout=PATIENCE)
            assert line is not None, f"{pattern!r} was never said:\n" + "\n".join(self.lines)
            if found := re.search(pattern, line):
                self._unasked += waiting
                return found
            self._unasked.append(line)

    def born(self, name: str) -> psutil.Process:
        """The next process of a program, once it says that it is up."""
        pid = int(self.hears(rf"^{name} +\| up (\d+)")[1])
        self.family[pid] = psutil.Process(pid)
        return self.family[pid]

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def ends(self) -> int:
        """The exit status; everybody of the family is gone, or goes now by itself."""
        code = self.process.wait(PATIENCE)
        _, alive = psutil.wait_procs(list(self.family.values()), timeout=PATIENCE)
        assert alive == []
        return code


def main() -> int:
    program.PAUSE = (0.05, 30.0)  # as in the studio, only shorter
    options = json.loads(sys.argv[2]) if len(sys.argv) > 2 else {}
    rolling.READY_SECONDS = options.get("ready_seconds", rolling.READY_SECONDS)
    sys.executable = options.get("python", sys.executable)
    programs = [
        Program(name, ("-c", PRELUDE + code), order, patience, essential=essential, overlaps=any(overlaps))
        for name, code, order, patience, essential, *overlaps in json.loads(sys.argv[1])
    ]
    restarts = Listener(Path(options["restarts"])) if "restarts" in options else None
    watched: dict[str, Any] = {}
    if "hang" in options:
        supervisor_module.WATCH_SECONDS = 0.05
        watched = {"silence": lambda pid: 300.0 * Path(options["hang"], str(pid)).exists(), "hung_seconds": 0.2}
    supervisor = Supervisor(programs, on_ready=lambda name: supervisor.say(f"{name} is ready"), restarts=restarts, **watched)
    return supervisor.run()


if __name__ == "__main__":
    sys.exit(main())
