"""Admin of rows that only services write."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from billing.credits import credits, noun
from billing.money import money

Told = Callable[[Any], str]

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
    TabularInline = admin.TabularInline[Any, Any]
else:
    ModelAdmin = admin.ModelAdmin
    TabularInline = admin.TabularInline


def in_credits(*names: str) -> dict[str, Told]:
    """How columns of millicredits are told; for `ReadOnlyAdmin.told`."""
    return {name: _told(name, lambda amount, row: f"{credits(amount)} {noun(amount)}") for name in names}


def in_money(*names: str, currency: Callable[[Any], str] = attrgetter("currency")) -> dict[str, Told]:
    """The same for amounts in the smallest unit of a currency."""
    return {name: _told(name, lambda amount, row: money(amount, currency(row))) for name in names}


def _told(name: str, words: Callable[[int, Any], str]) -> Told:
    @admin.display(description=name.replace("_", " ").capitalize(), ordering=name)
    def told(row: Any) -> str:
        return words(getattr(row, name), row)

    return told


class ReadOnlyAdmin(ModelAdmin):
    """Rows that only services write: nothing here is added, changed or deleted by hand."""

    told: ClassVar[Mapping[str, Told]] = {}
    """Columns whose number is no number that people know, with what stands in its place."""

    actions = None
    show_full_result_count = False
    list_per_page = 50

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return [self.told.get(name, name) if isinstance(name, str) else name for name in super().get_fields(request, obj)]

    def has_add_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False
