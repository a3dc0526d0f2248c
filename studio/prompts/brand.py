"""What prompts and pictures of a team must be like, and what a wish breaks of it. Asked before anything is held for it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import log

from accounts.models import Team
from studio.backends.weights import plain
from studio.moderation.normal import is_emoji
from studio.moderation.rules import Entry, matches, parse
from studio.prompts.content import Content
from studio.prompts.models import BrandRule

Kind = BrandRule.Kind

NEAR = 0.05
"""So far, as a part of it, a picture may be from a shape: few engines make exactly 16:9."""
NAMED = 5
"""Words that a refusal names; a longer list is not read out."""

SPELT = "-‐‑–'’.,&/+|* "
"""Signs in an entry that are part of how it is built, or of how words are written: “t-shirt” and “tshirt” are the same."""

_RATIO = re.compile(r"\s*(\d{1,4}(?:\.\d{1,3})?)\s*[:/x×]\s*(\d{1,4}(?:\.\d{1,3})?)\s*")


@dataclass(frozen=True, slots=True)
class Problem:
    """What one rule says to a wish. `field` is the name of the text that it is about, or "size"."""

    rule: str
    field: str
    message: str


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody asks for, as the rules see it: its prompt with every field filled in, texts of the same kind (`others`, by name),
    width and height in pixels where they are known, and the shape ("16:9") of an engine that chooses the pixels itself.

    `asks_for_words`: whether words that prompts must have are asked for, too; without a prompt they never are.
    """

    prompt: str = ""
    width: int | None = None
    height: int | None = None
    shape: str = ""
    others: Mapping[str, str] | None = None
    asks_for_words: bool = True


def rules_of(team: Team) -> list[BrandRule]:
    """Words first, in the order of their names. One query."""
    return sorted(BrandRule.objects.filter(team=team), key=lambda rule: (Kind.values.index(rule.kind), rule.name.casefold()))


def problems_of(team: Team, content: Content) -> list[Problem]:
    """What the rules of a team say to the words of a template, each field with what it starts with and its choices. One query."""
    text = ", ".join(section.text for section in content.sections)
    for field in content.fields:
        start = field.default if isinstance(field.default, str) and field.type != "colour" else ""
        text = text.replace(f"{{{field.name}}}", f" {', '.join([start, *field.choices])} ")
    return broken(rules_of(team), Wish(text))


def broken(rules: Iterable[BrandRule], wish: Wish) -> list[Problem]:
    """The same for rules that are read already, as for many wishes of one team."""
    texts = {name: plain(text) for name, text in {"prompt": wish.prompt, **(wish.others or {})}.items() if text}
    found: list[Problem] = []
    for rule in rules:
        if rule.kind == Kind.SIZE:
            found += _sized(rule, wish)
        elif rule.kind == Kind.BANNED:
            found += _banned(rule, texts)
        elif wish.asks_for_words and "prompt" in texts:
            found += _required(rule, texts["prompt"])
    return found


# --- words -----------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1000)
def _entries(words: str) -> tuple[Entry, ...]:
    return tuple(parse(words))


def read_words(text: str) -> tuple[Entry, ...]:
    """The entries of a rule. Raises ValueError with a sentence: for a line that is none or would mean less than it says, and when there is
    no word in it at all.
    """
    entries = _entries(text)
    for entry in entries:
        if lost := "".join(dict.fromkeys(filter(_is_lost, entry.line.lstrip("!=")))):
            signs, them = (f"{' '.join(lost[:-1])} and {lost[-1]}", "them") if len(lost) > 1 else (lost, "it")
            told = f"prompts are compared by letters and digits, so {signs} would count for nothing. Leave {them} out."
            raise ValueError(f"“{entry.line}”: {told}")
    if all(entry.is_harmless for entry in entries):
        raise ValueError("Write a word or phrase on each line.")
    return entries


def _is_lost(sign: str) -> bool:
    """Whether nothing of a sign is left when words are compared, and nobody writes it for how a word is spelt or an entry is built."""
    return unicodedata.category(sign)[0] in "PS" and sign not in SPELT and not is_emoji(sign)


def _banned(rule: BrandRule, texts: Mapping[str, str]) -> list[Problem]:
    entries = _entries(rule.words)
    names = _names(entries)
    found = {name: [names.get(one, one) for one in matches(text, entries)] for name, text in texts.items()}
    return [
        Problem(rule.name, name, _told(f"“{rule.name}” does not allow {_listed(words, 'and')}.", rule))
        for name, words in found.items()
        if words
    ]


