"""Warnings: low once until it is refilled, and a week before credits expire; a bell at once, a letter by the hourly chore."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import transaction
from django.test import Client

from accounts.models import Team, User
from billing.models import Wallet
from billing.services import alerts
from billing.services.alerts import warn_below
from billing.services.wallets import capture, correct, grant, place_hold, refund, void
from tests.billing import listening
from tests.billing.pages import CREDIT, NOON, body

pytestmark = pytest.mark.django_db
ClientOf = Callable[..., Client]
LOW = "Harbour Street has 4 credits left, which is less than 5. Get more before work has to wait."


@pytest.fixture
def told(settings: Any) -> list[tuple[str, str]]:
    settings.WALLET_ALERTS = ["tests.billing.listening.be_alerted"]
    listening.alerts.clear()
    return listening.alerts


def spend(wallet: Wallet, amount: int, name: str) -> Any:
    return capture(place_hold(wallet, amount * CREDIT, reference=name, description=name), amount * CREDIT)


def test_told_once_until_it_is_refilled(wallet: Wallet, told: list[Any]) -> None:
    warn_below(wallet, 5 * CREDIT)
    spend(wallet, 5, "one")
    assert told == [], "5 are not fewer than 5"
    hold = spend(wallet, 1, "two")
    assert told == [("low", LOW)]
    spend(wallet, 1, "three")
    refund(hold, CREDIT, reference="back", description="Back")
    refund(spend(wallet, 2, "four"), 2 * CREDIT, reference="again", description="Back")
    assert len(told) == 1
    grant(wallet, 2 * CREDIT, reference="more", description="More")
    spend(wallet, 2, "five")
    assert told[1:] == [("low", LOW)], "it was refilled to 6 and fell again"


def test_a_grant_that_is_not_enough_refills_nothing(wallet: Wallet, told: list[Any], alice: User) -> None:
    warn_below(wallet, 5 * CREDIT)
    spend(wallet, 8, "one")
    grant(wallet, CREDIT, reference="more", description="More")
    spend(wallet, 1, "two")
    assert len(told) == 1
    correct(wallet, 10 * CREDIT, reference="fix", description="Fix", actor=alice)
    wallet.refresh_from_db()
    assert wallet.low_told_at is None


def test_what_is_only_held_rings_no_bell(wallet: Wallet, told: list[Any]) -> None:
    warn_below(wallet, 5 * CREDIT)
    void(place_hold(wallet, 9 * CREDIT, reference="one", description="One"))
    assert told == []


def test_without_a_threshold_nobody_is_told(wallet: Wallet, told: list[Any]) -> None:
    spend(wallet, 10, "all")
    alerts.daily()
    assert told == []


def test_told_at_once_when_it_is_low_already(wallet: Wallet, told: list[Any]) -> None:
    warn_below(wallet, 11 * CREDIT)
    assert told == [("low", "Harbour Street has 10 credits left, which is less than 11. Get more before work has to wait.")]
    warn_below(wallet, 11 * CREDIT)
    assert len(told) == 1, "the same again changes nothing"
    warn_below(wallet, None)
    spend(wallet, 10, "all")
    assert len(told) == 1


def test_what_is_undone_tells_nobody(wallet: Wallet, told: list[Any]) -> None:
    warn_below(wallet, 5 * CREDIT)
    with transaction.atomic():
        spend(wallet, 9, "one")
        transaction.set_rollback(True)
    wallet.refresh_from_db()
    assert (wallet.low_told_at, wallet.balance) == (None, 10 * CREDIT)


def test_a_letter_to_each_who_administers_once(wallet: Wallet, bob: User, carol: User, mailoutbox: list[Any], told: list[Any]) -> None:
    warn_below(wallet, 5 * CREDIT)
    spend(wallet, 6, "one")
    assert mailoutbox == [], "a worker waits for no mail server"
    alerts.daily()
    alerts.daily()
    [letter] = mailoutbox
    assert (letter.to, letter.subject) == (["alice@harbour.example"], "Harbour Street’s credits run low")
    assert " ".join(letter.body.split()).startswith(LOW)
    assert f"/wallet/of/{wallet.team_id}/" in letter.body
    grant(wallet, 10 * CREDIT, reference="more", description="More")
    spend(wallet, 10, "two")
    alerts.daily()
    assert len(mailoutbox) == 2


def test_a_mail_server_that_refuses_is_noted_and_no_error(wallet: Wallet, settings: Any, told: list[Any]) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    warn_below(wallet, 11 * CREDIT)
    alerts.daily()
    wallet.refresh_from_db()
    assert wallet.low_mailed_at is not None


def test_a_week_before_credits_expire(wallet: Wallet, told: list[Any], mailoutbox: list[Any]) -> None:
    with time_machine.travel(NOON, tick=False):
        for name, amount, days in (("a", 100, 6), ("b", 40, 7), ("c", 9, 8)):
            grant(wallet, amount * CREDIT, reference=name, description=name, expires_at=NOON + timedelta(days=days))
        alerts.daily()
        alerts.daily()
    expected = "100 credits of Harbour Street expire on 26 November, and 40 on 27 November. What expires first is spent first."
    assert told == [("expiring", expected)]
    assert [(letter.to, letter.subject) for letter in mailoutbox] == [
        (["alice@harbour.example"], "Harbour Street’s credits expire soon"),
    ]
    with time_machine.travel(NOON + timedelta(days=1), tick=False):
        alerts.daily()
    assert told[1:] == [("expiring", "9 credits of Harbour Street expire on 28 November. What expires first is spent first.")]


def test_what_is_spent_or_over_is_not_told_of(wallet: Wallet, told: list[Any]) -> None:
    with time_machine.travel(NOON, tick=False):
        grant(wallet, 3 * CREDIT, reference="a", description="a", expires_at=NOON + timedelta(days=2))
        spend(wallet, 3, "one")
        grant(wallet, 3 * CREDIT, reference="b", description="b", expires_at=NOON - timedelta(hours=1))
        alerts.daily()
    assert told == []


def test_a_deleted_team_gets_no_letters(wallet: Wallet, alice: User, told: list[Any], mailoutbox: list[Any]) -> None:
    from accounts.ending import delete_team

    warn_below(wallet, 11 * CREDIT)
    grant(wallet, CREDIT, reference="a", description="a", expires_at=wallet.created_at + timedelta(days=2))
    delete_team(wallet.team, by=alice)
    alerts.daily()
    assert mailoutbox == []
    assert len(told) == 1


# --- on the page -----------------------------------------------------------------------------------------------------


def test_who_administers_sets_it(alice: User, wallet: Wallet, client_of: ClientOf, told: list[Any]) -> None:
    client = client_of(alice)
    answer = client.post("/wallet/alert/", {"low_below": "4.5"}, follow=True)
    assert "Those who administer the team are warned when fewer than 4.5 credits are left." in body(answer)
    assert 'value="4.5"' in answer.content.decode()
    wallet.refresh_from_db()
    assert wallet.low_below == 4_500
    assert "Nobody is warned any more." in body(client.post("/wallet/alert/", {"low_below": ""}, follow=True))
    wallet.refresh_from_db()
    assert wallet.low_below is None


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("many", "Give a number of credits, or leave it empty for no warning."),
        ("-1", "Give a number above 0, or leave it empty for no warning."),
        ("0", "Give a number above 0, or leave it empty for no warning."),
        ("1.0001", "Credits have three decimal places at most. Give a rounder number."),
        ("99999999999", "That is more than a wallet can hold. Give a smaller number."),
    ],
)
def test_nonsense_is_answered_and_kept(alice: User, wallet: Wallet, client_of: ClientOf, typed: str, message: str) -> None:
    answer = client_of(alice).post("/wallet/alert/", {"low_below": typed})
    assert answer.status_code == 422
    assert message in body(answer)
    assert f'value="{typed}"' in answer.content.decode()
    wallet.refresh_from_db()
    assert wallet.low_below is None


def test_others_neither_see_nor_set_it(bob: User, carol: User, mallory: User, wallet: Wallet, team: Team, client_of: ClientOf) -> None:
    for person, status in ((bob, 403), (carol, 403)):
        client = client_of(person, team)
        assert "Warn when fewer" not in client.get("/wallet/").content.decode()
        assert client.post("/wallet/alert/", {"low_below": "5"}).status_code == status
    client_of(mallory, team).post("/wallet/alert/", {"low_below": "5"})
    wallet.refresh_from_db()
    assert wallet.low_below is None


def test_a_letter_leads_to_the_wallet_of_its_team(alice: User, wallet: Wallet, client_of: ClientOf, mallory: User) -> None:
    own = Team.objects.get(is_personal=True, members=alice)
    client = client_of(alice, own)
    assert "Your own credits" in body(client.get("/wallet/"))
    assert "Harbour Street · everyone" in body(client.get(f"/wallet/of/{wallet.team_id}/", follow=True))
    assert client_of(mallory).get(f"/wallet/of/{wallet.team_id}/").status_code == 404
