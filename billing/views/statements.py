"""The statements of all months: a list, and each of them as PDF."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from billing import access, monthly, pdf


@require_safe
@login_required
def statements(request: HttpRequest) -> HttpResponse:
    wallet = access.wallet_for(request.user, getattr(request, "team", None))
    return render(request, "billing/statements.html", {"wallet": wallet, "months": monthly.months(wallet)})


@require_safe
@login_required
def statement_pdf(request: HttpRequest, month: str) -> HttpResponse:
    wallet = access.wallet_for(request.user, getattr(request, "team", None))
    first = monthly.first_day(month)
    found = monthly.statement(wallet, first) if first else None
    if found is None:
        raise Http404
    name = f'attachment; filename="atelier-statement-{found.month.name}.pdf"'
    headers = {"Content-Disposition": name, "Cache-Control": "private, no-store"}
    return HttpResponse(pdf.drawn(found), content_type="application/pdf", headers=headers)
