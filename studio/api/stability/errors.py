"""Why a checked request of the Stability API is not made.

AskRefused         `sentence`: what is wrong and what to do, for a person
├── NoEngine       nothing here can do it, or the operator does not want it done
│   └── EngineNotFound   v1: nobody knows an engine of this name; `asked`
├── CannotDo       what answers it here cannot do it with these values
└── FieldRefused   one value will not do; `field` is the contract's name of it
"""

from __future__ import annotations


class AskRefused(Exception):
    """`code` is what the studio's own errors call it."""

    code = "cannot_do"

    def __init__(self, sentence: str) -> None:
        self.sentence = sentence
        super().__init__(sentence)


class NoEngine(AskRefused):
    code = "no_engine"


class EngineNotFound(NoEngine):
    code = "engine_not_found"

    def __init__(self, asked: str) -> None:
        self.asked = asked
        super().__init__(f"The specified engine (ID {asked}) was not found.")  # API.md 1.6


class CannotDo(AskRefused):
    pass


class FieldRefused(AskRefused):
    code = "bad_request"

    def __init__(self, field: str, sentence: str) -> None:
        self.field = field
        super().__init__(sentence)
