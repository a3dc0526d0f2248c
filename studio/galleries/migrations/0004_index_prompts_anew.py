"""See 0001."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("galleries", "0003_galleries_tags_marks_and_talk"), ("generation", "0007_tag_results_and_take_them_from_outside")]
    operations = []
