"""What a team may spend, what it has set aside, and its ledger. Only `billing.services.wallets` writes these rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.models import ApiKey, Team, User
from billing.credits import credits
from billing.models.append_only import AppendOnly, AppendOnlyQuerySet


class WalletQuerySet(models.QuerySet["Wallet"]):
    def visible_to(self, user: User) -> WalletQuerySet:
        """The wallets of the teams that a person is a member of, whatever the role."""
        return self.filter(team__memberships__user=user, team__deleted_at=None)

    def with_due(self) -> WalletQuerySet:
        """To be shown: `available` needs no query of its own then. It is that of now, whatever becomes of the object."""
        lots = self.model.lots.rel.related_model.objects.filter(wallet=OuterRef("pk")).due(timezone.now())  # type: ignore[attr-defined]
        total = lots.order_by().values("wallet").annotate(total=Sum(DUE)).values("total")
        told: dict[str, Any] = {"due": Coalesce(Subquery(total), 0)}
        return self.annotate(**told)


DUE = F("remaining") - F("frozen")
"""What is to be taken out of a lot that has expired."""


class Wallet(models.Model):
    """A team's credits. `balance` is what it owns, `held` the part that is promised to running work, `frozen` the part whose payment is
    disputed.

    Below `low_below` millicredits its people are told that it runs low (None: never). `low_told_at` says that they were, until it is
    refilled; `low_mailed_at` that they were sent a letter as well. See `services.alerts`.
    """

    team = models.OneToOneField(Team, on_delete=models.PROTECT, related_name="wallet")
    balance = models.BigIntegerField(default=0)
    held = models.BigIntegerField(default=0)
    frozen = models.BigIntegerField(default=0)
    low_below = models.BigIntegerField(null=True, blank=True)
    low_told_at = models.DateTimeField(null=True, blank=True)
    low_mailed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = WalletQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(held__gte=0), name="wallet_held_not_negative"),
            models.CheckConstraint(condition=Q(frozen__gte=0), name="wallet_frozen_not_negative"),
            models.CheckConstraint(condition=Q(balance__gte=F("held") + F("frozen")), name="wallet_balance_covers_held_and_frozen"),
        ]
        permissions = [("grant_credits", "Can grant credits to a wallet"), ("correct_credits", "Can correct the credits of a wallet")]

    def __str__(self) -> str:
        return f"Wallet of {self.team}"

    @property
    def free(self) -> int:
        """Millicredits that neither work has set aside nor a dispute froze; of these some may have expired, and wait to be taken out."""
        return self.balance - self.held - self.frozen

    @property
    def available(self) -> int:
        """Millicredits that can be spent now, without what has expired: what pages show and refusals name. A query, unless it was
        read `with_due`."""
        due = self.__dict__.get("due")
        if due is None:
            due = self.lots.due(timezone.now()).aggregate(total=Sum(DUE))["total"] or 0
        return self.free - max(0, due - self.held)  # holds are met by what expires first

    @property
    def left(self) -> int:
        """Millicredits that are there, also those that work has set aside: what an alert goes by."""
        return self.balance - self.frozen


class HoldQuerySet(models.QuerySet["Hold"]):
    def active(self) -> HoldQuerySet:
        """Neither captured nor voided: credits set aside for running work."""
        return self.filter(status="active")


class Hold(models.Model):
    """Credits set aside for one piece of work, then captured (all or part) or voided, once.

    `actor` is the person for whom the work is done, `api_key` what a program asked with; `product` and `operation` are
    what it is reported under, in the words of whoever holds (for the studio: an engine and a mode).
    `refunded` is the part of `captured` that was given back later.
    """

    class Status(models.TextChoices):
        ACTIVE = "active", "Held"
        CAPTURED = "captured", "Charged"
        VOIDED = "voided", "Released"

    wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT, related_name="holds")
    reference = models.CharField(max_length=100)
    description = models.CharField(max_length=300)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    # `hold_of_key` finds them, and has no row for all that people ask for.
    api_key = models.ForeignKey(ApiKey, on_delete=models.SET_NULL, null=True, blank=True, db_index=False, related_name="+")
    product = models.CharField(max_length=120, blank=True)
    operation = models.CharField(max_length=40, blank=True)
    amount = models.BigIntegerField()
    captured = models.BigIntegerField(default=0)
    refunded = models.BigIntegerField(default=0)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.ACTIVE)
    created_at = models.DateTimeField(auto_now_add=True)
    settled_at = models.DateTimeField(null=True, blank=True)

    objects = HoldQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["wallet", "reference"], name="hold_once_per_reference"),
            models.CheckConstraint(condition=Q(amount__gte=0), name="hold_amount_not_negative"),
            models.CheckConstraint(condition=Q(captured__gte=0, captured__lte=F("amount")), name="hold_captures_at_most_its_amount"),
            models.CheckConstraint(condition=Q(refunded__gte=0, refunded__lte=F("captured")), name="hold_refunds_at_most_its_charge"),
            models.CheckConstraint(condition=Q(status="captured") | Q(captured=0), name="hold_charges_only_when_captured"),
        ]
        indexes = [
            models.Index(fields=["wallet", "-id"], name="hold_active", condition=Q(status="active")),
            models.Index(fields=["wallet", "actor", "created_at"], name="hold_of_person"),
            models.Index(fields=["wallet", "product", "-id"], name="hold_of_product"),
            models.Index(fields=["wallet", "created_at"], name="hold_of_period"),
            models.Index(fields=["api_key", "created_at"], name="hold_of_key", condition=Q(api_key__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.reference}: {self.amount} {self.status}"

    @property
    def released(self) -> int:
        """Millicredits that went back to the wallet; 0 while the hold is active."""
        return 0 if self.status == self.Status.ACTIVE else self.amount - self.captured

    @property
    def settlement(self) -> str:
        """How it went, in credits: "held 4, charged 3, released 1". What is nothing is left out."""
        if not self.amount:
            return "free of charge"
        parts = [("held", self.amount), ("charged", self.captured), ("released", self.released), ("refunded", self.refunded)]
        return ", ".join(f"{word} {credits(amount)}" for word, amount in parts if amount)


class LedgerQuerySet(AppendOnlyQuerySet["LedgerEntry"]):
    def statement(self) -> LedgerQuerySet:
        """The lines of a statement, newest first: one for each change of the balance, settled hold, freeze and thaw.

        A hold that is still active is no line yet, it changes no balance; its settlement (capture or void) is the line that tells
        its whole story. So `balance_after` of a line is always that of the line below plus the line's `amount`.
        """
        return self.exclude(kind="hold").select_related("hold__api_key", "actor").order_by("-id")

    def insert_still(self, entries: Sequence[LedgerEntry]) -> None:
        """Several that move no credits (`LedgerEntry.STILL`), so that the balance after each is the same. Not to be called but by
        `services.wallets`."""
        assert all(entry.kind in LedgerEntry.STILL for entry in entries)
        models.QuerySet.bulk_create(self, entries)

    def matching(
        self,
        *,
        person: int | None = None,
        holds: HoldQuerySet | None = None,
        kind: str = "",
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> LedgerQuerySet:
        """Those of a person (by key), of some holds and of a kind, at or after `since` and before `until`. Empty leaves nothing out."""
        asked = {"actor_id": person, "kind": kind, "created_at__gte": since, "created_at__lt": until}
        found = self.filter(**{name: value for name, value in asked.items() if value})
        return found if holds is None else found.filter(hold__in=holds.order_by().values("pk"))

    def charges(self) -> LedgerQuerySet:
        """What was spent, and what of it was given back."""
        return self.filter(account=Account.SPENT)

    def older_than(self, entry_id: int | None) -> LedgerQuerySet:
        """Keyset: what comes after the entry `entry_id` in a statement; everything for None."""
        return self if entry_id is None else self.filter(id__lt=entry_id)

    def spent_since(self, moment: datetime) -> int:
        """Millicredits charged at or after `moment`, less those refunded."""
        taken = self.charges().filter(created_at__gte=moment).aggregate(total=Sum("amount"))["total"]
        return -int(taken or 0)


class Account(models.TextChoices):
    """The other side of an entry: where credits come from, and where they go to. Over all wallets and accounts the sum is zero."""

    WELCOME = "welcome", "Welcome credits"
    SALES = "sales", "Bought"
    PLANS = "plans", "Plans"
    PROMOTIONS = "promotions", "Codes and gifts"
    OPERATOR = "operator", "Given by the operator"
    SPENT = "spent", "Spent"
    EXPIRED = "expired", "Expired"


SOURCES = (Account.WELCOME, Account.SALES, Account.PLANS, Account.PROMOTIONS, Account.OPERATOR)
"""Where credits come from; what is taken back goes there again."""


_TWO_SIDES = (
    Q(kind__in=("hold", "void", "freeze", "thaw"), account="", amount=0)
    | Q(kind__in=("capture", "refund"), account=Account.SPENT)
    | Q(kind="expiry", account=Account.EXPIRED, amount__lt=0)
    | Q(kind="grant", account__in=SOURCES, amount__gt=0)
    | Q(kind="revocation", account__in=SOURCES, amount__lt=0)
    | (Q(kind="correction", account=Account.OPERATOR) & ~Q(amount=0))
)


class LedgerEntry(AppendOnly):
    """One change to a wallet, never edited or deleted.

    `amount` is the change of the balance, `held` of what is held, `frozen` of what is frozen: their sums over all entries are the wallet's
    three columns. `account` is the other side of `amount`; an entry that moves nothing has none. `balance_after` is the balance that this
    change left behind. Within a wallet, ids grow in the order of the changes: an entry is inserted by the transaction that has the wallet's
    row locked. `actor` is who granted or corrected, or for whom the work of a hold was done.
    """

    class Kind(models.TextChoices):
        GRANT = "grant", "Granted"
        HOLD = "hold", "Held"
        CAPTURE = "capture", "Charged"
        VOID = "void", "Released"
        REFUND = "refund", "Refunded"
        EXPIRY = "expiry", "Expired"
        REVOCATION = "revocation", "Taken back"
        FREEZE = "freeze", "Frozen"
        THAW = "thaw", "Unfrozen"
        CORRECTION = "correction", "Corrected"

    STILL = (Kind.HOLD, Kind.VOID, Kind.FREEZE, Kind.THAW)
    """Kinds that move no credits."""

    wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT, related_name="entries")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    account = models.CharField(max_length=10, choices=Account.choices, blank=True)
    amount = models.BigIntegerField(default=0)
    held = models.BigIntegerField(default=0)
    frozen = models.BigIntegerField(default=0)
    balance_after = models.BigIntegerField()
    reference = models.CharField(max_length=100)
    description = models.CharField(max_length=300)
    hold = models.ForeignKey(Hold, on_delete=models.PROTECT, null=True, blank=True, related_name="entries")
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = LedgerQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["wallet", "kind", "reference"], name="ledger_entry_once"),
            models.CheckConstraint(condition=_TWO_SIDES, name="ledger_entry_has_two_sides"),
        ]
        indexes = [
            models.Index(fields=["wallet", "-id"], name="ledger_statement", condition=~Q(kind="hold")),
            # Not of two kinds: SQLite does not see that an IN over bound values implies the condition.
            models.Index(fields=["wallet", "created_at"], name="ledger_charges", condition=Q(account="spent")),
            models.Index(fields=["wallet", "created_at"], name="ledger_by_time", condition=~Q(kind="hold")),
            models.Index(fields=["wallet", "actor", "-id"], name="ledger_of_person", condition=~Q(kind="hold")),
            models.Index(fields=["wallet", "kind", "-id"], name="ledger_of_kind", condition=~Q(kind="hold")),
        ]
        verbose_name_plural = "ledger entries"

    def __str__(self) -> str:
        return f"{self.kind} {self.amount:+d} ({self.reference})"
