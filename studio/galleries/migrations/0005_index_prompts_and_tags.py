"""The index of prompts and tags. It holds nothing that the pictures' rows do not, so its making is not frozen here but in
`studio.galleries.search`; one that is there already is made anew.

A later migration that alters the pictures' table, which SQLite does by making a new one, is followed by another of this kind, and this one
does nothing from then on: it would run at a time when the columns that the index reads are not there yet.
"""

from django.db import migrations

from studio.galleries import search


def install(apps, schema_editor):
    search.install(schema_editor.connection)


def remove(apps, schema_editor):
    search.remove(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [("galleries", "0004_index_prompts_anew"), ("generation", "0007_tag_results_and_take_them_from_outside")]
    operations = [migrations.RunPython(install, remove)]
