"""The wallet by program: what is there, what happened to it, and what was spent on what. Nothing here moves a credit."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any, Literal

from django.http import Http404
from django.utils import timezone
from ninja import Field, Query, Router, Schema

from billing import spending, statement
from billing.access import entry_for, wallet_for
from billing.asking import KINDS
from billing.asking import Asked as Wanted
from billing.forecast import expiring
from billing.models import LedgerEntry
from billing.services.plans import plan_of
from billing.statement import Line
from studio.api.auth import Key, ProgramRequest
from studio.api.errors import FieldsRefused
from studio.api.problems import statuses
from studio.api.v1 import paging
from studio.api.v1.asked import Asked
from studio.api.v1.paging import NEXT, Day, Paged
from studio.api.v1.schemas import KeyName
from studio.api.v1.things import Person, key_facts, person_facts
from studio.generation.facts import decimal
from studio.generation.models import Job

router = Router()

READS = Key("billing:read")
JOB = "0193f5bf-11d2-7aa0-8c1e-0f2b3d4c5a69"


class Expiring(Schema):
    """What expires next."""

    credits: str = Field(description="How much of it is left.", examples=["40"])
    day: date = Field(description="The last day on which it can be spent, in the studio's time zone.", examples=["2026-12-31"])


class WalletOut(Schema):
    """Credits of the team. One credit is a US cent at Stability's prices."""

    object: Literal["wallet"] = Field(description="What kind of object this is.", examples=["wallet"])
    available: str = Field(description="What can be spent now, in credits.", examples=["184.5"])
    balance: str = Field(description="What the team owns, with what running work has set aside.", examples=["210.5"])
    held: str = Field(description="What is set aside for work that is not over.", examples=["26"])
    frozen: str = Field(description="What cannot be spent because its payment is disputed.", examples=["0"])
    running: int = Field(description="How many pieces of work have credits set aside.", examples=[4])
    spent_this_month: str = Field(description="Charged less refunded since the first of the month.", examples=["315.5"])
    expiring: Expiring | None = Field(description="What expires next; null where nothing does.")
    plan: str = Field(description="The plan in force.", examples=["Studio"])


class Entry(Schema):
    """A line of the statement: a change of the balance, or work that ended and was not charged."""

    id: str = Field(description="Grows with time.", examples=["4711"])
    object: Literal["entry"] = Field(description="What kind of object this is.", examples=["entry"])
    kind: str = Field(
        description="What happened; more kinds may come.",
        examples=["capture"],
        json_schema_extra={"x-known-values": dict(KINDS)},
    )
    credits: str = Field(description="The change of the balance, negative for what went out.", examples=["-6.5"])
    balance_after: str = Field(description="What the team owned after it.", examples=["204"])
    description: str = Field(description="What it was for, in words.", examples=["1 picture, Stable Image Core"])
    outcome: str = Field(description="How the work ended of which not all was charged; else empty.", examples=[""])
    engine: str = Field(description="What the engine was called; empty where none was asked.", examples=["Stable Image Core"])
    mode: str = Field(description="What was done, in words; empty where nothing was.", examples=["Text to image"])
    held: str | None = Field(description="What had been set aside; null where nothing was.", examples=["6.5"])
    charged: str | None = Field(description="What of it was charged.", examples=["6.5"])
    released: str | None = Field(description="What of it went back.", examples=["0"])
    job: str | None = Field(description="The job that it was for; null where it was for none.", examples=[JOB])
    person: Person | None = Field(description="For whom the work was done, or who gave the credits.")
    api_key: KeyName | None = Field(description="The key that the work was asked for with; null for what people did on a page.")
    reference: str = Field(description="What the same thing is called in the books.", examples=[f"job:{JOB}"])
    created_at: datetime = Field(description="When it was written.", examples=["2026-11-27T09:30:05Z"])


class Entries(Schema):
    items: list[Entry] = Field(description="The newest first.")
    next: str | None = Field(description=NEXT, examples=["NDcxMQ"])


class Statement(Paged):
    kind: Literal["", *KINDS] = Field("", description="Only entries of this kind.", examples=["capture"])  # type: ignore[valid-type]
    by: str = Field("", pattern=r"^[0-9]{0,18}$", description="Only for this person, by id.", examples=["7"])
    engine: str = Field("", max_length=120, description="Only for work of an engine, by what it was called.", examples=["Storybook"])
    since: Day | None = Field(None, alias="from", description="The first day, in the studio's time zone.", examples=["2026-11-01"])
    until: Day | None = Field(None, alias="to", description="The last day.", examples=["2026-11-27"])


class Period(Asked):
    since: Day | None = Field(
        None,
        alias="from",
        description="The first day, in the studio's time zone; else 29 days before the last.",
        examples=["2026-11-01"],
    )
    until: Day | None = Field(None, alias="to", description="The last day; today where none is given.", examples=["2026-11-27"])
    by: Literal["", *spending.COLUMNS] = Field(  # type: ignore[valid-type]
        "", description="What the sums are split by.", examples=["engine"]
    )
    per: Literal["day", "month", "all"] = Field("day", description="A sum for each day, each month, or one for all.", examples=["day"])

    def days(self) -> tuple[date, date]:
        """The first and the last day. Raises `FieldsRefused`."""
        until = self.until or timezone.localdate()
        since = self.since or until - timedelta(days=29 if until.year >= 1970 else 0)
        days = (until - since).days + 1
        if not 1970 <= min(since.year, until.year) <= max(since.year, until.year) < 9999:
            said = paging.NO_DAY
        elif days < 1:
            said = "“from” is after “to”. Swap them."
        elif days > spending.LONGEST:
            said = f"At most {spending.LONGEST} days can be asked about at once; these are {days}. Ask several times."
        else:
            return since, until
        raise FieldsRefused(said, {"from": said})


