"""The only writers of a balance.

Every function runs in one transaction (a savepoint inside a larger one) that holds, in this order: a conditional UPDATE of the wallet
with `F()`, whose row count is the answer; the UPDATE of the hold, conditional on its status; the sums that budgets keep; the ledger entry;
the call of `settings.BILLING_LISTENER` and, where the wallet has an alert, of `alerts.watch`. Of billing's rows the wallet's comes first
everywhere, so that no two can wait for each other; a caller's own rows (jobs) come before it, all of them. Nothing is read to decide before
that UPDATE, as it may be wrong by the time the UPDATE runs. What is read after it, such as the lots, stays as it is until the commit.

Amounts are integer millicredits (1 credit = 1000). A `reference` names what a change is for and makes it happen once: the same call again,
also at the same moment from somewhere else, finds what the first one wrote.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.module_loading import import_string

from accounts.models import ApiKey, Team, User
from billing.credits import MILLICREDITS
from billing.errors import AmountTooLarge, BooksDisagree, HoldNotActive, InsufficientCredits, InvalidAmount, OverBudget, ReferenceTaken
from billing.models import Account, Hold, LedgerEntry, Lot, Wallet
from billing.services import alerts, budgets, lots, sums

Kind = LedgerEntry.Kind
Status = Hold.Status
WELCOME = "welcome"
"""Reference of the welcome grant: once in the life of a wallet."""


def open_wallet(team: Team) -> Wallet:
    """Get or create the team's wallet. A personal team finds `settings.WELCOME_CREDITS` in a new one, exactly once."""
    with transaction.atomic():
        wallet, is_new = Wallet.objects.get_or_create(team=team)
        if is_new and team.is_personal and settings.WELCOME_CREDITS:
            amount = settings.WELCOME_CREDITS * MILLICREDITS
            grant(wallet, amount, reference=WELCOME, description="Welcome credits", source=Account.WELCOME)
    return wallet


def wallet_of(team: Team) -> Wallet:
    """The team's wallet, read anew; opened when there is none yet."""
    wallet = Wallet.objects.filter(team=team).first()
    return open_wallet(team) if wallet is None else wallet


def shown_of(team: Team) -> Wallet:
    """The same to be shown and not to be written: what is available is read with it."""
    wallet = Wallet.objects.with_due().filter(team=team).first()
    return open_wallet(team) if wallet is None else wallet


def grant(
    wallet: Wallet,
    amount: int,
    *,
    reference: str,
    description: str,
    source: Account = Account.OPERATOR,
    expires_at: datetime | None = None,
    actor: User | None = None,
) -> LedgerEntry:
    """Add `amount` to the balance, as a lot of its own (`entry.lot`). The same `reference` again returns the first entry, and grants
    nothing.

    Raises InvalidAmount unless `amount` is positive.
    """
    _require(amount, minimum=1)
    try:
        with transaction.atomic():
            Wallet.objects.filter(pk=wallet.pk).update(balance=F("balance") + amount)
            entry = _record(wallet, Kind.GRANT, reference, description, amount=amount, account=source, actor_id=_id(actor))
            lots.bring(entry, source, expires_at)
            return entry
    except IntegrityError:
        before = wallet.entries.filter(kind=Kind.GRANT, reference=reference).first()
        if before is None:
            raise
        return before


