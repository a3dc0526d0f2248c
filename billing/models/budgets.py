"""How much a team and each person in it may spend in a day and a month, what they have spent, and what people ask for beyond it.

Only `billing.services.budgets`, `budget_requests` and `sums` write these rows.
"""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.models import ApiKey
from billing.models.wallets import Wallet
from billing.periods import DAY, MONTH, Period, period


class Scope(models.TextChoices):
    """Whose spending a limit looks at."""

    TEAM = "team", "The whole team"
    EVERYONE = "everyone", "Every member"
    MEMBER = "member", "One member"


class Span(models.TextChoices):
    DAY = DAY, "A day"
    MONTH = MONTH, "A month"


class Budget(models.Model):
    """Limits in millicredits; None for none, 0 for nothing at all.

    Of a wallet there is at most one for the `team`, one for `everyone` (each member on their own), and one for each `member`, which takes
    the place of everyone's.
    """

    wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT, related_name="budgets")
    scope = models.CharField(max_length=8, choices=Scope.choices)
    member = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    day = models.BigIntegerField(null=True, blank=True)
    month = models.BigIntegerField(null=True, blank=True)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["wallet", "scope"], condition=Q(member=None), name="budget_once_in_a_wallet"),
            models.UniqueConstraint(fields=["wallet", "member"], condition=~Q(member=None), name="budget_once_for_a_member"),
            models.CheckConstraint(
                condition=Q(scope="member", member__isnull=False) | Q(scope__in=("team", "everyone"), member=None),
                name="budget_of_a_member_names_them",
            ),
            models.CheckConstraint(condition=Q(day=None) | Q(day__gte=0), name="budget_day_not_negative"),
            models.CheckConstraint(condition=Q(month=None) | Q(month__gte=0), name="budget_month_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.scope} of wallet {self.wallet_id}: {self.day} a day, {self.month} a month"

    def limit(self, span: str) -> int | None:
        return self.day if span == DAY else self.month


class Spent(models.Model):
    """A running sum: what the work that was asked for from `begins` on and before `ends` takes from budgets, of the whole team (neither
    `member` nor `api_key`), of one person, or with a key and those that took its place (`api_key` is the first of them). It moves with each
    of its holds, under the wallet's lock; see `services.sums`.

    `warned_of` is the limit of a key that people were told of when most of it was used.
    """

    wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT, related_name="spent")
    member = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="+")
    api_key = models.ForeignKey(ApiKey, on_delete=models.CASCADE, null=True, related_name="+")
    begins = models.DateTimeField()
    ends = models.DateTimeField()
    amount = models.BigIntegerField()
    warned_of = models.BigIntegerField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["wallet", "begins", "ends"], condition=Q(member=None, api_key=None), name="spent_once_of_a_team"
            ),
            models.UniqueConstraint(
                fields=["wallet", "member", "begins", "ends"], condition=~Q(member=None), name="spent_once_of_a_member"
            ),
            models.UniqueConstraint(fields=["wallet", "api_key", "begins", "ends"], condition=~Q(api_key=None), name="spent_once_of_a_key"),
            models.CheckConstraint(condition=Q(member=None) | Q(api_key=None), name="spent_of_a_member_or_a_key"),
        ]

    def __str__(self) -> str:
        return f"{self.amount} of wallet {self.wallet_id} from {self.begins} to {self.ends}"


class BudgetWarning(models.Model):
    """People were told that most of a limit is used: of the team's, or of `person`'s. Once in a period."""

    budget = models.ForeignKey(Budget, on_delete=models.CASCADE, related_name="warnings")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="+")
    span = models.CharField(max_length=5, choices=Span.choices)
    start = models.DateField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["budget", "span", "start"], condition=Q(person=None), name="budget_warns_a_team_once"),
            models.UniqueConstraint(
                fields=["budget", "person", "span", "start"], condition=~Q(person=None), name="budget_warns_a_person_once"
            ),
        ]

    def __str__(self) -> str:
        return f"Warning of budget {self.budget_id} for the {self.span} of {self.start}"


class BudgetRequestQuerySet(models.QuerySet["BudgetRequest"]):
    def open(self) -> BudgetRequestQuerySet:
        """Waiting for an answer, which comes in time only while their period lasts."""
        return self.filter(status="open")

    def current(self, day: Period, month: Period) -> BudgetRequestQuerySet:
        """Of this day and this month."""
        return self.filter(Q(span=DAY, start=day.start) | Q(span=MONTH, start=month.start))


class BudgetRequest(models.Model):
    """Somebody asks for `amount` beyond a limit, for one day or month: beyond their own (`scope` is member), or the team's. `granted` is
    what they got of it, or more; None as long as they have nothing.
    """

    class Status(models.TextChoices):
        OPEN = "open", "Waiting"
        APPROVED = "approved", "Approved"
        DECLINED = "declined", "Declined"
        WITHDRAWN = "withdrawn", "Withdrawn"
        LAPSED = "lapsed", "Over"

    wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT, related_name="budget_requests")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    scope = models.CharField(max_length=8, choices=[(one.value, one.label) for one in (Scope.TEAM, Scope.MEMBER)])
    span = models.CharField(max_length=5, choices=Span.choices)
    start = models.DateField()
    amount = models.BigIntegerField()
    granted = models.BigIntegerField(null=True, blank=True)
    why = models.CharField(max_length=300, blank=True)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.OPEN)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    note = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = BudgetRequestQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["wallet", "person"], condition=Q(status="open"), name="budget_request_one_open"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="budget_request_asks_for_something"),
            models.CheckConstraint(
                condition=Q(status="open", decided_at=None) | Q(decided_at__isnull=False), name="budget_request_decided"
            ),
            models.CheckConstraint(
                condition=Q(status="approved", granted__isnull=False, granted__gt=0) | (~Q(status="approved") & Q(granted=None)),
                name="budget_request_grants_when_approved",
            ),
        ]
        indexes = [models.Index(fields=["wallet", "start"], name="budget_raises", condition=Q(status="approved"))]

    def __str__(self) -> str:
        return f"{self.person_id} asks for {self.amount}: {self.status}"

    @property
    def period(self) -> Period:
        return period(self.span, self.start)

    @property
    def is_open(self) -> bool:
        return self.status == self.Status.OPEN

    @property
    def differs(self) -> bool:
        """Something else was granted than was asked for."""
        return self.granted not in (None, self.amount)

    @property
    def is_over(self) -> bool:
        """Nobody answered in time."""
        return self.is_open and not self.period.is_now
