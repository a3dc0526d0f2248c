"""The real site behind the real proxy: pages over TLS, the live socket, uploads, and a site that goes away."""

from __future__ import annotations

import os
import re
import shutil
import ssl
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPSConnection

import httpx
import pytest
from websockets.sync.client import connect

from tests.browser.running import embedded, prepared
from tests.docker.proxy import ROOT, Proxy, free_port
from tests.processes.visitor import PATIENCE, Visitor

MIB = 1024 * 1024
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
"""Any sixteen bytes: what a browser makes up for each socket."""


class SecureVisitor(Visitor):
    """One who trusts the trial's certificate."""

    def __init__(self, proxy: Proxy) -> None:
        super().__init__(proxy.url)
        self.trusting = ssl.create_default_context(cafile=str(proxy.certificate))
        self.http = httpx.Client(base_url=proxy.url, verify=self.trusting, timeout=PATIENCE, follow_redirects=True)


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Proxy, subprocess.Popen[str]]]:
    """The proxy, and the web process behind it."""
    data = tmp_path_factory.mktemp("data")
    shutil.copytree(prepared(), data, dirs_exist_ok=True)
    port = free_port()
    proxy = Proxy(tmp_path_factory.mktemp("proxy"), f"127.0.0.1:{port}")
    environment = embedded(
        data, STUDIO_URL=proxy.url, STUDIO_TRUSTED_PROXIES="1", STUDIO_NULL_ENGINE="1", STUDIO_ENV_FILE=os.devnull, STUDIO_PORT=str(port)
    )
    web = subprocess.Popen([sys.executable, "manage.py", "web"], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    assert web.stdout
    assert re.search(r"Serving http://localhost:\d+", web.stdout.readline())
    with proxy:
        while httpx.get(f"{proxy.url}/healthz", verify=False).status_code != 200:
            assert web.poll() is None
        yield proxy, web
    web.kill()
    web.wait()


@pytest.fixture(scope="module")
def ana(studio: tuple[Proxy, subprocess.Popen[str]]) -> SecureVisitor:
    """The owner of the new studio, signed in through the proxy."""
    visitor = SecureVisitor(studio[0])
    visitor.arrive()
    return visitor


def test_pages_come_over_tls_and_their_cookies_stay_there(ana: SecureVisitor) -> None:
    answer = ana.http.get("/create/")

    assert answer.status_code == 200
    assert answer.history == []  # the studio knows that this was TLS, and leads nobody there
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=31536000")
    assert {cookie.name for cookie in ana.http.cookies.jar if not cookie.secure} == set()


def test_an_open_page_hears_through_the_proxy(ana: SecureVisitor) -> None:
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in ana.http.cookies.jar)
    address = ana.url.replace("https", "wss") + "/live/?view=create"

    with connect(address, ssl=ana.trusting, origin=ana.url, additional_headers={"Cookie": cookies}, open_timeout=PATIENCE) as line:
        joined, snapshot = (line.recv(timeout=PATIENCE) for _ in range(2))

    assert joined == "{}"
    assert "running" in str(snapshot)


def test_another_site_s_page_hears_nothing(ana: SecureVisitor) -> None:
    """Asked by hand: of 400 such refusals over a kept-alive line the websocket library waited three times for an end that does not come."""
    asked = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": KEY}

    of_ours = ana.http.get("/live/?view=create", headers=asked | {"Origin": ana.url})
    of_another = ana.http.get("/live/?view=create", headers=asked | {"Origin": "https://evil.example"})

    assert (of_ours.status_code, of_another.status_code) == (101, 403)


def test_the_studio_itself_refuses_what_is_too_large(ana: SecureVisitor) -> None:
    """30 MB are more than STUDIO_MAX_UPLOAD_MB, and less than the proxy minds."""
    headers = {"X-CSRFToken": ana.http.cookies["csrftoken"], "Referer": ana.url + "/create/"}

    answer = ana.http.post("/inputs/", files={"file": ("big.png", b"\0" * 30 * MIB, "image/png")}, headers=headers)

    assert answer.status_code == 413
    assert "is the most that can be sent at once" in answer.text


def test_what_is_far_too_large_ends_at_the_proxy(ana: SecureVisitor) -> None:
    """It is told by the length alone: nothing of it has to travel."""
    line = HTTPSConnection("localhost", httpx.URL(ana.url).port, context=ana.trusting, timeout=PATIENCE)
    line.putrequest("POST", "/inputs/")
    line.putheader("Content-Length", str(65 * MIB))
    line.endheaders()

    answer = line.getresponse()

    assert answer.status == 413
    assert b"nginx" in answer.read()
    line.close()


def test_when_the_site_goes_away_static_files_stay(ana: SecureVisitor, studio: tuple[Proxy, subprocess.Popen[str]]) -> None:
    """Last of all: it ends the site."""
    page = ana.http.get("/create/").text
    style = re.search(r'href="(/static/[^"]+\.css)"', page)[1]
    before = ana.http.get(style)
    assert before.status_code == 200

    studio[1].kill()
    studio[1].wait()

    assert ana.http.get("/create/").status_code == 502
    assert ana.http.get(style).content == before.content
