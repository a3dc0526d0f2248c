from django.db import migrations, models
from django.db.models import Q

from studio.generation.migrations._beside import AddIndexBeside


class Migration(migrations.Migration):
    atomic = False
    dependencies = [
        ("generation", "0018_find_what_ended_lately"),
    ]

    operations = [
        AddIndexBeside(
            model_name="job",
            index=models.Index(
                fields=["queue", "team", "-priority", "id"], name="job_next_single", condition=Q(status="queued", batch__isnull=True)
            ),
        ),
        AddIndexBeside(
            model_name="job",
            index=models.Index(
                fields=["queue", "batch", "-priority", "id"], name="job_next_of_batch", condition=Q(status="queued", batch__isnull=False)
            ),
        ),
        AddIndexBeside(
            model_name="job",
            index=models.Index(fields=["moved_up_at"], name="job_moved_up", condition=Q(status="queued", moved_up_at__isnull=False)),
        ),
    ]
