"""What the page of a picture, model or sound says about it: how it was made, what it cost, where it comes from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Sum
from django.template.defaultfilters import filesizeformat
from django.utils import timezone

from billing.models import LedgerEntry
from studio.backends.base import Mode
from studio.galleries.library import heading
from studio.generation.models import Artifact, Job

ANCESTORS, CHILDREN = 8, 12
"""How many generations up and how many children a picture's tree shows."""

_LABELS = {
    "num_inference_steps": "Steps",
    "guidance_scale": "Guidance",
    "scheduler": "Sampler",
    "strength": "Strength",
}
_WORDS = {"dtype": "Precision", "torch": "PyTorch", "pictures_in_run": "Pictures in this run"}
_KEPT_APART = {"peaks", "triangles", "vertices"}
"""What `info` has that is shown elsewhere."""
_FORMATS = {"model/gltf-binary": "GLB", "audio/mpeg": "MP3", "audio/wav": "WAV"}
_TOLD = {"num_inference_steps": "steps", "scheduler": "scheduler"}
"""What a backend says in `info` of a setting that the request left to it; such a setting is no technical detail."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of the list; `copy` is the plain value when it is worth copying."""

    label: str
    value: str
    copy: str = ""


def parameters(artifact: Artifact) -> list[Fact]:
    """Size, seed and every setting of the request that was set, under the names that people know."""
    request = artifact.request
    facts = [Fact({"image": "Size", "model": "Mesh", "audio": "Length"}[artifact.kind], measure(artifact))]
    if artifact.seed is not None:
        facts.append(Fact("Seed", str(artifact.seed), copy=str(artifact.seed)))
    for name, label in _LABELS.items():
        value = request.get(name)
        if value in (None, ""):
            value = artifact.info.get(_TOLD.get(name, ""))
        if value not in (None, ""):
            facts.append(Fact(label, _plain(value)))
    extra = {name: value for name, value in (request.get("extra") or {}).items() if not (name == "duration" and artifact.seconds)}
    facts += [Fact(_titled(name), _plain(value)) for name, value in extra.items() if value not in (None, "")]
    return facts


def measure(artifact: Artifact) -> str:
    """How large it is: `512 × 512` pixels, `12,345 triangles`, `1:30`."""
    if artifact.kind == "audio":
        return artifact.length
    if artifact.kind == "model":
        return f"{artifact.info.get('triangles', 0):,} triangles"
    return f"{artifact.width} × {artifact.height}"


def technical(artifact: Artifact) -> list[Fact]:
    """The file, and what the backend said of its machine and versions."""
    kind = _FORMATS.get(artifact.mime) or artifact.mime.removeprefix("image/").upper()
    facts = [Fact("File", f"{kind}, {filesizeformat(artifact.bytes)}")]
    hidden = {*_TOLD.values(), *_KEPT_APART}
    told = {name: value for name, value in artifact.info.items() if name not in hidden and value not in (None, "", [], {})}
    facts += [Fact(_titled(name), _plain(value)) for name, value in told.items()]
    facts.append(Fact("SHA-256", f"{artifact.sha256[:16]}…", copy=artifact.sha256))
    facts.append(Fact("Id", str(artifact.id), copy=str(artifact.id)))
    return facts


def moment(then: datetime) -> str:
    """A point in time as people say it: "today at 14:22"."""
    local = timezone.localtime(then)
    day = heading(local.date(), timezone.localdate())
    return f"{day.lower() if day in ('Today', 'Yesterday') else day} at {local:%H:%M}"


def duration(job: Job | None) -> str:
    """How long the engine worked on the job, all its pictures together; empty when that is not known."""
    if not (job and job.started_at and job.finished_at):
        return ""
    seconds = max(0.0, (job.finished_at - job.started_at).total_seconds())
    return f"{seconds:.1f} s" if seconds < 60 else f"{seconds // 60:.0f} min {seconds % 60:.0f} s"


def _titled(name: str) -> str:
    return _WORDS.get(name, name.replace("_", " ").capitalize())


def _plain(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, dict):
        return ", ".join(f"{name} {_plain(one)}" for name, one in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(_plain(one) for one in value)
    return str(value)


@dataclass(frozen=True, slots=True)
class Cost:
    """What a picture and the job it came from cost, in millicredits, and why."""

    charged: int
    lines: Sequence[Any]
    price_version: str
    pictures: int
    held: int
    captured: int
    released: int
    refunded: int


def cost(artifact: Artifact) -> Cost | None:
    """None for what came from outside, and cost nothing."""
    if artifact.job is None:
        return None
    hold, price = artifact.job.hold, artifact.job.price
    refunded = hold.entries.filter(kind=LedgerEntry.Kind.REFUND).aggregate(total=Sum("amount"))["total"] or 0
    return Cost(artifact.charged, price.lines, price.price_version, price.num_images, hold.amount, hold.captured, hold.released, refunded)


@dataclass(frozen=True, slots=True)
class Relative:
    """A picture of the tree. `is_trashed`: it is in the trash, so it is named but not shown."""

    artifact: Artifact
    label: str
    detail: str
    is_current: bool = False
    is_trashed: bool = False


_MADE = {
    Mode.TEXT_TO_IMAGE: "New settings",
    Mode.IMAGE_TO_IMAGE: "From this picture",
    Mode.INPAINTING: "Edited region",
    Mode.UPSCALING: "Upscaled",
    Mode.IMAGE_TO_3D: "In 3D",
    Mode.AUDIO_TO_AUDIO: "From this sound",
}


def lineage(artifact: Artifact) -> list[Relative]:
    """From the first idea through this picture to what was made of it; empty when there is nothing before or after."""
    ancestors = _ancestors(artifact)
    children = list(
        Artifact.objects.filter(job__parent=artifact, team=artifact.team_id).visible().select_related("job").order_by("id")[:CHILDREN]
    )
    if not ancestors and not children:
        return []
    tree = [_relative(one, before) for before, one in zip([None, *ancestors], ancestors, strict=False)]
    tree.append(Relative(artifact, f"This {artifact.noun}", _change(artifact, ancestors[-1] if ancestors else None), is_current=True))
    return tree + [_relative(child, artifact) for child in children]


def _ancestors(artifact: Artifact) -> list[Artifact]:
    found: list[Artifact] = []
    seen = {artifact.id}
    job = artifact.job
    while job and job.parent_id and len(found) < ANCESTORS and job.parent_id not in seen:
        parent = Artifact.objects.filter(pk=job.parent_id, team=artifact.team_id).select_related("job").first()
        if parent is None:
            break
        found.append(parent)
        seen.add(parent.id)
        job = parent.job
    return found[::-1]


def _relative(artifact: Artifact, before: Artifact | None) -> Relative:
    label = _MADE.get(mode := Mode(artifact.mode), mode.label) if before else "First idea"
    return Relative(artifact, label, _change(artifact, before), is_trashed=artifact.deleted_at is not None)


def _change(artifact: Artifact, before: Artifact | None) -> str:
    """In a few words what is different from the picture before; for the first one its prompt."""
    if before is None or artifact.prompt != before.prompt:
        return artifact.prompt or artifact.engine_label
    if artifact.engine != before.engine:
        return artifact.engine_label
    if artifact.seed != before.seed:
        return f"seed {artifact.seed}"
    return measure(artifact)
