"""Jobs may wait for approval. The other way, what waits is canceled and its credits are released: earlier code knows no such state, and
would hold them for ever.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps
from django.db.models import F
from django.utils import timezone


def nothing(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    """Nothing waits yet."""


def cancel_what_waits(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    """As `settling.cancel` and `wallets.void` do it, each under the wallet's lock and each once."""
    job, hold, wallet, entry = (
        apps.get_model(app, name)
        for app, name in (("generation", "Job"), ("billing", "Hold"), ("billing", "Wallet"), ("billing", "LedgerEntry"))
    )
    for pk, hold_id in list(job.objects.filter(status="approval").order_by("created_at").values_list("pk", "hold")):
        now = timezone.now()
        if not job.objects.filter(pk=pk, status="approval").update(status="canceled", cancel_requested_at=now, finished_at=now):
            continue
        held = hold.objects.get(pk=hold_id)
        locked = wallet.objects.select_for_update().get(pk=held.wallet_id)
        if hold.objects.filter(pk=hold_id, status="active").update(status="voided", settled_at=now):
            wallet.objects.filter(pk=locked.pk).update(held=F("held") - held.amount)
            told = {"reference": held.reference, "description": held.description, "actor_id": held.actor_id}
            entry.objects.create(wallet_id=locked.pk, hold_id=hold_id, kind="void", held=-held.amount, balance_after=locked.balance, **told)
    with editor.connection.cursor() as cursor:
        if "billing_spent" in editor.connection.introspection.table_names(cursor):
            cursor.execute("DELETE FROM billing_spent")  # sums that are counted anew from the holds
        if editor.connection.vendor == "postgresql":
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # or the tables cannot be altered with checks of these rows outstanding


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_removals_are_remembered"),
        ("billing", "0009_approvals"),
        ("generation", "0010_say_what_old_holds_were_for"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="job",
            name="approval",
            field=models.CharField(blank=True, help_text="Why it needs or needed approval; empty when it never did.", max_length=300),
        ),
        migrations.AddField(
            model_name="job",
            name="decided_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="job",
            name="decided_by",
            field=models.ForeignKey(
                blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="job",
            name="decision",
            field=models.CharField(blank=True, help_text="Why it was declined or lapsed.", max_length=300),
        ),
        migrations.AddField(
            model_name="job",
            name="verdict",
            field=models.CharField(
                blank=True, choices=[("approved", "Approved"), ("declined", "Declined"), ("lapsed", "Lapsed")], max_length=10
            ),
        ),
        migrations.AlterField(
            model_name="job",
            name="status",
            field=models.CharField(
                choices=[
                    ("approval", "Needs approval"),
                    ("queued", "Waiting"),
                    ("running", "Running"),
                    ("succeeded", "Done"),
                    ("failed", "Failed"),
                    ("canceled", "Stopped"),
                ],
                default="queued",
                max_length=10,
            ),
        ),
        migrations.AddIndex(
            model_name="job",
            index=models.Index(condition=models.Q(("status", "approval")), fields=["created_at"], name="job_needs_approval"),
        ),
        migrations.RunPython(nothing, cancel_what_waits),
    ]
