"""Asking for more than a budget allows, and the answer, which holds for the day or month that it was asked for.

Each write holds the team's row from its first statement, like all that changes who may do what in a team.
"""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts import audit, members
from accounts.access import people_who_may
from accounts.models import Team, User
from billing import periods
from billing.credits import credits, noun
from billing.errors import BudgetRefused
from billing.models import BudgetRequest, Scope, Wallet
from billing.services.budgets import meters_of, tell

Status = BudgetRequest.Status


@transaction.atomic
def ask(wallet: Wallet, person: User, *, limit: str, amount: int, why: str = "") -> BudgetRequest:
    """Ask for `amount` beyond one of the limits that hold for the person (`Meter.key`). Those who administer are told.

    The same once more is the same request. Raises BudgetRefused when another one waits, or there is no such limit.
    """
    team = members.hold(wallet.team, person, "spend")
    mine = BudgetRequest.objects.open().filter(wallet=wallet, person=person)
    current = BudgetRequest.objects.current(*periods.now()).values("pk")
    mine.exclude(pk__in=current).update(status=Status.LAPSED, decided_at=timezone.now())
    meter = next((one for one in meters_of(wallet, person) if one.key == limit), None)
    if meter is None:
        raise BudgetRefused("There is no such limit any more: you need not ask for more.")
    wanted = {"scope": meter.scope, "span": meter.period.kind, "start": meter.period.start, "amount": amount, "why": why}
    before = mine.first()
    if before is not None:
        if all(getattr(before, name) == value for name, value in wanted.items()):
            return before
        raise BudgetRefused(f"You have asked for {more(before)} already. Wait for the answer before you ask for something else.")
    asked = BudgetRequest.objects.create(wallet=wallet, person=person, **wanted)
    audit.record(team, person, "budget.asked", f"asked for {more(asked)}")
    words = f"{person} asks for {more(asked)} in {team}{f': “{why}”' if why else '.'}"
    page = reverse("budget_request", args=[asked.pk])
    people = people_who_may(team, "administer")
    tell(wallet, "asked", people, f"{person} asks for more credits", words, actor=person, path=page, button="Answer the request")
    return asked


@transaction.atomic
def decide(request: BudgetRequest, *, by: User, approve: bool, amount: int | None = None, note: str = "") -> BudgetRequest:
    """Answer a request, once: with `amount` more, or with all that it asks for. The person is told. The same answer again changes nothing.

    Raises BudgetRefused when it has another answer, was withdrawn, its period is over, or the person left.
    """
    team = members.hold(request.wallet.team, by, "administer")
    asked = _now(request)
    status, granted = (Status.APPROVED, asked.amount if amount is None else amount) if approve else (Status.DECLINED, None)
    if (asked.status, asked.granted) == (status, granted):
        return asked
    _require_open(asked)
    if not team.memberships.filter(user=asked.person).exists():
        raise BudgetRefused(f"{asked.person} is not in this team any more. Nothing was changed.")
    asked.status, asked.granted, asked.decided_by, asked.decided_at, asked.note = status, granted, by, timezone.now(), note
    asked.save(update_fields=["status", "granted", "decided_by", "decided_at", "note"])
    did = "approved" if approve else "declined"
    audit.record(team, by, f"budget.{did}", f"{did} {answered(asked)} for {asked.person}")
    said = f": “{note}”" if note else "."
    told = f"{by} {did} {answered(asked)} in {team}, {'where' if asked.differs else 'which'} you asked for"
    told += f" {credits(asked.amount)}{said}" if asked.differs else said
    subject = f"You have {answered(asked)}" if approve else "Your request for more credits was declined"
    page, button = (reverse("create"), "Go on") if approve else ("", "")
    tell(asked.wallet, did, [asked.person], subject, told, actor=by, path=page, button=button)
    return asked


@transaction.atomic
def withdraw(request: BudgetRequest, *, by: User) -> BudgetRequest:
    """Whoever asked needs it no more; those who were asked are told. Twice is once.

    Raises as `access.require` does, and BudgetRefused when it has an answer or its period is over.
    """
    team = members.hold(request.wallet.team, by, "see")
    asked = _now(request)
    if asked.person_id != by.pk:
        raise PermissionDenied
    if asked.status == Status.WITHDRAWN:
        return asked
    _require_open(asked)
    asked.status, asked.decided_at = Status.WITHDRAWN, timezone.now()
    asked.save(update_fields=["status", "decided_at"])
    audit.record(team, by, "budget.withdrawn", f"withdrew what they asked for: {more(asked)}")
    people = [one for one in people_who_may(team, "administer") if one != by]
    tell(
        asked.wallet,
        "withdrawn",
        people,
        f"{by} needs no more credits",
        f"{by} does not ask for {more(asked)} in {team} any more.",
        actor=by,
    )
    return asked


def _now(request: BudgetRequest) -> BudgetRequest:
    """As it is behind the team's lock."""
    return BudgetRequest.objects.select_related("person", "decided_by", "wallet__team").get(pk=request.pk)


def _require_open(asked: BudgetRequest) -> None:
    if asked.status == Status.APPROVED:
        raise BudgetRefused(f"{asked.decided_by or 'Somebody'} has approved {answered(asked)} already. Nothing was changed.")
    if asked.status == Status.DECLINED:
        raise BudgetRefused(f"{asked.decided_by or 'Somebody'} has declined this already.")
    if asked.status == Status.WITHDRAWN:
        raise BudgetRefused(f"{asked.person} does not ask for this any more. Nothing was changed.")
    if asked.status == Status.LAPSED or not asked.period.is_now:
        raise BudgetRefused("What this was asked for is over. Nothing was changed.")


def more(request: BudgetRequest) -> str:
    """What is asked for: "20 credits more for today", "20 credits more for November, for the whole team"."""
    return _words(request, request.amount)


def answered(request: BudgetRequest) -> str:
    """The same with what was granted, where something was."""
    return _words(request, request.granted or request.amount)


def _words(request: BudgetRequest, amount: int) -> str:
    whole = ", for the whole team" if request.scope == Scope.TEAM else ""
    return f"{credits(amount)} {noun(amount)} more for {request.period.words}{whole}"


def waiting(wallet: Wallet) -> list[BudgetRequest]:
    """Requests that can be answered, the oldest first."""
    found = BudgetRequest.objects.open().filter(wallet=wallet, person__memberships__team=wallet.team).current(*periods.now())
    return list(found.select_related("person", "wallet__team").order_by("id"))


def latest(wallet: Wallet, person: User) -> BudgetRequest | None:
    """What the person asked for last in this day or month."""
    found = BudgetRequest.objects.filter(wallet=wallet, person=person).current(*periods.now())
    return found.select_related("decided_by").order_by("-id").first()


def leave(team: Team, person: User) -> None:
    """One of `settings.DEPARTURE_LISTENERS`: nobody has to answer somebody who left. Their limits wait for them."""
    mine = BudgetRequest.objects.open().filter(wallet__team=team, person=person)
    mine.update(status=Status.LAPSED, decided_at=timezone.now())