def place_hold(
    wallet: Wallet,
    amount: int,
    *,
    reference: str,
    description: str,
    actor: User | None = None,
    product: str = "",
    operation: str = "",
    api_key: ApiKey | None = None,
) -> Hold:
    """Set `amount` aside for a piece of work. The same `reference` again returns the first hold, whatever became of it.

    `actor` is the person who asked for the work, `api_key` what a program asked with; `product` and `operation` are what it is reported
    under. What has expired goes first.
    Raises InsufficientCredits when less is available, OverBudget when a budget does not allow it (and leaves nothing behind),
    InvalidAmount when `amount` is negative; 0 is a hold like any other.
    """
    _require(amount, minimum=0)
    try:
        with transaction.atomic():
            expire(wallet)
            if not _set_aside(wallet, amount):
                raise _NotDone
            budgets.check(wallet, actor, amount, api_key)
            hold = Hold.objects.create(
                wallet=wallet,
                amount=amount,
                reference=reference,
                description=_clipped(description),
                actor_id=_id(actor),
                api_key=api_key,
                product=_clipped(product, 120),
                operation=_clipped(operation, 40),
            )
            sums.add(hold, amount)
            _record(wallet, Kind.HOLD, reference, description, held=amount, hold=hold, actor_id=_id(actor))
            return hold
    except (IntegrityError, OverBudget, _NotDone) as error:
        before = wallet.holds.filter(reference=reference).first()
        if before is not None:
            return before
        if not isinstance(error, _NotDone):
            raise
        raise InsufficientCredits(amount, Wallet.objects.get(pk=wallet.pk).available) from None


@dataclass(frozen=True, slots=True)
class Wanted:
    """A hold that `place_holds` shall place; the fields are the arguments of `place_hold`."""

    amount: int
    reference: str
    description: str
    product: str = ""
    operation: str = ""


def place_holds(wallet: Wallet, wanted: Sequence[Wanted], *, actor: User | None = None, api_key: ApiKey | None = None) -> list[Hold]:
    """Place many (one at least), or none: what they hold together is asked of wallet and budgets. In few queries, however many there are.

    Their references must be new. Raises as `place_hold` does, with the sum as what is needed.
    """
    for one in wanted:
        _require(one.amount, minimum=0)
    total = sum(one.amount for one in wanted)
    with transaction.atomic():
        expire(wallet)
        if not _set_aside(wallet, total):
            raise InsufficientCredits(total, Wallet.objects.get(pk=wallet.pk).available)
        budgets.check(wallet, actor, total, api_key)
        holds = Hold.objects.bulk_create(
            Hold(
                wallet=wallet,
                amount=one.amount,
                reference=one.reference,
                description=_clipped(one.description),
                actor_id=_id(actor),
                api_key=api_key,
                product=_clipped(one.product, 120),
                operation=_clipped(one.operation, 40),
            )
            for one in wanted
        )
        sums.add_many(holds, 1)
        _record_still(wallet, Kind.HOLD, holds)
    return holds


def capture(hold: Hold, amount: int) -> Hold:
    """Charge `amount` of the hold and release the rest, once.

    Raises AmountTooLarge when it is more than was held, HoldNotActive when the hold was captured or voided before, InvalidAmount when
    negative.
    """
    _require(amount, minimum=0)
    if amount > hold.amount:
        raise AmountTooLarge(amount, hold.amount)
    return _settle(hold, Status.CAPTURED, amount)


def void(hold: Hold) -> Hold:
    """Release all of the hold. Voiding twice is one void; raises HoldNotActive when it was captured before."""
    try:
        return _settle(hold, Status.VOIDED, 0)
    except HoldNotActive as error:
        if error.status == Status.VOIDED:
            return hold
        raise


def void_all(holds: Collection[Hold]) -> None:
    """Release all of many holds of one wallet, each of them active, or none: raises HoldNotActive for one that is not. In few queries."""
    if not holds:
        return
    wallet = next(iter(holds)).wallet
    mine, total, now = Hold.objects.filter(pk__in=[hold.pk for hold in holds]), sum(hold.amount for hold in holds), timezone.now()
    try:
        with transaction.atomic():
            if not Wallet.objects.filter(pk=wallet.pk, held__gte=total).update(held=F("held") - total):
                raise _NotDone
            if mine.filter(wallet=wallet, status=Status.ACTIVE).update(status=Status.VOIDED, settled_at=now) != len(holds):
                raise _NotDone
            sums.add_many(holds, -1)
            _record_still(wallet, Kind.VOID, holds, sign=-1)
    except _NotDone:
        ended = mine.exclude(status=Status.ACTIVE).first()
        if ended is None:
            raise BooksDisagree(f"Wallet {wallet.pk} does not cover its holds. Run manage.py verify_ledger.") from None
        raise HoldNotActive(ended.reference, ended.status) from None
    for hold in holds:
        hold.status, hold.settled_at = Status.VOIDED, now


