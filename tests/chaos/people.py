"""People in front of pages and programs with keys: each sends what it asks again, with the same key, until the studio has answered."""

from __future__ import annotations

import html
import random
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from typing import Any

import httpx

from tests.chaos.asks import PROGRAMS, Ask, Journal
from tests.chaos.population import PASSWORD, Account

PATIENCE = 240
"""Seconds after which somebody gives up: the whole studio may be down for a while, with its supervisor or with Redis."""
TIMEOUT = 20
PAUSE = (0.3, 1.5)
MODE = "text-to-image"


class Refused(Exception):
    """The studio has answered, and it was a no."""


class Unanswered(Exception):
    """Nobody was there, or only somebody who said that it goes wrong just now."""


class Client:
    """What pages and programs have in common: asking again."""

    def __init__(self, url: str, seed: int, is_over: threading.Event, **headers: str) -> None:
        self.http = httpx.Client(base_url=url, timeout=TIMEOUT, headers=headers)
        self._chance = random.Random(seed)
        self._is_over = is_over

    def send(self, method: str, path: str, **what: Any) -> httpx.Response:
        """An answer below 500. Raises `Unanswered`."""
        try:
            answer = self.http.request(method, path, **what)
        except httpx.TransportError as error:
            raise Unanswered(type(error).__name__) from None
        if answer.status_code >= 500 or answer.status_code == 429:
            raise Unanswered(f"{answer.status_code} at {method} {path.split('?')[0]}")
        return answer

    def until_answered(self, ask: Ask, attempt: Callable[[], None]) -> bool:
        """Whether it was, before the patience or the run was over."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and not self._is_over.is_set():
            ask.tries += 1
            try:
                attempt()
            except Unanswered as trouble:
                ask.trouble[str(trouble)] = ask.trouble.get(str(trouble), 0) + 1
                self._is_over.wait(self._chance.uniform(*PAUSE))
            except Refused as no:
                ask.refused = str(no)
                return False
            else:
                return True
        return False


def _no(answer: httpx.Response) -> Refused:
    words = re.sub(r"<[^>]+>|\s+", " ", html.unescape(answer.text))
    return Refused(f"{answer.status_code} at {answer.request.method} {answer.request.url.path}: {' '.join(words.split())[:600]}")


# --- pages ------------------------------------------------------------------------------------------------------------


class Person(Client):
    """In a browser without JavaScript."""

    def __init__(self, url: str, account: Account, seed: int, is_over: threading.Event) -> None:
        super().__init__(url, seed, is_over, **{"X-Team": str(account.team_id), "Referer": f"{url}/"})
        self._account = account

    def arrive(self) -> None:
        while True:
            try:
                return self.sign_in()
            except Unanswered:
                time.sleep(1)

    def ask(self, ask: Ask) -> None:
        self.until_answered(ask, lambda: self._table(ask) if ask.is_batch else self._press(ask))

    def stop(self, ask: Ask) -> None:
        where = "batches" if ask.is_batch else "jobs"
        self.until_answered(ask, lambda: self._redirected(f"/{where}/{ask.answer}/cancel/", {"running": "1"}))

    def _press(self, ask: Ask) -> None:
        page = self._open(f"/create/?engine={ask.engine}&mode={MODE}")
        ask.key = ask.key or fields_of(page)["idempotency_key"]
        values = {"engine": ask.engine, "mode": MODE, "prompt": ask.prompts[0], "num_images": "1", "idempotency_key": ask.key}
        ask.answer = _id_in(self._redirected("/create/", values), r"job=([0-9a-f-]{36})")

    def _table(self, ask: Ask) -> None:
        if not ask.key:
            ask.key = fields_of(self._open(f"/create/batch/?engine={ask.engine}&mode={MODE}"))["idempotency_key"]
        table = "\n".join(["prompt", *ask.prompts])
        values = {"engine": ask.engine, "mode": MODE, "table": table, "skip": "0", "idempotency_key": ask.key}
        looked = self._post("/create/batch/", {**values, "step": "check"})
        if looked.status_code != 200:
            raise _no(looked)
        made = fields_of(looked.text) | {"table": table, "step": "make", "idempotency_key": ask.key}
        ask.answer = _id_in(self._redirected("/create/batch/", made), r"/batches/([0-9a-f-]{36})/")

    def _open(self, path: str) -> str:
        answer = self.send("GET", path)
        if answer.status_code != 200:
            raise _no(answer)
        return answer.text

    def sign_in(self) -> None:
        """Raises `Refused`, and `Unanswered` as long as too many do so at once."""
        self.send("GET", "/accounts/login/")
        answer = self._post("/accounts/login/", {"login": self._account.email, "password": PASSWORD})
        if answer.status_code != 302:
            raise _no(answer)

    def _redirected(self, path: str, values: dict[str, str]) -> str:
        answer = self._post(path, values)
        if answer.status_code != 302:
            raise _no(answer)
        return answer.headers["location"]

    def _post(self, path: str, values: dict[str, str]) -> httpx.Response:
        return self.send("POST", path, data=values, headers={"X-CSRFToken": self.http.cookies.get("csrftoken") or ""})


def _id_in(address: str, pattern: str) -> str:
    found = re.search(pattern, address)
    if not found:
        raise Refused(f"was sent to {address}")
    return found[1]


class _Fields(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, str] = {}

    def handle_starttag(self, name: str, attributes: list[tuple[str, str | None]]) -> None:
        told = dict(attributes)
        if name == "input" and told.get("type") == "hidden" and told.get("name"):
            self.found[str(told["name"])] = told.get("value") or ""


def fields_of(page: str) -> dict[str, str]:
    """The hidden fields of a page's forms."""
    parser = _Fields()
    parser.feed(page)
    return parser.found


