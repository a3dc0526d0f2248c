"""The log of a team: who did what, newest first, for those who administer it."""

from __future__ import annotations

import csv

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts import access, audit
from accounts.forms import LogForm
from accounts.models import AuditEntry
from accounts.requests import SignedInRequest


@login_required
@require_safe
@never_cache
def log(request: SignedInRequest) -> HttpResponse:
    """`?person=`, `?kind=` filter; `?before=<entry id>` goes on with older entries."""
    team = access.current_team(request)
    access.require(request.user, team, "administer")
    form = LogForm(request.GET, team=team)
    entries = AuditEntry.objects.of_team(team).matching(**form.asked).older_than(form.before_id)
    page = list(entries.select_related("actor")[: audit.PAGE + 1])
    context = {
        "shown": team,
        "form": form,
        "entries": page[: audit.PAGE],
        "older": form.query(before=page[audit.PAGE - 1].pk) if len(page) > audit.PAGE else "",
        "query": form.query(),
        "is_older": form.before_id is not None,
    }
    return render(request, "accounts/team_log.html", context, status=422 if form.errors else 200)


@login_required
@require_safe
@never_cache
def download(request: SignedInRequest, team_id: int) -> HttpResponse:
    """The entries that the page shows, all of them, as CSV. What is asked for and not understood is told instead: it is not all of them."""
    team = access.team_for(request.user, team_id, "administer")
    form = LogForm(request.GET, team=team)
    if form.errors:
        sentences = dict.fromkeys(sentence for field in form.errors.values() for sentence in field)
        return HttpResponse("".join(f"{one}\n" for one in sentences), content_type="text/plain; charset=utf-8", status=422)
    name = f"atelier-team-log-{timezone.localdate():%Y-%m-%d}.csv"
    response = HttpResponse(content_type="text/csv; charset=utf-8", headers={"Content-Disposition": f'attachment; filename="{name}"'})
    writer = csv.writer(response)
    writer.writerow(audit.HEAD)
    writer.writerows(audit.rows(AuditEntry.objects.of_team(team).matching(**form.asked)))
    return response
