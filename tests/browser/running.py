"""The real studio as a person starts it: `manage.py up` on a free port, with a data folder of its own, seen from outside only."""

from __future__ import annotations

import atexit
import fcntl
import functools
import os
import queue
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

ROOT = Path(__file__).resolve().parent.parent.parent
PREPARED = "ATELIER_PREPARED"
"""The variable that names the folder in which the processes of a test run share what is `prepared()`."""
START_SECONDS = 180
"""Long enough for a cold start of torch on a busy machine; nothing waits this long when all is well."""


def embedded(data_dir: Path, **environment: str) -> dict[str, str]:
    """The variables of the embedded mode, whatever the tests themselves run on."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("STUDIO_", "STABILITY_", "CELERY_"))
        and name not in ("DATABASE_URL", "REDIS_URL", "DEFAULT_STORAGE", "PYTHONUNBUFFERED")
    }
    return kept | {"STUDIO_DATA_DIR": str(data_dir), **environment}


@functools.cache
def prepared() -> Path:
    """A data folder as `manage.py up` leaves it before the site starts: all migrations, all static files.

    That is half a minute of a processor, so the processes of a test run share one (tests/environment.py), and so do all stages of .ci/run.
    """
    shared = os.environ.get(PREPARED) or tempfile.mkdtemp(prefix="atelier-prepared-")
    if not os.environ.get(PREPARED):
        atexit.register(shutil.rmtree, shared, ignore_errors=True)
    Path(shared).mkdir(parents=True, exist_ok=True)
    folder, done = Path(shared) / "data", Path(shared) / "done"
    with (Path(shared) / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            script = "from studio.processes.prepare import prepare; prepare(print)"
            command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", script]
            subprocess.run(command, cwd=ROOT, env=embedded(folder), check=True, capture_output=True)
            done.touch()
    return folder


class RunningStudio:
    """Start, watch, kill and stop one studio. `environment` adds to or changes the variables of the embedded mode.

    A data folder without a database is given what is `prepared()`, unless the studio shall start `from_nothing`.
    """

    def __init__(self, data_dir: Path, *, from_nothing: bool = False, **environment: str) -> None:
        self.data_dir = data_dir
        self.environment = embedded(data_dir, **{"STUDIO_SUBMIT_RATE": "1000/minute", **environment})
        if not from_nothing and not (data_dir / "studio.sqlite3").exists():
            shutil.copytree(prepared(), data_dir, dirs_exist_ok=True)
        self.url = ""
        self.lines: list[str] = []
        self._heard: queue.Queue[str | None] = queue.Queue()
        self._process: subprocess.Popen[str] | None = None
        self._listener: threading.Thread | None = None

    # --- life --------------------------------------------------------------------------------------------------------

    def start(self) -> RunningStudio:
        """Returns when the address is printed, i.e. when the site answers."""
        if self._listener:
            self._listener.join(10)  # the last words of one that was killed are in `lines`
        self._process = subprocess.Popen(
            self.command(), cwd=ROOT, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self._heard = queue.Queue()  # not the last words of one that was killed
        said = len(self.lines)
        self._listener = threading.Thread(target=self._listen, args=(self._process, self._heard), daemon=True)
        self._listener.start()
        line = self.wait_for(r"Open (http://\S+)")
        self.url = re.search(r"Open (http://\S+)", line)[1]
        for earlier in self.lines[said : self.lines.index(line, said)]:  # a worker may be ready before the address is printed
            self._heard.put(earlier)
        return self

    def command(self) -> list[str]:
        """On a free port the first time, later on the same."""
        return [sys.executable, "manage.py", "up", "--port", "0" if not self.url else self.url.rsplit(":", 1)[1]]

    def _listen(self, process: subprocess.Popen[str], heard: queue.Queue[str | None]) -> None:
        for line in process.stdout:
            self.lines.append(line.rstrip())
            heard.put(line.rstrip())
        heard.put(None)

    def wait_for(self, pattern: str) -> str:
        """The next line of output that matches. Raises AssertionError with all output when it does not come."""
        while True:
            try:
                line = self._heard.get(timeout=START_SECONDS)
            except queue.Empty:
                line = None
            if line is None:
                raise AssertionError(f"{pattern!r} was never said:\n" + "\n".join(self.lines[-60:]))
            if re.search(pattern, line):
                return line

    def stop(self) -> int:
        """As Ctrl+C does; returns the exit status."""
        assert self._process
        children = self.processes()
        self._process.send_signal(signal.SIGINT)
        code = self._process.wait(60)
        assert psutil.wait_procs(children, timeout=10)[1] == [], "nothing is left running"
        return code

    def processes(self) -> list[psutil.Process]:
        assert self._process
        return psutil.Process(self._process.pid).children(recursive=True)

    def process(self, *words: str) -> psutil.Process:
        """The child whose command line holds all the words, e.g. `process("worker", "diffusers")`."""
        [found] = [p for p in self.processes() if all(word in p.cmdline() for word in words)]
        return found

    def kill(self, *words: str) -> None:
        """kill -9 one child, or without words the supervisor and everything."""
        assert self._process
        victims = [self.process(*words)] if words else [psutil.Process(self._process.pid), *self.processes()]
        for victim in victims:
            victim.send_signal(signal.SIGKILL)
        psutil.wait_procs(victims, timeout=10)

    # --- truth -------------------------------------------------------------------------------------------------------

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Read the studio's database from outside."""
        connection = sqlite3.connect(f"file:{self.data_dir / 'studio.sqlite3'}?mode=ro", uri=True, timeout=20)
        try:
            return connection.execute(sql, values).fetchall()
        finally:
            connection.close()

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False)

    def assert_the_ledger_agrees(self) -> None:
        checked = self.manage("verify_ledger")
        assert checked.returncode == 0, checked.stdout + checked.stderr


