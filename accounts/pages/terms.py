"""The page of the terms: to be read by anybody, and to be agreed to by those who work here."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts import terms as terms_of_the_studio
from accounts.models import Agreement, Terms, User
from accounts.numbers import number


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def terms(request: HttpRequest) -> HttpResponse:
    """The terms in force. Http404 when the studio has none."""
    found = terms_of_the_studio.in_force()
    if found is None:
        raise Http404
    user = request.user if isinstance(request.user, User) else None
    if request.method == "POST" and user:
        return agree(request, user, found)
    context = {
        "terms": found,
        "passages": terms_of_the_studio.passages(found.text),
        "agreement": Agreement.objects.filter(user=user, terms=found).first() if user else None,
        "is_first": not (user and user.agreements.exists()),
        "next": request.GET.get("next", ""),
    }
    return render(request, "accounts/terms.html", context)


def agree(request: HttpRequest, user: User, found: Terms) -> HttpResponse:
    """Note the agreement to the version that stood on the page, and go on to where the person was going."""
    back = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure()):
        back = resolve_url(settings.LOGIN_REDIRECT_URL)
    if number(request.POST.get("version")) == found.version:
        terms_of_the_studio.agree(user, found)
    else:
        messages.warning(request, "The terms changed while you read them. Here is the newest version.")
    return redirect(back)
