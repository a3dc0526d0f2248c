"""Keys: the list of them, making one, the page that shows its secret once, changing, rotating and revoking it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from accounts import keys
from accounts.access import allows, current_team, membership_for, require
from accounts.errors import KeyRefused
from accounts.models import ApiKey
from accounts.requests import SignedInRequest
from billing.services.budgets import limits_in_words
from studio.developers import access, once, programs, standing
from studio.developers.forms import KeyForm, RotateForm, engine_labels


@dataclass(frozen=True, slots=True)
class Row:
    """A key as lists show it."""

    key: ApiKey
    standing: standing.Standing
    scopes: Sequence[str]
    engines: Sequence[str]
    limits: str


SHOWN_SCOPES = {scope.name: scope for scope in keys.SCOPES}


@require_safe
@login_required
@never_cache
def developers(request: SignedInRequest) -> HttpResponse:
    """The person's keys in the team, and for who administers it those of everybody; what no longer works stands apart."""
    team = current_team(request)
    require(request.user, team, "see")
    rows = [_row(key) for key in access.keys_of(request.user, team)]
    works = [row for row in rows if row.standing.works]
    context = {
        "mine": [row for row in works if row.key.user_id == request.user.pk],
        "others": [row for row in works if row.key.user_id != request.user.pk],
        "ended": [row for row in rows if not row.standing.works],
        "sees_all": allows(request.user, team, "administer") and not team.is_personal,
        "host": programs.host(request),
        "organization": keys.organization_id(team),
    }
    return render(request, "developers/keys.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def key_new(request: SignedInRequest) -> HttpResponse:
    team = current_team(request)
    require(request.user, team, "see")
    place = membership_for(request.user, team)
    assert place is not None
    ticket = request.POST.get("ticket", "")
    form = KeyForm(request.POST if request.method == "POST" else None, role=place.role)
    if request.method == "POST" and form.is_valid() and _can_be_shown(form):
        if not once.first(request, ticket):
            return redirect(once.came_of(request, ticket) or "developers")
        try:
            made = keys.make(team, request.user, **form.wish)
        except KeyRefused as error:
            once.forget(request, ticket)
            form.refuse(error.fields)
        else:
            return _show_once(request, made, ticket)
    context = {"form": form, "ticket": ticket or once.ticket()}
    return render(request, "developers/key_form.html", context, status=422 if form.errors else 200)


@require_safe
@login_required
@never_cache
def key_made(request: SignedInRequest, public_id: str) -> HttpResponse:
    """The secret, once. Whoever comes again, or came too late, is led to the key."""
    key = access.key_for(request.user, public_id)
    told = once.take(request, key.public_id)
    if told is None:
        messages.info(request, "Its secret was shown once and is not kept here. If you do not have it, rotate the key.")
        return redirect("developer_key", key.public_id)
    example = programs.example(request, "picture", "curl", key, told["secret"])
    context = {"key": key, "secret": told["secret"], "example": example, "old": key.replaces if told["is_rotated"] else None}
    return render(request, "developers/key_made.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def key_change(request: SignedInRequest, public_id: str) -> HttpResponse:
    key = access.key_for(request.user, public_id)
    place = membership_for(key.user, key.team)
    if place is None or not standing.of_key(key).works:
        messages.warning(request, "This key does not work any more, and cannot be changed. Make another one.")
        return redirect("developer_key", key.public_id)
    form = KeyForm(request.POST if request.method == "POST" else None, role=place.role, key=key)
    if request.method == "POST" and form.is_valid():
        try:
            keys.change(key, by=request.user, **form.wish)
        except KeyRefused as error:
            form.refuse(error.fields)
        else:
            messages.success(request, "Saved. It holds from the next request on.")
            return redirect("developer_key", key.public_id)
    return render(request, "developers/key_form.html", {"form": form, "key": key}, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def key_rotate(request: SignedInRequest, public_id: str) -> HttpResponse:
    """Another secret for the same program, while the old one goes on for as long as was chosen. Only its person may have it."""
    key = access.key_for(request.user, public_id)
    if key.user != request.user:
        raise PermissionDenied("Only the person of a key can replace it.")
    ticket = request.POST.get("ticket", "")
    form = RotateForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid() and _can_be_shown(form):
        if not once.first(request, ticket):
            return redirect(once.came_of(request, ticket) or "developers")
        try:
            made = keys.rotate(key, by=request.user, overlap=form.time)
        except KeyRefused as error:
            once.forget(request, ticket)
            form.add_error(None, error.message)
        else:
            return _show_once(request, made, ticket, is_rotated=True)
    context = {"form": form, "key": key, "standing": standing.of_key(key), "ticket": ticket or once.ticket()}
    return render(request, "developers/key_rotate.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
@never_cache
def key_revoke(request: SignedInRequest, public_id: str) -> HttpResponse:
    """GET asks, POST does. Older secrets that still work go with it, unless the box for them is ticked."""
    key = access.key_for(request.user, public_id)
    older, newer = keys.older_and_newer(key)
    if request.method == "POST":
        only = bool(request.POST.get("only"))
        if keys.revoke(key, by=request.user, only=only):
            goes_on = [one.public_id for one in (older if only else [])] + [one.public_id for one in newer]
            others = f" The program still gets in with {_secrets(goes_on)}." if goes_on else ""
            messages.success(request, f"“{key.name}” is revoked. No program gets in with sk-{key.public_id}… any more.{others}")
        return redirect("developers")
    names = {"older": _secrets([one.public_id for one in older]), "newer": _secrets([one.public_id for one in newer])}
    return render(request, "developers/key_revoke.html", {"key": key, "standing": standing.of_key(key), **names})


def _secrets(public_ids: Sequence[str]) -> str:
    """ "sk-1a2B3c4D… and sk-5e6F7g8H…"."""
    return " and ".join(f"sk-{one}…" for one in public_ids)


def _can_be_shown(form: forms.Form) -> bool:
    """Whether a secret that is made now can be shown; the form says so when not."""
    if once.can_keep():
        return True
    form.add_error(None, once.AWAY)
    return False


def _show_once(request: SignedInRequest, made: keys.Made, ticket: str, *, is_rotated: bool = False) -> HttpResponse:
    once.keep(request, made.key.public_id, {"secret": made.secret, "is_rotated": is_rotated})
    address = reverse("developer_key_made", args=[made.key.public_id])
    once.leads(request, ticket, address)
    return redirect(address)


def _row(key: ApiKey) -> Row:
    scopes = [SHOWN_SCOPES[name].label for name in key.scopes if name in SHOWN_SCOPES]
    return Row(key, standing.of_key(key), scopes, engine_labels(key.engines), limits_in_words(key.budget_day, key.budget_month))
