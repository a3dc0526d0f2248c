"""What can go wrong with templates, and how it is said.

PromptsError             code, message for a person, `fields`: what to say beside each field of a form
├── Unfit                unfit               what was written cannot be kept; `fields` say what, by place
├── NothingChanged       nothing_changed     a version that would say what the newest says already
├── ChangedMeanwhile     changed_meanwhile   `newest`: somebody saved since this was opened
├── PutAway              put_away            a change of a template that is archived
├── NotYours             not_yours           only its author may keep a template to themselves
└── UnusableCover        unusable_cover      a file that is no picture we can read
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from studio.prompts.models import PromptTemplateVersion


class PromptsError(Exception):
    """`code` is for programs, `message` is a sentence for people."""

    code: ClassVar[str] = "prompts"

    def __init__(self, message: str, fields: Mapping[str, str] | None = None) -> None:
        self.message = message
        self.fields = dict(fields or {})
        super().__init__(message)

    @property
    def by_field(self) -> Sequence[tuple[str | None, str]]:
        """What to say beside each field of a form; beside None, above all of it, where no field is to blame."""
        return tuple(self.fields.items()) or ((None, self.message),)


class Unfit(PromptsError):
    code = "unfit"


class NothingChanged(PromptsError):
    code = "nothing_changed"


class ChangedMeanwhile(PromptsError):
    """Nothing was saved; whoever wrote sees `newest` beside their own words, and says what shall be."""

    code = "changed_meanwhile"

    def __init__(self, newest: PromptTemplateVersion) -> None:
        self.newest = newest
        who = newest.author or "Somebody"
        super().__init__(
            f"{who} saved version {newest.number} while you were writing. Look at it, then save yours on top, or start from it."
        )


class PutAway(PromptsError):
    code = "put_away"


class NotYours(PromptsError):
    code = "not_yours"


class UnusableCover(PromptsError):
    code = "unusable_cover"
