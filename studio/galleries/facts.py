"""What the page of a picture, model or sound says about it: how it was made, and what it cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Sum
from django.template.defaultfilters import filesizeformat
from django.utils import timezone

from accounts.models import User
from billing.models import LedgerEntry
from studio.galleries.library import heading
from studio.generation.models import Artifact, Job

_LABELS = {
    "num_inference_steps": "Steps",
    "guidance_scale": "Guidance",
    "scheduler": "Sampler",
    "strength": "Strength",
}
_WORDS = {"dtype": "Precision", "torch": "PyTorch", "pictures_in_run": "Pictures in this run"}
_KEPT_APART = {"peaks", "triangles", "vertices", "settings", "source", "batch", "sheet"}
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
    given = request.get("extra")
    if not isinstance(given, dict):  # a file from outside may say anything of itself
        given = {}
    extra = {name: value for name, value in given.items() if not (name == "duration" and artifact.seconds)}
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
    facts += [Fact(_titled(name), _plain(value)) for name, value in told.items()] + _from_outside(artifact)
    facts.append(Fact("SHA-256", f"{artifact.sha256[:16]}…", copy=artifact.sha256))
    facts.append(Fact("Id", str(artifact.id), copy=str(artifact.id)))
    return facts


@dataclass(frozen=True, slots=True)
class Written:
    """The version of a template that a picture was written with, and what was filled in."""

    name: str
    template_id: UUID
    number: int
    values: list[Fact]


def written(artifact: Artifact, user: User) -> Written | None:
    """None for what was written without a template, with one that is gone, or with one that somebody keeps from `user`."""
    job = artifact.job
    version = job.template_version if job else None
    if job is None or version is None or version.template.is_kept_from(user):
        return None
    told = job.template_values or {}
    labels = {field["name"]: field.get("label") or _titled(field["name"]) for field in version.content.get("fields", [])}
    words = _words(version.content, told.get("sections") or {})
    filled = {name: value for name, value in told.get("fields", {}).items() if value not in (None, "", []) and f"{{{name}}}" in words}
    # In the order of the template: a database may keep the keys of an object in another.
    values = [Fact(label, _plain(filled[name])) for name, label in labels.items() if name in filled]
    return Written(version.template.name, version.template_id, version.number, values)


def _words(content: Mapping[str, Any], reworded: Mapping[str, str]) -> str:
    """All that the sections of a template said for a picture, in the words of whoever `reworded` them."""
    sections = [*content.get("sections", []), {"name": "negative", **content.get("negative", {})}]
    return "\n".join(reworded.get(section["name"], section.get("text", "")) for section in sections)


def name_outside(artifact: Artifact) -> str:
    """How a file was called where it comes from; empty for what was made here."""
    return str((artifact.info.get("source") or {}).get("name") or "")


def _from_outside(artifact: Artifact) -> list[Fact]:
    """What a file that somebody brought says of itself that is no setting here."""
    source = artifact.info.get("source") or {}
    told = {"Written by": source.get("tool"), **(source.get("said") or {})}
    return [Fact(label, str(value)) for label, value in told.items() if value]


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
    if isinstance(value, bool):
        return "Yes" if value else "No"
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
