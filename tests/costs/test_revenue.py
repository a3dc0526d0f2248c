"""The operator's year: money by currency, credits by account, costs and margin, by month and by engine."""

from __future__ import annotations

import csv
import io
import re
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Team, User
from billing.models import Account, Dispute, PaymentRefund, Plan, Purchase, Subscription, SubscriptionInvoice
from billing.services.wallets import correct, expire, grant, refund, revoke, wallet_of
from studio.costs import revenue
from studio.costs.revenue import EngineSums
from studio.generation.models import Job
from tests.billing.pages import CREDIT, part
from tests.factories import make_artifacts, make_job

pytestmark = pytest.mark.django_db
ADDRESS = "/admin/costs/revenuereport/"
TODAY = date(2026, 11, 20)


def moment(day: int, month: int = 11) -> datetime:
    return datetime(2026, month, day, 12, tzinfo=UTC)


def sold(team: Team, amount: int, currency: str, paid_at: datetime | None, **fields: Any) -> Purchase:
    told = {"name": "Pack", "credits": 1000, "gateway": "manual", "form_key": uuid.uuid4()}
    status = Purchase.Status.PAID if paid_at else Purchase.Status.OPEN
    return Purchase.objects.create(
        wallet=wallet_of(team), amount=amount, currency=currency, paid_at=paid_at, status=status, **told, **fields
    )


@pytest.fixture(autouse=True)
def no_welcome(settings: Any) -> None:
    """New people get nothing, at whatever time a test runs."""
    settings.WELCOME_CREDITS = 0


@pytest.fixture
def year(alice: User, team: Team, mallory: User, other_team: Team) -> Any:
    """Two teams. October: $10 and €9 came, 100 were bought, 20 given. November: $25 came, $4 went back, $3 were lost; work, and an end."""
    with time_machine.travel(moment(1, 10), tick=False):
        first = sold(team, 1000, "usd", moment(1, 10))
        sold(other_team, 900, "eur", moment(2, 10))
        wallet = wallet_of(team)
        lot = grant(wallet, 100 * CREDIT, reference="a", description="a", source=Account.SALES).lot
        grant(wallet, 20 * CREDIT, reference="b", description="b", source=Account.PROMOTIONS, expires_at=moment(10))
    with time_machine.travel(moment(5), tick=False):
        sold(team, 2500, "usd", moment(5))
        sold(team, 9999, "usd", None)
        for status, amount in (("succeeded", 300), ("pending", 100), ("failed", 600)):
            PaymentRefund.objects.create(purchase=first, amount=amount, status=status)
        Dispute.objects.create(purchase=first, external_id="lost", amount=300, status="lost", closed_at=moment(6))
        Dispute.objects.create(purchase=first, external_id="won", amount=500, status="won", closed_at=moment(6))
        revoke(lot, 4 * CREDIT, reference="back", description="back")
        correct(wallet, 2 * CREDIT, reference="fix", description="fix", actor=alice)
        for engine, count, cost in (("Core", 4, 2_400), ("Core", 2, 1_200), ("Storybook", 5, 0)):
            job = make_artifacts(team, alice, count, made_at=moment(5), engine=engine, engine_label=engine, files=False)[0].job
            Job.objects.filter(pk=job.pk).update(provider_cost=cost)
        refund(job.hold, CREDIT, reference="blurred", description="blurred")
        lost = make_job(team, alice, engine="Core", engine_label="Core", made_at=moment(5))
        Job.objects.filter(pk=lost.pk).update(status="failed", sent_at=moment(5), finished_at=moment(5))
    with time_machine.travel(moment(11), tick=False):
        expire(wallet)
    with time_machine.travel(moment(20), tick=False):
        yield


def test_money_and_credits_by_month(year: None) -> None:
    november, october, *before = revenue.months(TODAY)
    assert (len(before), before[-1].title) == (10, "December 2025")
    assert (october.revenue, october.refunds) == (["€9.00", "$10.00"], [])
    assert (november.revenue, november.refunds) == (["$18.00"], ["$7.00"])
    assert october.credits == {"sales": 100 * CREDIT, "promotions": 20 * CREDIT}
    assert november.credits == {"sales": -4 * CREDIT, "operator": 2 * CREDIT, "spent": -10 * CREDIT, "expired": -9 * CREDIT}
    assert (november.sources, november.spent, november.expired) == ([0, -4 * CREDIT, 0, 0, 2 * CREDIT], 10 * CREDIT, 9 * CREDIT)
    assert (before[0].revenue, before[0].credits, before[0].engines) == ([], {}, [])


