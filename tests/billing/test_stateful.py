"""Whatever happens to a wallet, in whatever order and at whatever time, its books are those of a model in plain Python (`model.py`).

Rules for what is built upon credits are classes of their own beside `Credits`, which a machine inherits together: each has the wallet in
`self.wallet` and what should be in it in `self.purse`; see `Codes`.
"""

from __future__ import annotations

import os
import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from accounts.models import Membership, Role, Team, User
from billing import ledger
from billing.errors import AmountTooLarge, CodeRedeemed, CodeRefused, HoldNotActive, InsufficientCredits, OverBudget, ReferenceTaken
from billing.models import Account, Hold, LedgerEntry, Lot, PromoCode, Wallet
from billing.services import lots, promotions, wallets
from tests.billing.model import Purse, Refused
from tests.billing.model_limits import OverLimit

BEGIN = datetime(2026, 3, 28, 22, 30, tzinfo=timezone.get_default_timezone())
"""The night in which clocks change in most of Europe."""
AMOUNTS = st.integers(min_value=1, max_value=5_000) | st.sampled_from([1, 999, 1_000, 2_500])
NUMBERS = st.integers(min_value=0, max_value=5)
"""Few references, so that many calls come a second time."""
WHO = st.sampled_from(["", "Owner", "Member"])
"""Who asks for work; "" for nobody."""
LASTING = st.none() | st.integers(min_value=1, max_value=40)
"""Days until credits expire; None: never."""


class Ground(RuleBasedStateMachine):
    """A wallet, a clock that stands still until a rule moves it, and the comparison after every step."""

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
        self.furnish()

    def furnish(self) -> None:
        """What a machine needs besides."""

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.example.__exit__(None, None, None)
        self.clock.stop()

    @rule(days=st.integers(min_value=1, max_value=45))
    def time_passes(self, days: int) -> None:
        self.time.shift(timedelta(days=days))
        self.purse.now = timezone.now()

    def lot(self, place: int) -> Lot:
        return list(self.wallet.lots.order_by("id"))[place]

    @invariant()
    def the_books_are_those_of_the_model(self) -> None:
        if not hasattr(self, "wallet"):
            return
        wallet, purse = Wallet.objects.get(pk=self.wallet.pk), self.purse
        assert (wallet.balance, wallet.held, wallet.frozen) == (purse.balance, purse.held, purse.frozen)
        rows = wallet.lots.order_by("id").values_list("source", "amount", "remaining", "expires_at", "frozen")
        assert list(rows) == [(lot.source, lot.amount, lot.left, lot.expires, lot.frozen) for lot in purse.lots]
        holds = wallet.holds.values_list("reference", "amount", "status", "captured", "refunded")
        expected = {name: (hold.amount, hold.status, hold.captured, hold.refunded) for name, hold in purse.holds.items()}
        assert {reference: tuple(rest) for reference, *rest in holds} == expected
        assert wallet.entries.count() == purse.lines

    @invariant()
    def every_credit_came_from_somewhere_and_went_somewhere(self) -> None:
        if hasattr(self, "wallet"):
            totals = ledger.accounts()
            assert totals == {"wallets": self.purse.balance, **{name: self.purse.moved.get(name, 0) for name in Account.values}}
            assert sum(totals.values()) == 0
            assert list(ledger.disagreements()) == []


