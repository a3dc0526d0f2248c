"""`Idempotency-Key`: a submit that is sent again, because its answer was lost, gives what the first one gave."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils import timezone

from accounts.keys import Caller
from studio.api.errors import BadIdempotencyKey, OtherBody
from studio.api.models import Submission
from studio.generation.models import Batch, Job
from studio.ids import uuid7

HEADER = "Idempotency-Key"
KEPT = timedelta(days=30)
"""So long the same key gives the same job; afterwards it is a new one."""
_KEY = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?")


@dataclass(frozen=True, slots=True)
class Once:
    """What came of it, whether it had come of an earlier request (then the answer says `Idempotency-Replayed: true`), and whether it was
    made by this one: neither where it is the same that the team had."""

    made: Job | Batch
    is_replay: bool
    is_new: bool


def once(request: HttpRequest, caller: Caller, body: Any, make: Callable[[str], Job | Batch]) -> Once:
    """Call `make` with the key of its job or batch, unless this request was made before. `body` is what was asked for, as JSON types.

    Two at the same moment give one: the row of the submission is made first, and the job's own key comes of it. A refusal leaves nothing
    behind, so that the same key may come again with the mistake mended. A program that was given a new secret in between is
    the same: rows hang on the first key of a line. Raises BadIdempotencyKey, OtherBody, and what `make` raises.
    """
    text = request.headers.get(HEADER)
    if text is None:
        made = make(own := f"api:{uuid7().hex}")
        return Once(made, is_replay=False, is_new=made.idempotency_key == own)
    if not _KEY.fullmatch(text):
        raise BadIdempotencyKey(f"{HEADER} has 1 to 255 printable ASCII characters, none of them a space at an end.")
    row, is_new = _row(caller, text, _digest(request, caller, body))
    if not is_new and (earlier := row.job or row.batch):
        return Once(earlier, is_replay=True, is_new=False)
    own = f"api:{row.pk}"
    try:
        made = make(own)
    except BaseException:
        if is_new:
            Submission.objects.filter(pk=row.pk, job=None, batch=None).delete()
        raise
    what = {"job": made} if isinstance(made, Job) else {"batch": made}
    if not Submission.objects.filter(pk=row.pk).update(**what):  # taken away by the same request beside this one, which was refused
        Submission.objects.get_or_create(
            api_key_id=caller.key.first_id, idempotency_key=text, defaults={"id": row.pk, "fingerprint": row.fingerprint, **what}
        )
    return Once(made, is_replay=not is_new, is_new=is_new and made.idempotency_key == own)


def _row(caller: Caller, text: str, digest: str) -> tuple[Submission, bool]:
    """Raises OtherBody."""
    mine = Submission.objects.filter(api_key=caller.key.first_id, idempotency_key=text).select_related("job", "batch")
    row = mine.first()
    if row is None:
        try:
            with transaction.atomic():
                return Submission.objects.create(api_key_id=caller.key.first_id, idempotency_key=text, fingerprint=digest), True
        except IntegrityError:
            row = mine.first()
            if row is None:
                raise
    if row.fingerprint != digest:
        raise OtherBody(f"This {HEADER} came with another request before. Use a new one for a new request.")
    return row, False


def _digest(request: HttpRequest, caller: Caller, body: Any) -> str:
    """Of what was asked for and in which team, not of how it was written down: spaces and the order of names mean nothing in JSON."""
    told = json.dumps([request.method, request.path, caller.team.public_id, body], sort_keys=True, default=str)
    return hashlib.sha256(told.encode()).hexdigest()


def forget() -> int:
    """One of `settings.DAILY_CHORES`: submissions older than `KEPT`; returns how many there were."""
    return Submission.objects.filter(created_at__lt=timezone.now() - KEPT).delete()[0]
