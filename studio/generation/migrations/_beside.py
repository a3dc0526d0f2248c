"""Indexes that are made while the studio works."""

from typing import Any

from django.db import migrations


class AddIndexBeside(migrations.AddIndex):
    """Of PostgreSQL, so that nobody waits who writes jobs meanwhile. Django's own operation for that cannot be imported without its driver."""

    atomic = False

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        if schema_editor.connection.vendor != "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        model = to_state.apps.get_model(app_label, self.model_name)
        schema_editor.remove_index(model, self.index, concurrently=True)  # what a try left that was broken off; else there is none
        schema_editor.add_index(model, self.index, concurrently=True)
