import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("generation", "0002_remember_what_was_submitted")]

    operations = [
        migrations.RenameModel("InputImage", "InputFile"),
        migrations.AddField("InputFile", "mime", models.CharField(default="image/png", max_length=40)),
        migrations.AddField("InputFile", "seconds", models.FloatField(null=True)),
        migrations.AlterField("InputFile", "width", models.PositiveIntegerField(null=True)),
        migrations.AlterField("InputFile", "height", models.PositiveIntegerField(null=True)),
        migrations.CreateModel(
            name="JobInput",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=40)),
                (
                    "file",
                    models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="generation.inputfile"),
                ),
                (
                    "job",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="inputs", to="generation.job"),
                ),
            ],
            options={"constraints": [models.UniqueConstraint(fields=("job", "name"), name="job_input_once_per_name")]},
        ),
        migrations.AddField(
            "Job",
            "error_fields",
            models.JSONField(blank=True, default=dict, help_text="What the engine said of single settings, by their names."),
        ),
        migrations.AddField(
            "Worker",
            "engines",
            models.JSONField(blank=True, default=dict, help_text="What its engines elsewhere cannot do now, by their ids."),
        ),
    ]
