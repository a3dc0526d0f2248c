"""One key: how it stands, what it may do, and what was spent with it."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts import keys
from accounts.access import membership_for
from accounts.models import ApiKey, AuditEntry
from accounts.requests import SignedInRequest
from billing import key_use
from billing.asking import SPANS
from billing.services import budgets
from studio.developers import access, standing
from studio.developers.forms import engine_labels

LOG = 12
"""Lines of the team's log that are shown."""


@require_safe
@login_required
@never_cache
def key(request: SignedInRequest, public_id: str) -> HttpResponse:
    """`?span=` and `?by=` choose the chart."""
    found = access.key_for(request.user, public_id)
    span = request.GET.get("span", "") if request.GET.get("span") in SPANS else "30"
    measure = request.GET.get("by", "") if request.GET.get("by") in key_use.MEASURES else "credits"
    place = membership_for(found.user, found.team)
    context: dict[str, Any] = {
        "key": found,
        "standing": standing.of_key(found),
        "is_mine": found.user_id == request.user.pk,
        "scopes": _scopes(found, place.role if place else ""),
        "engines": engine_labels(found.engines),
        "figures": key_use.figures(found, request.user),
        "meters": budgets.meters_of_key(found),
        "chart": key_use.chart(found, request.user, span=span, measure=measure),
        "spans": [(_query(span=one, by=measure), label, one == span) for one, label in SPANS.items()],
        "measures": [(_query(span=span, by=one), shown.title, one == measure) for one, shown in key_use.MEASURES.items()],
        "measure": measure,
        "lines": key_use.by_engine(found, request.user),
        "log": AuditEntry.objects.of_team(found.team).filter(api_key=found)[:LOG],
        "new": next((one for one in found.replaced_by.all() if not one.revoked_at), None),
        "organization": keys.organization_id(found.team),
    }
    return render(request, "developers/key.html", context)


def _scopes(key: ApiKey, role: str) -> list[tuple[keys.Scope, bool]]:
    """What the key was given, each with whether the role of its person allows it now."""
    holds = keys.holding(key.scopes, role) if role else frozenset()
    return [(scope, scope.name in holds) for scope in keys.SCOPES if scope.name in key.scopes]


def _query(**words: str) -> str:
    given = {name: word for name, word in words.items() if word not in ("30", "credits")}
    return f"?{urlencode(given)}" if given else "?"
