"""What a person and a team may spend in a day and a month.

Spent is what was charged less what was refunded, and what is held now, of the work that was asked for in the period. `check` is called
when the wallet's row is locked: of those who ask at once each sees what the one before set aside.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from django.conf import settings
from django.db import transaction
from django.db.models import Q, Sum
from django.urls import reverse
from django.utils.module_loading import import_string

from accounts import audit, members
from accounts.access import people_who_may
from accounts.models import ApiKey, Team, User
from billing import periods
from billing.credits import credits, noun
from billing.errors import BudgetRefused, OverBudget
from billing.models import Budget, BudgetRequest, BudgetWarning, Scope, Spent, Wallet
from billing.periods import DAY, MONTH, Period
from billing.services import sums

WARN_AT = 80
"""Percent of a limit at which people are told."""


@dataclass(frozen=True, slots=True)
class Meter:
    """How far a limit is used: the team's (`person` is None), a person's, or that of an `api_key`, which has no `budget` beside itself.

    `raised` was granted on top of it, for this period only.
    """

    budget: Budget | None
    person: User | None
    period: Period
    limit: int
    raised: int
    spent: int
    api_key: ApiKey | None = None

    @property
    def cap(self) -> int:
        return self.limit + self.raised

    @property
    def left(self) -> int:
        return max(0, self.cap - self.spent)

    @property
    def scope(self) -> str:
        """ "key", or a value of `Scope`."""
        return "key" if self.api_key else (Scope.MEMBER if self.person else Scope.TEAM).value

    @property
    def percent(self) -> int:
        """Whole percent that are used, 100 for all of it and more."""
        return min(100, self.spent * 100 // self.cap) if self.cap else 100

    @property
    def state(self) -> str:
        return "full" if self.percent == 100 else "warn" if self.percent >= WARN_AT else "fine"

    @property
    def key(self) -> str:
        """What a form calls it: "member-day"."""
        return f"{self.scope}-{self.period.kind}"


@dataclass(frozen=True, slots=True)
class News:
    """A sentence that `people` have to know. `kind` is warning, asked, withdrawn, approved or declined; `path` is where they look at it."""

    kind: str
    wallet: Wallet
    people: Sequence[User]
    actor: User | None
    subject: str
    text: str
    path: str
    button: str


# --- the guard -------------------------------------------------------------------------------------------------------


def check(wallet: Wallet, actor: User | None, amount: int, api_key: ApiKey | None = None) -> None:
    """Called by `wallets.place_hold` with the wallet's row locked, before the hold is there. Raises OverBudget.

    What was asked for with a key counts for it (and its line), its person and the team. What crosses `WARN_AT` is told, once in a period. A
    wallet without budgets costs one query.
    """
    if not amount:
        return
    meters = _ungranted(wallet, actor, api_key, locked=True)
    if not any(_is_near(meter, amount) for meter in meters):
        return  # what was granted only gives more room, and need not be read
    meters = _granted(wallet, actor, meters)
    if over := stopping(meters, amount):
        raise _refused(over, amount)
    for meter in meters:
        if meter.cap and _is_near(meter, amount):
            _warn(wallet, meter, actor, amount)


def _is_near(meter: Meter, amount: int) -> bool:
    """Whether `amount` more is something to warn of, or too much."""
    return (meter.spent + amount) * 100 >= meter.cap * WARN_AT


def stopping(meters: Iterable[Meter], amount: int) -> Meter | None:
    """The limit that `amount` more would pass; of several the one that lasts longest, or asking for the other would be in vain."""
    over = [meter for meter in meters if meter.spent + amount > meter.cap]
    return max(over, key=lambda meter: meter.period.next) if over else None


def refusal(meters: Sequence[Meter], amount: int) -> OverBudget | None:
    """What `check` would raise now; None when it lets the amount pass. Only the check decides: it has the wallet's row locked."""
    over = stopping(meters, amount) if amount else None
    return _refused(over, amount) if over else None


def _refused(over: Meter, amount: int) -> OverBudget:
    span = over.period
    key = over.api_key.name if over.api_key else ""
    return OverBudget(amount, over.left, over.cap, scope=over.scope, span=span.kind, period=span.words, again=span.again, key=key)


# --- reading ---------------------------------------------------------------------------------------------------------


def meters_of(wallet: Wallet, person: User | None) -> list[Meter]:
    """The limits that hold for what a person spends, theirs first, the month before the day; empty without budgets."""
    return _granted(wallet, person, _ungranted(wallet, person))


