"""What the plan page shows: the plan that is in force, what is used of each of its limits, and the plans that there are beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Sum
from django.utils import timezone
from django.utils.module_loading import import_string

from accounts.models import Membership
from billing.credits import credits
from billing.gateways.base import Gateway
from billing.gateways.registry import for_subscriptions
from billing.models import Account, LedgerEntry, LotUse, Plan, PlanPrice, Subscription, Wallet
from billing.services.plans import plan_of, subscription_of
from billing.sizes import size

WARN_AT = 80
"""Percent of a limit from which its meter warns."""


@dataclass(frozen=True, slots=True)
class Meter:
    """One limit: how much is used, in words, and in percent of what there is; None for no limit. `over` says what follows where more is
    used than there is, as after a change to a smaller plan."""

    label: str
    used: str
    limit: str
    percent: int | None
    over: str = ""

    @property
    def level(self) -> str:
        return "full" if (self.percent or 0) >= 100 else "high" if (self.percent or 0) >= WARN_AT else "fine"


@dataclass(frozen=True, slots=True)
class Offer:
    """A plan beside others: what it costs, what it has, and what pressing its button does ("", "start", "upgrade", "downgrade")."""

    plan: Plan
    price: PlanPrice | None
    facts: Sequence[str]
    is_current: bool
    is_next: bool
    turn: str


@dataclass(frozen=True, slots=True)
class Standing:
    """How a team stands: the plan in force and its subscription, which may be another one's when that is not paid."""

    wallet: Wallet
    plan: Plan
    subscription: Subscription | None
    gateway: Gateway | None

    @property
    def is_in_force(self) -> bool:
        return self.subscription is None or self.subscription.plan_id == self.plan.pk

    @property
    def may_change(self) -> bool:
        """Whether a person can: not where the operator gave the plan, or none can be paid for."""
        return self.gateway is not None and (self.subscription is None or bool(self.subscription.gateway))


def standing(wallet: Wallet) -> Standing:
    return Standing(wallet, plan_of(wallet.team), subscription_of(wallet), for_subscriptions())


def meters(wallet: Wallet, plan: Plan) -> list[Meter]:
    """What is used of each limit now; `settings.PLAN_USAGE` (a dotted path: team, plan -> numbers by the plan's fields) knows most."""
    used: dict[str, int] = import_string(settings.PLAN_USAGE)(wallet.team, plan) if settings.PLAN_USAGE else {}
    people = Membership.objects.filter(team=wallet.team).count()
    crowded = "Everybody stays; nobody else can join until there is room."
    found = [
        *_credits(wallet),
        _meter("Jobs at once", used.get("jobs_at_once", 0), plan.jobs_at_once),
        _meter("Requests a minute", used.get("requests_per_minute", 0), plan.requests_per_minute),
        *([] if wallet.team.is_personal else [_meter("People", people, plan.seats, over=crowded)]),
        _meter("Library", used.get("storage", 0), plan.storage, size, over="Everything stays; nothing can be added until there is room."),
    ]
    # Who has no limit on requests has none counted either.
    return [one for one in found if one.limit or one.label != "Requests a minute"]


def _credits(wallet: Wallet) -> list[Meter]:
    """Of the plan's credits that have not expired, how many are spent."""
    lots = wallet.lots.filter(source=Account.PLANS, expires_at__gt=timezone.now())
    total = lots.aggregate(came=Sum("amount"), left=Sum("remaining"))
    uses = LotUse.objects.filter(lot__in=lots, entry__kind=LedgerEntry.Kind.REVOCATION)
    came = (total["came"] or 0) + (uses.aggregate(total=Sum("amount"))["total"] or 0)  # without what money went back for
    return [_meter("Plan credits used", came - total["left"], came, credits)] if came > 0 else []


def _meter(label: str, used: int, limit: int | None, words: object = None, *, over: str = "") -> Meter:
    say = words if callable(words) else "{:,}".format
    if limit is None:
        return Meter(label, say(used), "", None)
    return Meter(label, say(used), say(limit), min(100, used * 100 // limit), over if used > limit else "")


def offers(standing: Standing, currency: str) -> list[Offer]:
    """The plans side by side. They are offered where the studio's default plan is one of them, or the team's is."""
    listed = list(Plan.objects.offered())
    if settings.DEFAULT_PLAN not in {plan.slug for plan in listed} and standing.subscription is None:
        return []
    known = engines()
    return [_offer(plan, standing, currency, known) for plan in listed]


def is_hidden() -> bool:
    """Whether plans have prices, and there are ways to be paid, but the default plan is not one of them: then nobody is offered any."""
    offered = Plan.objects.offered()
    if not settings.GATEWAYS or offered.filter(slug=settings.DEFAULT_PLAN).exists():
        return False
    return PlanPrice.objects.filter(plan__in=offered).exists()


def engines() -> list[tuple[str, tuple[str, ...]]]:
    """What `settings.PLAN_ENGINES` (a dotted path) knows of: labels, and the names that a plan may allow each by."""
    return list(import_string(settings.PLAN_ENGINES)()) if settings.PLAN_ENGINES else []


def _offer(plan: Plan, standing: Standing, currency: str, engines: Sequence[tuple[str, tuple[str, ...]]]) -> Offer:
    current, price = standing.subscription, plan.price(currency)
    is_current = plan.pk == (current.plan_id if current else standing.plan.pk)
    turn = ""
    if standing.may_change and price and not is_current and not plan.by_arrangement:
        turn = "start" if current is None else "upgrade" if price.amount > current.amount else "downgrade"
    is_next = bool(current and current.next_plan_id == plan.pk)
    return Offer(plan, price, facts(plan, engines), is_current, is_next, "" if is_next else turn)


def facts(plan: Plan, engines: Sequence[tuple[str, tuple[str, ...]]]) -> list[str]:
    """What a plan has, a line each."""
    allowed = [label for label, names in engines if plan.allows(names)]
    all_of_them = not plan.engines or len(allowed) == len(engines)
    whose = ", for each person’s own team" if plan.slug == settings.DEFAULT_PLAN else ""  # see `plans._default_credits`
    told = [
        f"{credits(plan.credits)} credits a month{whose}" if plan.credits else "Credits as you buy them",
        "All engines" if all_of_them else f"{len(allowed)} of {len(engines)} engines",
        f"{plan.jobs_at_once} jobs at once" if plan.jobs_at_once else "Any number of jobs at once",
        f"{plan.requests_per_minute} requests a minute" if plan.requests_per_minute else "Any number of requests a minute",
        f"{plan.seats} {'person' if plan.seats == 1 else 'people'}" if plan.seats else "Any number of people",
        f"{size(plan.storage)} library" if plan.storage else "Library without a limit",
    ]
    return [*told, "Before others in the queue"] if plan.priority > 0 else told


def currencies(current: Subscription | None) -> list[str]:
    """Those that plans can be paid in: that of the subscription alone, once there is one."""
    if current and current.currency:
        return [current.currency]
    return list(PlanPrice.objects.filter(plan__is_public=True).order_by("currency").values_list("currency", flat=True).distinct())


def pick_currency(given: str, current: Subscription | None) -> str:
    known = currencies(current)
    return given if given in known else "usd" if "usd" in known else (known or ["usd"])[0]
