"""The servers of the teams, which hear of what happens: one that now and then answers 500, says nothing for a while, or is down."""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from standardwebhooks import Webhook, WebhookVerificationError

from tests.chaos.asks import Journal

MOODS = (("took it", 0.82), ("answered 500", 0.07), ("hung up", 0.04), ("was slow", 0.06), ("hung", 0.01))
SLOW_SECONDS = 2.0
HUNG_SECONDS = 17.0
"""Longer than the studio waits for an answer (`webhooks/sending.WHOLE_SECONDS`)."""
DOWN_SECONDS = (1.0, 3.0)


class Arrival(NamedTuple):
    """A webhook that a receiver took, i.e. answered with 204. `about` is the id of the job or batch that it tells of."""

    event_id: str
    kind: str
    about: str
    is_signed: bool


class Receiver:
    """`/hooks/TEAM` is the endpoint of a team; `secrets` has what signs for it. An event that was refused once is taken the next time:
    the third try would come a minute later, the fourth after five.
    """

    def __init__(self, seed: int, journal: Journal) -> None:
        self.secrets: dict[str, str] = {}
        self.arrivals: list[Arrival] = []
        self.moods = Counter[str]()
        self._journal = journal
        self._chance, self._lock = random.Random(seed), threading.Lock()
        self._refused: set[str] = set()
        self._server = self._open(0)
        self.port: int = self._server.server_address[1]

    def url(self, team: str) -> str:
        return f"http://127.0.0.1:{self.port}/hooks/{team}"

    def go_down(self) -> None:
        """Refuse connections for a moment."""
        self.moods["was down"] += 1
        self._close()
        time.sleep(self._chance.uniform(*DOWN_SECONDS))
        self._server = self._open(self.port)

    def close(self) -> None:
        self._close()

    def took(self, team: str, headers: Any, body: bytes) -> str:
        """What is done with a request. It has arrived when it gets its answer."""
        payload = json.loads(body)
        mood = self._mood(payload["id"])
        if mood in ("took it", "was slow"):
            one = Arrival(payload["id"], payload["type"], payload["data"].get("id", ""), self._is_signed(team, headers, body))
            with self._lock:
                self.arrivals.append(one)
            self._journal.write("arrived", **one._asdict())
        return mood

    def _mood(self, event_id: str) -> str:
        with self._lock:
            mood = self._chance.choices([name for name, _ in MOODS], [part for _, part in MOODS])[0]
            if mood != "took it" and event_id in self._refused:
                mood = "took it"
            if mood not in ("took it", "was slow"):
                self._refused.add(event_id)
            self.moods[mood] += 1
        return mood

    def _is_signed(self, team: str, headers: Any, body: bytes) -> bool:
        signed = {name.lower(): value for name, value in headers.items()}
        with suppress(WebhookVerificationError, KeyError):
            Webhook(self.secrets[team]).verify(body, signed)
            return signed["webhook-id"] == json.loads(body)["id"]
        return False

    def _open(self, port: int) -> ThreadingHTTPServer:
        server = _Server(("127.0.0.1", port), _Handler)
        server.receiver = self
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="receiver", daemon=True).start()
        return server

    def _close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    receiver: Receiver


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        mood = self.server.receiver.took(self.path.rsplit("/", 1)[1], self.headers, body)
        if mood == "hung":
            time.sleep(HUNG_SECONDS)
        if mood in ("hung", "hung up"):
            self.close_connection = True
            return
        if mood == "was slow":
            time.sleep(SLOW_SECONDS)
        with suppress(OSError):  # whoever sent it was killed meanwhile
            self.send_response(500 if mood == "answered 500" else 204)
            self.send_header("Content-Length", "0")
            self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the journal has it."""
