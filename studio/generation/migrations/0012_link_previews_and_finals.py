import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("generation", "0011_wait_for_approval"),
    ]

    operations = [
        migrations.AddField(
            model_name="job",
            name="final_of",
            field=models.ForeignKey(
                blank=True,
                help_text="The preview that this is the final of.",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="finals",
                to="generation.artifact",
            ),
        ),
        migrations.AddField(
            model_name="job",
            name="intended",
            field=models.JSONField(blank=True, help_text="Of a preview: the request that its final shall be made with.", null=True),
        ),
        migrations.AddIndex(
            model_name="job",
            index=models.Index(fields=["engine", "-id"], name="job_newest_of_engine"),
        ),
        migrations.AddIndex(
            model_name="job",
            index=models.Index(condition=models.Q(("final_of__isnull", False)), fields=["team", "final_of"], name="job_final"),
        ),
    ]
