from django.apps import AppConfig


class GalleriesConfig(AppConfig):
    name = "studio.galleries"
    default_auto_field = "django.db.models.BigAutoField"
