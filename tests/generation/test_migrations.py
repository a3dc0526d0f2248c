"""Back to a version that knows nothing of approvals: what waits ends there, and its credits are free, once."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from accounts.models import Team, User
from billing import ledger
from billing.models import LedgerEntry, Scope
from billing.services import budgets, wallets
from studio.generation.models import Job
from tests.factories import make_job

BEFORE = ("generation", "0010_say_what_old_holds_were_for")

pytestmark = pytest.mark.django_db(transaction=True)


def migrate(*targets: tuple[str, str]) -> Any:
    """The models as they are at the target."""
    executor = MigrationExecutor(connection)
    executor.migrate(list(targets))
    return MigrationExecutor(connection).loader.project_state(list(targets)).apps


@pytest.fixture(autouse=True)
def back_to_the_end() -> Iterator[None]:
    yield
    migrate(*MigrationExecutor(connection).loader.graph.leaf_nodes())
    call_command("rebuild_search", stdout=StringIO())  # on the way back SQLite makes tables anew, and leaves their triggers behind


def test_what_waits_for_approval_is_canceled_and_released_once(team: Team, alice: User, bob: User) -> None:
    wallet = wallets.wallet_of(team)
    budgets.set_limits(wallet, by=alice, day=None, month=10_000_000, scope=Scope.TEAM)
    jobs = {
        status: make_job(team, bob, status=status, approval="more than 1 credit", num_images=2)
        for status in (Job.Status.NEEDS_APPROVAL, Job.Status.QUEUED, Job.Status.CANCELED)
    }
    waits, runs, canceled = jobs.values()
    wallets.void(canceled.hold)
    wallet.refresh_from_db()
    held = wallet.held

    old = migrate(BEFORE).get_model("generation", "Job")
    assert dict(old.objects.values_list("pk", "status")) == {waits.pk: "canceled", runs.pk: "queued", canceled.pk: "canceled"}
    assert old.objects.get(pk=waits.pk).finished_at is not None
    migrate(*MigrationExecutor(connection).loader.graph.leaf_nodes())
    migrate(BEFORE)
    migrate(*MigrationExecutor(connection).loader.graph.leaf_nodes())

    wallet.refresh_from_db()
    assert (wallet.held, held) == (waits.hold.amount, 2 * waits.hold.amount)
    [entry] = LedgerEntry.objects.filter(hold=waits.hold, kind="void")
    assert (entry.held, entry.amount, entry.balance_after, entry.actor_id) == (-waits.hold.amount, 0, wallet.balance, None)
    assert LedgerEntry.objects.filter(kind="void").count() == 2
    assert [meter.spent for meter in budgets.meters_of(wallet, bob)] == [runs.hold.amount]
    assert list(ledger.disagreements()) == []
