"""What can be bought, what was bought, and what gateways told of it. Only `billing.services` write purchases and what hangs on them.

Amounts of money are integers in the currency's minor unit, amounts of credits integer millicredits.
"""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q

from accounts.models import User
from billing.ids import uuid7
from billing.models.lots import Lot
from billing.models.wallets import Wallet
from billing.money import money

CURRENCY = RegexValidator(r"\A[a-z]{3}\Z", "Write the currency as three small letters (ISO 4217), like usd.")


class CreditPack(models.Model):
    """Credits that are sold together. A purchase keeps its own copy: changing a pack changes nothing that was bought."""

    name = models.CharField(max_length=80)
    credits = models.PositiveIntegerField(validators=[MinValueValidator(1)], help_text="Whole credits; 1 credit stands for US$0.01.")
    position = models.PositiveIntegerField(default=0, help_text="Small numbers come first.")
    is_active = models.BooleanField("offered", default=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(credits__gt=0), name="pack_has_credits")]
        ordering = ["position", "credits", "id"]

    def __str__(self) -> str:
        return self.name


class PackPrice(models.Model):
    """What a pack costs in one currency."""

    pack = models.ForeignKey(CreditPack, on_delete=models.CASCADE, related_name="prices")
    currency = models.CharField(max_length=3, validators=[CURRENCY], help_text="ISO 4217 in small letters, like usd.")
    amount = models.PositiveBigIntegerField(
        validators=[MinValueValidator(1)], help_text="In the smallest unit of the currency: 1000 for US$10.00, 1500 for ¥1,500."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["pack", "currency"], name="pack_has_one_price_in_a_currency"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="pack_price_is_something"),
        ]
        ordering = ["currency"]

    def __str__(self) -> str:
        return money(self.amount, self.currency)


class PurchaseQuerySet(models.QuerySet["Purchase"]):
    def visible_to(self, user: User) -> PurchaseQuerySet:
        """Those of the teams that a person is a member of."""
        return self.filter(wallet__in=Wallet.objects.visible_to(user))

    def of(self, wallet: Wallet) -> PurchaseQuerySet:
        """A wallet's, newest first."""
        return self.filter(wallet=wallet).select_related("buyer").order_by("-id")

    def waiting(self) -> PurchaseQuerySet:
        """Begun, and nothing heard since."""
        return self.filter(status=Purchase.Status.OPEN)


class Purchase(models.Model):
    """One pack bought, or begun to be bought. What was bought is copied from the pack as it was then.

    `reported` is the most that the gateway has said was refunded in all, with or without naming the refunds; `taken` are the millicredits
    that were taken back for money that went back, `owed` what should have been, but was spent. `moves` counts the changes made to its
    credits, and numbers their references. `payment_id` and `checkout_id` are the gateway's. `form_key` makes a form sent twice one
    purchase.
    """

    class Status(models.TextChoices):
        OPEN = "open", "Waiting for payment"
        PAID = "paid", "Paid"
        PARTLY_REFUNDED = "part", "Partly refunded"
        REFUNDED = "refunded", "Refunded"
        DISPUTED = "disputed", "Disputed"
        EXPIRED = "expired", "Not paid in time"
        FAILED = "failed", "Payment failed"
        CANCELED = "canceled", "Canceled"

    UNPAID = (Status.OPEN, Status.EXPIRED, Status.FAILED, Status.CANCELED)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT, related_name="purchases")
    buyer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    pack = models.ForeignKey(CreditPack, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    name = models.CharField(max_length=80)
    credits = models.PositiveIntegerField()
    currency = models.CharField(max_length=3)
    amount = models.PositiveBigIntegerField()
    gateway = models.CharField(max_length=40)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.OPEN)
    form_key = models.UUIDField()
    checkout_id = models.CharField(max_length=255, unique=True, null=True, blank=True)
    checkout_url = models.TextField(blank=True)
    payment_id = models.CharField(max_length=255, unique=True, null=True, blank=True)
    receipt_url = models.TextField(blank=True)
    number = models.PositiveBigIntegerField("invoice number", unique=True, null=True, blank=True)
    lot = models.OneToOneField(Lot, on_delete=models.PROTECT, null=True, blank=True, related_name="purchase")
    reported = models.PositiveBigIntegerField(default=0)
    refunded = models.PositiveBigIntegerField(default=0)
    taken = models.PositiveBigIntegerField(default=0)
    owed = models.PositiveBigIntegerField(default=0)
    moves = models.PositiveIntegerField(default=0)
    note = models.CharField(max_length=300, blank=True, help_text="What the operator has to look at.")
    created_at = models.DateTimeField(auto_now_add=True)
    paid_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    canceled_at = models.DateTimeField(null=True, blank=True)

    objects = PurchaseQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["wallet", "form_key"], name="purchase_once_per_form"),
            models.CheckConstraint(condition=Q(amount__gt=0, credits__gt=0), name="purchase_is_something"),
            models.CheckConstraint(condition=Q(lot=None) | Q(paid_at__isnull=False), name="purchase_delivers_what_is_paid"),
            models.CheckConstraint(condition=Q(refunded__lte=F("amount")), name="purchase_refunds_at_most_its_amount"),
        ]
        indexes = [
            models.Index(fields=["wallet", "-id"], name="purchase_of_wallet"),
            models.Index(fields=["id"], name="purchase_waiting", condition=Q(status="open")),
        ]

    def __str__(self) -> str:
        return f"{self.name} for {money(self.amount, self.currency)}"

    @property
    def millicredits(self) -> int:
        return self.credits * 1000

    @property
    def price(self) -> str:
        return money(self.amount, self.currency)

    @property
    def is_refund_under_way(self) -> bool:
        """The gateway has not said of each refund how it ended."""
        return any(one.status == PaymentRefund.Status.PENDING for one in self.refunds.all())

    @property
    def is_paid(self) -> bool:
        """Also when the money went back since."""
        return self.paid_at is not None

    @property
    def reference(self) -> str:
        """What a person writes on a transfer, and reads to the operator: short, and unique where there is an invoice."""
        return f"AT-{self.number:06d}" if self.number else f"AT-{self.id.hex[-8:].upper()}"


