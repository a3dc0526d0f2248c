"""The headers of a delivery, as the Standard Webhooks specification says: its id, its time, and a signature of both and the body.

Read in `standardwebhooks` 1.1: a secret is `whsec_` and base64 of 24 to 64 bytes; a signature is `v1,` and base64 of HMAC-SHA256 over
`id.time.body`; several stand in one header with a space between them, and one that fits is enough.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime

from django.conf import settings
from standardwebhooks import Webhook

from studio.webhooks.models import Delivery, Endpoint

SECRET_BYTES = 32


def new_secret() -> str:
    return f"whsec_{base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()}"


def secrets_of(endpoint: Endpoint, now: datetime) -> list[str]:
    """Those that sign now: a new one first, and what it replaces until receivers know it."""
    still = endpoint.old_secret_until is not None and endpoint.old_secret_until > now
    return [endpoint.secret, endpoint.old_secret] if still else [endpoint.secret]


def signed(delivery: Delivery, now: datetime) -> tuple[bytes, dict[str, str]]:
    """The body of a delivery and its headers. The body is the same at every try, its time and signature are not."""
    order = ("id", "type", "timestamp", "team", "data")  # PostgreSQL keeps no order of keys, and people read this
    body = json.dumps({name: delivery.payload[name] for name in order}, ensure_ascii=False, separators=(",", ":"))
    about = {"Content-Type": "application/json", "User-Agent": f"Atelier/{settings.VERSION} (+{settings.STUDIO_URL})"}
    return body.encode(), {**about, **headers(secrets_of(delivery.endpoint, now), message_id=delivery.payload["id"], at=now, body=body)}


def headers(keys: Iterable[str], *, message_id: str, at: datetime, body: str) -> dict[str, str]:
    """`at` is when it is sent, and not when it happened: a receiver refuses what is older than five minutes."""
    # The library takes the clock's figures for UTC, whatever zone the moment is in.
    at = at.astimezone(UTC)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(Webhook(one).sign(message_id, at, body) for one in keys),
    }
