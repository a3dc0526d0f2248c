"""Whatever is done to a wallet, in whatever order, its books agree with a simple model after every step."""

from __future__ import annotations

import pytest
from django.db import transaction
from django.db.models import Sum
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from accounts.models import Team
from billing import ledger
from billing.errors import AmountTooLarge, HoldNotActive, InsufficientCredits, ReferenceTaken
from billing.models import Hold, Wallet
from billing.services import wallets

AMOUNTS = st.integers(min_value=1, max_value=5_000) | st.sampled_from([1, 999, 1_000, 2_500])
NUMBERS = st.integers(min_value=0, max_value=7)
"""Few references, so that many calls come a second time."""


class Books(RuleBasedStateMachine):
    """The model: a balance, grants and refunds by reference, and for each hold [amount, status, captured, refunded]."""

    def __init__(self) -> None:
        super().__init__()
        self.example = transaction.atomic()
        self.example.__enter__()
        self.grants: dict[str, int] = {}
        self.holds: dict[str, list] = {}
        self.refunds: dict[str, tuple[str, int]] = {}

    @initialize(is_personal=st.booleans())
    def open(self, is_personal: bool) -> None:
        self.wallet = wallets.open_wallet(Team.objects.create(name="Property", is_personal=is_personal))
        if is_personal:
            self.grants["welcome"] = 25_000

    def teardown(self) -> None:
        try:
            assert list(ledger.disagreements()) == []
        finally:
            transaction.set_rollback(True)
            self.example.__exit__(None, None, None)

    @property
    def balance(self) -> int:
        charged = sum(hold[2] - hold[3] for hold in self.holds.values())
        return sum(self.grants.values()) - charged

    @property
    def held(self) -> int:
        return sum(hold[0] for hold in self.holds.values() if hold[1] == "active")

    @rule(number=NUMBERS, amount=AMOUNTS)
    def grant(self, number: int, amount: int) -> None:
        reference = f"gift:{number}"
        entry = wallets.grant(self.wallet, amount, reference=reference, description="A gift")
        assert entry.amount == self.grants.setdefault(reference, amount)

    @rule(number=NUMBERS, amount=AMOUNTS | st.just(0))
    def place_hold(self, number: int, amount: int) -> None:
        reference = f"job:{number}"
        known, available = self.holds.get(reference), self.balance - self.held
        try:
            hold = wallets.place_hold(self.wallet, amount, reference=reference, description="Pictures")
        except InsufficientCredits as refusal:
            assert (known, refusal.needed, refusal.available) == (None, amount, available)  # noqa: PT017  a refusal is one of two right answers
            assert amount > available
        else:
            if known is None:
                assert amount <= available
                self.holds[reference] = [amount, "active", 0, 0]
            assert hold.amount == self.holds[reference][0]

    @precondition(lambda self: self.holds)
    @rule(data=st.data(), amount=AMOUNTS | st.just(0))
    def capture(self, data: st.DataObject, amount: int) -> None:
        reference = data.draw(st.sampled_from(sorted(self.holds)))
        hold = self.holds[reference]
        try:
            wallets.capture(self.row(reference), amount)
        except AmountTooLarge:
            assert amount > hold[0]
        except HoldNotActive:
            assert hold[1] != "active"
        else:
            assert hold[1] == "active"
            assert amount <= hold[0]
            hold[1:3] = ["captured", amount]

    @precondition(lambda self: self.holds)
    @rule(data=st.data())
    def void(self, data: st.DataObject) -> None:
        reference = data.draw(st.sampled_from(sorted(self.holds)))
        hold = self.holds[reference]
        try:
            wallets.void(self.row(reference))
        except HoldNotActive:
            assert hold[1] == "captured"
        else:
            assert hold[1] != "captured"
            hold[1] = "voided"

    @precondition(lambda self: self.holds)
    @rule(data=st.data(), number=NUMBERS, amount=AMOUNTS)
    def refund(self, data: st.DataObject, number: int, amount: int) -> None:
        reference, name = data.draw(st.sampled_from(sorted(self.holds))), f"refund:{number}"
        hold, known = self.holds[reference], self.refunds.get(name)
        try:
            entry = wallets.refund(self.row(reference), amount, reference=name, description="Given back")
        except ReferenceTaken:
            assert known is not None
            assert known[0] != reference
        except AmountTooLarge:
            assert known is None
            assert amount > hold[2] - hold[3]
        else:
            if known is None:
                assert amount <= hold[2] - hold[3]
                hold[3] += amount
                self.refunds[name] = (reference, amount)
            assert (reference, entry.amount) == self.refunds[name]

    @invariant()
    def the_wallet_is_as_the_model_says(self) -> None:
        if hasattr(self, "wallet"):
            wallet = Wallet.objects.get(pk=self.wallet.pk)
            assert (wallet.balance, wallet.held) == (self.balance, self.held)
            assert 0 <= wallet.held <= wallet.balance
            sums = wallet.entries.aggregate(amount=Sum("amount", default=0), held=Sum("held", default=0))
            assert sums == {"amount": wallet.balance, "held": wallet.held}

    @invariant()
    def the_holds_are_as_the_model_says(self) -> None:
        if hasattr(self, "wallet"):
            rows = self.wallet.holds.values_list("reference", "amount", "status", "captured", "refunded")
            assert {reference: list(rest) for reference, *rest in rows} == self.holds

    @invariant()
    def nothing_was_written_twice(self) -> None:
        if hasattr(self, "wallet"):
            settled = sum(hold[1] != "active" for hold in self.holds.values())
            assert self.wallet.entries.count() == len(self.grants) + len(self.holds) + settled + len(self.refunds)

    def row(self, reference: str) -> Hold:
        return Hold.objects.get(wallet=self.wallet, reference=reference)


def check(*, examples: int, phases: tuple[Phase, ...] = tuple(Phase)) -> None:
    """Runs the machine; raises AssertionError for the first (with Phase.shrink: the smallest) story after which the books disagree."""
    quick = settings(
        max_examples=examples, stateful_step_count=30, deadline=None, database=None, phases=phases, suppress_health_check=list(HealthCheck)
    )
    run_state_machine_as_test(Books, settings=quick)


@pytest.mark.django_db
def test_the_books_agree_after_every_step() -> None:
    check(examples=40)


@pytest.mark.django_db
def test_the_property_notices_a_release_that_is_not_written_down(monkeypatch: pytest.MonkeyPatch) -> None:
    def forgetful(hold: Hold) -> Hold:
        Hold.objects.filter(pk=hold.pk, status="active").update(status="voided")
        return hold

    monkeypatch.setattr(wallets, "void", forgetful)
    with pytest.raises(AssertionError):
        check(examples=200, phases=(Phase.generate,))
