"""The terms of the studio: written by its operator, asked of everybody, agreed to once for each version."""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.core.cache import cache
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from accounts.models import Agreement, Terms, User

_KEY = "terms-in-force"
_SECONDS = 60
"""After so long the rows are asked again; publishing from a page of the studio is seen at once."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of the text: `kind` is heading, paragraph or list (an item a line). It is text, whatever looks like HTML in it."""

    kind: str
    lines: tuple[str, ...]


def passages(text: str) -> list[Passage]:
    """Take the text apart. A line that starts with # is a heading, lines that start with `- ` a list; an empty line ends a paragraph."""
    found: list[Passage] = []
    open_kind, lines = "", list[str]()

    def end() -> None:
        nonlocal open_kind, lines
        if lines:
            found.append(Passage(open_kind, tuple(lines)))
        open_kind, lines = "", []

    for line in (line.strip() for line in text.splitlines()):
        heading, item = re.match(r"#+\s*(.*)", line), re.match(r"-\s+(.*)", line)
        kind = "heading" if heading else "list" if item else "paragraph"
        if not line or kind != open_kind:
            end()
        if heading and heading[1]:
            found.append(Passage("heading", (heading[1],)))
        elif line and not heading:
            open_kind = kind
            lines.append(item[1] if item else line)
    end()
    return found


# --- in force --------------------------------------------------------------------------------------------------------
def version_in_force() -> int:
    """The version that people have to agree to; 0 when there are no terms. Asked by every request, so it is remembered for a moment."""
    version = cache.get(_KEY)
    if version is None:
        version = Terms.objects.filter(published_at__lte=timezone.now()).aggregate(newest=Max("version"))["newest"] or 0
        cache.set(_KEY, version, _SECONDS)
    return int(version)


def in_force() -> Terms | None:
    """The terms that hold now."""
    version = version_in_force()
    return Terms.objects.filter(version=version).first() if version else None


def has_agreed(user: User) -> bool:
    """Whether nothing is to be asked of this person: there are no terms, or they said yes to those in force."""
    version = version_in_force()
    return not version or Agreement.objects.filter(user=user, terms__version=version).exists()


def agree(user: User, terms: Terms) -> Agreement:
    """The person says yes to these terms; once, however often they press."""
    return Agreement.objects.get_or_create(terms=terms, user=user)[0]


# --- writing ---------------------------------------------------------------------------------------------------------
def draft() -> Terms | None:
    """The version that waits to be published. There is one at a time, so that the newest number is the newest text."""
    return Terms.objects.filter(published_at=None).first()


def next_version() -> int:
    return (Terms.objects.aggregate(newest=Max("version"))["newest"] or 0) + 1


def rewrite(terms: Terms) -> bool:
    """Keep what the operator wrote into a draft. False when it has been published: then it stays as it is."""
    return Terms.objects.filter(pk=terms.pk, published_at=None).update(text=terms.text, summary=terms.summary) == 1


@transaction.atomic
def publish(terms: Terms) -> bool:
    """From now on everybody is asked. False when it is in force already."""
    if not Terms.objects.filter(pk=terms.pk, published_at=None).update(published_at=timezone.now()):
        return False
    terms.refresh_from_db()
    transaction.on_commit(lambda: cache.delete(_KEY))
    return True
