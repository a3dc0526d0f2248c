"""The nightly look through all books: once a day, written down, an error where they do not agree."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.test import Client
from structlog.testing import capture_logs

from accounts.models import User
from billing import nightly
from billing.models import LedgerCheck, Wallet
from tests.billing.pages import body

pytestmark = pytest.mark.django_db
ClientOf = Callable[..., Client]


def night(day: int = 20, hour: int = 3) -> datetime:
    return datetime(2026, 11, day, hour, 5, tzinfo=UTC)


def test_once_a_night_and_not_before_three(wallet: Wallet) -> None:
    nightly.daily(night(hour=2))
    assert not LedgerCheck.objects.exists()
    with capture_logs() as logs:
        for hour in (3, 4, 23):
            nightly.daily(night(hour=hour))
    assert [(line["event"], line["log_level"]) for line in logs] == [("books_agree", "info")]
    [row] = LedgerCheck.objects.all()
    assert (row.day, row.found, row.sentences, row.verdict) == (date(2026, 11, 20), 0, "", "the books agree")
    nightly.daily(night(21))
    assert LedgerCheck.objects.count() == 2


def test_the_hour_is_the_studio_s(wallet: Wallet, settings: Any) -> None:
    settings.TIME_ZONE = "Pacific/Auckland"  # 13 hours ahead
    nightly.daily(night(hour=12))
    assert not LedgerCheck.objects.exists()
    nightly.daily(night(hour=14))
    assert LedgerCheck.objects.get().day == date(2026, 11, 21)


def test_what_does_not_agree_is_an_error_and_is_written_down(wallet: Wallet) -> None:
    Wallet.objects.filter(pk=wallet.pk).update(balance=11_000)
    with capture_logs() as logs:
        nightly.daily(night())
    row = LedgerCheck.objects.get()
    assert row.found == 3
    first = f"Wallet {wallet.pk} (Harbour Street): the balance is 11, the entries add up to 10."
    assert row.sentences.splitlines()[0] == first
    assert len(row.sentences.splitlines()) == 3
    assert logs == [{"event": "books_disagree", "log_level": "error", "found": 3, "first": first}]
    assert row.verdict == "3 disagreements"


def test_only_the_first_are_written_down_and_all_are_counted(wallet: Wallet, settings: Any) -> None:
    settings.LEDGER_CHECKS = ["tests.billing.listening.complain"] * (nightly.TOLD + 5)
    nightly.daily(night())
    row = LedgerCheck.objects.get()
    assert (row.found, len(row.sentences.splitlines())) == (nightly.TOLD + 5, nightly.TOLD)


def test_one_that_was_broken_off_is_taken_up_after_six_hours(wallet: Wallet) -> None:
    LedgerCheck.objects.create(day=date(2026, 11, 20))
    LedgerCheck.objects.update(started_at=night(hour=4))
    nightly.daily(night(hour=9))
    assert LedgerCheck.objects.get().finished_at is None
    nightly.daily(night(hour=11))
    assert LedgerCheck.objects.get().finished_at is not None


def test_the_wallet_page_says_when_it_was(alice: User, wallet: Wallet, client_of: ClientOf) -> None:
    client = client_of(alice)
    assert "All books were checked" not in body(client.get("/wallet/"))
    row = LedgerCheck.objects.create(day=date(2026, 11, 20), finished_at=night())
    assert "All books were checked on Friday 20 November, 03:05 and agree." in body(client.get("/wallet/"))
    LedgerCheck.objects.filter(pk=row.pk).update(found=2)
    assert "the operator was told that something does not agree." in body(client.get("/wallet/"))


def test_the_operator_reads_what_was_found(desk: Client, wallet: Wallet) -> None:
    LedgerCheck.objects.create(day=date(2026, 11, 20), finished_at=night(), found=1, sentences="Wallet 7: wrong.")
    assert "1 disagreement" in body(desk.get("/admin/billing/ledgercheck/"))
    page = desk.get(f"/admin/billing/ledgercheck/{LedgerCheck.objects.get().pk}/change/")
    assert "Wallet 7: wrong." in body(page)
    assert 'name="_save"' not in page.content.decode()


def test_metrics(desk: Client, wallet: Wallet) -> None:
    def samples() -> dict[str, float]:
        lines = [line.split() for line in desk.get("/metrics").content.decode().splitlines() if line.startswith("atelier_ledger")]
        return {name: float(value) for name, value in lines}

    assert samples() == {}
    LedgerCheck.objects.create(day=date(2026, 11, 20), finished_at=night(), found=2)
    LedgerCheck.objects.create(day=date(2026, 11, 21))  # under way
    assert samples() == {"atelier_ledger_disagreements": 2, "atelier_ledger_checked_timestamp_seconds": night().timestamp()}
