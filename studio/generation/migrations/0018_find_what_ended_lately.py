from django.db import migrations, models

from studio.generation.migrations._beside import AddIndexBeside


class Migration(migrations.Migration):
    atomic = False
    dependencies = [
        ("generation", "0017_the_operators_hand_on_queues"),
    ]

    operations = [
        AddIndexBeside(
            model_name="job",
            index=models.Index(condition=models.Q(("finished_at__isnull", False)), fields=["finished_at"], name="job_ended"),
        ),
    ]
