"""What those who may publish decide: which pictures people outside see, and what becomes of a report."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts import audit
from accounts.models import Team, User
from studio.galleries.errors import Handled, NoReason
from studio.galleries.models import Gallery, GalleryItem, Report, Review, Visibility
from studio.galleries.notices import notify
from studio.galleries.publishing import DECISION_KIND
from studio.galleries.shelf import OUTSIDE

REASON_LENGTH = 300


def approve(items: Sequence[GalleryItem], *, by: User) -> int:
    """Let people outside see these; returns how many could not be seen before. Who added them hears of it."""
    return _decide(items, Review.APPROVED, "", by=by)


def reject(items: Sequence[GalleryItem], *, reason: str, by: User) -> int:
    """Keep these from people outside, or take them off; returns how many changed. Raises NoReason."""
    reason = " ".join(reason.split())[:REASON_LENGTH]
    if not reason:
        raise NoReason
    return _decide(items, Review.REJECTED, reason, by=by)


def _decide(items: Sequence[GalleryItem], review: Review, reason: str, *, by: User) -> int:
    decided = 0
    with transaction.atomic():
        for gallery, among in _by_gallery(items):
            fields = {"review": review, "reason": reason, "reviewed_by": by, "reviewed_at": timezone.now()}
            changing = GalleryItem.objects.select_for_update(of=("self",)).filter(pk__in=[item.pk for item in among]).exclude(review=review)
            changed = list(changing.select_related("artifact", "added_by"))
            GalleryItem.objects.filter(pk__in=[item.pk for item in changed]).update(**fields)
            if changed:
                decided += len(changed)
                _tell(gallery, changed, review, reason, by=by)
    return decided


def _by_gallery(items: Iterable[GalleryItem]) -> list[tuple[Gallery, list[GalleryItem]]]:
    groups: dict[object, tuple[Gallery, list[GalleryItem]]] = {}
    for item in items:
        groups.setdefault(item.gallery_id, (item.gallery, []))[1].append(item)
    return list(groups.values())


def _tell(gallery: Gallery, items: Sequence[GalleryItem], review: Review, reason: str, *, by: User) -> None:
    """A line in the team's log, and a notice for each who added some and is still in the team."""
    verb = "approved" if review == Review.APPROVED else "rejected"
    because = f": {reason}" if reason else ""
    audit.record(gallery.team, by, f"review.{verb}", f"{verb} {_number(items)} in “{gallery.name}”{because}")
    members = set(gallery.team.memberships.values_list("user_id", flat=True))
    by_person: dict[User, list[GalleryItem]] = {}
    for item in items:
        if item.added_by and item.added_by_id in members:
            by_person.setdefault(item.added_by, []).append(item)
    for person, theirs in by_person.items():
        end = "People outside see it now." if len(theirs) == 1 else "People outside see them now."
        words = f"{by} {verb} {_number(theirs)} of yours in “{gallery.name}”{because or f'. {end}'}"
        one = theirs[0].artifact if len(theirs) == 1 else None
        notify([person], team=gallery.team, actor=by, kind=DECISION_KIND, text=words, artifact=one, gallery=gallery)


def _number(items: Sequence[GalleryItem]) -> str:
    nouns = {item.artifact.noun for item in items}
    noun = nouns.pop() if len(nouns) == 1 else "item"
    return f"a {noun}" if len(items) == 1 else f"{len(items)} {noun}s"


def open_reports(team: Team) -> list[Report]:
    """What nobody has handled yet, oldest first."""
    return list(_reports(team).filter(handled_at=None).order_by("created_at", "pk"))


def handled_reports(team: Team, limit: int = 10) -> list[Report]:
    """What was handled last, with its outcome."""
    return list(_reports(team).exclude(handled_at=None).order_by("-handled_at")[:limit])


def _reports(team: Team) -> QuerySet[Report]:
    return Report.objects.filter(gallery__team=team).select_related("gallery", "artifact", "handled_by")


def take_down(report: Report, *, words: str = "", by: User) -> None:
    """What was reported leaves the sight of people outside: the picture wherever it is shown, or the whole gallery. Raises Handled."""
    with transaction.atomic():
        gallery = report.gallery
        if report.artifact_id:
            places = GalleryItem.objects.filter(artifact=report.artifact_id).exclude(review=Review.REJECTED)
            outside = list(places.filter(gallery__in=_on_show()).select_related("gallery__team", "artifact").order_by("gallery__id"))
            others = len({item.gallery_id for item in outside} - {gallery.pk})
            where = f", off {others} other galler{'y' if others == 1 else 'ies'} too" if others else ""
            _handle(report, "Taken down", words, by=by, where=where)
            reason = words or f"Reported: {report.get_reason_display().lower()}."
            reject(outside, reason=reason, by=by)
            # What the team alone sees today may be shown tomorrow. The log is not told of it: galleries of one person are among them.
            places.update(review=Review.REJECTED, reason=reason[:REASON_LENGTH], reviewed_by=by, reviewed_at=timezone.now())
        else:
            _handle(report, "Taken down", words, by=by)
            Gallery.objects.filter(pk=gallery.pk, visibility__in=OUTSIDE).update(visibility=Visibility.TEAM)
        _tell_owner(report, words, by=by)


def _tell_owner(report: Report, words: str, *, by: User) -> None:
    """Whoever owns the gallery hears what was taken down from it; not once more of a picture of their own adding, which `_tell` told."""
    gallery, picture = report.gallery, report.artifact
    owner = User.objects.filter(galleries=gallery.pk, memberships__team=gallery.team_id).first()
    if owner is None or (picture and GalleryItem.objects.filter(gallery=gallery, artifact=picture, added_by=owner).exists()):
        return
    what = f"took a {picture.noun} down from “{gallery.name}”" if picture else f"took “{gallery.name}” down"
    because = " ".join(words.split()) or ("" if picture else "only the team sees it now.")
    text = f"{by} {what} after a report{f': {because}' if because else '.'}"
    notify([owner], team=gallery.team, actor=by, kind=DECISION_KIND, text=text, artifact=picture, gallery=gallery)


def _on_show() -> QuerySet[Gallery]:
    return Gallery.objects.filter(visibility__in=OUTSIDE, deleted_at=None)


def dismiss(report: Report, *, words: str = "", by: User) -> None:
    """It may stay. Raises Handled."""
    with transaction.atomic():
        _handle(report, "Dismissed", words, by=by)


def _handle(report: Report, outcome: str, words: str, *, by: User, where: str = "") -> None:
    words = " ".join(words.split())
    said = f"{outcome}. {words}"[:REASON_LENGTH].strip() if words else f"{outcome}."
    mine = Report.objects.filter(pk=report.pk, handled_at=None)
    if not mine.update(handled_at=timezone.now(), handled_by=by, outcome=said):
        raise Handled
    audit.record(report.gallery.team, by, "report.handled", f"handled a report on “{report.gallery.name}”{where}: {said}")
