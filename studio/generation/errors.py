"""What can go wrong on the way to a picture, and how it is said.

    GenerationError              code, message for a person, `fields`: what to say beside each field of the form
    ├── TooManyOpenJobs          too_many_open_jobs
    ├── BatchRefused             batch_refused        `items`: what is wrong with single ones of a batch, by place from 0
    ├── NothingToRetry           nothing_to_retry     no job of a batch has failed
    ├── PlanLimit                plan_limit           more than the team's plan allows; the sentence names it
    │   └── PlanIsBusy           plan_limit           … for the moment: jobs at once
    ├── KeyRefusal               engine_not_allowed   a program's key is not for this engine
    ├── AskedForTwice            asked_for_twice      a Stop that would take a job from whoever joined it
    ├── UnusableFile             unusable_file        an upload that we do not take
    │   ├── UnusableImage        unusable_image       … as a picture
    │   └── UnusableSound        unusable_sound       … as a sound
    ├── BrokenResult             result_broken        what an engine delivered cannot be read
    ├── StorageFull              storage_full
    ├── StorageFailed            storage_failed       an OSError too: what a disk or an object store does not do
    ├── WordsRefused             words_refused        a prompt with words that are not allowed
    ├── BrandRefused             brand_refused        a prompt or a size that a brand rule of the team does not allow
    ├── NotWaiting               not_waiting          a decision on what does not wait for one (any more)
    ├── NotYours                 not_yours            a decision on what one asked for oneself
    ├── NoReason                 no_reason            a refusal without a word
    ├── TeamIsGone               team_is_gone         the team was deleted in this very moment
    └── HaveItAlready            have_it_already      `job`: the same request was answered not long ago

    TooDear                      insufficient_credits of billing, for a batch: `fits` of it could be paid

`SENTENCES` turns the code of a failed job (ours or a `BackendError`'s) into what its card says. Each ends with what to do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from billing.credits import credits, noun
from billing.errors import InsufficientCredits

if TYPE_CHECKING:
    from studio.generation.models import Job


class GenerationError(Exception):
    code = "generation"

    def __init__(self, message: str, fields: Mapping[str, str] | None = None) -> None:
        self.message = message
        self.fields = fields or {}
        super().__init__(message)


class TooManyOpenJobs(GenerationError):
    code = "too_many_open_jobs"


class PlanLimit(GenerationError):
    code = "plan_limit"


class PlanIsBusy(PlanLimit):
    """As many jobs as the plan runs at once: that passes by itself."""


class KeyRefusal(GenerationError):
    code = "engine_not_allowed"


class BatchRefused(GenerationError):
    code = "batch_refused"

    def __init__(self, message: str, items: Mapping[int, str] | None = None) -> None:
        self.items = dict(items or {})
        super().__init__(message)


class NothingToRetry(GenerationError):
    code = "nothing_to_retry"


class TooDear(InsufficientCredits):
    """Amounts in millicredits; `fits` of its `rows`, from the first on, could be paid."""

    def __init__(self, needed: int, available: int, *, rows: int, fits: int) -> None:
        super().__init__(needed, available)
        self.fits = fits
        missing = needed - available
        paid = f"The first {fits} of its {rows} generations would fit." if fits else "Not one of its generations would fit."
        self.message = (
            f"This batch costs {credits(needed)} {noun(needed)} and {credits(available)} are available: {credits(missing)} are missing. "
            f"{paid} Add credits to the wallet, or make fewer."
        )
        self.args = (self.message,)


class AskedForTwice(GenerationError):
    code = "asked_for_twice"


class UnusableFile(GenerationError):
    code = "unusable_file"


class UnusableImage(UnusableFile):
    code = "unusable_image"


class UnusableSound(UnusableFile):
    code = "unusable_sound"


class NotWaiting(GenerationError):
    code = "not_waiting"


class NotYours(GenerationError):
    code = "not_yours"


class NoReason(GenerationError):
    code = "no_reason"


class BrokenResult(GenerationError):
    code = "result_broken"


class StorageFull(GenerationError):
    code = "storage_full"


class StorageFailed(GenerationError, OSError):
    """The storage did not take a file, or did not give one that it has: `message` says so to whoever asked."""

    code = "storage_failed"


class WordsRefused(GenerationError):
    """A prompt has words that the studio or the team does not allow."""

    code = "words_refused"


class BrandRefused(GenerationError):
    """A brand rule of the team does not allow this; `message` names the rule."""

    code = "brand_refused"


class TeamIsGone(GenerationError):
    code = "team_is_gone"


class HaveItAlready(GenerationError):
    """Not refused: whoever asked is shown `job` for nothing, or says that it shall be made anew."""

    code = "have_it_already"

    def __init__(self, job: Job) -> None:
        self.job = job
        super().__init__("You have this already.")


SENTENCES = {
    "bad_request": "The engine does not accept these settings. {detail} Change them and try again.",
    "payload_too_large": "The files are too big for this engine. {detail} Use a smaller picture.",
    "language_refused": "This engine understands English only. Write the prompt in English and try again.",
    "content_filtered": "The content filter refused this. {detail} Change the prompt and try again.",
    "public_figure": "The provider saw the likeness of a public figure in the picture. Use another picture.",
    "public_figure_asked_for": "The provider does not draw public figures, and the prompt asks for one. Change the prompt and try again.",
    "copyrighted_content": "The provider heard copyrighted music in the sound. Use another sound.",
    "not_configured": "This engine is not set up. {detail} Pick another engine, or ask your operator.",
    "engine_gone": "{detail} is not in this studio any more, so this could not be made. Pick another engine, or ask your operator.",
    "key_refused": "The provider does not accept the studio's key. That is nothing you did: ask your operator to renew it.",
    "provider_balance": "The studio's account at the provider is out of credits. Yours are still there: ask your operator to top it up.",
    "rate_limited": "The provider asked to slow down, several times. Try again in a minute.",
    "engine_unavailable": "The engine could not be reached, several times. {detail} Try again in a while.",
    "result_unknown": "The connection was lost after the request was sent, so it was not sent again. Try again if you like.",
    "model_unusable": "The model cannot be used. {detail} Ask your operator.",
    "out_of_memory": "There was not enough memory. Try a smaller size or fewer pictures.",
    "engine_failed": "The engine failed. {detail} Try again; if it happens again, tell your operator.",
    "all_filtered": "What was made was filtered. Change the prompt and try again.",
    "timed_out": "This took longer than {detail} and was stopped. Try a smaller size or fewer steps, or tell your operator.",
    "worker_lost": "The worker stopped in the middle{times}. Try again.",
    "input_missing": "A file that this starts from is gone. Choose it again.",
    "input_not_read": "A file that this starts from could not be read, several times. Try again in a while.",
    "result_broken": "What the engine delivered cannot be read. Try again; if it happens again, tell your operator.",
    "storage_full": "There is no room left to save the result. Ask your operator to make room, then try again.",
    "storage_failed": "The result could not be saved. Try again; if it happens again, tell your operator.",
}
CHANGEABLE = {
    *("bad_request", "payload_too_large", "language_refused", "content_filtered", "public_figure", "copyrighted_content"),
    *("all_filtered", "out_of_memory", "timed_out"),
}
"""Codes of jobs that come out better with other settings: their cards lead back to them."""
UNKNOWN = "Something went wrong. Try again; if it happens again, tell your operator."


def sentence(code: str, detail: str = "", attempts: int = 1, *, has_files: bool = True) -> str:
    """What a failed job's card says. `has_files`: it started from some, not from words alone.

    Whether anything was charged, the card says itself.
    """
    times = f", {attempts} times" if attempts > 1 else ""
    if code == "public_figure" and not has_files:
        code = "public_figure_asked_for"
    text = SENTENCES.get(code, UNKNOWN).format(detail=detail.strip(), times=times)
    return " ".join(text.split())
