"""A person and what the studio keeps of them: take it along, or end it."""

from __future__ import annotations

from typing import Any

from allauth.account.decorators import reauthentication_required
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.requests import SignedInRequest
from studio.galleries.leaving import private_galleries_in_teams
from studio.galleries.pages.archive import streamed
from studio.generation.models import Artifact, Job
from studio.privacy import erasing
from studio.privacy.errors import AccountStays
from studio.privacy.export import everything
from studio.privacy.forms import DeleteAccountForm
from studio.prompts.leaving import private_templates_in_teams


@login_required
@require_safe
@never_cache
def your_data(request: SignedInRequest) -> HttpResponse:
    """What there is, and the two doors."""
    return _page(request, DeleteAccountForm(user=request.user))


def _page(request: SignedInRequest, form: DeleteAccountForm, **more: Any) -> HttpResponse:
    user = request.user
    context = {
        "form": form,
        "stays": erasing.why_it_stays(user),
        "pictures": Artifact.objects.filter(user=user).count(),
        "private": [told for told in (private_galleries_in_teams(user), private_templates_in_teams(user)) if told],
        "generations": Job.objects.filter(user=user).count(),
        **more,
    }
    return render(request, "privacy/your_data.html", context, status=422 if form.errors else 200)


@login_required
@require_POST
async def export(request: SignedInRequest) -> HttpResponseBase:
    """Everything that the person made, as one zip; a POST, so that no link on another page starts it."""
    user = await request.auser()
    return streamed(everything(user), f"atelier-{timezone.localdate():%Y-%m-%d}-all-of-mine.zip")  # type: ignore[arg-type]


@login_required
@require_http_methods(["GET", "POST"])
@reauthentication_required  # type: ignore[untyped-decorator]
@never_cache
def delete_account(request: SignedInRequest) -> HttpResponse:
    """Asks who it is once more, for the address, and what becomes of the work; then there is no way back."""
    form = DeleteAccountForm(request.POST or None, user=request.user)
    if request.method == "GET" or not form.is_valid():
        return _page(request, form, asks=True)
    user = request.user
    try:
        erasing.erase_account(user, leaves_work=form.cleaned_data["work"] == "leave")
    except AccountStays as error:
        form.add_error(None, error.message)
        return _page(request, form, asks=True)
    logout(request)
    return redirect("account_deleted")


@require_safe
def account_deleted(request: SignedInRequest) -> HttpResponse:
    return render(request, "privacy/deleted.html")
