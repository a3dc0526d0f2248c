"""SQLite altered the table of artifacts by making a new one (`generation` 0007), and the triggers of the old one are gone."""

from django.db import migrations

from studio.galleries import search


def install(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        search.install(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [("galleries", "0003_galleries_tags_marks_and_talk"), ("generation", "0007_tag_results_and_take_them_from_outside")]
    operations = [migrations.RunPython(install, migrations.RunPython.noop)]
