"""What was spent with a key: by day, by engine, against its budget; and only in teams that whoever looks is in."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import audit, keys
from accounts.models import ApiKey, Team, User
from accounts.services import create_team
from billing import key_use
from billing.models import Hold
from billing.services import wallets
from tests.developers.test_key_pages import page_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def key(team: Team, bob: User) -> ApiKey:
    return keys.make(team, bob, name="Robot", scopes=["generate"], all_teams=True, budget_day=100_000, budget_month=1_000_000).key


def spend(
    key: ApiKey, team: Team, amount: int, engine: str, *, captured: int | None = None, days: int = 0, at: datetime | None = None
) -> Hold:
    """A piece of work asked for with the key so many days ago; `captured` of it is charged, all of it where nothing is said."""
    wallet = wallets.wallet_of(team)
    count = Hold.objects.count()
    wallets.grant(wallet, amount, reference=f"use:{count}", description="For the test")
    hold = wallets.place_hold(wallet, amount, reference=f"use:{count}", description=engine, product=engine, actor=key.user, api_key=key)
    if captured != -1:
        wallets.capture(hold, amount if captured is None else captured)
    if days or at:
        Hold.objects.filter(pk=hold.pk).update(created_at=at or timezone.now() - timedelta(days=days))
    return hold


def test_figures_count_what_is_held_and_leave_out_what_went_back(key: ApiKey, bob: User, team: Team) -> None:
    spend(key, team, 3000, "Core")
    spend(key, team, 2000, "Core", captured=-1)
    refunded = spend(key, team, 1500, "Ultra")
    wallets.refund(refunded, 500, reference="half", description="Sorry")
    spend(key, team, 700, "Ultra", days=400)
    found = key_use.figures(key, bob)
    assert (found.today, found.today_jobs) == (6000, 3)
    assert (found.this_month, found.month_jobs) == (6000, 3)
    assert (found.whole, found.whole_jobs) == (6700, 4)
    assert [(line.label, line.jobs, line.spent, line.share) for line in key_use.by_engine(key, bob)] == [
        ("Core", 2, 5000, 74),
        ("Ultra", 2, 1700, 25),
    ]


def test_the_chart_has_a_bar_a_day_and_a_series_an_engine(key: ApiKey, bob: User, team: Team) -> None:
    for amount, engine, days in ((3000, "Core", 0), (1000, "Core", 2), (6500, "Large", 2), (800, "Core", 29), (9000, "Core", 30)):
        spend(key, team, amount, engine, days=days)
    chart = key_use.chart(key, bob, span="30", measure="credits")
    today = timezone.localdate()
    assert chart.title == "Credits by day"
    assert chart.total == 11_300
    assert [(one.label, one.total) for one in chart.series] == [("Large", 6500), ("Core", 4800)]
    assert [row.total for row in chart.rows] == [3000, 7500, 800], "newest first"
    assert len(chart.bars) == 30
    assert f"{today - timedelta(days=2):%-d %B}" in chart.summary
    jobs = key_use.chart(key, bob, span="12", measure="jobs")
    assert (jobs.title, jobs.total, jobs.summary.split(" in ")[0]) == ("Jobs by month", 5, "5 jobs")
    one = key_use.chart(key, bob, span="30", measure="jobs")
    assert [(series.label, series.total) for series in one.series] == [("Core", 3), ("Large", 1)]


def test_the_page_tells_of_use_and_budget(client_of: Callable[..., Client], key: ApiKey, bob: User, team: Team) -> None:
    spend(key, team, 2500, "Core")
    client = client_of(bob)
    page = page_of(client, f"/developers/keys/{key.public_id}/")
    assert "Today 2.5 credits · 1 job" in page.text
    assert "2.5 of 100 credits" in page.text
    assert "997.5 left" in page.text
    assert "Core 1 2.5 100 %" in page.text
    assert f"/library/?key={key.public_id}" in [one.get("href") for one in page.all("a")]
    assert "Jobs by day" in page_of(client, f"/developers/keys/{key.public_id}/?by=jobs").text
    assert "Credits by month" in page_of(client, f"/developers/keys/{key.public_id}/?span=12&by=nonsense").text


def test_work_of_another_key_is_not_counted(key: ApiKey, bob: User, team: Team) -> None:
    other = keys.make(team, bob, name="Other", scopes=["generate"]).key
    spend(other, team, 2500, "Core")
    assert key_use.figures(key, bob).whole == 0
    assert key_use.by_engine(key, bob) == []
    assert key_use.chart(key, bob, span="30", measure="credits").series == []


def test_who_administers_does_not_learn_what_was_spent_elsewhere(
    client_of: Callable[..., Client], key: ApiKey, alice: User, bob: User, team: Team
) -> None:
    elsewhere = create_team("Bob’s own business", bob)
    spend(key, team, 1000, "Core")
    spend(key, elsewhere, 5000, "Secret engine")
    assert (key_use.figures(key, bob).whole, key_use.figures(key, alice).whole) == (6000, 1000)
    text = page_of(client_of(alice, team), f"/developers/keys/{key.public_id}/").text
    assert "Secret engine" not in text
    assert "All time 1 credit" in text


def test_a_new_key_says_where_to_begin(client_of: Callable[..., Client], key: ApiKey, bob: User) -> None:
    page = page_of(client_of(bob), f"/developers/keys/{key.public_id}/")
    assert "Nothing was spent with this key in this time." in page.text
    assert f"/developers/examples/?key={key.public_id}" in [one.get("href") for one in page.all("a")]


def test_a_scope_that_the_role_does_not_allow_any_more_is_marked(
    client_of: Callable[..., Client], key: ApiKey, bob: User, team: Team
) -> None:
    team.memberships.filter(user=bob).update(role="viewer")
    page = page_of(client_of(bob), f"/developers/keys/{key.public_id}/")
    assert "Generate Not now: your role in this team does not allow it." in page.text


def test_what_a_program_changed_is_told(client_of: Callable[..., Client], key: ApiKey, bob: User, team: Team) -> None:
    with audit.acting_with(key):
        audit.record(team, bob, "gallery.made", "made the gallery Boats")
    audit.record(team, bob, "gallery.made", "made the gallery By hand")
    text = page_of(client_of(bob), f"/developers/keys/{key.public_id}/").text
    assert "Made the gallery Boats" in text
    assert "By hand" not in text


def test_the_page_of_a_key_takes_no_more_queries_however_much_was_spent(
    client_of: Callable[..., Client], key: ApiKey, bob: User, team: Team
) -> None:
    client = client_of(bob)
    path = f"/developers/keys/{key.public_id}/"
    client.get(path)
    with CaptureQueriesContext(connection) as few:
        client.get(path)
    for number in range(12):
        spend(key, team, 100, f"Engine {number}", days=number)
    with CaptureQueriesContext(connection) as many:
        client.get(path)
    assert len(many) <= len(few)


# --- examples --------------------------------------------------------------------------------------------------------


def test_examples_are_filled_in_with_the_host_and_the_key(client_of: Callable[..., Client], key: ApiKey, bob: User) -> None:
    client = client_of(bob, headers={"Host": "localhost:9000"})
    page = page_of(client, f"/developers/examples/?key={key.public_id}&in=python")
    assert 'STUDIO = "http://localhost:9000"' in page.text
    assert f"the secret of “Robot”, sk-{key.public_id}…" in page.text
    assert re.search(r'"engine": "[a-z0-9.-]+"', page.text)


def test_an_example_names_an_engine_that_the_key_may_use(client_of: Callable[..., Client], bob: User, team: Team) -> None:
    key = keys.make(team, bob, name="Narrow", scopes=["generate"], engines=["null"]).key
    assert '"engine": "null"' in page_of(client_of(bob), f"/developers/examples/?key={key.public_id}&in=python").text
    other = keys.make(team, bob, name="Nothing here", scopes=["generate"], engines=["no-such-engine"]).key
    assert '"engine": "an-engine"' in page_of(client_of(bob), f"/developers/examples/?key={other.public_id}&in=python").text


def test_what_the_key_lacks_for_an_example_is_said(client_of: Callable[..., Client], bob: User, team: Team) -> None:
    key = keys.make(team, bob, name="Reader", scopes=["library:read"]).key
    assert "it lacks “Generate”" in page_of(client_of(bob), f"/developers/examples/?key={key.public_id}").text


def test_a_name_cannot_break_out_of_a_program(client_of: Callable[..., Client], bob: User, team: Team) -> None:
    keys.make(team, bob, name="x}\"; rm -rf ~ #`$(id)`'", scopes=["generate"])
    for language in ("curl", "python", "javascript"):
        text = page_of(client_of(bob), f"/developers/examples/?in={language}").text
        assert "rm -rf" in text
        assert not re.search(r'x}"|"; rm|`\$\(id|\$\(id', text.split("Save it as")[1])


def test_another_persons_key_is_not_filled_in(client_of: Callable[..., Client], key: ApiKey, alice: User, team: Team) -> None:
    text = page_of(client_of(alice), f"/developers/examples/?key={key.public_id}").text
    assert key.public_id not in text
    assert "You have no key in this team." in text


def test_nonsense_in_the_address_is_as_if_it_were_not_there(client_of: Callable[..., Client], bob: User, team: Team) -> None:
    page = page_of(client_of(bob), "/developers/examples/?task=../../settings&in=perl&key=%00")
    assert "Ask for a job, wait until it is over" in page.text


def test_the_menu_leads_there(client_of: Callable[..., Client], bob: User, team: Team) -> None:
    assert "/developers/" in [one.get("href") for one in page_of(client_of(bob), "/library/").all("a")]
