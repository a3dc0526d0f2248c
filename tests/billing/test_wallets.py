"""Each service, to the millicredit."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction

from accounts.models import Team, User
from accounts.services import create_team
from billing import ledger
from billing.errors import AmountTooLarge, BooksDisagree, HoldNotActive, InsufficientCredits, InvalidAmount, ReferenceTaken
from billing.models import Hold, LedgerEntry, Wallet
from billing.services.wallets import capture, grant, open_wallet, place_hold, refund, void, wallet_of

pytestmark = pytest.mark.django_db


def entries(wallet: Wallet) -> list[tuple[str, str, int, int, int]]:
    """(kind, reference, change of balance, change of held, balance after), oldest first."""
    return list(wallet.entries.order_by("id").values_list("kind", "reference", "amount", "held", "balance_after"))


def books(wallet: Wallet) -> tuple[int, int]:
    return Wallet.objects.values_list("balance", "held").get(pk=wallet.pk)


FIRST = ("grant", "first", 10_000, 0, 10_000)


def test_a_personal_team_is_welcomed_once(alice: User) -> None:
    team = Team.objects.get(is_personal=True, memberships__user=alice)
    wallet = wallet_of(team)
    assert open_wallet(team) == open_wallet(team) == wallet
    assert books(wallet) == (25_000, 0)
    assert entries(wallet) == [("grant", "welcome", 25_000, 0, 25_000)]


def test_a_shared_team_begins_with_nothing(team: Team) -> None:
    wallet = wallet_of(team)
    assert books(wallet) == (0, 0)
    assert entries(wallet) == []


def test_a_studio_without_welcome_credits_grants_none(alice: User, settings: Any) -> None:
    settings.WELCOME_CREDITS = 0
    wallet = open_wallet(create_team("Alice's other", alice, is_personal=True))
    assert books(wallet) == (0, 0)
    assert entries(wallet) == []
    settings.WELCOME_CREDITS = 25
    assert books(open_wallet(wallet.team)) == (0, 0), "the welcome belongs to the opening; a later setting does not pay it out"


def test_wallet_of_opens_a_missing_wallet(alice: User, settings: Any) -> None:
    settings.TEAM_LISTENER = ""
    team = create_team("Quiet", alice)
    assert not Wallet.objects.filter(team=team).exists()
    assert wallet_of(team) == Wallet.objects.get(team=team)


def test_a_grant_adds_and_says_who(wallet: Wallet, alice: User) -> None:
    entry = grant(wallet, 2_500, reference="gift", description="A gift", actor=alice)
    assert (entry.amount, entry.held, entry.balance_after, entry.description, entry.actor) == (2_500, 0, 12_500, "A gift", alice)
    assert (wallet.balance, wallet.held, wallet.available) == (12_500, 0, 12_500)
    assert books(wallet) == (12_500, 0)


def test_the_same_grant_again_is_the_first_one(wallet: Wallet) -> None:
    first = grant(wallet, 2_500, reference="gift", description="A gift")
    again = grant(wallet, 9_999, reference="gift", description="Another gift")
    assert again == first
    assert (again.amount, again.description) == (2_500, "A gift")
    assert books(wallet) == (12_500, 0)
    assert wallet.balance == 12_500


def test_one_reference_serves_each_wallet(wallet: Wallet, other_team: Team) -> None:
    elsewhere = wallet_of(other_team)
    grant(elsewhere, 1, reference="first", description="A gift")
    assert books(elsewhere) == (1, 0)
    assert books(wallet) == (10_000, 0)


@pytest.mark.parametrize("amount", [0, -1, 1.5, "1"])
def test_a_grant_must_be_a_positive_whole_number(wallet: Wallet, amount: Any) -> None:
    with pytest.raises(InvalidAmount):
        grant(wallet, amount, reference="gift", description="A gift")
    assert entries(wallet) == [FIRST]
    assert books(wallet) == (10_000, 0)


def test_a_hold_sets_aside_and_the_rest_stays_available(wallet: Wallet, bob: User) -> None:
    hold = place_hold(wallet, 4_000, reference="job:1", description="4 pictures", actor=bob)
    assert (hold.amount, hold.captured, hold.released, hold.status, hold.actor, hold.settled_at) == (4_000, 0, 0, "active", bob, None)
    assert (wallet.balance, wallet.held, wallet.available) == (10_000, 4_000, 6_000)
    assert entries(wallet) == [FIRST, ("hold", "job:1", 0, 4_000, 10_000)]
    assert wallet.entries.get(kind="hold").actor == bob


def test_a_hold_of_all_that_there_is(wallet: Wallet) -> None:
    place_hold(wallet, 10_000, reference="job:1", description="10 pictures")
    assert books(wallet) == (10_000, 10_000)


def test_a_hold_of_a_millicredit_too_much_leaves_nothing_behind(wallet: Wallet) -> None:
    place_hold(wallet, 4_000, reference="job:1", description="4 pictures")
    with pytest.raises(InsufficientCredits) as error:
        place_hold(wallet, 6_001, reference="job:2", description="7 pictures")
    assert (error.value.needed, error.value.available, error.value.code) == (6_001, 6_000, "insufficient_credits")
    assert error.value.message.startswith("This costs 6.001 credits and 6 are available. ")
    assert books(wallet) == (10_000, 4_000)
    assert not Hold.objects.filter(reference="job:2").exists()
    assert len(entries(wallet)) == 2


def test_the_same_hold_again_is_the_first_one_also_when_credits_have_run_out(wallet: Wallet) -> None:
    first = place_hold(wallet, 9_000, reference="job:1", description="9 pictures")
    assert place_hold(wallet, 9_000, reference="job:1", description="9 pictures") == first
    assert place_hold(wallet, 500, reference="job:1", description="9 pictures") == first
    capture(first, 9_000)
    assert place_hold(wallet, 9_000, reference="job:1", description="9 pictures").status == "captured"
    assert books(wallet) == (1_000, 0)


def test_a_hold_of_nothing_is_free_of_charge(team: Team) -> None:
    wallet = wallet_of(team)
    hold = capture(place_hold(wallet, 0, reference="job:1", description="A test card"), 0)
    assert (hold.status, hold.settlement) == ("captured", "free of charge")
    assert entries(wallet) == [("hold", "job:1", 0, 0, 0), ("capture", "job:1", 0, 0, 0)]
    assert list(ledger.disagreements()) == []


@pytest.mark.parametrize("amount", [-1, 0.5, None])
def test_a_hold_must_be_a_whole_number(wallet: Wallet, amount: Any) -> None:
    with pytest.raises(InvalidAmount):
        place_hold(wallet, amount, reference="job:1", description="A picture")
    assert books(wallet) == (10_000, 0)
    assert not wallet.holds.exists()


def test_a_capture_charges_a_part_and_releases_the_rest(wallet: Wallet, bob: User) -> None:
    hold = place_hold(wallet, 4_000, reference="job:1", description="4 pictures", actor=bob)
    returned = capture(hold, 3_000)
    assert returned is hold
    hold.refresh_from_db()
    assert (hold.status, hold.captured, hold.released, hold.settlement) == ("captured", 3_000, 1_000, "held 4, charged 3, released 1")
    assert hold.settled_at is not None
    assert books(wallet) == (7_000, 0)
    assert entries(wallet) == [FIRST, ("hold", "job:1", 0, 4_000, 10_000), ("capture", "job:1", -3_000, -4_000, 7_000)]
    assert wallet.entries.get(kind="capture").actor == bob


def test_a_capture_of_all(wallet: Wallet) -> None:
    hold = capture(place_hold(wallet, 4_000, reference="job:1", description="4 pictures"), 4_000)
    assert hold.settlement == "held 4, charged 4"
    assert books(wallet) == (6_000, 0)


def test_a_capture_of_more_than_was_held_is_refused(wallet: Wallet) -> None:
    hold = place_hold(wallet, 4_000, reference="job:1", description="4 pictures")
    with pytest.raises(AmountTooLarge) as error:
        capture(hold, 4_001)
    assert (error.value.amount, error.value.limit) == (4_001, 4_000)
    hold.refresh_from_db()
    assert (hold.status, hold.captured) == ("active", 0)
    assert books(wallet) == (10_000, 4_000)


def test_a_hold_that_says_more_than_its_row_captures_nothing(wallet: Wallet) -> None:
    hold = place_hold(wallet, 4_000, reference="job:1", description="4 pictures")
    place_hold(wallet, 5_000, reference="job:2", description="5 pictures")
    hold.amount = 9_000
    with pytest.raises(BooksDisagree):
        capture(hold, 9_000)
    assert books(wallet) == (10_000, 9_000)
    assert (hold.amount, hold.status) == (4_000, "active")


@pytest.mark.parametrize("amount", [-1, 0.5])
def test_a_capture_must_be_a_whole_number(wallet: Wallet, amount: Any) -> None:
    hold = place_hold(wallet, 4_000, reference="job:1", description="4 pictures")
    with pytest.raises(InvalidAmount):
        capture(hold, amount)
    assert books(wallet) == (10_000, 4_000)


def test_a_second_capture_is_refused_also_from_a_stale_object(wallet: Wallet) -> None:
    hold = place_hold(wallet, 4_000, reference="job:1", description="4 pictures")
    stale = Hold.objects.get(pk=hold.pk)
    capture(hold, 3_000)
    with pytest.raises(HoldNotActive) as error:
        capture(stale, 1_000)
    assert (error.value.reference, error.value.status) == ("job:1", "captured")
    assert (stale.status, stale.captured) == ("captured", 3_000)
    assert books(wallet) == (7_000, 0)
    assert len(entries(wallet)) == 3


def test_a_void_releases_all(wallet: Wallet) -> None:
    hold = void(place_hold(wallet, 4_000, reference="job:1", description="4 pictures"))
    assert (hold.status, hold.captured, hold.released, hold.settlement) == ("voided", 0, 4_000, "held 4, released 4")
    assert books(wallet) == (10_000, 0)
    assert entries(wallet)[-1] == ("void", "job:1", 0, -4_000, 10_000)


def test_a_second_void_changes_nothing(wallet: Wallet) -> None:
    hold = place_hold(wallet, 4_000, reference="job:1", description="4 pictures")
    stale = Hold.objects.get(pk=hold.pk)
    void(hold)
    assert void(hold).status == "voided"
    assert void(stale).status == "voided"
    assert books(wallet) == (10_000, 0)
    assert len(entries(wallet)) == 3


def test_what_was_captured_cannot_be_voided_nor_the_other_way_round(wallet: Wallet) -> None:
    captured = capture(place_hold(wallet, 4_000, reference="job:1", description="4 pictures"), 3_000)
    with pytest.raises(HoldNotActive):
        void(captured)
    voided = void(place_hold(wallet, 2_000, reference="job:2", description="2 pictures"))
    with pytest.raises(HoldNotActive):
        capture(voided, 2_000)
    assert books(wallet) == (7_000, 0)
    assert Hold.objects.values_list("reference", "status", "captured").order_by("id").last() == ("job:2", "voided", 0)
    assert len(entries(wallet)) == 5


def test_a_refund_gives_back_what_was_charged(wallet: Wallet, alice: User) -> None:
    hold = capture(place_hold(wallet, 4_000, reference="job:1", description="4 pictures"), 3_000)
    entry = refund(hold, 1_000, reference="refund:1", description="One was blurred", actor=alice)
    assert (entry.kind, entry.amount, entry.held, entry.balance_after, entry.hold, entry.actor) == ("refund", 1_000, 0, 8_000, hold, alice)
    assert (hold.refunded, hold.settlement) == (1_000, "held 4, charged 3, released 1, refunded 1")
    assert books(wallet) == (8_000, 0)


def test_refunds_end_at_what_was_charged(wallet: Wallet) -> None:
    hold = capture(place_hold(wallet, 4_000, reference="job:1", description="4 pictures"), 3_000)
    refund(hold, 2_000, reference="refund:1", description="Two were blurred")
    with pytest.raises(AmountTooLarge) as error:
        refund(hold, 1_001, reference="refund:2", description="One was blurred")
    assert (error.value.amount, error.value.limit) == (1_001, 1_000)
    assert books(wallet) == (9_000, 0)
    assert not LedgerEntry.objects.filter(reference="refund:2").exists()
    refund(hold, 1_000, reference="refund:2", description="One was blurred")
    assert books(wallet) == (10_000, 0)


def test_the_same_refund_again_is_the_first_one(wallet: Wallet) -> None:
    hold = capture(place_hold(wallet, 4_000, reference="job:1", description="4 pictures"), 3_000)
    first = refund(hold, 3_000, reference="refund:1", description="All were blurred")
    assert refund(hold, 3_000, reference="refund:1", description="All were blurred") == first
    assert books(wallet) == (10_000, 0)
    assert hold.refunded == 3_000


def test_the_reference_of_a_refund_belongs_to_one_hold(wallet: Wallet) -> None:
    hold = capture(place_hold(wallet, 2_000, reference="job:1", description="2 pictures"), 2_000)
    other = capture(place_hold(wallet, 2_000, reference="job:2", description="2 pictures"), 2_000)
    refund(hold, 500, reference="refund:1", description="Blurred")
    with pytest.raises(ReferenceTaken):
        refund(other, 500, reference="refund:1", description="Blurred")
    other.refresh_from_db()
    assert other.refunded == 0
    assert books(wallet) == (6_500, 0)


@pytest.mark.parametrize("state", ["active", "voided"])
def test_what_was_not_charged_cannot_be_refunded(wallet: Wallet, state: str) -> None:
    hold = place_hold(wallet, 4_000, reference="job:1", description="4 pictures")
    if state == "voided":
        void(hold)
    before = entries(wallet)
    with pytest.raises(AmountTooLarge):
        refund(hold, 1, reference="refund:1", description="Blurred")
    assert entries(wallet) == before
    assert books(wallet)[0] == 10_000


def test_a_wallet_that_does_not_cover_its_hold_is_reported_and_left_alone(wallet: Wallet) -> None:
    hold = place_hold(wallet, 4_000, reference="job:1", description="4 pictures")
    Wallet.objects.filter(pk=wallet.pk).update(held=1_000)
    with pytest.raises(BooksDisagree):
        capture(hold, 4_000)
    with pytest.raises(BooksDisagree):
        void(hold)
    assert books(wallet) == (10_000, 1_000)
    assert Hold.objects.get(pk=hold.pk).status == "active"


def test_the_caller_s_transaction_takes_everything_back(wallet: Wallet) -> None:
    hold = place_hold(wallet, 4_000, reference="job:1", description="4 pictures")

    class StorageFailed(Exception):
        pass

    def settle() -> None:
        with transaction.atomic():
            capture(hold, 4_000)
            raise StorageFailed

    with pytest.raises(StorageFailed):
        settle()
    assert books(wallet) == (10_000, 4_000)
    assert Hold.objects.get(pk=hold.pk).status == "active"
    assert len(entries(wallet)) == 2


def test_a_refusal_inside_a_larger_transaction_leaves_it_usable(wallet: Wallet) -> None:
    with transaction.atomic():
        with pytest.raises(InsufficientCredits):
            place_hold(wallet, 11_000, reference="job:1", description="11 pictures")
        grant(wallet, 1_000, reference="gift", description="A gift")
        place_hold(wallet, 11_000, reference="job:1", description="11 pictures")
    assert books(wallet) == (11_000, 11_000)


def test_the_listener_hears_each_change_once_inside_the_transaction(wallet: Wallet, heard: list[tuple[int, int, int]]) -> None:
    team = wallet.team_id
    hold = place_hold(wallet, 4_000, reference="job:1", description="4 pictures")
    place_hold(wallet, 4_000, reference="job:1", description="4 pictures")
    capture(hold, 3_000)
    refund(hold, 1_000, reference="refund:1", description="Blurred")
    refund(hold, 1_000, reference="refund:1", description="Blurred")
    void(void(place_hold(wallet, 500, reference="job:2", description="A picture")))
    with pytest.raises(InsufficientCredits):
        place_hold(wallet, 10_000, reference="job:3", description="10 pictures")
    assert heard == [(team, 10_000, 4_000), (team, 7_000, 0), (team, 8_000, 0), (team, 8_000, 500), (team, 8_000, 0)]


def test_a_listener_that_fails_takes_the_change_with_it(wallet: Wallet, settings: Any) -> None:
    settings.BILLING_LISTENER = "tests.billing.listening.refuse"
    with pytest.raises(RuntimeError):
        grant(wallet, 1_000, reference="gift", description="A gift")
    assert books(wallet) == (10_000, 0)
    assert entries(wallet) == [FIRST]


def test_a_description_is_one_line_that_fits(wallet: Wallet) -> None:
    hold = place_hold(wallet, 0, reference="job:1", description="Ein Schiff\n\x00  bei Nacht " + "🚢" * 400)
    assert len(hold.description) == 300
    assert hold.description.startswith("Ein Schiff bei Nacht 🚢")
    assert hold.description.endswith("🚢…")
    assert wallet.entries.get(kind="hold").description == hold.description
