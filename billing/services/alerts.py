"""Telling a team that its credits run low, once until they are refilled, and that some are about to expire, a week before.

What is told goes two ways: at once to whoever `settings.WALLET_ALERTS` name (dotted paths; for the studio, the bell and webhooks), and as
a letter to those who administer the team. Letters are sent by an hourly chore: a mail server that hangs must not hold a worker that
settles a job.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.module_loading import import_string

from accounts import mails
from accounts.access import people_who_may
from accounts.models import Team, User
from billing.credits import credits, noun
from billing.models import LedgerEntry, Lot, Wallet

log = structlog.get_logger(__name__)

AHEAD = timedelta(days=7)
"""So long before they expire credits are told of."""
REFILLS = (LedgerEntry.Kind.GRANT, LedgerEntry.Kind.CORRECTION, LedgerEntry.Kind.THAW)
"""What refills a wallet; a refund of two credits does not, or the next picture would ring the bell again."""

MORE = "Get more before work has to wait."


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that the people of a wallet have to know, as one sentence. `kind` is `low` or `expiring`."""

    wallet: Wallet
    kind: str
    text: str

    @property
    def people(self) -> list[User]:
        return people_who_may(self.wallet.team, "administer")


def watch(entry: LedgerEntry) -> None:
    """Called with each new entry of a wallet that has an alert, inside the transaction that has the wallet's row locked."""
    wallet = Wallet.objects.select_related("team").get(pk=entry.wallet_id)
    if wallet.low_below is None:
        return
    if wallet.low_told_at is None and wallet.left < wallet.low_below:
        _tell_low(wallet)
    elif wallet.low_told_at is not None and entry.kind in REFILLS and wallet.left >= wallet.low_below:
        Wallet.objects.filter(pk=wallet.pk).update(low_told_at=None, low_mailed_at=None)


@transaction.atomic
def warn_below(wallet: Wallet, amount: int | None) -> None:
    """Tell people when less than `amount` millicredits are left; None: never. They are told at once when that is so already."""
    locked = Wallet.objects.select_for_update(no_key=True, of=("self",)).select_related("team").get(pk=wallet.pk)
    if locked.low_below == amount:
        return
    locked.low_below, locked.low_told_at, locked.low_mailed_at = amount, None, None
    locked.save(update_fields=["low_below", "low_told_at", "low_mailed_at"])
    if amount is not None and locked.left < amount:
        _tell_low(locked)
    wallet.refresh_from_db()


def daily(now: datetime | None = None) -> None:
    """For whatever has a clock: what expires soon is told of, and letters that wait are sent."""
    letters = [*_expiring(now or timezone.now()), *_low()]
    for problem in filter(None, mails.send(letters) if letters else []):
        log.warning("alert_not_mailed", reason=problem)


def _tell_low(wallet: Wallet) -> None:
    Wallet.objects.filter(pk=wallet.pk).update(low_told_at=timezone.now(), low_mailed_at=None)
    _tell(Alert(wallet, "low", f"{low(wallet)} {MORE}"))


def low(wallet: Wallet) -> str:
    """The sentence."""
    whose = "You have" if wallet.team.is_personal else f"{wallet.team} has"
    return f"{whose} {credits(wallet.left)} {noun(wallet.left)} left, which is less than {credits(wallet.low_below or 0)}."


def _tell(alert: Alert) -> None:
    for path in settings.WALLET_ALERTS:
        import_string(path)(alert)


def _low() -> list[EmailMultiAlternatives]:
    """Letters on wallets that run low, each to be sent once: the row that is changed says by whom."""
    letters: list[EmailMultiAlternatives] = []
    waiting = Wallet.objects.filter(low_told_at__isnull=False, low_mailed_at=None, team__deleted_at=None).select_related("team")
    for wallet in waiting.order_by("pk"):
        mine = Wallet.objects.filter(pk=wallet.pk, low_told_at=wallet.low_told_at, low_mailed_at=None)
        if mine.update(low_mailed_at=timezone.now()):
            text = f"{low(wallet)} {MORE}"
            letters += _letters(wallet, f"{_whose(wallet.team)} credits run low", text)
    return letters


def _expiring(now: datetime) -> list[EmailMultiAlternatives]:
    soon = Lot.objects.left().filter(expires_at__gt=now, expires_at__lte=now + AHEAD, expiry_told_at=None, wallet__team__deleted_at=None)
    letters: list[EmailMultiAlternatives] = []
    for wallet_id in sorted(set(soon.order_by().values_list("wallet", flat=True))):
        with transaction.atomic():
            wallet = Wallet.objects.select_for_update(no_key=True, of=("self",)).select_related("team").get(pk=wallet_id)
            lots = list(soon.filter(wallet=wallet).in_order())
            if not lots:
                continue  # another process was here first
            Lot.objects.filter(pk__in=[lot.pk for lot in lots]).update(expiry_told_at=now)
            text = f"{expiring(wallet, lots)} What expires first is spent first."
            _tell(Alert(wallet, "expiring", text))
        letters += _letters(wallet, f"{_whose(wallet.team)} credits expire soon", text)
    return letters


def expiring(wallet: Wallet, lots: Sequence[Lot]) -> str:
    """The sentence: "120 credits of Harbour Street expire on 3 December, and 40 on 5 December."."""
    days: dict[str, int] = {}
    for lot in lots:
        day = date_format(timezone.localtime(lot.expires_at), "j F")
        days[day] = days.get(day, 0) + lot.remaining
    [(day, amount), *others] = days.items()
    whose = "of yours" if wallet.team.is_personal else f"of {wallet.team}"
    verb = "expires" if noun(amount) == "credit" else "expire"
    more = "".join(f", and {credits(left)} on {one}" for one, left in others)
    return f"{credits(amount)} {noun(amount)} {whose} {verb} on {day}{more}."


def _whose(team: Team) -> str:
    return "Your" if team.is_personal else f"{team}’s"


def _letters(wallet: Wallet, subject: str, text: str) -> Iterable[EmailMultiAlternatives]:
    address = mails.absolute(reverse("wallet_of_team", args=[wallet.team_id]))
    why = "Whoever administers the team gets this letter. The wallet says when, and can be told not to."
    body = f"{mails.one_line(text)}\n\n{address}\n\n{why}"
    return [mails.from_text(person.email, subject, body, button="Open the wallet") for person in Alert(wallet, "", text).people]
