"""How static files are named and served: by the hash of their content, compressed, for ever."""

from __future__ import annotations

from django.contrib.staticfiles.apps import StaticFilesConfig
from whitenoise.storage import CompressedManifestStaticFilesStorage


class ModuleManifestStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Hashed and compressed names, also inside the `import` statements of ES modules: without that a browser would keep an old module.

    Before `collectstatic` has written a manifest (tests, a first `runserver`) files keep their plain names.
    """

    support_js_module_import_aggregation = True

    def stored_name(self, name: str) -> str:
        return str(super().stored_name(name)) if self.hashed_files else name


class StudioStaticFilesConfig(StaticFilesConfig):
    """Django's own app, less what is not for browsers: django_htmx brings htmx files of other versions, whose imports lead nowhere."""

    ignore_patterns = [*StaticFilesConfig.ignore_patterns, "django_htmx"]
