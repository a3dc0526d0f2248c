"""What it would cost."""

from __future__ import annotations

import pytest

from billing.models import Scope
from billing.services import budgets, wallets
from billing.services.approvals import add_rule
from studio.api.v1.schemas import QuoteOut
from studio.generation.models import InputFile, Job
from tests.api.conftest import problem
from tests.api.test_jobs import BOAT

pytestmark = pytest.mark.django_db


def test_a_price_is_told_and_nothing_happens(alice, rich, program):
    told = program(alice).post("/quotes", {**BOAT, "num_images": 3}).json()

    assert (told["engine"], told["credits"], told["available"], told["affordable"], told["refusal"]) == ("null", "3", "100", True, None)
    assert [(line["quantity"], line["unit"], line["amount"]) for line in told["lines"]] == [(3, "1", "3")]
    assert set(told) == set(QuoteOut.model_fields)
    assert not Job.objects.exists()
    assert not InputFile.objects.exists()
    wallet = wallets.wallet_of(rich)
    assert (wallet.balance, wallet.held) == (100_000, 0)


def test_the_job_costs_what_the_quote_said(alice, rich, program):
    robot = program(alice)

    assert robot.post("/quotes", BOAT).json()["credits"] == robot.post("/jobs", BOAT).json()["credits"]["quoted"]


def test_why_it_could_not_be_paid(alice, team, program):
    robot = program(alice)
    told = robot.post("/quotes", BOAT).json()
    assert (told["affordable"], told["refusal"]) == (False, "1 credits are missing in the wallet.")

    wallets.grant(wallets.wallet_of(team), 100_000, reference="test", description="For the test")
    budgets.set_limits(wallets.wallet_of(team), by=alice, day=500, month=None, scope=Scope.TEAM)
    told = robot.post("/quotes", BOAT).json()
    assert told["affordable"] is False
    assert told["refusal"] == problem(robot.post("/jobs", BOAT), 402, "over_budget")["detail"]


def test_who_would_have_to_approve_it(alice, bob, rich, program):
    add_rule(wallets.wallet_of(rich), kind="credits", threshold=500, by=alice)
    robot = program(bob)

    told = robot.post("/quotes", BOAT).json()

    assert told["approval"]
    assert told["approval"] == robot.post("/jobs", BOAT).json()["approval"]["reason"]


def test_it_is_checked_as_a_job_is(alice, rich, program):
    robot = program(alice)
    for wrong in ({"seed": -1}, {"engine": "x"}, {"settings": {"colour": 1}}):
        assert robot.post("/quotes", {**BOAT, **wrong}).json() == robot.post("/jobs", {**BOAT, **wrong}).json()
    problem(robot.post("/quotes", {**BOAT, "preview": True}), 422, "no_preview")
