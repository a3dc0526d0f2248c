"""Admin of rows that only services write."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
    return {name: _told(name, lambda row, name=name: f"{credits(getattr(row, name))} {noun(getattr(row, name))}") for name in names}


def in_money(*names: str, currency: Callable[[Any], str] = lambda row: row.currency) -> dict[str, Told]:
    """The same for amounts in the smallest unit of a currency."""
    return {name: _told(name, lambda row, name=name: money(getattr(row, name), currency(row))) for name in names}


def _told(name: str, words: Told) -> Told:
    return admin.display(description=name.replace("_", " ").capitalize(), ordering=name)(words)


class ReadOnlyAdmin(ModelAdmin):
    """Rows that only services write: nothing here is added, changed or deleted by hand."""

    told: ClassVar[Mapping[str, Told]] = {}
    """Columns whose number is no number that people know, with what stands in its place."""

    actions = None
    show_full_result_count = False
    list_per_page = 50

    def get_fields(self, request: HttpRequest, obj: models.Model | None = None) -> Any:
        return [self.told.get(name, name) if isinstance(name, str) else name for name in super().get_fields(request, obj)]

    def has_add_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False
