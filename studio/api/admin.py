"""Where the operator says which engine answers the Stability API, and sees what answers it without a word."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin

from billing.read_only_admin import ModelAdmin
from studio.api.models import EngineRoute
from studio.api.stability.engines import NAMED, SERVICES, Table, modes_of, operations_of
from studio.api.stability.errors import NoEngine
from studio.backends.base import Engine
from studio.generation.engines import available

MODELS = sorted({model for service in SERVICES.values() for model in service.models})


class EngineRouteForm(forms.ModelForm):  # type: ignore[type-arg]
    """Both sides are chosen from what there is; what is stored and there no more can still be looked at."""

    asked = forms.ChoiceField(help_text="An engine that a client names counts before the path that it names it at.")
    engine = forms.ChoiceField(required=False, help_text="A paid engine is paid for by the team whose key asks, as on Create.")

    class Meta:
        model = EngineRoute
        fields = ("asked", "engine")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.engines: dict[str, Engine] = {one.id: one for one in available()}
        groups = (
            ("Paths", [(name, name) for name in SERVICES]),
            ("Models that forms name", [(name, name) for name in MODELS]),
            ("Engines of v1", [(one.id, f"{one.id} ({one.name})") for one in NAMED]),
        )
        choices = [("", "Refused"), *((one.id, f"{one.label} ({one.id})") for one in self.engines.values())]
        if self.instance.pk and self.instance.engine not in dict(choices):
            choices.append((self.instance.engine, f"{self.instance.engine} (not offered now)"))
        self.fields["asked"].choices = groups  # type: ignore[attr-defined]
        self.fields["engine"].choices = choices  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        asked, chosen = data.get("asked"), data.get("engine")
        if not asked or not chosen:
            return data
        engine, modes = self.engines.get(chosen), modes_of(asked)
        if engine is None:
            self.add_error("engine", "This engine is not offered now. Choose one that is, or “Refused”.")
        elif not any(engine.supports(mode) for mode in modes):
            wanted = " or ".join(f"“{mode.label}”" for mode in modes)
            self.add_error("engine", f"{engine.label} does not do {wanted}, which “{asked}” asks for. Choose another one.")
        return data


@admin.register(EngineRoute)
class EngineRouteAdmin(ModelAdmin):
    form = EngineRouteForm
    list_display = ("asked", "engine", "outcome")
    search_fields = ("asked", "engine")
    ordering = ("asked",)

    @admin.display(description="What comes of it")
    def outcome(self, route: EngineRoute) -> str:
        """Looked at as a client would: an engine may have gone since the row was written."""
        operations = operations_of(route.asked)
        if not operations:
            return "Nobody asks for this."
        try:
            return f"{Table().engine_for(operations[0], route.asked).label} answers."
        except NoEngine as refusal:
            return refusal.sentence
