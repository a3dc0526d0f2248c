"""A supervisor over small programs, as a process of its own: `python -m tests.processes.supervised '[["web", "code", 1, 5, true], …]'`."""

from __future__ import annotations

import json
import sys

from studio.processes import program
from studio.processes.program import Program
from studio.processes.supervisor import Supervisor

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


def main() -> int:
    program.PAUSE = (0.05, 30.0)  # as in the studio, only shorter
    programs = [
        Program(name, ("-c", PRELUDE + code), order, patience, essential=essential)
        for name, code, order, patience, essential in json.loads(sys.argv[1])
    ]
    supervisor = Supervisor(programs, on_ready=lambda name: supervisor.say(f"{name} is ready"))
    return supervisor.run()


if __name__ == "__main__":
    sys.exit(main())
