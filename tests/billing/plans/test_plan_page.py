"""The plan page: everyone in the team sees it, who administers the team changes the plan, and nothing is paid that was not shown."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import Membership, Role, Team, User
from billing import plan_page
from billing.models import Plan, PlanPrice, Subscription, Wallet
from billing.services import plans, subscriptions
from billing.services.plans import plan_of
from tests.billing.plans.gateway import SETTING, CardGateway
from tests.billing.plans.telling import END, at, begun, invoice, stands
from tests.conftest import make_user

ClientOf = Callable[..., Client]
URL = "/wallet/plan/"


def text(answer: Any) -> str:
    """The words of a page, without its marks."""
    words = re.sub(r"<[^>]+>", " ", answer.content.decode().split("<main", 1)[1])
    return " ".join(words.replace("&#x27;", "'").split())


def running(wallet: Wallet, selling: CardGateway, slug: str = "creator") -> Subscription:
    row = begun(wallet, slug)
    selling.has[f"sub_{row.pk}"] = stands(row, plan=slug)
    told = (stands(row, plan=slug), invoice(row, plan=slug, number="A-1", url="https://pay.example/in_1"))  # type: ignore[misc]
    for fact in told:
        assert subscriptions.hear(fact, gateway="card")
    row.refresh_from_db()
    return row


# --- what it shows -------------------------------------------------------------------------------------------------------
def test_a_studio_without_plans_says_so(client_of: ClientOf, alice: User, team: Team) -> None:
    answer = client_of(alice).get(URL)
    assert answer.status_code == 200
    assert answer.context["offers"] == []
    assert "This studio sells no plans" in text(answer)
    assert [(one.label, one.limit) for one in answer.context["meters"]] == [
        ("Jobs at once", ""),
        ("People", ""),
        ("Library", ""),
    ]


def test_an_operator_is_told_why_plans_are_not_shown(
    client_of: ClientOf, alice: User, team: Team, selling: CardGateway, settings: Any
) -> None:
    settings.DEFAULT_PLAN = "studio"
    told = "Plans are offered in the admin, but not shown: the default plan is not one of them. Set STUDIO_DEFAULT_PLAN=free."
    assert told not in text(client_of(alice).get(URL))
    alice.is_staff = True
    alice.save(update_fields=["is_staff"])
    assert told in text(client_of(alice).get(URL))
    settings.GATEWAYS = {}
    assert told not in text(client_of(alice).get(URL))
    settings.GATEWAYS = SETTING
    PlanPrice.objects.all().delete()
    assert told not in text(client_of(alice).get(URL))


def test_what_is_used_of_each_limit(client_of: ClientOf, alice: User, bob: User, team: Team, wallet: Wallet, selling: CardGateway) -> None:
    told = {one.label: (one.used, one.limit, one.percent, one.level) for one in client_of(bob).get(URL).context["meters"]}
    assert told == {
        "Jobs at once": ("0", "2", 0, "fine"),
        "Requests a minute": ("0", "10", 0, "fine"),
        "People": ("2", "2", 100, "full"),
        "Library": ("0 bytes", "1 GB", 0, "fine"),
    }
    Membership.objects.create(team=team, user=make_user("Dora Third"), role=Role.VIEWER)
    assert "Everybody stays; nobody else can join until there is room." in text(client_of(bob).get(URL))
    running(wallet, selling)
    told = {one.label: (one.used, one.limit, one.percent, one.level) for one in client_of(bob).get(URL).context["meters"]}
    assert told["Plan credits used"] == ("0", "1,000", 0, "fine")
    assert told["People"] == ("3", "3", 100, "full")


def test_a_plan_that_ends_does_not_become_another(client_of: ClientOf, alice: User, wallet: Wallet, selling: CardGateway) -> None:
    row = running(wallet, selling, "pro")
    Subscription.objects.filter(pk=row.pk).update(next_plan=Plan.objects.get(slug="creator"), cancel_at_period_end=True)
    page = text(client_of(alice).get(URL))
    assert "ends on 1 April" in page
    assert [words in page for words in ("becomes Creator", "From 1 April", "Keep Pro", "Do not cancel")] == [False, False, False, True]


def test_the_default_plan_promises_its_credits_to_whom_it_gives_them(settings: Any, team: Team, selling: CardGateway) -> None:
    settings.DEFAULT_PLAN = "free"
    told = [plan_page.facts(Plan.objects.get(slug=slug), [])[0] for slug in ("free", "creator")]
    assert told == ["25 credits a month, for each person’s own team", "1,000 credits a month"]


def test_plans_side_by_side(client_of: ClientOf, alice: User, team: Team, selling: CardGateway) -> None:
    answer = client_of(alice).get(URL)
    assert [(str(one.plan), str(one.price or ""), one.is_current, one.turn) for one in answer.context["offers"]] == [
        ("Free", "", True, ""),
        ("Creator", "$10.00", False, "start"),
        ("Pro", "$25.00", False, "start"),
        ("Enterprise", "", False, ""),
    ]
    said = text(answer)
    assert "Choose Creator" in said
    assert "Ask the operator of this studio." in said
    assert "1,000 credits a month" in said
    assert "Before others in the queue" in said


def test_members_see_it_and_are_told_whom_to_ask(client_of: ClientOf, bob: User, carol: User, team: Team, selling: CardGateway) -> None:
    for person in (bob, carol):
        answer = client_of(person).get(URL)
        assert answer.status_code == 200
        assert "Alice Harbour can change the plan." in text(answer)
        assert "/wallet/plan/to/" not in answer.content.decode()


def test_several_currencies(client_of: ClientOf, alice: User, team: Team, wallet: Wallet, selling: CardGateway) -> None:
    PlanPrice.objects.create(plan=Plan.objects.get(slug="creator"), currency="eur", amount=900)
    browser = client_of(alice)
    assert "$10.00" in text(browser.get(URL))
    said = text(browser.get(URL, {"currency": "eur"}))
    assert "€9.00" in said
    assert "Not sold in EUR" in said
    assert "$10.00" in text(browser.get(URL, {"currency": "<b>"}))
    running(wallet, selling)
    assert browser.get(URL, {"currency": "eur"}).context["currencies"] == ["usd"]


def test_a_given_plan_is_the_operators_to_change(
    client_of: ClientOf, alice: User, team: Team, wallet: Wallet, selling: CardGateway
) -> None:
    plans.assign(wallet, Plan.objects.get(slug="enterprise"), by=alice)
    browser = client_of(alice)
    said = text(browser.get(URL))
    assert "Given by the operator of this studio" in said
    assert "Cancel the plan" not in said
    assert browser.get(f"{URL}to/pro/").status_code == 404
    for name in ("cancel", "resume", "keep"):
        assert browser.post(f"{URL}{name}/").status_code == 404
    assert browser.get(f"{URL}pay/").status_code == 404
    assert plan_of(team).slug == "enterprise"


# --- starting ------------------------------------------------------------------------------------------------------------
def test_choosing_a_plan_leads_to_the_pay_page(client_of: ClientOf, alice: User, team: Team, wallet: Wallet, selling: CardGateway) -> None:
    browser = client_of(alice)
    asked = browser.get(f"{URL}to/creator/", {"currency": "usd"})
    assert "You pay $10.00 now, and the same each month until you cancel. 1,000 credits come with each month" in text(asked)
    assert not Subscription.objects.exists()
    answer = browser.post(f"{URL}to/creator/", {"currency": "usd", "token": ""})
    row = Subscription.objects.get()
    assert f'href="https://pay.example/{row.key}"' in answer.content.decode()
    assert selling.asked[0][5:] == ("http://testserver/wallet/plan/?paid=1", "http://testserver/wallet/plan/")
    assert plan_of(team).slug == "free"
    waiting = browser.get(URL, {"paid": "1"})
    assert "The payment is being confirmed" in text(waiting)
    assert f'hx-get="{URL}?paid=1" hx-trigger="every 2s"' in waiting.content.decode()
    assert browser.get(URL, {"paid": "1"}, headers={"HX-Request": "true"}).status_code == 204
    subscriptions.hear(stands(row), gateway="card")
    answer = browser.get(URL, {"paid": "1"}, headers={"HX-Request": "true"})
    assert 'hx-trigger="every 2s"' not in answer.content.decode()
    back = text(answer)
    assert "The payment is being confirmed" not in back
    assert "$10.00 a month · renews on April 1" in back or "$10.00 a month · renews on 1 April" in back


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}])
def test_a_plan_that_begins_while_the_page_is_read_is_shown_by_itself(
    headers: dict[str, str], client_of: ClientOf, alice: User, team: Team, wallet: Wallet, selling: CardGateway, monkeypatch: Any
) -> None:
    row, browser, read = begun(wallet), client_of(alice), plan_page.standing

    def standing(wallet: Wallet) -> plan_page.Standing:
        found = read(wallet)
        subscriptions.hear(stands(row), gateway="card")
        return found

    monkeypatch.setattr(plan_page, "standing", standing)
    answer = browser.get(URL, {"paid": "1"}, headers=headers)
    assert answer.status_code == 204 if headers else 'hx-trigger="every 2s"' in answer.content.decode()
    asked_again = browser.get(URL, {"paid": "1"}, headers={"HX-Request": "true"})
    assert 'id="current-title" class="plan-name">Creator<' in asked_again.content.decode()


def test_a_gateway_that_does_not_answer(client_of: ClientOf, alice: User, team: Team, selling: CardGateway) -> None:
    selling.fails = True
    answer = client_of(alice).post(f"{URL}to/creator/", {"currency": "usd"})
    assert answer.status_code == 422
    assert "The payment provider does not answer. Nothing was charged; try again in a minute." in text(answer)
    assert plan_of(team).slug == "free"


@pytest.mark.parametrize("slug", ["free", "enterprise", "studio", "gone"])
def test_what_is_not_sold_is_not_found(slug: str, client_of: ClientOf, alice: User, team: Team, selling: CardGateway) -> None:
    for answer in (client_of(alice).get(f"{URL}to/{slug}/"), client_of(alice).post(f"{URL}to/{slug}/")):
        assert answer.status_code == 404
    assert not Subscription.objects.exists()


# --- changing --------------------------------------------------------------------------------------------------------------
def test_an_upgrade_shows_what_it_costs_first(client_of: ClientOf, alice: User, team: Team, wallet: Wallet, selling: CardGateway) -> None:
    running(wallet, selling)
    browser = client_of(alice)
    asked = browser.get(f"{URL}to/pro/", {"currency": "usd"})
    said = text(asked)
    assert "What is left of Creator −$5.00 Pro for the rest of the month $12.50" in said
    assert "Paid now $7.50" in said
    assert "Pay $7.50 and change" in said
    assert "1,041 credits" in said
    assert [call[0] for call in selling.asked] == ["preview"]
    assert plan_of(team).slug == "creator"
    answer = browser.post(f"{URL}to/pro/", {"currency": "usd", "token": asked.context["token"]}, follow=True)
    assert "You are on Pro now." in answer.content.decode()
    assert ("change", f"sub_{Subscription.objects.get().pk}", "pro", selling.now) in selling.asked
    assert plan_of(team).slug == "pro"


def test_no_other_time_can_be_named_to_pay_less(
    client_of: ClientOf, alice: User, team: Team, wallet: Wallet, selling: CardGateway, in_march: Any
) -> None:
    running(wallet, selling)
    browser = client_of(alice)
    token = browser.get(f"{URL}to/pro/", {"currency": "usd"}).context["token"]
    in_march.shift(timedelta(hours=1, seconds=1))
    browser = client_of(alice)
    for given in ("", "made up", f"{token}x", token):
        answer = browser.post(f"{URL}to/pro/", {"currency": "usd", "token": given})
        assert answer.status_code == 422
        assert "Nothing was changed: choose the plan again." in text(answer)
    in_march.shift(timedelta(hours=-1))
    PlanPrice.objects.filter(plan__slug="pro").update(amount=9900)
    assert client_of(alice).post(f"{URL}to/pro/", {"currency": "usd", "token": token}).status_code == 422
    assert [call[0] for call in selling.asked] == ["preview"]
    assert plan_of(team).slug == "creator"


def test_a_declined_card_is_said(client_of: ClientOf, alice: User, team: Team, wallet: Wallet, selling: CardGateway) -> None:
    running(wallet, selling)
    browser = client_of(alice)
    token = browser.get(f"{URL}to/pro/", {"currency": "usd"}).context["token"]
    selling.refuses = True
    answer = browser.post(f"{URL}to/pro/", {"currency": "usd", "token": token})
    assert answer.status_code == 422
    assert "Your card was declined. Nothing was changed: use another card." in text(answer)
    assert plan_of(team).slug == "creator"


def test_a_downgrade_and_back(client_of: ClientOf, alice: User, team: Team, wallet: Wallet, selling: CardGateway) -> None:
    running(wallet, selling, "pro")
    browser = client_of(alice)
    assert "You keep Pro until" in text(browser.get(f"{URL}to/creator/", {"currency": "usd"}))
    assert selling.asked == []
    said = browser.post(f"{URL}to/creator/", {"currency": "usd"}, follow=True)
    assert "You change to Creator when this month ends." in said.content.decode()
    assert "becomes Creator on" in text(said)
    assert "Change to" not in text(said)
    assert plan_of(team).slug == "pro"
    selling.now += timedelta(seconds=5)
    said = browser.post(f"{URL}keep/", follow=True)
    assert "Pro stays your plan." in said.content.decode()
    assert Subscription.objects.get().next_plan is None


def test_cancel_and_undo(client_of: ClientOf, alice: User, team: Team, wallet: Wallet, selling: CardGateway) -> None:
    running(wallet, selling)
    browser = client_of(alice)
    said = browser.post(f"{URL}cancel/", follow=True)
    assert "Creator ends on 1 April. Until then nothing changes." in said.content.decode()
    assert "Do not cancel" in text(said)
    assert plan_of(team).slug == "creator"
    selling.now += timedelta(seconds=5)
    said = browser.post(f"{URL}resume/", follow=True)
    assert "Creator goes on." in said.content.decode()
    assert Subscription.objects.get().cancel_at_period_end is False


@pytest.mark.parametrize(("has", "wants", "said"), [("creator", "pro", "You are on Pro now."), ("pro", "creator", "You change to Creator")])
def test_a_change_says_that_it_takes_a_cancellation_back(
    has: str, wants: str, said: str, client_of: ClientOf, alice: User, team: Team, wallet: Wallet, selling: CardGateway
) -> None:
    running(wallet, selling, has)
    browser, word = client_of(alice), "cancellation"
    assert word not in text(browser.get(f"{URL}to/{wants}/"))
    browser.post(f"{URL}cancel/")
    selling.now += timedelta(seconds=5)
    asked = browser.get(f"{URL}to/{wants}/")
    assert f"You canceled {has.title()}, and it ends on 1 April. This change takes the cancellation back: {wants.title()} goes on" in text(
        asked
    )
    answer = text(browser.post(f"{URL}to/{wants}/", {"token": asked.context["token"]}, follow=True))
    assert said in answer
    assert "Your cancellation was taken back: the plan goes on until you cancel again." in answer
    assert not Subscription.objects.get().cancel_at_period_end


def test_a_change_of_a_plan_that_goes_on_says_nothing_of_it(
    client_of: ClientOf, alice: User, team: Team, wallet: Wallet, selling: CardGateway
) -> None:
    running(wallet, selling, "pro")
    assert "cancellation" not in text(client_of(alice).post(f"{URL}to/creator/", follow=True))
    subscriptions.cancel(Subscription.objects.get())
    selling.now += timedelta(seconds=5)
    assert "Pro stays your plan. Your cancellation was taken back" in text(client_of(alice).post(f"{URL}keep/", follow=True))


def test_a_failed_payment_is_said_until_it_is_paid(
    client_of: ClientOf, alice: User, bob: User, team: Team, wallet: Wallet, selling: CardGateway, in_march: Any, settings: Any
) -> None:
    row = running(wallet, selling)
    subscriptions.hear(stands(row, status="past_due", as_of=at(9)), gateway="card")
    said = text(client_of(alice).get(URL))
    assert "The last payment for Creator failed. The plan goes on until" in said
    assert "Pay before then, or the team is on Free." in said
    assert "Change the card, or pay now" in said
    assert "Change to Pro" not in said
    assert "Alice Harbour can pay it." in text(client_of(bob).get(URL))
    answer = client_of(alice).get(f"{URL}pay/")
    assert (answer.status_code, answer["Location"]) == (302, "https://pay.example/portal/cus_1")
    assert selling.asked == [("page", "cus_1", "http://testserver/wallet/plan/")]
    in_march.shift(settings.PLAN_GRACE)
    assert "Until it is paid, the team is on Free. Nothing that you made is lost." in text(client_of(alice).get(URL))


@pytest.mark.parametrize("role", [Role.CREATOR, Role.VIEWER, None])
def test_nobody_else_changes_the_plan(
    role: Role | None, client_of: ClientOf, team: Team, mallory: User, wallet: Wallet, selling: CardGateway
) -> None:
    row = running(wallet, selling)
    if role:
        Membership.objects.create(team=team, user=mallory, role=role)
    browser, before = client_of(mallory, team), Subscription.objects.values().get()
    for path in ("cancel/", "resume/", "keep/"):
        assert browser.post(URL + path).status_code in ({403} if role else {302, 404})  # a stranger is led to a team of their own
    assert browser.get(f"{URL}pay/").status_code == (403 if role else 404)
    if role:
        assert browser.get(f"{URL}to/pro/").status_code == 403
        assert browser.post(f"{URL}to/pro/").status_code == 403
    assert (selling.asked, Subscription.objects.values().get(), row.period_end) == ([], before, END)


# --- the operator ----------------------------------------------------------------------------------------------------------
def test_the_operator_puts_a_team_on_a_plan(client_of: ClientOf, alice: User, team: Team, wallet: Wallet, selling: CardGateway) -> None:
    operator = User.objects.create_superuser(email="opal@harbour.example", name="Opal Operator")
    browser, url = client_of(operator), f"/admin/billing/wallet/{wallet.pk}/plan/"
    assert f'href="{url}"' in browser.get(f"/admin/billing/wallet/{wallet.pk}/change/").content.decode()
    assert "is on the Free plan, as every team without one of its own" in browser.get(url).content.decode()
    answer = browser.post(url, {"plan": Plan.objects.get(slug="enterprise").pk}, follow=True)
    assert "Harbour Street is on the Enterprise plan." in answer.content.decode()
    assert (plan_of(team).slug, Subscription.objects.get().started_by) == ("enterprise", operator)
    assert browser.post(url, {"plan": "0"}).status_code == 422
    assert client_of(alice).get(url).status_code == 302  # to the admin's own sign-in
    assert plan_of(team).slug == "enterprise"


def test_the_operator_does_not_take_over_what_is_paid(client_of: ClientOf, team: Team, wallet: Wallet, selling: CardGateway) -> None:
    operator = User.objects.create_superuser(email="opal@harbour.example", name="Opal Operator")
    running(wallet, selling)
    url = f"/admin/billing/wallet/{wallet.pk}/plan/"
    answer = client_of(operator).post(url, {"plan": Plan.objects.get(slug="pro").pk})
    assert answer.status_code == 422
    assert "It has to cancel that plan first" in answer.content.decode()
    assert plan_of(team).slug == "creator"


def test_the_operator_edits_plans(client_of: ClientOf, db: None, selling: CardGateway) -> None:
    operator = User.objects.create_superuser(email="opal@harbour.example", name="Opal Operator")
    browser, free = client_of(operator), Plan.objects.get(slug="free")
    for path in ("plan/", "subscription/", "subscriptioninvoice/"):
        assert browser.get(f"/admin/billing/{path}").status_code == 200
    url = f"/admin/billing/plan/{free.pk}/change/"
    page = browser.get(url).content.decode()
    assert "deletelink" not in page  # everybody is on it
    form = {"name": "Free", "credits": "50", "priority": "0", "position": "10", "is_public": "on", "seats": "4"}
    form |= {"prices-TOTAL_FORMS": "0", "prices-INITIAL_FORMS": "0"}
    assert browser.post(url, {**form, "engines": '{"a": 1}'}).status_code == 200
    free.refresh_from_db()
    assert (free.credits, free.seats) == (25_000, 2)
    assert browser.post(url, {**form, "engines": '["diffusers"]'}).status_code == 302
    free.refresh_from_db()
    assert (free.credits, free.seats, free.storage, free.engines) == (50_000, 4, None, ["diffusers"])


def test_the_operator_types_credits_and_megabytes(client_of: ClientOf, db: None, selling: CardGateway) -> None:
    operator = User.objects.create_superuser(email="opal@harbour.example", name="Opal Operator")
    browser, free = client_of(operator), Plan.objects.get(slug="free")
    Plan.objects.filter(pk=free.pk).update(credits=1_500, storage=1_000_000_000)
    url = f"/admin/billing/plan/{free.pk}/change/"
    page = browser.get(url).content.decode()
    assert 'name="credits" value="1.5"' in page
    assert 'name="storage" value="953.674"' in page
    assert '<td class="field-storage_in_words">954 MB</td>' in browser.get("/admin/billing/plan/").content.decode()
    form = {"name": "Free", "credits": "2,5", "storage": "953.674", "priority": "0", "position": "10", "is_public": "on", "engines": "[]"}
    form |= {"prices-TOTAL_FORMS": "0", "prices-INITIAL_FORMS": "0"}
    assert browser.post(url, form).status_code == 302
    free.refresh_from_db()
    assert (free.credits, free.storage) == (2_500, 1_000_000_000), "what nobody touched stays, to the byte"
    assert browser.post(url, {**form, "storage": "10,5"}).status_code == 302
    free.refresh_from_db()
    assert free.storage == 11_010_048
    assert browser.post(url, {**form, "credits": "1,500"}).status_code == 200
    free.refresh_from_db()
    assert (free.credits, free.storage) == (2_500, 11_010_048)
