import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0011_canceled_at"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Spent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("begins", models.DateTimeField()),
                ("ends", models.DateTimeField()),
                ("amount", models.BigIntegerField()),
                (
                    "member",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                ("wallet", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="spent", to="billing.wallet")),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("member", None)), fields=("wallet", "begins", "ends"), name="spent_once_of_a_team"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("member", None), _negated=True),
                        fields=("wallet", "member", "begins", "ends"),
                        name="spent_once_of_a_member",
                    ),
                ],
            },
        ),
    ]
