"""`manage.py up` as a person starts it, with the null engine: what it says, what it survives, and that it leaves nothing behind."""

from __future__ import annotations

import errno
import http.client
import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from django.core.management import CommandError, call_command
from websockets.exceptions import ConnectionClosed

from studio.generation.management.commands import up
from tests.browser.running import ROOT, RunningStudio
from tests.processes.visitor import Visitor

LIMIT_MB = 2
QUICK = {"STUDIO_NULL_ENGINE": "1", "STUDIO_LOCAL_RUNNER": "0", "STUDIO_MAX_UPLOAD_MB": str(LIMIT_MB), "STUDIO_WELCOME_CREDITS": "1000"}
SLOW = {"DJANGO_SETTINGS_MODULE": "tests.processes.slow_settings", "NULL_STEPS": "100000", "NULL_STEP_SECONDS": "0.02"}


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="at-") as made:
        yield Path(made)


@pytest.fixture(scope="module")
def prepared(folder: Path) -> Path:
    """A data folder as `up` leaves it before its first visitor: the tables are there, the static files collected. To be copied."""
    fresh = RunningStudio(folder / "prepared", from_nothing=True, **QUICK)
    fresh.start()
    assert fresh.stop() == 0
    return folder / "prepared"


@pytest.fixture(scope="module")
def studio(folder: Path, prepared: Path) -> Iterator[RunningStudio]:
    running = RunningStudio(Path(shutil.copytree(prepared, folder / "data")), **QUICK)
    running.start()
    running.wait_for(r"^remote.*worker_ready")
    yield running
    assert running.stop() == 0
    assert running.manage("verify_ledger").returncode == 0
    assert list((folder / "data" / "run").iterdir()) == []


@pytest.fixture
def visitor(studio: RunningStudio) -> Visitor:
    return Visitor(studio.url).arrive()


@pytest.fixture
def another(folder: Path, prepared: Path) -> Iterator[Callable[..., RunningStudio]]:
    """`another(name, **environment)`: a studio of its own on a new data folder; killed at the end should it still run."""
    started: list[RunningStudio] = []

    def make(name: str = "", **environment: str) -> RunningStudio:
        data = folder / (name or f"d{len(list(folder.iterdir()))}")
        started.append(RunningStudio(Path(shutil.copytree(prepared, data)), **{**QUICK, **environment}))
        return started[-1]

    yield make
    for one in started:
        if one._process and one._process.poll() is None:
            one.kill()


def jobs(studio: RunningStudio) -> list[tuple[str, int]]:
    return studio.rows("SELECT status, attempt FROM generation_job ORDER BY id")


