"""What each role sees on the page of a team, the switcher in the header, and how a team is named and made."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts import ending
from accounts.access import RIGHT_WORDS, RIGHTS
from accounts.models import AuditEntry, Membership, Role, Team, User
from studio.generation.models import Artifact
from tests.access_rows import ROWS
from tests.accounts.pages import Page
from tests.accounts.test_account_pages import check
from tests.conftest import make_user

ClientOf = Callable[..., Client]


def page_of(client: Client, path: str = "/team/") -> Page:
    answer = client.get(path)
    assert answer.status_code == 200
    page = Page(answer.content.decode())
    check(page)
    return page


def actions(page: Page) -> set[str]:
    return {values.get("action", "") for values in page.all("form")} | {values.get("href", "") for values in page.all("a")}


@pytest.mark.parametrize("role", list(Role))
def test_page_for_each_role(role: Role, client_of: ClientOf, team: Team, alice: User, bob: User, carol: User) -> None:
    person = alice
    if role != Role.OWNER:
        person = make_user(f"{role.label} Looking")
        Membership.objects.create(team=team, user=person, role=role)
    page = page_of(client_of(person))
    for name in ("Alice Harbour", "Bob Member", "Carol Viewer"):
        assert name in page.text
    links, rights = actions(page), RIGHTS[role]
    for right, action in (
        ("administer", f"/team/{team.pk}/name/"),
        ("administer", f"/team/{team.pk}/members/{bob.pk}/role/"),
        ("administer", f"/team/{team.pk}/members/{bob.pk}/remove/"),
        ("administer", "/team/log/"),
        ("delete", f"/team/{team.pk}/hand-over/"),
        ("delete", f"/team/{team.pk}/delete/"),
    ):
        assert (action in links) is (right in rights), action
    assert ("Invitations" in page.text) is ("invite" in rights)
    assert ("bob@harbour.example" in page.text) is ("administer" in rights)
    assert f"/team/{team.pk}/members/{alice.pk}/remove/" not in links, "nobody removes the owner"
    assert f"/team/{team.pk}/members/{person.pk}/remove/" not in links, "one leaves, and is not removed"
    assert (f"/team/{team.pk}/leave/" in links) is (role != Role.OWNER)


def test_table_of_rights_is_that_of_the_code(client_of: ClientOf, team: Team, alice: User) -> None:
    assert {right for right, _ in RIGHT_WORDS} == RIGHTS[Role.OWNER]
    source = client_of(alice).get("/team/").content.decode()
    body = source.split('class="books slim rights"')[1].split("<tbody>")[1].split("</tbody>")[0]
    told = {}
    for row in body.split("<tr>")[1:]:
        page = Page(row)
        words = next(text for _, text in RIGHT_WORDS if page.text.startswith(text))
        told[words] = page.text.removeprefix(words).replace("–", "").split()
    assert told == {words: ["Yes" if right in RIGHTS[role] else "No" for role in Role] for right, words in RIGHT_WORDS}


WALLET = {
    "See the wallet, its plan and budgets; download statements": {
        *("wallet GET", "wallet_csv GET", "wallet_statements GET", "wallet_statement_pdf GET", "plan GET", "budgets GET"),
    },
    "Use the team’s credits, and ask for more than a budget allows": {"budget_ask GET", "budget_ask POST"},
    "See what was bought, and what waits for approval": {"purchases GET", "purchase GET", "wallet_approvals GET", "wallet_approval GET"},
    "Buy credits, redeem codes, change the plan": {"buy POST", "redeem GET", "redeem POST"},
    "Set budgets, and grant more when somebody asks": {"budget_set POST", "budget_request GET", "budget_request POST"},
    "Make approval rules, and approve work": {
        "wallet_rules GET",
        "wallet_rules POST",
        "rule_switch POST",
        "rule_delete POST",
        "wallet_approval POST",
    },
}
"""What the table says of the wallet, and the rows of the access matrix, which knocks at the routes themselves, that it is about."""


@pytest.mark.parametrize("words", WALLET)
def test_table_says_of_the_wallet_what_its_pages_do(words: str) -> None:
    right = next(right for right, told in RIGHT_WORDS if told == words)
    found = {f"{row.name} {row.method}": row.who[: len(Role)] for row in ROWS}
    may = "".join("+" if right in RIGHTS[role] else "F" for role in Role)
    assert {route: found[route] for route in WALLET[words]} == dict.fromkeys(WALLET[words], may)


def test_no_right_is_told_that_nobody_has(client_of: ClientOf, team: Team, alice: User) -> None:
    """Pictures have no titles that anybody could change."""
    assert "Upload, tag, delete, bring back" in page_of(client_of(alice)).text
    assert not [field for field in Artifact._meta.get_fields() if field.name == "title"]


def test_table_says_that_who_looks_may_talk_and_rate_too() -> None:
    assert dict(reversed(RIGHT_WORDS))["see"] == "See and download what the team made; comment, rate, mark favourites"
    assert RIGHTS[Role.VIEWER] == {"see"}


def test_page_of_the_personal_team_says_why_it_is_short(client_of: ClientOf, alice: User) -> None:
    own = Team.objects.get(is_personal=True, members=alice)
    page = page_of(client_of(alice))
    assert "A personal team cannot be shared, left, handed over or deleted" in page.text
    links = actions(page)
    assert "/account/teams/" in links
    assert f"/team/{own.pk}/name/" in links
    assert not {f"/team/{own.pk}/{path}/" for path in ("leave", "hand-over", "delete")} & links


def test_many_members_cost_no_more_queries(client_of: ClientOf, team: Team, alice: User) -> None:
    client = client_of(alice)
    client.get("/team/")
    with CaptureQueriesContext(
        connection,
    ) as few:
        client.get("/team/")
    for name in ("One A", "Two B", "Three C", "Four D"):
        Membership.objects.create(team=team, user=make_user(name), role=Role.VIEWER)
    with CaptureQueriesContext(connection) as many:
        client.get("/team/")
    assert len(many) == len(few)


def test_renaming(client_of: ClientOf, team: Team, alice: User) -> None:
    client = client_of(alice)
    answer = client.post(f"/team/{team.pk}/name/", {"name": "  Quay Press "}, follow=True)
    assert "Saved." in answer.content.decode()
    assert Team.objects.get(pk=team.pk).name == "Quay Press"
    assert AuditEntry.objects.filter(team=team).last().text == "renamed the team from Harbour Street to Quay Press"
    client.post(f"/team/{team.pk}/name/", {"name": "Quay Press"})
    assert AuditEntry.objects.filter(team=team, action="team.renamed").count() == 1
    for name, message in (("  ", "Give the team a name."), ("x" * 121, "at most 120 characters")):
        answer = client.post(f"/team/{team.pk}/name/", {"name": name})
        assert answer.status_code == 422
        assert message in answer.content.decode()
        assert f'value="{name}"' in answer.content.decode()
    assert Team.objects.get(pk=team.pk).name == "Quay Press"


def test_making_a_team_leads_to_its_page(client_of: ClientOf, alice: User) -> None:
    client = client_of(alice)
    assert "Make a team" in page_of(client, "/account/teams/").text
    answer = client.post("/account/teams/", {"team-name": "Quay Press"})
    assert answer["Location"] == "/team/"
    assert "Quay Press" in page_of(client).text
    team = Team.objects.get(is_personal=False)
    assert list(AuditEntry.objects.filter(team=team).values_list("actor_name", "action", "text")) == [
        ("Alice Harbour", "team.made", "made the team")
    ]


def switcher(client: Client) -> str:
    return client.get("/account/").content.decode().split('<details class="menu teams"')[1].split("</details>")[0]


def test_switcher_shows_teams_with_roles_and_the_way_to_their_settings(client_of: ClientOf, team: Team, alice: User, bob: User) -> None:
    ended = Membership.objects.create(team=Team.objects.create(name="Old Pier"), user=alice, role=Role.OWNER).team
    Membership.objects.create(team=ended, user=bob, role=Role.VIEWER)
    ending.delete_team(ended, by=alice)
    own = Team.objects.get(is_personal=True, members=bob)
    page = Page(switcher(client_of(bob)))
    assert [(one["value"], one.get("aria-current", "")) for one in page.all("button")] == [(str(own.pk), ""), (str(team.pk), "true")]
    assert page.text.endswith("Bob Member Personal Harbour Street Creator Old Pier Deleted Team settings Make a team")
    assert [one["href"] for one in page.all("a")] == ["/account/#teams", "/team/", "/account/teams/"]


def test_who_is_in_no_team_but_their_own_can_make_one_from_anywhere(client_of: ClientOf, mallory: User) -> None:
    page = Page(switcher(client_of(mallory)))
    assert page.text.endswith("Mallory Stranger Personal Team settings Make a team")
