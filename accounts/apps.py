from django.apps import AppConfig, apps


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = "People and teams"
    default_auto_field = "django.db.models.BigAutoField"

    SIGNING_IN = {"account": "addresses", "mfa": "second step", "socialaccount": "other accounts", "usersessions": "sessions"}
    """The apps of allauth, one of which would be called as this one, under one name each in the operator's admin."""

    def ready(self) -> None:
        for label, what in self.SIGNING_IN.items():
            apps.get_app_config(label).verbose_name = f"Signing in: {what}"
