"""What a team may do for what it pays each month. Plans are the operator's data; only `billing.services` write subscriptions and invoices.

Amounts of money are integers in the currency's minor unit, amounts of credits integer millicredits. A limit that is null is none.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from accounts.models import Team
from accounts.names import matches_any
from billing.credits import MILLICREDITS
from billing.ids import uuid7
from billing.models.buying import CURRENCY
from billing.models.wallets import Wallet
from billing.money import money

GIGABYTE = 1024**3
ONE = MinValueValidator(1)


class PlanQuerySet(models.QuerySet["Plan"]):
    def offered(self) -> PlanQuerySet:
        """Those that everybody is shown, in their order."""
        return self.filter(is_public=True).order_by("position", "pk").prefetch_related("prices")

    def of(self, team: Team, now: datetime | None = None) -> PlanQuerySet:
        """The plan that a team has now, in one query: the one of its subscription, before the studio's default one."""
        good = Subscription.objects.good(now).filter(wallet__team=team, plan=OuterRef("pk"))
        found = self.annotate(is_subscribed=Exists(good))
        return found.filter(Q(is_subscribed=True) | Q(slug=settings.DEFAULT_PLAN)).order_by("-is_subscribed")


class Plan(models.Model):
    """`engines` are the names of what may be used, in the words of whoever asks (`allows`); none for everything. Work of a higher
    `priority` is done first. Without a price a plan is for nothing, or `by_arrangement`: then the operator puts teams on it."""

    slug = models.SlugField(max_length=40, unique=True, help_text="Its name in settings and at the payment provider. It stays.")
    name = models.CharField(max_length=60)
    description = models.CharField(max_length=200, blank=True, help_text="For whom it is, in a sentence.")
    credits = models.PositiveBigIntegerField(
        "millicredits a month", default=0, help_text="1,000 for each credit. They expire when the month ends."
    )
    requests_per_minute = models.PositiveIntegerField(null=True, blank=True, validators=[ONE], help_text="Of the team. Empty: no limit.")
    jobs_at_once = models.PositiveIntegerField(
        null=True, blank=True, validators=[ONE], help_text="Waiting and running ones of the team. Empty: no limit."
    )
    engines = models.JSONField(
        default=list,
        blank=True,
        help_text='Ids of engines, their beginnings ("sd3.5-*") or whole backends ("diffusers"). Empty list: all engines.',
    )
    priority = models.SmallIntegerField(
        default=0, validators=[MinValueValidator(-100), MaxValueValidator(100)], help_text="Higher ones are taken from the queue first."
    )
    seats = models.PositiveIntegerField(null=True, blank=True, validators=[ONE], help_text="People in the team. Empty: no limit.")
    storage = models.PositiveBigIntegerField(
        "bytes of storage", null=True, blank=True, validators=[ONE], help_text="Of what is in the library. Empty: no limit."
    )
    by_arrangement = models.BooleanField(default=False, help_text="Shown without a price; the operator puts teams on it.")
    is_public = models.BooleanField("offered", default=True, help_text="Everybody is shown it. Who is on a plan keeps it when it is not.")
    position = models.PositiveIntegerField(default=0, help_text="Small numbers come first.")

    objects = PlanQuerySet.as_manager()

    class Meta:
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return self.name

    @property
    def whole_credits(self) -> int:
        return self.credits // MILLICREDITS

    def allows(self, names: Iterable[str]) -> bool:
        """Whether something may be used that goes by any of these `names`."""
        return not self.engines or any(matches_any(self.engines, name) for name in names)

    def price(self, currency: str) -> PlanPrice | None:
        return next((one for one in self.prices.all() if one.currency == currency), None)


class PlanPrice(models.Model):
    """What a plan costs a month in one currency. Whoever is on it keeps paying what they pay until they change."""

    plan = models.ForeignKey(Plan, on_delete=models.CASCADE, related_name="prices")
    currency = models.CharField(max_length=3, validators=[CURRENCY], help_text="ISO 4217 in small letters, like usd.")
    amount = models.PositiveBigIntegerField(validators=[ONE], help_text="In the smallest unit of the currency: 1000 for US$10.00.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["plan", "currency"], name="plan_has_one_price_in_a_currency"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="plan_price_is_something"),
        ]
        ordering = ["currency"]

    def __str__(self) -> str:
        return money(self.amount, self.currency)


