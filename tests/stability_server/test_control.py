"""The page, the routes for tests in other processes, and the command that people start."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from studio.api.stability.contract import endpoint, endpoints
from tests.stability_server import KEY, StandIn
from tests.stability_server.minimal import post

ROOT = Path(__file__).resolve().parents[2]
FLASH = endpoint("POST", "/v2beta/stable-image/generate/sd3")


def test_the_page_lists_endpoints_and_books(client: httpx.Client, standin: StandIn) -> None:
    request_id = post(client, FLASH).headers["x-request-id"]
    page = client.get("/")

    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert [one.path for one in endpoints() if one.path not in page.text] == []
    assert "6.5 credits in 1 call<" in page.text
    assert request_id in page.text
    assert "993.5 credits" in page.text


def test_books_requests_and_keys_over_http(client: httpx.Client, standin: StandIn) -> None:
    keys = client.post("/_standin/keys", json={"secret": "sk-second", "balance": "2.5"}).json()
    answer = post(client, FLASH, model="sd3.5-flash")
    other = client.get("/v1/user/balance", headers={"authorization": "Bearer sk-second"}).json()
    client.post("/_standin/keys", json={"secret": "sk-second", "revoked": True})
    revoked = client.get("/v1/user/balance", headers={"authorization": "Bearer sk-second"})
    books = client.get("/_standin/books").json()

    assert keys[1] == {"secret": "sk-second", "balance": "2.5", "revoked": False}
    assert other == {"credits": 2.5}
    assert revoked.status_code == 401
    assert (books["total"], books["balances"]) == ("2.5", {KEY: "997.5", "sk-second": "2.5"})
    assert [(charge["endpoint"], charge["credits"]) for charge in books["charges"]] == [(FLASH.path, "2.5")]
    assert books["charges"][0]["request_id"] == answer.headers["x-request-id"]
    assert [(one["path"], one["status"]) for one in client.get("/_standin/requests").json()] == [
        (FLASH.path, 200),
        ("/v1/user/balance", 200),
        ("/v1/user/balance", 401),
    ]


def test_faults_over_http(client: httpx.Client, standin: StandIn) -> None:
    added = client.post("/_standin/faults", json={"fault": "status=503", "times": 2, "path": "/v1/*"}).json()
    answers = [client.get("/v1/user/balance").status_code for _ in range(1)]
    cleared = client.delete("/_standin/faults").json()
    answers.append(client.get("/v1/user/balance").status_code)

    assert added == [{"fault": "status=503", "path": "/v1/*", "times": 2, "key": ""}]
    assert (answers, cleared) == ([503, 200], [])


def test_reset_forgets_everything(client: httpx.Client, standin: StandIn) -> None:
    post(client, FLASH)
    client.post("/_standin/reset")

    assert client.get("/_standin/books").json() == {"total": "0", "charges": [], "balances": {KEY: "1000"}}
    assert client.get("/_standin/requests").json() == []


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/_standin/nothing", b"", 404),
        ("PUT", "/_standin/faults", b"", 404),
        ("POST", "/_standin/faults", b"{", 400),
        ("POST", "/_standin/faults", b'{"fault": "nonsense"}', 400),
        ("POST", "/_standin/faults", b'{"path": "*"}', 400),
    ],
)
def test_mistakes_are_told(client: httpx.Client, standin: StandIn, method: str, path: str, body: bytes, status: int) -> None:
    answer = client.request(method, path, content=body)

    assert answer.status_code == status
    assert answer.json()["error"]
    assert standin.faults.waiting() == []


def command(*words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.stability_server", *words],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_the_command_says_where_it_is_and_stops_on_ctrl_c() -> None:
    with command("--port", "0", "--balance", "7") as process:
        said = [process.stdout.readline() for _ in range(4)]
        url = re.search(r"listens on (http://127\.0\.0\.1:\d+)", said[0])[1]
        balance = httpx.get(f"{url}/v1/user/balance", headers={"authorization": KEY}, trust_env=False)
        process.send_signal(signal.SIGINT)
        code = process.wait(20)

    assert balance.json() == {"credits": 7.0}
    assert said[2] == f"  STABILITY_API_HOST={url} STABILITY_API_KEY={KEY} make run\n"
    assert code == 0


def test_a_port_that_is_taken_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with command("--port", port) as process:
            said = process.stderr.read()

    assert process.returncode == 1
    assert said == f"Cannot listen on port {port}: Address already in use. Choose another one: make stability-standin PORT=8687\n"


def test_make_starts_it() -> None:
    done = subprocess.run(["make", "-n", "stability-standin", "PORT=9000"], cwd=ROOT, capture_output=True, text=True, check=True)

    assert "-m tests.stability_server --port 9000" in done.stdout
