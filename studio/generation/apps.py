from django.apps import AppConfig


class GenerationConfig(AppConfig):
    name = "studio.generation"
    default_auto_field = "django.db.models.BigAutoField"
