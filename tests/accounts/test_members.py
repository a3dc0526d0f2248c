"""Who may change whose place in a team, what they cannot change, and that a team keeps exactly one owner whatever happens at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.http import Http404
from django.test import Client
from django.utils import timezone

from accounts import ending, errors, inviting, members
from accounts.access import RIGHTS
from accounts.models import AuditEntry, Invitation, Membership, Role, Team, User
from tests.conftest import make_user

ClientOf = Callable[..., Client]
EVERYBODY = [*Role, None]
"""Every role, and a stranger."""


def places(team: Team) -> dict[str, str]:
    return dict(team.memberships.values_list("user__email", "role"))


def state(team: Team) -> Any:
    """All that the views and services of this file could change."""
    return list(Team.objects.order_by("pk").values()), places(team), list(AuditEntry.objects.filter(team=team).values())


def log(team: Team) -> list[tuple[str, str, str]]:
    return list(AuditEntry.objects.filter(team=team).order_by("id").values_list("actor_name", "action", "text"))


@pytest.fixture
def ask(team: Team, alice: User, mallory: User) -> Callable[[Role | None], User]:
    """`ask(role)`: somebody with that role in Harbour Street; mallory for none of them."""

    def make(role: Role | None) -> User:
        if role == Role.OWNER:
            return alice
        if role is None:
            return mallory
        person = make_user(f"{role.label} Asking")
        Membership.objects.create(team=team, user=person, role=role)
        return person

    return make


# --- who may ---------------------------------------------------------------------------------------------------------
SERVICES: dict[str, tuple[str, Callable[[Team, User, User], object]]] = {
    "rename": ("administer", lambda team, by, bob: members.rename_team(team, "Quay", by=by)),
    "change_role": ("administer", lambda team, by, bob: members.change_role(team, bob, Role.VIEWER, by=by)),
    "remove": ("administer", lambda team, by, bob: members.remove_member(team, bob, by=by)),
    "hand_over": ("delete", lambda team, by, bob: members.hand_over(team, bob, by=by)),
    "delete": ("delete", lambda team, by, bob: ending.delete_team(team, by=by)),
}


@pytest.mark.parametrize("role", EVERYBODY)
@pytest.mark.parametrize("service", SERVICES)
def test_each_service_for_each_role(service: str, role: Role | None, ask: Any, team: Team, bob: User) -> None:
    right, act = SERVICES[service]
    by = ask(role)
    before = state(team)
    if role and right in RIGHTS[role]:
        act(team, by, bob)
        assert state(team) != before
        assert log(team)[-1][0] == str(by)
    else:
        with pytest.raises(PermissionDenied if role else Http404):
            act(team, by, bob)
        assert state(team) == before


VIEWS = {
    "name/": ("administer", {"name": "Quay"}),
    "members/{bob}/role/": ("administer", {"role": "viewer"}),
    "members/{bob}/remove/": ("administer", {}),
    "hand-over/": ("delete", {"person": "{bob}", "sure": "on"}),
    "delete/": ("delete", {"name": "harbour street"}),
}


@pytest.mark.parametrize("role", EVERYBODY)
@pytest.mark.parametrize("path", VIEWS)
def test_each_view_for_each_role(path: str, role: Role | None, ask: Any, client_of: ClientOf, team: Team, bob: User) -> None:
    right, data = VIEWS[path]
    client = client_of(ask(role))
    address = f"/team/{team.pk}/{path.format(bob=bob.pk)}"
    given = {name: value.format(bob=bob.pk) for name, value in data.items()}
    before = state(team)
    asks_first = client.get(address).status_code
    answer = client.post(address, given)
    if role and right in RIGHTS[role]:
        assert asks_first == (405 if path in ("name/", "members/{bob}/role/") else 200)
        assert answer.status_code == 302
        assert state(team) != before
    else:
        assert answer.status_code == (403 if role else 404)
        assert asks_first in (answer.status_code, 405)
        assert state(team) == before


@pytest.mark.parametrize("path", [*VIEWS, "leave/", "restore/", "log.csv"])
def test_nobody_signed_in_is_sent_to_the_door(path: str, client: Client, team: Team, bob: User) -> None:
    before = state(team)
    address = f"/team/{team.pk}/{path.format(bob=bob.pk)}"
    assert client.post(address)["Location"] == "/accounts/login/"
    assert client.get("/team/")["Location"] == "/accounts/login/?next=/team/"
    assert client.get("/team/log/")["Location"] == "/accounts/login/?next=/team/log/"
    assert state(team) == before


def test_views_need_a_token(team: Team, alice: User, bob: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice, backend="allauth.account.auth_backends.AuthenticationBackend")
    before = state(team)
    for path, (_, data) in VIEWS.items():
        assert client.post(f"/team/{team.pk}/{path.format(bob=bob.pk)}", data).status_code == 403
    assert state(team) == before


def test_people_of_other_teams_cannot_be_reached_through_ones_own(
    client_of: ClientOf, team: Team, alice: User, bob: User, other_team: Team
) -> None:
    mallory = other_team.members.get()
    client, before = client_of(alice), state(other_team)
    for path in ("role/", "remove/"):
        assert client.post(f"/team/{team.pk}/members/{mallory.pk}/{path}", {"role": "viewer"}).status_code == 404
        assert client.post(f"/team/{other_team.pk}/members/{mallory.pk}/{path}", {"role": "viewer"}).status_code == 404
    answer = client.post(f"/team/{team.pk}/hand-over/", {"person": mallory.pk, "sure": "on"})
    assert answer.status_code == 422
    assert "This person is not in the team any more." in answer.content.decode()
    assert state(other_team) == before
    assert places(team) == {alice.email: "owner", bob.email: "creator"}


# --- roles -----------------------------------------------------------------------------------------------------------
def test_another_role(client_of: ClientOf, team: Team, alice: User, bob: User) -> None:
    client = client_of(alice)
    answer = client.post(f"/team/{team.pk}/members/{bob.pk}/role/", {"role": "admin"}, follow=True)
    assert "Bob Member is an admin now." in answer.content.decode()
    assert places(team)[bob.email] == "admin"
    assert log(team)[-1] == ("Alice Harbour", "member.role", "changed the role of Bob Member from creator to admin")
    assert members.change_role(team, bob, Role.ADMIN, by=alice) is False
    assert len(log(team)) == 2


@pytest.mark.parametrize("by", [Role.OWNER, Role.ADMIN])
def test_nobody_is_made_an_owner_or_something_unknown(by: Role, ask: Any, client_of: ClientOf, team: Team, bob: User) -> None:
    person = ask(by)
    client, before = client_of(person), state(team)
    for role, message in (("owner", errors.OnlyHandedOver.message), ("king", "There is no such role."), ("", "There is no such role.")):
        answer = client.post(f"/team/{team.pk}/members/{bob.pk}/role/", {"role": role}, follow=True)
        assert message in answer.content.decode()
    with pytest.raises(errors.OnlyHandedOver):
        members.change_role(team, bob, Role.OWNER, by=person)
    assert state(team) == before


@pytest.mark.parametrize("by", [Role.OWNER, Role.ADMIN])
def test_the_owner_is_neither_removed_nor_demoted(by: Role, ask: Any, client_of: ClientOf, team: Team, alice: User) -> None:
    person = ask(by)
    client, before = client_of(person), state(team)
    for path in ("role/", "remove/"):
        answer = client.post(f"/team/{team.pk}/members/{alice.pk}/{path}", {"role": "viewer"}, follow=True)
        assert errors.OwnerStays.message in answer.content.decode()
    assert state(team) == before


def test_who_was_demoted_meanwhile_can_do_nothing_more(team: Team, alice: User, bob: User, carol: User) -> None:
    """The right is asked for in the transaction, not only where the page began."""
    Membership.objects.filter(team=team, user=bob).update(role=Role.ADMIN)
    members.change_role(team, bob, Role.VIEWER, by=alice)
    with pytest.raises(PermissionDenied):
        members.remove_member(team, carol, by=bob)
    assert carol.email in places(team)


# --- going -----------------------------------------------------------------------------------------------------------
def test_removed_member_has_no_access_and_the_work_stays(client_of: ClientOf, team: Team, alice: User, bob: User) -> None:
    from tests.factories import make_artifact

    picture = make_artifact(team, bob)
    his = client_of(bob)
    assert his.get(f"/pictures/{picture.pk}/").status_code == 200
    page = client_of(alice).get(f"/team/{team.pk}/members/{bob.pk}/remove/").content.decode()
    assert "Remove Bob Member from Harbour Street?" in page
    answer = client_of(alice).post(f"/team/{team.pk}/members/{bob.pk}/remove/", follow=True)
    assert "Bob Member is not in the team any more. Their work is." in answer.content.decode()
    assert places(team) == {alice.email: "owner"}
    assert log(team)[-1] == ("Alice Harbour", "member.removed", "removed Bob Member from the team")
    assert his.get(f"/pictures/{picture.pk}/").status_code == 404
    assert his.get(f"/team/{team.pk}/leave/").status_code == 404
    assert client_of(alice).get(f"/pictures/{picture.pk}/").status_code == 200
    assert "Harbour Street" not in his.get("/account/").content.decode()
    again = client_of(alice).post(f"/team/{team.pk}/members/{bob.pk}/remove/")
    assert again.status_code == 404
    with pytest.raises(errors.NotAMember):
        members.remove_member(team, bob, by=alice)


def galleries_of(team: Team, person: User) -> list[Any]:
    """Two that only they see, another that they threw away, and one that the team sees."""
    from studio.galleries.models import Gallery

    kept = [Gallery.objects.create(team=team, owner=person, name=name, visibility="private") for name in ("Nights", "Days", "Gone")]
    Gallery.objects.filter(pk=kept[2].pk).update(deleted_at=timezone.now())
    return [*kept, Gallery.objects.create(team=team, owner=person, name="For all")]


def whose(galleries: list[Any]) -> list[tuple[str, str | None]]:
    for one in galleries:
        one.refresh_from_db()
    return [(one.visibility, one.owner and one.owner.email) for one in galleries]


def test_galleries_that_only_a_leaver_saw_become_the_team_s(
    client_of: ClientOf, team: Team, other_team: Team, alice: User, bob: User
) -> None:
    made, theirs = galleries_of(team, bob), galleries_of(other_team, bob)
    client = client_of(bob)
    assert "becomes the team’s, for everybody in it: 2 private galleries." in client.get(f"/team/{team.pk}/leave/").content.decode()
    assert whose(made)[0] == ("private", bob.email)
    answer = client.post(f"/team/{team.pk}/leave/", follow=True)
    assert "You left Harbour Street. The team’s now: 2 private galleries." in answer.content.decode()
    assert whose(made) == [("team", None)] * 3 + [("team", bob.email)]
    assert whose(theirs)[0] == ("private", bob.email)
    assert client_of(alice).get(f"/galleries/{made[0].pk}/").status_code == 200
    assert ("The studio", "gallery.handed", "gave the team what Bob Member had alone: 2 private galleries") in log(team)


def test_so_do_those_of_somebody_who_is_removed(client_of: ClientOf, team: Team, alice: User, bob: User) -> None:
    made, hers = galleries_of(team, bob), galleries_of(team, alice)
    client = client_of(alice)
    page = client.get(f"/team/{team.pk}/members/{bob.pk}/remove/").content.decode()
    assert "What only they see becomes the team’s, for everybody in it: 2 private galleries." in page
    answer = client.post(f"/team/{team.pk}/members/{bob.pk}/remove/", follow=True)
    assert "Their work is. The team’s now: 2 private galleries." in answer.content.decode()
    assert whose(made) == [("team", None)] * 3 + [("team", bob.email)]
    assert whose(hers)[0] == ("private", alice.email)


@pytest.mark.parametrize("role", [Role.ADMIN, Role.CREATOR, Role.VIEWER])
def test_leaving(role: Role, client_of: ClientOf, team: Team, alice: User, bob: User) -> None:
    Membership.objects.filter(team=team, user=bob).update(role=role)
    client = client_of(bob)
    page = client.get(f"/team/{team.pk}/leave/").content.decode()
    assert "Leave Harbour Street?" in page
    assert "becomes the team’s" not in page
    assert places(team) == {alice.email: "owner", bob.email: role}
    answer = client.post(f"/team/{team.pk}/leave/", follow=True)
    assert "You left Harbour Street." in answer.content.decode()
    assert places(team) == {alice.email: "owner"}
    assert log(team)[-1] == ("Bob Member", "member.left", "left the team")
    assert answer.wsgi_request.team == Team.objects.get(is_personal=True, members=bob)
    assert client.post(f"/team/{team.pk}/leave/").status_code == 404


def test_the_last_owner_is_told_what_to_do_instead(client_of: ClientOf, team: Team, alice: User, bob: User) -> None:
    client, before = client_of(alice), state(team)
    page = client.get(f"/team/{team.pk}/leave/").content.decode()
    assert "Hand it over to somebody, then you can." in page
    assert f'href="/team/{team.pk}/hand-over/"' in page
    answer = client.post(f"/team/{team.pk}/leave/", follow=True)
    assert errors.LastOwner.message in answer.content.decode()
    assert state(team) == before


def test_one_of_two_owners_may_leave(team: Team, alice: User, bob: User) -> None:
    """Two: an operator can make them so."""
    Membership.objects.filter(team=team, user=bob).update(role=Role.OWNER)
    members.leave(team, by=alice)
    assert places(team) == {bob.email: "owner"}


# --- handing over ----------------------------------------------------------------------------------------------------
def test_handing_over(client_of: ClientOf, team: Team, alice: User, bob: User, carol: User) -> None:
    client = client_of(alice)
    page = client.get(f"/team/{team.pk}/hand-over/").content.decode()
    assert "Bob Member (bob@harbour.example)" in page
    assert "(alice@harbour.example)" not in page
    for given, message in (({"person": bob.pk}, "Tick this if you are sure."), ({"sure": "on"}, "Choose who shall own the team.")):
        answer = client.post(f"/team/{team.pk}/hand-over/", given)
        assert answer.status_code == 422
        assert message in answer.content.decode()
    assert places(team) == {alice.email: "owner", bob.email: "creator", carol.email: "viewer"}
    answer = client.post(f"/team/{team.pk}/hand-over/", {"person": bob.pk, "sure": "on"}, follow=True)
    assert "Harbour Street belongs to Bob Member now. You are an admin." in answer.content.decode()
    assert places(team) == {alice.email: "admin", bob.email: "owner", carol.email: "viewer"}
    assert log(team)[-1] == ("Alice Harbour", "team.handed_over", "handed the team over to Bob Member")
    assert client.post(f"/team/{team.pk}/hand-over/", {"person": alice.pk, "sure": "on"}).status_code == 403


def test_with_nobody_else_there_is_nobody_to_hand_over_to(client_of: ClientOf, team: Team, alice: User) -> None:
    assert "Nobody else is in this team." in client_of(alice).get(f"/team/{team.pk}/hand-over/").content.decode()
    for person in (alice, make_user("Eve Terminal")):
        with pytest.raises(errors.NotAMember):
            members.hand_over(team, person, by=alice)
    assert places(team) == {alice.email: "owner"}


def test_somebody_switched_off_is_no_owner(team: Team, alice: User, bob: User) -> None:
    bob.is_active = False
    bob.save()
    with pytest.raises(errors.NotAMember):
        members.hand_over(team, bob, by=alice)
    assert places(team) == {alice.email: "owner", bob.email: "creator"}


# --- the personal team -----------------------------------------------------------------------------------------------
def test_personal_team_is_not_left_handed_over_or_deleted(client_of: ClientOf, alice: User, mallory: User) -> None:
    own = Team.objects.get(is_personal=True, members=alice)
    Membership.objects.create(team=own, user=mallory, role=Role.ADMIN)
    client, before = client_of(alice), state(own)
    for path, given in (("leave/", {}), ("hand-over/", {"person": mallory.pk, "sure": "on"}), ("delete/", {"name": own.name})):
        assert "for you alone" in client.get(f"/team/{own.pk}/{path}").content.decode()
        answer = client.post(f"/team/{own.pk}/{path}", given, follow=True)
        assert errors.StaysPersonal.message in answer.content.decode()
    assert state(own) == before


# --- what they offered -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("how", ["removed", "demoted", "left"])
def test_who_may_not_invite_any_more_has_no_way_in_to_give(how: str, team: Team, alice: User, bob: User) -> None:
    Membership.objects.filter(team=team, user=bob).update(role=Role.ADMIN)
    _, back_door = inviting.invite(team, invited_by=bob, role=Role.ADMIN, max_uses=None)
    _, hers = inviting.invite(team, invited_by=alice)
    if how == "removed":
        members.remove_member(team, bob, by=alice)
    elif how == "demoted":
        members.change_role(team, bob, Role.VIEWER, by=alice)
    else:
        members.leave(team, by=bob)
    with pytest.raises(errors.InvitationRevoked):
        inviting.find(back_door)
    assert inviting.find(hers).invited_by == alice
    by = "Bob Member" if how == "left" else "Alice Harbour"
    assert log(team)[-1] == (by, "invitation.revoked", "took back one invitation that Bob Member had made")


def test_another_role_that_may_invite_keeps_its_invitations(team: Team, alice: User, bob: User) -> None:
    _, token = inviting.invite(team, invited_by=alice)
    members.hand_over(team, bob, by=alice)
    assert inviting.find(token).invited_by == alice


def test_nobody_invites_after_they_lost_the_right(team: Team, alice: User, bob: User) -> None:
    with pytest.raises(PermissionDenied):
        inviting.invite(team, invited_by=bob, role=Role.ADMIN)
    members.remove_member(team, bob, by=alice)
    with pytest.raises(Http404):
        inviting.invite(team, invited_by=bob, role=Role.ADMIN)
    assert not Invitation.objects.exists()


def test_who_removes_somebody_is_told_of_links_that_still_work(client_of: ClientOf, team: Team, alice: User, bob: User) -> None:
    page = f"/team/{team.pk}/members/{bob.pk}/remove/"
    assert "into the team still work" not in client_of(alice).get(page).content.decode()
    inviting.invite(team, invited_by=alice, max_uses=None)
    assert "1 link into the team still works for others." in client_of(alice).get(page).content.decode()


def test_whom_an_operator_takes_out_leaves_their_galleries_to_the_team(desk: Client, team: Team, bob: User) -> None:
    made = galleries_of(team, bob)
    form = {"name": team.name, "memberships-TOTAL_FORMS": 2, "memberships-INITIAL_FORMS": 2}
    for number, place in enumerate(team.memberships.order_by("id")):
        given = {"id": place.pk, "team": team.pk, "user": place.user_id, "role": place.role}
        form |= {f"memberships-{number}-{name}": value for name, value in given.items()}
        if place.user_id == bob.pk:
            form[f"memberships-{number}-DELETE"] = "on"
    assert desk.post(f"/admin/accounts/team/{team.pk}/change/", form).status_code == 302
    assert whose(made) == [("team", None)] * 3 + [("team", bob.email)]


# --- at once ---------------------------------------------------------------------------------------------------------
def at_once(*acts: Callable[[], object]) -> list[str]:
    """Do all in threads that start together; what each came to: "done" or the name of its error, sorted."""
    start, answers = threading.Barrier(len(acts)), []

    def do(act: Callable[[], object]) -> None:
        start.wait()
        try:
            act()
            answers.append("done")
        except (errors.AccountError, PermissionDenied, Http404) as error:
            answers.append(type(error).__name__)
        finally:
            connection.close()

    threads = [threading.Thread(target=do, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(answers)


def owners(team: Team) -> int:
    return team.memberships.filter(role=Role.OWNER).count()


@pytest.mark.django_db(transaction=True)
def test_of_two_owners_who_leave_at_once_one_stays(alice: User, mallory: User) -> None:
    from accounts.services import create_team

    for _ in range(8):
        team = create_team("Two Captains", alice)
        Membership.objects.create(team=team, user=mallory, role=Role.OWNER)
        answers = at_once(lambda team=team: members.leave(team, by=alice), lambda team=team: members.leave(team, by=mallory))
        assert answers == ["LastOwner", "done"]
        assert owners(team) == 1


@pytest.mark.django_db(transaction=True)
def test_a_team_handed_over_twice_at_once_has_one_owner(team: Team, alice: User, bob: User, carol: User) -> None:
    for _ in range(8):
        to_bob, to_carol = (lambda: members.hand_over(team, bob, by=alice)), (lambda: members.hand_over(team, carol, by=alice))
        assert at_once(to_bob, to_carol) == ["PermissionDenied", "done"]
        assert owners(team) == 1
        owner = team.members.get(memberships__role=Role.OWNER)
        members.hand_over(team, alice, by=owner)


@pytest.mark.django_db(transaction=True)
def test_who_is_handed_the_team_while_they_leave_either_owns_it_or_is_gone(team: Team, alice: User, bob: User) -> None:
    for _ in range(8):
        answers = at_once(lambda: members.hand_over(team, bob, by=alice), lambda: members.leave(team, by=bob))
        assert answers in (["LastOwner", "done"], ["NotAMember", "done"])
        assert owners(team) == 1
        Membership.objects.update_or_create(team=team, user=bob, defaults={"role": Role.CREATOR})
        Membership.objects.update_or_create(team=team, user=alice, defaults={"role": Role.OWNER})


@pytest.mark.django_db(transaction=True)
def test_who_is_handed_the_team_while_an_admin_removes_them_is_not_lost_to_it(team: Team, alice: User, bob: User, carol: User) -> None:
    Membership.objects.filter(team=team, user=carol).update(role=Role.ADMIN)
    for _ in range(8):
        answers = at_once(lambda: members.hand_over(team, bob, by=alice), lambda: members.remove_member(team, bob, by=carol))
        assert answers in (["OwnerStays", "done"], ["NotAMember", "done"])
        assert owners(team) == 1
        Membership.objects.update_or_create(team=team, user=bob, defaults={"role": Role.CREATOR})
        Membership.objects.update_or_create(team=team, user=alice, defaults={"role": Role.OWNER})
