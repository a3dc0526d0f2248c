"""Who may listen: the person behind a websocket, in which teams, and whether that is still so."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest

from accounts.access import SESSION_KEY, team_of
from accounts.models import Membership, User
from accounts.terms import has_agreed
from studio.generation.models import Artifact, Batch, Job

NOT_SIGNED_IN = 4401
NOT_ALLOWED = 4403
NOT_AGREED = 4451
"""Websocket close codes after which htmx does not come back by itself. The last: the terms of the studio are to be read first."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """A page that listens. `teams` are those whose news it hears: the one it works in, and that of the job, batch or picture it shows."""

    session_key: str
    user_id: int
    team_id: int
    teams: frozenset[int]
    view: str
    job_id: uuid.UUID | None
    picture_id: uuid.UUID | None = None
    batch_id: uuid.UUID | None = None


def admit(user: Any, session: Any, query: Mapping[str, str]) -> Viewer | int:
    """Say what a new websocket may hear, or with which code it is closed. `query` is that of its address.

    `view`, `job`, `batch` and `picture` are what the page shows, `team` is whose it is: without it, the one that the person works in now.
    """
    if not isinstance(user, User) or not user.is_active:
        return NOT_SIGNED_IN
    if not has_agreed(user):
        return NOT_AGREED
    named = int(text) if (text := query.get("team", "")).isascii() and text.isdigit() and len(text) < 19 else None
    team = team_of(user, named or session.get(SESSION_KEY))
    if team is None or team.pk != (named or team.pk):
        return NOT_ALLOWED
    job, picture = _visible_job(user, query.get("job", "")), _visible_picture(user, query.get("picture", ""))
    batch = _visible_batch(user, query.get("batch", ""))
    return Viewer(
        session_key=session.session_key,
        user_id=user.pk,
        team_id=team.pk,
        teams=frozenset({team.pk, *(one.team_id for one in (job, picture, batch) if one)}),
        view=query.get("view", "page"),
        job_id=job.pk if job else None,
        picture_id=picture.pk if picture else None,
        batch_id=batch.pk if batch else None,
    )


def why_to_close(viewer: Viewer) -> int | None:
    """Ask the rows whether the person is still signed in (same session, same password), has agreed to the terms, and is in the teams.

    The close code if not.
    """
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(viewer.session_key)
    user = get_user(request)
    if user.pk != viewer.user_id or not user.is_active:
        return NOT_SIGNED_IN
    if not has_agreed(user):
        return NOT_AGREED
    member = Membership.objects.filter(user_id=viewer.user_id, team_id__in=viewer.teams, team__deleted_at=None).count()
    return None if member == len(viewer.teams) else NOT_ALLOWED


def _visible_job(user: User, text: str) -> Job | None:
    job_id = _id(text)
    return Job.objects.visible_to(user).filter(pk=job_id).first() if job_id else None


def _visible_picture(user: User, text: str) -> Artifact | None:
    picture_id = _id(text)
    return Artifact.objects.visible_to(user).filter(pk=picture_id).first() if picture_id else None


def _visible_batch(user: User, text: str) -> Batch | None:
    batch_id = _id(text)
    return Batch.objects.visible_to(user).filter(pk=batch_id).first() if batch_id else None


def _id(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
