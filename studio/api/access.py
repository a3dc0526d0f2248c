"""The only door to a team's rows for programs: those of the team that the key works in, and nothing of others."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404

from accounts.keys import Caller
from accounts.models import ApiKey
from studio.generation.models import Batch, Job
from studio.generation.querysets import BatchQuerySet, JobQuerySet


def jobs_of(caller: Caller) -> JobQuerySet:
    """With `library:read` all of the team, as people see them; else those that were asked for with this key or another of its line."""
    jobs = Job.objects.of_team(caller.team)
    return jobs if "library:read" in caller.scopes else jobs.filter(api_key__in=line_of(caller.key))


def batches_of(caller: Caller) -> BatchQuerySet:
    """As `jobs_of`."""
    batches = Batch.objects.of_team(caller.team)
    return batches if "library:read" in caller.scopes else batches.filter(api_key__in=line_of(caller.key))


def job_for(caller: Caller, job_id: UUID) -> Job:
    """With all that `job_facts` tells. Raises Http404."""
    job = jobs_of(caller).for_programs().select_related("team", "user").filter(pk=job_id).first()
    if job is None:
        raise Http404
    return job


def batch_for(caller: Caller, batch_id: UUID) -> Batch:
    """Raises Http404."""
    batch = batches_of(caller).select_related("team", "user", "api_key").filter(pk=batch_id).first()
    if batch is None:
        raise Http404
    return batch


def line_of(key: ApiKey) -> list[int]:
    """The key with those that it took the place of and those that took its place: one program with several secrets."""
    return list(ApiKey.objects.in_line(key).values_list("pk", flat=True))
