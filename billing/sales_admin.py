"""What the operator does with sales: packs and prices by hand; purchases are read, confirmed (an invoice) and refunded, with a reason."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from accounts.models import User
from billing.credits import credits
from billing.errors import BillingError
from billing.forms import ConfirmForm, RefundForm
from billing.models import CreditPack, Dispute, GatewayEvent, PackPrice, PaymentRefund, Purchase
from billing.money import money
from billing.read_only_admin import ModelAdmin, ReadOnlyAdmin, TabularInline, in_credits, in_money
from billing.services import purchases, refunds
from billing.services.settling import in_words


class PriceInline(TabularInline):
    model = PackPrice
    extra = 1


@admin.register(CreditPack)
class CreditPackAdmin(ModelAdmin):
    list_display = ("name", "credits", "price_list", "position", "is_active")
    list_editable = ("position", "is_active")
    list_filter = ("is_active",)
    inlines = (PriceInline,)

    @admin.display(description="Prices")
    def price_list(self, pack: CreditPack) -> str:
        return ", ".join(str(price) for price in pack.prices.all()) or "none: it is not sold"


@admin.register(Purchase)
class PurchaseAdmin(ReadOnlyAdmin):
    list_display = ("reference", "created_at", "wallet__team", "buyer", "name", "price", "status", "gateway", "note")
    list_filter = ("status", "gateway", "currency", "created_at")
    list_select_related = ("wallet__team", "buyer")
    search_fields = ("id", "number", "payment_id", "checkout_id", "wallet__team__name", "buyer__email")
    ordering = ("-pk",)
    fields = (
        *("reference", "wallet", "buyer", "name", "credits", "price", "gateway", "status", "note", "story", "acts"),
        *("created_at", "paid_at", "checkout_id", "payment_id", "receipt_url", "refunds_made", "disputes_told"),
    )
    readonly_fields = fields

    @admin.display(description="How it stands")
    def story(self, purchase: Purchase) -> str:
        return in_words(purchase) or "–"

    @admin.display(description="Refunds")
    def refunds_made(self, purchase: Purchase) -> SafeString | str:
        rows = (
            (money(one.amount, purchase.currency), one.get_status_display(), one.author or "", one.reason) for one in purchase.refunds.all()
        )
        return format_html_join("", "<div>{} · {} · {} {}</div>", rows) or "none"

    @admin.display(description="Disputes")
    def disputes_told(self, purchase: Purchase) -> SafeString | str:
        rows = (
            (money(one.amount, purchase.currency), one.get_status_display(), one.reason, credits(one.frozen))
            for one in purchase.disputes.all()
        )
        return format_html_join("", "<div>{} · {} · {} · {} credits frozen</div>", rows) or "none"

    @admin.display(description="What can be done")
    def acts(self, purchase: Purchase) -> SafeString | str:
        confirm = reverse("admin:billing_purchase_confirm", args=[purchase.pk])
        refund = reverse("admin:billing_purchase_refund", args=[purchase.pk])
        can = [(confirm, "Confirm the payment")] if purchase.number and not purchase.is_paid else []
        can += [(refund, "Refund unused credits")] if refunds.refundable(purchase).amount else []
        return format_html_join(" · ", '<a href="{}">{}</a>', can) or "nothing"

    def has_act_permission(self, request: HttpRequest) -> bool:
        return bool(isinstance(request.user, User) and request.user.has_perm("billing.change_purchase"))

    def get_fields(self, request: HttpRequest, obj: Purchase | None = None) -> tuple[str, ...]:
        return self.fields if self.has_act_permission(request) else tuple(name for name in self.fields if name != "acts")

    def get_urls(self) -> list[URLPattern]:
        confirm = path("<uuid:purchase_id>/confirm/", self.admin_site.admin_view(self.confirm_view), name="billing_purchase_confirm")
        refund = path("<uuid:purchase_id>/refund/", self.admin_site.admin_view(self.refund_view), name="billing_purchase_refund")
        return [confirm, refund, *super().get_urls()]

    def confirm_view(self, request: HttpRequest, purchase_id: str) -> HttpResponse:
        """The money of an invoice has come."""
        purchase, user = self._reached(request, purchase_id)
        form = ConfirmForm(request.POST or None)
        if form.is_valid():
            try:
                purchases.confirm(purchase, by=user, note=form.cleaned_data["note"])
            except BillingError as error:
                form.add_error(None, error.message)
            else:
                self.log_change(request, purchase, f"Confirmed the payment of {purchase.price}: {form.cleaned_data['note']}")
                messages.success(request, f"{purchase.credits:,} credits delivered to {purchase.wallet.team}.")
                return redirect("admin:billing_purchase_change", purchase.pk)
        question = f"{purchase.price} with the reference {purchase.reference} has come, and {purchase.credits:,} credits are delivered."
        return self._ask(request, purchase, form, "Confirm the payment", question, warning=_given_up(purchase))

    def refund_view(self, request: HttpRequest, purchase_id: str) -> HttpResponse:
        """All unused credits; for an invoice, the operator sends the money by hand."""
        purchase, user = self._reached(request, purchase_id)
        can = refunds.refundable(purchase)
        form = RefundForm(request.POST or None, initial={"amount": can.amount})
        form.fields["reason"].required = True
        if form.is_valid():
            given = form.cleaned_data
            try:
                done = refunds.refund(purchase, by=user, form_key=given["key"], reason=given["reason"], expected=given["amount"])
            except BillingError as error:
                form.add_error(None, error.message)
            else:
                self.log_change(request, purchase, f"Refunded {money(done.amount, purchase.currency)}: {given['reason']}")
                messages.success(request, f"{money(done.amount, purchase.currency)} refunded.")
                return redirect("admin:billing_purchase_change", purchase.pk)
        by_hand = " Send the money by hand: this was paid by invoice." if purchase.number else ""
        question = (
            f"{money(can.amount, purchase.currency)} of {purchase.price} go back, and {credits(can.millicredits)} unused credits leave the "
            f"wallet of {purchase.wallet.team}.{by_hand}"
        )
        return self._ask(request, purchase, form, "Refund unused credits", question)

    def _reached(self, request: HttpRequest, purchase_id: str) -> tuple[Purchase, User]:
        if not self.has_act_permission(request) or not isinstance(request.user, User):
            raise PermissionDenied
        found = Purchase.objects.select_related("wallet__team", "buyer").filter(pk=purchase_id).first()
        if found is None:
            raise Http404
        return found, request.user

    def _ask(self, request: HttpRequest, purchase: Purchase, form: Any, title: str, question: str, warning: str = "") -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "subtitle": str(purchase),
            "opts": self.opts,
            "purchase": purchase,
            "form": form,
            "question": question,
            "warning": warning,
        }
        return TemplateResponse(request, "admin/billing/purchase/ask.html", context, status=422 if form.errors else 200)


def _given_up(purchase: Purchase) -> str:
    if purchase.status != Purchase.Status.CANCELED:
        return ""
    when = f" on {date_format(timezone.localdate(purchase.canceled_at), 'j F Y')}" if purchase.canceled_at else ""
    return f"The buyer gave this order up{when}; confirm only if the money has come all the same."


@admin.register(GatewayEvent)
class GatewayEventAdmin(ReadOnlyAdmin):
    list_display = ("received_at", "gateway", "type", "event_id", "is_processed", "note")
    list_filter = ("gateway", "type", ("processed_at", admin.EmptyFieldListFilter), "received_at")
    search_fields = ("event_id", "subject", "note")
    ordering = ("-pk",)

    @admin.display(boolean=True, description="Processed")
    def is_processed(self, event: GatewayEvent) -> bool:
        return event.processed_at is not None


@admin.register(PaymentRefund)
class PaymentRefundAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "purchase", "sum", "status", "author", "reason")
    told = in_money("amount", currency=lambda refund: refund.purchase.currency) | in_credits("millicredits")
    list_filter = ("status", "created_at")
    list_select_related = ("purchase", "author")
    ordering = ("-pk",)

    @admin.display(description="Amount")
    def sum(self, refund: PaymentRefund) -> str:
        return money(refund.amount, refund.purchase.currency)


@admin.register(Dispute)
class DisputeAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "purchase", "sum", "status", "frozen_credits", "reason")
    told = in_money("amount", currency=lambda dispute: dispute.purchase.currency) | in_credits("frozen")
    list_filter = ("status", "created_at")
    list_select_related = ("purchase",)
    ordering = ("-pk",)

    @admin.display(description="Amount")
    def sum(self, dispute: Dispute) -> str:
        return money(dispute.amount, dispute.purchase.currency)

    @admin.display(description="Frozen", ordering="frozen")
    def frozen_credits(self, dispute: Dispute) -> SafeString:
        return format_html("{} credits", credits(dispute.frozen))