def meters_of_key(key: ApiKey, wallet: Wallet | None = None) -> list[Meter]:
    """The limits of a key itself, the month before the day; empty without any. In its own team, or where the `wallet` is another's.

    What was spent with a key that it replaced, or that replaced it, counts as well.
    """
    of = wallet or Wallet.objects.filter(team=key.team_id).first()
    return meters_of_keys(of, [key])[key.pk] if of else []


def meters_of_keys(wallet: Wallet, keys: Collection[ApiKey]) -> dict[int, list[Meter]]:
    """The same of many keys, by theirs; what each has spent is that of this wallet."""
    meters = _measured(wallet, [limit for key in keys for limit in _limits_of_key(key)])
    return {key.pk: [meter for meter in meters if meter.api_key == key] for key in keys}


def _ungranted(wallet: Wallet, person: User | None, api_key: ApiKey | None = None, *, locked: bool = False) -> list[Meter]:
    """The same without what was granted on top. `locked`: the wallet's row is, so that sums may be kept."""
    own = Q(scope=Scope.EVERYONE) | Q(member=person) if person else Q(pk__in=())
    found = {budget.scope: budget for budget in Budget.objects.filter(Q(scope=Scope.TEAM) | own, wallet=wallet)}
    whose = [(found.get(Scope.MEMBER) or found.get(Scope.EVERYONE), person), (found.get(Scope.TEAM), None)]
    limits = _limits_of_key(api_key) + [
        Meter(budget, who, one, limit, 0, 0)
        for budget, who in whose
        if budget
        for one in reversed(periods.now())
        if (limit := budget.limit(one.kind)) is not None
    ]
    return _measured(wallet, limits, locked=locked)


def _limits_of_key(key: ApiKey | None) -> list[Meter]:
    """The limits of a key, of which nothing is read yet."""
    day, month = periods.now()
    limits = [(month, key.budget_month), (day, key.budget_day)] if key else []
    return [Meter(None, None, one, limit, 0, 0, key) for one, limit in limits if limit is not None]


def _measured(wallet: Wallet, limits: Sequence[Meter], *, locked: bool = False) -> list[Meter]:
    """With what is spent. One query, and one for each sum that is not kept."""
    if not limits:
        return []
    whose = [sums.Whose(one.person.pk if one.person else None, one.api_key.first_id if one.api_key else None) for one in limits]
    spent = sums.spent(wallet, [(who, one.period) for who, one in zip(whose, limits, strict=True)], keep=locked)
    return [replace(one, spent=spent[who, one.period.kind]) for who, one in zip(whose, limits, strict=True)]


def _granted(wallet: Wallet, person: User | None, meters: Sequence[Meter]) -> list[Meter]:
    """To the limit of a key nothing is granted: whoever has it changes it."""
    raised = _raises(wallet, person) if any(meter.budget for meter in meters) else {}
    return [replace(one, raised=raised.get((one.scope == Scope.TEAM, one.period.kind), 0)) if one.budget else one for one in meters]


def _raises(wallet: Wallet, person: User | None) -> dict[tuple[bool, str], int]:
    """What was granted in this day and month on top of the limits: by whether it is the team's, and the kind of the period."""
    granted = BudgetRequest.objects.filter(wallet=wallet, status=BudgetRequest.Status.APPROVED).current(*periods.now())
    mine = Q(scope=Scope.MEMBER, person=person) if person else Q(pk__in=())
    rows = granted.filter(Q(scope=Scope.TEAM) | mine).order_by().values_list("scope", "span").annotate(Sum("granted"))
    return {(scope == Scope.TEAM, span): amount for scope, span, amount in rows}


# --- setting ---------------------------------------------------------------------------------------------------------


@transaction.atomic
def set_limits(wallet: Wallet, *, by: User, day: int | None, month: int | None, scope: Scope, member: User | None = None) -> bool:
    """Limits of the team, of everyone, or of one member; False when they were so already. Raises as `access.require` does.

    Without any limit there is no budget; a member keeps one where everyone has limits: theirs says that they have none.
    """
    team = members.hold(wallet.team, by, "administer")
    if scope == Scope.MEMBER and not team.memberships.filter(user=member).exists():
        raise BudgetRefused("They are not in this team any more.")
    mine = Budget.objects.filter(wallet=wallet, scope=scope, member=member)
    before = mine.first()
    if before and (before.day, before.month) == (day, month):
        return False
    if (day, month) == (None, None) and not (member and Budget.objects.filter(wallet=wallet, scope=Scope.EVERYONE).exists()):
        if not mine.delete()[0]:
            return False
    else:
        Budget.objects.update_or_create(wallet=wallet, scope=scope, member=member, defaults={"day": day, "month": month})
    BudgetWarning.objects.filter(budget__in=mine).delete()  # of the new limits they shall be warned again
    audit.record(team, by, "budget.changed", f"set the budget of {_whom(scope, member)} to {limits_in_words(day, month)}")
    return True


