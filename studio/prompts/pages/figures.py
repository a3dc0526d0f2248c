"""What came of templates: pictures made, how many of them were worth keeping, and what one of those cost."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Sum

from studio.galleries.models import GalleryItem, Mark
from studio.generation.models import Artifact, Batch, Job
from studio.prompts.models import PromptTemplateVersion


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one version: pictures delivered, those that are kept (somebody's favourite, or in a gallery), and millicredits charged."""

    made: int = 0
    kept: int = 0
    charged: int = 0

    @property
    def rate(self) -> float | None:
        """Kept of made, from 0 to 1; None before anything was made."""
        return self.kept / self.made if self.made else None

    @property
    def percent(self) -> int:
        return round(100 * (self.rate or 0))

    @property
    def each(self) -> int | None:
        """Millicredits for each picture that is kept; None while there is none."""
        return round(self.charged / self.kept) if self.kept else None


def of_versions(versions: Sequence[PromptTemplateVersion], *, batch: Batch | None = None) -> dict[uuid.UUID, Figures]:
    """Those of each of the versions, or of what a `batch` made with them; two queries.

    Made and charged are what jobs say: a picture that was deleted was made, and paid for, all the same. What was refunded is not counted.
    """
    jobs = Job.objects.filter(template_version__in=versions, **({"batch": batch} if batch else {}))
    made = jobs.values("template_version").annotate(made=Sum("delivered"), charged=Sum(F("hold__captured") - F("hold__refunded")))
    kept = _kept().filter(job__in=jobs).values("job__template_version").annotate(kept=Count("pk"))
    numbers = {row["job__template_version"]: row["kept"] for row in kept}
    found = {
        row["template_version"]: Figures(row["made"] or 0, numbers.get(row["template_version"], 0), row["charged"] or 0) for row in made
    }
    return {version.pk: found.get(version.pk, Figures()) for version in versions}


def kept_in(batch: Batch) -> set[uuid.UUID]:
    """The pictures of a batch that are kept."""
    return set(_kept().filter(job__batch=batch).values_list("pk", flat=True))


def _kept() -> QuerySet[Artifact]:
    """What is not in the trash, and somebody's favourite or in a gallery that is there."""
    loved = Mark.objects.filter(artifact=OuterRef("pk"), is_favourite=True)
    shown = GalleryItem.objects.filter(artifact=OuterRef("pk"), gallery__deleted_at=None)
    return Artifact.objects.filter(Q(Exists(loved)) | Q(Exists(shown)), deleted_at=None)
