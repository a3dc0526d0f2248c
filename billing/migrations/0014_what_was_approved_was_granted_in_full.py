"""Requests that were approved so far got all that they asked for. The other way, what was granted takes the place of what was asked for, and
what was withdrawn is over: an earlier version knows no more.
"""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps
from django.db.models import F


def fill(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    requests = apps.get_model("billing", "BudgetRequest").objects
    requests.filter(status="approved", granted=None).update(granted=F("amount"))


def empty(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    requests = apps.get_model("billing", "BudgetRequest").objects
    requests.filter(status="approved", granted__isnull=False).update(amount=F("granted"))
    requests.filter(status="withdrawn").update(status="lapsed")


class Migration(migrations.Migration):
    dependencies = [("billing", "0013_grant_another_amount")]

    operations = [migrations.RunPython(fill, empty)]
