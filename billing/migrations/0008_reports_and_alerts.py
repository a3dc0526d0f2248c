"""Whom to tell when credits run low or out, when the books were looked through, and what filters and charts read by."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0007_budgets"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="LedgerCheck",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField(unique=True)),
                ("started_at", models.DateTimeField(auto_now_add=True)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                ("found", models.PositiveIntegerField(default=0)),
                ("sentences", models.TextField(blank=True)),
            ],
            options={
                "verbose_name": "check of the books",
                "verbose_name_plural": "checks of the books",
            },
        ),
        migrations.AlterModelOptions(
            name="wallet",
            options={
                "permissions": [
                    ("grant_credits", "Can grant credits to a wallet"),
                    ("correct_credits", "Can correct the credits of a wallet"),
                ]
            },
        ),
        migrations.RemoveIndex(
            model_name="ledgerentry",
            name="ledger_spending",
        ),
        migrations.AddField(
            model_name="lot",
            name="expiry_told_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="wallet",
            name="low_below",
            field=models.BigIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="wallet",
            name="low_mailed_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="wallet",
            name="low_told_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddIndex(
            model_name="hold",
            index=models.Index(fields=["wallet", "product", "-id"], name="hold_of_product"),
        ),
        migrations.AddIndex(
            model_name="ledgerentry",
            index=models.Index(condition=models.Q(("account", "spent")), fields=["wallet", "created_at"], name="ledger_charges"),
        ),
        migrations.AddIndex(
            model_name="ledgerentry",
            index=models.Index(condition=models.Q(("kind", "hold"), _negated=True), fields=["wallet", "created_at"], name="ledger_by_time"),
        ),
        migrations.AddIndex(
            model_name="ledgerentry",
            index=models.Index(
                condition=models.Q(("kind", "hold"), _negated=True), fields=["wallet", "actor", "-id"], name="ledger_of_person"
            ),
        ),
        migrations.AddIndex(
            model_name="ledgerentry",
            index=models.Index(
                condition=models.Q(("kind", "hold"), _negated=True), fields=["wallet", "kind", "-id"], name="ledger_of_kind"
            ),
        ),
    ]
