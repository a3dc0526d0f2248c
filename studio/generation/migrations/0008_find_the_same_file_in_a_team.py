from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [
        ("generation", "0007_tag_results_and_take_them_from_outside"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="artifact",
            index=models.Index(fields=["team", "sha256"], name="artifact_same_file", condition=Q(deleted_at=None)),
        ),
    ]
