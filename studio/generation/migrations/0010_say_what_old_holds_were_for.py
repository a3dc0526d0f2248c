"""What a hold was for stands in it: the engine and the mode of its job, in words. Holds of old are filled from their jobs."""

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

LABELS = {
    "text-to-image": "Text",
    "image-to-image": "Image",
    "inpainting": "Inpaint",
    "upscaling": "Upscale",
    "outpainting": "Outpaint",
    "erase": "Erase",
    "search-and-replace": "Search and replace",
    "search-and-recolor": "Search and recolor",
    "remove-background": "Remove background",
    "replace-background-and-relight": "Replace background",
    "sketch": "Sketch",
    "structure": "Structure",
    "style": "Style",
    "style-transfer": "Style transfer",
    "image-to-3d": "3D",
    "text-to-audio": "Audio",
    "audio-to-audio": "Audio from audio",
    "audio-inpainting": "Audio inpaint",
}
"""As they were called when this was written."""


def fill(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    job, hold = apps.get_model("generation", "Job"), apps.get_model("billing", "Hold")
    for label, mode in job.objects.order_by().values_list("engine_label", "mode").distinct():
        theirs = hold.objects.filter(product="", pk__in=job.objects.filter(engine_label=label, mode=mode).order_by().values("hold"))
        theirs.update(product=label, operation=LABELS.get(mode, mode))


def empty(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    job, hold = apps.get_model("generation", "Job"), apps.get_model("billing", "Hold")
    hold.objects.filter(pk__in=job.objects.order_by().values("hold")).update(product="", operation="")


class Migration(migrations.Migration):
    dependencies = [
        ("generation", "0009_add_up_what_a_team_keeps"),
        ("billing", "0004_two_sides"),
    ]

    operations = [migrations.RunPython(fill, empty)]
