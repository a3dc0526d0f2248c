"""How pictures leave a team: who has to look at them before."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from accounts.access import allows, people_who_may
from accounts.models import User
from studio.galleries.models import Gallery, Notice, Review
from studio.galleries.notices import notify
from studio.galleries.shelf import OUTSIDE


def review_of_additions(gallery: Gallery, by: User) -> dict[str, Any]:
    """The review of what somebody adds: approved by themselves if they may publish, else it waits."""
    if allows(by, gallery.team, "publish"):
        return {"review": Review.APPROVED, "reviewed_by": by, "reviewed_at": timezone.now()}
    return {"review": Review.WAITING}


def ask_for_review(gallery: Gallery, *, by: User) -> None:
    """Tell those who may publish that something waits, once: not again while their notice of this gallery is unread."""
    if gallery.visibility not in OUTSIDE or not gallery.items.filter(review=Review.WAITING, artifact__deleted_at=None).exists():
        return
    told = set(Notice.objects.filter(gallery=gallery, kind="review", read_at=None).values_list("user_id", flat=True))
    people = [person for person in people_who_may(gallery.team, "publish") if person.pk not in told]
    text = f"{by} wants to show pictures in “{gallery.name}” to people outside. They wait for a review."
    notify(people, team=gallery.team, actor=by, kind="review", text=text, gallery=gallery)


def tell_of_words(gallery: Gallery, *, by: User) -> None:
    """Tell those who may publish that somebody who may not changed the words of what people outside see."""
    if allows(by, gallery.team, "publish"):
        return
    text = f"{by} changed the words of “{gallery.name}”, which people outside see."
    notify(people_who_may(gallery.team, "publish"), team=gallery.team, actor=by, kind="gallery", text=text, gallery=gallery)
