"""Requests of earlier versions, and back to them: what was granted stays what it is."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from accounts.models import User
from billing.models import BudgetRequest, Scope, Wallet
from billing.services import budget_requests, budgets
from tests.billing.conftest import CREDIT

BEFORE = ("billing", "0012_keep_the_sums_of_budgets")

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def back_to_the_end() -> Iterator[None]:
    yield
    to_the_end()
    call_command("rebuild_search", stdout=StringIO())  # on the way back SQLite makes tables anew, and leaves their triggers behind


def to_the_end() -> None:
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())


def test_what_was_granted_survives_both_ways(wallet: Wallet, alice: User, bob: User) -> None:
    budgets.set_limits(wallet, by=alice, day=CREDIT, month=None, scope=Scope.EVERYONE)
    asked = budget_requests.ask(wallet, bob, limit="member-day", amount=5 * CREDIT)
    budget_requests.decide(asked, by=alice, approve=True, amount=3 * CREDIT)
    budget_requests.withdraw(budget_requests.ask(wallet, bob, limit="member-day", amount=CREDIT), by=bob)

    MigrationExecutor(connection).migrate([BEFORE])
    old = MigrationExecutor(connection).loader.project_state([BEFORE]).apps.get_model("billing", "BudgetRequest").objects
    assert list(old.order_by("id").values_list("amount", "status")) == [(3 * CREDIT, "approved"), (CREDIT, "lapsed")]
    told = {"scope": "member", "span": "day", "start": timezone.localdate(), "amount": 2 * CREDIT, "decided_at": timezone.now()}
    old.create(wallet_id=wallet.pk, person_id=bob.pk, status="approved", **told)
    to_the_end()

    found = BudgetRequest.objects.order_by("id").values_list("status", "granted")
    assert list(found) == [("approved", 3 * CREDIT), ("lapsed", None), ("approved", 2 * CREDIT)]
    [meter] = budgets.meters_of(wallet, bob)
    assert meter.cap == 6 * CREDIT
