"""Whatever happens to a wallet, in whatever order and at whatever time, its books are those of a model in plain Python (`model.py`).

Rules for what is built upon credits are classes of their own beside `Work`, which a machine inherits together: each has the wallet in
`self.wallet` and what should be in it in `self.purse`; see `Codes`. That a machine would see a fault is shown by planting one (`notices`).
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

import pytest
import time_machine
from django.db import transaction
from django.db.models import Count, Sum
from django.utils import timezone
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from accounts.models import Membership, Role, Team, User
from billing import ledger
from billing.errors import (
    AmountTooLarge,
    BillingError,
    CodeRedeemed,
    CodeRefused,
    HoldNotActive,
    InsufficientCredits,
    OverBudget,
    ReferenceTaken,
)
from billing.models import Account, Hold, LedgerEntry, Lot, PromoCode, Wallet
from billing.services import lots, promotions, wallets
from tests.billing.model import Purse, Refused
from tests.billing.model_limits import NotNow, OverLimit

T = TypeVar("T")
SEED = int(os.environ.get("SOAK_SEED", "1"))
"""Stories are the same each time; `SOAK=2000 SOAK_SEED=7` tells more of them, and others."""
STORIES = 60
CHAPTER = 10
"""Stories are told so many at a time: hypothesis goes on with variations of what it has told, which find nothing new here."""
BEGIN = datetime(2026, 3, 28, 22, 30, tzinfo=timezone.get_default_timezone())
"""The night in which clocks change in most of Europe."""
AMOUNTS = st.integers(min_value=1, max_value=5_000) | st.sampled_from([1, 999, 1_000, 2_500])
SHARES = {"nothing": 0, "a tenth": 1, "half": 5, "all": 10}
SHARE = st.sampled_from([*SHARES, "all", "too much"])
"""Of what there is: amounts at the limits, whatever those are by then (`share_of`)."""
SETTLED = SHARE | st.just("released")
NUMBERS = st.integers(min_value=0, max_value=9)
"""Few references, so that some calls come a second time."""
WHO = st.sampled_from(["", "Owner", "Member"])
"""Who asks for work; "" for nobody."""
HOURS = st.integers(min_value=1, max_value=20) | st.integers(min_value=1, max_value=45).map(lambda days: 24 * days)
LASTING = st.none() | st.integers(min_value=1, max_value=40)
"""Days until credits expire; None: never."""
FURNITURE = (("operator", 4_000, None), ("promotions", 3_000, 9), ("operator", 2_000, 2))
"""Of the lots that stories begin with: source, amount, and days until they expire."""


def share_of(most: int, share: str | int, least: int = 0) -> int:
    """Millicredits; "too much" is one more than there is."""
    if isinstance(share, int):
        return share
    return max(least, most + 1 if share == "too much" else most * SHARES[share] // 10)


def one_of(data: st.DataObject, things: Sequence[T]) -> T:
    return things[data.draw(st.integers(min_value=0, max_value=len(things) - 1))]


def mostly(data: st.DataObject, wanted: Sequence[T], others: Sequence[T]) -> T:
    """Of those that something can be done with, and now and then of all."""
    return one_of(data, wanted if wanted and data.draw(st.integers(min_value=0, max_value=3)) else others)


class Ground(RuleBasedStateMachine):
    """A wallet, a clock that stands still until a rule moves it, and the comparison after every step."""

    furniture: Sequence[tuple[str, int, int | None]] = FURNITURE

    def __init__(self) -> None:
        super().__init__()
        self.clock = time_machine.travel(BEGIN, tick=False)
        self.time = self.clock.start()
        self.example = transaction.atomic()
        self.example.__enter__()
        self.purse = Purse(timezone.now())
        self.known: dict[tuple[str, str], Any] = {}
        """What a reference has done before, by its kind: the same call again finds that, and changes nothing."""
        self.settled_elsewhere: set[int] = set()
        """Places of lots whose frozen credits are somebody else's business: those of purchases."""

    @initialize(is_personal=st.booleans())
    def open(self, is_personal: bool) -> None:
        team = Team.objects.create(name="Property", is_personal=is_personal)
        self.people = {name: User.objects.create(email=f"{name.lower()}@harbour.example", name=name) for name in ("Owner", "Member")}
        self.person = self.people["Owner"]
        for name, role in (("Owner", Role.OWNER), ("Member", Role.CREATOR)):
            Membership.objects.create(team=team, user=self.people[name], role=role)
        self.wallet = wallets.open_wallet(team)
        if is_personal:
            self.purse.bring("welcome", 25_000)
        for place, (source, amount, days) in enumerate(self.furniture):
            self.give(f"furniture:{place}", amount, days, source)
        self.furnish()

    def furnish(self) -> None:
        """What a machine needs besides."""

    def teardown(self) -> None:
        try:
            assert list(ledger.disagreements()) == []
        finally:
            transaction.set_rollback(True)
            self.example.__exit__(None, None, None)
            self.clock.stop()

    @rule(hours=HOURS | st.sampled_from(["to an end", "to an end", "just before"]), chores=st.booleans())
    def time_passes(self, hours: int | str, chores: bool) -> None:
        """So many, or until credits expire."""
        ends = [lot.expires for lot in self.purse.lots if lot.left and lot.expires and lot.expires > self.purse.now]
        if isinstance(hours, int):
            self.move_on(timedelta(hours=hours))
        elif ends:
            self.move_on(min(ends) - self.purse.now - timedelta(seconds=hours == "just before"))
        if chores:
            self.do_chores()

    def do_chores(self) -> None:
        """Of the night."""
        assert wallets.expire(self.wallet) == self.purse.expire()

    def move_on(self, span: timedelta) -> None:
        self.time.shift(span)
        self.purse.now = timezone.now()

    def give(self, reference: str, amount: int, days: int | None, source: str) -> None:
        expires = None if days is None else timezone.now() + timedelta(days=days)
        entry = wallets.grant(self.wallet, amount, reference=reference, description="A gift", source=Account(source), expires_at=expires)
        if ("grant", reference) not in self.known:
            self.purse.bring(source, amount, expires)
        assert entry.amount == self.known.setdefault(("grant", reference), amount)

    def lot(self, place: int) -> Lot:
        return list(self.wallet.lots.order_by("id"))[place]

    @invariant()
    def the_books_are_those_of_the_model(self) -> None:
        if not hasattr(self, "wallet"):
            return
        wallet, purse = self.wallet, self.purse
        [found] = Wallet.objects.filter(pk=wallet.pk).values_list("balance", "held", "frozen")
        assert found == (purse.balance, purse.held, purse.frozen)
        rows = wallet.lots.order_by("id").values_list("source", "amount", "remaining", "expires_at", "frozen")
        assert list(rows) == [(lot.source, lot.amount, lot.left, lot.expires, lot.frozen) for lot in purse.lots]
        holds = wallet.holds.order_by().values_list("reference", "amount", "status", "captured", "refunded")
        expected = {name: (hold.amount, hold.status, hold.captured, hold.refunded) for name, hold in purse.holds.items()}
        assert {reference: tuple(rest) for reference, *rest in holds} == expected
        moved = wallet.entries.order_by().values_list("account").annotate(Sum("amount"), Count("pk"))
        lines = {account: (amount, count) for account, amount, count in moved}
        assert sum(count for _, count in lines.values()) == purse.lines
        # Every credit came from somewhere and went somewhere.
        assert {account: -amount for account, (amount, _) in lines.items() if amount} == {one: to for one, to in purse.moved.items() if to}


