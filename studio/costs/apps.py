from django.apps import AppConfig


class CostsConfig(AppConfig):
    name = "studio.costs"
    verbose_name = "Costs at providers"
    default_auto_field = "django.db.models.BigAutoField"
