"""Making room, for whatever has a clock: the trash once a day, files that belong to nothing once a week."""

from __future__ import annotations

from datetime import timedelta

import structlog
from django.conf import settings
from django.utils import timezone

from studio.galleries import curating
from studio.galleries.services import empty_trash, prune_files, prune_inputs
from studio.processes.locks import turn

log = structlog.get_logger(__name__)


def daily() -> None:
    """Delete for good what has been in the trash for `settings.TRASH_DAYS`."""
    with turn("trash", timedelta(days=1)) as is_mine:
        if is_mine:
            before = timezone.now() - timedelta(days=settings.TRASH_DAYS)
            log.info("trash_emptied", items=empty_trash(before), galleries=curating.empty_trash(before))


def weekly() -> None:
    """Delete uploads that nobody used and files that no row owns: this looks at every file there is.

    Raises OSError when the storage does not answer; then it is tried again in an hour, and not in a week.
    """
    with turn("tidied", timedelta(days=7)) as is_mine:
        if is_mine:
            log.info("files_pruned", uploads=prune_inputs(), files=len(prune_files()))
