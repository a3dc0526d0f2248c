"""The templates that somebody has to choose from, and what the list is narrowed by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.db.models import F, IntegerField, Max, OuterRef, Subquery, Sum, UUIDField
from django.db.models.functions import Coalesce

from accounts.models import Team, User
from studio.generation.models import Artifact, Job
from studio.prompts.models import PromptTemplate, PromptTemplateVersion
from studio.prompts.querysets import PromptTemplateQuerySet

VIEWS = {"": "All", "favourites": "Favourites", "recent": "Recently used", "mine": "Mine", "archived": "Archived"}
PAGE = 48
MOST_TAGS = 24


@dataclass(frozen=True, slots=True)
class Criteria:
    """What an address asks for; whatever makes no sense in it is left out."""

    view: str = ""
    text: str = ""
    tag: str = ""
    page: int = 1

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Criteria:
        view, page = query.get("show", ""), query.get("page", "")
        text = " ".join(query.get("q", "").replace("\0", "").split())[:120]
        return cls(
            view if view in VIEWS else "",
            text,
            query.get("tag", "").replace("\0", "").strip().casefold()[:60],
            max(1, int(page)) if page.isascii() and page.isdigit() and len(page) < 6 else 1,
        )

    def address(self, **changed: str | int) -> str:
        """The query of these criteria with others in them; a page of its own only where it is named."""
        values = {"show": self.view, "q": self.text, "tag": self.tag, **changed}
        return "?" + urlencode({name: value for name, value in values.items() if value})

    @property
    def narrows(self) -> bool:
        return bool(self.text or self.tag)


def templates_for(user: User, team: Team, criteria: Criteria) -> PromptTemplateQuerySet:
    """Those that the person sees, each with `is_favorite`, `newest` (its newest version's number) and `pictures` (how many were made)."""
    found = (
        PromptTemplate.objects.visible_to(user).of_team(team).search(criteria.text).marked_for(user).select_related("author", "published")
    )
    found = found.filter(archived_at__isnull=criteria.view != "archived")
    if criteria.tag:
        found = found.tagged(criteria.tag)
    if criteria.view == "favourites":
        found = found.filter(favorites__user=user)
    elif criteria.view == "mine":
        found = found.filter(author=user)
    if criteria.view == "recent":
        jobs = Job.objects.filter(user=user, template_version__template=OuterRef("pk")).order_by("-id").values("id")[:1]
        found = found.annotate(used=Subquery(jobs, output_field=UUIDField())).filter(used__isnull=False).order_by("-used")
    else:
        found = found.order_by(F("is_favorite").desc(), "-changed_at", "-id")
    return found.annotate(newest=_newest(), pictures=_pictures())


def show_pictures(cards: Sequence[PromptTemplate], team: Team) -> None:
    """Give those without a cover `picture_id`, the newest picture made with each that everybody in the team sees; None where there is none.

    One query. Sorted by the job, so that it is looked for among a template's own and not through all pictures of the team.
    """
    bare = [card.pk for card in cards if not card.cover]
    made = Artifact.objects.visible().of_team(team).filter(job__template_version__template=OuterRef("pk"), mime__startswith="image/")
    newest = Subquery(made.order_by("-job__created_at", "-id").values("id")[:1], output_field=UUIDField())
    found = dict(PromptTemplate.objects.filter(pk__in=bare).values_list("pk", newest)) if bare else {}
    for card in cards:
        card.picture_id = found.get(card.pk)  # type: ignore[attr-defined]


def tags_of(user: User, team: Team, criteria: Criteria) -> list[tuple[str, int]]:
    """The tags of what the person sees in this view, those of most templates first, with how many."""
    shown = PromptTemplate.objects.visible_to(user).of_team(team).filter(archived_at__isnull=criteria.view != "archived")
    counted = Counter(tag for tags in shown.values_list("tags", flat=True) for tag in tags)
    most = sorted(counted.items(), key=lambda one: (-one[1], one[0]))[:MOST_TAGS]
    return most if not criteria.tag or criteria.tag in dict(most) else [(criteria.tag, counted[criteria.tag]), *most]


def _newest() -> Subquery:
    versions = PromptTemplateVersion.objects.filter(template=OuterRef("pk")).order_by().values("template")
    return Subquery(versions.annotate(newest=Max("number")).values("newest"), output_field=IntegerField())


def _pictures() -> Coalesce:
    jobs = Job.objects.filter(template_version__template=OuterRef("pk")).order_by().values("template_version__template")
    return Coalesce(Subquery(jobs.annotate(made=Sum("delivered")).values("made"), output_field=IntegerField()), 0)
