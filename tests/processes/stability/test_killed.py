"""`kill -9` of a real worker process in the middle of a paid call: the provider's books show one charge, whoever goes on."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection

from accounts.models import Team
from billing.models import Hold
from studio.generation.ledger import disagreements
from studio.generation.models import Job
from tests.browser.running import ROOT
from tests.processes.conftest import PATIENCE
from tests.processes.stability.books import money, posts
from tests.processes.stability.conftest import CORE, CREATIVE
from tests.stability_server.standin import StandIn

pytestmark = pytest.mark.django_db(transaction=True)

LATER = 3600


def until(condition: Callable[[], Any]) -> None:
    """For what another process does, and tells nobody of."""
    deadline, pause = time.monotonic() + PATIENCE, threading.Event()
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        pause.wait(0.02)


def database_url() -> str:
    """The database of this test, as another process can be told of it."""
    values = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{values['NAME']}"
    password = f":{quote(values['PASSWORD'])}" if values["PASSWORD"] else ""
    return f"postgres://{quote(values['USER'])}{password}@{values['HOST']}:{values['PORT'] or 5432}/{values['NAME']}"


@pytest.fixture
def start(settings: Any, short_dir: Path, connect: Any, standin: StandIn) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """`start()`: `manage.py worker stability` on this test's database and stand-in; killed at the end."""
    settings.DATA_DIR, settings.MEDIA_ROOT = short_dir, short_dir / "media"
    standin.clock = time.monotonic
    environment = {
        **os.environ,
        "DATABASE_URL": database_url(),
        "STUDIO_DATA_DIR": str(short_dir),
        "STUDIO_JOB_SWEEP_SECONDS": "0.2",
        "STABILITY_API_KEY": standin.key,
        "STABILITY_API_HOST": standin.url,
    }
    started: list[subprocess.Popen[bytes]] = []

    def begin() -> subprocess.Popen[bytes]:
        started.append(subprocess.Popen([sys.executable, "manage.py", "worker", "stability"], cwd=ROOT, env=environment))
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.wait(PATIENCE)


def kill(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait(PATIENCE)


def test_killed_while_the_provider_works_on_it_the_next_worker_fetches_it(start, ask, rich: Team, standin: StandIn) -> None:
    standin.result_seconds = LATER
    job = ask(CREATIVE)
    first = start()
    until(lambda: any(request.method == "GET" and request.status == 202 for request in standin.requests))
    kill(first)
    job.refresh_from_db()
    assert (job.status, job.attempt, job.provider_id.partition(".")[2]) == ("running", 1, standin.books[0].generation)

    standin.clock = lambda: time.monotonic() + LATER
    start()
    until(lambda: Job.objects.filter(pk=job.pk, status="succeeded").exists())

    job.refresh_from_db()
    assert (job.attempt, posts(standin), len(standin.books)) == (2, 1, 1)
    assert (job.hold.captured, money(rich)) == (job.price.amount, (100_000 - job.price.amount, 0))
    assert list(disagreements()) == []


@pytest.mark.parametrize("engine", [CORE, CREATIVE])
def test_killed_before_the_provider_has_answered_it_fails_and_is_not_asked_again(
    start,
    ask,
    rich: Team,
    standin: StandIn,
    engine: str,
) -> None:
    standin.faults.add(f"delay={PATIENCE}", path="/v2beta/stable-image/*")
    job = ask(engine)
    first = start()
    until(lambda: len(standin.books))
    kill(first)
    start()
    until(lambda: Job.objects.filter(pk=job.pk, status="failed").exists())
    after = ask(CORE)
    until(lambda: Job.objects.filter(pk=after.pk, status="succeeded").exists())  # the next worker has looked at all there is

    job.refresh_from_db()
    assert (job.error_code, job.attempt, job.provider_id, job.hold.status) == ("worker_lost", 1, "", Hold.Status.VOIDED)
    assert (posts(standin), len(standin.books)) == (2, 2)
    assert money(rich) == (100_000 - after.price.amount, 0)
    assert list(disagreements()) == []
