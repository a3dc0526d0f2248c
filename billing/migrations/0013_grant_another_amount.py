from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0012_keep_the_sums_of_budgets"),
    ]

    operations = [
        migrations.AddField(
            model_name="budgetrequest",
            name="granted",
            field=models.BigIntegerField(blank=True, null=True),
        ),
        migrations.AlterField(
            model_name="budgetrequest",
            name="status",
            field=models.CharField(
                choices=[
                    ("open", "Waiting"),
                    ("approved", "Approved"),
                    ("declined", "Declined"),
                    ("withdrawn", "Withdrawn"),
                    ("lapsed", "Over"),
                ],
                default="open",
                max_length=10,
            ),
        ),
    ]