class SubscriptionQuerySet(models.QuerySet["Subscription"]):
    def live(self) -> SubscriptionQuerySet:
        """Begun and not ended, paid or not; at most one of a wallet."""
        return self.filter(status__in=Subscription.LIVE)

    def begun(self) -> SubscriptionQuerySet:
        """Those with a pay page that was not paid, as far as is known."""
        return self.filter(status=Subscription.Status.INCOMPLETE, external_id=None)

    def good(self, now: datetime | None = None) -> SubscriptionQuerySet:
        """Those whose plan is in force. Who does not pay keeps it for `settings.PLAN_GRACE`, and so does one of which nobody has told that
        its next period has begun."""
        began = (now or timezone.now()) - settings.PLAN_GRACE
        running = Q(status__in=("trialing", "active")) & (Q(period_end=None) | Q(period_end__gt=began))
        return self.filter(running | Q(status="past_due", failing_since__gt=began))


class Subscription(models.Model):
    """A team's plan, paid through a `gateway`; without one the operator gave it.

    `key` is our id of it at the gateway, `external_id` the gateway's. `next_plan` takes the place of `plan` when the period ends. `told_at`
    is how new the news are that the row holds. `failing_since`: no payment has succeeded since. `end_wanted` is an end that the gateway has
    still to be told of: "period_end" or "now". `is_double`: paid beside another one, so what was paid for it goes back.
    `forget_wanted`: the team is erased, and the gateway has still to forget the customer.
    """

    class Status(models.TextChoices):
        INCOMPLETE = "incomplete", "Waiting for payment"
        TRIALING = "trialing", "On trial"
        ACTIVE = "active", "Active"
        PAST_DUE = "past_due", "Payment failed"
        UNPAID = "unpaid", "Not paid"
        CANCELED = "canceled", "Ended"

    LIVE = (Status.TRIALING, Status.ACTIVE, Status.PAST_DUE, Status.UNPAID)

    wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT, related_name="subscriptions")
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="subscriptions")
    next_plan = models.ForeignKey(Plan, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    gateway = models.CharField(max_length=40, blank=True)
    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    external_id = models.CharField(max_length=255, unique=True, null=True, blank=True)
    customer_id = models.CharField(max_length=255, blank=True)
    checkout_id = models.CharField(max_length=255, blank=True)
    checkout_url = models.TextField(blank=True)
    checkout_until = models.DateTimeField(null=True, blank=True)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.INCOMPLETE)
    currency = models.CharField(max_length=3, blank=True)
    amount = models.PositiveBigIntegerField(default=0)
    period_start = models.DateTimeField(null=True, blank=True)
    period_end = models.DateTimeField(null=True, blank=True)
    cancel_at_period_end = models.BooleanField(default=False)
    end_wanted = models.CharField(max_length=10, blank=True)
    is_double = models.BooleanField(default=False)
    forget_wanted = models.BooleanField(default=False)
    failing_since = models.DateTimeField(null=True, blank=True)
    told_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    started_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = SubscriptionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["wallet"], condition=Q(status__in=["trialing", "active", "past_due", "unpaid"]), name="subscription_live_once"
            ),
            models.CheckConstraint(condition=Q(period_end__gt=models.F("period_start")), name="subscription_period_goes_forward"),
        ]
        indexes = [models.Index(fields=["period_end"], name="subscription_due", condition=Q(status__in=["trialing", "active", "past_due"]))]
        permissions = [("assign_plan", "Can put a team on a plan")]

    def __str__(self) -> str:
        return f"{self.plan} of {self.wallet.team}"

    @property
    def price(self) -> str:
        """What it costs a month; empty where the operator gave it."""
        return money(self.amount, self.currency) if self.amount else ""

    @property
    def is_live(self) -> bool:
        return self.status in self.LIVE

    @property
    def is_failing(self) -> bool:
        return self.status in (self.Status.PAST_DUE, self.Status.UNPAID)

    @property
    def good_until(self) -> datetime | None:
        """Until when an unpaid plan stays in force."""
        return self.failing_since + settings.PLAN_GRACE if self.failing_since else None