class Work(Ground):
    """Credits come, are set aside, spent and given back.

    Few rules, as hypothesis leaves about half of them out of each story, and the first one in the order of their arguments and names comes
    most often."""

    def furnish(self) -> None:
        super().furnish()
        self.hold("job:0", 1_500, "Owner")
        self.hold("job:1", 2_500, "Member")

    @rule(order=st.tuples(NUMBERS, AMOUNTS | SHARE, WHO, st.none() | SETTLED))
    def ask_for_work(self, order: tuple[int, int | str, str, str | None]) -> None:
        """Number, amount, who asks, and what becomes of it at once."""
        number, amount, who, end = order
        reference = f"job:{number}"
        self.hold(reference, share_of(self.limit(who), amount), who)
        if end is not None and reference in self.purse.holds:
            self.settle(reference, end)

    @rule(number=NUMBERS, amount=AMOUNTS, days=LASTING, source=st.sampled_from(["operator", "promotions", "sales", "plans"]))
    def grant(self, number: int, amount: int, days: int | None, source: str) -> None:
        self.give(f"gift:{number}", amount, days, source)

    @precondition(lambda self: self.purse.holds)
    @rule(data=st.data(), ends=st.lists(SETTLED, min_size=1, max_size=2))
    def end_work(self, data: st.DataObject, ends: list[str]) -> None:
        """Once, and then again."""
        reference = mostly(data, self.holds("active"), list(self.purse.holds))
        for end in ends:
            self.settle(reference, end)

    @precondition(lambda self: self.holds("captured"))
    @rule(data=st.data(), number=NUMBERS, share=SHARE, late=st.booleans())
    def refund(self, data: st.DataObject, number: int, share: str, late: bool) -> None:
        """`late`: when credits that were charged have expired since."""
        reference, key = one_of(data, self.holds("captured")), ("refund", f"refund:{number}")
        hold = self.purse.holds[reference]
        ends = [self.purse.lots[place].expires for place, left in hold.took.items() if left]
        if late and (to_come := [end for end in ends if end and end > self.purse.now]):
            self.move_on(min(to_come) - self.purse.now)
        amount = share_of(hold.captured - hold.refunded, share, 1)
        try:
            entry = wallets.refund(self.row(reference), amount, reference=key[1], description="Given back")
        except ReferenceTaken:
            assert self.known[key][0] != reference
        except AmountTooLarge:
            assert key not in self.known
            with pytest.raises(Refused):
                self.purse.refund(reference, amount)
        else:
            if key not in self.known:
                self.purse.refund(reference, amount)
            assert (reference, entry.amount) == self.known.setdefault(key, (reference, amount))

    # --- how ---
    def limit(self, who: str) -> int:
        """What may be set aside at most."""
        return self.purse.spendable

    def hold(self, reference: str, amount: int, who: str) -> None:
        is_known, spendable = reference in self.purse.holds, self.purse.spendable
        try:
            hold = wallets.place_hold(self.wallet, amount, reference=reference, description="Pictures", actor=self.people.get(who))
        except OverBudget as refusal:
            assert not is_known
            with pytest.raises(OverLimit) as over:
                self.purse.hold(reference, amount, who)
            assert over.value.args == (refusal.scope, refusal.span, refusal.limit, refusal.left)  # noqa: PT017
        except InsufficientCredits as refusal:
            assert (is_known, refusal.needed, refusal.available) == (False, amount, spendable)  # noqa: PT017
            with pytest.raises(Refused):
                self.purse.hold(reference, amount, who)
        else:
            if not is_known:
                self.purse.hold(reference, amount, who)
            assert hold.amount == self.purse.holds[reference].amount

    def settle(self, reference: str, end: str) -> None:
        """Charge such a share of the hold, or release it."""
        amount = None if end == "released" else share_of(self.purse.holds[reference].amount, end)
        try:
            wallets.void(self.row(reference)) if amount is None else wallets.capture(self.row(reference), amount)
        except (AmountTooLarge, HoldNotActive):
            with pytest.raises(Refused):
                self.purse.void(reference) if amount is None else self.purse.capture(reference, amount)
        else:
            self.purse.void(reference) if amount is None else self.purse.capture(reference, amount)

    def holds(self, *statuses: str) -> list[str]:
        """Their references."""
        return [reference for reference, hold in self.purse.holds.items() if hold.status in statuses]

    def row(self, reference: str) -> Hold:
        return Hold.objects.select_related("wallet").get(wallet=self.wallet, reference=reference)


