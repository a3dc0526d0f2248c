"""600 paid calls from three worker processes against a provider that takes 150 in 10 s and shuts the key out for a minute at the 151st.

The workers are real ones, with jobs in SQLite, and share the limiter in Redis: REDIS_URL names it, such as redis://127.0.0.1:6379/9.
The stand-in's pictures are small: what is measured is how many calls leave, not how fast they are drawn. A rate is that of 450 calls after
each other, three times round the window, so that the burst at the beginning does not count as speed.
"""

from __future__ import annotations

import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image

from studio.backends.stability.keys import Key
from studio.backends.stability.limiter import HOLD, SENDING
from studio.backends.stability.redis_limiter import RedisLimiter
from tests.stability_server import v2beta
from tests.stability_server.catalog import OPERATIONS
from tests.stability_server.standin import StandIn

ROOT = Path(__file__).resolve().parents[2]
CALLS, WORKERS = 600, 3
WINDOW, ROUND = 10.0, 450
TARGET = 147
SECONDS = 180
"""After which it is given up: four windows and the start of the workers take a minute at most."""


def run() -> list[dict[str, Any]]:
    """Two rows; none without Redis, which the limiter of several processes needs."""
    redis = os.environ.get("REDIS_URL", "")
    if not redis:
        print("[bench] stability: several workers share their limiter in Redis; name one with REDIS_URL.", file=sys.stderr)
        return []
    small = {path: replace(one, draw=lambda values, seed: Image.new("RGB", (64, 64), "#4477aa")) for path, one in OPERATIONS.items()}
    v2beta.OPERATIONS = small  # type: ignore[attr-defined]
    with tempfile.TemporaryDirectory(prefix="at-") as folder, StandIn(key=f"sk-bench-{secrets.token_hex(12)}", balance=10_000) as standin:
        os.environ |= {
            "STUDIO_DATA_DIR": folder,
            "STUDIO_ENV_FILE": os.devnull,
            "STUDIO_SECRET_KEY": secrets.token_hex(32),
            "STUDIO_LOG_LEVEL": "WARNING",
            "STUDIO_MAX_OPEN_JOBS": str(CALLS),
            "STABILITY_API_KEY": standin.key,
            "STABILITY_API_HOST": standin.url,
            "DJANGO_SETTINGS_MODULE": "studio.settings",
        }
        os.environ.pop("DATABASE_URL", None)
        fill_the_queue()
        know_the_key(standin.key, redis)
        with workers():
            wait_for_the_end(standin)
        times = sorted(request.at for request in standin.requests if request.method == "POST" and request.status == 200)
        refused = sum(request.status == 429 for request in standin.requests)
    rate = ROUND * WINDOW / statistics.mean(times[start + ROUND] - times[start] for start in range(len(times) - ROUND))
    return [
        row(f"paid calls per 10 s, {WORKERS} workers, a provider that enforces 150", round(rate, 1), "per 10 s", TARGET, rate >= TARGET),
        row("of these refused by its limit (429)", refused, "calls", 0, not refused),
    ]


def row(name: str, value: float, unit: str, target: float, met: bool) -> dict[str, Any]:
    return {"name": name, "value": value, "unit": unit, "target": target, "met": met}


def fill_the_queue() -> None:
    """A studio with one person, who has pressed Generate 600 times."""
    import django

    django.setup()
    from django.core.management import call_command

    from accounts.services import create_user_with_team
    from billing.services import wallets
    from studio.backends import registry
    from studio.backends.base import GenerationRequest, Mode
    from studio.generation import services

    call_command("migrate", verbosity=0, interactive=False)
    registry.backend("stability")._start = lambda read: None  # this process asks the provider nothing
    person = create_user_with_team(email="bench@harbour.example", name="Bench", password=secrets.token_hex(12), email_verified=True)
    team = person.teams.get()
    wallets.grant(wallets.wallet_of(team), 10_000_000, reference="bench", description="For the measurement")
    for number in range(CALLS):
        request = GenerationRequest(engine="stable-image-core", mode=Mode.TEXT_TO_IMAGE, seed=number + 1, prompt=f"boat {number}")
        services.submit(user=person, team=team, request=request, idempotency_key=str(number))


def know_the_key(secret: str, redis: str) -> None:
    """A Redis that has not counted this key before counts with care for a minute: that is not what is measured."""
    RedisLimiter(redis)._run(Key(secret).id, "keep", "nobody", 0)  # as no worker: of one that is silent a share would be kept back
    time.sleep(HOLD + SENDING)


@contextmanager
def workers() -> Iterator[None]:
    started = [subprocess.Popen([sys.executable, "manage.py", "worker", "stability"], cwd=ROOT) for _ in range(WORKERS)]
    try:
        yield
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait(60)


def wait_for_the_end(standin: StandIn) -> None:
    """Raises RuntimeError when jobs fail, TimeoutError when they take too long."""
    from django.db.models import Count

    from studio.generation.models import Job

    deadline = time.monotonic() + SECONDS
    while True:
        states = dict(Job.objects.values_list("status").annotate(Count("pk")).order_by())
        if states.get("succeeded") == CALLS == len(standin.books):
            return
        if states.get("failed") or len(standin.books) > CALLS:
            why = Job.objects.filter(status="failed").values_list("error_code", "error_message").first()
            raise RuntimeError(f"jobs ended as {states}, with {len(standin.books)} charges: {why}")
        if time.monotonic() > deadline:
            raise TimeoutError(f"jobs are {states} after {SECONDS} s")
        time.sleep(0.5)
