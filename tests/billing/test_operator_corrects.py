"""The operator puts right what went wrong: a new entry, with a reason and an author, never more than is there."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.models import User
from billing.ledger import accounts
from billing.models import Wallet
from billing.services.wallets import place_hold
from tests.billing.test_operator_grants import books, key_of

pytestmark = pytest.mark.django_db


def address(wallet: Wallet) -> str:
    return f"/admin/billing/wallet/{wallet.pk}/correct/"


@pytest.mark.parametrize(("typed", "amount", "told"), [("2.5", 2_500, "+2.5"), ("-4", -4_000, "−4")])
def test_a_correction_is_a_new_entry(wallet: Wallet, operator: User, desk: Client, typed: str, amount: int, told: str) -> None:
    assert f'href="{address(wallet)}"' in desk.get(f"/admin/billing/wallet/{wallet.pk}/change/").content.decode()
    page = desk.get(address(wallet)).content.decode()
    assert "no entry is ever changed" in page
    form = {"key": key_of(page), "amount": typed, "reason": "granted twice"}
    answer = desk.post(address(wallet), form, follow=True)
    assert f"{told} credits: the wallet of Harbour Street is corrected." in unescape(answer.content.decode())
    assert books(wallet) == (10_000 + amount, 0, 2)
    entry = wallet.entries.latest("id")
    assert (entry.kind, entry.amount, entry.description, entry.actor) == ("correction", amount, "Corrected: granted twice", operator)
    assert sum(accounts().values()) == 0
    assert LogEntry.objects.get().change_message == f"Corrected {told} credits: granted twice"
    desk.post(address(wallet), form)
    assert books(wallet) == (10_000 + amount, 0, 2), "sent twice, corrected once"
    answer = desk.post(address(wallet), {**form, "amount": "1"})
    assert answer.status_code == 422
    assert f"This form has corrected {told} credits already." in unescape(answer.content.decode())


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ({"amount": "-8"}, "Only 7 are available. Take at most that; what work holds stays."),
        ({"amount": "0"}, "A correction of nothing corrects nothing. Give an amount other than 0."),
        ({"reason": ""}, "Say why."),
        ({"amount": "1.0001"}, "Credits have three decimal places at most. Give a rounder number."),
        ({"amount": "-10000001"}, "Give a number from −10,000,000 to 10,000,000."),
    ],
)
def test_what_cannot_be_corrected_changes_nothing(wallet: Wallet, desk: Client, form: dict[str, Any], message: str) -> None:
    place_hold(wallet, 3_000, reference="job", description="Work")
    sent = {"key": str(uuid.uuid4()), "amount": "1", "reason": "because", **form}
    answer = desk.post(address(wallet), sent)
    assert answer.status_code == 422
    assert message in unescape(answer.content.decode())
    assert "Nothing was corrected by this." in answer.content.decode()
    assert f'value="{sent["amount"]}"' in answer.content.decode()
    assert books(wallet) == (10_000, 3_000, 2)


def test_it_needs_a_right_of_its_own(wallet: Wallet, bob: User, client_of: Callable[..., Client]) -> None:
    User.objects.filter(pk=bob.pk).update(is_staff=True)
    bob.user_permissions.add(*Permission.objects.filter(codename__in=("view_wallet", "grant_credits")))
    client = client_of(User.objects.get(pk=bob.pk))
    form = {"key": str(uuid.uuid4()), "amount": "1", "reason": "because"}
    assert client.get(address(wallet)).status_code == 403
    assert client.post(address(wallet), form).status_code == 403
    assert address(wallet) not in client.get(f"/admin/billing/wallet/{wallet.pk}/change/").content.decode()
    assert books(wallet) == (10_000, 0, 1)
    bob.user_permissions.add(Permission.objects.get(codename="correct_credits"))
    client = client_of(User.objects.get(pk=bob.pk))
    assert client.post(address(wallet), form).status_code == 302
    assert books(wallet) == (11_000, 0, 2)


def test_no_wallet_no_correction(desk: Client) -> None:
    assert desk.get("/admin/billing/wallet/999/correct/").status_code == 404