def refund(hold: Hold, amount: int, *, reference: str, description: str, actor: User | None = None) -> LedgerEntry:
    """Give back `amount` of what was charged for the hold. The same `reference` again returns the first refund.

    Raises AmountTooLarge when more than (charged − refunded before), InvalidAmount unless positive, ReferenceTaken when the reference
    names the refund of another hold.
    """
    _require(amount, minimum=1)
    try:
        with transaction.atomic():
            expire(hold.wallet)
            Wallet.objects.filter(pk=hold.wallet_id).update(balance=F("balance") + amount)
            if not _give_back(hold, amount):
                raise _NotDone
            sums.add(hold, -amount)
            told: dict[str, Any] = {"amount": amount, "account": Account.SPENT, "hold": hold, "actor_id": _id(actor)}
            entry = _record(hold.wallet, Kind.REFUND, reference, description, **told)
            lots.put_back(entry)
            hold.refresh_from_db(fields=["refunded"])
            return entry
    except (IntegrityError, _NotDone) as error:
        before = LedgerEntry.objects.filter(wallet_id=hold.wallet_id, kind=Kind.REFUND, reference=reference).first()
        if before is None:
            if isinstance(error, IntegrityError):
                raise
            hold.refresh_from_db()
            raise AmountTooLarge(amount, hold.captured - hold.refunded) from None
        if before.hold_id != hold.pk:
            raise ReferenceTaken(f"The reference {reference} names the refund of another hold.") from None
        return before


# --- credits that go another way than by work ---


def expire(wallet: Wallet, now: datetime | None = None) -> int:
    """Take out what has expired, as far as work has not set it aside; returns how much. Work that is under way may still spend the rest."""
    now = now or timezone.now()
    if not Lot.objects.filter(wallet=wallet).due(now).exists():
        return 0
    with transaction.atomic():
        locked = _locked(wallet)
        due, taken = list(Lot.objects.filter(wallet=wallet).due(now).in_order()), 0
        # Holds are met by what expires first: what they need of it stays.
        left = max(0, sum(lot.free for lot in due) - locked.held)
        for lot in reversed(due):
            amount = min(lot.free, left)
            if amount:
                told = f"Expired: {lot.get_source_display().lower()}"
                number = lot.uses.count()  # what work had set aside may expire later
                _take_out(wallet, lot, amount, Kind.EXPIRY, Account.EXPIRED, reference=f"lot:{lot.pk}:{number}", description=told)
                left, taken = left - amount, taken + amount
    return taken


def revoke(lot: Lot, amount: int, *, reference: str, description: str, actor: User | None = None) -> LedgerEntry:
    """Take `amount` of a lot back to where it came from; frozen credits are unfrozen first (`thaw`). The same `reference` again returns
    the first entry.

    Raises AmountTooLarge when less is left of it that neither work has set aside nor a dispute froze; InvalidAmount unless positive.
    """
    _require(amount, minimum=1)
    with transaction.atomic():
        wallet = _locked(lot.wallet)
        before = wallet.entries.filter(kind=Kind.REVOCATION, reference=reference).first()
        if before is not None:
            return before
        lot.refresh_from_db()
        free = min(lot.free, wallet.free)
        if amount > free:
            raise AmountTooLarge(amount, free)
        return _take_out(
            wallet, lot, amount, Kind.REVOCATION, Account(lot.source), reference=reference, description=description, actor=actor
        )


def freeze(lot: Lot, amount: int, *, reference: str, description: str) -> LedgerEntry | None:
    """Let nobody spend `amount` of a lot, or as much as is left of it and free: `entry.frozen` says how much; None for nothing.

    The same `reference` again returns the first entry.
    """
    _require(amount, minimum=1)
    return _move_frozen(lot, amount, Kind.FREEZE, reference, description)


