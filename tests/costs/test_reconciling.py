"""A row a day: the fall of the balance beside what the jobs say, against the books of the stand-in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from studio.backends import registry
from studio.backends.base import PaidBackend
from studio.backends.errors import EngineUnavailable
from studio.costs import reconciling
from studio.costs.models import BalanceSnapshot
from studio.costs.reconciling import daily, is_alarm, reconcile
from studio.generation.models import Job
from tests.billing.race import at_once

pytestmark = pytest.mark.django_db
X = 500_000
"""More than the 100 credits that are no alarm."""


@pytest.fixture
def fresh(provider: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The stand-in, whose balance the backend does not remember."""
    backend = registry.backend("stability")
    monkeypatch.setattr(backend, "balance", lambda: int(provider.keys[provider.key].balance * 1000))
    return provider


def look(day: int) -> BalanceSnapshot | None:
    backend = registry.backend("stability")
    assert isinstance(backend, PaidBackend)
    return reconcile(backend, datetime(2026, 11, day, 3, tzinfo=timezone.get_current_timezone()))


def lose(provider: Any, credits: int) -> None:
    provider.keys[provider.key].balance -= Decimal(credits)


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    said: list[tuple[str, str]] = []

    class Log:
        def __getattr__(self, level: str) -> Callable[..., None]:
            return lambda event, **fields: said.append((level, event))

    monkeypatch.setattr(reconciling, "log", Log())
    return said


def test_what_the_jobs_say_is_what_the_balance_fell_by(fresh: Any, core: Callable[..., Job], lines: list[tuple[str, str]]) -> None:
    core("before the first look")
    first = look(1)
    assert (first.balance, first.recorded_total, first.recorded, first.drift, first.unexplained) == (
        997_000,
        3000,
        0,
        None,
        "the first look",
    )
    core("a boat", 2)
    core("blurme")  # filtered, and billed all the same
    second = look(2)
    assert (second.balance, second.recorded_total, second.recorded, second.drift) == (988_000, 12_000, 9000, 0)
    assert second.unexplained == "agrees"
    assert fresh.books.total() * 1000 == second.recorded_total
    assert lines == [("info", "provider_reconciled")] * 2


def test_one_row_a_day(fresh: Any) -> None:
    assert look(1) is not None
    assert look(1) is None
    assert BalanceSnapshot.objects.count() == 1


def test_looks_are_half_a_day_apart(fresh: Any) -> None:
    backend = registry.backend("stability")
    late = datetime(2026, 11, 1, 23, 50, tzinfo=timezone.get_current_timezone())
    assert reconcile(backend, late) is not None
    assert reconcile(backend, late + timedelta(hours=1)) is None
    assert reconcile(backend, late + timedelta(hours=12)) is not None


@pytest.mark.django_db(transaction=True)
def test_two_workers_write_one_row(fresh: Any) -> None:
    backend = registry.backend("stability")
    now = timezone.now()
    rows = at_once(*[(lambda: None, lambda _: reconcile(backend, now))] * 2)
    assert sorted(type(row).__name__ for row in rows) == ["BalanceSnapshot", "NoneType"]
    assert BalanceSnapshot.objects.count() == 1


@pytest.mark.parametrize(
    ("drifts", "alarm"),
    [
        ([], False),
        ([X], False),  # one look proves nothing
        ([0, X], False),
        ([X, 0], True),  # the second look says it too
        ([0, X, 0], True),
        ([0, 100_001, 0], True),
        ([0, 100_000, 0], False),  # as much as the operator allows
        ([0, 60_000, 60_000], False),  # only the last look is so low
        ([60_000, 60_000, 0], False),  # the level before it is not sure yet
        ([0, 0, 0], False),
        ([0, -X, X], False),  # one look too high, as in the live run
        ([-X, X, 0], False),
        ([0, X, -X], False),  # one look too low
        ([X, -X, 0], False),
        ([0, -X, 0], False),  # credits were bought
        ([-X, 0, X], False),
        ([X, 0, 0], False),  # it was told yesterday
    ],
)
def test_an_alarm_needs_two_looks_on_each_side(drifts: list[int], alarm: bool) -> None:
    assert is_alarm(drifts) is alarm


def test_credits_that_no_job_explains_are_an_alarm_on_the_second_day(fresh: Any, desk: Client, lines: list[tuple[str, str]]) -> None:
    today = timezone.localdate()
    backend = registry.backend("stability")
    moments = [timezone.now() - timedelta(days=days) for days in (3, 2, 1, 0)]
    for moment in moments[:2]:
        reconcile(backend, moment)
    lose(fresh, 250)
    seen = reconcile(backend, moments[2])
    assert (seen.drift, seen.is_alarm, seen.unexplained) == (250_000, False, "250 taken that no job explains")
    alarm = reconcile(backend, moments[3])
    assert (alarm.drift, alarm.is_alarm, alarm.day) == (0, True, today)
    assert lines == [("info", "provider_reconciled")] * 3 + [("error", "provider_drift")]
    assert list(BalanceSnapshot.objects.alarms()) == [alarm]
    assert alarm.unexplained == "alarm: two looks in a row are lower than the jobs explain"
    for address in ("/admin/", "/admin/billing/wallet/", "/admin/costs/balancesnapshot/"):
        assert "took more than the jobs explain" in desk.get(address).content.decode()
    told = Client().get("/metrics").content.decode()
    assert 'atelier_provider_drift_alarm{backend="stability"} 1.0\n' in told
    assert 'atelier_provider_drift_credits{backend="stability"} 0.0\n' in told


def test_an_alarm_stands_for_a_week(fresh: Any, desk: Client) -> None:
    values = {"backend": "stability", "taken_at": timezone.now(), "balance": 0, "recorded_total": 0, "is_alarm": True}
    BalanceSnapshot.objects.create(day=timezone.localdate() - timedelta(days=7), **values)
    assert "took more than" not in desk.get("/admin/").content.decode()
    BalanceSnapshot.objects.create(day=timezone.localdate() - timedelta(days=6), **values)
    assert "took more than" in desk.get("/admin/").content.decode()


def test_a_balance_that_is_not_known_writes_no_row(provider: Any, lines: list[tuple[str, str]]) -> None:
    provider.keys[provider.key].revoke()
    daily()
    assert lines == [("warning", "balance_unknown")]
    assert not BalanceSnapshot.objects.exists()


def test_the_daily_chore_looks_once_a_day(fresh: Any, lines: list[tuple[str, str]]) -> None:
    for _ in range(3):
        daily()
    assert lines == [("info", "provider_reconciled")]


def test_the_command_says_what_it_found(fresh: Any, capsys: pytest.CaptureFixture[str]) -> None:
    today = timezone.localdate()
    for _ in range(2):
        call_command("reconcile_provider")
    assert capsys.readouterr().out == f"stability, {today}: balance 1,000, 0 recorded, the first look.\n" * 2
    BalanceSnapshot.objects.update(is_alarm=True)
    with pytest.raises(CommandError, match=r"Credits are lost that no job explains: stability\."):
        call_command("reconcile_provider")


def test_the_command_without_a_provider_or_an_answer(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, request: Any
) -> None:
    call_command("reconcile_provider")
    assert capsys.readouterr().out == "No provider is set up.\n"
    request.getfixturevalue("provider")

    def gone() -> int:
        raise EngineUnavailable("Nobody answers.")

    monkeypatch.setattr(registry.backend("stability"), "balance", gone)
    with pytest.raises(CommandError, match=r"stability: the balance is not known\. Nobody answers\."):
        call_command("reconcile_provider")
