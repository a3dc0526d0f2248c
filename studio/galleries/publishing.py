"""How a gallery leaves its team: who sees it, by which links, and that somebody looks at the pictures before."""

from __future__ import annotations

import base64
import uuid
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.core import signing
from django.db import transaction
from django.db.models import F
from django.urls import reverse
from django.utils import timezone

from accounts import audit
from accounts.access import allows, people_who_may
from accounts.models import User
from studio.galleries.errors import NotShared, NotYours
from studio.galleries.models import Gallery, GalleryItem, Notice, Report, Review, ShareLink, Visibility
from studio.galleries.notices import notify
from studio.galleries.shelf import OUTSIDE

_signer = signing.Signer(salt="studio.galleries.link", sep="~")

REPORT_KIND, REVIEW_KIND, WORDS_KIND, DECISION_KIND = "report", "review", "gallery", "decision"
"""What notices of this room are. A review is asked for, a decision is what came of it."""


# --- who sees it ---------------------------------------------------------------------------------------------------------


def show_to(gallery: Gallery, visibility: Visibility, *, by: User) -> int:
    """Let others see a gallery than did before; returns how many of its pictures wait for a review now.

    Who may publish approves what waits by showing it to people outside; when anybody else does, all of it waits, and again when they
    show to everybody what was approved for some. Raises NotYours: only its owner may keep a gallery for themselves.
    """
    if visibility == Visibility.PRIVATE and gallery.owner_id != by.pk:
        raise NotYours
    if visibility == gallery.visibility:
        return 0
    opens = visibility in OUTSIDE and gallery.visibility not in OUTSIDE
    widens = opens or visibility == Visibility.PUBLIC
    with transaction.atomic():
        gallery.visibility = visibility
        gallery.save(update_fields=["visibility", "updated_at"])
        audit.record(gallery.team, by, "gallery.shown", _said(gallery))
        waiting = gallery.items.filter(review=Review.WAITING)
        may_publish = allows(by, gallery.team, "publish")
        if opens and may_publish:
            waiting.exclude(artifact__finding__is_flagged=True).update(review=Review.APPROVED, reviewed_by=by, reviewed_at=timezone.now())
        elif widens and not may_publish:
            gallery.items.filter(review=Review.APPROVED).update(review=Review.WAITING)
            ask_for_review(gallery, by=by)
        return waiting.filter(artifact__deleted_at=None).count() if visibility in OUTSIDE else 0


def _said(gallery: Gallery) -> str:
    words = {
        Visibility.PRIVATE: "made a gallery private",
        Visibility.TEAM: f"shows the gallery “{gallery.name}” to the team only",
        Visibility.LINK: f"shows the gallery “{gallery.name}” to whoever has a link",
        Visibility.PUBLIC: f"made the gallery “{gallery.name}” public",
    }
    return words[Visibility(gallery.visibility)]


def review_of_additions(gallery: Gallery, by: User) -> dict[str, Any]:
    """The review of what somebody adds: approved by themselves if they may publish, else it waits."""
    if allows(by, gallery.team, "publish"):
        return {"review": Review.APPROVED, "reviewed_by": by, "reviewed_at": timezone.now()}
    return {"review": Review.WAITING}


def ask_for_review(gallery: Gallery, *, by: User) -> None:
    """Tell those who may publish that something waits, once: not again while their notice of this gallery is unread."""
    if gallery.visibility not in OUTSIDE or not gallery.items.filter(review=Review.WAITING, artifact__deleted_at=None).exists():
        return
    told = set(Notice.objects.filter(gallery=gallery, kind=REVIEW_KIND, read_at=None).values_list("user_id", flat=True))
    people = [person for person in people_who_may(gallery.team, "publish") if person.pk not in told]
    text = f"{by} wants to show pictures in “{gallery.name}” to people outside. They wait for a review."
    notify(people, team=gallery.team, actor=by, kind=REVIEW_KIND, text=text, gallery=gallery)


def tell_of_words(gallery: Gallery, *, by: User) -> None:
    """Tell those who may publish that somebody who may not changed the words of what people outside see."""
    if allows(by, gallery.team, "publish"):
        return
    text = f"{by} changed the words of “{gallery.name}”, which people outside see."
    notify(people_who_may(gallery.team, "publish"), team=gallery.team, actor=by, kind=WORDS_KIND, text=text, gallery=gallery)


# --- links ---------------------------------------------------------------------------------------------------------------


def make_link(gallery: Gallery, *, by: User, days: int | None, password: str = "", shows_prompts: bool = False) -> ShareLink:
    """A link that works for `days` (None: until it is revoked). Raises NotShared for a gallery that only the team sees."""
    if gallery.visibility not in OUTSIDE:
        raise NotShared
    with transaction.atomic():
        link = ShareLink.objects.create(
            gallery=gallery,
            created_by=by,
            expires_at=timezone.now() + timedelta(days=days) if days else None,
            password=make_password(password) if password else "",
            shows_prompts=shows_prompts,
        )
        until = f"for {days} day{'' if days == 1 else 's'}" if days else "that does not end"
        audit.record(gallery.team, by, "link.created", f"made a link to “{gallery.name}” {until}")
    return link


def revoke(link: ShareLink, *, by: User) -> bool:
    """End a link at once. False when it was revoked already."""
    with transaction.atomic():
        ended = ShareLink.objects.filter(pk=link.pk, revoked_at=None).update(revoked_at=timezone.now())
        if ended:
            audit.record(link.gallery.team, by, "link.revoked", f"took back a link to “{link.gallery.name}”")
    return bool(ended)


def token_of(link: ShareLink) -> str:
    """What stands in a link's address: its id, signed with the studio's key."""
    return _signer.sign(base64.urlsafe_b64encode(link.pk.bytes).rstrip(b"=").decode())


def link_id(token: str) -> uuid.UUID | None:
    """The id in a token; None for one that this studio did not sign."""
    try:
        return uuid.UUID(bytes=base64.urlsafe_b64decode(_signer.unsign(token) + "=="))
    except (signing.BadSignature, ValueError):
        return None


def link_url(link: ShareLink) -> str:
    """The address to send to people."""
    return f"{settings.STUDIO_URL}{reverse('shared', args=[token_of(link)])}"


def is_over(link: ShareLink) -> bool:
    """Whether its time has ended."""
    return link.expires_at is not None and link.expires_at <= timezone.now()


def public_url(gallery: Gallery) -> str:
    """Where everybody sees a public gallery."""
    return f"{settings.STUDIO_URL}{reverse('public_gallery', args=[gallery.pk])}"


def count_view(link: ShareLink) -> None:
    """Somebody outside opened the gallery."""
    ShareLink.objects.filter(pk=link.pk).update(views=F("views") + 1)


# --- reports -------------------------------------------------------------------------------------------------------------


def report(gallery: Gallery, item: GalleryItem | None, *, reason: str, text: str, email: str) -> Report:
    """Somebody outside says that a picture, or the gallery, should not be on show: those who may publish hear of it."""
    with transaction.atomic():
        artifact = item.artifact if item else None
        made = Report.objects.create(gallery=gallery, artifact=artifact, reason=reason, text=text, email=email)
        what = f"a {artifact.noun} in " if artifact else ""
        sentence = f"Somebody outside reported {what}“{gallery.name}”: {made.get_reason_display()}."
        people = people_who_may(gallery.team, "publish")
        notify(people, team=gallery.team, actor=None, kind=REPORT_KIND, text=sentence, artifact=artifact, gallery=gallery)
    return made
