"""The talk about a picture as one person sees it: who said what, with its links and names, and what they may do about it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from django import forms
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from accounts.access import allows
from accounts.models import User
from studio.galleries import talking
from studio.galleries.mentions import People
from studio.galleries.models import Comment
from studio.generation.models import Artifact

_LINK = re.compile(r"https?://[^\s<>\"']+", re.IGNORECASE)
_TAIL = ".,;:!?)]}*_…”’"
"""What ends a sentence rather than an address."""


class CommentForm(forms.Form):
    """What somebody says."""

    text = forms.CharField(
        label="Comment",
        max_length=talking.LONGEST,
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={
            "required": "Write something first.",
            "max_length": "That is %(show_value)d characters; a comment has %(limit_value)d at most.",
        },
    )


@dataclass(frozen=True, slots=True)
class Remark:
    """A comment. `form`: one that was refused when they tried to change it."""

    comment: Comment
    html: SafeString
    is_mine: bool
    may_change: bool
    may_delete: bool
    mentions_me: bool
    form: CommentForm | None = None


@dataclass(frozen=True, slots=True)
class Talk:
    """`names` are those that can be mentioned."""

    remarks: Sequence[Remark]
    names: Sequence[str]

    @property
    def count(self) -> int:
        return sum(1 for one in self.remarks if not one.comment.deleted_at)

    @property
    def fingerprint(self) -> str:
        return Comment.fingerprint(one.comment for one in self.remarks)


def talk(artifact: Artifact, user: User, *, refused: tuple[Comment, CommentForm] | None = None) -> Talk:
    """All that was said about the picture. `refused` is a comment with the form that could not change it."""
    members = talking.people(artifact)
    names = People.of(members)
    may_administer = allows(user, artifact.team, "administer")
    now = timezone.now()
    remarks = []
    for comment in talking.talk(artifact):
        is_mine = comment.user_id == user.pk
        remarks.append(
            Remark(
                comment,
                rich(comment.text, names),
                is_mine,
                is_mine and talking.is_changeable(comment, now),
                comment.deleted_at is None and (is_mine or may_administer),
                any(person.pk == user.pk for person in names.mentioned(comment.text)),
                refused[1] if refused and refused[0].pk == comment.pk else None,
            )
        )
    return Talk(remarks, sorted({person.name for person in members if person.name.strip() and person.pk != user.pk}, key=str.casefold))


def rich(text: str, people: People) -> SafeString:
    """The text escaped, with its addresses as links that vouch for nothing, and the names that mean somebody marked."""
    pieces: list[SafeString] = []
    end = 0
    for found in _LINK.finditer(text):
        address = _trimmed(found[0])
        pieces += [_named(text[end : found.start()], people), _link(address)]
        end = found.start() + len(address)
    return format_html_join("", "{}", ((piece,) for piece in [*pieces, _named(text[end:], people)]))


def _trimmed(address: str) -> str:
    """Without what belongs to the sentence around it; a bracket that was opened in the address may close there."""
    while address and address[-1] in _TAIL and not (address[-1] == ")" and "(" in address):
        address = address[:-1]
    return address


def _link(address: str) -> SafeString:
    if not re.match(r"https?://\w", address, re.IGNORECASE):
        return format_html("{}", address)
    return format_html('<a href="{}" rel="nofollow noopener noreferrer ugc">{}</a>', address, address)


def _named(text: str, people: People) -> SafeString:
    pieces = people.split(text)
    return format_html_join("", "{}", ((format_html('<b class="mention">{}</b>', one) if who else one,) for one, who in pieces))