class Credits(Work):
    """What `wallets` does besides."""

    @precondition(lambda self: self.purse.lots)
    @rule(data=st.data(), number=NUMBERS, share=SHARE)
    def revoke(self, data: st.DataObject, number: int, share: str) -> None:
        place, key = self.place(data), ("revocation", f"back:{number}")
        amount = share_of(min(self.purse.lots[place].free, self.purse.available), share, 1)
        try:
            entry = wallets.revoke(self.lot(place), amount, reference=key[1], description="Taken back", actor=self.person)
        except AmountTooLarge:
            assert key not in self.known
            with pytest.raises(Refused):
                self.purse.revoke(place, amount)
        else:
            if key not in self.known:
                self.purse.revoke(place, amount)
            assert -entry.amount == self.known.setdefault(key, amount)

    @precondition(lambda self: self.purse.lots)
    @rule(data=st.data(), number=NUMBERS, share=SHARE, thaws=st.booleans())
    def freeze_or_thaw(self, data: st.DataObject, number: int, share: str, thaws: bool) -> None:
        place, key = self.place(data), ("thaw" if thaws else "freeze", f"dispute:{number}")
        if place in self.settled_elsewhere:
            return
        lot = self.purse.lots[place]
        amount = share_of(lot.frozen if thaws else lot.free, share, 1)
        entry = (wallets.thaw if thaws else wallets.freeze)(self.lot(place), amount, reference=key[1], description="A dispute")
        if key not in self.known:
            moved = self.purse.thaw(place, amount) if thaws else self.purse.freeze(place, amount)
            if moved:
                self.known[key] = moved
        assert (entry.frozen if entry else None) == self.known.get(key)

    @rule(number=NUMBERS, amount=AMOUNTS | SHARE)
    def correct(self, number: int, amount: int | str) -> None:
        """A share is taken."""
        change = amount if isinstance(amount, int) else -share_of(self.purse.spendable, amount, 1)
        key = ("correction", f"mended:{number}")
        try:
            entry = wallets.correct(self.wallet, change, reference=key[1], description="Was wrong", actor=self.person)
        except AmountTooLarge:
            assert key not in self.known
            with pytest.raises(Refused):
                self.purse.correct(change)
        else:
            if key not in self.known:
                self.purse.correct(change)
            assert entry.amount == self.known.setdefault(key, change)

    def place(self, data: st.DataObject) -> int:
        """Of a lot."""
        return mostly(data, [place for place, lot in enumerate(self.purse.lots) if lot.left], range(len(self.purse.lots)))