def thaw(lot: Lot, amount: int, *, reference: str, description: str) -> LedgerEntry | None:
    """Undo a freeze, of at most `amount`; None when nothing is frozen. The same `reference` again returns the first entry."""
    _require(amount, minimum=1)
    return _move_frozen(lot, amount, Kind.THAW, reference, description)


def correct(wallet: Wallet, amount: int, *, reference: str, description: str, actor: User) -> LedgerEntry:
    """Put right what went wrong, by a new entry with a reason and an author: `amount` is added, or taken when negative.

    The same `reference` again returns the first entry. Raises AmountTooLarge when more is taken than is available, InvalidAmount for 0.
    """
    if not isinstance(amount, int) or not amount:
        raise InvalidAmount(f"A correction must be a whole number of millicredits other than 0; it is {amount!r}.")
    with transaction.atomic():
        locked = _locked(wallet)
        before = wallet.entries.filter(kind=Kind.CORRECTION, reference=reference).first()
        if before is not None:
            return before
        if -amount > locked.available:
            raise AmountTooLarge(-amount, locked.available)
        if amount < 0:
            expire(wallet)
        Wallet.objects.filter(pk=wallet.pk).update(balance=F("balance") + amount)
        told: dict[str, Any] = {"amount": amount, "account": Account.OPERATOR, "actor_id": _id(actor)}
        entry = _record(wallet, Kind.CORRECTION, reference, description, **told)
        if amount > 0:
            lots.bring(entry, Account.OPERATOR, None)
        else:
            lots.take(entry)
        return entry


def _locked(wallet: Wallet) -> Wallet:
    """The wallet as it is, and stays until the commit."""
    return Wallet.objects.select_for_update(no_key=True).get(pk=wallet.pk)


def _take_out(
    wallet: Wallet,
    lot: Lot,
    amount: int,
    kind: LedgerEntry.Kind,
    account: Account,
    *,
    reference: str,
    description: str,
    actor: User | None = None,
) -> LedgerEntry:
    """Of this lot and no other. The wallet must be locked, and cover it."""
    Wallet.objects.filter(pk=wallet.pk).update(balance=F("balance") - amount)
    entry = _record(wallet, kind, reference, description, amount=-amount, account=account, actor_id=_id(actor))
    lots.take(entry, only=lot)
    return entry


def _move_frozen(lot: Lot, amount: int, kind: LedgerEntry.Kind, reference: str, description: str) -> LedgerEntry | None:
    with transaction.atomic():
        wallet = _locked(lot.wallet)
        before = wallet.entries.filter(kind=kind, reference=reference).first()
        if before is not None:
            return before
        lot.refresh_from_db()
        change = min(amount, lot.free, wallet.free) if kind is Kind.FREEZE else -min(amount, lot.frozen)
        if not change:
            return None
        Wallet.objects.filter(pk=wallet.pk).update(frozen=F("frozen") + change)
        Lot.objects.filter(pk=lot.pk).update(frozen=F("frozen") + change)
        entry = _record(wallet, kind, reference, description, frozen=change)
        lot.refresh_from_db()
        return entry


class _NotDone(Exception):
    """A conditional UPDATE matched no row: undo what this call did before it."""


def _set_aside(wallet: Wallet, amount: int) -> bool:
    """The guard against overspending: one statement, so that nobody can come between the question and the change."""
    enough = Wallet.objects.filter(pk=wallet.pk, balance__gte=F("held") + F("frozen") + amount)
    return enough.update(held=F("held") + amount) == 1


def _give_back(hold: Hold, amount: int) -> bool:
    """The guard against refunding more than was charged."""
    charged = Hold.objects.filter(pk=hold.pk, captured__gte=F("refunded") + amount)
    return charged.update(refunded=F("refunded") + amount) == 1


