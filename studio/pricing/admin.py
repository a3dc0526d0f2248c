"""Where the operator writes the price list. A version can be changed until it begins; from then on it is only read."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from accounts.models import User
from billing.admin import ReadOnlyAdmin
from studio.backends import registry
from studio.pricing import services
from studio.pricing.errors import PriceListInForce, PricingError
from studio.pricing.forms import PriceListForm, percent
from studio.pricing.models import PriceList
from studio.pricing.prices import in_force


@admin.register(PriceList)
class PriceListAdmin(ReadOnlyAdmin):
    list_display = ("version", "state", "valid_from", "margin_in_percent", "engines", "note", "author", "created_at")
    list_display_links = ("version",)
    list_select_related = ("author",)
    ordering = ("-valid_from", "-id")

    @admin.display(description="State")
    def state(self, price_list: PriceList) -> str:
        if not price_list.has_begun:
            return "Waits"
        now = in_force()
        return "In force" if now and now.pk == price_list.pk else "Past"

    @admin.display(description="Margin", ordering="margin")
    def margin_in_percent(self, price_list: PriceList) -> str:
        return percent(price_list.margin)

    @admin.display(description="Engines with a line of their own")
    def engines(self, price_list: PriceList) -> int:
        return len(price_list.terms)

    def has_add_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return _may(request, "add")

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return _may(request, "change") and not (isinstance(obj, PriceList) and obj.has_begun)

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return _may(request, "delete") and not (isinstance(obj, PriceList) and obj.has_begun)

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        return self._edit(request, None)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        found = self.get_object(request, object_id)
        if not isinstance(found, PriceList):
            raise Http404
        if not self.has_view_permission(request, found):
            raise PermissionDenied
        return self._edit(request, found)

    def _edit(self, request: HttpRequest, price_list: PriceList | None) -> HttpResponse:
        may_write = price_list is None or self.has_change_permission(request, price_list)
        if request.method == "POST" and not may_write and not _may(request, "change"):
            raise PermissionDenied
        sent = request.POST if request.method == "POST" else None
        form = PriceListForm(sent, engines=registry.engines(), start=price_list or in_force(), changes=price_list is not None)
        if sent is not None and form.is_valid() and "preview" not in sent and self._write(request, form, price_list):
            return redirect("admin:pricing_pricelist_changelist")
        context = {
            **self.admin_site.each_context(request),
            "title": "Price list" if price_list else "Add a price list",
            "subtitle": str(price_list or ""),
            "opts": self.opts,
            "original": price_list,
            "form": form,
            "may_write": may_write,
            "may_delete": price_list is not None and self.has_delete_permission(request, price_list),
            "margin": percent(price_list.margin) if price_list else "",
        }
        return TemplateResponse(request, "admin/pricing/pricelist/edit.html", context, status=422 if form.errors else 200)

    def _write(self, request: HttpRequest, form: PriceListForm, price_list: PriceList | None) -> bool:
        """True when it is in the books; False when the form says why not."""
        assert isinstance(request.user, User)
        try:
            if price_list is None:
                made = services.publish(form.draft, author=request.user)
                self.log_addition(request, made, "Added.")
            else:
                services.change(price_list, form.draft, author=request.user)
                self.log_change(request, price_list, "Changed before it began.")
                made = price_list
        except PricingError as error:
            form.add_error("version" if error.code == "version_taken" else None, error.message)
            return False
        when = "is in force" if made.has_begun else "waits for its day"
        messages.success(request, f"The price list “{made}” {when}.")
        return True

    def delete_model(self, request: HttpRequest, obj: PriceList) -> None:
        try:
            services.withdraw(obj)
        except PriceListInForce as error:  # it began while the question stood on the page
            raise PermissionDenied(error.message) from error


def _may(request: HttpRequest, what: str) -> bool:
    return bool(isinstance(request.user, User) and request.user.has_perm(f"pricing.{what}_pricelist"))
