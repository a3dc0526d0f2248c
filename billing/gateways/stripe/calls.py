"""Calls of the official library, with what it raises said in our words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import stripe
import structlog

from billing.gateways.errors import GatewayRefused, GatewayUnavailable, KeyRefused

log = structlog.get_logger(__name__)
TIMEOUT, RETRIES = 20, 2
"""Seconds that one request of a chore may take, and times that the library asks again by itself, with the same idempotency key."""
WEB_TIMEOUT, WEB_RETRIES = 6, 1
"""The same where somebody waits for a page."""


def clients(key: str, api_base: str) -> tuple[stripe.StripeClient, stripe.StripeClient]:
    """One for pages, one for chores."""
    return _client(key, api_base, WEB_TIMEOUT, WEB_RETRIES), _client(key, api_base, TIMEOUT, RETRIES)


def _client(key: str, api_base: str, timeout: int, retries: int) -> stripe.StripeClient:
    addresses: Any = {"api": api_base} if api_base else None
    http = stripe.RequestsClient(timeout=timeout)
    return stripe.StripeClient(key, base_addresses=addresses, max_network_retries=retries, http_client=http)


@contextmanager
def told_in_words() -> Iterator[None]:
    """Raises GatewayUnavailable when nothing is known of what Stripe did, GatewayRefused for a no. Nobody's data is logged."""
    try:
        yield
    except stripe.CardError as error:
        raise GatewayRefused(f"The card was declined: {error.user_message or 'ask your bank, or use another one.'}") from error
    except (stripe.APIConnectionError, stripe.RateLimitError) as error:
        log.warning("stripe_unavailable", reason=type(error).__name__)
        raise GatewayUnavailable from error
    except (stripe.AuthenticationError, stripe.PermissionError) as error:
        log.error("stripe_key_refused", reason=type(error).__name__)
        raise KeyRefused("Stripe does not accept the studio’s key. Tell the operator: STUDIO_STRIPE_SECRET_KEY.") from error
    except stripe.StripeError as error:
        if error.http_status is None or error.http_status >= 500 or error.http_status == 409:
            log.warning("stripe_unavailable", reason=type(error).__name__, status=error.http_status)
            raise GatewayUnavailable from error
        log.error("stripe_refused", reason=type(error).__name__, code=error.code, param=getattr(error, "param", None))
        raise GatewayRefused(f"Stripe refused this ({error.code or type(error).__name__}). Nothing was charged.") from error


def plain(thing: stripe.StripeObject) -> Mapping[str, Any]:
    """What came, as the JSON it came in."""
    return thing.to_dict()
