"""The only door to rows of this room: whoever is not a member of the team that owns a row gets 404."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from django.http import Http404

from accounts.access import Right, require
from accounts.models import User
from studio.generation.models import Artifact, Batch, InputFile, Job


def job_for(user: User, job_id: uuid.UUID, right: Right = "see") -> Job:
    """Raises Http404 for a stranger, PermissionDenied for a member without the right."""
    job = Job.objects.visible_to(user).with_pictures().select_related("team").filter(pk=job_id).first()
    if job is None:
        raise Http404
    require(user, job.team, right)
    return job


def batch_for(user: User, batch_id: uuid.UUID, right: Right = "see") -> Batch:
    """Raises like `job_for`."""
    batch = Batch.objects.visible_to(user).shown().filter(pk=batch_id).first()
    if batch is None:
        raise Http404
    require(user, batch.team, right)
    return batch


def artifact_for(user: User, artifact_id: uuid.UUID, right: Right = "see", *, in_trash: bool = False) -> Artifact:
    """Raises like `job_for`; a picture in the trash is found only when asked for."""
    pictures = Artifact.objects.visible_to(user).select_related("job", "team", "user")
    artifact = (pictures if in_trash else pictures.visible()).filter(pk=artifact_id).first()
    if artifact is None:
        raise Http404
    require(user, artifact.team, right)
    return artifact


def artifacts_for(user: User, ids: Sequence[uuid.UUID], right: Right = "see", *, in_trash: bool = False) -> list[Artifact]:
    """Several of one team in the order of `ids`, or none: raises like `artifact_for` when one of them would, Http404 for several teams."""
    pictures = Artifact.objects.visible_to(user).select_related("team", "user")
    rows = (pictures if in_trash else pictures.visible()).in_bulk(ids)
    if not rows or len(rows) < len(set(ids)) or len({row.team_id for row in rows.values()}) > 1:
        raise Http404
    found = [rows[one] for one in dict.fromkeys(ids)]
    require(user, found[0].team, right)
    return found


def input_for(user: User, input_id: uuid.UUID) -> InputFile:
    """Raises Http404 for a stranger."""
    image = InputFile.objects.visible_to(user).filter(pk=input_id).first()
    if image is None:
        raise Http404
    return image