def eventually(page: Any, check: Callable[[], bool], *, seconds: float = 120) -> None:
    """Let the browser go on until `check` holds; for truths that no page shows."""
    import time

    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, "it never came true"
        page.wait_for_timeout(50)


def intercept(page: Any, pattern: Any, handler: Callable[[Any], object]) -> None:
    """`page.route`, which has taken hold when this returns: what the page asks for next goes through `handler`.

    `page.route` comes back before the page itself knows of it, and a key or a click gets there by another way. Where the page was busy just
    then, one press in four overtook it, and its request went straight to the studio. A page that loads after `page.route` needs no more.
    """
    page.route(pattern, handler)
    page.route("**/is-it-routed", lambda route: route.fulfill(status=204))
    eventually(page, lambda: page.evaluate("fetch('/is-it-routed').then((answer) => answer.status === 204)"))
    page.unroute("**/is-it-routed")


def without_timers_of(page: Page | BrowserContext, milliseconds: int) -> None:
    """On what is loaded from now on, timers of so many milliseconds never come: what they do might come first where all else is slow."""
    page.add_init_script(
        "const later = setTimeout;"
        f" window.setTimeout = (act, wait, ...more) => later(act, wait === {milliseconds} ? 2 ** 31 - 1 : wait, ...more)"
    )


def pick(page: Page, words: str, value: str) -> None:
    """Type into the list of choices that has the focus until it stands at `value`: after a second without a key a browser begins anew."""
    for _ in range(5):
        page.keyboard.type(words)
        if page.evaluate("document.activeElement.value") == value:
            return
        page.wait_for_timeout(1100)
    raise AssertionError(f"{words!r} never leads to {value!r}")


def press_two(page: Page, keys: str, url: str) -> None:
    """Two letters that lead to `url`. The second counts within 1.2 s of the first; a browser that was too slow gets them again."""
    from playwright.sync_api import TimeoutError as Late

    for _ in range(6):
        for key in keys:
            page.keyboard.press(key)
        with suppress(Late):
            page.wait_for_url(url, timeout=10_000)
            return
    raise AssertionError(f"{keys!r} never leads to {url}")