def _required(rule: BrandRule, text: str) -> list[Problem]:
    entries = [entry for entry in _entries(rule.words) if not entry.is_harmless]
    if not entries or matches(text, entries):
        return []
    words = list(_names(entries).values())
    one = "" if len(words) == 1 else "one of "
    return [Problem(rule.name, "prompt", _told(f"“{rule.name}” asks for {one}{_listed(words, 'or')}.", rule))]


def _names(entries: Sequence[Entry]) -> dict[str, str]:
    """What `matches` calls an entry -> as an admin wrote it, "Acme" and not "acme"; of entries with several parts all of it."""
    names: dict[str, str] = {}
    for entry in entries:
        written = entry.line.lstrip("!= ")
        if len(entry.parts) > 1:
            names[written] = written.replace("*", "…")
            continue
        for phrase, words in zip(entry.parts[0], written.split("|"), strict=True):
            names[" ".join(phrase).replace("*", "…")] = words.strip().replace("*", "…")
    return names


def _listed(words: Sequence[str], joiner: str) -> str:
    quoted = [f"“{word}”" for word in words]
    if len(quoted) > NAMED:
        return f"{', '.join(quoted[:NAMED])} {joiner} {'others of its list' if joiner == 'or' else 'more'}"
    return f" {joiner} ".join([", ".join(quoted[:-1]), quoted[-1]]) if len(quoted) > 1 else quoted[0]


def _told(sentences: str, rule: BrandRule) -> str:
    return f"{sentences} {rule.advice}".strip()


# --- sizes and shapes ------------------------------------------------------------------------------------------------


def read_ratio(text: str) -> tuple[str, float]:
    """A shape as it is kept ("16:9"), and its width over its height. Raises ValueError with a sentence."""
    read = _RATIO.fullmatch(text)
    if read is None:
        raise ValueError(f"“{text.strip()[:40]}” is no shape. Write it as 16:9, the width before the height.")
    wide, high = float(read[1]), float(read[2])
    if not wide or not high:
        raise ValueError(f"“{text.strip()}” is no shape: neither side can be 0.")
    if not 1 / 20 <= wide / high <= 20:
        raise ValueError(f"“{text.strip()}” is too narrow: one side may be 20 times the other at most.")
    return f"{read[1]}:{read[2]}", wide / high


def _sized(rule: BrandRule, wish: Wish) -> list[Problem]:
    said: list[str] = []
    if wish.width and wish.height:
        shorter, longer = sorted((wish.width, wish.height))
        if rule.minimum and shorter < rule.minimum:
            said.append(f"asks for at least {rule.minimum:,} pixels on the shorter side; this has {shorter:,}.")
        if rule.maximum and longer > rule.maximum:
            said.append(f"allows at most {rule.maximum:,} pixels on the longer side; this has {longer:,}.")
    ratio, called = _shape_of(wish)
    if rule.ratios and ratio and not any(abs(log(ratio / read_ratio(one)[1])) < NEAR for one in rule.ratios):
        only = "only the shape" if len(rule.ratios) == 1 else "only the shapes"
        said.append(f"allows {only} {_plainly(rule.ratios)}; this is {called}.")
    if not said:
        return []
    return [Problem(rule.name, "size", _told(f"“{rule.name}” {' It '.join(said)}", rule))]


def _shape_of(wish: Wish) -> tuple[float | None, str]:
    """Width over height, and what it is called; None where it follows from a file."""
    if wish.width and wish.height:
        return wish.width / wish.height, f"{wish.width} × {wish.height}"
    try:
        called, ratio = read_ratio(wish.shape)
    except ValueError:
        return None, ""
    return ratio, called


def _plainly(ratios: Sequence[str]) -> str:
    return " and ".join([", ".join(ratios[:-1]), ratios[-1]]) if len(ratios) > 1 else ratios[0]


# --- for people ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Summary:
    """A rule as its page tells it: what it says, and the words that it is about, as they were written."""

    says: str
    words: Sequence[str] = ()


def summary(rule: BrandRule) -> Summary:
    if rule.kind != Kind.SIZE:
        return Summary(
            "Not allowed" if rule.kind == Kind.BANNED else "One of these is required", [entry.line for entry in _entries(rule.words)]
        )
    said = [f"At least {rule.minimum:,} pixels on the shorter side"] if rule.minimum else []
    said += [f"at most {rule.maximum:,} pixels on the longer side"] if rule.maximum else []
    said += [f"only {_plainly(rule.ratios)}"] if rule.ratios else []
    says = ", ".join(said)
    return Summary(says[:1].upper() + says[1:])
