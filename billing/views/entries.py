""" "Explain this charge": a page for each entry of the ledger, and for each hold."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.requests import SignedInRequest
from billing import access, explaining
from billing.models import LedgerEntry


@require_safe
@login_required
def entry(request: SignedInRequest, entry_id: int) -> HttpResponse:
    return _page(request, access.entry_for(request.user, entry_id))


@require_safe
@login_required
def hold(request: SignedInRequest, hold_id: int) -> HttpResponse:
    """Where the card of a job leads, which knows its hold: the entry that tells how it stands."""
    found = access.hold_for(request.user, hold_id)
    return _page(request, access.entry_for(request.user, explaining.entry_of(found).pk))


def _page(request: SignedInRequest, entry: LedgerEntry) -> HttpResponse:
    return render(request, "billing/entry.html", {"wallet": entry.wallet, "explained": explaining.explain(entry)})
