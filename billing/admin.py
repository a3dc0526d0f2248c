"""What the operator sees of the books: everything, read-only, and two forms: one grants credits, one puts right what went wrong."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.models import User
from billing import plan_admin
from billing.credits import credits, signed
from billing.errors import AmountTooLarge
from billing.forms import CorrectionForm, GrantForm, KeyedForm
from billing.models import Account, Hold, LedgerCheck, LedgerEntry, Wallet
from billing.promotions_admin import PromoCodeAdmin, RedemptionAdmin
from billing.read_only_admin import ReadOnlyAdmin, in_credits
from billing.sales_admin import CreditPackAdmin, PurchaseAdmin
from billing.services.wallets import correct, grant

__all__ = [
    "CreditPackAdmin",
    "HoldAdmin",
    "LedgerCheckAdmin",
    "LedgerEntryAdmin",
    "PromoCodeAdmin",
    "PurchaseAdmin",
    "ReadOnlyAdmin",
    "RedemptionAdmin",
    "WalletAdmin",
]


@admin.register(Wallet)
class WalletAdmin(ReadOnlyAdmin):
    list_display = ("team", "available_credits", "held_credits", "balance_credits", "grant_link")
    list_select_related = ("team",)
    search_fields = ("team__name", "team__members__email")
    ordering = ("team__name", "pk")
    fields = ("team", "available_credits", "held_credits", "balance_credits", "created_at", "entries_link", "holds_link")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> Any:
        return Wallet.objects.with_due()

    @admin.display(description="Available")
    def available_credits(self, wallet: Wallet) -> str:
        return credits(wallet.available)

    @admin.display(description="Held", ordering="held")
    def held_credits(self, wallet: Wallet) -> str:
        return credits(wallet.held)

    @admin.display(description="Balance", ordering="balance")
    def balance_credits(self, wallet: Wallet) -> str:
        return credits(wallet.balance)

    @admin.display(description="")
    def grant_link(self, wallet: Wallet) -> SafeString:
        return format_html('<a href="{}">Grant credits</a>', reverse("admin:billing_wallet_grant", args=[wallet.pk]))

    @admin.display(description="Entries")
    def entries_link(self, wallet: Wallet) -> SafeString:
        return self._list_link("billing_ledgerentry", wallet, "All entries of this wallet")

    @admin.display(description="Holds")
    def holds_link(self, wallet: Wallet) -> SafeString:
        return self._list_link("billing_hold", wallet, "All holds of this wallet")

    def _list_link(self, model: str, wallet: Wallet, label: str) -> SafeString:
        address = reverse(f"admin:{model}_changelist", query={"wallet__id__exact": wallet.pk})
        return format_html('<a href="{}">{}</a>', address, label)

    def has_grant_permission(self, request: HttpRequest) -> bool:
        """Asked by the template too, so that nobody sees a button that refuses."""
        return bool(isinstance(request.user, User) and request.user.has_perm("billing.grant_credits"))

    def has_correct_permission(self, request: HttpRequest) -> bool:
        return bool(isinstance(request.user, User) and request.user.has_perm("billing.correct_credits"))

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        return self.list_display if self.has_grant_permission(request) else self.list_display[:-1]

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        own = [
            path("<int:wallet_id>/grant/", view(self.grant_view), name="billing_wallet_grant"),
            path("<int:wallet_id>/correct/", view(self.correct_view), name="billing_wallet_correct"),
            path("<int:wallet_id>/plan/", view(self.plan_view), name="billing_wallet_plan"),
        ]
        return [*own, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        may = {
            "may_grant": self.has_grant_permission(request),
            "may_correct": self.has_correct_permission(request),
            "may_assign": plan_admin.may_assign(request),
        }
        context = {**(extra_context or {}), **may}
        return super().change_view(request, object_id, form_url, context)

    def plan_view(self, request: HttpRequest, wallet_id: int) -> HttpResponse:
        return plan_admin.assign_view(request, self.admin_site, wallet_id)

    def grant_view(self, request: HttpRequest, wallet_id: int) -> HttpResponse:
        if not self.has_grant_permission(request) or not isinstance(request.user, User):
            raise PermissionDenied
        wallet, form = self._wallet(wallet_id), GrantForm(request.POST if request.method == "POST" else None)
        if form.is_valid() and self._grant(request, request.user, wallet, form):
            return redirect("admin:billing_wallet_change", wallet.pk)
        return self._form_page(request, wallet, form, "Grant credits", "admin/billing/wallet/grant.html")

    def correct_view(self, request: HttpRequest, wallet_id: int) -> HttpResponse:
        if not self.has_correct_permission(request) or not isinstance(request.user, User):
            raise PermissionDenied
        wallet, form = self._wallet(wallet_id), CorrectionForm(request.POST if request.method == "POST" else None)
        if form.is_valid() and self._correct(request, request.user, wallet, form):
            return redirect("admin:billing_wallet_change", wallet.pk)
        return self._form_page(request, wallet, form, "Correct credits", "admin/billing/wallet/correct.html")

    @staticmethod
    def _wallet(wallet_id: int) -> Wallet:
        wallet = Wallet.objects.select_related("team").filter(pk=wallet_id).first()
        if wallet is None:
            raise Http404
        return wallet

    def _form_page(self, request: HttpRequest, wallet: Wallet, form: KeyedForm, title: str, template: str) -> HttpResponse:
        about = {"title": title, "subtitle": str(wallet.team), "opts": self.opts, "wallet": wallet, "form": form}
        context = {**self.admin_site.each_context(request), **about}
        return TemplateResponse(request, template, context, status=422 if form.errors else 200)

    def _grant(self, request: HttpRequest, actor: User, wallet: Wallet, form: GrantForm) -> bool:
        """True when the wallet holds what the form says. False when its key has granted something else before: the form then says so."""
        amount, reason, source = form.millicredits, form.cleaned_data["reason"], form.cleaned_data["source"]
        told = f"{'Gift' if source == Account.PROMOTIONS else 'Granted'}: {reason}"
        until = form.cleaned_data["expires_at"]
        entry = grant(wallet, amount, reference=form.reference, description=told, source=source, expires_at=until, actor=actor)
        if entry.amount != amount:
            form.add_error(None, f"This form has granted {credits(entry.amount)} credits already. Open it again to grant more.")
            return False
        self.log_change(request, wallet, f"Granted {credits(amount)} credits: {reason}")
        messages.success(request, f"{credits(amount)} credits granted to {wallet.team}.")
        return True

    def _correct(self, request: HttpRequest, actor: User, wallet: Wallet, form: CorrectionForm) -> bool:
        """True when it is corrected. False when more shall be taken than there is, or the form's key has corrected something else."""
        amount, reason = form.millicredits, form.cleaned_data["reason"]
        try:
            entry = correct(wallet, amount, reference=form.reference, description=f"Corrected: {reason}", actor=actor)
        except AmountTooLarge as error:
            form.add_error("amount", f"Only {credits(error.limit)} are available. Take at most that; what work holds stays.")
            return False
        if entry.amount != amount:
            form.add_error(None, f"This form has corrected {signed(entry.amount)} credits already. Open it again to correct more.")
            return False
        self.log_change(request, wallet, f"Corrected {signed(amount)} credits: {reason}")
        messages.success(request, f"{signed(amount)} credits: the wallet of {wallet.team} is corrected.")
        return True


