"""Codes that bring credits: made by the operator, redeemed once by a team, and never once too often."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from itertools import cycle
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Membership, Role, Team, User
from accounts.services import create_team
from billing import ledger
from billing.errors import CodeRedeemed, CodeRefused, CodeTaken
from billing.models import LedgerEntry, PromoCode, Redemption, Wallet
from billing.models.promotions import key_of
from billing.services import promotions, wallets
from studio.generation import throttle
from tests.billing.conftest import CREDIT
from tests.billing.race import at_once, kinds
from tests.conftest import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nobody_has_tried() -> None:
    throttle.limiter().storage.reset()


def make(own: str = "", **terms: Any) -> PromoCode:
    [code] = promotions.make_codes(batch=uuid.uuid4(), own=own, **{"label": "Spring fair", "amount": 50 * CREDIT, **terms})
    return code


def books(wallet: Wallet) -> tuple[int, int]:
    wallet.refresh_from_db()
    return wallet.balance, wallet.entries.count()


# --- how a code is written ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        ("7K2M-9QXV-3D4T", "7K2M9QXV3D4T"),
        (" 7k2m 9qxv 3d4t\n", "7K2M9QXV3D4T"),
        ("oil-OIL-o0", "011011O0".replace("O", "0")),
        ("\uff37\uff25\uff2c\uff23\uff2f\uff2d\uff25", "WE1C0ME"),
        ("SPR\u0406NG", ""),  # a Cyrillic letter is no Latin one
        ("SHORT", ""),
        ("", ""),
        ("X" * 41, ""),
        ("A" * 10_000, ""),
        ("SPRING\0", ""),
    ],
)
def test_what_people_write_for_a_code(typed: str, key: str) -> None:
    assert key_of(typed) == key


def test_generated_codes_have_nothing_to_confuse() -> None:
    codes = {promotions.generate() for _ in range(500)}
    assert len(codes) == 500
    for code in codes:
        assert [len(group) for group in code.split("-")] == [4, 4, 4]
        assert key_of(code) == code.replace("-", "")
        assert set(code) <= {*promotions.ALPHABET, "-"}
    assert not set(promotions.ALPHABET) & set("ILOU")


# --- making -----------------------------------------------------------------------------------------------------------------


def test_the_same_batch_is_made_once() -> None:
    batch = uuid.uuid4()
    terms = {"label": "Fair", "amount": CREDIT}
    first = promotions.make_codes(batch=batch, count=20, **terms)
    assert list(promotions.make_codes(batch=batch, count=20, **terms)) == list(first)
    assert PromoCode.objects.count() == 20


def test_two_codes_never_read_alike() -> None:
    make("WELCOME1")
    with pytest.raises(CodeTaken):
        make("we1c0mei")
    assert PromoCode.objects.count() == 1


# --- redeeming ----------------------------------------------------------------------------------------------------------------


def test_a_code_brings_credits_that_expire(wallet: Wallet, alice: User) -> None:
    code = make("SPRING25", expires_in_days=30)
    with time_machine.travel("2026-05-03T10:00:00Z", tick=False):
        redemption = promotions.redeem(wallet, " spr1ng-25 ", actor=alice)
        expiry = timezone.now() + timedelta(days=30)
    entry = redemption.entry
    assert (entry.kind, entry.amount, entry.account, entry.actor) == ("grant", 50 * CREDIT, "promotions", alice)
    assert (entry.description, entry.reference) == ("Code redeemed: Spring fair", f"code:{code.pk}")
    assert (entry.lot.expires_at, entry.lot.source) == (expiry, "promotions")
    assert books(wallet) == (60 * CREDIT, 2)
    code.refresh_from_db()
    assert code.redeemed == 1
    assert list(ledger.disagreements()) == []


def test_a_last_day_counts_whenever_it_was_redeemed(wallet: Wallet, alice: User) -> None:
    until = timezone.now() + timedelta(days=3)
    code = make(expires_at=until)
    assert promotions.redeem(wallet, code.code, actor=alice).entry.lot.expires_at == until


def test_a_team_redeems_a_code_once(wallet: Wallet, alice: User) -> None:
    code = make(max_redemptions=5)
    promotions.redeem(wallet, code.code, actor=alice)
    with pytest.raises(CodeRedeemed) as refusal:
        promotions.redeem(wallet, code.code, actor=alice)
    assert refusal.value.redemption == Redemption.objects.get()
    code.refresh_from_db()
    assert code.redeemed == 1
    assert books(wallet) == (60 * CREDIT, 2)


def test_a_person_redeems_a_code_once_whatever_the_team(wallet: Wallet, alice: User, bob: User) -> None:
    code = make()
    promotions.redeem(wallet, code.code, actor=alice)
    second = wallets.wallet_of(create_team("Second", alice))
    with pytest.raises(CodeRedeemed, match="You have redeemed that code already, for Harbour Street, on"):
        promotions.redeem(second, code.code, actor=alice)
    code.refresh_from_db()
    assert (code.redeemed, books(second)) == (1, (0, 0))
    promotions.redeem(second, code.code, actor=bob)
    assert books(second)[0] == 50 * CREDIT


def day(days: int) -> Any:
    return timezone.now() + timedelta(days=days)


@pytest.mark.parametrize(
    "terms",
    [
        pytest.param(lambda: {"valid_from": day(1)}, id="not yet"),
        pytest.param(lambda: {"valid_until": day(-1)}, id="over"),
        pytest.param(lambda: {"expires_at": day(-1)}, id="credits would have expired"),
        pytest.param(lambda: {"max_redemptions": 3, "redeemed": 3}, id="used up"),
        pytest.param(lambda: {"stopped_at": day(-1)}, id="stopped"),
    ],
)
def test_what_cannot_be_redeemed_says_no_more_than_what_does_not_exist(wallet: Wallet, alice: User, terms: Any) -> None:
    code = make(**terms())
    before = code.redeemed
    words = set()
    for text in (code.code, "NO-SUCH-CODE", "?"):
        with pytest.raises(CodeRefused) as refusal:
            promotions.redeem(wallet, text, actor=alice)
        words.add(refusal.value.message)
    assert len(words) == 1
    code.refresh_from_db()
    assert (code.redeemed, books(wallet)) == (before, (10 * CREDIT, 1))


def test_a_code_for_new_teams(wallet: Wallet, team: Team, alice: User, bob: User) -> None:
    code, other = make(who="new"), make("ANYBODY", label="Other")
    promotions.redeem(wallet, other.code, actor=alice)
    with pytest.raises(CodeRefused):  # it redeemed a code before
        promotions.redeem(wallet, code.code, actor=alice)
    bought = wallets.wallet_of(create_team("Bought", alice))
    wallets.grant(bought, CREDIT, reference="pack", description="1 credit", source=wallets.Account.SALES)
    with pytest.raises(CodeRefused):
        promotions.redeem(bought, code.code, actor=alice)
    fresh, second = (wallets.wallet_of(create_team(name, bob)) for name in ("Fresh", "Second"))
    promotions.redeem(fresh, code.code, actor=bob)
    with pytest.raises(CodeRedeemed):  # the same person with another new team
        promotions.redeem(second, code.code, actor=bob)
    code.refresh_from_db()
    assert (code.redeemed, books(fresh)[0], books(second)[0], books(bought)[0]) == (1, 50 * CREDIT, 0, CREDIT)


def test_stopping_keeps_what_was_brought(wallet: Wallet, alice: User) -> None:
    code = make(max_redemptions=5)
    promotions.redeem(wallet, code.code, actor=alice)
    assert [promotions.stop(PromoCode.objects.all()) for _ in range(2)] == [1, 0]
    with pytest.raises(CodeRefused):
        promotions.redeem(wallets.wallet_of(create_team("Late", alice)), code.code, actor=alice)
    assert books(wallet)[0] == 60 * CREDIT


# --- sixteen at once ------------------------------------------------------------------------------------------------------------


def redeem_at_once(code: PromoCode, purses: list[Wallet], *actors: User) -> list[Any]:
    """Each for its team; one actor does for all."""

    def runner(purse: Wallet, actor: User) -> tuple[Callable[[], Wallet], Callable[[Wallet], Redemption]]:
        return lambda: Wallet.objects.get(pk=purse.pk), lambda seen: promotions.redeem(seen, code.code, actor=actor)

    return at_once(*(runner(purse, actor) for purse, actor in zip(purses, cycle(actors), strict=False)))


@pytest.mark.django_db(transaction=True)
def test_sixteen_teams_and_one_redemption_left(alice: User) -> None:
    code = make(max_redemptions=1)
    purses = [wallets.wallet_of(create_team(f"Team {number}", alice)) for number in range(16)]
    outcomes = redeem_at_once(code, purses, alice)
    assert kinds(outcomes) == {"CodeRefused": 15, "Redemption": 1}
    code.refresh_from_db()
    assert (code.redeemed, Redemption.objects.count()) == (1, 1)
    assert LedgerEntry.objects.filter(account="promotions").count() == 1
    assert list(ledger.disagreements()) == []


@pytest.mark.django_db(transaction=True)
def test_without_the_guard_more_than_one_gets_it(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_and_hope(promo: PromoCode, now: Any) -> bool:
        return promo.max_redemptions is None or promo.redeemed < promo.max_redemptions

    monkeypatch.setattr(promotions, "_take", read_and_hope)
    code = make(max_redemptions=1)
    people = [make_user(f"Person{number} Else") for number in range(16)]
    purses = [wallets.wallet_of(create_team(f"Team {number}", alice)) for number in range(16)]
    assert kinds(redeem_at_once(code, purses, *people)) == {"Redemption": 16}


@pytest.mark.django_db(transaction=True)
def test_one_team_presses_sixteen_times(wallet: Wallet, alice: User) -> None:
    code = make(max_redemptions=None)
    assert kinds(redeem_at_once(code, [wallet] * 16, alice)) == {"CodeRedeemed": 15, "Redemption": 1}
    code.refresh_from_db()
    assert (code.redeemed, books(wallet)) == (1, (60 * CREDIT, 2))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("who", ["any", "new"])
def test_one_person_takes_a_code_once_for_sixteen_teams(alice: User, who: str) -> None:
    code = make(max_redemptions=None, who=who)
    purses = [wallets.wallet_of(create_team(f"Team {number}", alice)) for number in range(16)]
    assert kinds(redeem_at_once(code, purses, alice)) == {"CodeRedeemed": 15, "Redemption": 1}
    code.refresh_from_db()
    assert code.redeemed == 1


# --- the form -----------------------------------------------------------------------------------------------------------------------


def press(client: Client, code: str) -> Any:
    return client.post(reverse("redeem"), {"code": code})


def test_a_lead_redeems_on_the_wallet_page(wallet: Wallet, alice: User, client_of: Callable[..., Client]) -> None:
    client, code = client_of(alice), make("SPRING25")
    assert 'action="/wallet/redeem/"' in client.get(reverse("wallet")).content.decode()
    assert 'value="SPRING25"' in client.get(reverse("redeem"), {"code": "SPRING25"}).content.decode()
    assert books(wallet) == (10 * CREDIT, 1)  # a link redeems nothing
    answer = client.post(reverse("redeem"), {"code": code.code.lower()}, follow=True)
    assert answer.redirect_chain == [("/wallet/", 302)]
    assert "50 credits added to Harbour Street." in unescape(answer.content.decode())
    assert books(wallet) == (60 * CREDIT, 2)


def test_a_code_that_is_none_keeps_what_was_typed(wallet: Wallet, alice: User, client_of: Callable[..., Client]) -> None:
    answer = press(client_of(alice), "no such <code>")
    page = answer.content.decode()
    assert answer.status_code == 422
    assert 'value="no such &lt;code&gt;"' in page
    assert "This code cannot be redeemed here." in page
    assert books(wallet) == (10 * CREDIT, 1)


def test_one_that_was_redeemed_says_when(wallet: Wallet, alice: User, client_of: Callable[..., Client]) -> None:
    code = make()
    with time_machine.travel("2026-05-03T10:00:00Z"):
        promotions.redeem(wallet, code.code, actor=alice)
    answer = press(client_of(alice), code.code)
    assert answer.status_code == 422
    assert "This team has redeemed that code already, on 3 May 2026. Nothing was added now." in answer.content.decode()
    assert books(wallet) == (60 * CREDIT, 2)


def test_whoever_guesses_has_to_wait(wallet: Wallet, alice: User, client_of: Callable[..., Client]) -> None:
    client, code = client_of(alice), make()
    assert {press(client, f"GUESS-{number}").status_code for number in range(10)} == {422}
    answer = press(client, code.code)
    assert answer.status_code == 429
    assert 3500 < int(answer["Retry-After"]) <= 3600
    assert f'value="{code.code}"' in answer.content.decode()
    assert books(wallet) == (10 * CREDIT, 1)


@pytest.mark.parametrize("who", ["bob", "carol"])
def test_others_in_the_team_do_not_redeem(wallet: Wallet, who: str, client_of: Callable[..., Client], request: Any) -> None:
    client, code = client_of(request.getfixturevalue(who)), make()
    assert reverse("redeem") not in client.get(reverse("wallet")).content.decode()
    assert press(client, code.code).status_code == 403
    code.refresh_from_db()
    assert (books(wallet), code.redeemed) == ((10 * CREDIT, 1), 0)


def test_an_admin_of_the_team_does(wallet: Wallet, team: Team, bob: User, client_of: Callable[..., Client]) -> None:
    Membership.objects.filter(team=team, user=bob).update(role=Role.ADMIN)
    assert press(client_of(bob), make().code).status_code == 302
    assert books(wallet) == (60 * CREDIT, 2)


# --- the operator ---------------------------------------------------------------------------------------------------------------------

MAKE = "/admin/billing/promocode/add/"


def form(**changes: str) -> dict[str, str]:
    return {"key": str(uuid.uuid4()), "label": "Fair", "credits": "12.5", "count": "3", "who": "any", **changes}


def test_the_operator_makes_many_at_once(desk: Client, operator: User) -> None:
    assert "Make codes" in desk.get(MAKE).content.decode()
    sent = form(max_redemptions="2", expires_in_days="90")
    answer = desk.post(MAKE, sent, follow=True)
    assert answer.status_code == 200
    assert desk.post(MAKE, sent).status_code == 302  # sent twice
    made = list(PromoCode.objects.order_by("number"))
    assert [(one.amount, one.max_redemptions, one.expires_in_days, one.created_by) for one in made] == [(12_500, 2, 90, operator)] * 3
    assert all(one.code in answer.content.decode() for one in made)
    page = desk.get(f"/admin/billing/promocode/{made[0].pk}/change/").content.decode()
    assert "All redemptions of this code" in page
    assert 'name="_save"' not in page


@pytest.mark.parametrize(
    "wrong",
    [
        {"label": ""},
        {"credits": "0"},
        {"count": "0"},
        {"count": "1001"},
        {"own": "SHORT", "count": "1"},
        {"own": "SPRING25", "count": "3"},
        {"expires_in_days": "30", "expires_at": "2999-01-01"},
        {"valid_until": "2020-01-01"},
        {"valid_from": "2999-01-02", "valid_until": "2999-01-01"},
        {"who": "nobody"},
        {"key": "1"},
    ],
)
def test_codes_that_make_no_sense_are_not_made(desk: Client, wrong: dict[str, str]) -> None:
    answer = desk.post(MAKE, form(**wrong))
    assert answer.status_code == 422
    assert "Nothing was made by this." in answer.content.decode()
    assert not PromoCode.objects.exists()


def test_one_of_ones_own_that_is_taken(desk: Client) -> None:
    make("SPRING25")
    answer = desk.post(MAKE, form(own="spr1ng-25", count="1"))
    assert answer.status_code == 422
    assert "There is a code already that reads like this one." in answer.content.decode()
    assert PromoCode.objects.count() == 1


def test_the_operator_stops_codes_and_sees_who_redeemed(desk: Client, wallet: Wallet, operator: User) -> None:
    code = make(max_redemptions=9)
    promotions.redeem(wallet, code.code, actor=operator)
    listed = desk.get("/admin/billing/redemption/", {"code__id__exact": code.pk})
    assert (listed.status_code, "Harbour Street" in listed.content.decode()) == (200, True)
    desk.post("/admin/billing/promocode/", {"action": "stop_codes", "_selected_action": [code.pk]})
    code.refresh_from_db()
    assert code.stopped_at is not None
    assert desk.post(f"/admin/billing/promocode/{code.pk}/delete/", {"post": "yes"}).status_code == 403


@pytest.mark.parametrize("who", ["alice", "bob", "mallory"])
def test_nobody_else_makes_codes(wallet: Wallet, who: str, client_of: Callable[..., Client], request: Any) -> None:
    assert client_of(request.getfixturevalue(who)).post(MAKE, form()).status_code in (302, 403)
    assert not PromoCode.objects.exists()


def test_a_gift_expires_after_its_last_day(wallet: Wallet, desk: Client) -> None:
    sent = {"key": str(uuid.uuid4()), "amount": "5", "reason": "the fair", "source": "promotions", "expires_at": "2999-12-31"}
    assert desk.post(f"/admin/billing/wallet/{wallet.pk}/grant/", sent).status_code == 302
    entry = wallet.entries.latest("id")
    assert (entry.account, entry.description, entry.amount) == ("promotions", "Gift: the fair", 5_000)
    assert timezone.localtime(entry.lot.expires_at).strftime("%Y-%m-%d %H:%M") == "3000-01-01 00:00"


@pytest.mark.parametrize("wrong", [{"expires_at": "2020-01-01"}, {"expires_at": "9999-12-31"}, {"source": "sales"}])
def test_a_gift_that_makes_no_sense(wallet: Wallet, desk: Client, wrong: dict[str, str]) -> None:
    sent = {"key": str(uuid.uuid4()), "amount": "5", "reason": "the fair", **wrong}
    assert desk.post(f"/admin/billing/wallet/{wallet.pk}/grant/", sent).status_code == 422
    assert books(wallet) == (10 * CREDIT, 1)
