"""Which pages may open a websocket: those of this very studio."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from channels.security.websocket import WebsocketDenier
from django.conf import settings
from django.http.request import split_domain_port, validate_host


class SameOrigin:
    """Deny a websocket to a page of another origin, in host or port: the browser would send the person's cookies along.

    As Django asks of a POST: the page's `Origin` is the address that is asked (`Host`, one of `ALLOWED_HOSTS`), or the one that people
    open (`STUDIO_URL`). Channels' own validator compares names alone, and another program on the same machine has the same name.
    """

    def __init__(self, application: Any) -> None:
        self.application = application

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> Any:
        headers = {name: value.decode("latin-1") for name, value in scope["headers"] if name in (b"origin", b"host")}
        chosen = self.application if _is_ours(headers.get(b"origin", ""), headers.get(b"host", "")) else WebsocketDenier()
        return await chosen(scope, receive, send)


def _is_ours(origin: str, host: str) -> bool:
    try:
        page = urlsplit(origin)
    except ValueError:
        return False
    if origin.rstrip("/") == settings.STUDIO_URL:
        return True
    schemes = ("https",) if settings.BEHIND_TLS else ("http", "https")
    return page.scheme in schemes and page.netloc == host and validate_host(split_domain_port(host)[0], settings.ALLOWED_HOSTS)
