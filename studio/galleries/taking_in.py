"""Pictures, models and sounds that were made elsewhere come into the library. No job made them, so nothing is charged."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from accounts import audit
from accounts.models import ApiKey, Team, User
from studio.generation import files, usage
from studio.generation.metadata import Record
from studio.generation.models import Artifact
from studio.generation.outside import Found, look_at
from studio.ids import uuid7
from studio.live import events

UPLOADED = "Uploaded"
"""What stands for the engine of a file that does not say what made it."""
NAME_LENGTH = 120


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a file; not `is_new`: the team has the same one already, and this is it."""

    artifact: Artifact
    is_new: bool


def take_in(data: bytes, *, name: str, team: Team, user: User, api_key: ApiKey | None = None) -> Taken:
    """Put a file into a team's library; the same one twice is one. `api_key` is what a program brings it with.

    Raises `UnusableFile` with a sentence that says what is wrong and what to do, `PlanLimit`, `StorageFull`, OSError. Then nothing
    is left behind.
    """
    found = look_at(data)
    artifact = _artifact(found, name, team, user)
    artifact.api_key = api_key
    if same := _same(artifact):
        return Taken(same, is_new=False)
    usage.require_storage(team, artifact.bytes)  # before anything is written, and once more when nobody else can write
    all_said = False
    try:
        files.save_artifact(artifact.id, found.mime, found.data, found.result.variants.files)
        with transaction.atomic():
            Team.objects.select_for_update().get(pk=team.pk)  # two uploads of one file come one after the other
            same = _same(artifact)
            if same is None:
                usage.require_storage(team, artifact.bytes)
                artifact.save(force_insert=True)
                audit.count(team, user, "pictures.uploaded", "uploaded files into the library: {}")
                transaction.on_commit(lambda: events.pictures_changed(team.pk, [artifact.pk]))
            all_said = True
    except BaseException:
        # A commit whose answer was lost may have happened: then the files stay, and `prune_files` removes them should no row own them.
        if not all_said:
            _discard(artifact)
        raise
    if same:
        _discard(artifact)
    return Taken(same or artifact, is_new=same is None)


def _artifact(found: Found, name: str, team: Team, user: User) -> Artifact:
    record, result = found.record, found.result
    made: Mapping[str, Any] = record.settings if record else {}
    told = {"settings": dict(made)} if made else {}
    seed = made.get("seed")
    return Artifact(
        id=uuid7(),
        team=team,
        user=user,
        engine_label=record.tool if record else UPLOADED,
        prompt=made.get("prompt", ""),
        seed=seed if isinstance(seed, int) and abs(seed) < 2**63 else None,
        mime=found.mime,
        width=result.width,
        height=result.height,
        seconds=result.seconds,
        bytes=len(found.data),
        sha256=hashlib.sha256(found.data).hexdigest(),
        thumbhash=result.variants.thumbhash,
        info={**result.info, **told, "source": _source(record, name)},
    )


def _source(record: Record | None, name: str) -> dict[str, Any]:
    """Where a file comes from, in words: its own name and, where it says so, what made it."""
    plain = "".join(c if c.isprintable() else " " for c in name).encode("utf-8", "replace").decode()
    source: dict[str, Any] = {"name": plain.replace("\\", "/").rpartition("/")[2].strip()[:NAME_LENGTH]}
    if record:
        others = {"Model": record.model, "Sampler": record.sampler, **dict(record.others)}
        source |= {"tool": record.tool, "said": {label: value for label, value in others.items() if value}}
    return source


def _same(artifact: Artifact) -> Artifact | None:
    return Artifact.objects.of_team(artifact.team).visible().filter(sha256=artifact.sha256).order_by("id").first()


def _discard(artifact: Artifact) -> None:
    """Remove the files of a row that will never be; what is left after an error here is pruned later."""
    files.delete_artifacts([artifact.id])
