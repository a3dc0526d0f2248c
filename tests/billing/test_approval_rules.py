"""The rules of a team: what they ask about, of whom, and the page on which they are made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from accounts.models import AuditEntry, Membership, Role, Team, User
from billing.errors import RuleExists, TooManyRules
from billing.models import ApprovalRule, Wallet
from billing.services import approvals
from billing.services.approvals import Subject, add_rule, delete_rule, needed, switch_rule
from billing.services.wallets import wallet_of
from tests.billing.race import at_once, kinds

pytestmark = pytest.mark.django_db
ClientOf = Callable[..., Client]
CREATIVE = Subject("Engines", "creative-upscale", "", "Creative Upscale")
UPSCALING = Subject("Modes", "", "upscaling", "Upscale")


@pytest.fixture
def wallet(team: Team) -> Wallet:
    return wallet_of(team)


def why(wallet: Wallet, actor: User, **of: Any) -> str:
    subject = (of.pop("product", "core"), of.pop("operation", "text-to-image"))
    return needed(wallet, actor, **{"amount": 0, "pictures": 1, "subjects": [subject], **of})


# --- what needs approval ---------------------------------------------------------------------------------------------


def test_without_a_rule_nothing_needs_approval(wallet: Wallet, bob: User) -> None:
    assert why(wallet, bob, amount=10**9, pictures=1000) == ""


def test_more_than_so_many_credits(wallet: Wallet, alice: User, bob: User) -> None:
    add_rule(wallet, kind="credits", threshold=50_000, by=alice)
    assert [why(wallet, bob, amount=amount) for amount in (0, 50_000, 50_001)] == ["", "", "more than 50 credits"]


def test_more_than_so_many_pictures(wallet: Wallet, alice: User, bob: User) -> None:
    add_rule(wallet, kind="pictures", threshold=1, by=alice)
    assert [why(wallet, bob, pictures=number) for number in (1, 2)] == ["", "more than 1 picture"]


def test_more_than_none_is_any(wallet: Wallet, alice: User, bob: User) -> None:
    add_rule(wallet, kind="pictures", threshold=0, by=alice)
    add_rule(wallet, kind="credits", threshold=0, by=alice)
    assert (why(wallet, bob), why(wallet, bob, amount=1)) == ("any picture", "anything that costs credits, any picture")
    assert AuditEntry.objects.filter(text="made a rule: any picture needs approval").count() == 1


def test_an_engine_and_a_mode_of_the_same_name_are_told_apart(wallet: Wallet, alice: User, client_of: ClientOf) -> None:
    for subject in (Subject("Engines", "erase", "", "Erase"), Subject("Modes", "", "erase", "Erase")):
        add_rule(wallet, kind="subject", subject=subject, by=alice)
    page = client_of(alice).get("/wallet/rules/").content.decode()
    for words in (
        "<strong>The engine Erase</strong>",
        "<strong>The mode Erase</strong>",
        "Delete: the engine Erase",
        "Switch off: the mode Erase",
    ):
        assert words in page


def test_an_engine_or_a_mode(wallet: Wallet, alice: User, bob: User) -> None:
    add_rule(wallet, kind="subject", subject=CREATIVE, by=alice)
    add_rule(wallet, kind="subject", subject=UPSCALING, by=alice)
    assert why(wallet, bob) == ""
    assert why(wallet, bob, product="creative-upscale") == "the engine Creative Upscale"
    assert why(wallet, bob, operation="upscaling") == "the mode Upscale"
    assert why(wallet, bob, product="creative-upscale", operation="upscaling") == "the engine Creative Upscale, the mode Upscale"


def test_of_many_that_are_asked_for_together_one_is_enough(wallet: Wallet, bob: User, alice: User) -> None:
    add_rule(wallet, kind="subject", subject=Subject("Engines", "creative-upscale", "", "Creative Upscale"), by=alice)
    subjects = [("core", "text-to-image"), ("creative-upscale", "upscaling")]
    assert needed(wallet, bob, amount=0, pictures=2, subjects=subjects) == "the engine Creative Upscale"
    assert needed(wallet, bob, amount=0, pictures=2, subjects=subjects[:1]) == ""


def test_of_two_limits_the_higher_one_is_told(wallet: Wallet, alice: User, bob: User) -> None:
    for threshold in (100_000, 50_000):
        add_rule(wallet, kind="credits", threshold=threshold, by=alice)
    add_rule(wallet, kind="pictures", threshold=20, by=alice)
    assert why(wallet, bob, amount=120_000, pictures=21) == "more than 100 credits, more than 20 pictures"
    assert why(wallet, bob, amount=60_000) == "more than 50 credits"


def test_who_administers_is_exempt_unless_the_rule_is_for_everybody(wallet: Wallet, team: Team, alice: User, bob: User) -> None:
    add_rule(wallet, kind="credits", threshold=50_000, by=alice)
    add_rule(wallet, kind="credits", threshold=500_000, by=alice, for_everybody=True)
    assert (why(wallet, alice, amount=60_000), why(wallet, alice, amount=600_000)) == ("", "more than 500 credits")
    assert why(wallet, bob, amount=60_000) == "more than 50 credits"
    Membership.objects.filter(team=team, user=bob).update(role=Role.ADMIN)
    assert why(wallet, bob, amount=60_000) == ""


def test_rules_of_another_team_and_rules_that_are_off_ask_nobody(wallet: Wallet, alice: User, bob: User, other_team: Team) -> None:
    add_rule(wallet_of(other_team), kind="credits", threshold=0, by=alice)
    rule = add_rule(wallet, kind="credits", threshold=0, by=alice)
    assert (switch_rule(rule, on=False, by=alice), switch_rule(rule, on=False, by=alice)) == (True, False)
    assert why(wallet, bob, amount=1) == ""
    assert switch_rule(rule, on=True, by=alice)
    assert why(wallet, bob, amount=1) == "anything that costs credits"
    assert (delete_rule(rule, by=alice), delete_rule(rule, by=alice)) == (True, False)
    assert why(wallet, bob, amount=1) == ""
    told = list(AuditEntry.objects.of_team(wallet.team).filter(action__startswith="rule.").values_list("action", "text"))
    assert told == [
        ("rule.deleted", "deleted the rule for anything that costs credits"),
        ("rule.switched", "switched the rule for anything that costs credits on"),
        ("rule.switched", "switched the rule for anything that costs credits off"),
        ("rule.added", "made a rule: anything that costs credits needs approval"),
    ]


# --- making them -----------------------------------------------------------------------------------------------------


def test_the_same_rule_is_made_once(wallet: Wallet, alice: User) -> None:
    add_rule(wallet, kind="subject", subject=CREATIVE, by=alice)
    with pytest.raises(RuleExists, match="There is a rule for the engine Creative Upscale already"):
        add_rule(wallet, kind="subject", subject=CREATIVE, by=alice, for_everybody=True)
    assert (ApprovalRule.objects.count(), AuditEntry.objects.filter(action="rule.added").count()) == (1, 1)


def test_a_team_has_so_many_rules_at_most(wallet: Wallet, alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(approvals, "MOST", 2)
    for threshold in (1, 2):
        add_rule(wallet, kind="pictures", threshold=threshold, by=alice)
    with pytest.raises(TooManyRules):
        add_rule(wallet, kind="pictures", threshold=3, by=alice)
    assert ApprovalRule.objects.count() == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "credits", "threshold": -1},
        {"kind": "credits", "threshold": 1, "product": "core"},
        {"kind": "subject", "threshold": 1, "product": "core"},
        {"kind": "subject"},
        {"kind": "nonsense", "threshold": 1},
    ],
)
def test_the_database_takes_no_rule_without_sense(wallet: Wallet, wrong: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError, match="approval_rule_says_one_thing"), transaction.atomic():
        ApprovalRule.objects.create(wallet=wallet, **wrong)


@pytest.mark.django_db(transaction=True)
def test_two_who_make_the_same_rule_at_once_make_one(team: Team, alice: User) -> None:
    def make(wallet: Wallet) -> ApprovalRule:
        return add_rule(wallet, kind="credits", threshold=50_000, by=alice)

    outcomes = at_once(*[(lambda: wallet_of(team), make)] * 4)
    assert kinds(outcomes) == {"ApprovalRule": 1, "RuleExists": 3}
    assert ApprovalRule.objects.count() == 1


# --- the page --------------------------------------------------------------------------------------------------------


def test_rules_are_made_switched_and_deleted_without_a_script(client_of: ClientOf, team: Team, alice: User) -> None:
    client = client_of(alice)
    page = client.get("/wallet/rules/").content.decode()
    assert "No rule yet" in page
    assert "You alone decide in this team." in page
    answer = client.post("/wallet/rules/", {"kind": "credits", "credits-threshold": "12.5"}, follow=True)
    assert "From now on, more than 12.5 credits needs approval." in answer.content.decode()
    client.post("/wallet/rules/", {"kind": "pictures", "pictures-threshold": "20", "pictures-for_everybody": "on"})
    client.post("/wallet/rules/", {"kind": "subject", "subject-subject": "|upscaling"})
    made = list(ApprovalRule.objects.order_by("pk").values_list("kind", "threshold", "operation", "subject", "for_everybody", "created_by"))
    assert made == [
        ("credits", 12_500, "", "", False, alice.pk),
        ("pictures", 20, "", "", True, alice.pk),
        ("subject", 0, "upscaling", "Upscaling", False, alice.pk),
    ]
    first = ApprovalRule.objects.earliest("pk")
    page = client.post(f"/wallet/rules/{first.pk}/switch/", {"on": "0"}, follow=True).content.decode()
    assert "The rule for more than 12.5 credits is off." in page
    assert not ApprovalRule.objects.get(pk=first.pk).is_active
    page = client.post(f"/wallet/rules/{first.pk}/delete/", follow=True).content.decode()
    assert "The rule for more than 12.5 credits is gone." in page
    assert ApprovalRule.objects.count() == 2


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        ({"kind": "credits", "credits-threshold": ""}, "Say how many credits."),
        ({"kind": "credits", "credits-threshold": "-3"}, "Give a number from 0 to 1,000,000."),
        ({"kind": "pictures", "pictures-threshold": "many"}, "Give a whole number, such as 20."),
        ({"kind": "subject", "subject-subject": ""}, "Choose an engine or a mode."),
        ({"kind": "subject", "subject-subject": "gone|"}, "This is not offered any more. Choose another."),
        ({"kind": "credits", "credits-threshold": "50"}, "There is a rule for more than 50 credits already"),
        ({"kind": "nonsense"}, "No rule says anything like that."),
    ],
)
def test_what_makes_no_sense_is_kept_and_makes_no_rule(
    client_of: ClientOf, wallet: Wallet, alice: User, sent: dict[str, str], message: str
) -> None:
    add_rule(wallet, kind="credits", threshold=50_000, by=alice)
    answer = client_of(alice).post("/wallet/rules/", sent)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert message in page
    if "-threshold" in str(sent) and any(sent.values()):
        assert f'value="{sent.get("credits-threshold", sent.get("pictures-threshold"))}"' in page
    assert ApprovalRule.objects.count() == 1


def test_who_does_not_administer_changes_no_rule(client_of: ClientOf, wallet: Wallet, alice: User, bob: User, mallory: User) -> None:
    rule = add_rule(wallet, kind="credits", threshold=50_000, by=alice)
    for person, status in ((bob, 403), (mallory, 404)):
        client = client_of(person)
        assert client.post(f"/wallet/rules/{rule.pk}/switch/", {"on": "0"}).status_code == status
        assert client.post(f"/wallet/rules/{rule.pk}/delete/").status_code == status
    assert client_of(bob).post("/wallet/rules/", {"kind": "pictures", "pictures-threshold": "3"}).status_code == 403
    assert list(ApprovalRule.objects.values_list("threshold", "is_active")) == [(50_000, True)]
