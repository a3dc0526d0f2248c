"""Codes at the operator's: made many at once, read, stopped, and who redeemed them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.models import User
from billing.credits import credits
from billing.errors import CodeTaken
from billing.models import PromoCode, Redemption
from billing.promotions_forms import CodesForm
from billing.read_only_admin import ReadOnlyAdmin
from billing.services import promotions


@admin.register(PromoCode)
class PromoCodeAdmin(ReadOnlyAdmin):
    list_display = ("code", "label", "brings", "times", "who", "valid_from", "valid_until", "stopped_at", "created_at")
    list_filter = ("who", "stopped_at", "created_at")
    search_fields = ("code", "key", "label")
    ordering = ("-pk",)
    actions = ("stop_codes",)  # type: ignore[assignment]  # the others have none
    fields = (
        "code",
        "label",
        "brings",
        "lasts",
        "who",
        "valid_from",
        "valid_until",
        "times",
        "stopped_at",
        "created_by",
        "created_at",
        "by",
    )
    readonly_fields = fields

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(isinstance(request.user, User) and request.user.has_perm("billing.add_promocode"))

    def has_stop_permission(self, request: HttpRequest) -> bool:
        return bool(isinstance(request.user, User) and request.user.has_perm("billing.change_promocode"))

    @admin.display(description="Credits", ordering="amount")
    def brings(self, code: PromoCode) -> str:
        return credits(code.amount)

    @admin.display(description="Credits last")
    def lasts(self, code: PromoCode) -> str:
        if code.expires_in_days is not None:
            return f"{code.expires_in_days} days"
        return f"until {code.expires_at:%Y-%m-%d}" if code.expires_at else "for ever"

    @admin.display(description="Redeemed", ordering="redeemed")
    def times(self, code: PromoCode) -> str:
        return f"{code.redeemed} of {code.max_redemptions}" if code.max_redemptions is not None else str(code.redeemed)

    @admin.display(description="By")
    def by(self, code: PromoCode) -> SafeString:
        address = reverse("admin:billing_redemption_changelist", query={"code__id__exact": code.pk})
        return format_html('<a href="{}">All redemptions of this code</a>', address)

    @admin.action(description="Stop the chosen codes", permissions=["stop"])
    def stop_codes(self, request: HttpRequest, codes: QuerySet[PromoCode]) -> None:
        stopped = list(codes.filter(stopped_at=None))
        number = promotions.stop(codes)
        for code in stopped:
            self.log_change(request, code, "Stopped.")
        messages.success(request, f"{number} stopped. What they brought before stays.")

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if not self.has_add_permission(request) or not isinstance(request.user, User):
            raise PermissionDenied
        form = CodesForm(request.POST if request.method == "POST" else None)
        if form.is_valid() and (made := self._make(request, request.user, form)):
            listed = {"batch": str(made[0].batch)} if len(made) > 1 else {"q": made[0].code}
            return redirect(reverse("admin:billing_promocode_changelist", query=listed))
        context = {**self.admin_site.each_context(request), "title": "Make codes", "opts": self.opts, "form": form}
        return TemplateResponse(request, "admin/billing/promocode/make.html", context, status=422 if form.errors else 200)

    def _make(self, request: HttpRequest, actor: User, form: CodesForm) -> list[PromoCode]:
        """What was made; nothing, and the form says why, when the code of one's own is taken."""
        data = form.cleaned_data
        before = PromoCode.objects.filter(batch=data["key"]).exists()
        try:
            made = list(promotions.make_codes(batch=data["key"], count=data["count"], own=data["own"], actor=actor, **form.terms))
        except CodeTaken as error:
            form.add_error("own", error.message)
            return []
        if not before:
            self.log_addition(request, made[0], f"Made {len(made)} for {credits(made[0].amount)} credits each: {made[0].label}")
        messages.success(request, f"{len(made)} made.")
        return made

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        return lookup == "batch" or super().lookup_allowed(lookup, value, request)  # type: ignore[arg-type]


@admin.register(Redemption)
class RedemptionAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "code", "wallet__team", "brought", "actor")
    list_filter = ("created_at",)
    list_select_related = ("code", "wallet__team", "entry", "actor")
    search_fields = ("code__code", "code__label", "wallet__team__name")
    ordering = ("-pk",)

    @admin.display(description="Credits")
    def brought(self, redemption: Redemption) -> str:
        return credits(redemption.entry.amount)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        return lookup == "code__id__exact" or super().lookup_allowed(lookup, value, request)  # type: ignore[arg-type]
