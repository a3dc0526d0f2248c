"""Somebody at the real studio without a browser: HTTP requests and a websocket, as htmx would send them."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from websockets.sync.client import ClientConnection, connect

PASSWORD = "a long enough password"
PATIENCE = 60
HTMX = {"HX-Request": "true"}
BEAT = "{}"
"""What the server says to an open page when it has nothing to say."""


class Visitor:
    """Signs in through the front door. The first one of a studio becomes its owner."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.http = httpx.Client(base_url=url, timeout=PATIENCE, follow_redirects=True)

    def arrive(self, name: str = "Ana Marques") -> Visitor:
        email = f"{name.split()[0].lower()}@harbour.example"
        if "/welcome/" in str(self.http.get("/").url):
            self.post("/welcome/", name=name, email=email, password=PASSWORD)
        else:
            self.post("/accounts/login/", login=email, password=PASSWORD)
        assert self.http.cookies.get("sessionid")
        return self

    def post(self, path: str, **fields: str) -> httpx.Response:
        token = self.http.cookies.get("csrftoken") or ""
        if not token:
            self.http.get(path)
            token = self.http.cookies["csrftoken"]
        headers = {"X-CSRFToken": token, "Referer": self.url + path}
        return self.http.post(path, data=fields, headers=headers)

    def generate(self, prompt: str, **fields: str) -> httpx.Response:
        """Press Generate on the null engine, as htmx does."""
        headers = {"X-CSRFToken": self.http.cookies["csrftoken"], **HTMX}
        values = {"engine": "null", "mode": "text-to-image", "prompt": prompt, "num_images": "1", "idempotency_key": secrets.token_hex(8)}
        answer = self.http.post("/create/", data=values | fields, headers=headers)
        assert answer.status_code == 200, answer.text[:2000]
        return answer

    @contextmanager
    def page(self, query: str = "view=create") -> Iterator[Page]:
        """An open page: its websocket, of which the snapshot has been read."""
        cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.http.cookies.jar)
        address = re.sub("^http", "ws", self.url) + f"/live/?{query}"
        with connect(address, origin=self.url, additional_headers={"Cookie": cookies}, open_timeout=PATIENCE) as line:
            yield Page(line)


class Page:
    def __init__(self, line: ClientConnection) -> None:
        self.line = line
        self.snapshot = self.next()

    def next(self) -> str:
        """Raises `websockets.ConnectionClosed` when the server closes."""
        while (message := self.line.recv(timeout=PATIENCE)) == BEAT:
            pass
        assert isinstance(message, str)
        return message

    def until(self, pattern: str) -> str:
        """The next message in which the pattern is found."""
        while not re.search(pattern, message := self.next()):
            pass
        return message
