"""The operator's admin: sees the books, changes nothing in them, and grants credits with their name on it."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.models import User
from billing.models import Hold, LedgerEntry, Wallet
from billing.services.wallets import capture, place_hold

pytestmark = pytest.mark.django_db


def address(wallet: Wallet) -> str:
    return f"/admin/billing/wallet/{wallet.pk}/grant/"


def key_of(page: str) -> str:
    found = re.search(r'name="key" value="([0-9a-f-]{36})"', page)
    assert found
    return found.group(1)


def books(wallet: Wallet) -> tuple[int, int, int]:
    """Balance, held, number of entries."""
    wallet.refresh_from_db()
    return wallet.balance, wallet.held, wallet.entries.count()


def test_the_operator_grants_credits(wallet: Wallet, operator: User, desk: Client) -> None:
    page = desk.get(address(wallet))
    assert page.status_code == 200
    assert "Harbour Street has 10 credits available ($0.10) and 0 held by running jobs." in page.content.decode()
    form = {"key": key_of(page.content.decode()), "amount": "250.5", "reason": "the spring exhibition"}
    answer = desk.post(address(wallet), form, follow=True)
    assert answer.redirect_chain == [(f"/admin/billing/wallet/{wallet.pk}/change/", 302)]
    assert "250.5 credits granted to Harbour Street." in unescape(answer.content.decode())
    assert books(wallet) == (260_500, 0, 2)
    entry = wallet.entries.latest("id")
    assert (entry.kind, entry.amount, entry.balance_after, entry.description, entry.actor, entry.reference) == (
        "grant",
        250_500,
        260_500,
        "Granted: the spring exhibition",
        operator,
        f"operator:{form['key']}",
    )
    logged = LogEntry.objects.get()
    assert (logged.user, logged.object_id, logged.change_message) == (
        operator,
        str(wallet.pk),
        "Granted 250.5 credits: the spring exhibition",
    )


def test_the_form_sent_twice_grants_once(wallet: Wallet, desk: Client) -> None:
    form = {"key": key_of(desk.get(address(wallet)).content.decode()), "amount": "5", "reason": "a gift"}
    assert [desk.post(address(wallet), form).status_code for _ in range(2)] == [302, 302]
    assert books(wallet) == (15_000, 0, 2)


def test_the_form_sent_again_with_another_amount_says_that_it_was_used(wallet: Wallet, desk: Client) -> None:
    form = {"key": str(uuid.uuid4()), "amount": "5", "reason": "a gift"}
    desk.post(address(wallet), form)
    answer = desk.post(address(wallet), {**form, "amount": "50"})
    assert answer.status_code == 422
    assert "This form has granted 5 credits already. Open it again to grant more." in answer.content.decode()
    assert books(wallet) == (15_000, 0, 2)
    assert LogEntry.objects.count() == 1


def test_the_smallest_grant_is_a_thousandth_of_a_credit(wallet: Wallet, desk: Client) -> None:
    assert desk.post(address(wallet), {"key": str(uuid.uuid4()), "amount": "0.001", "reason": "a test"}).status_code == 302
    assert books(wallet) == (10_001, 0, 2)


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount": "0"},
        {"amount": "-5"},
        {"amount": "0.0001"},
        {"amount": "ten"},
        {"amount": "NaN"},
        {"amount": "10000000.001"},
        {"amount": ""},
        {"reason": ""},
        {"reason": "  "},
        {"reason": "x" * 201},
        {"key": "1"},
        {"key": ""},
    ],
)
def test_a_form_that_makes_no_sense_grants_nothing(wallet: Wallet, desk: Client, wrong: dict[str, str]) -> None:
    form = {"key": str(uuid.uuid4()), "amount": "5", "reason": "a gift"}
    answer = desk.post(address(wallet), form | wrong)
    assert answer.status_code == 422
    assert "Nothing was granted" in answer.content.decode()
    assert "errorlist" in answer.content.decode()
    assert books(wallet) == (10_000, 0, 1)
    assert not LogEntry.objects.exists()


def test_a_get_grants_nothing(wallet: Wallet, desk: Client) -> None:
    assert desk.get(address(wallet), {"key": str(uuid.uuid4()), "amount": "5", "reason": "a gift"}).status_code == 200
    assert books(wallet) == (10_000, 0, 1)


def test_a_form_from_elsewhere_is_refused(wallet: Wallet, operator: User, client_of: Callable[..., Client]) -> None:
    desk = client_of(operator, enforce_csrf_checks=True)
    assert desk.post(address(wallet), {"key": str(uuid.uuid4()), "amount": "5", "reason": "a gift"}).status_code == 403
    assert books(wallet) == (10_000, 0, 1)


def test_a_wallet_that_is_not_there(desk: Client) -> None:
    assert desk.get("/admin/billing/wallet/4711/grant/").status_code == 404


@pytest.mark.parametrize("who", ["alice", "bob", "carol", "mallory"])
def test_nobody_but_the_operator_grants(wallet: Wallet, who: str, client_of: Callable[..., Client], request: Any) -> None:
    client = client_of(request.getfixturevalue(who))
    for answer in (
        client.get(address(wallet)),
        client.post(address(wallet), {"key": str(uuid.uuid4()), "amount": "5", "reason": "a gift"}),
    ):
        assert answer.status_code in (302, 403)
        assert "Grant credits" not in answer.content.decode()
    assert books(wallet) == (10_000, 0, 1)


def give(user: User, *permissions: str) -> None:
    User.objects.filter(pk=user.pk).update(is_staff=True)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="billing", codename__in=permissions))


def test_staff_who_may_look_see_no_button_and_cannot_grant(wallet: Wallet, bob: User, client_of: Callable[..., Client]) -> None:
    give(bob, "view_wallet")
    client = client_of(bob)
    for page in ("/admin/billing/wallet/", f"/admin/billing/wallet/{wallet.pk}/change/"):
        answer = client.get(page)
        assert answer.status_code == 200
        assert "Grant credits" not in answer.content.decode()
    assert client.post(address(wallet), {"key": str(uuid.uuid4()), "amount": "5", "reason": "a gift"}).status_code == 403
    assert books(wallet) == (10_000, 0, 1)


def test_staff_who_may_grant_do(wallet: Wallet, bob: User, client_of: Callable[..., Client]) -> None:
    give(bob, "view_wallet", "grant_credits")
    client = client_of(bob)
    assert "Grant credits" in client.get("/admin/billing/wallet/").content.decode()
    assert client.post(address(wallet), {"key": str(uuid.uuid4()), "amount": "5", "reason": "a gift"}).status_code == 302
    assert wallet.entries.latest("id").actor == bob


@pytest.fixture
def hold(wallet: Wallet, alice: User) -> Hold:
    hold = place_hold(wallet, 4_000, reference="job:1", description="4 pictures, Storybook", actor=alice)
    return capture(hold, 3_000)


def test_the_operator_reads_all_of_the_books(wallet: Wallet, hold: Hold, desk: Client) -> None:
    entry = wallet.entries.get(kind="capture")
    pages = {
        "/admin/billing/wallet/": "Harbour Street",
        f"/admin/billing/wallet/?q={wallet.team.name}": "Grant credits",
        f"/admin/billing/wallet/{wallet.pk}/change/": "All entries of this wallet",
        "/admin/billing/hold/": "held 4, charged 3, released 1",
        f"/admin/billing/hold/?wallet__id__exact={wallet.pk}": "held 4, charged 3, released 1",
        f"/admin/billing/hold/{hold.pk}/change/": "4 pictures, Storybook",
        "/admin/billing/ledgerentry/": "−3",
        f"/admin/billing/ledgerentry/?wallet__id__exact={wallet.pk}": "−3",
        "/admin/billing/ledgerentry/?q=job:1": "−3",
        f"/admin/billing/ledgerentry/{entry.pk}/change/": "4 pictures, Storybook",
    }
    for page, words in pages.items():
        answer = desk.get(page)
        assert answer.status_code == 200, page
        assert words in answer.content.decode(), page


def test_no_row_is_told_in_millicredits(wallet: Wallet, hold: Hold, desk: Client) -> None:
    entry = wallet.entries.get(kind="capture")
    pages = {
        f"hold/{hold.pk}": {"amount": "4 credits", "captured": "3 credits", "refunded": "0 credits"},
        f"ledgerentry/{entry.pk}": {"amount": "−3 credits", "held": "−4 credits", "frozen": "0 credits", "balance after": "7 credits"},
    }
    for page, told in pages.items():
        html = desk.get(f"/admin/billing/{page}/change/").content.decode()
        found = dict(re.findall(r"<label>([^<]+):</label>\s*<div class=\"readonly\">([^<]*)</div>", html))
        assert {name: found.get(name.capitalize()) for name in told} == told
        assert "000" not in "".join(found[name.capitalize()] for name in told)


@pytest.mark.parametrize("model", ["wallet", "hold", "ledgerentry"])
def test_nothing_in_the_books_is_added_changed_or_deleted_by_hand(wallet: Wallet, hold: Hold, desk: Client, model: str) -> None:
    row = {"wallet": wallet, "hold": hold, "ledgerentry": wallet.entries.get(kind="capture")}[model]
    before = {table.__name__: list(table.objects.order_by("pk").values()) for table in (Wallet, Hold, LedgerEntry)}
    form = {"balance": "99000", "amount": "99000", "held": "0", "status": "active", "description": "x", "captured": "0"}
    answers = [
        desk.get(f"/admin/billing/{model}/add/"),
        desk.post(f"/admin/billing/{model}/add/", form),
        desk.post(f"/admin/billing/{model}/{row.pk}/change/", form),
        desk.get(f"/admin/billing/{model}/{row.pk}/delete/"),
        desk.post(f"/admin/billing/{model}/{row.pk}/delete/", {"post": "yes"}),
    ]
    assert [answer.status_code for answer in answers] == [403] * 5
    desk.post(f"/admin/billing/{model}/", {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"})
    assert {table.__name__: list(table.objects.order_by("pk").values()) for table in (Wallet, Hold, LedgerEntry)} == before
    change = desk.get(f"/admin/billing/{model}/{row.pk}/change/").content.decode()
    assert 'name="_save"' not in change
    assert "deletelink" not in change
