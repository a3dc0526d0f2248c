"""Which plan a team has, the credits that it brings each month, and plans that the operator gives.

The credits of a period are worked out from its paid invoices (`due`), whatever order they came in: the whole month's of the plan that it
began with and, for each change to a plan with more, the difference for the rest of the period, rounded up to a whole credit. What was
granted before is taken off, so the same invoices end in the same credits. A change never takes them back; they expire with the period, or
when those of the next one have come, `RENEWAL` later at most.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Sum
from django.utils import timezone
from django.utils.formats import date_format

from accounts.models import Team, User
from billing.credits import MILLICREDITS
from billing.errors import PlanRefused
from billing.models import Account, LedgerEntry, Lot, Plan, Subscription, SubscriptionInvoice, Wallet
from billing.services import wallets

Status = Subscription.Status
Paid = SubscriptionInvoice.Status.PAID
RENEWAL = timedelta(hours=4)
"""So long after the end of a month its credits can be spent while the next month's have not come. Stripe has a renewal paid about an hour
after the month has ended; if nobody tells of it, it is asked two hours after the end (`subscriptions.LATE`), by a chore that is hourly. Who
has not paid by then has no credits until they have."""


def plan_of(team: Team) -> Plan:
    """The plan in force, in one query. A studio whose default plan is gone has one without limits."""
    return Plan.objects.of(team).first() or Plan(slug=settings.DEFAULT_PLAN, name="Studio")


def subscription_of(wallet: Wallet) -> Subscription | None:
    """The one that has begun and not ended, whether its plan is in force or not."""
    return wallet.subscriptions.live().select_related("plan", "next_plan", "wallet__team").first()


def plan_with(allowed: Iterable[Plan], *names: str) -> Plan | None:
    """The first of some plans that allows what goes by these names."""
    return next((plan for plan in allowed if plan.allows(names)), None)


def more_of(plan: Plan, limit: str) -> Plan | None:
    """The least offered plan with more of a limit (the name of its field); None when there is none."""
    here: int | None = getattr(plan, limit)
    if here is None:
        return None
    return next((one for one in Plan.objects.offered() if getattr(one, limit) is None or getattr(one, limit) > here), None)


def no_seat(team: Team, people: int, *, joins: bool) -> str:
    """Why so many people cannot be in the team; empty when they can (`settings.SEAT_GUARD`). It is said to whoever `joins`, or invites."""
    plan = plan_of(team)
    if plan.seats is None or people <= plan.seats:
        return ""
    room = "one person" if plan.seats == 1 else f"{plan.seats} people"
    has = f"The {plan} plan of this team has room for {room}"
    if joins:
        return f"{has}, and they are there. Ask whoever invited you to make room; the invitation stays good."
    more = more_of(plan, "seats")
    way = f"change to {more}, which has room for {more.seats or 'any number'}" if more else "ask your operator for another plan"
    return f"{has}, open invitations among them. Take one back, take somebody out, or {way}."


# --- credits -----------------------------------------------------------------------------------------------------------


def due(invoices: Iterable[SubscriptionInvoice]) -> int:
    """Millicredits that the invoices of one period bring in all, as far as they are paid; 0 until the one that it began with is there."""
    return sum(brought(invoices).values())


def brought(invoices: Iterable[SubscriptionInvoice]) -> dict[int, int]:
    """The same, by the id of the invoice that brings it."""
    paid = sorted((one for one in invoices if one.status == Paid), key=lambda one: (one.period_start or one.created_at, one.external_id))
    first = next((one for one in paid if one.reason in SubscriptionInvoice.WHOLE), None)
    if first is None:
        return {}
    parts, most = {first.pk: first.credits}, first.credits
    for change in paid:
        if change.reason == "change" and change.credits > most:
            parts[change.pk] = share(change.credits - most, first.period_start, change.period_start, first.period_end)
            most = change.credits
    return parts


def share(amount: int, start: datetime | None, now: datetime | None, end: datetime | None) -> int:
    """The part of an `amount` for a period that is left of it `now`, rounded up to a whole credit."""
    if not (start and now and end):
        return 0
    left, whole = int((end - max(now, start)).total_seconds()), int((end - start).total_seconds())
    return -(-amount * max(left, 0) // (whole * MILLICREDITS)) * MILLICREDITS


def grant_due(subscription: Subscription, invoice: SubscriptionInvoice) -> LedgerEntry | None:
    """Grant what the period of an invoice brings and was not granted. The wallet must be locked."""
    if invoice.period_end is None or invoice.status != Paid:
        return None
    same = list(subscription.invoices.filter(period_end=invoice.period_end))
    references = [reference_of(one) for one in same]
    granted = subscription.wallet.entries.filter(kind="grant", reference__in=references).aggregate(total=Sum("amount"))["total"] or 0
    missing = due(same) - granted
    if missing <= 0:
        return None
    end, now = invoice.period_end, timezone.now()
    # Whoever pays late, or is heard of late, has what was paid for a whole period.
    until = end if end > now else now + invoice.length
    words = "rest of the month" if invoice.reason == "change" else "month"
    told = f"{invoice.plan} plan, {words} until {date_format(timezone.localtime(until), 'j F')}"
    return _grant(subscription.wallet, missing, until, reference_of(invoice), told)


@transaction.atomic
def _grant(wallet: Wallet, amount: int, until: datetime, reference: str, told: str) -> LedgerEntry:
    """Credits of a plan's month. Those of a month that is over have bridged the time to these, and end now."""
    Wallet.objects.select_for_update(no_key=True).get(pk=wallet.pk)  # before its lots, as everywhere
    now = timezone.now()
    over = Lot.objects.filter(wallet=wallet, source=Account.PLANS, expires_at__gt=now, expires_at__lte=now + RENEWAL)
    over.update(expires_at=now)
    return wallets.grant(wallet, amount, reference=reference, description=told, source=Account.PLANS, expires_at=until + RENEWAL)


