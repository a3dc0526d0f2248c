"""Requests take turns: so many at once, on each loop by itself."""

from __future__ import annotations

import asyncio

import pytest

from studio.waiting import Turns


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
