"""SQLite alters a table by making a new one, and the triggers of the old one are gone: see `studio.galleries.search.sqlite`.

After going back, run `manage.py rebuild_search`: what comes next, `generation` 0004 backwards, makes the table anew once more.
"""

from django.db import migrations

from studio.galleries import search


def install(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        search.install(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [("galleries", "0001_index_prompts"), ("generation", "0004_results_of_every_kind")]
    operations = [migrations.RunPython(install, migrations.RunPython.noop)]