class Codes(Ground):
    """What a team redeems."""

    def __init__(self) -> None:
        super().__init__()
        self.codes: list[dict[str, Any]] = []

    @rule(amount=AMOUNTS, days=LASTING, ends=LASTING, most=st.sampled_from([None, 1]), is_new=st.booleans(), at_once=st.booleans())
    def make_code(self, amount: int, days: int | None, ends: int | None, most: int | None, is_new: bool, at_once: bool) -> None:
        until = None if ends is None else timezone.now() + timedelta(days=ends)
        terms = {
            "amount": amount,
            "expires_in_days": days,
            "valid_until": until,
            "max_redemptions": most,
            "who": "new" if is_new else "any",
        }
        [code] = promotions.make_codes(batch=uuid.uuid4(), label="A code", **terms)
        self.codes.append({**terms, "code": code.code, "until": until, "redeemed": False, "stopped": False})
        if at_once:
            self.take_up(self.codes[-1])

    @precondition(lambda self: self.codes)
    @rule(data=st.data(), stops=st.booleans())
    def redeem(self, data: st.DataObject, stops: bool) -> None:
        code = one_of(data, self.codes)
        if stops:
            assert promotions.stop(PromoCode.objects.filter(code=code["code"])) == (not code["stopped"])
            code["stopped"] = True
        self.take_up(code)

    def take_up(self, code: dict[str, Any]) -> None:
        now = timezone.now()
        is_over = code["stopped"] or (code["until"] is not None and code["until"] <= now)
        bought = any(lot.source in ("sales", "plans") for lot in self.purse.lots)
        is_refused = is_over or (code["who"] == "new" and (bought or any(one["redeemed"] for one in self.codes)))
        try:
            promotions.redeem(self.wallet, code["code"].lower(), actor=self.person)
        except CodeRedeemed:
            assert code["redeemed"]
        except CodeRefused:
            assert not code["redeemed"]
            assert is_refused
        else:
            assert not code["redeemed"]
            assert not is_refused
            code["redeemed"] = True
            days = code["expires_in_days"]
            self.purse.bring("promotions", code["amount"], None if days is None else now + timedelta(days=days))


