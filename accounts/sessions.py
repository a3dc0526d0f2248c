"""Sessions that are over leave the database: signing out deletes one's own, but most are never signed out of."""

from __future__ import annotations

from importlib import import_module

import structlog
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.models import Session

log = structlog.get_logger(__name__)


def forget_expired() -> None:
    """Delete sessions whose time is over, and what was noted of their browsers. For whatever has a clock; finds nothing the next time."""
    import_module(settings.SESSION_ENGINE).SessionStore.clear_expired()
    forgotten, _ = UserSession.objects.exclude(session_key__in=Session.objects.values("session_key")).delete()
    if forgotten:
        log.info("sessions_forgotten", count=forgotten)
