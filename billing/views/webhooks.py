"""Where gateways tell what happened. Nobody is signed in here: the signature says who speaks. Nothing of a body is logged."""

from __future__ import annotations

import structlog
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from billing.gateways.errors import BadSignature, NotOffered
from billing.gateways.registry import gateway as gateway_of
from billing.services import deliveries

log = structlog.get_logger(__name__)
LARGEST = 512 * 1024
"""Bytes of a delivery; an invoice with many lines has some 50,000."""


@csrf_exempt
@require_POST
def payment_webhook(request: HttpRequest, gateway: str) -> HttpResponse:
    """200 when it is kept and written into the books, whatever came of it; 400 for what did not come from the gateway, 413 for too much.

    An error while it is written is a 500, so that the gateway brings it again; by then it is kept.
    """
    if _length(request) > LARGEST:
        return HttpResponse("That is too long for an event.\n", status=413, content_type="text/plain")
    try:
        event = gateway_of(gateway).read_webhook(request.body, request.headers)
    except NotOffered as error:
        raise Http404 from error
    except BadSignature as error:
        log.warning("webhook_refused", gateway=gateway, reason=error.message)
        return HttpResponse("Refused.\n", status=400, content_type="text/plain")
    kept = deliveries.receive(gateway, event)
    log.info("webhook_received", gateway=gateway, delivery=kept.event_id, type=kept.type)
    return HttpResponse("Thank you.\n", content_type="text/plain")


def _length(request: HttpRequest) -> int:
    given = request.headers.get("Content-Length", "0")
    return int(given) if given.isascii() and given.isdigit() else 0
