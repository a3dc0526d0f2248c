"""What happens to every request because of who asks: the first start, the team, the terms, and a sign-in that ran out."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from urllib.parse import parse_qs, urlsplit

import structlog
from allauth.account.adapter import get_adapter
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.views import redirect_to_login
from django.core.cache import cache
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect, render, resolve_url
from django.urls import reverse
from django.utils.functional import SimpleLazyObject
from django.utils.http import url_has_allowed_host_and_scheme

from accounts import terms
from accounts.access import SESSION_KEY, team_among
from accounts.models import Membership, Team, User
from accounts.services import ensure_personal_team

log = structlog.get_logger(__name__)

GetResponse = Callable[[HttpRequest], HttpResponse]
SIGNED_OUT = "You were signed out. Sign in again; what you typed is still on the page."
ASKED_TO_AGREE = "The terms of this studio are new. Reload the page to read them; what you typed is kept."
SESSION_OVER = "Your session has ended. Sign in, and you are back where you were."


def _asks_for_json(request: HttpRequest) -> bool:
    accepted = request.headers.get("Accept", "")
    return "application/json" in accepted and "text/html" not in accepted


class FirstStartMiddleware:
    """While the studio has nobody, every page leads to `/welcome/`. Once somebody exists, the database is not asked again.

    A program, which cannot follow there, is told so by whoever looks for its key (`request.by_program`).
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self.opened = False

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not self.opened:
            welcome = reverse("welcome")
            free = request.path.startswith(settings.STATIC_URL) or request.path == welcome or getattr(request, "by_program", False)
            if not free:
                self.opened = User.objects.exists()
                if not self.opened:
                    return redirect(welcome)
        return self.get_response(request)


class TeamIsLost(Exception):
    """What was asked for was meant for a team in which the person is not any more."""


class TeamMiddleware:
    """`request.team`: the team that the person works in; `request.places`: their places in every team, those that were deleted and can be
    brought back among them. Both come of one query, made when first asked for; for nobody they are false.

    It is the one that the page shows from which something is asked (`NAMED` or `FIELD`), whatever another tab works in by now; a page that
    is opened shows the one that was chosen last. Who was taken out of it, or whose team was deleted, goes on in another and is told so.
    What they were about to do there is not done in the other one: a page that was open would spend their own credits.
    """

    NAMED, FIELD = "X-Team", "in_team"
    """Where a page's scripts and its plain forms say whose it is (`static/js/requests.js`)."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.places = SimpleLazyObject(lambda: self.places(request))  # type: ignore[attr-defined]
        request.team = SimpleLazyObject(lambda: self.find(request))  # type: ignore[attr-defined]
        return self.get_response(request)

    @staticmethod
    def places(request: HttpRequest) -> list[Membership]:
        user = request.user
        return list(Membership.objects.remembered_by(user)) if isinstance(user, User) and user.is_authenticated else []

    @classmethod
    def find(cls, request: HttpRequest) -> Team | None:
        if not isinstance(request.user, User) or not request.user.is_authenticated:
            return None
        named, remembered = cls.named(request), request.session.get(SESSION_KEY)
        chosen = named or remembered
        places: list[Membership] = request.places  # type: ignore[attr-defined]
        team = team_among(places, chosen)
        if team and named and team.pk != named:
            team = team_among(places, remembered)
        if not team:  # somebody made on the command line or in the admin has no team until they come
            team = ensure_personal_team(request.user)
            request.places = cls.places(request)  # type: ignore[attr-defined]
        if chosen and team.pk != chosen:
            if remembered and team.pk != remembered:
                del request.session[SESSION_KEY]
            ended = next((one for one in places if one.team_id == chosen and one.team.deleted_at), None)
            why = f"{ended.team} was deleted." if ended else "You are not in that team any more."
            if not getattr(request, "team_is_lost", False):  # it is said once; what is drawn after that is drawn for the other team
                request.team_is_lost = True  # type: ignore[attr-defined]
                messages.warning(request, f"{why} You work in {team} now.")
                if named or request.method not in ("GET", "HEAD"):
                    raise TeamIsLost(why)
        return team

    @classmethod
    def named(cls, request: HttpRequest) -> int | None:
        """The team of the page that asks; None for a page that is opened, and for what is no number."""
        text = request.headers.get(cls.NAMED) or (request.POST.get(cls.FIELD) if request.method == "POST" else None) or ""
        return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, TeamIsLost):
            return None
        if _asks_for_json(request):
            return JsonResponse({"error": f"{error} Nothing was done. Load the page again."}, status=409)
        if request.headers.get("HX-Request") == "true":
            answer = HttpResponse(status=204)
            answer["HX-Redirect"] = resolve_url(settings.LOGIN_REDIRECT_URL)
            return answer
        return redirect(settings.LOGIN_REDIRECT_URL)


class SessionActivityMiddleware:
    """Notes when and from where a session was last used, as allauth does, but once a minute.

    It is a transaction that writes, and one page of the library asks for fifty pictures. Another address or browser is noted at once.
    """

    SECONDS = 60

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated and request.session.session_key:
            self._note(request)
        return self.get_response(request)

    def _note(self, request: HttpRequest) -> None:
        place = f"{request.session.session_key}|{request.headers.get('User-Agent', '')}|{get_adapter().get_client_ip(request)}"
        if cache.add(f"session-seen:{sha256(place.encode()).hexdigest()}", True, self.SECONDS):
            try:
                UserSession.objects.create_from_request(request)
            except DatabaseError as error:  # a full disk, for instance: no reason to refuse a page
                log.warning("session_not_noted", reason=type(error).__name__)


class SignInAgainMiddleware:
    """An expired session in the middle of work: `login_required` answers every request as if it were a page that was opened.

    That is wrong three times over. htmx would put the login page into a fragment, so it gets `HX-Redirect`, a navigation of the whole page.
    A script that asks for JSON gets a 401 that says where to sign in. And the address of a POST is no place to come back to: the way back
    leads to the page on which the person was. Who had a session is told why they have to sign in.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not isinstance(response, HttpResponseRedirect) or request.user.is_authenticated:
            return response
        login = resolve_url(settings.LOGIN_URL)
        target = urlsplit(response.url)
        if target.path != login or parse_qs(target.query).get(REDIRECT_FIELD_NAME) != [request.get_full_path()]:
            return response  # a redirect to the login page that is not "sign in first", as after signing out
        if _asks_for_json(request):
            return JsonResponse({"error": SIGNED_OUT, "login": self.back_to(request, login)}, status=401)
        had_a_session = request.COOKIES.get(settings.SESSION_COOKIE_NAME) and request.session.is_empty()
        if had_a_session or request.method not in ("GET", "HEAD"):
            messages.warning(request, SESSION_OVER)
        if request.headers.get("HX-Request") == "true":
            answer = HttpResponse(status=204)
            answer["HX-Redirect"] = self.back_to(request, login)
            return answer
        if request.method not in ("GET", "HEAD"):
            return redirect(self.back_to(request, login))
        return response

    @staticmethod
    def back_to(request: HttpRequest, login: str) -> str:
        """The login page, with the page on which the person was as `next`; never an address outside the studio."""
        page = request.headers.get("HX-Current-URL") or request.headers.get("Referer") or ""
        if not url_has_allowed_host_and_scheme(page, {request.get_host()}, require_https=request.is_secure()):
            return login
        parts = urlsplit(page)
        return redirect_to_login(parts._replace(scheme="", netloc="", fragment="").geturl(), login).url


