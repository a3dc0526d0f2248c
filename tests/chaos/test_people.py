"""Whoever gets no answer sends the same again, under the same key; whoever gets a no stops."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from tests.chaos import people
from tests.chaos.asks import Ask
from tests.chaos.people import Person, Program
from tests.chaos.population import Account

ID = "01a21e20-b58e-7156-b879-b88df12a3668"
ACCOUNT = Account("ana@harbour.example", 7, "sk-secret")
Answers = list[Callable[[httpx.Request], httpx.Response]]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people, "PAUSE", (0, 0))


def made(kind: type[Any], answers: Answers) -> tuple[Any, list[httpx.Request]]:
    """A client whose POSTs get these answers; every page that it opens has a key of its own."""
    client, posts, keys = kind("http://studio", ACCOUNT, 1, threading.Event()), [], itertools.count(1)

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(
                200, text=f'<form><input type="hidden" name="idempotency_key" value="key {next(keys)} &amp; more"></form>'
            )
        posts.append(request)
        return answers.pop(0)(request)

    client.http = httpx.Client(base_url=client.http.base_url, headers=client.http.headers, transport=httpx.MockTransport(answer))
    return client, posts


def gone(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("nobody is there", request=request)


def broken(request: httpx.Request) -> httpx.Response:
    return httpx.Response(503)


def sent_on(address: str) -> Callable[[httpx.Request], httpx.Response]:
    return lambda request: httpx.Response(302, headers={"location": address})


def test_a_press_is_sent_again_with_its_key() -> None:
    ask = Ask(3, "press", 0, "null", 1, 0.5)
    person, posts = made(Person, [gone, broken, sent_on(f"/create/?job={ID}")])
    person.ask(ask)
    assert [parse_qs(one.content.decode())["idempotency_key"] for one in posts] == [["key 1 & more"]] * 3
    assert (ask.answer, ask.tries, ask.trouble) == (ID, 3, {"ConnectError": 1, "503 at POST /create/": 1})
    assert {one.headers["x-team"] for one in posts} == {"7"}


def test_a_table_is_looked_at_and_made_with_its_key() -> None:
    ask = Ask(3, "table", 0, "null", 2, 0.5)
    look: Any = lambda request: httpx.Response(200, text='<input type="hidden" name="digest" value="abc">')  # noqa: E731
    person, posts = made(Person, [look, gone, look, sent_on(f"/batches/{ID}/")])
    person.ask(ask)
    sent = [parse_qs(one.content.decode()) for one in posts]
    assert [(one["step"], one.get("digest")) for one in sent] == [(["check"], None), (["make"], ["abc"])] * 2
    assert {one["idempotency_key"][0] for one in sent} == {"key 1 & more"}
    assert {one["table"][0] for one in sent} == {"prompt\nask0003row00 a boat in the harbour\nask0003row01 a boat in the harbour"}
    assert ask.answer == ID


def test_a_program_sends_its_key_again() -> None:
    ask = Ask(3, "program", 0, "null", 1, 0.5)
    told: Any = lambda request: httpx.Response(201, json={"id": ID})  # noqa: E731
    program, posts = made(Program, [broken, gone, told])
    program.ask(ask)
    assert [one.headers["idempotency-key"] for one in posts] == [ask.key] * 3
    assert {one.headers["authorization"] for one in posts} == {"Bearer sk-secret"}
    assert ask.answer == ID


def test_a_no_is_written_down_and_not_asked_again() -> None:
    ask = Ask(3, "press", 0, "null", 1, 0.5)
    person, posts = made(Person, [lambda request: httpx.Response(422, text="<p>This costs 8\n credits.</p>")])
    person.ask(ask)
    assert (ask.answer, len(posts)) == ("", 1)
    assert ask.refused == "422 at POST /create/: This costs 8 credits."


def test_a_batch_of_which_a_row_was_refused_is_no_answer() -> None:
    ask = Ask(3, "program batch", 0, "null", 2, 0.5)
    told: Any = lambda request: httpx.Response(201, json={"id": ID, "errors": [{"index": 1}]})  # noqa: E731
    program, _ = made(Program, [told])
    program.ask(ask)
    assert (ask.answer, ask.refused) == ("", "1 items: {'index': 1}")
