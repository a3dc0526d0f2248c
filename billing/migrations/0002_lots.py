import django.db.models.deletion
import django.db.models.expressions
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_removals_are_remembered"),
        ("billing", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Lot",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "source",
                    models.CharField(
                        choices=[
                            ("welcome", "Welcome credits"),
                            ("sales", "Bought"),
                            ("plans", "Plans"),
                            ("promotions", "Codes and gifts"),
                            ("operator", "Given by the operator"),
                        ],
                        max_length=10,
                    ),
                ),
                ("amount", models.BigIntegerField()),
                ("remaining", models.BigIntegerField()),
                ("frozen", models.BigIntegerField(default=0)),
                ("expires_at", models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name="LotUse",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("amount", models.BigIntegerField()),
            ],
        ),
        migrations.RemoveConstraint(
            model_name="wallet",
            name="wallet_balance_covers_held",
        ),
        migrations.AddField(
            model_name="hold",
            name="operation",
            field=models.CharField(blank=True, max_length=40),
        ),
        migrations.AddField(
            model_name="hold",
            name="product",
            field=models.CharField(blank=True, max_length=120),
        ),
        migrations.AddField(
            model_name="ledgerentry",
            name="account",
            field=models.CharField(
                blank=True,
                choices=[
                    ("welcome", "Welcome credits"),
                    ("sales", "Bought"),
                    ("plans", "Plans"),
                    ("promotions", "Codes and gifts"),
                    ("operator", "Given by the operator"),
                    ("spent", "Spent"),
                    ("expired", "Expired"),
                ],
                max_length=10,
            ),
        ),
        migrations.AddField(
            model_name="ledgerentry",
            name="frozen",
            field=models.BigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="wallet",
            name="frozen",
            field=models.BigIntegerField(default=0),
        ),
        migrations.AlterField(
            model_name="ledgerentry",
            name="kind",
            field=models.CharField(
                choices=[
                    ("grant", "Granted"),
                    ("hold", "Held"),
                    ("capture", "Charged"),
                    ("void", "Released"),
                    ("refund", "Refunded"),
                    ("expiry", "Expired"),
                    ("revocation", "Taken back"),
                    ("freeze", "Frozen"),
                    ("thaw", "Unfrozen"),
                    ("correction", "Corrected"),
                ],
                max_length=10,
            ),
        ),
        migrations.AddIndex(
            model_name="hold",
            index=models.Index(fields=["wallet", "actor", "created_at"], name="hold_of_person"),
        ),
        migrations.AddConstraint(
            model_name="wallet",
            constraint=models.CheckConstraint(condition=models.Q(("frozen__gte", 0)), name="wallet_frozen_not_negative"),
        ),
        migrations.AddConstraint(
            model_name="wallet",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("balance__gte", django.db.models.expressions.CombinedExpression(models.F("held"), "+", models.F("frozen")))
                ),
                name="wallet_balance_covers_held_and_frozen",
            ),
        ),
        migrations.AddField(
            model_name="lot",
            name="entry",
            field=models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name="lot", to="billing.ledgerentry"),
        ),
        migrations.AddField(
            model_name="lot",
            name="wallet",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="lots", to="billing.wallet"),
        ),
        migrations.AddField(
            model_name="lotuse",
            name="entry",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="uses", to="billing.ledgerentry"),
        ),
        migrations.AddField(
            model_name="lotuse",
            name="lot",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="uses", to="billing.lot"),
        ),
        migrations.AddIndex(
            model_name="lot",
            index=models.Index(condition=models.Q(("remaining__gt", 0)), fields=["wallet", "expires_at", "id"], name="lot_left"),
        ),
        migrations.AddConstraint(
            model_name="lot",
            constraint=models.CheckConstraint(
                condition=models.Q(("frozen__gte", 0), ("remaining__gte", models.F("frozen"))), name="lot_freezes_what_is_left"
            ),
        ),
        migrations.AddConstraint(
            model_name="lot",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount__gt", 0), ("remaining__lte", models.F("amount"))), name="lot_has_at_most_what_came"
            ),
        ),
        migrations.AddConstraint(
            model_name="lotuse",
            constraint=models.UniqueConstraint(fields=("entry", "lot"), name="lot_used_once_by_an_entry"),
        ),
        migrations.AddConstraint(
            model_name="lotuse",
            constraint=models.CheckConstraint(condition=models.Q(("amount", 0), _negated=True), name="lot_use_is_something"),
        ),
    ]