class SubscriptionInvoice(models.Model):
    """What was asked for a period, or for a change within one, and whether it was paid; `credits` (millicredits a month) are those that
    its plan had then. A plan that the operator gives has them too, paid with nothing: the credits of a period are worked out from these.

    `payment_id` is the gateway's, of what paid it. `reported`, `taken`, `owed` and `moves` are as in `Purchase`."""

    class Status(models.TextChoices):
        DRAFT = "draft", "Being written"
        OPEN = "open", "Not paid yet"
        PAID = "paid", "Paid"
        VOID = "void", "Canceled"
        UNCOLLECTIBLE = "uncollectible", "Given up"

    WHOLE = ("start", "period")
    """Reasons of those for a whole period."""

    subscription = models.ForeignKey(Subscription, on_delete=models.PROTECT, related_name="invoices")
    external_id = models.CharField(max_length=255, unique=True)
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="+")
    credits = models.PositiveBigIntegerField(default=0)
    reason = models.CharField(max_length=10)
    status = models.CharField(max_length=15, choices=Status.choices)
    amount_due = models.BigIntegerField(default=0)
    amount_paid = models.BigIntegerField(default=0)
    currency = models.CharField(max_length=3, blank=True)
    period_start = models.DateTimeField(null=True, blank=True)
    period_end = models.DateTimeField(null=True, blank=True)
    number = models.CharField(max_length=80, blank=True)
    url = models.TextField(blank=True)
    attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    told_at = models.DateTimeField(null=True, blank=True)
    payment_id = models.CharField(max_length=255, unique=True, null=True, blank=True)
    reported = models.PositiveBigIntegerField(default=0)
    taken = models.PositiveBigIntegerField(default=0)
    owed = models.PositiveBigIntegerField(default=0)
    moves = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["subscription", "period_end"], name="invoice_of_period")]

    def __str__(self) -> str:
        return self.number or self.external_id

    @property
    def total(self) -> str:
        return money(self.amount_paid if self.status == self.Status.PAID else self.amount_due, self.currency)

    @property
    def length(self) -> timedelta:
        """Of a period that is known."""
        assert self.period_start
        assert self.period_end
        return self.period_end - self.period_start


class Reversal(models.Model):
    """Money of an invoice that goes back: a refund, or a dispute, in which the payer's bank wants it. One that the studio asks for itself
    has no `external_id` until the gateway has answered. A `failed` refund and a `won` dispute count as if they had not been; `closed_at`
    is when a dispute was decided."""

    class Kind(models.TextChoices):
        REFUND = "refund", "Refund"
        DISPUTE = "dispute", "Dispute"

    class Status(models.TextChoices):
        PENDING = "pending", "Under way"
        SUCCEEDED = "succeeded", "Refunded"
        FAILED = "failed", "Failed"
        OPEN = "open", "Open"
        WON = "won", "Won"
        LOST = "lost", "Lost"

    GONE = (Status.PENDING, Status.SUCCEEDED, Status.LOST)
    """What its credits are taken back for."""
    UNDECIDED = (Status.PENDING, Status.OPEN)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    invoice = models.ForeignKey(SubscriptionInvoice, on_delete=models.PROTECT, related_name="reversals")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    status = models.CharField(max_length=10, choices=Status.choices)
    amount = models.PositiveBigIntegerField()
    external_id = models.CharField(max_length=255, unique=True, null=True, blank=True)
    reason = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [models.CheckConstraint(condition=Q(amount__gt=0), name="reversal_is_something")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {money(self.amount, self.invoice.currency)}: {self.get_status_display().lower()}"
