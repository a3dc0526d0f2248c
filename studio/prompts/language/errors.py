"""What can be wrong with a prompt as typed."""

from __future__ import annotations

from typing import Literal

Code = Literal[
    "too_long",
    "too_deep",
    "amount",
    "odds",
    "unknown_wildcard",
    "empty_wildcard",
    "wildcard_line",
    "wildcard_loop",
    "missing_value",
    "too_much",
    "too_many",
]


class PromptSyntaxError(ValueError):
    """`message` is a sentence for the person who typed the prompt: what is wrong and what to do.

    `position` is where in the text (of the section, when there are several) it is, in characters from 0; for what stands in a wildcard's
    line, where the wildcard is.
    """

    def __init__(self, message: str, position: int, code: Code) -> None:
        self.message = message
        self.position = position
        self.code = code
        super().__init__(message)
