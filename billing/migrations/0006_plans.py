"""Plans, the five that come with the studio, and who is on them."""

import uuid

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

GIGABYTE = 1024**3
SEED = (
    {
        "slug": "studio",
        "name": "Studio",
        "description": "Everything that this studio can do.",
        "is_public": False,
        "position": 0,
    },
    {
        "slug": "free",
        "name": "Free",
        "description": "To find out whether it is for you.",
        "credits": 25_000,
        "requests_per_minute": 10,
        "jobs_at_once": 2,
        "engines": ["diffusers", "null", "stable-image-core", "sd3.5-flash"],
        "seats": 2,
        "storage": 1 * GIGABYTE,
        "position": 10,
    },
    {
        "slug": "creator",
        "name": "Creator",
        "description": "For one person who makes pictures every week.",
        "credits": 1_000_000,
        "requests_per_minute": 30,
        "jobs_at_once": 5,
        "priority": 5,
        "seats": 3,
        "storage": 20 * GIGABYTE,
        "position": 20,
    },
    {
        "slug": "pro",
        "name": "Pro",
        "description": "For a team that makes pictures every day.",
        "credits": 2_500_000,
        "requests_per_minute": 60,
        "jobs_at_once": 20,
        "priority": 10,
        "seats": 10,
        "storage": 100 * GIGABYTE,
        "position": 30,
    },
    {
        "slug": "enterprise",
        "name": "Enterprise",
        "description": "For whoever needs more than that.",
        "priority": 20,
        "by_arrangement": True,
        "position": 40,
    },
)
PRICES = {"creator": {"usd": 1000}, "pro": {"usd": 2500}}


