"""What a request and its end are called in the wallet and on its card."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from billing.credits import credits, noun
from studio.backends import registry
from studio.backends.base import Engine, GenerationRequest
from studio.generation.models import Job
from studio.pricing.prices import priced


def describe(request: GenerationRequest, engine: Engine) -> str:
    """In plain words: `4 pictures, Storybook, 512×512, 20 steps`; `1 track, Stable Audio 2`."""
    noun_of_one = engine.price.noun
    parts = [f"{request.num_images} {noun_of_one if request.num_images == 1 else noun_of_one + 's'}", engine.label]
    if request.width and request.height:
        parts.append(f"{request.width}×{request.height}")
    if request.num_inference_steps:
        parts.append(f"{request.num_inference_steps} {'step' if request.num_inference_steps == 1 else 'steps'}")
    return ", ".join(parts)


def outcomes(holds: Collection[int]) -> Iterator[tuple[int, str]]:
    """Of which hold (its id) the work ended how, where not all of it was charged (`settings.HOLD_OUTCOMES`)."""
    for job in Job.objects.filter(hold__in=holds).select_related("hold"):
        if job.status == Job.Status.FAILED:
            yield job.hold_id, "failed, only what the provider bills was charged" if job.filtered_charged else "failed, nothing charged"
        elif job.status == Job.Status.CANCELED:
            if job.verdict in (Job.Verdict.DECLINED, Job.Verdict.LAPSED):
                yield job.hold_id, f"{job.get_verdict_display().lower()} before it began, nothing charged"
                continue
            moment = f"before the first {job.noun}" if job.started_at else "before it began"
            yield job.hold_id, f"stopped {moment}, nothing charged"
        elif job.status == Job.Status.SUCCEEDED and job.hold.released:
            missing = job.num_images - job.delivered - job.filtered_charged
            yield job.hold_id, f"{missing} {job.noun}{'' if missing == 1 else 's'} did not come out"


def charges(job: Job) -> str:
    """What an ended job's card says of what was not delivered: who bills it, and whether the team was charged. Empty when all was."""
    if job.status in (Job.Status.FAILED, Job.Status.CANCELED) and not job.filtered and not job.delivered:
        return "You were not charged."  # the provider may have been paid all the same
    said = []
    if job.filtered:
        it = "it" if job.filtered == 1 else "them"
        charged = f"you were charged for {it}" if job.filtered_charged else "you were not charged"
        by_whom = " by the provider" if job.provider_cost else ""
        if job.error_code != "all_filtered":  # whose own sentence says so
            said.append(f"{job.filtered} of {job.num_images} {'was' if job.filtered == 1 else 'were'} filtered{by_whom}.")
        said.append(f"The provider bills {it}; {charged}." if job.provider_cost else f"{charged.capitalize()}.")
    missing = job.num_images - job.delivered - job.filtered
    if missing > 0 and job.status == Job.Status.SUCCEEDED:
        said.append(f"{missing} of {job.num_images} did not come out; you were not charged for {'it' if missing == 1 else 'them'}.")
    return " ".join(said)


def price_list() -> Iterator[tuple[str, str]]:
    """Engines and what they cost, in words, for the wallet page (`settings.PRICE_LIST`)."""
    for engine in priced(registry.engines()):
        price = engine.price
        words = f"{credits(price.per_image)} {noun(price.per_image)} a {price.noun}"
        if price.per_extra_step and price.included_steps:
            words += f", up to {price.included_steps} steps; {credits(price.per_extra_step)} for each step more"
        elif price.per_extra_step:
            words += f", and {credits(price.per_extra_step)} for each step"
        yield engine.label, words
