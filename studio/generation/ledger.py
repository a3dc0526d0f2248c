"""Where jobs and their holds disagree; asked by `manage.py verify_ledger` through `settings.LEDGER_CHECKS`."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Count, F, Q, Sum
from django.db.models.functions import Coalesce

from billing.models import Hold
from studio.generation.models import Job


def disagreements() -> Iterator[str]:
    """One sentence for each job whose state does not fit its hold (DESIGN: open ↔ held, succeeded ↔ charged, else released), or whose
    cost at the provider does not fit its engine's price."""
    yield from _holds()
    yield from _charges()
    yield from _provider_costs()


def _holds() -> Iterator[str]:
    nobody_pays = Q(status__in=(Job.Status.FAILED, Job.Status.CANCELED), filtered_charged=0)
    fits = (
        Q(status__in=Job.OPEN, hold__status=Hold.Status.ACTIVE)
        | Q(status=Job.Status.SUCCEEDED, hold__status=Hold.Status.CAPTURED)
        | Q(nobody_pays, hold__status=Hold.Status.VOIDED)
        | Q(status=Job.Status.FAILED, filtered_charged__gt=0, hold__status=Hold.Status.CAPTURED)
    )
    for job in Job.objects.exclude(fits).select_related("hold").iterator():
        yield f"Job {job.id} is {job.status}, but its hold is {job.hold.status}."
    for job in Job.objects.exclude(team=F("hold__wallet__team")).iterator():
        yield f"Job {job.id} is held on another team's wallet."


def _charges() -> Iterator[str]:
    # The hold is the quote, which is the same for each picture: charged ÷ held = paid for ÷ asked for.
    wrong = Job.objects.exclude(hold__captured=F("hold__amount") * (F("delivered") + F("filtered_charged")) / F("num_images"))
    for job in wrong.select_related("hold").iterator():
        of_the_price = f"{job.hold.captured} of {job.hold.amount} millicredits"
        and_filtered = f" and charges for {job.filtered_charged} filtered ones" if job.filtered_charged else ""
        yield f"Job {job.id} delivered {job.delivered} of {job.num_images} pictures{and_filtered}, but was charged {of_the_price}."
    # Pictures that were emptied out of the trash are gone, what was paid for them stays: fewer may be there, never more.
    shown = Job.objects.annotate(pictures=Count("artifacts"), worth=Coalesce(Sum("artifacts__charged"), 0))
    too_many = shown.filter(Q(pictures__gt=F("delivered")) | Q(worth__gt=F("hold__captured")))
    for job_id, captured, delivered, pictures, worth in too_many.values_list("id", "hold__captured", "delivered", "pictures", "worth"):
        yield f"Job {job_id} was charged {captured} for {delivered} pictures, but has {pictures} worth {worth}."


def _provider_costs() -> Iterator[str]:
    """A paid job that came to its end was billed its record's price, as its quote kept it, for each result, also the filtered ones."""
    paid = Job.objects.filter(status=Job.Status.SUCCEEDED, sent_at__isnull=False).only(
        "id", "quote", "delivered", "filtered", "provider_cost"
    )
    for job in paid.iterator():
        results, each = job.delivered + job.filtered, job.price.record_per_image
        if each is not None and job.provider_cost != results * each:
            took = "nobody knows what" if job.provider_cost is None else f"{job.provider_cost} millicredits is what"
            yield f"Job {job.id} has {results} results at {each} millicredits each by its engine's record, but {took} the provider took."
