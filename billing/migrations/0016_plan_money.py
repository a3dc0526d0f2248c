"""What went back of a plan's payments, and what was begun. There is no way back once money went back: earlier code knows nothing of what is
taken and frozen for it, and a later way forward would count it a second time.
"""

import django.db.models.deletion
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.exceptions import IrreversibleError
from django.db.migrations.state import StateApps

import billing.ids


def nothing(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    """Nothing went back yet."""


def refuse(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    if apps.get_model("billing", "Reversal").objects.exists():
        raise IrreversibleError("Money of plans went back since this version (billing_reversal). Restore a backup to go further back.")


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0015_what_is_approved_is_granted"),
    ]

    operations = [
        migrations.AddField(
            model_name="subscription",
            name="checkout_id",
            field=models.CharField(blank=True, max_length=255),
        ),
        migrations.AddField(
            model_name="subscription",
            name="forget_wanted",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="subscription",
            name="is_double",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="subscriptioninvoice",
            name="moves",
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="subscriptioninvoice",
            name="owed",
            field=models.PositiveBigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="subscriptioninvoice",
            name="payment_id",
            field=models.CharField(blank=True, max_length=255, null=True, unique=True),
        ),
        migrations.AddField(
            model_name="subscriptioninvoice",
            name="reported",
            field=models.PositiveBigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="subscriptioninvoice",
            name="taken",
            field=models.PositiveBigIntegerField(default=0),
        ),
        migrations.CreateModel(
            name="Reversal",
            fields=[
                ("id", models.UUIDField(default=billing.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("kind", models.CharField(choices=[("refund", "Refund"), ("dispute", "Dispute")], max_length=10)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending", "Under way"),
                            ("succeeded", "Refunded"),
                            ("failed", "Failed"),
                            ("open", "Open"),
                            ("won", "Won"),
                            ("lost", "Lost"),
                        ],
                        max_length=10,
                    ),
                ),
                ("amount", models.PositiveBigIntegerField()),
                ("external_id", models.CharField(blank=True, max_length=255, null=True, unique=True)),
                ("reason", models.CharField(blank=True, max_length=300)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "invoice",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="reversals", to="billing.subscriptioninvoice"
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
                "constraints": [models.CheckConstraint(condition=models.Q(("amount__gt", 0)), name="reversal_is_something")],
            },
        ),
        migrations.RunPython(nothing, refuse),
    ]
