"""What lay in the trash before it was written down who put it there: nobody knows, but it has to be in the list."""

from django.db import migrations


def fill(apps, schema_editor):
    artifacts = apps.get_model("generation", "Artifact").objects.filter(deleted_at__isnull=False, trashing=None)
    trashing = apps.get_model("galleries", "Trashing")
    rows = artifacts.order_by("deleted_at", "pk").values_list("pk", "team_id").iterator()
    trashing.objects.bulk_create((trashing(artifact_id=pk, team_id=team_id) for pk, team_id in rows), batch_size=500)


class Migration(migrations.Migration):
    dependencies = [("galleries", "0006_remember_who_trashed")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
