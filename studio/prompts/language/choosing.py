"""Who decides between alternatives: a seed, or a walk through all of them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from hashlib import blake2b
from itertools import accumulate
from typing import Protocol


class Chooser(Protocol):
    def take(self, place: str, options: int, odds: Sequence[int], low: int, high: int) -> list[int]:
        """From `low` to `high` different numbers below `options`, ascending. No `odds`: all alike; what has the odds 0 is never taken.

        `place` says which choice of the prompt this is, in the same way for the same prompt.
        """


class Seeded:
    """The same seed, salt and place decide the same for ever, on every machine: integers and a digest, no generator of a library.

    Never change this: a picture's prompt could no longer be made from its template and seed (tests/prompts/test_golden.py).
    """

    def __init__(self, seed: int, salt: str) -> None:
        self._seed = seed
        self._salt = salt

    def take(self, place: str, options: int, odds: Sequence[int], low: int, high: int) -> list[int]:
        amount = low if low == high else low + self._draw(f"{place}n", high - low + 1)
        taken: list[int] = []
        for turn in range(amount):
            name = place if turn == 0 else f"{place}+{turn}"
            taken.append(self._weighted(name, odds, taken) if odds else self._alike(name, options, taken))
        return sorted(taken)

    def _alike(self, name: str, options: int, taken: list[int]) -> int:
        drawn = self._draw(name, options - len(taken))
        for earlier in sorted(taken):
            drawn += drawn >= earlier
        return drawn

    def _weighted(self, name: str, odds: Sequence[int], taken: list[int]) -> int:
        left = list(odds)
        for earlier in taken:
            left[earlier] = 0
        sums = list(accumulate(left))
        return bisect_right(sums, self._draw(name, sums[-1]))

    def _draw(self, name: str, below: int) -> int:
        """A number from 0, each as likely as the other (128 bits are scaled to `below`)."""
        digest = blake2b(f"{self._seed}\n{name}\n{self._salt}".encode(), digest_size=16, person=b"atelier prompt")
        return int.from_bytes(digest.digest(), "big") * below >> 128


class Trail:
    """Takes the first of everything, and at the next walk changes the last choice that still has something else to offer.

    A choice is one or more turns; a turn is a number below its size. Walks that decide alike up to a turn meet the same turn there, so
    this counts through all of them like an odometer whose wheels depend on those before.
    """

    def __init__(self) -> None:
        self._turns: list[int] = []
        self._sizes: list[int] = []
        self._at = 0

    def take(self, place: str, options: int, odds: Sequence[int], low: int, high: int) -> list[int]:
        usable = [number for number in range(options) if odds[number]] if odds else range(options)
        taken: list[int] = []
        start = 0
        for left in range(low + self._turn(high - low + 1), 0, -1):
            start += self._turn(len(usable) - start - left + 1)
            taken.append(usable[start])
            start += 1
        return taken

    def _turn(self, size: int) -> int:
        if self._at == len(self._turns):
            self._turns.append(0)
            self._sizes.append(size)
        self._at += 1
        return self._turns[self._at - 1]

    def advance(self) -> bool:
        """Make ready for the next walk; False when there is none."""
        self._at = 0
        while self._turns and self._turns[-1] + 1 == self._sizes[-1]:
            self._turns.pop()
            self._sizes.pop()
        if not self._turns:
            return False
        self._turns[-1] += 1
        return True
