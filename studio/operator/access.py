"""The only door to these pages: for everybody else there is nothing here."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.views.decorators.cache import never_cache

from accounts.requests import SignedInRequest
from studio.generation.models import Job, PausedQueue
from studio.operator.reading import queues_of_engines

View = Callable[..., HttpResponse]


def operators_only(view: View) -> View:
    """Whoever is not signed in is led to the sign-in page; who is and is no operator gets 404, whatever the address."""

    @wraps(view)
    def asked(request: SignedInRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_staff:
            raise Http404
        return view(request, *args, **kwargs)

    guarded: View = login_required(never_cache(asked))
    return guarded


def known_queue(queue: str) -> str:
    """A queue that engines, jobs or a pause name. Raises Http404 for any other."""
    if (
        queue in queues_of_engines()
        or PausedQueue.objects.filter(pk=queue).exists()
        or Job.objects.in_progress().filter(queue=queue).exists()
    ):
        return queue
    raise Http404


def any_job(job_id: uuid.UUID) -> Job:
    """A job of whichever team. Raises Http404."""
    job = Job.objects.select_related("team", "user", "batch", "hold", "api_key", "decided_by").filter(pk=job_id).first()
    if job is None:
        raise Http404
    return job
