from django.apps import AppConfig


class StudioConfig(AppConfig):
    """The project package as an app: it brings the system checks and the management commands."""

    name = "studio"
    verbose_name = "Studio"

    def ready(self) -> None:
        from studio import checks, telemetry  # noqa: F401  (checks registers itself)

        telemetry.start()
