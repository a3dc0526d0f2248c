"""Every night the books are looked through, by themselves: what `manage.py verify_ledger` does, and a row that says what was found."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from django.utils import timezone

from billing import ledger
from billing.models import LedgerCheck

log = structlog.get_logger(__name__)

HOUR = 3
"""Not before this hour of the studio's day."""
TOLD = 20
"""Disagreements that are written down one by one; the number counts all."""
BROKEN_OFF = timedelta(hours=6)
"""A look that was begun so long ago and is not finished will not be."""


def daily(now: datetime | None = None) -> None:
    """For whatever has a clock, as often as it likes: the first one after `HOUR` looks, whichever process it is in."""
    now = timezone.localtime(now)
    if now.hour >= HOUR and _is_mine(now):
        check(LedgerCheck.objects.get(day=now.date()))


def check(row: LedgerCheck) -> LedgerCheck:
    """Look through all books, and write down what does not agree. An error in the log for each of the first, for whoever watches it."""
    found, sentences = 0, []
    with ledger.snapshot():
        for sentence in ledger.disagreements():
            found += 1
            if found <= TOLD:
                sentences.append(sentence)
    row.found, row.sentences, row.finished_at = found, "\n".join(sentences), timezone.now()
    row.save(update_fields=["found", "sentences", "finished_at"])
    if found:
        log.error("books_disagree", found=found, first=sentences[0])
    else:
        log.info("books_agree", day=str(row.day))
    return row


def _is_mine(now: datetime) -> bool:
    """Whether the look of this day is this process's to make. Not twice, unless it was broken off."""
    _, is_new = LedgerCheck.objects.get_or_create(day=now.date())
    if is_new:
        return True
    stale = LedgerCheck.objects.filter(day=now.date(), finished_at=None, started_at__lt=now - BROKEN_OFF)
    return bool(stale.update(started_at=now))