def seed(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    plans, prices = apps.get_model("billing", "Plan"), apps.get_model("billing", "PlanPrice")
    for given in SEED:
        plan = plans.objects.create(**given)
        for currency, amount in PRICES.get(plan.slug, {}).items():
            prices.objects.create(plan=plan, currency=currency, amount=amount)


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0005_buying"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Plan",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "slug",
                    models.SlugField(help_text="Its name in settings and at the payment provider. It stays.", max_length=40, unique=True),
                ),
                ("name", models.CharField(max_length=60)),
                ("description", models.CharField(blank=True, help_text="For whom it is, in a sentence.", max_length=200)),
                (
                    "credits",
                    models.PositiveBigIntegerField(
                        default=0, help_text="1,000 for each credit. They expire when the month ends.", verbose_name="millicredits a month"
                    ),
                ),
                (
                    "requests_per_minute",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Of the team. Empty: no limit.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                    ),
                ),
                (
                    "jobs_at_once",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="Waiting and running ones of the team. Empty: no limit.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                    ),
                ),
                (
                    "engines",
                    models.JSONField(
                        blank=True,
                        default=list,
                        help_text='Ids of engines, their beginnings ("sd3.5-*") or whole backends ("diffusers"). Empty list: all engines.',
                    ),
                ),
                (
                    "priority",
                    models.SmallIntegerField(
                        default=0,
                        help_text="Higher ones are taken from the queue first.",
                        validators=[django.core.validators.MinValueValidator(-100), django.core.validators.MaxValueValidator(100)],
                    ),
                ),
                (
                    "seats",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="People in the team. Empty: no limit.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                    ),
                ),
                (
                    "storage",
                    models.PositiveBigIntegerField(
                        blank=True,
                        help_text="Of what is in the library. Empty: no limit.",
                        null=True,
                        validators=[django.core.validators.MinValueValidator(1)],
                        verbose_name="bytes of storage",
                    ),
                ),
                ("by_arrangement", models.BooleanField(default=False, help_text="Shown without a price; the operator puts teams on it.")),
                (
                    "is_public",
                    models.BooleanField(
                        default=True, help_text="Everybody is shown it. Who is on a plan keeps it when it is not.", verbose_name="offered"
                    ),
                ),
                ("position", models.PositiveIntegerField(default=0, help_text="Small numbers come first.")),
            ],
            options={
                "ordering": ["position", "id"],
            },
        ),
        migrations.CreateModel(
            name="Subscription",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("gateway", models.CharField(blank=True, max_length=40)),
                ("key", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("external_id", models.CharField(blank=True, max_length=255, null=True, unique=True)),
                ("customer_id", models.CharField(blank=True, max_length=255)),
                ("checkout_url", models.TextField(blank=True)),
                ("checkout_until", models.DateTimeField(blank=True, null=True)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("incomplete", "Waiting for payment"),
                            ("trialing", "On trial"),
                            ("active", "Active"),
                            ("past_due", "Payment failed"),
                            ("unpaid", "Not paid"),
                            ("canceled", "Ended"),
                        ],
                        default="incomplete",
                        max_length=10,
                    ),
                ),
                ("currency", models.CharField(blank=True, max_length=3)),
                ("amount", models.PositiveBigIntegerField(default=0)),
                ("period_start", models.DateTimeField(blank=True, null=True)),
                ("period_end", models.DateTimeField(blank=True, null=True)),
                ("cancel_at_period_end", models.BooleanField(default=False)),
                ("end_wanted", models.CharField(blank=True, max_length=10)),
                ("failing_since", models.DateTimeField(blank=True, null=True)),
                ("told_at", models.DateTimeField(blank=True, null=True)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "next_plan",
                    models.ForeignKey(
                        blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="billing.plan"
                    ),
                ),
                ("plan", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="subscriptions", to="billing.plan")),
                (
                    "started_by",
                    models.ForeignKey(
                        blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "wallet",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="subscriptions", to="billing.wallet"),
                ),
            ],
            options={
                "permissions": [("assign_plan", "Can put a team on a plan")],
            },
        ),
        migrations.CreateModel(
            name="SubscriptionInvoice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("external_id", models.CharField(max_length=255, unique=True)),
                ("credits", models.PositiveBigIntegerField(default=0)),
                ("reason", models.CharField(max_length=10)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("draft", "Being written"),
                            ("open", "Not paid yet"),
                            ("paid", "Paid"),
                            ("void", "Canceled"),
                            ("uncollectible", "Given up"),
                        ],
                        max_length=15,
                    ),
                ),
                ("amount_due", models.BigIntegerField(default=0)),
                ("amount_paid", models.BigIntegerField(default=0)),
                ("currency", models.CharField(blank=True, max_length=3)),
                ("period_start", models.DateTimeField(blank=True, null=True)),
                ("period_end", models.DateTimeField(blank=True, null=True)),
                ("number", models.CharField(blank=True, max_length=80)),
                ("url", models.TextField(blank=True)),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("next_attempt_at", models.DateTimeField(blank=True, null=True)),
                ("told_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("plan", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="billing.plan")),
                (
                    "subscription",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="invoices", to="billing.subscription"),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="PlanPrice",
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
                        help_text="In the smallest unit of the currency: 1000 for US$10.00.",
                        validators=[django.core.validators.MinValueValidator(1)],
                    ),
                ),
                ("plan", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="prices", to="billing.plan")),
            ],
            options={
                "ordering": ["currency"],
                "constraints": [
                    models.UniqueConstraint(fields=("plan", "currency"), name="plan_has_one_price_in_a_currency"),
                    models.CheckConstraint(condition=models.Q(("amount__gt", 0)), name="plan_price_is_something"),
                ],
            },
        ),
        migrations.AddIndex(
            model_name="subscription",
            index=models.Index(
                condition=models.Q(("status__in", ["trialing", "active", "past_due"])), fields=["period_end"], name="subscription_due"
            ),
        ),
        migrations.AddConstraint(
            model_name="subscription",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status__in", ["trialing", "active", "past_due", "unpaid"])),
                fields=("wallet",),
                name="subscription_live_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="subscription",
            constraint=models.CheckConstraint(
                condition=models.Q(("period_end__gt", models.F("period_start"))), name="subscription_period_goes_forward"
            ),
        ),
        migrations.AddIndex(
            model_name="subscriptioninvoice",
            index=models.Index(fields=["subscription", "period_end"], name="invoice_of_period"),
        ),
        migrations.RunPython(seed, migrations.RunPython.noop),
    ]
