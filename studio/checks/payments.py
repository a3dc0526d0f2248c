"""Rules for how the studio is paid. No sentence repeats a key."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from django.conf import settings

from studio.checks.rule import Finding, Rule


def _is_live() -> bool:
    return "_live_" in settings.STRIPE_SECRET_KEY


def _key() -> Finding | None:
    if not settings.STRIPE_SECRET_KEY or re.fullmatch(r"(sk|rk)_[A-Za-z0-9_]+", settings.STRIPE_SECRET_KEY):
        return None
    return (
        "STUDIO_STRIPE_SECRET_KEY is no secret key of Stripe’s.",
        "Copy the one that begins with sk_ (or a restricted one, rk_) from your account, under Developers, API keys.",
    )


def _live_key_in_the_open() -> Finding | None:
    if not _is_live():
        return None
    if settings.DEBUG:
        return (
            "STUDIO_STRIPE_SECRET_KEY is a live key, and STUDIO_DEBUG is on: error pages would show it.",
            "Use a key that begins with sk_test_.",
        )
    if not settings.BEHIND_TLS:
        return (
            "STUDIO_STRIPE_SECRET_KEY is a live key, but STUDIO_URL is not https://, and Stripe delivers nowhere else.",
            "Set STUDIO_URL to the studio’s address, or use a key that begins with sk_test_.",
        )
    return None


def _test_key_in_public() -> Finding | None:
    if not settings.BEHIND_TLS or not settings.STRIPE_SECRET_KEY or _is_live():
        return None
    return (
        "STUDIO_STRIPE_SECRET_KEY is a test key: whoever knows Stripe’s test cards is given credits for nothing.",
        "Set the live key before people come.",
    )


def _webhook_secret() -> Finding | None:
    if not settings.STRIPE_SECRET_KEY:
        return None
    if not settings.STRIPE_WEBHOOK_SECRET:
        return (
            "STUDIO_STRIPE_WEBHOOK_SECRET is missing: people would pay, and nothing would be delivered.",
            "Add the endpoint …/payments/stripe/webhook/ at Stripe (Developers, Webhooks), and copy its signing secret.",
        )
    if not settings.STRIPE_WEBHOOK_SECRET.startswith("whsec_"):
        return "STUDIO_STRIPE_WEBHOOK_SECRET is no signing secret of Stripe’s.", "It begins with whsec_; copy it from the endpoint’s page."
    return None


def _secret_without_key() -> Finding | None:
    if settings.STRIPE_SECRET_KEY or not settings.STRIPE_WEBHOOK_SECRET:
        return None
    return "STUDIO_STRIPE_WEBHOOK_SECRET is given without STUDIO_STRIPE_SECRET_KEY: Stripe is off.", "Give both, or neither."


def _api_base() -> Finding | None:
    if not settings.STRIPE_API_BASE:
        return None
    if _is_live():
        return "STUDIO_STRIPE_API_BASE would send a live key to another server than Stripe’s.", "Leave it out; it is for tests."
    parts = urlsplit(settings.STRIPE_API_BASE)
    if parts.scheme in ("http", "https") and parts.hostname:
        return None
    return "STUDIO_STRIPE_API_BASE is not an address.", "Write it like http://127.0.0.1:8687, or leave it out."


def _currencies() -> Finding | None:
    wrong = [code for code in settings.CURRENCIES if not re.fullmatch("[a-z]{3}", code)]
    if settings.CURRENCIES and not wrong:
        return None
    said = f"“{wrong[0][:20]}” is no currency" if wrong else "no currency is given"
    return f"STUDIO_CURRENCIES: {said}.", "Give three letters each (ISO 4217), like usd,eur; the first is what people see first."


RULES: tuple[Rule, ...] = (
    Rule("STUDIO_STRIPE_SECRET_KEY", _key),
    Rule("STUDIO_STRIPE_SECRET_KEY", _live_key_in_the_open),
    Rule("STUDIO_STRIPE_SECRET_KEY", _test_key_in_public, warning=True),
    Rule("STUDIO_STRIPE_WEBHOOK_SECRET", _webhook_secret),
    Rule("STUDIO_STRIPE_WEBHOOK_SECRET", _secret_without_key, warning=True),
    Rule("STUDIO_STRIPE_API_BASE", _api_base),
    Rule("STUDIO_CURRENCIES", _currencies),
)