def send(studio: RunningStudio, body: Iterator[bytes] | bytes, path: str = "/inputs/", **headers: str) -> tuple[int, str, str]:
    """POST without a sign-in; status, content type and body of the answer."""
    connection = http.client.HTTPConnection("localhost", int(studio.url.rsplit(":", 1)[1]), timeout=60)
    connection.request("POST", path, body=body, headers={name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    found = answer.status, answer.headers["content-type"], answer.read().decode()
    connection.close()
    return found


# --- a working studio ------------------------------------------------------------------------------------------------
def test_a_picture_is_made_and_seen_over_the_websocket(studio, visitor):
    with visitor.page() as page:
        answer = visitor.generate("a red boat")
        job = re.search(r'id="job-([0-9a-f-]{36})"', answer.text)[1]
        message = page.until(rf'id="stage-{job}"[^>]*data-status="succeeded"')  # the card alone may have come before, as a new one
    picture = re.search(r'/pictures/[^"]+/large', message)[0]
    assert visitor.http.get(picture).headers["content-type"].startswith("image/")


def test_the_address_is_said_by_name_and_answers_on_both_loopbacks(studio):
    assert re.fullmatch(r"http://localhost:\d+", studio.url)
    port = int(studio.url.rsplit(":", 1)[1])
    assert f"http://localhost:{port}" in studio.url
    for address in ("127.0.0.1", "::1") if socket.has_ipv6 else ("127.0.0.1",):
        connection = http.client.HTTPConnection(address, port, timeout=60)
        connection.request("GET", "/healthz")
        assert connection.getresponse().status == 200
        connection.close()


def test_static_files_have_names_by_content_and_stay_for_ever(studio, visitor):
    style = re.search(r'href="(/static/css/studio\.[0-9a-f]+\.css)"', visitor.http.get("/create/").text)[1]
    answer = visitor.http.get(style)
    assert answer.status_code == 200
    assert "immutable" in answer.headers["cache-control"]


def test_the_web_process_knows_no_torch_and_is_small_enough(studio):
    web = studio.process("web")
    assert not any("torch" in mapped.path for mapped in web.memory_maps())
    assert web.memory_info().rss < 150 * 1024 * 1024


def test_sockets_in_the_data_folder_are_the_owners_alone(studio):
    run = studio.data_dir / "run"
    assert stat.S_IMODE(run.stat().st_mode) == 0o700
    assert stat.S_IMODE((run / "live.sock").stat().st_mode) == 0o600


# --- bodies ----------------------------------------------------------------------------------------------------------
def test_a_body_that_is_declared_too_large_is_refused_in_words(studio):
    status, kind, text = send(studio, b"x" * (LIMIT_MB + 2) * 1024 * 1024, accept="application/json")
    assert (status, kind) == (413, "application/json")
    assert "2 MB is the most" in text


def test_a_body_in_chunks_is_counted_and_spools_nothing(studio):
    def chunks() -> Iterator[bytes]:
        for _ in range((LIMIT_MB + 4) * 16):
            yield b"x" * 65536

    status, kind, text = send(studio, chunks(), accept="text/html")
    assert (status, kind) == (413, "text/html; charset=utf-8")
    assert "<h1>Too large</h1>" in text


def test_a_body_without_end_is_cut_off(studio):
    def endless() -> Iterator[bytes]:
        while True:
            yield b"x" * 65536

    with pytest.raises(OSError, match=r"reset|pipe"):
        send(studio, endless())


def test_a_body_that_fits_reaches_the_view(studio):
    status, _, _ = send(studio, b"x" * LIMIT_MB * 1024 * 1024)
    assert status in (302, 403)  # not signed in, or no token: but asked


def test_the_stability_api_takes_as_much_as_its_contract_says(studio):
    """More than an upload may have here, and from there on in the words of the contract."""
    path = "/v2beta/stable-image/edit/erase?a=b"
    status, kind, text = send(studio, b"x" * 9 * 1024 * 1024, path, content_type="text/plain")
    assert (status, kind, json.loads(text)["errors"]) == (400, "application/json", ["content-type: must be multipart/form-data"])
    status, kind, text = send(studio, b"x" * (10 * 1024 * 1024 + 1), path)
    told = json.loads(text)
    assert (status, kind, told["name"]) == (413, "application/json", "payload_too_large")
    assert told["errors"] == ["body: payloads cannot be larger than 10MiB in size"]
    assert send(studio, iter([b"x" * 1024 * 1024] * 11), path)[0] == 413
    assert send(studio, iter([b"x" * 1024 * 1024] * 11), "/v2beta/audio/stable-audio-2/inpaint", content_type="text/plain")[0] == 400


# --- a second one ----------------------------------------------------------------------------------------------------
def test_a_second_up_on_the_same_data_is_refused_with_a_sentence(studio):
    second = studio.manage("up", "--port", "0")
    assert second.returncode == 1
    assert f"Atelier runs from this data folder already: {studio.url} (process {studio._process.pid})." in second.stderr
    assert "STUDIO_DATA_DIR" in second.stderr


def test_a_second_web_process_on_the_same_data_is_refused_with_a_sentence(studio):
    second = studio.manage("web", "--port", "0")
    assert second.returncode == 1
    assert f"Another web process (process {studio.process('web').pid}) serves this data folder" in second.stderr


def test_a_port_that_is_taken_is_said_and_nothing_is_started(studio, another):
    port = studio.url.rsplit(":", 1)[1]
    second = another().manage("up", "--port", port)
    assert second.returncode == 1
    assert f"Port {port} is taken by another program." in second.stderr


# --- what it survives ------------------------------------------------------------------------------------------------
def test_kill_9_of_the_web_process_and_pages_come_back_to_the_same_address(studio, visitor):
    with visitor.page() as page:
        studio.kill("web")
        with pytest.raises(ConnectionClosed):
            page.until("never")
    studio.wait_for("web was ended by SIGKILL; starting it again")
    studio.wait_for("The site answers again")
    with visitor.page() as page:
        visitor.generate("after the fall")
        page.until(r'data-status="succeeded"')


def test_a_site_that_is_stopped_tells_its_pages_to_come_back(studio, visitor):
    with visitor.page() as page:
        studio.process("web").send_signal(signal.SIGTERM)
        with pytest.raises(ConnectionClosed) as closed:
            page.until("never")
    assert closed.value.rcvd.code == 1012
    studio.wait_for("web ended with status 0; starting it again")
    studio.wait_for("The site answers again")


def test_who_is_not_signed_in_is_told_so(studio):
    with pytest.raises(ConnectionClosed) as closed, Visitor(studio.url).page():
        pass
    assert closed.value.rcvd.code == 4401


def test_kill_9_of_a_worker_and_the_site_stays_up(studio, visitor):
    studio.kill("worker")
    assert visitor.http.get("/create/").status_code == 200
    studio.wait_for("remote was ended by SIGKILL; starting it again")
    with visitor.page() as page:
        visitor.generate("after the fall of the worker")
        page.until(r'data-status="succeeded"')


def test_what_is_stopped_or_killed_in_the_middle_is_made_once_and_charged_once(another):
    studio = another(**SLOW)
    studio.start()
    visitor = Visitor(studio.url).arrive()
    with visitor.page() as page:
        visitor.generate("a patient boat")
        page.until(r"step <span")
        supervisor = psutil.Process(studio._process.pid)
        worker = studio.process("worker")
        supervisor.suspend()  # or the next worker might have the job before its card is drawn
        worker.send_signal(signal.SIGTERM)
        page.until(r'data-status="queued"')  # given back at once, and without costing an attempt
        assert jobs(studio) == [("queued", 0)]
        supervisor.resume()
        while jobs(studio) != [("running", 1)]:
            page.until(r"step <span")
        studio.kill()  # the supervisor and everything
    assert jobs(studio) == [("running", 1)]
    studio.environment["NULL_STEPS"] = "1"
    studio.start()
    assert any("The last run did not end in good order." in line for line in studio.lines)
    with visitor.page() as page:
        if 'data-status="succeeded"' not in page.snapshot:
            page.until(r'data-status="succeeded"')
    assert jobs(studio) == [("succeeded", 2)]
    assert studio.stop() == 0
    assert studio.rows("SELECT kind FROM billing_ledgerentry WHERE reference LIKE 'job:%' ORDER BY id") == [("hold",), ("capture",)]


def test_kill_9_of_the_supervisor_alone_ends_all_and_the_next_start_works_also_in_a_folder_with_a_long_path(another):
    studio = another("long" * 20)
    studio.start()
    children = studio.processes()
    assert len(children) == 2
    studio._process.kill()
    assert psutil.wait_procs(children, timeout=30)[1] == []
    studio.start()
    visitor = Visitor(studio.url).arrive()
    with visitor.page() as page:
        visitor.generate("a boat")
        page.until(r'data-status="succeeded"')
    short = Path((studio.data_dir / "run.path").read_text().strip())
    assert (short / "live.sock").exists()
    assert studio.stop() == 0
    assert list(short.iterdir()) == []
    short.rmdir()


def test_a_full_disk_at_the_start_is_said_in_a_sentence(settings, short_dir, monkeypatch):
    settings.DATA_DIR = short_dir

    def no_room(say):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "a file")

    monkeypatch.setattr(up, "prepare", no_room)
    with pytest.raises(CommandError, match=f"{short_dir} could not be brought up to date: No space left on device. Make room there"):
        call_command("up", port=0)


def test_a_site_whose_settings_are_wrong_does_not_start_and_says_why(another):
    studio = another(STUDIO_TIME_ZONE="Atlantis/Capital")
    done = studio.manage("up", "--port", "0")
    assert done.returncode == 1
    assert "Atlantis" in done.stderr


def test_manage_py_web_alone_stops_in_good_order(another):
    studio = another()
    process = subprocess.Popen(
        [sys.executable, "manage.py", "web", "--port", "0"], cwd=ROOT, env=studio.environment, stdout=subprocess.PIPE, text=True
    )
    url = re.search(r"http://\S+", process.stdout.readline())[0]
    assert Visitor(url).http.get("/healthz").status_code == 200
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    process.stdout.close()
