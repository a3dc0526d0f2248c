"""A page of the library at any depth of 100,000 pictures, and searches over as many prompts: server time and number of queries.

A request goes through every middleware and renders the whole page (what a scroll fetches is a part of it). The library is that of
`manage.py seed_library`: one team has 90,000 pictures, another the rest. Each database is measured in a process of its own, against a
database that is made for it and dropped after: SQLite in a file; PostgreSQL when BENCH_POSTGRES (or DATABASE_URL) names a server, such as postgres://user@127.0.0.1:5432/postgres.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

PICTURES = 100_000
OF_OTHERS = 10_000
ROUNDS = 7
PAGE_TARGET, SEARCH_TARGET = 25, 30
"""Milliseconds, 95 of 100 requests."""
COMES_BACK_TO = 300
"""Pictures; `REACH` of the library."""
ROOT = Path(__file__).resolve().parents[2]


def run() -> list[dict[str, Any]]:
    """Rows {name, value, unit, target, met}; five rows a database."""
    with tempfile.TemporaryDirectory(prefix="atelier-bench-") as folder:
        rows = _rows("SQLite", _measured(f"sqlite:///{folder}/library.sqlite3", folder))
        server = os.environ.get("BENCH_POSTGRES") or os.environ.get("DATABASE_URL", "")
        if server.startswith("postgres"):
            rows += _rows("PostgreSQL", _measured(server, folder))
    return rows


def _rows(database: str, result: dict[str, Any]) -> list[dict[str, Any]]:
    page, filtered, search, back, queries = (result[name] for name in ("page", "filtered", "search", "back", "queries"))
    return [
        _row(f"library page of 50 at any depth of {PICTURES:,} pictures, {database}, p95", page, "ms", PAGE_TARGET),
        _row(f"library page of 50 through any filter, {database}, p95", filtered, "ms", PAGE_TARGET),
        _row(f"search over {PICTURES:,} prompts and tags, with and without filters, {database}, p95", search, "ms", SEARCH_TARGET),
        _row(f"library page of {COMES_BACK_TO}, to which somebody comes back, {database}, p95", back, "ms", None),
        {
            "name": f"queries of a library page, shallowest to deepest, {database}",
            "value": queries[-1],
            "unit": "queries",
            "target": queries[0],
            "met": len(set(queries)) == 1,
        },
    ]


def _row(name: str, value: float, unit: str, target: float | None) -> dict[str, Any]:
    return {"name": name, "value": value, "unit": unit, "target": target, "met": None if target is None else value <= target}


def _measured(database_url: str, folder: str) -> dict[str, Any]:
    """What `_measure` found, in a fresh process that has this database in its settings."""
    environment = {
        **os.environ,
        "DATABASE_URL": database_url,
        "STUDIO_DATA_DIR": folder,
        "STUDIO_LOG_LEVEL": "WARNING",
        "DJANGO_SETTINGS_MODULE": "studio.settings",
    }
    command = [sys.executable, "-m", "tests.bench.library"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr or f"The measurement ended with {done.returncode}.")
    sys.stderr.write(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def _measure() -> dict[str, Any]:
    """`page`, `filtered`, `search` and `back`: 95th percentile in ms; `queries`: of a first page and of deeper ones."""
    import django
    from django.conf import settings
    from django.db import connections
    from django.test.runner import DiscoverRunner

    settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
    django.setup()
    connections["default"].settings_dict["TEST"]["NAME"] = (
        f"{settings.DATA_DIR}/measured.sqlite3" if connections["default"].vendor == "sqlite" else f"atelier_bench_{os.getpid()}"
    )
    runner = DiscoverRunner(verbosity=0, interactive=False)
    made = runner.setup_databases()
    try:
        return _requests()
    finally:
        runner.teardown_databases(made)


def _requests() -> dict[str, Any]:
    from django.test import Client

    from accounts.access import SESSION_KEY

    seeded = _fill()
    ids = seeded.ids
    client = Client(SERVER_NAME="localhost")
    client.force_login(seeded.people[0], backend="allauth.account.auth_backends.AuthenticationBackend")
    session = client.session
    session[SESSION_KEY] = seeded.team.pk
    session.save()
    pages = ["/library/", *(f"/library/?after={ids[-depth]}" for depth in (50, 1_000, 10_000, 45_000, 80_000, 89_000))]
    pages += ["/library/?engine=storybook", f"/library/?engine=rare&after={ids[-60_000]}", "/library/?mode=inpainting"]
    pages += ["/library/?engine=rare&mode=inpainting", f"/library/?until={ids[-50]}", "/library/?sort=oldest"]
    back = [f"/library/?until={ids[-COMES_BACK_TO]}", f"/library/?until={ids[20_000]}", f"/library/?tag=poster&until={ids[20_000]}"]
    filtered = [f"/library/?{words}" for words in _filters(seeded)]
    words = ["detailed", "d", "water", "watercolor", "sailboat", "red sailboat", "a the highly detailed", "xylophone", "only-old", "zzz"]
    words += [
        "rare4711",
        "a red sailboat near the blue tent at sunset watercolor illustration highly detailed",
        "old a",
        "poster",
        "golden hour",
    ]
    searches = [f"/library/?q={word.replace(' ', '+')}" for word in words]
    searches += [f"/library/?q=detailed&after={ids[-60_000]}", f"/library/?q=sailboat&after={ids[-89_000]}"]
    searches += ["/library/?q=detailed&engine=rare", "/library/?q=sailboat&engine=rare&mode=inpainting"]
    searches += [f"/library/?q=sailboat&{words}" for words in _filters(seeded)[:12]]
    for address in (*pages, *filtered, *searches, *back):
        _timed(client, address)
    queries = [_queries(client, f"/library/?after={ids[-depth]}") for depth in (50, 1_000, 45_000, 89_000)]
    measured = {"page": pages, "filtered": filtered, "search": searches, "back": back}
    return {**{name: _p95(client, addresses) for name, addresses in measured.items()}, "queries": queries}


def _filters(seeded: Any) -> list[str]:
    """Every filter alone, then together, then deep down: the same for many pictures and for few, for what is common and for what is not."""
    from studio.generation.models import Artifact

    ids, people = seeded.ids, seeded.people
    some = Artifact.objects.filter(team=seeded.team, seed__isnull=False).order_by("-id")[5_000]
    first, last = (Artifact.objects.get(pk=one).created_at.date() for one in (ids[0], ids[-1]))
    half = first + (last - first) / 2
    alone = [f"by={people[1].pk}", f"by={people[5].pk}", "tag=poster", "rating=4", "favourite=1", f"gallery={seeded.galleries[0].pk}"]
    alone += ["size=1024x1024", "shape=portrait", f"seed={some.seed}", "sort=best", "kind=picture", "mode=uploaded"]
    alone += [f"from={half}", f"to={half}", f"from={half}&to={half}", "kind=model", "size=123x456", "tag=nobody", "rating=1"]
    together = [
        "tag=poster&rating=4",
        "favourite=1&tag=final",
        f"by={people[1].pk}&tag=poster",
        f"by={people[2].pk}&size=512x512&shape=square",
    ]
    together += [
        "tag=poster&mode=inpainting&engine=rare",
        f"gallery={seeded.galleries[1].pk}&favourite=1",
        f"tag=web&to={half}&sort=oldest",
    ]
    together += [f"sort=best&tag=poster&by={people[3].pk}", "rating=5&shape=landscape", f"by={people[4].pk}&engine=rare&mode=inpainting"]
    deep = [f"{words}&after={ids[20_000]}" for words in ("tag=poster", "rating=3", f"by={people[1].pk}", "shape=portrait", "favourite=1")]
    return [*alone, *together, *deep, f"sort=best&after={ids[40_000]}.3"]


def _p95(client: Any, addresses: list[str]) -> float:
    """Over every address, `ROUNDS` times each. Each address is told on the error output, with the processor's time beside the clock's:
    where the two lie far apart, the machine was busy with something else (or, with PostgreSQL, the server with the query)."""
    times = {address: [_timed(client, address) for _ in range(ROUNDS)] for address in addresses}
    for address, took in times.items():
        clock, processor = (sorted(one)[len(one) // 2] for one in zip(*took, strict=True))
        print(f"{clock:7.1f} ms median, {processor:6.1f} ms of it busy  {address[:110]}", file=sys.stderr)
    everything = sorted(clock for took in times.values() for clock, _ in took)
    return round(everything[round(0.95 * len(everything)) - 1], 1)


def _timed(client: Any, address: str) -> tuple[float, float]:
    """Milliseconds by the clock and of this process."""
    began, worked = time.perf_counter(), time.process_time()
    response = client.get(address)
    took = (time.perf_counter() - began) * 1000, (time.process_time() - worked) * 1000
    if response.status_code != 200:
        raise RuntimeError(f"{address}: {response.status_code}")
    return took


def _queries(client: Any, address: str) -> int:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as queries:
        client.get(address)
    return len(queries)


def _fill() -> Any:
    """The larger of two seeded teams; somebody who owns it looks."""
    from django.db import connection

    from studio.galleries.seeding import seed

    large = seed(PICTURES - OF_OTHERS, with_files=False)
    seed(OF_OTHERS, name="Next door", number=21, with_files=False)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")  # what autovacuum does by itself within a minute of such writes
    return large


if __name__ == "__main__":
    print(json.dumps(_measure()))
