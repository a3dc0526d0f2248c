"""`manage.py restart` of a real studio under load: no request fails, no job is lost, and open pages come back."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from tests.browser.running import ROOT
from tests.processes.scaled.breakable_settings import BREAKS
from tests.processes.test_api import BOAT, MAKE_A_KEY
from tests.processes.visitor import Visitor

SERVICE_RESTART = 1012
NAMES = ("web-1", "web-2", "worker-1", "worker-2")
PATIENCE = 120


class Load:
    """People and programs that ask all the time, from threads of their own, until they are told to stop. Nobody tries anything twice."""

    def __init__(self) -> None:
        self.failures: list[str] = []
        self.done: dict[str, int] = {}
        self.snapshots: list[int] = []
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def go(self, name: str, once: Callable[[], None]) -> None:
        def run() -> None:
            while not self._stop.is_set():
                try:
                    once()
                except Exception as error:  # noqa: BLE001 - whatever it is, it is the finding
                    self.failures.append(f"{name}: {type(error).__name__}: {error}")
                    return
                self.done[name] = self.done.get(name, 0) + 1

        self._threads.append(threading.Thread(target=run, name=name, daemon=True))
        self._threads[-1].start()

    def watch(self, visitor: Visitor) -> None:
        """An open page: comes back when it is told to, and at no other time."""

        def once() -> None:
            with visitor.page() as page:
                assert "stage" in page.snapshot or "feed" in page.snapshot
                self.snapshots.append(len(page.snapshot))
                while not self._stop.is_set():
                    try:
                        page.line.recv(timeout=0.5)
                    except TimeoutError:
                        continue
                    except ConnectionClosed as closed:
                        if closed.rcvd and closed.rcvd.code == SERVICE_RESTART:
                            return
                        raise

        self.go("page", once)

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(PATIENCE)
            assert not thread.is_alive(), thread.name


@pytest.fixture
def load() -> Iterator[Load]:
    load = Load()
    yield load
    load.stop()


def pids(studio) -> set[int]:
    return {studio.process(name).pid for name in NAMES}


def test_nobody_notices_a_rolling_restart(studio, visitor, load):
    secret = re.search(r"secret (sk-\w+)", studio.manage("shell", "-v0", "--no-imports", "-c", MAKE_A_KEY).stdout)[1]
    api = {"Authorization": f"Bearer {secret}"}
    programs = httpx.Client(base_url=f"{studio.url}/api/v1", headers=api, timeout=PATIENCE)
    accepted: list[str] = []
    before = pids(studio)

    def press() -> None:
        accepted.append(re.search(r'id="job-([0-9a-f-]{36})"', visitor.generate("a boat").text)[1])

    def press_on_a_new_line() -> None:
        other = Visitor(studio.url)
        with other.http:
            other.http.cookies.update(visitor.http.cookies)
            accepted.append(re.search(r'id="job-([0-9a-f-]{36})"', other.generate("a boat").text)[1])

    def look() -> None:
        assert visitor.http.get("/create/").status_code == 200

    def ask(client: httpx.Client) -> None:
        answer = client.post("/jobs", json=BOAT)
        assert answer.status_code == 201, answer.text
        accepted.append(answer.json()["id"])

    def ask_on_a_new_line() -> None:
        with httpx.Client(base_url=f"{studio.url}/api/v1", headers=api, timeout=PATIENCE) as line:
            ask(line)

    for name, once in (("press", press), ("press anew", press_on_a_new_line), ("look", look), ("ask anew", ask_on_a_new_line)):
        load.go(name, once)
    load.go("ask", lambda: ask(programs))
    for _ in range(3):
        load.watch(visitor)
    done = studio.restart()
    load.stop()

    assert load.failures == []
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "All processes run the new code."
    assert before & pids(studio) == set()
    assert set(load.done) == {"press", "press anew", "look", "ask", "ask anew", "page"}
    assert len(load.snapshots) >= 6, "each page was told to come back at least once"
    states = dict(studio.rows("SELECT id::text, status FROM generation_job"))
    while any(status in ("queued", "running") for status in states.values()):
        studio.wait_for("job_ended")
        states = dict(studio.rows("SELECT id::text, status FROM generation_job"))
    assert {job: states[job] for job in accepted} == dict.fromkeys(accepted, "succeeded")
    assert set(states.values()) == {"succeeded"}
    studio.assert_the_ledger_agrees()


def test_code_that_does_not_start_is_told_of_and_the_old_processes_go_on(studio, visitor):
    before = pids(studio)
    mistake = studio.data_dir / BREAKS
    mistake.touch()
    try:
        sound = {**studio.environment, "DJANGO_SETTINGS_MODULE": "studio.settings"}
        command = [sys.executable, "manage.py", "restart"]
        done = subprocess.run(command, cwd=ROOT, env=sound, capture_output=True, text=True, check=False)
        assert done.returncode == 1
        last = "web-1: the new process ended with status 1; its lines say why. The old ones go on. The restart ends here."
        assert done.stdout.splitlines()[-1] == last
        assert "Not all processes run the new code." in done.stderr
        studio.wait_for(r"^web-1 +\|.*a mistake in the new code")
    finally:
        mistake.unlink()
    assert pids(studio) == before
    with visitor.page() as page:
        visitor.generate("a boat")
        page.until(r'data-status="succeeded"')
