"""The only writers of a team's lists of words."""

from __future__ import annotations

import re
import unicodedata

from django.db import transaction

from accounts import audit
from accounts.members import lock
from accounts.models import Team, User
from studio.prompts import tidy, wildcards
from studio.prompts.errors import Unfit
from studio.prompts.language import PromptSyntaxError, lines, parse
from studio.prompts.models import Wildcard

MOST = 200
"""Lists of a team."""
MOST_LINES, MOST_CHARACTERS = 2000, 300
"""Of a list, with its remarks, and of a line."""
MOST_NAME = 60
MOST_TOGETHER = 2_000_000
"""Characters of all lists of a team: whoever draws from one has all of them read."""

NOT_SAVED = "The list was not saved. See what is said below."


def make_list(team: Team, *, name: str, text: str, by: User) -> Wildcard:
    """A list of the team's own, from now on used in place of one that ships under this name.

    Raises `Unfit`, with a sentence beside `name` or `lines`.
    """
    name, text = _checked(name, text)
    with transaction.atomic():
        held = lock(team)
        own = dict(Wildcard.objects.filter(team=held).values_list("name", "lines"))
        if len(own) >= MOST:
            raise Unfit(f"A team has {MOST} word lists at most. Delete one that nobody uses.")
        _require_free(name, own)
        _require_room(text, own)
        _require_no_circle(name, text, own)
        made = Wildcard.objects.create(team=held, name=name, lines=text, changed_by=by)
        audit.record(held, by, "word_list.made", f"made the word list __{name}__")
    return made


def change_list(wildcard: Wildcard, *, name: str, text: str, by: User) -> Wildcard:
    """Prompts that name it draw from the new lines from now on; pictures that are made keep their words. Raises like `make_list`."""
    name, text = _checked(name, text)
    with transaction.atomic():
        held = lock(wildcard.team)
        before = Wildcard.objects.filter(pk=wildcard.pk).first()
        if before is None:
            raise Unfit("Somebody deleted this list while you were writing. Copy your lines, and make a new one.")
        if (before.name, before.lines) != (name, text):
            own = dict(Wildcard.objects.filter(team=held).exclude(pk=wildcard.pk).values_list("name", "lines"))
            _require_free(name, own)
            _require_room(text, own)
            _require_no_circle(name, text, own)
            before.name, before.lines, before.changed_by = name, text, by
            before.save()
            called = f", and calls it __{name}__" if name != wildcard.name else ""
            audit.record(held, by, "word_list.changed", f"changed the word list __{wildcard.name}__{called}")
    return before


def delete_list(wildcard: Wildcard, *, by: User) -> bool:
    """False when it was gone before. One that ships under its name is used again."""
    with transaction.atomic():
        if not Wildcard.objects.filter(pk=wildcard.pk).delete()[0]:
            return False
        audit.record(wildcard.team, by, "word_list.deleted", f"deleted the word list __{wildcard.name}__")
    return True


def _checked(name: str, text: str) -> tuple[str, str]:
    """Name and lines as they are kept. Raises `Unfit`."""
    wrong: dict[str, str] = {}
    name, text = tidy.line(name).lower().strip("_"), tidy.text(text)
    if not wildcards.is_name(name) or len(name) > MOST_NAME:
        wrong["name"] = _misnamed(name)
    problem = _unreadable(text)
    if problem:
        wrong["lines"] = problem
    if wrong:
        raise Unfit(NOT_SAVED, wrong)
    return name, text


def _misnamed(name: str) -> str:
    if len(name) > MOST_NAME:
        return f"Shorten the name to {MOST_NAME} characters; it has {len(name)}."
    bare = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    better = re.sub(r"[^a-z0-9]+", "-", bare).strip("-")
    such = f", such as {better}" if better else ""
    return f"Write a name of small letters and digits, with a single - or _ between them{such}."


def _unreadable(text: str) -> str:
    """What is wrong with the first line that cannot be drawn; empty when all can."""
    typed = text.split("\n")
    if len(typed) > MOST_LINES:
        return f"A list has {MOST_LINES:,} lines at most; this has {len(typed):,}. Make two lists of it."
    for number, line in enumerate(typed, 1):
        if len(line) > MOST_CHARACTERS:
            return f"Line {number} has {len(line):,} characters; {MOST_CHARACTERS} are allowed. Shorten it."
        try:
            parse(line)
        except PromptSyntaxError as error:
            return f"Line {number}: {error.message}"
    return "" if lines(text) else "Write at least one line that is no remark."


def _require_free(name: str, own: dict[str, str]) -> None:
    if name in own:
        raise Unfit(NOT_SAVED, {"name": f"This team has a list __{name}__ already. Change that one, or choose another name."})


def _require_room(text: str, own: dict[str, str]) -> None:
    most = MOST_TOGETHER - sum(map(len, own.values()))
    if len(text) > most:
        left = f"{max(0, most):,} are left; this has {len(text):,}"
        said = f"The lists of a team have {MOST_TOGETHER:,} characters together at most, and {left}."
        raise Unfit(NOT_SAVED, {"lines": f"{said} Shorten it, or delete a list that nobody uses."})


def _require_no_circle(name: str, text: str, own: dict[str, str]) -> None:
    way = wildcards.circle(name, text, {**wildcards.shipped(), **own})
    if way:
        told = " → ".join(f"__{one}__" for one in way)
        raise Unfit(NOT_SAVED, {"lines": f"These lists draw from each other without an end: {told}. Take one of the names out."})
