from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0014_what_was_approved_was_granted_in_full"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddConstraint(
            model_name="budgetrequest",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("granted__gt", 0), ("granted__isnull", False), ("status", "approved")),
                    models.Q(models.Q(("status", "approved"), _negated=True), ("granted", None)),
                    _connector="OR",
                ),
                name="budget_request_grants_when_approved",
            ),
        ),
    ]