class Credits(Ground):
    """Everything that `wallets` does."""

    @rule(number=NUMBERS, amount=AMOUNTS, days=LASTING, source=st.sampled_from(["operator", "promotions", "sales", "plans"]))
    def grant(self, number: int, amount: int, days: int | None, source: str) -> None:
        expires = None if days is None else timezone.now() + timedelta(days=days)
        reference = f"gift:{number}"
        entry = wallets.grant(self.wallet, amount, reference=reference, description="A gift", source=Account(source), expires_at=expires)
        if ("grant", reference) not in self.known:
            self.purse.bring(source, amount, expires)
        assert entry.amount == self.known.setdefault(("grant", reference), amount)

    @rule(number=NUMBERS, amount=AMOUNTS | st.just(0), who=WHO)
    def place_hold(self, number: int, amount: int, who: str) -> None:
        reference, available = f"job:{number}", self.purse.available
        is_known = reference in self.purse.holds
        try:
            hold = wallets.place_hold(self.wallet, amount, reference=reference, description="Pictures", actor=self.people.get(who))
        except OverBudget as refusal:
            assert not is_known
            with pytest.raises(OverLimit) as over:
                self.purse.hold(reference, amount, who)
            assert over.value.args == (refusal.scope, refusal.span, refusal.limit, refusal.left)  # noqa: PT017
        except InsufficientCredits as refusal:
            assert (is_known, refusal.needed, refusal.available) == (False, amount, available)  # noqa: PT017
            with pytest.raises(Refused):
                self.purse.hold(reference, amount, who)
        else:
            if not is_known:
                self.purse.hold(reference, amount, who)
            assert hold.amount == self.purse.holds[reference].amount

    @precondition(lambda self: self.purse.holds)
    @rule(data=st.data(), amount=AMOUNTS | st.just(0))
    def capture(self, data: st.DataObject, amount: int) -> None:
        reference = data.draw(st.sampled_from(sorted(self.purse.holds)))
        try:
            wallets.capture(self.row(reference), amount)
        except (AmountTooLarge, HoldNotActive):
            with pytest.raises(Refused):
                self.purse.capture(reference, amount)
        else:
            self.purse.capture(reference, amount)

    @precondition(lambda self: self.purse.holds)
    @rule(data=st.data())
    def void(self, data: st.DataObject) -> None:
        reference = data.draw(st.sampled_from(sorted(self.purse.holds)))
        try:
            wallets.void(self.row(reference))
        except HoldNotActive:
            with pytest.raises(Refused):
                self.purse.void(reference)
        else:
            self.purse.void(reference)

    @precondition(lambda self: any(hold.captured for hold in self.purse.holds.values()))
    @rule(data=st.data(), number=NUMBERS, amount=AMOUNTS)
    def refund(self, data: st.DataObject, number: int, amount: int) -> None:
        reference = data.draw(st.sampled_from(sorted(name for name, hold in self.purse.holds.items() if hold.captured)))
        key = ("refund", f"refund:{number}")
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

    @rule()
    def expire(self) -> None:
        assert wallets.expire(self.wallet) == self.purse.expire()

    @precondition(lambda self: self.purse.lots)
    @rule(data=st.data(), number=NUMBERS, amount=AMOUNTS)
    def revoke(self, data: st.DataObject, number: int, amount: int) -> None:
        place, key = self.place(data), ("revocation", f"back:{number}")
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
    @rule(data=st.data(), number=NUMBERS, amount=AMOUNTS, thaws=st.booleans())
    def freeze_or_thaw(self, data: st.DataObject, number: int, amount: int, thaws: bool) -> None:
        place, key = self.place(data), ("thaw" if thaws else "freeze", f"dispute:{number}")
        if place in self.settled_elsewhere:
            return
        act = wallets.thaw if thaws else wallets.freeze
        entry = act(self.lot(place), amount, reference=key[1], description="A dispute")
        if key not in self.known:
            moved = self.purse.thaw(place, amount) if thaws else self.purse.freeze(place, amount)
            if moved:
                self.known[key] = moved
        assert (entry.frozen if entry else None) == self.known.get(key)

    @rule(number=NUMBERS, amount=AMOUNTS, takes=st.booleans())
    def correct(self, number: int, amount: int, takes: bool) -> None:
        key, change = ("correction", f"mended:{number}"), -amount if takes else amount
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
        return data.draw(st.integers(min_value=0, max_value=len(self.purse.lots) - 1))

    def row(self, reference: str) -> Hold:
        return Hold.objects.get(wallet=self.wallet, reference=reference)


class Codes(Ground):
    """What a team redeems."""

    def __init__(self) -> None:
        super().__init__()
        self.codes: list[dict[str, Any]] = []

    @precondition(lambda self: len(self.codes) < 4)
    @rule(amount=AMOUNTS, days=LASTING, ends=LASTING, most=st.sampled_from([None, 1]), is_new=st.booleans())
    def make_code(self, amount: int, days: int | None, ends: int | None, most: int | None, is_new: bool) -> None:
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

    @precondition(lambda self: self.codes)
    @rule(data=st.data())
    def stop_code(self, data: st.DataObject) -> None:
        code = data.draw(st.sampled_from(self.codes))
        assert promotions.stop(PromoCode.objects.filter(code=code["code"])) == (not code["stopped"])
        code["stopped"] = True

    @precondition(lambda self: self.codes)
    @rule(data=st.data())
    def redeem(self, data: st.DataObject) -> None:
        code, now = data.draw(st.sampled_from(self.codes)), timezone.now()
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


def check(
    machine: type[RuleBasedStateMachine] = Books, *, examples: int, steps: int = 40, phases: tuple[Phase, ...] = tuple(Phase)
) -> None:
    """Runs the machine, with the same stories each time unless SOAK asks for others.

    Raises AssertionError or Refused for the first (with Phase.shrink: the smallest) story after which books and model differ."""
    quick = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        derandomize="SOAK" not in os.environ,
        phases=phases,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(machine, settings=quick)


@pytest.mark.django_db
def test_the_books_are_those_of_the_model() -> None:
    check(examples=int(os.environ.get("SOAK", "25")))


def latest_first(entry: LedgerEntry, only: Lot | None = None) -> None:
    missing = -entry.amount
    for lot in [only] if only else list(Lot.objects.filter(wallet_id=entry.wallet_id).left().in_order())[::-1]:
        amount = min(lot.free, missing)
        if amount > 0:
            lots._change(entry, lot, -amount)
            missing -= amount


@pytest.mark.django_db
def test_the_property_notices_credits_that_are_spent_in_another_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lots, "take", latest_first)
    with pytest.raises((AssertionError, Refused)):
        check(examples=200, phases=(Phase.generate,))


@pytest.mark.django_db
def test_the_property_notices_credits_that_never_expire(monkeypatch: pytest.MonkeyPatch) -> None:
    def for_ever(wallet: Wallet, now: datetime | None = None) -> int:
        return 0

    monkeypatch.setattr(wallets, "expire", for_ever)
    with pytest.raises((AssertionError, Refused)):
        check(examples=200, phases=(Phase.generate,))
