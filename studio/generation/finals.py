"""A preview and its final are one thing, made in two steps: cheaply first, and as it was meant once somebody has seen it.

The preview's job keeps what was meant (`Job.intended`); the final's job names the preview (`Job.final_of`).
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings

from studio.backends.base import Engine, GenerationRequest, Quote
from studio.generation.fitting import USABLE, fit, parameter
from studio.generation.models import Artifact, InputFile, Job
from studio.generation.reuse import fingerprint, same

FEW_STEPS = 8
"""Steps of a preview by the same engine, or half of those that were asked for where that is less."""


@dataclass(frozen=True, slots=True)
class Way:
    """How something is tried before it is made: by which engine, with which request, at which price."""

    engine: Engine
    request: GenerationRequest
    quote: Quote

    @property
    def words(self) -> str:
        """What is different from what will be made."""
        if self.request.num_inference_steps and self.is_same_engine:
            return f"{self.request.num_inference_steps} steps"
        return f"with {self.engine.label}"

    is_same_engine: bool = False


def cheaper(
    request: GenerationRequest, engine: Engine, engines: Sequence[Engine], files: Mapping[str, InputFile], held: Container[str] = ()
) -> Way | None:
    """The cheapest way to try a request first: the same engine with few steps, or one of `settings.PREVIEW_ENGINES`.

    None where no way costs less, nor takes less time on this machine at the same price. `held` are settings that a template lets nobody
    change: a preview changes them no more than anybody else does.
    """
    full = engine.quote(request).amount
    few = None if "num_inference_steps" in held else _few_steps(request, engine, full)
    found = [way for way in (few, *_other_engines(request, engine, engines, files, full)) if way]
    return min(found, key=lambda way: way.quote.amount) if found else None


def _few_steps(request: GenerationRequest, engine: Engine, full: int) -> Way | None:
    rules = parameter(engine, request, "num_inference_steps")
    steps = request.num_inference_steps or (rules.default if rules else None)
    if rules is None or not steps or engine.state not in USABLE:
        return None
    few = max(int(rules.minimum or 1), min(FEW_STEPS, steps // 2))
    if few >= steps:
        return None
    tried = replace(request, num_inference_steps=few)
    quote = engine.quote(tried)
    return Way(engine, tried, quote, is_same_engine=True) if quote.amount < full or (engine.local and quote.amount == full) else None


def _other_engines(
    request: GenerationRequest, engine: Engine, engines: Sequence[Engine], files: Mapping[str, InputFile], full: int
) -> list[Way]:
    by_id = {one.id: one for one in engines if one.id != engine.id}
    found = []
    for other in filter(None, (by_id.get(name) for name in settings.PREVIEW_ENGINES)):
        tried = fit(request, engine, other, files)
        if tried and (quote := other.quote(tried)).amount < full:
            found.append(Way(other, tried, quote))
    return found


# --- the final --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Change:
    label: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Offer:
    """What "Make final" would do with a preview: `made` is its final, under way or there, or the same picture that the team `has` from
    elsewhere; else `request`, by which engine and for how much, or the `problem` that keeps it from being made."""

    preview: Artifact
    made: Job | None = None
    engine: Engine | None = None
    request: GenerationRequest | None = None
    quote: Quote | None = None
    changes: Sequence[Change] = ()
    problem: str = ""
    has: bool = False


def request_for(preview: Artifact) -> GenerationRequest | None:
    """What the final of a preview is asked with: what was meant, one result, from the preview's own seed. None for what is no preview."""
    job = preview.job
    if job is None or not job.intended:
        return None
    meant = GenerationRequest.from_json(job.intended)
    return replace(meant, num_images=1, seed=meant.seed if preview.seed is None else preview.seed)


def offer(preview: Artifact, engines: Sequence[Engine]) -> Offer | None:
    """None for what is no preview. `engines` are at today's prices."""
    request, job = request_for(preview), preview.job
    if request is None or job is None:
        return None
    made = Job.objects.finals_of(preview).standing().first()
    if made:
        return Offer(preview, made=made)
    engine = next((one for one in engines if one.id == request.engine and one.supports(request.mode)), None)
    if engine is None:
        return Offer(preview, problem="The engine that this was meant for is not available any more. Use all its settings with another.")
    if None in job.given.values():
        return Offer(preview, problem="A file that this starts from is gone. Use all its settings, and choose it again.")
    known = same(preview.team, fingerprint(request, engine, {name: file.sha256 for name, file in job.given.items() if file}))
    if known and known.status == Job.Status.SUCCEEDED and known.pk != job.pk:
        return Offer(preview, made=known, has=True)
    quote = engine.quote(request)
    return Offer(preview, None, engine, request, quote, _changes(job, request, engine))


def _changes(job: Job, request: GenerationRequest, engine: Engine) -> list[Change]:
    """Every setting that is not the same, from what the preview was made with to what the final will be."""
    before, after = _settings(job.request, job.engine_label), _settings(request.to_json(), engine.label)
    labels = {parameter.name: parameter.label for parameter in engine.parameters} | _LABELS
    return [
        Change(labels.get(name, name.replace("_", " ").capitalize()), before.get(name, "–"), after.get(name, "–"))
        for name in dict.fromkeys([*after, *before])
        if before.get(name) != after.get(name)
    ]


_LABELS = {"engine": "Engine", "size": "Size", "num_inference_steps": "Steps", "guidance_scale": "Guidance", "scheduler": "Sampler"}
_SAME = {"mode", "prompt", "seed", "num_images", "width", "height", "extra", "engine"}
"""What a final keeps, or what is told another way."""


def _settings(request: Mapping[str, Any], engine_label: str) -> dict[str, str]:
    told: dict[str, Any] = {"engine": engine_label}
    if request.get("width") and request.get("height"):
        told["size"] = f"{request['width']} × {request['height']}"
    told |= {name: value for name, value in request.items() if name not in _SAME}
    told |= request.get("extra") or {}
    return {name: str(value) for name, value in told.items() if value not in (None, "")}
