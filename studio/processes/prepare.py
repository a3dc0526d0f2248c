"""What has to be true before the processes of the embedded mode start: tables as the code expects them, static files collected."""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.db import connections
from django.db.migrations.executor import MigrationExecutor

WEEK_SECONDS = 7 * 24 * 3600


def prepare(say: Callable[[str], None]) -> None:
    """Bring the data folder up to date; quick when it is. Raises what migrations and storages raise."""
    pending = pending_migrations()
    if pending:
        say(f"Preparing the database ({pending} steps)")
        call_command("migrate", interactive=False, verbosity=0)
    connections.close_all()
    stamp = Path(settings.DATA_DIR) / "static.stamp"
    wanted = static_fingerprint()
    if not Path(settings.STATIC_ROOT).is_dir() or not stamp.is_file() or stamp.read_text() != wanted:
        say("Collecting static files")
        stamp.unlink(missing_ok=True)
        call_command("collectstatic", interactive=False, verbosity=0)
        stamp.write_text(wanted)
    _tidy(Path(settings.DATA_DIR) / "tidied.stamp")
    connections.close_all()


def _tidy(stamp: Path) -> None:
    """Make room: what was long in the trash at every start, files that belong to nothing once a week. This mode has no clock of its own."""
    call_command("empty_trash", stdout=io.StringIO())
    if not stamp.is_file() or time.time() - stamp.stat().st_mtime > WEEK_SECONDS:
        call_command("prune_files", stdout=io.StringIO())
        stamp.touch()


def pending_migrations() -> int:
    executor = MigrationExecutor(connections["default"])
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def static_fingerprint() -> str:
    """A hash over name, size and time of every static file, and over what decides how they are stored."""
    digest = hashlib.sha256(repr((settings.STORAGES["staticfiles"], version("django"), version("whitenoise"))).encode())
    entries = []
    for finder in get_finders():
        for name, storage in finder.list([]):
            found = Path(storage.path(name)).stat()
            entries.append((name, found.st_size, found.st_mtime_ns))
    for entry in sorted(entries):
        digest.update(repr(entry).encode())
    return digest.hexdigest()