# --- programs ---------------------------------------------------------------------------------------------------------


class Program(Client):
    def __init__(self, url: str, account: Account, seed: int, is_over: threading.Event) -> None:
        super().__init__(f"{url}/api/v1", seed, is_over, Authorization=f"Bearer {account.secret}")

    def ask(self, ask: Ask) -> None:
        ask.key = secrets.token_hex(12)
        self.until_answered(ask, lambda: self._submit(ask))

    def stop(self, ask: Ask) -> None:
        where = "batches" if ask.is_batch else "jobs"
        self.until_answered(ask, lambda: self._told(self.send("POST", f"/{where}/{ask.answer}/cancel"), 200))

    def _submit(self, ask: Ask) -> None:
        wishes = [{"engine": ask.engine, "prompt": one} for one in ask.prompts]
        path, body = ("/batches", {"title": "From a program", "items": wishes}) if ask.is_batch else ("/jobs", wishes[0])
        answer = self.send("POST", path, json=body, headers={"Idempotency-Key": ask.key})
        told = self._told(answer, 200, 201)
        if told.get("errors"):
            raise Refused(f"{len(told['errors'])} items: {told['errors'][0]}")
        ask.answer = told["id"]

    def _told(self, answer: httpx.Response, *good: int) -> dict[str, Any]:
        if answer.status_code not in good:
            raise _no(answer)
        told: dict[str, Any] = answer.json()
        return told


# --- all of them ------------------------------------------------------------------------------------------------------


class Crowd:
    """Everybody at once: each sends what it asks one after another, at its time or, where that has passed, at once."""

    def __init__(self, url: str, accounts: list[Account], asks: list[Ask], *, seconds: float, seed: int, journal: Journal) -> None:
        self._asks, self._seconds, self._journal = asks, seconds, journal
        self._is_over = threading.Event()
        self._began = 0.0
        self._people = [Person(url, account, seed + number, self._is_over) for number, account in enumerate(accounts)]
        programs = [Program(url, account, seed + number, self._is_over) for number, account in enumerate(accounts)]
        self._threads = [
            threading.Thread(target=self._live, args=(client, mine), daemon=True)
            for number, (person, program) in enumerate(zip(self._people, programs, strict=True))
            for client, mine in (
                (person, [one for one in asks if one.person == number and one.way not in PROGRAMS]),
                (program, [one for one in asks if one.person == number and one.way in PROGRAMS]),
            )
        ]

    def arrive(self) -> None:
        """One after another: what counts tries of an address may not take them for somebody who guesses passwords."""
        for person in self._people:
            person.arrive()

    @property
    def answered(self) -> int:
        """Jobs that were asked for and answered, or refused."""
        return sum(one.rows for one in self._asks if one.answer or one.refused)

    @contextmanager
    def at_work(self) -> Iterator[Crowd]:
        self._began = time.monotonic()
        for thread in self._threads:
            thread.start()
        try:
            yield self
        finally:
            self._is_over.set()
            for thread in self._threads:
                thread.join(TIMEOUT * 2)

    @property
    def is_done(self) -> bool:
        return not any(thread.is_alive() for thread in self._threads)

    def _live(self, client: Person | Program, asks: list[Ask]) -> None:
        for ask in asks:
            if self._is_over.wait(max(0.0, self._began + ask.at * self._seconds - time.monotonic())):
                break
            client.ask(ask)
            if ask.stops and ask.answer:
                ask.stop_sent = True
                client.stop(ask)
            self._journal.asked(ask)
        client.http.close()
