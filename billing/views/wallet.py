"""The wallet page."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from billing import access, statement


@require_safe
@login_required
@vary_on_headers("HX-Request")
def wallet(request: HttpRequest) -> HttpResponse:
    """The team's wallet; `?after=<entry id>` goes on with an older part of the statement, which htmx asks for alone."""
    wallet = access.wallet_for(request.user, getattr(request, "team", None))
    asked = request.GET.get("after", "")
    after = int(asked) if asked.isascii() and asked.isdigit() and len(asked) <= 100 else None
    page = statement.page(wallet, after)
    if after is not None and request.headers.get("HX-Request") == "true":
        return render(request, "billing/_statement.html", {"page": page, "goes_on": True})
    context = {
        "wallet": wallet,
        "page": page,
        "is_older": after is not None,
        "figures": statement.figures(wallet),
        "open_holds": statement.open_holds(wallet),
        "prices": statement.price_list(),
    }
    return render(request, "billing/wallet.html", context)
