"""The only writers of brand rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from accounts import audit, names
from accounts.members import lock
from accounts.models import Team, User
from studio.prompts import tidy
from studio.prompts.brand import read_ratio, read_words
from studio.prompts.errors import Unfit
from studio.prompts.models import BrandRule

MOST = 100
"""Rules of a team."""
MOST_PIXELS = 20_000
"""Of a side that a rule asks for: no engine makes more."""
MOST_RATIOS = 20

Kind = BrandRule.Kind


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody wrote of a rule. `words` are entries as in the team's word list, a line each; sizes are pixels."""

    name: str
    words: str = ""
    minimum: int | None = None
    maximum: int | None = None
    ratios: Sequence[str] = field(default=())
    advice: str = ""


def add_rule(team: Team, draft: Draft, *, kind: str, by: User) -> BrandRule:
    """It holds for what is asked for from now on. Raises `Unfit`, with a sentence for each field that makes no sense."""
    values = _checked(kind, draft)
    with transaction.atomic():
        held = lock(team)
        _require_new_name(held, values["name"])
        if BrandRule.objects.filter(team=held).count() >= MOST:
            raise Unfit(f"A team has {MOST} brand rules at most. Delete one that nobody needs, or add your words to another.")
        rule = BrandRule.objects.create(team=held, kind=kind, made_by=by, **values)
        audit.record(held, by, "brand_rule.added", f"made the brand rule “{rule.name}”")
    return rule


def change_rule(rule: BrandRule, draft: Draft, *, by: User) -> BrandRule:
    """The kind of a rule stays. Raises `Unfit` like `add_rule`, and when the rule was deleted meanwhile."""
    values = _checked(rule.kind, draft)
    with transaction.atomic():
        held = lock(rule.team)
        _require_new_name(held, values["name"], but=rule)
        before = BrandRule.objects.filter(pk=rule.pk).first()
        if before is None:
            raise Unfit("Somebody deleted this rule while you were writing. Copy what you need, and make a new one.")
        if any(getattr(before, name) != value for name, value in values.items()):
            BrandRule.objects.filter(pk=rule.pk).update(**values)
            renamed = f", and calls it “{values['name']}”" if values["name"] != before.name else ""
            audit.record(held, by, "brand_rule.changed", f"changed the brand rule “{before.name}”{renamed}")
    rule.refresh_from_db()
    return rule


def delete_rule(rule: BrandRule, *, by: User) -> bool:
    """False when it was gone before."""
    with transaction.atomic():
        if not BrandRule.objects.filter(pk=rule.pk).delete()[0]:
            return False
        audit.record(rule.team, by, "brand_rule.deleted", f"deleted the brand rule “{rule.name}”")
    return True


def _require_new_name(team: Team, name: str, *, but: BrandRule | None = None) -> None:
    """Refusals name their rule: no two of a team may be mistaken for each other. The team's row is locked."""
    others = BrandRule.objects.filter(team=team)
    others = others.exclude(pk=but.pk) if but else others
    if name.casefold() in {other.casefold() for other in others.values_list("name", flat=True)}:
        raise Unfit("The rule was not saved.", {"name": f"There is a rule “{name}” already. Change that one, or choose another name."})


def _checked(kind: str, draft: Draft) -> dict[str, Any]:
    """The fields of a row. Raises `Unfit`."""
    wrong: dict[str, str] = {}
    values: dict[str, Any] = {"name": names.tidy(draft.name), "advice": tidy.line(draft.advice)}
    if not values["name"]:
        wrong["name"] = "Give the rule a name: a refusal says it."
    for name, most in (("name", 80), ("advice", 200)):
        if len(values[name]) > most:
            wrong[name] = f"Shorten this to {most} characters; it has {len(values[name])}."
    values |= _sizes(draft, wrong) if kind == Kind.SIZE else _words(draft, wrong)
    if wrong:
        raise Unfit("The rule was not saved. See what is said below.", wrong)
    return values


def _words(draft: Draft, wrong: dict[str, str]) -> Mapping[str, Any]:
    words = tidy.text(draft.words)
    try:
        read_words(words)
    except ValueError as error:
        wrong["words"] = str(error)
    return {"words": words}


def _sizes(draft: Draft, wrong: dict[str, str]) -> Mapping[str, Any]:
    for name in ("minimum", "maximum"):
        pixels = getattr(draft, name)
        if pixels is not None and not 1 <= pixels <= MOST_PIXELS:
            wrong[name] = f"Write a number of pixels from 1 to {MOST_PIXELS:,}."
    if draft.minimum and draft.maximum and draft.minimum > draft.maximum and not wrong.keys() & {"minimum", "maximum"}:
        wrong["maximum"] = (
            f"No picture can be at least {draft.minimum:,} and at most {draft.maximum:,} pixels. Swap the two, or change one."
        )
    ratios: list[str] = []
    for text in draft.ratios:
        try:
            ratios.append(read_ratio(text)[0])
        except ValueError as error:
            wrong.setdefault("ratios", str(error))
    ratios = list(dict.fromkeys(ratios))
    if len(ratios) > MOST_RATIOS:
        wrong["ratios"] = f"A rule has {MOST_RATIOS} shapes at most."
    if draft.minimum is None and draft.maximum is None and not ratios and not wrong:
        wrong["minimum"] = "Say at least one of these: a smallest size, a largest size, or the shapes that are allowed."
    return {"minimum": draft.minimum, "maximum": draft.maximum, "ratios": ratios}