class Books(Credits, Codes):
    """All of it."""


def check(machine: type[RuleBasedStateMachine], *, stories: int, phases: tuple[Phase, ...] = tuple(Phase)) -> None:
    """Runs the machine. Raises one of `DIFFERS` for the first story after which books and model differ; with Phase.shrink: the smallest."""
    quick = settings(
        max_examples=CHAPTER,
        stateful_step_count=30,
        deadline=None,
        database=None,
        phases=phases,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    for chapter in range(-(-stories // CHAPTER)):
        run_state_machine_as_test(seed(1_000 * SEED + chapter)(machine), settings=quick)


def keeps(machine: type[RuleBasedStateMachine], *, stories: int = STORIES) -> None:
    """Books and model never differ."""
    check(machine, stories=int(os.environ.get("SOAK", stories)))


def notices(machine: type[RuleBasedStateMachine], *, stories: int = STORIES, also: tuple[type[Exception], ...] = ()) -> None:
    """A fault was planted, and shows in no more stories than `keeps` tells: by `also` too. It is not made smaller: that takes longest."""
    with pytest.raises((*DIFFERS, *also)):
        check(machine, stories=stories, phases=(Phase.generate,))


DIFFERS = (AssertionError, pytest.fail.Exception, Refused, OverLimit, NotNow, BillingError)
"""How a story ends that is not the model's: the books differ, one of the two refused what the other did."""


@pytest.mark.django_db
def test_the_books_are_those_of_the_model() -> None:
    keeps(Books)


@pytest.mark.django_db
def test_the_property_notices_credits_that_are_spent_in_another_order(monkeypatch: pytest.MonkeyPatch) -> None:
    def latest_first(entry: LedgerEntry, only: Lot | None = None) -> None:
        missing = -entry.amount
        for lot in [only] if only else list(Lot.objects.filter(wallet_id=entry.wallet_id).left().in_order())[::-1]:
            amount = min(lot.free, missing)
            if amount > 0:
                lots._change(entry, lot, -amount)
                missing -= amount

    monkeypatch.setattr(lots, "take", latest_first)
    notices(Books)


@pytest.mark.django_db
def test_the_property_notices_credits_that_never_expire(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wallets, "expire", lambda wallet, now=None: 0)
    notices(Books)


@pytest.mark.django_db
def test_the_property_notices_credits_that_came_back_for_too_short_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lots, "GRACE", timedelta(days=29))
    notices(Books)


@pytest.mark.django_db
def test_the_property_notices_a_charge_after_the_release(monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(hold: Hold, status: Any, captured: int, now: datetime) -> bool:
        ends = Hold.objects.filter(pk=hold.pk, status__in=["active", "voided"] if status == "captured" else ["active"])
        return ends.update(status=status, captured=captured, settled_at=now) == 1

    monkeypatch.setattr(wallets, "_end", careless)
    notices(Books)


@pytest.mark.django_db
def test_the_property_notices_a_release_that_is_not_written_down(monkeypatch: pytest.MonkeyPatch) -> None:
    def forgetful(hold: Hold) -> Hold:
        Hold.objects.filter(pk=hold.pk, status="active").update(status="voided")
        return hold

    monkeypatch.setattr(wallets, "void", forgetful)
    notices(Books)
