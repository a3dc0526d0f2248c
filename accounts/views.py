"""Pages of the studio about people: the first start, the account and its teams."""

from __future__ import annotations

from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts import access, errors, inviting, services
from accounts.forms import ProfileForm, TeamForm, WelcomeForm
from accounts.models import Membership, Team, Theme, User
from accounts.numbers import number
from accounts.requests import SignedInRequest

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


def way_back(request: HttpRequest, default: str) -> str:
    """The page that the form names as `next`, if it is a page of this studio."""
    back = request.POST.get("next", "")
    return back if url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure()) else default


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def welcome(request: HttpRequest) -> HttpResponse:
    """The first start: makes the owner, once. Later it leads to where everybody goes."""
    if User.objects.exists():
        return redirect("home")
    form = WelcomeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            owner = services.create_owner(**form.cleaned_data)
        except errors.AlreadyOwned as error:
            messages.error(request, error.message)
            return redirect(settings.LOGIN_URL)
        login(request, owner, backend=BACKEND)
        return redirect(settings.LOGIN_REDIRECT_URL)
    context = {
        "form": form,
        "credits": settings.WELCOME_CREDITS,
    }
    return render(request, "accounts/welcome.html", context, status=422 if form.errors else 200)


def protection(user: User) -> str:
    """What guards the account besides its password, in words."""
    kinds = list(Authenticator.objects.filter(user=user).values_list("type", flat=True))
    keys = kinds.count(Authenticator.Type.WEBAUTHN)
    words = [f"{keys} passkey{'s' if keys > 1 else ''}"] if keys else []
    if Authenticator.Type.TOTP in kinds:
        words.append("authenticator app")
    return " and ".join(words).capitalize() or "Off"


def account_page(request: SignedInRequest, **forms: Any) -> HttpResponse:
    """The account page; `forms` are bound ones that did not validate, to be shown with what was typed."""
    user = request.user
    memberships = list(Membership.objects.of(user).prefetch_related("team__memberships__user"))
    context = {
        "profile_form": ProfileForm(initial={"name": user.name}),
        "team_form": TeamForm(prefix="team"),
        "memberships": memberships,
        "ended": Membership.objects.ended_of(user),
        "invitations": inviting.waiting_for(user),
        "is_invitation_hidden": inviting.hidden_from(user),
        "address": EmailAddress.objects.filter(user=user, primary=True).first(),
        "protection": protection(user),
        "has_providers": bool(get_adapter().list_apps(request)),
        "connected": ", ".join(account.get_provider().name for account in SocialAccount.objects.filter(user=user)),
        **forms,
    }
    return render(request, "accounts/account.html", context, status=422 if forms else 200)


@login_required
@require_http_methods(["GET", "POST"])
@never_cache
def account(request: SignedInRequest) -> HttpResponse:
    """The person's name, look, address, keys, sessions, teams, and the invitations for them."""
    if request.method == "GET":
        return account_page(request)
    form = ProfileForm(request.POST)
    if not form.is_valid():
        return account_page(request, profile_form=form)
    services.rename_person(request.user, form.cleaned_data["name"])
    messages.success(request, "Saved.")
    return redirect("account")


@login_required
@require_POST
def change_theme(request: SignedInRequest) -> HttpResponse:
    """Light, dark or as the device, on every device of this person."""
    theme = request.POST.get("theme", "")
    if theme not in Theme:
        return HttpResponseBadRequest("There is no such theme.")
    services.change_theme(request.user, Theme(theme))
    response = redirect(way_back(request, "account"))
    # The pages of somebody who is signed out keep the look, too.
    response.set_cookie("theme", theme, max_age=365 * 86400 if theme else 0, secure=settings.SESSION_COOKIE_SECURE, samesite="Lax")
    return response


@login_required
@require_POST
def switch_team(request: SignedInRequest) -> HttpResponse:
    """Work in another of one's teams, and go back to where one was."""
    team = get_object_or_404(Team.objects.of(request.user), pk=number(request.POST.get("team")))
    request.session[access.SESSION_KEY] = team.pk
    return redirect(way_back(request, settings.LOGIN_REDIRECT_URL))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def new_team(request: SignedInRequest) -> HttpResponse:
    """Make a team, and go on to its page, where one invites others."""
    form = TeamForm(request.POST or None, prefix="team")
    if not form.is_valid():
        return render(request, "accounts/new_team.html", {"form": form}, status=422 if form.errors else 200)
    team = services.create_team(form.cleaned_data["name"], request.user)
    request.session[access.SESSION_KEY] = team.pk
    messages.success(request, f"{team} is made, and you are working in it now.")
    return redirect("team")
