"""Packs, purchases, and what gateways told of them."""

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

import billing.ids

PACKS = ((1000, 1000), (2500, 2500), (10000, 10000))
"""Credits, and their price in US cents."""


def offer(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    """Packs to begin with; the operator changes them as they like."""
    packs, prices = apps.get_model("billing", "CreditPack").objects, apps.get_model("billing", "PackPrice").objects
    for position, (credits, cents) in enumerate(PACKS, start=1):
        pack = packs.create(name=f"{credits:,} credits", credits=credits, position=position)
        prices.create(pack=pack, currency="usd", amount=cents)


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0004_two_sides"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="CreditPack",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=80)),
                (
                    "credits",
                    models.PositiveIntegerField(
                        help_text="Whole credits; 1 credit stands for US$0.01.", validators=[django.core.validators.MinValueValidator(1)]
                    ),
                ),
                ("position", models.PositiveIntegerField(default=0, help_text="Small numbers come first.")),
                ("is_active", models.BooleanField(default=True, verbose_name="offered")),
            ],
            options={
                "ordering": ["position", "credits", "id"],
                "constraints": [models.CheckConstraint(condition=models.Q(("credits__gt", 0)), name="pack_has_credits")],
            },
        ),
        migrations.CreateModel(
            name="GatewayEvent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("gateway", models.CharField(max_length=40)),
                ("event_id", models.CharField(max_length=255)),
                ("type", models.CharField(max_length=100)),
                ("payload", models.JSONField(default=list)),
                ("subject", models.CharField(blank=True, max_length=255)),
                ("received_at", models.DateTimeField(auto_now_add=True)),
                ("processed_at", models.DateTimeField(blank=True, null=True)),
                ("note", models.CharField(blank=True, max_length=300)),
            ],
            options={
                "indexes": [
                    models.Index(condition=models.Q(("processed_at", None)), fields=["gateway", "subject"], name="gateway_event_waiting"),
                    models.Index(fields=["-received_at"], name="gateway_event_received"),
                ],
                "constraints": [models.UniqueConstraint(fields=("gateway", "event_id"), name="gateway_event_once")],
            },
        ),
        migrations.CreateModel(
            name="Purchase",
            fields=[
                ("id", models.UUIDField(default=billing.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=80)),
                ("credits", models.PositiveIntegerField()),
                ("currency", models.CharField(max_length=3)),
                ("amount", models.PositiveBigIntegerField()),
                ("gateway", models.CharField(max_length=40)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("open", "Waiting for payment"),
                            ("paid", "Paid"),
                            ("part", "Partly refunded"),
                            ("refunded", "Refunded"),
                            ("disputed", "Disputed"),
                            ("expired", "Not paid in time"),
                            ("failed", "Payment failed"),
                            ("canceled", "Canceled"),
                        ],
                        default="open",
                        max_length=10,
                    ),
                ),
                ("form_key", models.UUIDField()),
                ("checkout_id", models.CharField(blank=True, max_length=255, null=True, unique=True)),
                ("checkout_url", models.TextField(blank=True)),
                ("payment_id", models.CharField(blank=True, max_length=255, null=True, unique=True)),
                ("receipt_url", models.TextField(blank=True)),
                ("number", models.PositiveBigIntegerField(blank=True, null=True, unique=True, verbose_name="invoice number")),
                ("reported", models.PositiveBigIntegerField(default=0)),
                ("refunded", models.PositiveBigIntegerField(default=0)),
                ("taken", models.PositiveBigIntegerField(default=0)),
                ("owed", models.PositiveBigIntegerField(default=0)),
                ("moves", models.PositiveIntegerField(default=0)),
                ("note", models.CharField(blank=True, help_text="What the operator has to look at.", max_length=300)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("paid_at", models.DateTimeField(blank=True, null=True)),
                ("expires_at", models.DateTimeField(blank=True, null=True)),
                (
                    "buyer",
                    models.ForeignKey(
                        blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "lot",
                    models.OneToOneField(
                        blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="purchase", to="billing.lot"
                    ),
                ),
                (
                    "pack",
                    models.ForeignKey(
                        blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="billing.creditpack"
                    ),
                ),
                ("wallet", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="purchases", to="billing.wallet")),
            ],
        ),
        migrations.CreateModel(
            name="PaymentRefund",
            fields=[
                ("id", models.UUIDField(default=billing.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("amount", models.PositiveBigIntegerField()),
                ("millicredits", models.PositiveBigIntegerField(default=0)),
                ("external_id", models.CharField(blank=True, max_length=255, null=True, unique=True)),
                ("form_key", models.UUIDField(blank=True, null=True)),
                (
                    "status",
                    models.CharField(
                        choices=[("pending", "Under way"), ("succeeded", "Refunded"), ("failed", "Failed")],
                        default="pending",
                        max_length=10,
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=300)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "author",
                    models.ForeignKey(
                        blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                ("purchase", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="refunds", to="billing.purchase")),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="Dispute",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("external_id", models.CharField(max_length=255, unique=True)),
                ("amount", models.PositiveBigIntegerField()),
                ("frozen", models.PositiveBigIntegerField(default=0)),
                ("status", models.CharField(choices=[("open", "Open"), ("won", "Won"), ("lost", "Lost")], default="open", max_length=10)),
                ("reason", models.CharField(blank=True, max_length=100)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "purchase",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="disputes", to="billing.purchase"),
                ),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="PackPrice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "currency",
                    models.CharField(
                        help_text="ISO 4217 in small letters, like usd.",
                        max_length=3,
                        validators=[
                            django.core.validators.RegexValidator(
                                "\\A[a-z]{3}\\Z", "Write the currency as three small letters (ISO 4217), like usd."
                            )
                        ],
                    ),
                ),
                (
                    "amount",
                    models.PositiveBigIntegerField(
                        help_text="In the smallest unit of the currency: 1000 for US$10.00, 1500 for ¥1,500.",
                        validators=[django.core.validators.MinValueValidator(1)],
                    ),
                ),
                ("pack", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="prices", to="billing.creditpack")),
            ],
            options={
                "ordering": ["currency"],
                "constraints": [
                    models.UniqueConstraint(fields=("pack", "currency"), name="pack_has_one_price_in_a_currency"),
                    models.CheckConstraint(condition=models.Q(("amount__gt", 0)), name="pack_price_is_something"),
                ],
            },
        ),
        migrations.AddIndex(
            model_name="purchase",
            index=models.Index(fields=["wallet", "-id"], name="purchase_of_wallet"),
        ),
        migrations.AddIndex(
            model_name="purchase",
            index=models.Index(condition=models.Q(("status", "open")), fields=["id"], name="purchase_waiting"),
        ),
        migrations.AddConstraint(
            model_name="purchase",
            constraint=models.UniqueConstraint(fields=("wallet", "form_key"), name="purchase_once_per_form"),
        ),
        migrations.AddConstraint(
            model_name="purchase",
            constraint=models.CheckConstraint(condition=models.Q(("amount__gt", 0), ("credits__gt", 0)), name="purchase_is_something"),
        ),
        migrations.AddConstraint(
            model_name="purchase",
            constraint=models.CheckConstraint(
                condition=models.Q(("lot", None), ("paid_at__isnull", False), _connector="OR"), name="purchase_delivers_what_is_paid"
            ),
        ),
        migrations.AddConstraint(
            model_name="purchase",
            constraint=models.CheckConstraint(
                condition=models.Q(("refunded__lte", models.F("amount"))), name="purchase_refunds_at_most_its_amount"
            ),
        ),
        migrations.AddConstraint(
            model_name="paymentrefund",
            constraint=models.UniqueConstraint(fields=("purchase", "form_key"), name="payment_refund_once_per_form"),
        ),
        migrations.AddConstraint(
            model_name="paymentrefund",
            constraint=models.CheckConstraint(condition=models.Q(("amount__gt", 0)), name="payment_refund_is_something"),
        ),
        migrations.RunPython(offer, migrations.RunPython.noop),
    ]
