"""How keys and endpoints stand, in a word for colours and a sentence for people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.formats import date_format

from accounts.models import ApiKey
from studio.webhooks.models import Endpoint

SOON = timedelta(days=7)
"""From when on a page warns that a key runs out."""


@dataclass(frozen=True, slots=True)
class Standing:
    """`tone` is a class of `.tag`: ok, warn, bad or off. `works`: whether the key lets a program in."""

    tone: str
    word: str
    sentence: str
    works: bool = True


def of_key(key: ApiKey) -> Standing:
    """No query where the key was read by `access`."""
    now = timezone.now()
    if key.revoked_at:
        who = f" by {key.revoked_by}" if key.revoked_by else ""
        return Standing("off", "Revoked", f"Revoked{who} on {_moment(key.revoked_at)}. No program gets in with it.", works=False)
    if key.expires_at and key.expires_at <= now:
        return Standing("bad", "Expired", f"Expired on {_moment(key.expires_at)}. Make another one.", works=False)
    if key.expires_at and (new := next((one for one in key.replaced_by.all() if not one.revoked_at), None)):
        return Standing("warn", "Replaced", f"sk-{new.public_id}… replaces it. The old secret works until {_moment(key.expires_at)}.")
    if key.expires_at and key.expires_at - now <= SOON:
        return Standing("warn", "Expires soon", f"Works until {_moment(key.expires_at)}. Rotate it to go on without a break.")
    if key.expires_at:
        return Standing("ok", "Works", f"Works until {_moment(key.expires_at)}.")
    return Standing("ok", "Works", "Works until somebody revokes it.")


def of_endpoint(endpoint: Endpoint) -> Standing:
    if endpoint.switched_off_at:
        sentence = f"The studio switched it off on {_moment(endpoint.switched_off_at)}, after days without an answer. Nothing is sent until"
        return Standing("bad", "Switched off", f"{sentence} somebody switches it on again.", works=False)
    if not endpoint.is_active:
        return Standing("off", "Off", "It is switched off. Nothing is sent.", works=False)
    if endpoint.failing_since:
        sentence = f"Nothing has arrived since {_moment(endpoint.failing_since)}. What waits is tried again"
        return Standing("warn", "Failing", f"{sentence}; after some days the studio switches it off.")
    return Standing("ok", "On", "It hears of what it chose.")


def _moment(moment: datetime) -> str:
    """ "27 November, 14:05" in the studio's time zone; with the year when it is not this one."""
    local = timezone.localtime(moment)
    return date_format(local, "j F, H:i" if local.year == timezone.localdate().year else "j F Y, H:i")
