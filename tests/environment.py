"""The environment of a test run, made before Django reads its settings (`-p tests.environment` in pyproject.toml).

Everything that a run writes lies in one temporary folder that is removed at the end. A database or Redis that the environment
names is used. Of several processes that share the work (pytest-xdist) each has a folder, a database and a Redis database of its own.
"""

from __future__ import annotations

import atexit
import gc
import os
import shutil
import tempfile
from pathlib import Path

KEPT = ("DATABASE_URL", "REDIS_URL")
"""What a run may be given from outside: no other setting reaches the tests, a key that costs money least of all."""

data_dir = Path(tempfile.mkdtemp(prefix="atelier-tests-"))


def own_redis(url: str, worker: str) -> str:
    """The address for one of several processes (`gw0`, `gw1`, …): that many databases further, of the 16 that a Redis has."""
    if not worker:
        return url
    server, _, number = url.rpartition("/") if url.count("/") > 2 else (url, "/", "0")
    return f"{server}/{(int(number or 0) + int(worker.removeprefix('gw'))) % 16}"


def prepare() -> None:
    """Set every variable that the settings read to what the tests expect."""
    for name in [name for name in os.environ if name.startswith(("STUDIO_", "STABILITY_", "CELERY_", "SENTRY_", "OTEL_"))]:
        del os.environ[name]
    os.environ |= {
        "STUDIO_DATA_DIR": str(data_dir),
        "STUDIO_SECRET_KEY": "only-for-tests-" + "0123456789abcdef" * 4,
        "STUDIO_ENV_FILE": os.devnull,
        "STUDIO_URL": "http://localhost:8000",
        "STUDIO_ALLOWED_HOSTS": "localhost,127.0.0.1,testserver",
        "STUDIO_NULL_ENGINE": "1",
        "STUDIO_EMAIL_URL": "memorymail://",
        "STUDIO_LOG_LEVEL": "WARNING",
    }
    for name in KEPT:
        if not os.environ.get(name):
            os.environ.pop(name, None)
    if "REDIS_URL" in os.environ:
        os.environ["REDIS_URL"] = own_redis(os.environ["REDIS_URL"], os.environ.get("PYTEST_XDIST_WORKER", ""))
    # Nothing that a test commits outlives a crash of the server, so that no commit need wait for the disk.
    if "DATABASE_URL" in os.environ:
        os.environ["PGOPTIONS"] = f"{os.environ.get('PGOPTIONS', '')} -c synchronous_commit=off".strip()
    # Workers that this process starts inherit it (tests/browser/running.py).
    os.environ.setdefault("ATELIER_PREPARED", str(data_dir / "prepared"))
    atexit.register(shutil.rmtree, data_dir, ignore_errors=True)
    # Of what Django, torch and thousands of tests keep, the collector finds nothing to free: it looks less often, a tenth of all time.
    gc.set_threshold(100_000, 20, 100)


prepare()
