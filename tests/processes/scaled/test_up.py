"""`manage.py up` with PostgreSQL and Redis: several web processes on one port, and what they survive."""

from __future__ import annotations

import http.client
import re
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import psutil
import pytest
from websockets.exceptions import ConnectionClosed

from tests.processes.visitor import Visitor

PATIENCE = 60
LIMIT_MB = 2


def ask(studio, path: str = "/healthz") -> int:
    return httpx.get(studio.url + path, timeout=PATIENCE).status_code


def send(studio, body: Iterator[bytes] | bytes, **headers: str) -> tuple[int, str, str]:
    """POST without a sign-in; status, content type and body of the answer."""
    connection = http.client.HTTPConnection("localhost", int(studio.url.rsplit(":", 1)[1]), timeout=PATIENCE)
    connection.request("POST", "/inputs/", body=body, headers=headers)
    answer = connection.getresponse()
    found = answer.status, answer.headers["content-type"], answer.read().decode()
    connection.close()
    return found


def test_both_web_processes_serve_and_what_one_is_asked_for_is_seen_at_the_other(studio, visitor):
    """Pages that are open at either of them hear of a job, whichever of them was asked for it."""
    port = int(studio.url.rsplit(":", 1)[1])
    webs = [studio.process(name) for name in ("web-1", "web-2")]
    lines: list[socket.socket] = []
    served: set[int] = set()
    while len(served) < 2:  # whoever wakes first accepts
        assert len(lines) < 500, "all of 500 connections went to the same"
        lines.append(socket.create_connection(("127.0.0.1", port)))
        lines[-1].sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert lines[-1].recv(15) == b"HTTP/1.1 200 OK"
        mine = lines[-1].getsockname()[1]
        served |= {web.pid for web in webs for end in web.net_connections("tcp") if end.raddr and end.raddr.port == mine}
    for line in lines:
        line.close()
    with visitor.page() as first, visitor.page() as second, visitor.page() as third:
        visitor.generate("a red boat")
        for page in (first, second, third):
            page.until(r'data-status="succeeded"')


def test_no_web_process_knows_torch_and_each_is_small_enough(studio):
    for name in ("web-1", "web-2"):
        web = studio.process(name)
        assert not any("torch" in mapped.path for mapped in web.memory_maps())
        assert web.memory_info().rss < 160 * 1024 * 1024


def test_kill_9_of_a_web_process_and_the_other_answers_until_it_is_back(studio, visitor, has_come_back):
    with visitor.page() as one, visitor.page() as other:
        victim = studio.process("web-1")
        studio.kill("web-1")
        with ThreadPoolExecutor(4) as people:
            assert set(people.map(lambda _: ask(studio), range(40))) == {200}
        has_come_back("web-1", victim.pid)
        fresh = Visitor(studio.url).arrive()
        fresh.generate("after the fall")
        for page in (one, other):
            try:
                page.until(r'data-status="succeeded"')
            except ConnectionClosed:  # it was at the one that was killed: a browser comes back, and gets a snapshot
                with fresh.page() as again:
                    assert "after the fall" in again.snapshot


@pytest.mark.parametrize("name", ["worker-1", "worker-2"])
def test_kill_9_of_a_worker_and_the_other_goes_on(studio, visitor, has_come_back, name):
    victim = studio.process(name)
    studio.kill(name)
    with visitor.page() as page:
        job = re.search(r'id="job-([0-9a-f-]{36})"', visitor.generate("after the fall of the worker").text)[1]
        page.until(rf'id="stage-{job}"[^>]*data-status="succeeded"')
    has_come_back(name, victim.pid)


def test_kill_9_of_the_supervisor_ends_all_and_the_next_start_goes_on(studio):
    children = studio.processes()
    studio._process.kill()
    assert psutil.wait_procs(children, timeout=PATIENCE)[1] == []
    studio.start()
    assert any("The last run did not end in good order." in line for line in studio.lines)
    assert ask(studio) == 200


# --- bodies ----------------------------------------------------------------------------------------------------------
def test_a_body_that_is_declared_too_large_is_refused_in_words(studio):
    status, kind, text = send(studio, b"x" * (LIMIT_MB + 2) * 1024 * 1024, accept="application/json")
    assert (status, kind) == (413, "application/json")
    assert "2 MB is the most" in text


def test_a_body_in_chunks_is_counted(studio):
    status, kind, text = send(studio, iter([b"x" * 65536] * (LIMIT_MB + 4) * 16), accept="text/html")
    assert (status, kind) == (413, "text/html; charset=utf-8")
    assert "<h1>Too large</h1>" in text


def test_a_body_without_end_is_cut_off(studio):
    def endless() -> Iterator[bytes]:
        while True:
            yield b"x" * 65536

    with pytest.raises(OSError, match=r"reset|pipe"):
        send(studio, endless())


def test_a_body_that_fits_reaches_the_view(studio):
    assert send(studio, b"x" * LIMIT_MB * 1024 * 1024)[0] in (302, 403)  # not signed in, or no token: but asked


# --- words that make no sense ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--worker", "dall-e"], "No engine has the queue dall-e. There are: diffusers, stability, null."),
        (["--worker", "stability"], "The engines of the queue stability are switched off here"),
        (["--web", "0"], "--web: at least one process has to serve the site."),
    ],
)
def test_words_that_make_no_sense_are_refused_with_a_sentence(studio, words, sentence):
    done = studio.manage("up", "--port", "0", *words)
    assert done.returncode == 1
    assert sentence in done.stderr
