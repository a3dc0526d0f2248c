r"""Signs that mean themselves.

Two readers follow each other: the resolver here, then the backend, which reads weights (`studio.backends.weights`). A backslash before
a sign of the first reader (`{ } | _`) is done with when the prompt is resolved, so it goes: nothing reads a resolved prompt for
alternatives again. A backslash before a sign of the second (`( ) [ ] :`), or before a backslash, stays until the backend takes it out:
without it, `\(red:1.2\)` would become a weight on the way. Before anything else a backslash is itself.

What a field's value brings is words. It is never read here, so its `{ } | _` need nothing; for the backend, `weights.escape` marks its
`( ) \`. That is not enough where the template has brackets around the field: in `({pet})` the value `cat:1.5` would make a weight of
them. The resolver marks such a colon, and no other: `weight_colons` finds it. In `(red:{strength})` the colon is the template's own, and
a value that is a number is the weight that its author asks for.
"""

from __future__ import annotations

import re

PAIR = r"\\[\\()\[\]{}|_:]"
"""A backslash with the sign that it takes the meaning from."""

_DONE = re.compile(r"\\(?:([{}|_])|([\\()\[\]:])|\Z)")
_WEIGHT = re.compile(r":\s*+[-+]?[0-9.]++\s*+\)")


def literal(raw: str) -> str:
    """The words of a stretch without alternatives, as they stand in a resolved prompt.

    A backslash at the very end is doubled: what comes to stand behind it, perhaps a value, must not lose its meaning to it.
    """
    return _DONE.sub(lambda found: found[1] or (found[0] if found[2] else r"\\"), raw)


def weight_colons(text: str) -> list[int]:
    """Where in a resolved text a colon stands that may end a weight, with nothing but a number between it and a closing bracket."""
    return [found.start() for found in _WEIGHT.finditer(text)]
