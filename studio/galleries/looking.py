"""The image classifier's look at what is about to leave a team: it holds back, people decide.

With a classifier set up nothing is shown outside before it was looked at; what it flags waits for a review, whoever added it.
"""

from __future__ import annotations

import structlog
from django.db import transaction
from django.db.models import F, Q, QuerySet

from accounts.access import people_who_may
from studio.backends.errors import BackendError
from studio.galleries.models import GalleryItem, Review
from studio.galleries.notices import notify
from studio.galleries.publishing import REVIEW_KIND
from studio.galleries.shelf import OUTSIDE
from studio.generation.models import Artifact
from studio.moderation import pictures
from studio.moderation.models import Finding

log = structlog.get_logger(__name__)

AT_ONCE = 50
"""Pictures in one look; more follow in the next."""


def not_looked_at() -> QuerySet[Artifact]:
    """What is in a gallery for people outside, and was not looked at, oldest first."""
    shown = GalleryItem.objects.filter(gallery__visibility__in=OUTSIDE, gallery__deleted_at=None, gallery__team__deleted_at=None)
    wanted = shown.exclude(review=Review.REJECTED).values("artifact")
    return Artifact.objects.visible().filter(pk__in=wanted, finding=None).order_by("pk")


def look() -> int:
    """Look at what waits, and hold back what is flagged; returns how many were looked at. For the local runner's process."""
    if not pictures.is_on():
        return 0
    looked = 0
    for artifact in not_looked_at().iterator():
        try:
            finding = pictures.look_at(artifact)
        except (BackendError, OSError) as error:
            # It stays unseen from outside: a person can still not approve what nobody has looked at.
            log.warning("picture_not_looked_at", artifact=str(artifact.pk), reason=type(error).__name__)
            if isinstance(error, BackendError | ConnectionError | TimeoutError | PermissionError):
                break  # it is the model that cannot be used, or the storage: for none of them
            continue
        looked += 1
        if finding.is_flagged:
            hold_back(finding)
        if looked == AT_ONCE:
            break
    return looked


def hold_back(finding: Finding) -> None:
    """What somebody approved by adding it has to be looked at by a person; what a person approved in the review stays.

    So in every gallery, for one that is the team's today may be shown tomorrow; but only those that are shown are told of.
    """
    with transaction.atomic():
        items = GalleryItem.objects.filter(artifact=finding.artifact, review=Review.APPROVED)
        held = list(items.filter(Q(reviewed_by=None) | Q(reviewed_by=F("added_by"))).select_related("gallery__team"))
        GalleryItem.objects.filter(pk__in=[item.pk for item in held]).update(review=Review.WAITING, reviewed_by=None, reviewed_at=None)
        for gallery in (item.gallery for item in held if item.gallery.visibility in OUTSIDE):
            text = f"The classifier flagged something in “{gallery.name}” ({finding.words}). It waits for a review."
            people = people_who_may(gallery.team, "publish")
            notify(people, team=gallery.team, actor=None, kind=REVIEW_KIND, text=text, artifact=finding.artifact, gallery=gallery)
