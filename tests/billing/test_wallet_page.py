"""The wallet page, as the people of a team read it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from html import unescape
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Team, User
from billing.models import Wallet
from billing.services.wallets import capture, grant, place_hold, refund, void, wallet_of
from billing.statement import PAGE

pytestmark = pytest.mark.django_db

ClientOf = Callable[..., Client]
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
HTMX = {"HX-Request": "true"}


def text(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def rows(response: HttpResponse, what: str) -> list[list[str]]:
    """The cells of each row whose id begins with `what`, as text."""
    found = re.findall(rf'<tr id="{what}-\d+">(.*?)</tr>', response.content.decode(), re.DOTALL)
    return [[text(cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL)] for row in found]


def figures(response: HttpResponse) -> list[str]:
    section = re.search(r'<section id="figures".*?</section>', response.content.decode(), re.DOTALL)
    assert section
    return [text(card) for card in re.findall(r'<div class="card figure">(.*?)</div>', section.group(), re.DOTALL)]


def balance(response: HttpResponse) -> str:
    found = re.search(r'<a id="balance"[^>]*>(.*?)</a>', response.content.decode(), re.DOTALL)
    assert found
    return text(found.group(1))


def days(response: HttpResponse) -> list[str]:
    return [text(day) for day in re.findall(r'<tr class="day">(.*?)</tr>', response.content.decode(), re.DOTALL)]


@pytest.fixture
def story(wallet: Wallet, alice: User, bob: User) -> None:
    """Four days in November and one in October of 2026."""
    with time_machine.travel(datetime(2026, 10, 31, 9, 30, tzinfo=UTC), tick=False):
        capture(place_hold(wallet, 2_000, reference="job:0", description="2 pictures, Storybook", actor=alice), 2_000)
    with time_machine.travel(datetime(2026, 11, 18, 9, 30, tzinfo=UTC), tick=False):
        grant(wallet, 1_000_000, reference="gift", description="Granted: for the exhibition", actor=alice)
    with time_machine.travel(datetime(2026, 11, 19, 23, 59, tzinfo=UTC), tick=False):
        void(place_hold(wallet, 8_000, reference="job:1", description="1 picture, Atlas", actor=bob))
    with time_machine.travel(datetime(2026, 11, 20, 8, 5, tzinfo=UTC), tick=False):
        hold = place_hold(wallet, 4_000, reference="job:2", description="4 pictures, Storybook, 512×512, 20 steps", actor=bob)
        capture(hold, 3_000)
        refund(hold, 500, reference="refund:1", description="A picture was blurred", actor=alice)
    with time_machine.travel(datetime(2026, 11, 20, 11, 58, tzinfo=UTC), tick=False):
        place_hold(wallet, 6_500, reference="job:3", description="1 picture, Atlas", actor=bob)


@pytest.fixture
def now() -> Any:
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.mark.usefixtures("story", "now")
def test_the_page_in_plain_words(alice: User, client_of: ClientOf) -> None:
    response = client_of(alice).get("/wallet/")
    assert response.status_code == 200
    assert figures(response) == [
        "Available 999 = $9.99",
        "Held by 1 running job 6.5 what is not used is released",
        "Spent in November 2.5 = $0.03",
        "At this pace over a year 0.2 a day, the mean of 14 days",
    ]
    assert balance(response) == "999 credits available, open the wallet"
    assert rows(response, "hold") == [["20 Nov, 11:58", "1 picture, Atlas", "Bob Member", "held 6.5 for now"]]
    assert days(response)[:4] == ["Today", "Yesterday", "Wednesday 18 November", "Saturday 31 October"]
    assert rows(response, "entry")[:5] == [
        [
            "08:05",
            "A picture was blurred",
            "Alice Harbour",
            "refunded 0.5: 4 pictures, Storybook, 512×512, 20 steps",
            "+0.5",
            "left 1,005.5",
        ],
        [
            "08:05",
            "4 pictures, Storybook, 512×512, 20 steps",
            "Bob Member",
            "held 4, charged 3, released 1, refunded 0.5",
            "−3",
            "left 1,005",
        ],
        ["23:59", "1 picture, Atlas", "Bob Member", "held 8, released 8", "0", "left 1,008"],
        ["09:30", "Granted: for the exhibition", "Alice Harbour", "granted 1,000", "+1,000", "left 1,008"],
        ["09:30", "2 pictures, Storybook", "Alice Harbour", "held 2, charged 2", "−2", "left 8"],
    ]
    assert "Harbour Street · everyone in the team sees this page" in text(response.content.decode())
    assert "1 credit = US$0.01" in text(response.content.decode())


@pytest.mark.usefixtures("story", "now")
def test_a_viewer_and_a_member_see_what_the_owner_sees(alice: User, bob: User, carol: User, client_of: ClientOf) -> None:
    seen = [rows(client_of(user).get("/wallet/"), "entry") for user in (alice, bob, carol)]
    assert len(seen[0]) == 6
    assert seen[1] == seen[2] == seen[0]


@pytest.mark.usefixtures("story")
def test_a_stranger_sees_their_own_wallet_and_nothing_of_this_one(mallory: User, team: Team, client_of: ClientOf) -> None:
    # Even with the team's number planted in the session.
    response = client_of(mallory, team).get("/wallet/")
    assert response.status_code == 200
    assert "Harbour Street" not in response.content.decode()
    assert rows(response, "entry") != []
    assert [row[1] for row in rows(response, "entry")] == ["Welcome credits"]


def test_a_stranger_sees_nothing_older_by_another_s_entry_number(wallet: Wallet, mallory: User, client_of: ClientOf) -> None:
    entry = grant(wallet, 1_000, reference="gift", description="Granted: a secret")
    response = client_of(mallory).get(f"/wallet/?after={entry.pk + 1}", headers=HTMX)
    assert response.status_code == 200
    assert "secret" not in response.content.decode()


def test_the_door_refuses_whoever_is_not_in_the_team(rf: Any, team: Team, mallory: User) -> None:
    from django.http import Http404

    from billing.views.wallet import wallet

    request = rf.get("/wallet/")
    request.user, request.team = mallory, team
    with pytest.raises(Http404):
        wallet(request)
    assert Wallet.objects.filter(team=team).count() == 1


def test_somebody_signed_out_is_sent_to_the_login(client: Client, alice: User) -> None:
    response = client.get("/wallet/")
    assert response.status_code == 302
    assert response.headers["Location"] == "/accounts/login/?next=/wallet/"


def test_the_page_is_only_for_reading(alice: User, wallet: Wallet, client_of: ClientOf) -> None:
    assert client_of(alice).post("/wallet/", {"amount": "1000"}).status_code == 405
    assert wallet.entries.count() == 1


def test_a_team_without_credits_is_told_whom_to_ask(alice: User, bob: User, team: Team, client_of: ClientOf) -> None:
    response = client_of(alice, team).get("/wallet/")
    assert figures(response)[:2] == ["Available 0 = $0.00", "Held 0 nothing is running"]
    assert rows(response, "entry") == []
    assert "Nothing yet" in text(response.content.decode())
    assert "This team has no credits: buy some, or ask the operator of this studio." in text(response.content.decode())
    page = text(client_of(bob, team).get("/wallet/").content.decode())
    assert "This team has no credits: ask those who administer the team to buy some." in page
    assert "Buy" not in page


def test_who_may_buy_finds_the_way(alice: User, bob: User, carol: User, wallet: Wallet, client_of: ClientOf, settings: Any) -> None:
    def ways(user: User) -> list[bool]:
        page = client_of(user).get("/wallet/").content.decode()
        return ['href="/wallet/buy/"' in page, 'href="/wallet/purchases/"' in page]

    assert [ways(user) for user in (alice, bob, carol)] == [[True, True], [False, True], [False, False]]
    settings.GATEWAYS = {}
    assert ways(alice) == [False, True]


def test_the_operator_finds_the_way_to_the_grant_form(alice: User, wallet: Wallet, client_of: ClientOf) -> None:
    address = f"/admin/billing/wallet/{wallet.pk}/grant/"
    assert address not in client_of(alice).get("/wallet/").content.decode()
    User.objects.filter(pk=alice.pk).update(is_staff=True, is_superuser=True)
    assert address in client_of(alice).get("/wallet/").content.decode()


def test_the_price_list_comes_from_a_dotted_path(alice: User, wallet: Wallet, client_of: ClientOf, settings: Any) -> None:
    settings.PRICE_LIST = ""
    assert "Price list" not in text(client_of(alice).get("/wallet/").content.decode())
    settings.PRICE_LIST = "tests.billing.listening.prices"
    page = text(client_of(alice).get("/wallet/").content.decode())
    assert "Price list Storybook 1 credit a picture, up to 25 steps Atlas 6.5 credits a picture" in page


def test_how_work_ended_comes_from_a_dotted_path(alice: User, wallet: Wallet, client_of: ClientOf, settings: Any) -> None:
    settings.HOLD_OUTCOMES = "tests.billing.listening.outcomes"
    capture(place_hold(wallet, 2_000, reference="job:1", description="All of it", actor=alice), 2_000)
    hold = void(place_hold(wallet, 1_000, reference="job:2", description="None of it", actor=alice))
    told = {row[1]: row[3] for row in rows(client_of(alice).get("/wallet/"), "entry")}
    assert told == {
        "None of it": f"held 1, released 1: the work of hold {hold.pk} came to nothing",
        "All of it": "held 2, charged 2",
        "First credits": "granted 10",
    }


def fill(wallet: Wallet, count: int) -> None:
    for number in range(count):
        grant(wallet, 1_000, reference=f"gift:{number}", description=f"Gift {number}")


def more(response: HttpResponse) -> str | None:
    found = re.search(r'<a class="act" href="([^"]+)" hx-get="([^"]+)"', response.content.decode())
    if not found:
        return None
    assert found.group(1) == found.group(2)
    return unescape(found.group(1))


@pytest.mark.parametrize("by_htmx", [True, False])
def test_show_more_walks_through_everything_once(alice: User, wallet: Wallet, client_of: ClientOf, by_htmx: bool) -> None:
    with time_machine.travel(NOON, tick=False):
        fill(wallet, 2 * PAGE + 20)
    client, seen, address, sizes, headings = client_of(alice), [], "/wallet/", [], []
    while address:
        first = address == "/wallet/"
        with time_machine.travel(NOON, tick=False):
            response = client.get(address, headers={} if first or not by_htmx else HTMX)
        sizes.append(len(rows(response, "entry")))
        headings.append(days(response))
        seen += [row[1] for row in rows(response, "entry")]
        if not first:
            assert ("<html" in response.content.decode()) is not by_htmx
        if len(sizes) == 1:
            # What comes in meanwhile is at the top, and shifts nothing below.
            grant(wallet, 1, reference="meanwhile", description="Meanwhile")
        address = more(response)
    assert sizes == [PAGE, PAGE, 21]
    assert seen == [f"Gift {number}" for number in reversed(range(2 * PAGE + 20))] + ["First credits"]
    if by_htmx:
        assert headings[:2] == [["Today"], []], "the day goes on; its heading stands already"
    else:
        assert headings[:2] == [["Today"], ["Today"]]


def test_every_depth_costs_the_same_queries(alice: User, wallet: Wallet, client_of: ClientOf) -> None:
    fill(wallet, 3)
    client = client_of(alice)

    def queries(address: str) -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert client.get(address, headers=HTMX).status_code == 200
        return len(captured)

    queries("/wallet/")
    few, few_more = queries("/wallet/"), queries(f"/wallet/?after={wallet.entries.latest('id').pk}")
    fill_more = wallet.entries.latest("id").pk
    for number in range(2 * PAGE):
        hold = place_hold(wallet, 10, reference=f"job:{number}", description="A picture", actor=alice)
        if number % 2:
            capture(hold, 10)
    assert queries("/wallet/") == few
    assert queries(f"/wallet/?after={fill_more + 4 * PAGE}") == few_more


@pytest.mark.parametrize("after", ["x", "-1", "1.5", "٣", "", "1 OR 1=1", "9" * 5000])
def test_an_address_that_was_mistyped_shows_the_newest(alice: User, wallet: Wallet, client_of: ClientOf, after: str) -> None:
    response = client_of(alice).get("/wallet/", {"after": after})
    assert response.status_code == 200
    assert [row[1] for row in rows(response, "entry")] == ["First credits"]


@pytest.mark.parametrize(("after", "expected"), [("0", []), ("9" * 40, ["First credits"])])
def test_any_number_is_a_place_in_the_statement(alice: User, wallet: Wallet, client_of: ClientOf, after: str, expected: list[str]) -> None:
    response = client_of(alice).get("/wallet/", {"after": after})
    assert response.status_code == 200
    assert [row[1] for row in rows(response, "entry")] == expected


def test_words_of_people_are_not_markup(alice: User, wallet: Wallet, client_of: ClientOf) -> None:
    grant(wallet, 1_000, reference="gift", description="Granted: <script>alert(1)</script> & more")
    page = client_of(alice).get("/wallet/").content.decode()
    assert "<script>alert" not in page
    assert "Granted: &lt;script&gt;alert(1)&lt;/script&gt; &amp; more" in page


def test_a_wallet_is_opened_by_its_page(alice: User, team: Team, client_of: ClientOf) -> None:
    Wallet.objects.filter(team=team).delete()
    assert client_of(alice, team).get("/wallet/").status_code == 200
    assert wallet_of(team).balance == 0
    assert Wallet.objects.filter(team=team).count() == 1
