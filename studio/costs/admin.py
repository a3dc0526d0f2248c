"""The operator's view of what the studio pays: the report, and a row a day for each provider's balance."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from billing.credits import credits
from billing.ledger import accounts
from billing.models import SOURCES
from billing.read_only_admin import ReadOnlyAdmin
from studio.costs import report, revenue
from studio.costs.forms import DaysForm
from studio.costs.models import BalanceSnapshot, CostReport, RevenueReport

MOST = 500
"""Lines of the report on a page."""


@admin.register(BalanceSnapshot)
class BalanceSnapshotAdmin(ReadOnlyAdmin):
    list_display = ("day", "backend", "balance_credits", "recorded_credits", "unexplained", "taken_at")
    list_filter = ("backend", "is_alarm")
    ordering = ("-day", "backend")
    fields = ("backend", "day", "taken_at", "balance_credits", "recorded_credits", "unexplained")
    readonly_fields = fields

    @admin.display(description="Balance", ordering="balance")
    def balance_credits(self, row: BalanceSnapshot) -> str:
        return credits(row.balance)

    @admin.display(description="Taken by what jobs say", ordering="recorded")
    def recorded_credits(self, row: BalanceSnapshot) -> str:
        return "" if row.drift is None else credits(row.recorded)

    @admin.display(description="Beyond that", ordering="drift")
    def unexplained(self, row: BalanceSnapshot) -> str:
        return row.unexplained


@admin.register(CostReport)
class CostReportAdmin(ReadOnlyAdmin):
    """Sums alone: each row under them is somebody's job, and its prompt is their team's."""

    def has_view_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return obj is None and super().has_view_permission(request)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        form = DaysForm(request.GET)
        lines = report.lines(form.cleaned_data["first"], form.cleaned_data["last"]) if form.is_valid() else []
        if request.GET.get("format") == "csv" and form.is_valid():
            return self._csv(lines, form)
        days = (form.cleaned_data["last"] - form.cleaned_data["first"]).days + 1 if form.is_valid() else 0
        context = {
            **self.admin_site.each_context(request),
            "title": "Cost report",
            "opts": self.opts,
            "form": form,
            "head": report.HEAD,
            "lines": lines[:MOST],
            "left_off": max(0, len(lines) - MOST),
            "total": report.total(lines),
            "days": days,
        }
        return TemplateResponse(request, "admin/costs/costreport/report.html", context, status=422 if form.errors else 200)

    @staticmethod
    def _csv(lines: list[report.Line], form: DaysForm) -> HttpResponse:
        name = f"atelier-costs-{form.cleaned_data['first']}-{form.cleaned_data['last']}.csv"
        response = HttpResponse(content_type="text/csv; charset=utf-8", headers={"Content-Disposition": f'attachment; filename="{name}"'})
        report.write_csv(lines, response)
        return response


@admin.register(RevenueReport)
class RevenueReportAdmin(ReadOnlyAdmin):
    """Sums over all teams: money, credits by where they came from and went, costs at providers, and the margin."""

    def has_view_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return obj is None and super().has_view_permission(request)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        today = timezone.localdate()
        months = revenue.months(today)
        if request.GET.get("format") == "csv":
            name = f'attachment; filename="atelier-revenue-{today:%Y-%m}.csv"'
            response = HttpResponse(content_type="text/csv; charset=utf-8", headers={"Content-Disposition": name})
            revenue.write_csv(months, response)
            return response
        context = {
            **self.admin_site.each_context(request),
            "title": "Revenue",
            "opts": self.opts,
            "months": months,
            "total": revenue.total(months),
            "sources": [source.label for source in SOURCES],
            "in_wallets": accounts()["wallets"],
        }
        return TemplateResponse(request, "admin/costs/revenuereport/report.html", context)
