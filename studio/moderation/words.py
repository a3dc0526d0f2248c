"""The word filter on prompts: the studio's list, and what each team changed of it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.db import transaction

from accounts import audit
from accounts.models import Team, User
from studio.moderation.models import WordList
from studio.moderation.rules import Entry, matches, parse

SHIPPED = Path(__file__).parent / "words.txt"


def studio_words() -> list[Entry]:
    """The list that holds for every team: the one that ships, or the operator's. Raises OSError, ValueError; a system check tells first."""
    path = Path(settings.WORD_LIST) if settings.WORD_LIST else SHIPPED
    return _read(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=4)
def _read(path: Path, changed: int) -> list[Entry]:
    return parse(path.read_text("utf-8"))


def refused_words(team: Team, texts: Mapping[str, str]) -> dict[str, list[str]]:
    """What of each text may not be in a prompt of this team; texts that are in order are left out. One query."""
    if not settings.WORD_FILTER or not texts:
        return {}
    own = WordList.objects.filter(team=team).first()
    blocked, allowed = (parse(own.blocked), parse(own.allowed)) if own else ([], [])
    found = {name: [*matches(text, studio_words(), allowed), *matches(text, blocked)] for name, text in texts.items()}
    return {name: list(dict.fromkeys(words)) for name, words in found.items() if words}


def refusals(team: Team, texts: Mapping[str, str]) -> dict[str, str]:
    """Why texts may not be prompts of this team, a sentence each, by their names; empty when all may."""
    return {name: _sentence(found) for name, found in refused_words(team, texts).items()}


def _sentence(found: list[str]) -> str:
    named = ", ".join(f"“{one}”" for one in found[:3])
    more = " and more" if len(found) > 3 else ""
    return f"Prompts here may not have {named}{more}. Say it in other words; an admin of the team can change the list."


@transaction.atomic
def change_words(team: Team, *, blocked: str, allowed: str, by: User) -> WordList:
    """Set the lists of a team. Raises ValueError for a line that is no entry, and then nothing has changed."""
    for text in (blocked, allowed):
        parse(text)
    words, _ = WordList.objects.update_or_create(team=team, defaults={"blocked": blocked, "allowed": allowed, "changed_by": by})
    audit.record(team, by, "words.changed", "changed the words that prompts may have")
    return words


def erase_team(team: Team) -> None:
    """One of `settings.TEAM_ERASERS`."""
    WordList.objects.filter(team=team).delete()
