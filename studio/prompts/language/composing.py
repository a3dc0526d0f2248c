"""A prompt from the sections of a template."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from studio.prompts.language.errors import PromptSyntaxError
from studio.prompts.language.limits import MAX_TEXT
from studio.prompts.language.parsing import Prompt, Section, parse


def composed(texts: Iterable[str]) -> str:
    """The sections as one text as typed: trimmed, joined by a comma, without empty ones."""
    return ", ".join(filter(None, (text.strip() for text in texts)))


def compose(sections: Iterable[tuple[str, bool]], *, fields: Collection[str] = ()) -> Prompt:
    """One prompt of several sections, each a text as typed and whether it is locked.

    Each is read on its own: a brace that is left open in one cannot reach into the next. Choices are numbered through all of them, so for
    the same seed this decides as `parse(composed(texts))` does. A section that turns out empty leaves no comma behind. Words of a locked
    section become parts of the kind "locked"; what its fields and choices bring keeps its own kind. Raises PromptSyntaxError as `parse`
    does, its position that in the section's trimmed text.
    """
    given = [(text.strip(), locked) for text, locked in sections if text.strip()]
    length = len(composed(text for text, _ in given))
    if length > MAX_TEXT:
        message = f"All sections together have {length:,} characters; {MAX_TEXT:,} are allowed. Shorten them."
        raise PromptSyntaxError(message, 0, "too_long")
    read = [(parse(text, fields=fields), locked) for text, locked in given]
    return Prompt(
        tuple(Section(prompt.sections[0].nodes, locked) for prompt, locked in read),
        tuple(dict.fromkeys(name for prompt, _ in read for name in prompt.fields)),
        tuple(dict.fromkeys(name for prompt, _ in read for name in prompt.wildcards)),
        any(prompt.has_alternatives for prompt, _ in read),
    )
