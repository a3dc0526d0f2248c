"""Requests take turns, so many at once, on each loop by itself; and what becomes of an answer that was waited for."""

from __future__ import annotations

import asyncio

import pytest
from channels.testing import HttpCommunicator
from django.core.signals import request_finished
from django.db import close_old_connections
from django.http import HttpResponse

from studio.asgi import OneThreadHandler, application
from studio.waiting import Turns, Waiting


async def most_at_once(turns: Turns, asked: int) -> int:
    """How many of so many were ever inside together, each of whom leaves once everybody else has had the loop."""
    inside = most = 0

    async def one() -> None:
        nonlocal inside, most
        async with turns.turn():
            inside += 1
            most = max(most, inside)
            for _ in range(2 * asked):
                await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(*(one() for _ in range(asked)))
    return most


def test_no_more_than_so_many_go_at_once_on_any_loop() -> None:
    turns = Turns(3)
    assert [asyncio.run(most_at_once(turns, asked)) for asked in (2, 10, 10)] == [2, 3, 3]


async def test_who_hangs_up_gives_the_turn_back() -> None:
    turns = Turns(1)
    here = asyncio.Event()

    async def stay() -> None:
        async with turns.turn():
            here.set()
            await asyncio.Event().wait()

    gone = asyncio.create_task(stay())
    await here.wait()
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    async with asyncio.timeout(60), turns.turn():
        pass


async def over() -> None:
    """Nothing to wait for."""


async def test_whoever_watches_the_process_waits_for_no_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen to fail: requests that wait for a database that is away took every turn, and the process was killed for it."""
    monkeypatch.setattr(OneThreadHandler, "REQUESTS", Turns(0))
    monkeypatch.setattr(OneThreadHandler, "PROBES", Turns(0))
    answer = await HttpCommunicator(application, "GET", "/healthz").get_response(timeout=60)
    assert (answer["status"], answer["body"]) == (200, b"ok\n")
    handler = OneThreadHandler()
    assert handler._turn("/readyz") is handler._turn("/metrics") is OneThreadHandler.PROBES.turn()
    assert handler._turn("/library/") is OneThreadHandler.REQUESTS.turn()


def test_what_came_with_the_request_is_closed_with_the_answer_and_once() -> None:
    closed: list[str] = []
    waiting = Waiting(over, lambda: HttpResponse("there"))
    waiting._resource_closers.append(lambda: closed.append("files"))
    answer = waiting.finish_now()
    assert closed == []
    request_finished.disconnect(close_old_connections)
    try:
        answer.close()
        waiting.close()
    finally:
        request_finished.connect(close_old_connections)
    assert closed == ["files"]


def test_headers_of_both_are_kept_and_the_answer_counts() -> None:
    def answer() -> HttpResponse:
        return HttpResponse("there", headers={"X-Own": "answer"})

    waiting = Waiting(over, answer)
    waiting["X-Own"], waiting["X-Around"], waiting["Content-Length"] = "begun", "begun", "0"
    told = waiting.finish_now()
    assert (told["X-Own"], told["X-Around"], told["Content-Length"], told.status_code) == ("answer", "begun", "5", 200)