class TermsMiddleware:
    """Whoever is signed in and has not agreed to the terms in force is led to them before anything else.

    A page that is opened becomes the page of the terms, with the way back in it. A fragment for htmx gets `HX-Redirect`, and what was typed
    stays in the browser's draft. What nobody would see as a page (a script that asks for JSON, a picture, a program) gets a 403 with a
    sentence. Where no terms were published nobody is asked. What `settings.OPEN_BEFORE_TERMS` names stays open: whoever does not agree may
    take what is theirs, and go.
    """

    KEY = "agreed"
    """Where the session keeps the version that its person has agreed to."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if self.may_go_on(request):
            return self.get_response(request)
        if request.headers.get("HX-Request") == "true":
            return HttpResponse(status=204, headers={"HX-Redirect": page_in(request, reverse("terms"))})
        accepts = request.headers.get("Accept", "text/html")
        if "text/html" in accepts:
            return redirect(page_in(request, reverse("terms")))
        if "application/json" in accepts:
            return JsonResponse({"error": ASKED_TO_AGREE, "terms": reverse("terms")}, status=403)
        return HttpResponse(ASKED_TO_AGREE, content_type="text/plain; charset=utf-8", status=403)

    def may_go_on(self, request: HttpRequest) -> bool:
        """Reads the person's rows once a session and version; else only what is remembered."""
        if not isinstance(request.user, User) or not request.user.is_authenticated:
            return True
        if request.path.startswith(settings.STATIC_URL) or request.path in map(reverse, settings.OPEN_BEFORE_TERMS):
            return True
        version = terms.version_in_force()
        if not version or request.session.get(self.KEY) == version:
            return True
        if not terms.has_agreed(request.user):
            return False
        request.session[self.KEY] = version
        return True


def page_in(request: HttpRequest, door: str) -> str:
    """A page that stands before all others, with the page on which the person was or which they opened as `next`."""
    if request.method in ("GET", "HEAD") and request.headers.get("HX-Request") != "true":
        return redirect_to_login(request.get_full_path(), door).url
    return SignInAgainMiddleware.back_to(request, door)


class WayOutMiddleware:
    """A POST that leads to another site, as "Continue with …" does, goes over a page of our own.

    Browsers hold every redirect after a form against the page's `form-action 'self'`, also those that the other site makes in turn:
    the person would press the button and nothing would happen. A page that moves on by itself is a new navigation.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.method != "POST" or not isinstance(response, HttpResponseRedirect):
            return response
        host = urlsplit(response.url).netloc
        if not host or host == request.get_host():
            return response
        page = render(request, "accounts/leaving.html", {"url": response.url, "host": host})
        page.cookies = response.cookies
        return page