class Sum(Schema):
    """What was spent in one span on one part."""

    begins: date = Field(description="The first day of the span.", examples=["2026-11-27"])
    ends: date = Field(description="The last day of the span.", examples=["2026-11-27"])
    id: str = Field(description="The id of a person or key, the name of an engine or mode.", examples=["Storybook"])
    label: str = Field(description="What the part is called; empty where nothing is split.", examples=["Storybook"])
    credits: str = Field(description="Charged in the span, less what was refunded in it.", examples=["12.5"])


class Usage(Schema):
    """What was spent from one day to another."""

    since: date = Field(alias="from", description="The first day.", examples=["2026-11-01"])
    until: date = Field(alias="to", description="The last day.", examples=["2026-11-27"])
    by: str = Field(description="What it is split by; empty for nothing.", examples=["engine"])
    per: Literal["day", "month", "all"] = Field(description="What each sum is of.", examples=["day"])
    total: str = Field(description="All of it, in credits.", examples=["315.5"])
    items: list[Sum] = Field(description="The earliest span first, in a span the dearest part first. What is nothing is left out.")


@router.get("/wallet", auth=READS, response={200: WalletOut, **statuses()}, summary="See the balance")
def wallet(request: ProgramRequest) -> dict[str, Any]:
    """What the team can spend now, and what stands in its way."""
    caller = request.caller
    own = wallet_for(caller.user, caller.team)
    figures = statement.figures(own)
    soon = expiring(list(own.lots.left().in_order()))
    return {
        "object": "wallet",
        "available": decimal(own.available),
        "balance": decimal(own.balance),
        "held": decimal(own.held),
        "frozen": decimal(own.frozen),
        "running": figures.running,
        "spent_this_month": decimal(figures.spent),
        "expiring": {"credits": decimal(soon.amount), "day": soon.day} if soon else None,
        "plan": str(plan_of(caller.team)),
    }


@router.get("/wallet/entries", auth=READS, response={200: Entries, **statuses()}, summary="List entries")
def wallet_entries(request: ProgramRequest, asked: Query[Statement]) -> dict[str, Any]:
    """The statement: what came, what went and for what. Work that is not over is no entry yet."""
    caller = request.caller
    own = wallet_for(caller.user, caller.team)
    after = paging.opened(asked.cursor, paging.number)
    given = asked.dict(by_alias=True, exclude={"limit", "cursor"}, exclude_defaults=True)
    wanted = Wanted.of({name: str(value) for name, value in given.items()})
    rows = list(wanted.of_wallet(own).select_related("hold__api_key").older_than(after)[: asked.limit + 1])
    told = _told(rows[: asked.limit])
    return paging.page(rows, asked.limit, lambda row: told[row.pk])


@router.get("/wallet/entries/{entry_id}", auth=READS, response={200: Entry, **statuses()}, summary="Look at an entry")
def wallet_entry(request: ProgramRequest, entry_id: str) -> dict[str, Any]:
    """One line of the statement."""
    caller = request.caller
    try:
        entry = entry_for(caller.user, paging.number(entry_id))
    except ValueError:
        raise Http404 from None
    if entry.wallet.team_id != caller.team.pk or entry.kind == LedgerEntry.Kind.HOLD:
        raise Http404
    return _told([entry])[entry.pk]


@router.get("/wallet/usage", auth=READS, response={200: Usage, **statuses()}, by_alias=True, summary="See what was spent on what")
def wallet_usage(request: ProgramRequest, period: Query[Period]) -> dict[str, Any]:
    """Credits spent by day or month, split by engine, mode, person or key. A year at most can be asked about."""
    caller = request.caller
    since, until = period.days()
    parts = spending.spending(wallet_for(caller.user, caller.team), spending.spans_within(since, until, period.per), period.by)
    items = [
        {"begins": one.span.first, "ends": one.span.last, "id": one.id, "label": one.label, "credits": decimal(one.amount)} for one in parts
    ]
    total = decimal(sum(one.amount for one in parts))
    return {"from": since, "to": until, "by": period.by, "per": period.per, "total": total, "items": items}


def _told(entries: list[LedgerEntry]) -> dict[int, dict[str, Any]]:
    """The entries by their keys; two queries."""
    jobs = dict(Job.objects.filter(hold__in=[one.hold_id for one in entries if one.hold_id]).values_list("hold", "pk"))
    return {line.entry.pk: _line(line, jobs) for line in statement.told(entries)}


def _line(line: Line, jobs: dict[int, Any]) -> dict[str, Any]:
    entry, hold = line.entry, line.entry.hold
    job = jobs.get(entry.hold_id) if entry.hold_id else None
    work = hold if entry.kind != LedgerEntry.Kind.REFUND else None
    return {
        "id": str(entry.pk),
        "object": "entry",
        "kind": entry.kind,
        "credits": decimal(entry.amount),
        "balance_after": decimal(entry.balance_after),
        "description": entry.description,
        "outcome": line.outcome,
        "engine": hold.product if hold else "",
        "mode": hold.operation if hold else "",
        "held": decimal(work.amount) if work else None,
        "charged": decimal(work.captured) if work else None,
        "released": decimal(work.released) if work else None,
        "job": str(job) if job else None,
        "person": person_facts(entry.actor),
        "api_key": key_facts(hold.api_key) if hold else None,
        "reference": entry.reference,
        "created_at": entry.created_at,
    }
