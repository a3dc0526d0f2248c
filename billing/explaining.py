"""Why a charge is what it is: what was set aside and became of it, at which prices, out of which credits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings
from django.utils.module_loading import import_string

from billing.models import Hold, LedgerEntry, Lot, LotUse

Kind = LedgerEntry.Kind


@dataclass(frozen=True, slots=True)
class PricedLine:
    """`quantity` × `unit` millicredits = `amount` millicredits."""

    label: str
    quantity: int
    unit: int
    amount: int


@dataclass(frozen=True, slots=True)
class Made:
    """Something that came of the work: where it is, and a small picture of it (an address)."""

    label: str
    address: str
    picture: str = ""


@dataclass(frozen=True, slots=True)
class Work:
    """What whoever placed a hold says of the work that it was for (`settings.HOLD_EXPLANATIONS`).

    `lines` are the quote's, by the price list `version`; `details` are (name, value); `address` leads to the work itself. `ended_by` is
    who ended it before it began; empty for nobody, None where that was whoever asked for it.
    """

    title: str
    address: str
    lines: Sequence[PricedLine]
    version: str
    outcome: str
    details: Sequence[tuple[str, str]] = ()
    made: Sequence[Made] = ()
    ended_by: str | None = None


@dataclass(frozen=True, slots=True)
class Paid:
    """What a lot gave: `amount` millicredits, of which `back` came back."""

    lot: Lot
    amount: int
    back: int


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened: `word` and `amount` millicredits of a kind, and why."""

    at: datetime
    word: str
    amount: int
    why: str
    who: str
    entry_id: int


@dataclass(frozen=True, slots=True)
class Explanation:
    """Of an entry; where it belongs to a hold, of the hold with all its entries. `lot` is the one that the entry brought."""

    entry: LedgerEntry
    hold: Hold | None
    work: Work | None
    steps: Sequence[Step]
    paid: Sequence[Paid] = field(default_factory=tuple)
    lot: Lot | None = None

    @property
    def title(self) -> str:
        return self.hold.description if self.hold else self.entry.description

    @property
    def who(self) -> str:
        return _who(self.entry, self.work)


def explain(entry: LedgerEntry) -> Explanation:
    """Raises nothing: an entry of old without lots, or work that is gone, is explained as far as it can be."""
    hold = entry.hold
    entries = list(hold.entries.select_related("actor").order_by("id")) if hold else [entry]
    work = work_of(hold) if hold else None
    steps = [step for one in entries for step in _steps(one, hold, work)]
    lot = Lot.objects.filter(entry=entry).first()
    return Explanation(entry, hold, work, steps, _paid(entries), lot)


def work_of(hold: Hold) -> Work | None:
    """What the work was, for whoever knows; None when nobody does."""
    if not settings.HOLD_EXPLANATIONS:
        return None
    found: Work | None = import_string(settings.HOLD_EXPLANATIONS)(hold)
    return found


def entry_of(hold: Hold) -> LedgerEntry:
    """The entry that tells how a hold stands: its settlement, else that it was placed."""
    return hold.entries.select_related("hold", "actor").exclude(kind=Kind.REFUND).latest("id")


def _steps(entry: LedgerEntry, hold: Hold | None, work: Work | None) -> list[Step]:
    who = _who(entry, work)

    def step(word: str, amount: int, why: str) -> Step:
        return Step(entry.created_at, word, amount, why, who, entry.pk)

    outcome = work.outcome if work else ""
    if hold is None:
        return [step(entry.get_kind_display(), entry.amount or entry.frozen, _why(entry))]
    if entry.kind == Kind.HOLD:
        return [step("Held", hold.amount, "Set aside before the work began, so that it is there when it is done.")]
    if entry.kind == Kind.VOID:
        return [step("Released", hold.amount, sentence(outcome) or "Nothing was delivered, so nothing is charged.")]
    if entry.kind == Kind.REFUND:
        return [step("Refunded", entry.amount, sentence(entry.description))]
    why = "All that was asked for was delivered." if not hold.released else ""
    found = [step("Charged", hold.captured, why or "For what was delivered.")]
    if hold.released:
        found.append(step("Released", hold.released, sentence(outcome) or "Less was delivered than was asked for."))
    return found


def _who(entry: LedgerEntry, work: Work | None) -> str:
    if entry.kind == Kind.VOID and work and work.ended_by is not None:
        return work.ended_by
    return str(entry.actor) if entry.actor else ""


def _why(entry: LedgerEntry) -> str:
    if entry.kind == Kind.EXPIRY:
        return "These credits had a last day, and it was over."
    if entry.kind == Kind.FREEZE:
        return "Not spent while their payment is disputed."
    if entry.kind == Kind.THAW:
        return "They can be spent again."
    if entry.kind == Kind.REVOCATION:
        return "Credits that were not spent went back to where they came from."
    if entry.kind == Kind.CORRECTION:
        return "A mistake is put right by a new entry, with a reason and an author; no entry is ever changed."
    return ""


def _paid(entries: Sequence[LedgerEntry]) -> list[Paid]:
    """The lots that these entries took from, what was spent first before what came later."""
    gave: dict[int, list[int]] = {}
    lots: dict[int, Lot] = {}
    for use in LotUse.objects.filter(entry__in=entries).select_related("lot__entry").order_by("id"):
        lots[use.lot_id] = use.lot
        amounts = gave.setdefault(use.lot_id, [0, 0])
        amounts[use.amount > 0] += abs(use.amount)
    return [Paid(lots[pk], amount, back) for pk, (amount, back) in gave.items()]


def sentence(words: str) -> str:
    """With a capital and a full stop; nothing for nothing."""
    text = words.strip()
    if not text:
        return ""
    return f"{text[0].upper()}{text[1:]}{'' if text[-1] in '.!?…' else '.'}"
