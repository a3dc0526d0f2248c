"""A version as somebody reads it: its texts coloured, its fields and settings in words, and a look at what it comes to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from accounts.models import Team, User
from studio.prompts.colouring import Stretch, numbers, typed
from studio.prompts.content import Content
from studio.prompts.models import PromptTemplateVersion
from studio.prompts.pages import drafts
from studio.prompts.pages.trying import attempt


@dataclass(frozen=True, slots=True)
class Text:
    """A section, or what to leave out."""

    label: str
    stretches: Sequence[Stretch]
    locked: bool


def reading(user: User, team: Team, version: PromptTemplateVersion) -> dict[str, Any]:
    """Everything that `_reading.html` and `_try.html` read."""
    draft = drafts.of_version(user, version)
    content = Content.from_json(version.content)
    colours = numbers(content.fields)
    texts = [Text(one.label, typed(one.text, colours, locked=one.locked), one.locked) for one in content.sections if one.text]
    if content.negative.text:
        words = typed(content.negative.text, colours, locked=content.negative.locked)
        texts.append(Text("What to leave out", words, content.negative.locked))
    labels = dict(draft.defaults.changeable)
    return {
        "version": version,
        "texts": texts,
        "draft": draft,
        "defaults": draft.defaults,
        "may_change": [labels.get(name, name.replace("_", " ")) for name in content.changeable],
        "trial": attempt(team, content, draft.defaults),
    }
