"""See 0001."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("galleries", "0001_index_prompts"), ("generation", "0004_results_of_every_kind")]
    operations = []
