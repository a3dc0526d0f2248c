"""Holds and captures on one wallet with 16 writers: how many a second, and whether a millicredit was lost or spent twice; once without
budgets, and once where the team and its people have limits for the day and the month, late in a busy month.

Each is committed by itself, as a submit and a settlement are: on one wallet they wait for each other's commit, so the disk's flush is part
of what is measured. Each database is measured in a process of its own, against a database that is made for it and dropped after: SQLite in
a file; PostgreSQL when BENCH_POSTGRES (or DATABASE_URL) names a server, such as postgres://user@127.0.0.1:5432/postgres.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from accounts.models import User
    from billing.models import Wallet

WRITERS = 16
PAIRS = 60
"""Holds by each writer, and as many captures."""
BEFORE = 50_000
"""Holds of the month before it is measured with budgets."""
TARGET = 200
"""Holds and captures a second, counted together, on PostgreSQL."""
BUDGETED = f" with budgets and {BEFORE:,} holds in the month"
ROOT = Path(__file__).resolve().parents[2]


def run() -> list[dict[str, Any]]:
    """Rows {name, value, unit, target, met}; two rows a database."""
    rows = []
    with tempfile.TemporaryDirectory(prefix="atelier-bench-") as folder:
        for words in ("", BUDGETED):
            rows.append(_row("SQLite", words, _measured(f"sqlite:///{folder}/ledger.sqlite3", folder, words), None))
        server = os.environ.get("BENCH_POSTGRES") or os.environ.get("DATABASE_URL", "")
        if server.startswith("postgres"):
            rows += [_row("PostgreSQL", words, _measured(server, folder, words), TARGET) for words in ("", BUDGETED)]
    return rows


def _row(database: str, words: str, result: dict[str, Any], target: int | None) -> dict[str, Any]:
    """Raises RuntimeError when the books do not agree afterwards: how fast they went wrong is of no interest."""
    if result["disagreements"]:
        raise RuntimeError(f"{database}: {' '.join(result['disagreements'])}")
    return {
        "name": f"holds + captures on one wallet{words}, {WRITERS} writers, {database}",
        "value": result["rate"],
        "unit": "per second",
        "target": target,
        "met": None if target is None else result["rate"] >= target,
    }


def _measured(database_url: str, folder: str, words: str) -> dict[str, Any]:
    """What `_measure` found, in a fresh process that has this database in its settings."""
    environment = {**os.environ, "DATABASE_URL": database_url, "STUDIO_DATA_DIR": folder, "DJANGO_SETTINGS_MODULE": "studio.settings"}
    command = [sys.executable, "-m", "tests.bench.ledger", *(["budgeted"] if words else [])]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def _measure(*, budgeted: bool) -> dict[str, Any]:
    """`rate`: holds and captures a second; `disagreements`: what is wrong with the books afterwards, in sentences."""
    import django
    from django.conf import settings
    from django.db import connections
    from django.test.runner import DiscoverRunner

    django.setup()
    # Nobody listens: what the studio's pages are told on commit is not the ledger's time.
    settings.BILLING_LISTENER = ""
    connections["default"].settings_dict["TEST"]["NAME"] = (
        f"{settings.DATA_DIR}/measured.sqlite3" if connections["default"].vendor == "sqlite" else f"atelier_bench_{os.getpid()}"
    )
    runner = DiscoverRunner(verbosity=0, interactive=False)
    made = runner.setup_databases()
    try:
        return _race(budgeted=budgeted)
    finally:
        runner.teardown_databases(made)


def _race(*, budgeted: bool) -> dict[str, Any]:
    from django.db import connection

    from accounts.models import Team, User
    from billing import ledger
    from billing.models import Wallet
    from billing.services.wallets import capture, grant, open_wallet, place_hold

    wallet, person = open_wallet(Team.objects.create(name="Bench")), None
    granted = WRITERS * PAIRS * 1000
    grant(wallet, granted, reference="bench", description="For the benchmark")
    if budgeted:
        person = User.objects.create_user("bench@example.org", name="Bench")
        _busy_month(wallet, person, 10 * granted)
    ready = threading.Barrier(WRITERS + 1)
    failures: list[str] = []

    def write(writer: int) -> None:
        try:
            mine = Wallet.objects.get(pk=wallet.pk)
            place_hold(mine, 0, reference=f"warm:{writer}", description="Warm up", actor=person)
            connection.close()
            ready.wait()
            for number in range(PAIRS):
                hold = place_hold(mine, 1000, reference=f"{writer}:{number}", description="4 pictures, Storybook", actor=person)
                capture(hold, 750)
        except Exception as error:  # noqa: BLE001  told as the outcome of the measurement
            failures.append(f"A writer failed: {error!r}")
        finally:
            connection.close()

    threads = [threading.Thread(target=write, args=(writer,), daemon=True) for writer in range(WRITERS)]
    for thread in threads:
        thread.start()
    ready.wait(120)
    began = time.perf_counter()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - began
    wallet.refresh_from_db()
    expected = granted - WRITERS * PAIRS * 750
    if wallet.balance != expected:
        failures.append(f"The balance is {wallet.balance} millicredits and must be {expected}.")
    return {"rate": round(2 * WRITERS * PAIRS / seconds, 1), "disagreements": failures + list(ledger.disagreements())}


def _busy_month(wallet: Wallet, person: User, limit: int) -> None:
    """Limits of every kind that are not reached, and work of the person that came to nothing."""
    from django.db.models import QuerySet

    from billing.models import Budget, Hold, LedgerEntry, Scope

    for scope in (Scope.TEAM, Scope.EVERYONE):
        Budget.objects.create(wallet=wallet, scope=scope, day=limit, month=limit)
    told = {"wallet": wallet, "description": "4 pictures, Storybook", "actor": person}
    holds = Hold.objects.bulk_create(
        (Hold(**told, reference=f"before:{number}", amount=1000, status=Hold.Status.VOIDED) for number in range(BEFORE)), batch_size=1000
    )
    QuerySet(LedgerEntry).bulk_create(  # the ledger's own manager writes one by one
        (
            LedgerEntry(**told, reference=hold.reference, hold=hold, kind=kind, held=held, balance_after=wallet.balance)
            for hold in holds
            for kind, held in ((LedgerEntry.Kind.HOLD, 1000), (LedgerEntry.Kind.VOID, -1000))
        ),
        batch_size=1000,
    )


if __name__ == "__main__":
    print(json.dumps(_measure(budgeted="budgeted" in sys.argv)))
