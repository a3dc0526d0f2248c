"""What one machine runs: the programs that `manage.py up` watches, in each of the two modes."""

from __future__ import annotations

import importlib.util
import signal
from collections.abc import Sequence
from itertools import cycle, islice
from socket import socket

from django.conf import settings

from studio.processes.program import Program, manage_py

LOCAL = "diffusers"
"""The queue whose worker owns torch."""

FEWEST_WORKERS = 3
"""Workers of a machine of the scaled mode when nobody has said which: a queue of a provider then has another while one is replaced."""

WEB_PATIENCE = 35.0
"""Seconds in which a web process of the scaled mode has ended when everything stops (`scaled_site.HURRIED_SECONDS`)."""


def embedded(sockets: Sequence[socket], enabled: Sequence[str]) -> list[Program]:
    """The site, a worker for the local runner, one for all other queues. Workers stop before the site. `enabled`: names of backends."""
    fds, listen, environment = _handed_down(sockets)
    programs = [Program("web", (manage_py(), "web", *listen), 1, 10, essential=True, pass_fds=fds, environment=environment)]
    if LOCAL in enabled and can_run_models():
        programs.append(_worker("local", [LOCAL], environment))
    if remote := [name for name in enabled if name != LOCAL]:
        programs.append(_worker("remote", remote, environment))
    return programs


def scaled(sockets: Sequence[socket], webs: int, queues: Sequence[str]) -> list[Program]:
    """So many web processes on the same sockets, a worker for each queue (named twice, two workers), and beat."""
    fds, listen, environment = _handed_down(sockets)
    programs = [
        Program(
            f"web-{number}",
            (manage_py(), "web", *listen),
            stop_order=1,
            patience=WEB_PATIENCE,
            stop_signal=signal.SIGINT,
            essential=True,
            overlaps=True,
            pass_fds=fds,
            environment=environment,
        )
        for number in range(1, webs + 1)
    ]
    programs += [_worker(f"worker-{number}", [queue], environment) for number, queue in enumerate(queues, 1)]
    return [*programs, Program("beat", (manage_py(), "beat"), 0, settings.STOP_SECONDS + 5, environment=environment)]


def queues_to_serve(enabled: Sequence[str]) -> list[str]:
    """The queues that get a worker when nobody has said which: all that this machine can work for, those of providers several times."""
    served = [name for name in enabled if name != LOCAL or can_run_models()]
    remote = [name for name in served if name != LOCAL]  # a second local runner would load the same models into the same memory
    return [*served, *islice(cycle(remote), max(0, FEWEST_WORKERS - len(served)))]


def can_run_models() -> bool:
    """Whether the local runner's libraries are installed; looked up without importing them, which takes seconds and much memory."""
    return all(importlib.util.find_spec(name) for name in ("torch", "diffusers"))


def remark(queues: Sequence[str], enabled: Sequence[str]) -> str:
    """What a person wants to know who misses the engines of this machine; empty when they are there."""
    if LOCAL in queues:
        return ""
    if LOCAL not in enabled:
        return "The local runner is switched off (STUDIO_LOCAL_RUNNER)."
    if not can_run_models():
        return "The local runner is not installed (torch and diffusers are missing), so its engines make no pictures."
    return "No worker for the local runner is started here."


def _handed_down(sockets: Sequence[socket]) -> tuple[tuple[int, ...], tuple[str, ...], dict[str, str]]:
    """The sockets' descriptors, the words that name them to `manage.py web`, and the environment of every child."""
    fds = tuple(one.fileno() for one in sockets)
    return fds, tuple(word for fd in fds for word in ("--fd", str(fd))), {"STUDIO_PORT": str(sockets[0].getsockname()[1])}


def _worker(name: str, queues: Sequence[str], environment: dict[str, str]) -> Program:
    words = tuple(word for queue in queues for word in ("--queue", queue))
    # Two processes with the same model would not fit on a GPU: the local runner's successor comes when it is gone.
    overlaps = LOCAL not in queues
    patience = settings.STOP_SECONDS + 5
    return Program(name, (manage_py(), "worker", *words), 0, patience, overlaps=overlaps, environment=environment)
