"""The index of prompts is derived, and its making not frozen: the last migration that makes it is the only one that does."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("generation", "0001_initial")]
    operations = []
