"""Developers' pages in a browser: a key made by the keyboard alone, used and revoked; an endpoint whose log fills; fit for every width."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue

import httpx
import pytest
from playwright.sync_api import Browser, expect
from standardwebhooks import Webhook

from tests.browser import developer_shots
from tests.browser.conftest import Person
from tests.browser.developer_shots import Seeded
from tests.browser.running import RunningStudio
from tests.browser.seeding import sign_up
from tests.browser.test_pages import OVERHANG, faults
from tests.browser.test_team_pages import follow, tab_to

WIDTHS = (768, 390, 320)


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStudio]:
    folder = tmp_path_factory.mktemp("studio")
    running = RunningStudio(folder, **developer_shots.QUICK, STUDIO_WEBHOOK_PRIVATE="127.0.0.1")
    running.start()
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def seeded(browser: Browser, studio: RunningStudio) -> Seeded:
    return developer_shots.seed(studio, sign_up(browser, studio))


@pytest.fixture
def ana(person: Callable[..., Person], seeded: Seeded) -> Person:
    return person(storage_state=seeded.people["owner"].context.storage_state(), permissions=["clipboard-read", "clipboard-write"])


@pytest.fixture
def receiver() -> Iterator[tuple[str, Queue[tuple[dict[str, str], bytes]]]]:
    """Somebody's server: its address, and what it was sent."""
    heard: Queue[tuple[dict[str, str], bytes]] = Queue()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.put(({name.lower(): value for name, value in self.headers.items()}, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"thank you")

        def log_message(self, *words: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/hook", heard
    server.shutdown()
    server.server_close()


def test_a_key_is_made_copied_used_and_revoked_by_the_keyboard_alone(ana: Person, studio: RunningStudio) -> None:
    page = ana.go("/developers/")
    follow(page, "Make a key")
    tab_to_field(ana, "name")
    page.keyboard.type("Typed by hand")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Typed by hand is made")).to_be_visible()
    page.wait_for_load_state()  # the press is listened for
    tab_to(page, "Copy the secret")
    page.keyboard.press("Enter")
    toast = page.locator(".toast")
    expect(toast).to_contain_text("The secret is copied.")
    said = toast.inner_text()
    secret = page.evaluate("navigator.clipboard.readText()")
    assert secret == page.locator("#secret").input_value()
    assert secret not in said
    assert secret not in page.url
    headers, address = {"Authorization": f"Bearer {secret}"}, f"{studio.url}/api/v1/engines"
    assert httpx.get(address, headers=headers).status_code == 200
    page.reload()
    expect(page.get_by_text("was shown once and is not kept here")).to_be_visible()
    assert secret not in page.content()
    follow(page, "Revoke")
    follow(page, "Revoke the key")
    expect(page.get_by_text("No program gets in with sk-")).to_be_visible()
    refused = httpx.get(address, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (401, "bad_key")


def tab_to_field(person: Person, name: str) -> None:
    for _ in range(60):
        person.page.keyboard.press("Tab")
        if person.page.evaluate("document.activeElement.name") == name:
            return
    raise AssertionError(f"Tab never came to {name!r}")


def test_a_key_is_made_and_its_secret_shown_without_javascript(person: Callable[..., Person], seeded: Seeded) -> None:
    plain = person(storage_state=seeded.people["owner"].context.storage_state(), java_script_enabled=False)
    page = plain.go("/developers/keys/new/")
    page.get_by_label("Name", exact=True).fill("No scripts")
    page.get_by_role("button", name="Make the key").click()
    expect(page.locator("#secret")).to_have_value(re.compile(r"sk-[0-9A-Za-z]{57}"))
    expect(page.get_by_role("button", name="Copy")).to_have_count(0)


def test_a_test_arrives_and_its_line_comes_into_the_log_by_itself(
    ana: Person, receiver: tuple[str, Queue[tuple[dict[str, str], bytes]]]
) -> None:
    address, heard = receiver
    page = ana.go("/developers/webhooks/new/")
    page.get_by_label("Address").fill(address)
    page.get_by_role("button", name="Add the endpoint").click()
    secret = page.locator("#secret").input_value()
    page.get_by_role("link", name="To the endpoint").click()
    page.get_by_role("button", name="Send a test").click()
    headers, body = heard.get(timeout=60)
    told = Webhook(secret).verify(body, headers)
    assert told["type"] == "test"
    line = page.locator("#log tbody tr")
    expect(line).to_contain_text("Delivered")
    expect(line).to_contain_text("200 in")
    line.get_by_role("link", name="A test").click()
    expect(page.locator("pre").first).to_contain_text(told["id"])
    expect(page.get_by_text("thank you")).to_be_visible()
    page.get_by_role("button", name="Send it again").click()
    again, _ = heard.get(timeout=60)
    assert again["webhook-id"] == headers["webhook-id"]


def test_every_page_is_fit_for_everybody(ana: Person, seeded: Seeded) -> None:
    found = {}
    for shot in (shot for shot in developer_shots.SHOTS if shot.who == "owner"):
        ana.page.set_viewport_size({"width": 1440, "height": 900})
        page = ana.go(shot.path if isinstance(shot.path, str) else shot.path(seeded))
        if shot.act:
            shot.act(page)
        found[shot.name] = faults(page)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 844})
            found[shot.name] += [f"{over} px too wide at {width}"] if (over := page.evaluate(OVERHANG)) else []
    assert {name: wrong for name, wrong in found.items() if wrong} == {}