def reference_of(invoice: SubscriptionInvoice) -> str:
    """What the entries of its credits are named by; those of credits that go back have a number behind it."""
    return f"plan:{invoice.external_id}"[:100]


def month_after(anchor: datetime, months: int) -> datetime:
    """The same day and time so many months later; the last day of a month that is too short."""
    year, month = divmod(anchor.year * 12 + anchor.month - 1 + months, 12)
    return anchor.replace(year=year, month=month + 1, day=min(anchor.day, calendar.monthrange(year, month + 1)[1]))


def period_at(anchor: datetime, now: datetime) -> tuple[datetime, datetime]:
    """The month, counted from `anchor`, that `now` is in."""
    months = (now.year - anchor.year) * 12 + now.month - anchor.month
    if month_after(anchor, months) > now:
        months -= 1
    return month_after(anchor, months), month_after(anchor, months + 1)


# --- plans that the operator gives -------------------------------------------------------------------------------------


@transaction.atomic
def assign(wallet: Wallet, plan: Plan, *, by: User) -> Subscription | None:
    """Put a team on a plan from now on, without a payment; its credits come each month. The default plan ends the one it has: None.

    To a plan with more credits in the middle of a month brings the difference for the rest of it. Raises PlanRefused for a team that pays
    for its plan through a gateway.
    """
    locked = Wallet.objects.select_for_update(no_key=True).get(pk=wallet.pk)
    before = subscription_of(locked)
    if before and before.gateway:
        raise PlanRefused("This team pays for its plan by itself. It has to cancel that plan first, on its plan page.")
    if plan.slug == settings.DEFAULT_PLAN:
        if before:
            end(before)
        return None
    now = timezone.now()
    if before is None:
        start, until = now, month_after(now, 1)
        before = Subscription.objects.create(
            wallet=locked, plan=plan, status=Status.ACTIVE, period_start=start, period_end=until, told_at=now, started_by=by
        )
        _write_down(before, "start", start)
    elif before.plan_id != plan.pk:
        before.plan, before.started_by, before.cancel_at_period_end = plan, by, False
        before.save(update_fields=["plan", "started_by", "cancel_at_period_end"])
        _write_down(before, "change", now)
    return before


def end(subscription: Subscription, now: datetime | None = None) -> None:
    """The wallet must be locked."""
    subscription.status, subscription.ended_at = Status.CANCELED, now or timezone.now()
    subscription.next_plan, subscription.end_wanted = None, ""
    subscription.save(update_fields=["status", "ended_at", "next_plan", "end_wanted"])


def _write_down(subscription: Subscription, reason: str, now: datetime) -> None:
    """The invoice of nothing that a given plan has for a period, and its credits."""
    name = f"{subscription.key.hex}:{now:%Y%m%dT%H%M%S%f}"
    invoice, _ = SubscriptionInvoice.objects.get_or_create(
        external_id=name,
        defaults={
            "subscription": subscription,
            "plan": subscription.plan,
            "credits": subscription.plan.credits,
            "reason": reason,
            "status": Paid,
            "period_start": now,
            "period_end": subscription.period_end,
        },
    )
    grant_due(subscription, invoice)


# --- each month ----------------------------------------------------------------------------------------------------------


def daily() -> None:
    """For whatever has a clock; called too often, it does nothing."""
    now = timezone.now()
    for subscription in Subscription.objects.live().filter(gateway="", period_end__lte=now).order_by("pk"):
        _begin_period(subscription, now)
    _default_credits(now)
    for wallet in Wallet.objects.filter(pk__in=Lot.objects.due(now).values("wallet")).order_by("pk"):
        wallets.expire(wallet, now)


@transaction.atomic
def _begin_period(subscription: Subscription, now: datetime) -> None:
    Wallet.objects.select_for_update(no_key=True).get(pk=subscription.wallet_id)
    subscription = Subscription.objects.select_related("plan", "next_plan", "wallet__team").get(pk=subscription.pk)
    if not subscription.is_live or subscription.period_end is None or subscription.period_end > now:
        return
    if subscription.cancel_at_period_end or subscription.wallet.team.deleted_at:
        end(subscription, subscription.period_end)
        return
    subscription.period_start, subscription.period_end = period_at(subscription.created_at, now)
    subscription.plan, subscription.next_plan = subscription.next_plan or subscription.plan, None
    subscription.save(update_fields=["period_start", "period_end", "plan", "next_plan"])
    _write_down(subscription, "period", subscription.period_start)


def _default_credits(now: datetime) -> None:
    """The credits of the default plan, for people's own teams: whoever makes ten teams has no ten times as much."""
    plan = Plan.objects.filter(slug=settings.DEFAULT_PLAN, credits__gt=0).first()
    if plan is None:
        return
    start = timezone.localtime(now).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    until, reference = month_after(start, 1), f"plan:default:{start:%Y-%m}"
    for wallet in _without(plan, reference, now):
        words = f"{plan} plan, month until {date_format(until, 'j F')}"
        _grant(wallet, plan.credits, until, reference, words)


def _without(plan: Plan, reference: str, now: datetime) -> Iterator[Wallet]:
    """Wallets of people's own teams that are on the default plan and were not granted its credits."""
    have = LedgerEntry.objects.filter(kind="grant", reference=reference).values("wallet")
    on_another = Subscription.objects.good(now).values("wallet")
    own = Wallet.objects.filter(team__is_personal=True, team__deleted_at=None, team__members__is_active=True)
    return own.exclude(pk__in=have).exclude(pk__in=on_another).distinct().order_by("pk").iterator(500)
