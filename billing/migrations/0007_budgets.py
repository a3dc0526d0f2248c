"""Budgets, what was told of them, and requests for more."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0006_plans"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Budget",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "scope",
                    models.CharField(
                        choices=[("team", "The whole team"), ("everyone", "Every member"), ("member", "One member")], max_length=8
                    ),
                ),
                ("day", models.BigIntegerField(blank=True, null=True)),
                ("month", models.BigIntegerField(blank=True, null=True)),
                ("changed_at", models.DateTimeField(auto_now=True)),
            ],
        ),
        migrations.CreateModel(
            name="BudgetRequest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("scope", models.CharField(choices=[("team", "The whole team"), ("member", "One member")], max_length=8)),
                ("span", models.CharField(choices=[("day", "A day"), ("month", "A month")], max_length=5)),
                ("start", models.DateField()),
                ("amount", models.BigIntegerField()),
                ("why", models.CharField(blank=True, max_length=300)),
                (
                    "status",
                    models.CharField(
                        choices=[("open", "Waiting"), ("approved", "Approved"), ("declined", "Declined"), ("lapsed", "Over")],
                        default="open",
                        max_length=8,
                    ),
                ),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                ("note", models.CharField(blank=True, max_length=300)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.CreateModel(
            name="BudgetWarning",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("span", models.CharField(choices=[("day", "A day"), ("month", "A month")], max_length=5)),
                ("start", models.DateField()),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.AddIndex(
            model_name="hold",
            index=models.Index(fields=["wallet", "created_at"], name="hold_of_period"),
        ),
        migrations.AddField(
            model_name="budget",
            name="member",
            field=models.ForeignKey(
                blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="budget",
            name="wallet",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="budgets", to="billing.wallet"),
        ),
        migrations.AddField(
            model_name="budgetrequest",
            name="decided_by",
            field=models.ForeignKey(
                blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="budgetrequest",
            name="person",
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name="budgetrequest",
            name="wallet",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="budget_requests", to="billing.wallet"),
        ),
        migrations.AddField(
            model_name="budgetwarning",
            name="budget",
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="warnings", to="billing.budget"),
        ),
        migrations.AddField(
            model_name="budgetwarning",
            name="person",
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddConstraint(
            model_name="budget",
            constraint=models.UniqueConstraint(
                condition=models.Q(("member", None)), fields=("wallet", "scope"), name="budget_once_in_a_wallet"
            ),
        ),
        migrations.AddConstraint(
            model_name="budget",
            constraint=models.UniqueConstraint(
                condition=models.Q(("member", None), _negated=True), fields=("wallet", "member"), name="budget_once_for_a_member"
            ),
        ),
        migrations.AddConstraint(
            model_name="budget",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("member__isnull", False), ("scope", "member")),
                    models.Q(("member", None), ("scope__in", ("team", "everyone"))),
                    _connector="OR",
                ),
                name="budget_of_a_member_names_them",
            ),
        ),
        migrations.AddConstraint(
            model_name="budget",
            constraint=models.CheckConstraint(
                condition=models.Q(("day", None), ("day__gte", 0), _connector="OR"), name="budget_day_not_negative"
            ),
        ),
        migrations.AddConstraint(
            model_name="budget",
            constraint=models.CheckConstraint(
                condition=models.Q(("month", None), ("month__gte", 0), _connector="OR"), name="budget_month_not_negative"
            ),
        ),
        migrations.AddIndex(
            model_name="budgetrequest",
            index=models.Index(condition=models.Q(("status", "approved")), fields=["wallet", "start"], name="budget_raises"),
        ),
        migrations.AddConstraint(
            model_name="budgetrequest",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status", "open")), fields=("wallet", "person"), name="budget_request_one_open"
            ),
        ),
        migrations.AddConstraint(
            model_name="budgetrequest",
            constraint=models.CheckConstraint(condition=models.Q(("amount__gt", 0)), name="budget_request_asks_for_something"),
        ),
        migrations.AddConstraint(
            model_name="budgetrequest",
            constraint=models.CheckConstraint(
                condition=models.Q(models.Q(("decided_at", None), ("status", "open")), ("decided_at__isnull", False), _connector="OR"),
                name="budget_request_decided",
            ),
        ),
        migrations.AddConstraint(
            model_name="budgetwarning",
            constraint=models.UniqueConstraint(
                condition=models.Q(("person", None)), fields=("budget", "span", "start"), name="budget_warns_a_team_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="budgetwarning",
            constraint=models.UniqueConstraint(
                condition=models.Q(("person", None), _negated=True),
                fields=("budget", "person", "span", "start"),
                name="budget_warns_a_person_once",
            ),
        ),
    ]
