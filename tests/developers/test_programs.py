"""The programs of the examples page, copied from the page as people do, and run against the real studio with a key that was made there."""

from __future__ import annotations

import html
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from PIL import Image
from standardwebhooks import Webhook

from studio.developers.programs import LANGUAGES, TASKS
from tests.browser.running import RunningStudio
from tests.factories import draw
from tests.processes.visitor import Visitor

COMMANDS = {"curl": ["sh"], "python": [sys.executable], "requests": [sys.executable], "javascript": ["node"]}
NEEDS = {"curl": ("sh", "curl", "jq", "openssl"), "javascript": ("node",)}
"""Without these a machine cannot run what is written for them."""
CHECKS = {"curl": ["sh", "-n"], "javascript": ["node", "--check"]}
QUICK = {
    "STUDIO_NULL_ENGINE": "1",
    "STUDIO_LOCAL_RUNNER": "0",
    "STUDIO_WELCOME_CREDITS": "1000",
    "STUDIO_WEBHOOK_PRIVATE": "127.0.0.1,localhost",
}
ROUTE = """
from studio.api.models import EngineRoute
EngineRoute.objects.create(asked="stable-image/generate/core", engine="null")
"""
PATIENCE = 120
"""Seconds for a program; it takes two where nothing else runs."""
HERE = [language for language in LANGUAGES if all(shutil.which(one) for one in NEEDS.get(language, ()))]
EVERY = [(task, language) for task, one in TASKS.items() for language in one.languages if language in HERE]


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStudio]:
    running = RunningStudio(tmp_path_factory.mktemp("studio"), **QUICK)
    running.start()
    running.wait_for(r"^remote.*worker_ready")
    routed = running.manage("shell", "--no-imports", "-c", ROUTE)
    assert routed.returncode == 0, routed.stderr
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def ana(studio: RunningStudio) -> Visitor:
    return Visitor(studio.url).arrive()


@pytest.fixture(scope="module")
def secret(ana: Visitor) -> str:
    page = ana.post("/developers/keys/new/", name="Robot", scopes=["generate"], expires="7", ticket="once").text
    return re.search(r'<textarea id="secret"[^>]*>(sk-\w+)<', page)[1]


def shown(ana: Visitor, task: str, language: str, key: str = "") -> str:
    """What the copy button of the page copies."""
    page = ana.http.get("/developers/examples/", params={"task": task, "in": language, "key": key}).text
    return html.unescape(re.search(r'data-copy="([^"]*)" data-copied="The program', page)[1])


def write(text: str, language: str, folder: Path) -> Path:
    file = folder / LANGUAGES[language].file
    file.write_text(text)
    return file


def run(file: Path, language: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMANDS[language], file.name],
        cwd=file.parent,
        env=os.environ | environment,
        text=True,
        capture_output=True,
        check=False,
        timeout=PATIENCE,
    )


@pytest.mark.parametrize(("task", "language"), EVERY)
def test_a_program_reads_as_its_language(ana: Visitor, studio: RunningStudio, tmp_path: Path, task: str, language: str) -> None:
    text = shown(ana, task, language)
    if language in ("python", "requests"):
        compile(text, "example.py", "exec")
    else:
        checked = subprocess.run([*CHECKS[language], write(text, language, tmp_path)], capture_output=True, text=True, check=False)
        assert (checked.returncode, checked.stderr) == (0, "")
    assert "studio.example" not in text
    assert "ENGINE" not in text
    assert "KEYSPART" not in text
    assert task == "webhook" or studio.url in text


@pytest.mark.parametrize(("task", "language"), [one for one in EVERY if one[0] != "webhook"])
def test_a_program_makes_a_picture(ana: Visitor, secret: str, tmp_path: Path, task: str, language: str) -> None:
    file = write(shown(ana, task, language, secret[3:11]), language, tmp_path)
    (tmp_path / "photo.png").write_bytes(draw(256, 256))
    done = run(file, language, ATELIER_KEY=secret)
    assert done.returncode == 0, done.stderr
    [made] = [one for one in tmp_path.iterdir() if one.name.startswith("picture")]
    with Image.open(made) as picture:
        picture.load()
        assert picture.format == ("WEBP" if task == "core" else "PNG")
    assert made.name in done.stdout


@pytest.mark.parametrize(("task", "language"), [one for one in EVERY if one[0] == "picture" or one[1] == "requests"])
def test_a_program_with_a_wrong_key_says_so_and_makes_nothing(ana: Visitor, tmp_path: Path, task: str, language: str) -> None:
    file = write(shown(ana, task, language), language, tmp_path)
    done = run(file, language, ATELIER_KEY="sk-nobody")
    assert done.returncode != 0
    assert not list(tmp_path.glob("picture*"))
    assert re.search("key|authorization", done.stderr + done.stdout, re.IGNORECASE)


