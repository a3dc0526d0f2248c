"""The index of prompts. It holds nothing that the pictures' rows do not, so its making is not frozen here but in `studio.galleries.search`."""

from django.db import migrations

from studio.galleries import search


def install(apps, schema_editor):
    search.install(schema_editor.connection)


def remove(apps, schema_editor):
    search.remove(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [("generation", "0001_initial")]
    operations = [migrations.RunPython(install, remove)]
