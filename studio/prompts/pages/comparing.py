"""What is different between two versions: their texts word by word, section by section, and their fields and settings in rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from studio.prompts.content import SECTIONS, Content, Field
from studio.prompts.fields import TYPES
from studio.prompts.pages.defaults import plain
from studio.word_changes import Piece, words

LOCKED, OPEN = "locked", "open to changes"


@dataclass(frozen=True, slots=True)
class TextChange:
    """A section in both versions; a side that does not have it is empty. `lock` says what became of its lock, in words."""

    label: str
    before: Sequence[Piece]
    after: Sequence[Piece]
    lock: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A field or a setting that is not the same."""

    label: str
    before: str
    after: str

    @property
    def sides(self) -> tuple[Sequence[Piece], Sequence[Piece]]:
        return _sides(self.before, self.after)

    @property
    def verb(self) -> str:
        return "added" if not self.before else "removed" if not self.after else "changed"


@dataclass(frozen=True, slots=True)
class Comparison:
    """`same` are the sections of which both say the same."""

    texts: Sequence[TextChange]
    fields: Sequence[Row]
    settings: Sequence[Row]
    same: Sequence[str]

    @property
    def is_empty(self) -> bool:
        return not (self.texts or self.fields or self.settings)


def compare(before: Content, after: Content, engines: Mapping[str, str]) -> Comparison:
    """`engines`: id -> label, of those that the studio has."""
    one, other = _texts(before), _texts(after)
    names = [name for name in (*SECTIONS, "negative") if name in one or name in other]
    changed = [name for name in names if one.get(name) != other.get(name)]
    return Comparison(
        [_text(name, *one.get(name, ("", None)), *other.get(name, ("", None))) for name in changed],
        _rows({f.name: _field(f) for f in before.fields}, {f.name: _field(f) for f in after.fields}),
        _rows(_settings(before, engines), _settings(after, engines)),
        [_label(name) for name in names if name not in changed],
    )


def _texts(content: Content) -> dict[str, tuple[str, bool]]:
    found = {one.name: (one.text, one.locked) for one in content.sections}
    if content.negative.text:
        found["negative"] = (content.negative.text, content.negative.locked)
    return found


def _text(name: str, before: str, was: bool | None, after: str, locked: bool | None) -> TextChange:
    lock = ""
    if was is not None and locked is not None and was != locked:
        lock = f"was {LOCKED if was else OPEN}, is {LOCKED if locked else OPEN} now"
    return TextChange(_label(name), *_sides(before, after), lock)


def _sides(before: str, after: str) -> tuple[Sequence[Piece], Sequence[Piece]]:
    pieces = words(before, after) if before != after else [Piece("same", after)] if after else []
    return [one for one in pieces if one.kind != "ins"], [one for one in pieces if one.kind != "del"]


def _label(name: str) -> str:
    return SECTIONS.get(name, "What to leave out")


def _rows(before: Mapping[str, str], after: Mapping[str, str]) -> list[Row]:
    names = list(dict.fromkeys([*before, *after]))
    found = [Row(name, before.get(name, ""), after.get(name, "")) for name in names if before.get(name) != after.get(name)]
    if list(before) != list(after) and set(before) == set(after) and not found:
        found.append(Row("Order", ", ".join(before), ", ".join(after)))
    return found


def _field(one: Field) -> str:
    """A field in words, with everything that can be set of it."""
    parts = [f"“{one.title}”", TYPES[one.type].lower(), "required" if one.required else "optional"]
    parts += [f"of {', '.join(one.choices)}"] if one.choices else []
    limits = {"from": one.minimum, "to": one.maximum, "in steps of": one.step, "at most": one.max_length}
    parts += [f"{name} {value}{' characters' if name == 'at most' else ''}" for name, value in limits.items() if value is not None]
    parts += [f"{name}: “{said}”" for name, said in (("yes", one.yes), ("no", one.no)) if said]
    if one.default not in (None, "", ()):
        default = one.default
        said = {True: "yes", False: "no"}[default] if isinstance(default, bool) else default
        parts.append(f"default “{', '.join(said) if isinstance(said, tuple) else said}”")
    return "; ".join([*parts, *([f"help: “{one.help}”"] if one.help else [])])


def _settings(content: Content, engines: Mapping[str, str]) -> dict[str, str]:
    engine = engines.get(content.engine, content.engine) or "any"
    settings = {plain(name): _value(value) for name, value in content.parameters.items()}
    free = ", ".join(plain(name).lower() for name in content.changeable) or "nothing"
    return {"Engine": engine, "Mode": content.mode.replace("-", " "), **settings, "People may change": free}


def _value(value: object) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
