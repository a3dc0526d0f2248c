"""The wallet page, and its statement as a spreadsheet."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from asgiref.sync import sync_to_async
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe
from django.views.decorators.vary import vary_on_headers

from accounts.access import SESSION_KEY, team_for
from accounts.requests import SignedInRequest
from billing import access, charts, exports, statement
from billing.asking import SPANS, SPLITS, Asked
from billing.forms import AlertForm
from billing.models import Wallet
from billing.services.alerts import warn_below

PAGE = "billing/wallet.html"


@require_safe
@login_required
@vary_on_headers("HX-Request")
def wallet(request: HttpRequest) -> HttpResponse:
    """The team's wallet. Filters and the chart's choice are words of the address (`Asked`); `?after=<entry id>` goes on with an older part
    of the statement, which htmx asks for alone."""
    wallet = access.wallet_for(request.user, getattr(request, "team", None))
    asked = Asked.of(request.GET)
    after = _number(request.GET.get("after", ""))
    page = statement.page(wallet, after, asked=asked)
    if after is not None and request.headers.get("HX-Request") == "true":
        return render(request, "billing/_statement.html", {"page": page, "asked": asked, "goes_on": True})
    return render(request, PAGE, _context(request, wallet, asked) | {"page": page, "is_older": after is not None})


def _context(request: HttpRequest, wallet: Wallet, asked: Asked, form: AlertForm | None = None) -> dict[str, object]:
    """What the page has beside a part of its statement."""
    return {
        "wallet": wallet,
        "asked": asked,
        "figures": statement.figures(wallet),
        "open_holds": statement.open_holds(wallet),
        "chart": charts.chart(wallet, asked),
        "spans": [(asked.query(span=one), label, one == asked.span) for one, label in SPANS.items()],
        "splits": [(asked.query(split=one), label, one == asked.split) for one, label in SPLITS.items()],
        "menus": statement.menus(wallet, asked),
        "totals": statement.totals(wallet, asked) if asked.is_filtered else None,
        "alert_form": (form or AlertForm.of(wallet)) if access.may_administer(request.user, wallet) else None,
        "check": statement.last_check(),
        "prices": statement.price_list(),
    }


@require_safe
@login_required
def statement_csv(request: HttpRequest) -> StreamingHttpResponse:
    """What the filters of the address leave of the statement, all of it."""
    wallet = access.wallet_for(request.user, getattr(request, "team", None))
    made = exports.pieces(wallet, Asked.of(request.GET))
    response = StreamingHttpResponse(_sent(made), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="atelier-wallet-{timezone.localdate():%Y-%m-%d}.csv"'
    response["Cache-Control"] = "private, no-store"
    return response


@require_POST
@login_required
def alert(request: HttpRequest) -> HttpResponse:
    """When people are warned that the credits run low: an amount, or nothing for never."""
    wallet = access.wallet_to_administer(request.user, getattr(request, "team", None))
    form = AlertForm(request.POST)
    if not form.is_valid():
        asked = Asked()
        context = _context(request, wallet, asked, form) | {"page": statement.page(wallet), "is_older": False}
        return render(request, PAGE, context, status=422)
    warn_below(wallet, form.millicredits)
    messages.success(request, form.told)
    return redirect("wallet")


@require_safe
@login_required
def wallet_of_team(request: SignedInRequest, team_id: int) -> HttpResponse:
    """Where a letter or a notice leads: to the wallet of that team, in which the person works from now on."""
    request.session[SESSION_KEY] = team_for(request.user, team_id).pk
    return redirect("wallet")


async def _sent(made: Iterator[bytes]) -> AsyncIterator[bytes]:
    step = sync_to_async(lambda: next(made, None))
    while (piece := await step()) is not None:
        yield piece


def _number(word: str) -> int | None:
    return int(word) if word.isascii() and word.isdigit() and len(word) <= 100 else None
