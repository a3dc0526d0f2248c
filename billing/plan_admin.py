"""The operator's side of plans: what there is to choose from, who is on what, and putting a team on a plan by hand."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from accounts.models import User
from billing.credits import MILLICREDITS, credits, to_millicredits
from billing.errors import PlanRefused
from billing.forms import LARGEST_GRANT
from billing.models import Plan, PlanPrice, Reversal, Subscription, SubscriptionInvoice, Wallet
from billing.money import money
from billing.number_fields import AmountField, CreditsField
from billing.read_only_admin import ModelAdmin, ReadOnlyAdmin, TabularInline, in_credits, in_money
from billing.services.plans import assign, plan_of, subscription_of
from billing.sizes import size

MEGABYTE = 2**20
LARGEST_STORAGE = Decimal(2**30)
"""MB (a petabyte)."""


class PlanForm(forms.ModelForm):  # type: ignore[type-arg]
    """Refuses what no engine could ever be compared with. Credits and storage are typed in units that people know."""

    credits = CreditsField(
        label="Credits a month",
        initial=0,
        min_value=Decimal(0),
        max_value=LARGEST_GRANT,
        help_text="They expire when the month ends.",
    )
    storage = AmountField(
        label="Storage, MB",
        required=False,
        min_value=Decimal(1),
        max_value=LARGEST_STORAGE,
        decimal_places=3,
        help_text="Of what is in the library; 1 GB is 1024 MB. Empty: no limit.",
    )

    class Meta:
        model = Plan
        fields = (
            *("slug", "name", "description", "credits", "requests_per_minute", "jobs_at_once", "engines", "priority", "seats", "storage"),
            *("by_arrangement", "is_public", "position"),
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["credits"] = Decimal(self.instance.credits) / MILLICREDITS
            if self.instance.storage:
                self.initial["storage"] = round(Decimal(self.instance.storage) / MEGABYTE, 3).normalize()

    def clean_credits(self) -> int:
        return to_millicredits(self.cleaned_data["credits"])

    def clean_storage(self) -> int | None:
        """Bytes; those that were there where nobody changed what is a rounded number of megabytes."""
        given = self.cleaned_data["storage"]
        kept: int | None = self.instance.storage
        if "storage" not in self.changed_data:
            return kept
        return None if given is None else int(given * MEGABYTE)

    def clean_engines(self) -> list[str]:
        given = self.cleaned_data["engines"] or []
        if not isinstance(given, list) or not all(isinstance(one, str) and one.strip() for one in given):
            raise forms.ValidationError('Write a list of names, like ["diffusers", "sd3.5-*"]; an empty list allows all engines.')
        return [one.strip() for one in given]


class PlanPrices(TabularInline):
    model = PlanPrice
    extra = 0


@admin.register(Plan)
class PlanAdmin(ModelAdmin):
    form = PlanForm
    inlines = (PlanPrices,)
    list_display = ("name", "slug", "monthly_credits", "storage_in_words", "prices_in_words", "teams", "is_public", "position")
    ordering = ("position", "pk")

    @admin.display(description="Credits a month")
    def monthly_credits(self, plan: Plan) -> str:
        return credits(plan.credits)

    @admin.display(description="Storage", ordering="storage")
    def storage_in_words(self, plan: Plan) -> str:
        return size(plan.storage) if plan.storage else "no limit"

    @admin.display(description="Prices")
    def prices_in_words(self, plan: Plan) -> str:
        return ", ".join(str(price) for price in plan.prices.all()) or "–"

    @admin.display(description="Teams on it")
    def teams(self, plan: Plan) -> int:
        return plan.subscriptions.live().count()

    def get_readonly_fields(self, request: HttpRequest, obj: Plan | None = None) -> tuple[str, ...]:
        return ("slug",) if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: Plan | None = None) -> bool:
        """Not the one that everybody has, and none that somebody was on."""
        is_free = obj is None or (obj.slug != settings.DEFAULT_PLAN and not obj.subscriptions.exists())
        return is_free and super().has_delete_permission(request, obj)


class Written(ReadOnlyAdmin):
    """Rows that only services write, the newest first."""

    ordering = ("-pk",)


@admin.register(Subscription)
class SubscriptionAdmin(Written):
    told = in_money("amount")
    list_display = ("wallet__team", "plan", "next_plan", "status", "price", "gateway", "period_end", "cancel_at_period_end", "created_at")
    list_filter = ("status", "plan", "gateway")
    list_select_related = ("wallet__team", "plan", "next_plan")
    search_fields = ("wallet__team__name", "external_id", "customer_id")


class ReversalInline(TabularInline):
    model = Reversal
    extra = 0
    can_delete = False
    fields = readonly_fields = ("created_at", "kind", "sum", "status", "external_id", "reason")

    def sum(self, reversal: Reversal) -> str:
        return money(reversal.amount, reversal.invoice.currency)


@admin.register(SubscriptionInvoice)
class SubscriptionInvoiceAdmin(Written):
    inlines = (ReversalInline,)
    told = in_credits("credits", "taken", "owed") | in_money("amount_due", "amount_paid", "reported")
    list_display = ("created_at", "subscription__wallet__team", "number", "plan", "reason", "status", "total", "period_start", "period_end")
    list_filter = ("status", "reason")
    list_select_related = ("subscription__wallet__team", "plan")
    search_fields = ("number", "external_id", "payment_id", "subscription__wallet__team__name")


class AssignForm(forms.Form):
    plan = forms.ModelChoiceField(
        Plan.objects.order_by("position", "pk"),
        label="Plan",
        help_text="From now on, without a payment. Its credits come now and each month; the default plan ends the one there is.",
    )


def may_assign(request: HttpRequest) -> bool:
    return isinstance(request.user, User) and request.user.has_perm("billing.assign_plan")


def assign_view(request: HttpRequest, site: admin.AdminSite, wallet_id: int) -> HttpResponse:
    """Put a team on a plan by hand."""
    if not may_assign(request) or not isinstance(request.user, User):
        raise PermissionDenied
    wallet = Wallet.objects.select_related("team").filter(pk=wallet_id).first()
    if wallet is None:
        raise Http404
    form = AssignForm(request.POST or None, initial={"plan": Plan.objects.filter(pk=plan_of(wallet.team).pk).first()})
    if form.is_valid():
        try:
            assign(wallet, form.cleaned_data["plan"], by=request.user)
        except PlanRefused as error:
            form.add_error("plan", error.message)
        else:
            messages.success(request, f"{wallet.team} is on the {form.cleaned_data['plan']} plan.")
            return redirect("admin:billing_wallet_change", wallet.pk)
    context = {
        **site.each_context(request),
        "title": "Put on a plan",
        "subtitle": str(wallet.team),
        "opts": Wallet._meta,
        "wallet": wallet,
        "current": subscription_of(wallet),
        "plan": plan_of(wallet.team),
        "form": form,
    }
    return TemplateResponse(request, "admin/billing/wallet/plan.html", context, status=422 if form.errors else 200)
