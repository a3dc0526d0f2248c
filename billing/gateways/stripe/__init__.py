"""Stripe: hosted Checkout, so no card number ever passes through the studio, and its pages need no script of Stripe's.

What is asked of Stripe is in `gateway` and `subscriptions`, what it says is read in `reading`. Facts about the API are from Stripe's
reference of the version that the official library pins; payloads of older versions, which an endpoint may still be sent, are read too.
"""

from billing.gateways.stripe.gateway import StripeGateway

__all__ = ["StripeGateway"]
