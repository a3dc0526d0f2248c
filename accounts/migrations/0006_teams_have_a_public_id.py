from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

import accounts.models
from accounts.models import team_public_id


def give_each_one(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    teams = apps.get_model("accounts", "Team").objects.using(schema_editor.connection.alias)
    found = list(teams.filter(public_id=None).only("pk"))
    for team in found:
        team.public_id = team_public_id()
    teams.bulk_update(found, ["public_id"], batch_size=500)


class Migration(migrations.Migration):
    """In one transaction on PostgreSQL as well: rows are filled before the column is made to need a value."""

    dependencies = [
        ("accounts", "0005_api_keys"),
    ]

    operations = [
        migrations.AddField(
            model_name="team",
            name="public_id",
            field=models.CharField(max_length=20, null=True, editable=False),
        ),
        migrations.RunPython(give_each_one, migrations.RunPython.noop),
        migrations.AlterField(
            model_name="team",
            name="public_id",
            field=models.CharField(default=accounts.models.team_public_id, editable=False, max_length=20, unique=True),
        ),
    ]
