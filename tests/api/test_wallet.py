"""The wallet by program: what is there, what happened, what was spent on what; another team's stays its own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts import keys
from accounts.models import Team, User
from accounts.services import create_team
from billing.models import Hold, LedgerEntry
from billing.services import wallets
from tests.api.conftest import problem

pytestmark = pytest.mark.django_db

Makes = Callable[..., Any]


def spend(team: Team, amount: int, *, actor: User, reference: str, product: str = "Storybook", **more: Any) -> Hold:
    """Work that was asked for and charged."""
    wallet = wallets.wallet_of(team)
    hold = wallets.place_hold(
        wallet,
        amount,
        reference=reference,
        description=f"1 picture, {product}",
        actor=actor,
        product=product,
        operation="Text to image",
        **more,
    )
    wallets.capture(hold, amount)
    return hold


def test_the_balance_is_told_in_credits(alice: User, rich: Team, program: Makes) -> None:
    """What runs has set aside is not to be spent."""
    robot = program(alice)
    before = robot.get("/wallet").json()
    wallets.place_hold(wallets.wallet_of(rich), 6_500, reference="job:1", description="1 picture", actor=alice)
    spend(rich, 2_250, actor=alice, reference="job:2")
    told = robot.get("/wallet").json()
    balance = wallets.wallet_of(rich).balance
    assert before["spent_this_month"] == "0"
    assert told == {
        "object": "wallet",
        "available": f"{(balance - 6_500) / 1000:g}",
        "balance": f"{balance / 1000:g}",
        "held": "6.5",
        "frozen": "0",
        "running": 1,
        "spent_this_month": "2.25",
        "expiring": None,
        "plan": before["plan"],
    }


def test_entries_say_what_they_were_for(alice: User, bob: User, rich: Team, program: Makes) -> None:
    robot = program(bob, name="Shop")
    spend(rich, 6_500, actor=bob, reference="job:1", product="Stable Image Core", api_key=robot.key)
    entry = robot.get("/wallet/entries").json()["items"][0]
    assert {name: value for name, value in entry.items() if name not in ("id", "created_at", "balance_after")} == {
        "object": "entry",
        "kind": "capture",
        "credits": "-6.5",
        "description": "1 picture, Stable Image Core",
        "outcome": "",
        "engine": "Stable Image Core",
        "mode": "Text to image",
        "held": "6.5",
        "charged": "6.5",
        "released": "0",
        "job": None,
        "person": {"id": str(bob.pk), "name": "Bob Member"},
        "api_key": {"id": robot.key.public_id, "name": "Shop"},
        "reference": "job:1",
    }
    assert robot.get(f"/wallet/entries/{entry['id']}").json() == entry


def test_entries_come_page_by_page(alice: User, bob: User, rich: Team, program: Makes) -> None:
    """What is written between two pages moves nothing; filters leave out the rest."""
    for number in range(5):
        spend(rich, 1_000 + number, actor=bob if number % 2 else alice, reference=f"job:{number}")
    robot, seen, cursor = program(alice), [], ""
    whole = robot.get("/wallet/entries").json()["items"]
    while True:
        answer = robot.get("/wallet/entries", {"limit": 2, "cursor": cursor}).json()
        seen += answer["items"]
        spend(rich, 500, actor=alice, reference=f"job:meanwhile {len(seen)}")
        if not answer["next"]:
            break
        cursor = answer["next"]
    assert seen == whole
    bobs = robot.get("/wallet/entries", {"by": str(bob.pk), "kind": "capture"}).json()["items"]
    assert [one["credits"] for one in bobs] == ["-1.003", "-1.001"]
    grants = robot.get("/wallet/entries", {"kind": "grant"}).json()["items"]
    assert {one["kind"] for one in grants} == {"grant"}
    assert robot.get("/wallet/entries", {"to": "2020-01-01"}).json() == {"items": [], "next": None}
    assert robot.get("/wallet/entries", {"engine": "Other"}).json()["items"] == []


def test_what_was_spent_adds_up_however_it_is_split(alice: User, bob: User, rich: Team, program: Makes) -> None:
    """By engine, person and key, and all at once; a refund counts against its day."""
    robot = program(bob, name="Shop")
    spend(rich, 2_000, actor=alice, reference="job:1", product="Storybook")
    spend(rich, 3_000, actor=bob, reference="job:2", product="Core", api_key=robot.key)
    spend(rich, 4_000, actor=bob, reference="job:3", product="Core", api_key=robot.key)
    wallets.refund(Hold.objects.get(reference="job:3"), 500, reference="refund:1", description="Half of it was grey")
    today = str(timezone.localdate())
    span = {"begins": today, "ends": today}

    def items(**asked: str) -> Any:
        answer = robot.get("/wallet/usage", asked).json()
        assert answer["total"] == "8.5"
        assert (answer["to"], answer["by"]) == (today, asked.get("by", ""))
        return answer["items"]

    assert items() == [{**span, "id": "", "label": "", "credits": "8.5"}]
    assert items(by="engine") == [
        {**span, "id": "Core", "label": "Core", "credits": "6.5"},
        {**span, "id": "Storybook", "label": "Storybook", "credits": "2"},
    ]
    assert items(by="person") == [
        {**span, "id": str(bob.pk), "label": "Bob Member", "credits": "6.5"},
        {**span, "id": str(alice.pk), "label": "Alice Harbour", "credits": "2"},
    ]
    assert items(by="key") == [
        {**span, "id": robot.key.public_id, "label": "Shop", "credits": "6.5"},
        {**span, "id": "", "label": "Without a key", "credits": "2"},
    ]
    assert items(by="mode") == [{**span, "id": "Text to image", "label": "Text to image", "credits": "8.5"}]
    since = str(timezone.localdate() - timedelta(days=40))
    whole = items(per="all", **{"from": since})
    assert whole == [{"begins": since, "ends": today, "id": "", "label": "", "credits": "8.5"}]
    [month] = items(per="month", **{"from": since})
    assert (month["begins"], month["ends"]) == (str(timezone.localdate().replace(day=1)), today)


def test_nothing_spent_is_nothing(alice: User, team: Team, program: Makes) -> None:
    for per in ("day", "month", "all"):
        answer = program(alice).get("/wallet/usage", {"per": per, "from": "2024-02-28", "to": "2024-03-01"}).json()
        assert answer == {"from": "2024-02-28", "to": "2024-03-01", "by": "", "per": per, "total": "0", "items": []}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"from": "2026-03-02", "to": "2026-03-01"}, "from"),
        ({"from": "2020-01-01", "to": "2021-06-01"}, "from"),
        ({"to": "9999-12-31"}, "to"),
        ({"to": "0001-01-10"}, "to"),
        ({"to": "1970-01-05"}, "from"),
        ({"by": "colour"}, "by"),
        ({"per": "hour"}, "per"),
    ],
)
def test_a_span_that_makes_no_sense_is_named(alice: User, team: Team, program: Makes, query: dict[str, str], field: str) -> None:
    answer = program(alice).get("/wallet/usage", query)
    assert (answer.status_code, list(answer.json()["errors"])) == (422, [field])


@pytest.mark.parametrize("path", ["/wallet/entries", "/library"])
@pytest.mark.parametrize("day", ["9999-12-31", "9999-01-01", "1969-12-31", "0001-01-01"])
@pytest.mark.parametrize("field", ["from", "to"])
def test_a_day_that_no_page_would_look_for_is_named(alice: User, rich: Team, program: Makes, path: str, day: str, field: str) -> None:
    """Pages pass over it; a program would take all there is for what it asked for."""
    answer = program(alice).get(path, {field: day})
    assert (answer.status_code, answer.json()["code"], list(answer.json()["errors"])) == (422, "invalid", [field])
    assert "between the years 1970 and 9998" in answer.json()["errors"][field]
    assert program(alice).get(path, {field: "1970-01-01"}).status_code == program(alice).get(path, {field: "9998-12-31"}).status_code == 200


def test_another_teams_wallet_is_not_there(alice: User, rich: Team, mallory: User, other_team: Team, program: Makes) -> None:
    """Its entries neither, nor those of another team of the same person, nor a hold, which is no line."""
    second = create_team("Second", alice)
    hidden = []
    for one, who in ((other_team, mallory), (second, alice)):
        wallets.grant(wallets.wallet_of(one), 5_000, reference="gift", description="Elsewhere")
        spend(one, 1_000, actor=who, reference="job:x")
        hidden += [entry.pk for entry in wallets.wallet_of(one).entries.all()]
    wallets.place_hold(wallets.wallet_of(rich), 1_000, reference="job:held", description="runs", actor=alice)
    robot = program(alice, rich)
    hidden.append(LedgerEntry.objects.get(kind="hold", reference="job:held").pk)
    for entry in (*hidden, 10**12, "nothing", "-1", 1 << 70):
        problem(robot.get(f"/wallet/entries/{entry}"), 404, "not_found")
    assert "Elsewhere" not in robot.get("/wallet/entries").content.decode()
    assert robot.get("/wallet/usage", {"by": "person"}).json()["total"] == "0"


def test_the_team_is_picked_by_its_id(alice: User, rich: Team, program: Makes) -> None:
    """A key for all teams of its person reads the one that `Organization` names."""
    second = create_team("Second", alice)
    wallets.grant(wallets.wallet_of(second), 7_000, reference="gift", description="For the second")
    robot = program(alice, rich, all_teams=True, organization=keys.organization_id(second))
    assert robot.get("/wallet/entries").json()["items"][0]["description"] == "For the second"


@pytest.mark.parametrize("address", ["/wallet", "/wallet/entries", "/wallet/entries/1", "/wallet/usage"])
def test_a_route_needs_its_scope(alice: User, team: Team, program: Makes, address: str) -> None:
    others = ("generate", "library:read", "library:write", "templates", "webhooks")
    problem(program(alice, scopes=others).get(address), 403, "scope_missing")
