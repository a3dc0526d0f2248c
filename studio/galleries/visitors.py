"""Who comes from outside: what their browser remembers of a link, how often they may try, and whether they are people at all."""

from __future__ import annotations

import hashlib
import re

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse

from accounts.access import allows
from studio.galleries.outside import Show
from studio.generation.throttle import wait_for

SEEN, OPENED = "seen", "opened"
"""Names of the two cookies, each valid below the path of its link."""
OPEN_SECONDS = 12 * 3600
"""So long a browser does not ask for the password again."""
OPENED_SALT = "studio.galleries.opened"
TRIES, TRIES_EACH = "60/hour", "10/10minutes"
"""Wrong passwords: for a link from everywhere, and from one address."""
REPORTS = "5/hour"
_MACHINE = re.compile(
    r"bot|crawl|spider|slurp|preview|fetch|scan|monitor|facebookexternalhit|whatsapp|telegram|slack|discord|embed|curl|wget|python|java/|go-http",
    re.I,
)


def address(request: HttpRequest) -> str:
    return str(get_adapter().get_client_ip(request))


def is_machine(request: HttpRequest) -> bool:
    """Whether a program looks: one that says so, one that says nothing, or a browser that fetches ahead."""
    agent = request.headers.get("User-Agent", "")
    return not agent or bool(_MACHINE.search(agent)) or "prefetch" in request.headers.get("Sec-Purpose", "")


def counts(request: HttpRequest, show: Show) -> bool:
    """Whether this is a view: a person of another team, for the first time in this session of the browser."""
    if request.method != "GET" or SEEN in request.COOKIES or is_machine(request):
        return False
    return not (request.user.is_authenticated and allows(request.user, show.gallery.team, "see"))


def remember_view(response: HttpResponse, show: Show) -> None:
    _cookie(response, show, SEEN, "1", None)


def has_opened(request: HttpRequest, show: Show) -> bool:
    """Whether the password was right before, in this browser, and is still the link's."""
    if not show.is_locked:
        return True
    try:
        return bool(signing.loads(request.COOKIES.get(OPENED, ""), salt=OPENED_SALT, max_age=OPEN_SECONDS) == _lock(show))
    except signing.BadSignature:
        return False


def remember_opening(response: HttpResponse, show: Show) -> None:
    _cookie(response, show, OPENED, signing.dumps(_lock(show), salt=OPENED_SALT), OPEN_SECONDS)


def seconds_to_try(request: HttpRequest, show: Show) -> int:
    """Count one try of a password; 0 when it may be looked at."""
    link = show.key
    return wait_for("password", f"{link}|{address(request)}", TRIES_EACH) or wait_for("password", link, TRIES)


def seconds_to_report(request: HttpRequest) -> int:
    """Count one report; 0 when it may be sent."""
    return wait_for("report", address(request), REPORTS)


def _lock(show: Show) -> str:
    """The link with its password, as a cookie may hold it."""
    assert show.link
    return hashlib.sha256(f"{show.link.pk}|{show.link.password}".encode()).hexdigest()


def _cookie(response: HttpResponse, show: Show, name: str, value: str, seconds: int | None) -> None:
    secure = bool(settings.SESSION_COOKIE_SECURE)
    response.set_cookie(name, value, max_age=seconds, path=show.url(), httponly=True, secure=secure, samesite="Lax")
