"""The log of a team: who sees it, newest first, in pages, by person and by kind, and as a spreadsheet that runs nothing."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from accounts import audit, members, services
from accounts.models import AuditEntry, Membership, Role, Team, User

ClientOf = Callable[..., Client]


def told(answer: object) -> list[str]:
    """What each line of the page says was done."""
    rows = answer.content.decode().split('<td class="what">')[1:]  # type: ignore[attr-defined]
    return [row.split("</td>")[0] for row in rows]


@pytest.mark.parametrize("role", [*Role, None])
def test_owner_and_admins_see_it(role: Role | None, client_of: ClientOf, team: Team, alice: User, mallory: User) -> None:
    person = alice if role == Role.OWNER else mallory
    if role and role != Role.OWNER:
        Membership.objects.create(team=team, user=mallory, role=role)
    client = client_of(person)
    page, sheet = client.get("/team/log/"), client.get(f"/team/{team.pk}/log.csv")
    if role in (Role.OWNER, Role.ADMIN):
        assert told(page) == ["made the team"]
        assert "made the team" in sheet.content.decode()
    elif role:
        assert (page.status_code, sheet.status_code) == (403, 403)
    else:
        assert told(page) == [], "a stranger sees the log of their own team"
        assert sheet.status_code == 404


def test_newest_first_in_pages_that_lose_and_repeat_nothing(client_of: ClientOf, team: Team, alice: User) -> None:
    for number in range(audit.PAGE + 10):
        audit.record(team, alice, "gallery.made", f"made the gallery {number}")
    client = client_of(alice)
    first = client.get("/team/log/")
    older = first.content.decode().split('href="/team/log/?before=')[1].split('"')[0]
    audit.record(team, alice, "gallery.made", "made one more meanwhile")
    second = client.get("/team/log/", {"before": older})
    assert told(first) + told(second) == [f"made the gallery {number}" for number in reversed(range(audit.PAGE + 10))] + ["made the team"]
    assert ">Older</a>" not in second.content.decode()
    assert "That is all" in client.get("/team/log/", {"before": AuditEntry.objects.first().pk}).content.decode()


def test_by_person_and_by_kind(client_of: ClientOf, team: Team, alice: User, bob: User, carol: User) -> None:
    Membership.objects.filter(team=team, user=bob).update(role=Role.ADMIN)
    members.remove_member(team, carol, by=bob)
    members.rename_team(team, "Quay Press", by=bob)
    members.change_role(team, bob, Role.CREATOR, by=alice)
    client = client_of(alice)
    of_bob = client.get("/team/log/", {"person": bob.pk})
    assert told(of_bob) == ["renamed the team from Harbour Street to Quay Press", "removed Carol Viewer from the team"]
    assert told(client.get("/team/log/", {"kind": "member"})) == [
        "changed the role of Bob Member from admin to creator",
        "removed Carol Viewer from the team",
    ]
    assert told(client.get("/team/log/", {"person": bob.pk, "kind": "member"})) == ["removed Carol Viewer from the team"]
    # Who left is still in the log, and can be asked for.
    members.leave(team, by=bob)
    page = client.get("/team/log/", {"person": bob.pk})
    assert told(page)[0] == "left the team"
    assert f"?person={bob.pk}" in page.content.decode().split("log.csv")[1][:40]


@pytest.mark.parametrize(
    "query", [{"person": "99999"}, {"person": "x"}, {"kind": "nonsense"}, {"before": "9" * 40}, {"before": "x"}, {"before": "-1"}]
)
def test_what_makes_no_sense_is_told_and_breaks_nothing(query: dict[str, str], client_of: ClientOf, team: Team, alice: User) -> None:
    answer = client_of(alice).get("/team/log/", query)
    assert answer.status_code == 422
    assert told(answer) == ["made the team"]


@pytest.mark.parametrize("query", [{"person": "99999"}, {"person": "x"}, {"kind": "nonsense"}, {"kind": "member", "person": "x"}])
def test_a_download_of_what_makes_no_sense_has_no_entry(query: dict[str, str], client_of: ClientOf, team: Team, alice: User) -> None:
    answer = client_of(alice).get(f"/team/{team.pk}/log.csv", query)
    assert answer.status_code == 422
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.content.decode() == "Nothing like that is in the log.\n"


def test_people_of_other_teams_cannot_be_asked_for(client_of: ClientOf, team: Team, alice: User, mallory: User, other_team: Team) -> None:
    page = client_of(alice).get("/team/log/", {"person": mallory.pk})
    assert page.status_code == 422
    assert "mallory" not in page.content.decode().lower()


def test_spreadsheet_runs_no_formula(client_of: ClientOf, team: Team, alice: User, bob: User) -> None:
    services.rename_person(bob, '=HYPERLINK("http://evil.example")')
    Membership.objects.filter(team=team, user=bob).update(role=Role.ADMIN)
    audit.record(team, bob, "gallery.made", "+1, and a “quote”")
    audit.record(team, None, "team.kept", "kept it")
    answer = client_of(alice).get(f"/team/{team.pk}/log.csv")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer["Content-Disposition"]
    rows = list(csv.reader(io.StringIO(answer.content.decode())))
    assert rows[0] == list(audit.HEAD)
    assert [row[1:] for row in rows[1:]] == [
        ["The studio", "", "team.kept", "kept it", ""],
        ['\'=HYPERLINK("http://evil.example")', "bob@harbour.example", "gallery.made", "'+1, and a “quote”", ""],
        ["Alice Harbour", "alice@harbour.example", "team.made", "made the team", ""],
    ]


def test_log_outlives_the_account(client_of: ClientOf, team: Team, alice: User, bob: User) -> None:
    members.leave(team, by=bob)
    bob.delete()
    page = client_of(alice).get("/team/log/")
    assert "Bob Member" in page.content.decode()
    assert told(page)[0] == "left the team"


def test_entry_is_written_with_its_change_or_not_at_all(team: Team, alice: User, bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object) -> None:
        raise OSError("no room")

    monkeypatch.setattr(audit, "record", full)
    for act in (lambda: members.remove_member(team, bob, by=alice), lambda: members.rename_team(team, "Quay", by=alice)):
        with pytest.raises(OSError, match="no room"):
            act()
    assert team.memberships.count() == 2
    assert Team.objects.get(pk=team.pk).name == "Harbour Street"
    assert AuditEntry.objects.filter(team=team, created_at__gt=team.created_at + timedelta(minutes=1)).count() == 0