@pytest.mark.parametrize("language", [one for one in HERE if one == "curl"])
def test_the_program_beside_a_new_secret_runs_as_it_is(ana: Visitor, tmp_path: Path, language: str) -> None:
    page = ana.post("/developers/keys/new/", name="With its secret", scopes=["generate"], expires="7", ticket="another").text
    text = html.unescape(re.search(r'data-copy="([^"]*)" data-copied="The program', page)[1])
    done = run(write(text, language, tmp_path), language)
    assert done.returncode == 0, done.stderr
    with Image.open(tmp_path / "picture.png") as picture:
        picture.load()


# --- webhooks --------------------------------------------------------------------------------------------------------


@contextmanager
def listening(file: Path, language: str, whsec: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The program, once it listens, and its address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = os.environ | {"ATELIER_WEBHOOK_SECRET": whsec, "PORT": str(port)}
    with subprocess.Popen([*COMMANDS[language], file.name], cwd=file.parent, env=environment, text=True, stdout=subprocess.PIPE) as process:
        try:
            while True:
                assert process.poll() is None
                with socket.socket() as line:
                    if line.connect_ex(("127.0.0.1", port)) == 0:
                        break
            yield process, f"http://127.0.0.1:{port}/"
        finally:
            process.kill()


@pytest.mark.parametrize("language", [one for one in HERE if one in ("python", "javascript")])
def test_a_program_hears_of_what_happens_and_believes_nobody_else(ana: Visitor, secret: str, tmp_path: Path, language: str) -> None:
    file = write(shown(ana, "webhook", language), language, tmp_path)
    # An endpoint has its secret before its address is known here: the port is one that was free a moment ago.
    page = ana.post("/developers/webhooks/new/", url="http://127.0.0.1:9/", events=["job.succeeded"], description=language)
    whsec = html.unescape(re.search(r'<textarea id="secret"[^>]*>(whsec_[^<]+)<', page.text)[1])
    path = str(page.url.copy_with(query=None)).removeprefix(ana.url).removesuffix("secret/")
    with listening(file, language, whsec) as (process, address):
        ana.post(f"{path}change/", url=address, events=["job.succeeded"], description=language)
        ana.post(f"{path}test/")
        assert process.stdout.readline() == "test \n"
        headers = {"Authorization": f"Bearer {secret}"}
        wish = {"engine": "null", "mode": "text-to-image", "prompt": "a lighthouse"}
        job = httpx.post(f"{ana.url}/api/v1/jobs", json=wish, headers=headers).json()["id"]
        assert process.stdout.readline() == f"job.succeeded {job}\n"
        body, now = '{"id": "evt_made_up", "type": "job.succeeded", "data": {}}', datetime.now(UTC)
        about = {"webhook-id": "evt_made_up", "webhook-timestamp": str(int(now.timestamp()))}
        for signature in (
            "v1,bWFkZSB1cA==",
            Webhook("whsec_" + "bWFkZSB1cCBzZWNyZXQgdGhhdCBpcyBub3QgdGhlIG9uZQ==").sign("evt_made_up", now, body),
        ):
            assert httpx.post(address, content=body, headers={**about, "webhook-signature": signature}).status_code == 400
        good = Webhook(whsec).sign("evt_made_up", now, body)
        assert httpx.post(address, content=body, headers={**about, "webhook-signature": good}).status_code == 204
    ana.post(f"{path}delete/")


@pytest.mark.parametrize("language", [one for one in HERE if one == "curl"])
def test_a_call_is_checked_by_hand(ana: Visitor, tmp_path: Path, language: str) -> None:
    file = write(shown(ana, "webhook", language), language, tmp_path)
    body, now = '{"id": "evt_1", "type": "test"}', datetime.now(UTC)
    (tmp_path / "body.json").write_text(body)
    whsec = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    right = Webhook(whsec).sign("evt_1", now, body)
    about = {"ATELIER_WEBHOOK_SECRET": whsec, "WEBHOOK_ID": "evt_1", "WEBHOOK_TIMESTAMP": str(int(now.timestamp()))}
    assert run(file, language, **about, WEBHOOK_SIGNATURE=f"v1,b2xk {right}").stdout == "The studio sent this.\n"
    assert run(file, language, **about, WEBHOOK_SIGNATURE="v1,b2xk").returncode == 1
    old = about | {"WEBHOOK_TIMESTAMP": str(int(now.timestamp()) - 400)}
    assert "older than five minutes" in run(file, language, **old, WEBHOOK_SIGNATURE=right).stderr
