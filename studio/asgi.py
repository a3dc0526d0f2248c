"""The site's ASGI application: pages over HTTP, `/live/` over a websocket."""

from __future__ import annotations

import os
from contextlib import AbstractAsyncContextManager, nullcontext

import django
from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest
from django.http.response import HttpResponseBase

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "studio.settings")
django.setup(set_prefix=False)  # the imports below need the apps

from channels.auth import AuthMiddlewareStack  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402

from studio.live.body_limit import BodyLimit  # noqa: E402
from studio.live.origin import SameOrigin  # noqa: E402
from studio.live.routing import websocket_urlpatterns  # noqa: E402
from studio.metrics.requests import CountedSockets  # noqa: E402
from studio.middleware import ALIVE, PROBES  # noqa: E402
from studio.waiting import Turns, Waiting  # noqa: E402


class OneThreadHandler(ASGIHandler):
    """Django's handler with the whole chain of middleware and the view in one thread.

    Our middleware and views are synchronous. Django would carry each request back to the event loop and into the thread again between the
    two, which costs two more turns in the queue for the interpreter while other requests compute. Hundreds that come at once would each
    have a thread, with its memory and its wish for a connection: they take turns. Whoever watches the process waits for no page, and no
    page for them: `/healthz` asks nobody and takes no turn, the other probes, which may wait for a service that hangs, take their own.
    """

    REQUESTS, PROBES = Turns(64), Turns(4)

    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async=False)

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        async with self._turn(request.path_info):
            response = await sync_to_async(self.get_response, thread_sensitive=True)(request)
        return await response.finish() if isinstance(response, Waiting) else response

    def _turn(self, path: str) -> AbstractAsyncContextManager[object]:
        if path == ALIVE:
            return nullcontext()
        return (self.PROBES if path in PROBES else self.REQUESTS).turn()


application = ProtocolTypeRouter(
    {
        "http": BodyLimit(OneThreadHandler()),
        "websocket": CountedSockets(SameOrigin(AuthMiddlewareStack(URLRouter(websocket_urlpatterns)))),
    }
)