def _end(hold: Hold, status: Status, captured: int, now: datetime) -> bool:
    """The guard against settling twice: only an active hold ends."""
    active = Hold.objects.filter(pk=hold.pk, status=Status.ACTIVE, amount=hold.amount)
    return active.update(status=status, captured=captured, settled_at=now) == 1


def _settle(hold: Hold, status: Status, captured: int) -> Hold:
    """End an active hold as `status`; what it held and did not capture is available again."""
    kind, now = (Kind.CAPTURE if status is Status.CAPTURED else Kind.VOID), timezone.now()
    try:
        with transaction.atomic():
            covered = Wallet.objects.filter(pk=hold.wallet_id, held__gte=hold.amount, balance__gte=captured)
            if not covered.update(balance=F("balance") - captured, held=F("held") - hold.amount):
                raise _NotDone
            if not _end(hold, status, captured, now):
                raise _NotDone
            sums.add(hold, captured - hold.amount)
            account = Account.SPENT if kind is Kind.CAPTURE else ""
            told: dict[str, Any] = {"amount": -captured, "held": -hold.amount, "account": account, "hold": hold, "actor_id": hold.actor_id}
            lots.take(_record(hold.wallet, kind, hold.reference, hold.description, **told))
    except _NotDone:
        hold.refresh_from_db()
        if hold.status == Status.ACTIVE:
            raise BooksDisagree(f"The wallet does not cover the hold {hold.reference}. Run manage.py verify_ledger.") from None
        raise HoldNotActive(hold.reference, hold.status) from None
    hold.status, hold.captured, hold.settled_at = status, captured, now
    return hold


def _record(
    wallet: Wallet,
    kind: LedgerEntry.Kind,
    reference: str,
    description: str,
    *,
    account: str = "",
    amount: int = 0,
    held: int = 0,
    frozen: int = 0,
    hold: Hold | None = None,
    actor_id: int | None = None,
) -> LedgerEntry:
    """Write the entry of a change that was just made to the wallet's row, and tell the listener.

    The row is locked by that change, so what is read here is what the change left behind. `wallet` is brought up to date.
    """
    balance_now, held_now, frozen_now, low = Wallet.objects.values_list("balance", "held", "frozen", "low_below").get(pk=wallet.pk)
    entry = LedgerEntry.objects.create(
        wallet=wallet,
        kind=kind,
        account=account,
        amount=amount,
        held=held,
        frozen=frozen,
        balance_after=balance_now,
        reference=reference,
        description=_clipped(description),
        hold=hold,
        actor_id=actor_id,
    )
    wallet.balance, wallet.held, wallet.frozen = balance_now, held_now, frozen_now
    if settings.BILLING_LISTENER:
        import_string(settings.BILLING_LISTENER)(wallet)
    if low is not None:
        alerts.watch(entry)
    return entry


def _record_still(wallet: Wallet, kind: LedgerEntry.Kind, holds: Collection[Hold], *, sign: int = 1) -> None:
    """As `_record`, an entry for each of many holds that move no credits; the listener is told once, with the wallet as it is after all."""
    *others, last = holds
    balance = Wallet.objects.values_list("balance", flat=True).get(pk=wallet.pk)
    LedgerEntry.objects.insert_still(
        [
            LedgerEntry(
                wallet=wallet,
                kind=kind,
                held=sign * hold.amount,
                balance_after=balance,
                reference=hold.reference,
                description=hold.description,
                hold=hold,
                actor_id=hold.actor_id,
            )
            for hold in others
        ]
    )
    _record(wallet, kind, last.reference, last.description, held=sign * last.amount, hold=last, actor_id=last.actor_id)


def _require(amount: int, *, minimum: int) -> None:
    if not isinstance(amount, int) or amount < minimum:
        raise InvalidAmount(f"An amount must be a whole number of millicredits, at least {minimum}; it is {amount!r}.")


def _id(actor: User | None) -> int | None:
    return None if actor is None else actor.pk


def _clipped(description: str, limit: int = 300) -> str:
    """A description in one line that fits the column; PostgreSQL takes no NUL."""
    text = " ".join(description.replace("\0", "").split())
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
