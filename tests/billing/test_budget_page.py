"""The pages of budgets, and what the studio makes of their news."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry, Team, User
from billing.models import Budget, BudgetRequest, Scope, Wallet
from billing.services import budget_requests, budgets, wallets
from studio.galleries import notices
from tests.billing.conftest import CREDIT

ClientOf = Callable[..., Client]


@pytest.fixture
def limited(wallet: Wallet, alice: User, bob: User) -> Wallet:
    """Bob has used 3 of 4 credits of his day, the team 3 of 8 of its month."""
    budgets.set_limits(wallet, by=alice, day=None, month=8 * CREDIT, scope=Scope.TEAM)
    budgets.set_limits(wallet, by=alice, day=4 * CREDIT, month=None, scope=Scope.EVERYONE)
    wallets.place_hold(wallet, 3 * CREDIT, reference="one", description="3 pictures", actor=bob)
    return wallet


def text(response: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def set_(client: Client, **data: Any) -> Any:
    return client.post(reverse("budget_set"), data)


def test_who_administers_sees_everybody_and_sets_limits(limited: Wallet, alice: User, bob: User, client_of: ClientOf) -> None:
    client = client_of(alice)
    page = text(client.get(reverse("budgets")))
    assert "Bob Member Creator 3 of 4 3 no limit" in page
    assert set_(client, whose="team", day="2.5", month="").status_code == 302
    assert set_(client, whose=str(bob.pk), day="", month="7").status_code == 302
    found = Budget.objects.order_by("scope").values_list("scope", "member", "day", "month")
    assert list(found) == [("everyone", None, 4000, None), ("member", bob.pk, None, 7000), ("team", None, 2500, None)]
    assert set_(client, whose=str(bob.pk), day="1", month="", follow="1").status_code == 302
    assert not Budget.objects.filter(member=bob).exists()


@pytest.mark.parametrize(
    ("day", "said"),
    [
        ("-1", "Give a number from 0 to 100,000,000."),
        ("a lot", "Give a number of credits, such as 20 or 1.5."),
        ("1.0001", "Credits have three decimal places at most. Give a rounder number."),
        ("999999999", "Give a number from 0 to 100,000,000."),
    ],
)
def test_bad_limits_change_nothing_and_keep_what_was_typed(
    limited: Wallet, alice: User, bob: User, client_of: ClientOf, day: str, said: str
) -> None:
    before = list(Budget.objects.values())
    for whose in ("team", "everyone", str(bob.pk)):
        response = set_(client_of(alice), whose=whose, day=day, month="6")
        assert response.status_code == 422
        assert said in response.content.decode()
        assert f'value="{day}"' in response.content.decode()
    assert list(Budget.objects.values()) == before


@pytest.mark.parametrize("whose", ["", "nobody", "-1", "9" * 30, "²"])
def test_limits_of_nobody_are_not_found(limited: Wallet, alice: User, mallory: User, client_of: ClientOf, whose: str) -> None:
    before = list(Budget.objects.values())
    assert set_(client_of(alice), whose=whose, day="1", month="").status_code == 404
    assert set_(client_of(alice), whose=str(mallory.pk), day="1", month="").status_code == 404
    assert list(Budget.objects.values()) == before


def test_a_member_sees_their_own_and_sets_nothing(limited: Wallet, bob: User, carol: User, client_of: ClientOf) -> None:
    page = text(client_of(bob).get(reverse("budgets")))
    assert "The team, " in page
    assert "3 of 4 credits" in page
    assert "Ask for more" in page
    assert "Carol" not in page
    before = list(Budget.objects.values())
    assert set_(client_of(bob), whose="team", day="", month="").status_code == 403
    assert list(Budget.objects.values()) == before
    assert "Ask for more" not in text(client_of(carol).get(reverse("budgets")))


def test_asking_and_answering_with_one_press(limited: Wallet, team: Team, alice: User, bob: User, client_of: ClientOf) -> None:
    his, hers = client_of(bob), client_of(alice)
    page = his.get(reverse("budget_ask"), {"limit": "member-day", "needed": "5500"})
    assert page.context["form"].initial == {"limit": "member-day", "amount": 5}
    assert his.post(reverse("budget_ask"), {"limit": "member-day", "amount": "5", "why": "the campaign"}).status_code == 302
    asked = BudgetRequest.objects.get()
    assert (asked.person, asked.amount, asked.why, asked.status) == (bob, 5000, "the campaign", "open")
    assert "Nobody has answered yet." in text(his.get(reverse("budget_ask")))
    assert "Bob Member asks for 5 credits more for today “the campaign”" in text(hers.get(reverse("budgets")))
    address = reverse("budget_request", args=[asked.pk])
    assert his.post(address, {"decision": "approve"}).status_code == 403
    hers.get(address)
    asked.refresh_from_db()
    assert asked.status == "open", "a GET answers nothing"
    answered = hers.post(address, {"decision": "approve", "note": "go ahead"}, follow=True)
    assert "Approved. Bob Member is told." in text(answered)
    assert "3 of 9" in text(answered)
    assert "Alice Harbour approved it: “ go ahead ”" in text(his.get(reverse("budgets")))
    wallets.place_hold(limited, 5 * CREDIT, reference="two", description="5 pictures", actor=bob)
    late = hers.post(address, {"decision": "decline"})
    assert late.status_code == 422
    assert "Alice Harbour has approved 5 credits more for today already." in text(late)
    assert hers.post(address, {"decision": "perhaps"}).status_code == 422


def test_granting_another_amount(limited: Wallet, alice: User, bob: User, client_of: ClientOf) -> None:
    asked = budget_requests.ask(limited, bob, limit="member-day", amount=5 * CREDIT)
    address, hers = reverse("budget_request", args=[asked.pk]), client_of(alice)
    assert 'name="amount" value="5"' in hers.get(address).content.decode()
    for wrong, said in (
        ("", "Write how many credits, or decline."),
        ("0", "Give a number from 0.001 to 100,000,000."),
        ("x", "Give a number of credits, such as 20 or 1.5."),
    ):
        response = hers.post(address, {"decision": "approve", "amount": wrong, "note": "this was typed"})
        assert (response.status_code, said in text(response), "this was typed" in response.content.decode()) == (422, True, True)
    asked.refresh_from_db()
    assert asked.status == "open"
    assert hers.post(address, {"decision": "approve", "amount": "2.5", "note": ""}).status_code == 302
    asked.refresh_from_db()
    assert (asked.status, asked.granted) == ("approved", 2500)
    assert "Alice Harbour approved 2.5 credits of this" in text(hers.get(address))
    assert "You asked for 5 credits more for today. Alice Harbour approved 2.5 credits." in text(client_of(bob).get(reverse("budgets")))


def test_declining_needs_no_amount(limited: Wallet, alice: User, bob: User, client_of: ClientOf) -> None:
    asked = budget_requests.ask(limited, bob, limit="member-day", amount=5 * CREDIT)
    assert client_of(alice).post(reverse("budget_request", args=[asked.pk]), {"decision": "decline", "amount": "x"}).status_code == 302
    asked.refresh_from_db()
    assert (asked.status, asked.granted) == ("declined", None)


def test_withdrawing_a_request(limited: Wallet, team: Team, alice: User, bob: User, client_of: ClientOf) -> None:
    asked = budget_requests.ask(limited, bob, limit="member-day", amount=5 * CREDIT)
    his, address = client_of(bob), reverse("budget_withdraw", args=[asked.pk])
    assert f'action="{address}"' in his.get(reverse("budgets")).content.decode()
    assert client_of(alice).post(address).status_code == 404
    assert "You do not ask for it any more." in text(his.post(address, follow=True))
    page = text(his.get(reverse("budgets")))
    assert ("and withdrew it" in page, "Withdraw it" in page, "Ask for more" in page) == (True, False, True)
    assert "Bob Member does not ask for this any more." in text(client_of(alice).get(reverse("budget_request", args=[asked.pk])))
    budget_requests.decide(budget_requests.ask(limited, bob, limit="member-day", amount=CREDIT), by=alice, approve=False)
    late = BudgetRequest.objects.latest("id")
    assert "Alice Harbour has declined this already." in text(his.post(reverse("budget_withdraw", args=[late.pk]), follow=True))


@pytest.mark.parametrize(
    "wrong", [{"amount": "0"}, {"amount": ""}, {"amount": "x"}, {"limit": "member-month"}, {"limit": ""}, {"why": "y" * 301}]
)
def test_asking_for_nonsense_asks_for_nothing(limited: Wallet, bob: User, client_of: ClientOf, wrong: dict[str, str]) -> None:
    response = client_of(bob).post(reverse("budget_ask"), {"limit": "member-day", "amount": "5", "why": "this was typed", **wrong})
    assert response.status_code == 422
    assert wrong.get("why", "this was typed") in response.content.decode()
    assert BudgetRequest.objects.count() == 0


def test_without_a_limit_there_is_nothing_to_ask(wallet: Wallet, bob: User, client_of: ClientOf) -> None:
    assert "No budget holds you back" in text(client_of(bob).get(reverse("budget_ask")))
    assert client_of(bob).post(reverse("budget_ask"), {"limit": "member-day", "amount": "5"}).status_code == 422


def test_a_request_rings_the_bell_and_sends_a_letter_with_a_link(
    limited: Wallet, team: Team, alice: User, bob: User, client_of: ClientOf, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        asked = budget_requests.ask(limited, bob, limit="member-day", amount=5 * CREDIT, why="the campaign")
    [notice] = notices.of(alice.pk)
    assert notice.text == "Bob Member asks for 5 credits more for today in Harbour Street: “the campaign”"
    elsewhere = Team.objects.get(is_personal=True, memberships__user=alice)
    page = client_of(alice, elsewhere).get(reverse("notice_open", args=[notice.pk]), follow=True)
    assert page.redirect_chain[-1] == (reverse("budgets"), 302)
    assert "Bob Member asks for 5 credits more" in text(page)
    [letter] = mail.outbox
    assert (letter.to, letter.subject) == (["alice@harbour.example"], "Bob Member asks for more credits")
    assert f"/wallet/budgets/requests/{asked.pk}/" in letter.body
    with django_capture_on_commit_callbacks(execute=True):
        budget_requests.decide(asked, by=alice, approve=False, note="tomorrow")
    [answer] = notices.of(bob.pk)
    assert answer.text == "Alice Harbour declined 5 credits more for today in Harbour Street, which you asked for: “tomorrow”"
    assert (mail.outbox[1].to, mail.outbox[1].subject) == (["bob@harbour.example"], "Your request for more credits was declined")


def test_no_word_starts_a_paragraph_of_a_letter(limited: Wallet, alice: User, bob: User, django_capture_on_commit_callbacks: Any) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        budget_requests.ask(limited, bob, limit="member-day", amount=5 * CREDIT, why="a\n\nhttps://evil.example/\n\nb")
    [letter] = mail.outbox
    assert "\n\nhttps://evil.example" not in letter.body
    assert 'href="https://evil.example' not in str(letter.alternatives[0][0])


def test_a_mail_server_that_is_down_stops_nobody(
    limited: Wallet, alice: User, bob: User, settings: Any, django_capture_on_commit_callbacks: Any
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    with django_capture_on_commit_callbacks(execute=True):
        wallets.place_hold(limited, CREDIT, reference="two", description="A picture", actor=bob)
    assert notices.of(bob.pk).count() == 1


def test_notices_of_a_team_that_is_gone_lead_nowhere(limited: Wallet, team: Team, alice: User, mallory: User, client_of: ClientOf) -> None:
    assert client_of(mallory).get(reverse("budgets_of_team", args=[team.pk])).status_code == 404
    assert client_of(alice).get(reverse("budgets_of_team", args=[team.pk])).status_code == 302


def test_a_personal_team_has_one_budget(alice: User, client_of: ClientOf) -> None:
    own = Team.objects.get(is_personal=True, memberships__user=alice)
    client = client_of(alice, own)
    assert set_(client, whose="team", day="2", month="").status_code == 302
    page = text(client.get(reverse("budgets")))
    assert "0 of 2 credits" in page
    assert "Every member" not in page
    assert AuditEntry.objects.filter(team=own).values_list("text", flat=True).last() == "set the budget of the team to 2 credits a day"


def test_the_wallet_page_shows_how_much_of_a_budget_is_used(limited: Wallet, alice: User, bob: User, client_of: ClientOf) -> None:
    assert "the team: 3 of a budget of 8" in text(client_of(bob).get(reverse("wallet")))
    budgets.set_limits(limited, by=alice, day=None, month=None, scope=Scope.TEAM)
    assert "you: 3 of a budget of 4 today" in text(client_of(bob).get(reverse("wallet")))
    budgets.set_limits(limited, by=alice, day=None, month=None, scope=Scope.EVERYONE)
    assert "of a budget of" not in text(client_of(bob).get(reverse("wallet")))
