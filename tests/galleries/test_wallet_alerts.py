"""A wallet that runs low rings the bell of those who administer the team; the notice leads to the wallet."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.access import SESSION_KEY
from accounts.models import Team, User
from billing.ledger import disagreements
from billing.services import alerts, wallets
from studio.galleries.models import Notice

pytestmark = pytest.mark.django_db
ClientOf = Callable[..., Client]


def test_the_bell_of_those_who_administer(team: Team, alice: User, bob: User, carol: User, client_of: ClientOf) -> None:
    wallet = wallets.wallet_of(team)
    wallets.grant(wallet, 10_000, reference="first", description="First", expires_at=timezone.now() + timedelta(days=3))
    alerts.warn_below(wallet, 5_000)
    wallets.capture(wallets.place_hold(wallet, 6_000, reference="job", description="Work"), 6_000)
    alerts.daily()
    told = Notice.objects.order_by("id")
    day = timezone.localtime() + timedelta(days=3)
    assert [(one.user, one.kind, one.actor, one.text) for one in told] == [
        (alice, "wallet", None, "Harbour Street has 4 credits left, which is less than 5. Get more before work has to wait."),
        (
            alice,
            "wallet",
            None,
            f"4 credits of Harbour Street expire on {day.day} {day:%B}. What expires first is spent first.",
        ),
    ]
    assert list(disagreements()) == []


def test_the_notice_leads_to_that_wallet(team: Team, alice: User, client_of: ClientOf) -> None:
    alerts.warn_below(wallets.wallet_of(team), 5_000)
    client = client_of(alice, Team.objects.get(is_personal=True, members=alice))
    assert "Harbour Street has 0 credits left" in client.get("/notices/").content.decode()
    notice = Notice.objects.get()
    answer = client.get(f"/notices/{notice.pk}/", follow=True)
    assert [where for where, _ in answer.redirect_chain] == [f"/wallet/of/{team.pk}/", "/wallet/"]
    assert "Harbour Street · everyone" in answer.content.decode()
    assert client.session[SESSION_KEY] == team.pk
    notice.refresh_from_db()
    assert notice.read_at is not None


def test_a_personal_wallet_speaks_to_its_person(alice: User) -> None:
    wallet = wallets.wallet_of(Team.objects.get(is_personal=True, members=alice))
    alerts.warn_below(wallet, 30_000)
    assert Notice.objects.get().text == "You have 25 credits left, which is less than 30. Get more before work has to wait."
