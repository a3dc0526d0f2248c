"""The provider's balance: shown where the operator looks, unknown when it is unknown, and nobody waits for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from accounts.models import User
from studio.backends import registry
from studio.backends.errors import EngineUnavailable
from studio.costs import balance
from studio.costs.balance import LATE, balances

pytestmark = pytest.mark.django_db
WALLETS = "/admin/billing/wallet/"


def page(client: Client, address: str = WALLETS) -> str:
    return " ".join(client.get(address).content.decode().split())


@pytest.fixture
def silent(provider: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A provider that does not answer until it is told to: `silent.set()`."""
    answers = threading.Event()
    backend = registry.backend("stability")
    known = backend.balance

    def wait() -> int:
        assert answers.wait(10)
        return known()

    monkeypatch.setattr(backend, "balance", wait)
    yield answers
    answers.set()


def test_without_a_provider_there_is_none(desk: Client) -> None:
    assert balances() == []
    assert "provider-account" not in page(desk)


def test_the_balance_is_shown_beside_the_wallets(provider: Any, desk: Client) -> None:
    [found] = balances()
    assert (found.backend, found.millicredits, found.is_low, found.problem) == ("stability", 1_000_000, False, "")
    assert "<strong>Stability</strong>: 1,000 credits left ($10.00)" in page(desk)
    assert "top up" not in page(desk)


@pytest.mark.parametrize(("left", "is_low"), [(500, False), ("499.999", True), (0, True)])
def test_a_low_balance_is_a_warning(provider: Any, desk: Client, left: Any, is_low: bool) -> None:
    provider.keys[provider.key].balance = left
    assert balances()[0].is_low is is_low
    assert ("That is less than 500: top up the account at the provider" in page(desk)) is is_low


def test_what_is_low_is_the_operator_s_to_say(provider: Any, settings: Any) -> None:
    settings.PROVIDER_LOW_CREDITS = 1001
    assert balances()[0].is_low


def test_a_key_that_is_refused_is_said(provider: Any, desk: Client) -> None:
    provider.keys[provider.key].revoke()
    [found] = balances()
    assert found.millicredits is None
    assert not found.is_low
    assert "balance unknown" in page(desk)
    assert found.problem == "The provider does not accept the studio's key."
    assert "The provider does not accept the studio&#x27;s key." in page(desk)


def test_nobody_waits_for_a_provider_that_does_not_answer(silent: threading.Event) -> None:
    found = [balances(0.0)[0], balances(0.0)[0]]
    assert [(one.millicredits, one.problem) for one in found] == [(None, LATE), (None, LATE)]
    looking = [thread for thread in threading.enumerate() if thread.name == "balance-stability"]
    assert len(looking) == 1
    silent.set()
    looking[0].join(10)
    assert balances()[0].millicredits == 1_000_000


def test_a_look_that_could_not_begin_is_begun_by_the_next_who_asks(provider: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    really = threading.Thread.start

    def full(thread: threading.Thread) -> None:
        if thread.name == "balance-stability":
            raise RuntimeError("can't start new thread")
        really(thread)

    with monkeypatch.context() as crowded:
        crowded.setattr(threading.Thread, "start", full)
        with pytest.raises(RuntimeError, match="can't start new thread"):
            balances()
    assert balances()[0].millicredits == 1_000_000


def test_a_late_answer_is_told_to_the_next_who_asks(provider: Any, monkeypatch: pytest.MonkeyPatch, time_machine: Any) -> None:
    first = balances()[0]
    answers = threading.Event()
    monkeypatch.setattr(registry.backend("stability"), "balance", lambda: answers.wait(10) and 0)
    assert balances(0.0) == [first]
    monkeypatch.setattr(balance, "STILL_TOLD", timedelta(0))
    assert balances(0.0)[0].millicredits is None
    answers.set()


def test_whatever_an_adapter_raises_is_an_answer(provider: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for error, words in ((EngineUnavailable("Gone."), "Gone."), (RuntimeError("boom"), "It cannot be read; the log says why.")):

        def broken(error: Exception = error) -> int:
            raise error

        monkeypatch.setattr(registry.backend("stability"), "balance", broken)
        assert (balances()[0].millicredits, balances()[0].problem) == (None, words)


def test_readyz_tells_everybody_only_whether_it_runs_low(provider: Any, settings: Any) -> None:
    provider.keys[provider.key].balance = "812.5"
    balances()
    for low, words in ((812, "ok"), (813, "low")):
        settings.PROVIDER_LOW_CREDITS = low
        answer = Client().get("/readyz")
        assert (answer.status_code, answer.json()["provider_credits"]) == (200, {"stability": words})
        assert "812" not in answer.content.decode()


def test_metrics_tell_it(provider: Any) -> None:
    provider.keys[provider.key].balance = "812.5"
    balances()
    told = Client().get("/metrics").content.decode()
    assert 'atelier_provider_credits{backend="stability"} 812.5\n' in told
    assert 'atelier_provider_low{backend="stability"} 0.0\n' in told


def test_a_balance_that_is_unknown_keeps_nothing_from_being_ready(silent: threading.Event) -> None:
    answer = Client().get("/readyz")
    assert (answer.status_code, answer.json()["ready"], answer.json()["provider_credits"]) == (200, True, {"stability": "unknown"})
    assert "atelier_provider_credits{" not in Client().get("/metrics").content.decode()


def test_staff_who_may_not_see_costs_do_not(provider: Any, carol: User, client_of: Callable[..., Client]) -> None:
    User.objects.filter(pk=carol.pk).update(is_staff=True)
    carol.user_permissions.set(Permission.objects.filter(content_type__app_label="billing", codename="view_wallet"))
    found = page(client_of(carol))
    assert "provider-account" not in found
    assert "Harbour Street" in found


def test_the_moment_of_the_answer_is_kept(provider: Any) -> None:
    assert timezone.now() - balances()[0].at < timedelta(minutes=1)