@transaction.atomic
def follow_everyone(wallet: Wallet, member: User, *, by: User) -> bool:
    """Let a member have everyone's limits again; False when they have."""
    team = members.hold(wallet.team, by, "administer")
    if not Budget.objects.filter(wallet=wallet, member=member).delete()[0]:
        return False
    audit.record(team, by, "budget.changed", f"set the budget of {member} to that of everyone")
    return True


def limits_in_words(day: int | None, month: int | None) -> str:
    """ "10 credits a day, 100 credits a month", "no limit"."""
    said = [f"{credits(limit)} {noun(limit)} a {span}" for limit, span in ((day, DAY), (month, MONTH)) if limit is not None]
    return ", ".join(said) or "no limit"


def _whom(scope: Scope, member: User | None) -> str:
    return str(member) if member else "the team" if scope == Scope.TEAM else "everyone"


# --- telling ---------------------------------------------------------------------------------------------------------


def _warn(wallet: Wallet, meter: Meter, actor: User | None, amount: int) -> None:
    """Tell the person, and those who administer. The wallet's row is locked: nobody warns of the same beside this."""
    if meter.api_key:
        _warn_of_key(wallet, meter, meter.api_key, amount)
        return
    start = meter.period.start
    once = {"budget": meter.budget, "person": meter.person, "span": meter.period.kind, "start": start}
    if BudgetWarning.objects.filter(**once).exists():
        return
    BudgetWarning.objects.create(**once)
    team, used = wallet.team, credits(meter.spent + amount)
    limit = f"{credits(meter.cap)} {noun(meter.cap)} for {meter.period.words}"
    people = [one for one in people_who_may(team, "administer") if one != meter.person]
    subject = f"Most of a budget of {team} is used"
    if meter.person:
        tell(wallet, "warning", [meter.person], subject, f"You have used {used} of your {limit} in {team}.")
        tell(wallet, "warning", people, subject, f"{meter.person} has used {used} of their {limit} in {team}.")
    else:
        told = people if actor is None or actor in people else [*people, actor]
        tell(wallet, "warning", told, subject, f"{team} has used {used} of its {limit}.")


def _warn_of_key(wallet: Wallet, meter: Meter, key: ApiKey, amount: int) -> None:
    """Tell its person, who has a page on which it is changed."""
    if not sums.warn_once(wallet, key, meter.period, meter.cap):
        return
    limit = f"{credits(meter.cap)} {noun(meter.cap)} for {meter.period.words}"
    text = f"The API key “{key.name}” has used {credits(meter.spent + amount)} of its {limit} in {wallet.team}."
    page = reverse("developer_key", args=[key.public_id])
    subject = f"Most of the budget of the API key “{key.name}” is used"
    tell(wallet, "warning", [key.user], subject, text, path=page, button="Look at the key")


def tell(
    wallet: Wallet,
    kind: str,
    people: Sequence[User],
    subject: str,
    text: str,
    *,
    actor: User | None = None,
    path: str = "",
    button: str = "",
) -> None:
    """Call `settings.BUDGET_LISTENER` once this transaction is committed."""
    if settings.BUDGET_LISTENER and people:
        page = path or reverse("budgets_of_team", args=[wallet.team_id])
        news = News(kind, wallet, people, actor, subject, text, page, button or "Look at the budgets")
        transaction.on_commit(lambda: import_string(settings.BUDGET_LISTENER)(news), robust=True)


# --- the end of a team ------------------------------------------------------------------------------------------------


def erase_team(team: Team) -> None:
    """One of `settings.TEAM_ERASERS`: what people wrote, and who might spend what."""
    BudgetRequest.objects.filter(wallet__team=team).delete()
    Spent.objects.filter(wallet__team=team).delete()
    Budget.objects.filter(wallet__team=team).delete()
