import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0009_approvals"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="PromoCode",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.CharField(max_length=60)),
                ("key", models.CharField(max_length=40, unique=True)),
                ("label", models.CharField(max_length=100)),
                ("amount", models.BigIntegerField()),
                ("expires_in_days", models.PositiveIntegerField(blank=True, null=True)),
                ("expires_at", models.DateTimeField(blank=True, null=True)),
                ("valid_from", models.DateTimeField(blank=True, null=True)),
                ("valid_until", models.DateTimeField(blank=True, null=True)),
                ("max_redemptions", models.PositiveIntegerField(blank=True, null=True)),
                ("redeemed", models.PositiveIntegerField(default=0)),
                (
                    "who",
                    models.CharField(
                        choices=[("any", "Any team"), ("new", "New teams: which neither bought credits nor redeemed a code")],
                        default="any",
                        max_length=10,
                    ),
                ),
                ("batch", models.UUIDField(default=uuid.uuid4)),
                ("number", models.PositiveIntegerField(default=0)),
                ("stopped_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Redemption",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "actor",
                    models.ForeignKey(
                        blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "code",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="redemptions", to="billing.promocode"),
                ),
                (
                    "entry",
                    models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name="redemption", to="billing.ledgerentry"),
                ),
                ("wallet", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="redemptions", to="billing.wallet")),
            ],
        ),
        migrations.AddConstraint(
            model_name="promocode",
            constraint=models.CheckConstraint(condition=models.Q(("amount__gt", 0)), name="promo_code_brings_something"),
        ),
        migrations.AddConstraint(
            model_name="promocode",
            constraint=models.CheckConstraint(
                condition=models.Q(("max_redemptions", None), ("redeemed__lte", models.F("max_redemptions")), _connector="OR"),
                name="promo_code_within_its_redemptions",
            ),
        ),
        migrations.AddConstraint(
            model_name="promocode",
            constraint=models.CheckConstraint(
                condition=models.Q(("expires_in_days", None), ("expires_at", None), _connector="OR"), name="promo_code_expires_one_way"
            ),
        ),
        migrations.AddConstraint(
            model_name="promocode",
            constraint=models.UniqueConstraint(fields=("batch", "number"), name="promo_code_once_in_a_batch"),
        ),
        migrations.AddConstraint(
            model_name="redemption",
            constraint=models.UniqueConstraint(fields=("code", "wallet"), name="redeemed_once_by_a_wallet"),
        ),
    ]