def test_plans_that_were_paid_are_revenue_too(year: None, team: Team) -> None:
    plan = Plan.objects.create(slug="trial-plan", name="Trial plan", credits=1_000_000)
    subscription = Subscription.objects.create(wallet=wallet_of(team), plan=plan, currency="usd", amount=1000)
    for number, (status, paid) in enumerate((("paid", 1000), ("paid", 0), ("open", 0))):
        told = {"credits": 1_000_000, "reason": "period", "status": status, "amount_due": 1000, "amount_paid": paid, "currency": "usd"}
        SubscriptionInvoice.objects.create(subscription=subscription, external_id=f"in_{number}", plan=plan, **told)
    assert revenue.months(TODAY)[0].revenue == ["$28.00"]


def test_costs_and_margin_by_engine(year: None) -> None:
    november, october, *_ = revenue.months(TODAY)
    assert november.engines == [EngineSums("Core", 3, 6_000, 3_600, 1), EngineSums("Storybook", 1, 4_000, 0, 0)]
    assert [one.margin for one in november.engines] == [2_400, 4_000]
    assert (november.charged, november.cost, november.margin, november.unknown) == (10_000, 3_600, 6_400, 1)
    assert october.engines == []


def test_all_months_together(year: None) -> None:
    found = revenue.total(revenue.months(TODAY))
    assert (found.revenue, found.refunds) == (["€9.00", "$28.00"], ["$7.00"])
    assert found.credits == {"sales": 96 * CREDIT, "promotions": 20 * CREDIT, "operator": 2 * CREDIT, "spent": -10_000, "expired": -9_000}
    assert found.engines == [EngineSums("Core", 3, 6_000, 3_600, 1), EngineSums("Storybook", 1, 4_000, 0, 0)]


def test_the_page(year: None, desk: Client) -> None:
    response = desk.get(ADDRESS)
    assert response.status_code == 200
    row = part(response, r"(<tr><td>Nov 2026</td>.*?</tr>)")
    assert row == "Nov 2026 $18.00 $7.00 −4 2 10 9 3.6 +6.4"
    assert part(response, r'<table id="revenue-engines">.*?<tbody>(.*?)</tbody>') == "Core 3 6 3.6 +2.4 1 Storybook 1 4 0 +4"
    assert "In all wallets there are" in response.content.decode()
    assert "style=" not in response.content.decode().split('id="content"')[1]


def test_the_page_of_a_studio_in_which_nothing_happened(desk: Client) -> None:
    assert "No job ended in these months." in desk.get(ADDRESS).content.decode()


def test_the_file(year: None, desk: Client) -> None:
    response = desk.get(ADDRESS, {"format": "csv"})
    assert response["Content-Disposition"] == 'attachment; filename="atelier-revenue-2026-11.csv"'
    rows = list(csv.reader(io.StringIO(response.content.decode())))
    assert rows[1] == [
        *("2026-11", "", "4", "10.000", "3.600", "6.400", "$18.00", "$7.00"),
        *("0.000", "-4.000", "0.000", "0.000", "2.000", "10.000", "9.000"),
    ]
    assert rows[2] == ["2026-11", "Core", "3", "6.000", "3.600", "2.400"]


def test_its_queries_do_not_grow(year: None, alice: User, team: Team) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            revenue.months(TODAY)
        return len(captured)

    few = queries()
    for number in range(5):
        make_artifacts(team, alice, 1, made_at=moment(number + 1), engine=f"e{number}", engine_label=f"E {number}", files=False)
        sold(team, 100, "jpy", moment(number + 1))
    assert queries() == few == 8


def test_only_for_operators_with_the_right(year: None, bob: User, client_of: Callable[..., Client]) -> None:
    assert client_of(bob).get(ADDRESS).status_code == 302
    User.objects.filter(pk=bob.pk).update(is_staff=True)
    assert client_of(bob).get(ADDRESS).status_code == 403
    bob.user_permissions.add(Permission.objects.get(codename="view_revenuereport"))
    response = client_of(User.objects.get(pk=bob.pk)).get(ADDRESS)
    assert response.status_code == 200
    assert re.search(r"<td>Nov 2026</td>", response.content.decode())