@admin.register(LedgerCheck)
class LedgerCheckAdmin(ReadOnlyAdmin):
    """What the nightly looks through all books found."""

    list_display = ("day", "verdict", "started_at", "finished_at")
    ordering = ("-day",)
    fields = ("day", "started_at", "finished_at", "verdict", "sentences")
    readonly_fields = fields

    @admin.display(description="Found")
    def verdict(self, row: LedgerCheck) -> str:
        return row.verdict


@admin.register(Hold)
class HoldAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "wallet__team", "actor", "description", "settlement", "status", "settled_at")
    told = in_credits("amount", "captured", "refunded")
    list_filter = ("status", "created_at")
    list_select_related = ("wallet__team", "actor")
    search_fields = ("reference", "description", "wallet__team__name")
    ordering = ("-pk",)


@admin.register(LedgerEntry)
class LedgerEntryAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "wallet__team", "kind", "change", "change_of_held", "left", "description", "actor")
    told = in_credits("amount", "held", "frozen", "balance_after")
    list_filter = ("kind", "created_at")
    list_select_related = ("wallet__team", "actor")
    search_fields = ("reference", "description", "wallet__team__name")
    ordering = ("-pk",)

    @admin.display(description="Balance")
    def change(self, entry: LedgerEntry) -> str:
        return signed(entry.amount)

    @admin.display(description="Held")
    def change_of_held(self, entry: LedgerEntry) -> str:
        return signed(entry.held)

    @admin.display(description="Balance after")
    def left(self, entry: LedgerEntry) -> str:
        return credits(entry.balance_after)
