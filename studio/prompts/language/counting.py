"""How many results a prompt has, without making any of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from math import comb

from studio.prompts.language.errors import PromptSyntaxError
from studio.prompts.language.limits import MAX_BITS, MAX_LISTS
from studio.prompts.language.lists import Lists, check_path
from studio.prompts.language.parsing import Choice, Node, Prompt, check_enough


def count(prompt: Prompt, *, wildcards: Mapping[str, Sequence[str]]) -> int:
    """The exact number of ways to decide all choices, which is that of the results of `every`.

    Every line of every wildcard that can be reached is read, so this is the check of a prompt and its lists, too: it raises
    PromptSyntaxError for whatever `resolve` may meet with any seed, but for a missing value and for results beyond the limits; and for a
    number that is too long to be written out.
    """
    return _Census(Lists(wildcards)).of_prompt(prompt)


class _Census:
    def __init__(self, lists: Lists) -> None:
        self._lists = lists
        self._counted: dict[str, list[int]] = {}
        self._pooled: dict[tuple[str, int], list[int]] = {}
        self._levels: dict[str, int] = {}
        self._path: list[str] = []
        self._position = 0

    def of_prompt(self, prompt: Prompt) -> int:
        return self._product(self._sequence(section.nodes) for section in prompt.sections)

    def _sequence(self, nodes: Sequence[Node]) -> int:
        return self._product(self._choice(node) for node in nodes if isinstance(node, Choice))

    def _choice(self, choice: Choice) -> int:
        if not self._path:
            self._position = choice.position
        if choice.pool:
            ways = self._ways_of_pool(choice.pool, choice.high)
        else:
            odds = choice.odds or (1,) * len(choice.options)
            # What is never taken is read all the same, for what may be wrong with it.
            counts = [number for number, odd in zip(map(self._sequence, choice.options), odds, strict=True) if odd]
            ways = self._ways(counts, choice.high)
        return self._within(sum(ways[choice.low :]))

    def _ways_of_pool(self, name: str, most: int) -> list[int]:
        """The same list is met again and again in other lists, so its lines are gone through once for each `most`."""
        counts = self._lines(name)
        if (name, most) not in self._pooled:
            check_enough(most, len(counts), self._position)
            self._pooled[name, most] = self._ways(counts, most)
        return self._pooled[name, most]

    def _lines(self, name: str) -> list[int]:
        """The count of each line of a wildcard; of a list it is made once."""
        check_path(self._path, name, self._position, MAX_LISTS)
        if name not in self._counted:
            self._path.append(name)
            prompts = [self._lists.line(name, number, self._position) for number in range(self._lists.length(name, self._position))]
            self._counted[name] = [self.of_prompt(prompt) for prompt in prompts]
            self._path.pop()
            inner = set(chain.from_iterable(prompt.wildcards for prompt in prompts))
            self._levels[name] = 1 + max((self._levels[one] for one in inner), default=0)
        self._check_levels(name)
        return self._counted[name]

    def _check_levels(self, name: str) -> None:
        if len(self._path) + self._levels[name] > MAX_LISTS:
            message = f"Wildcards are nested more than {MAX_LISTS} deep below “{(*self._path, name)[0]}”. Take a level out."
            raise PromptSyntaxError(message, self._position, "too_deep")

    def _ways(self, counts: Sequence[int], most: int) -> list[int]:
        """In how many ways 0, 1 … `most` of options with these counts can be taken: coefficients of the product of all (1 + count·x)."""
        if most == 1:
            return [1, sum(counts)]
        ways = [1] + [0] * most
        for number, times in Counter(counts).items():
            # The largest power is looked at before it is computed: the whole is no less. A coefficient on the way may be larger than the
            # whole (there are fewer ways to take all than to take half), by less than one more MAX_BITS.
            reach = min(times, most)
            self._refuse_beyond((number.bit_length() - 1) * reach)
            factors = [comb(times, taken) * number**taken for taken in range(reach + 1)]
            ways = [sum(factors[j] * ways[k - j] for j in range(min(k, reach) + 1) if ways[k - j]) for k in range(most + 1)]
            self._refuse_beyond(max(way.bit_length() for way in ways) - MAX_BITS)
        return ways

    def _product(self, numbers: Iterable[int]) -> int:
        product = 1
        for number in numbers:
            self._refuse_beyond(product.bit_length() + number.bit_length() - 2)
            product *= number
        return self._within(product)

    def _within(self, number: int) -> int:
        self._refuse_beyond(number.bit_length())
        return number

    def _refuse_beyond(self, bits: int) -> None:
        if bits > MAX_BITS:
            digits = MAX_BITS * 3 // 10
            message = f"This prompt has more combinations than a number of {digits:,} digits can say. Take alternatives out."
            raise PromptSyntaxError(message, self._position, "too_many")