class GatewayEvent(models.Model):
    """One delivery of a gateway, however often it came. `payload` holds its facts (`gateways.facts.dump`), nothing of cards and people.

    `subject` is the payment or subscription that it waits to hear of; while it waits it is not `processed_at`. `note` says what came of it
    where that is not plain.
    """

    gateway = models.CharField(max_length=40)
    event_id = models.CharField(max_length=255)
    type = models.CharField(max_length=100)
    payload = models.JSONField(default=list)
    subject = models.CharField(max_length=255, blank=True)
    received_at = models.DateTimeField(auto_now_add=True)
    processed_at = models.DateTimeField(null=True, blank=True)
    note = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["gateway", "event_id"], name="gateway_event_once")]
        indexes = [
            models.Index(fields=["gateway", "subject"], name="gateway_event_waiting", condition=Q(processed_at=None)),
            models.Index(fields=["-received_at"], name="gateway_event_received"),
        ]

    def __str__(self) -> str:
        return f"{self.type} ({self.event_id})"


class PaymentRefund(models.Model):
    """Money that went back, or is to. `millicredits` are what it stands for, `author` is who asked for it here: nobody, where it was done
    at the gateway. A `failed` refund counts as if it had not been."""

    class Status(models.TextChoices):
        PENDING = "pending", "Under way"
        SUCCEEDED = "succeeded", "Refunded"
        FAILED = "failed", "Failed"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    purchase = models.ForeignKey(Purchase, on_delete=models.PROTECT, related_name="refunds")
    amount = models.PositiveBigIntegerField()
    millicredits = models.PositiveBigIntegerField(default=0)
    external_id = models.CharField(max_length=255, unique=True, null=True, blank=True)
    form_key = models.UUIDField(null=True, blank=True)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PENDING)
    reason = models.CharField(max_length=300, blank=True)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["purchase", "form_key"], name="payment_refund_once_per_form"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="payment_refund_is_something"),
        ]
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{money(self.amount, self.purchase.currency)} of {self.purchase}"


class Dispute(models.Model):
    """The payer's bank wants money back. While it is open, the credits for `amount` are frozen, as far as they are left (`frozen`)."""

    class Status(models.TextChoices):
        OPEN = "open", "Open"
        WON = "won", "Won"
        LOST = "lost", "Lost"

    purchase = models.ForeignKey(Purchase, on_delete=models.PROTECT, related_name="disputes")
    external_id = models.CharField(max_length=255, unique=True)
    amount = models.PositiveBigIntegerField()
    frozen = models.PositiveBigIntegerField(default=0)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.OPEN)
    reason = models.CharField(max_length=100, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.external_id}: {self.status}"
