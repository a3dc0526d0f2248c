"""What an operator does to the members of a team, in the admin: it is in the team's log, and leaves the team one owner."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from accounts import errors, inviting
from accounts.models import Team, User
from tests.accounts.test_members import log, places, state


def test_what_an_operator_does_in_the_admin_is_in_the_log(desk: Client, operator: User, team: Team, bob: User, mallory: User) -> None:
    form = {"name": "Quay", "memberships-TOTAL_FORMS": 3, "memberships-INITIAL_FORMS": 2}
    for number, place in enumerate(team.memberships.order_by("id")):
        given = {"id": place.pk, "team": team.pk, "user": place.user_id, "role": "admin" if place.user_id == bob.pk else place.role}
        form |= {f"memberships-{number}-{name}": value for name, value in given.items()}
    form |= {"memberships-2-team": team.pk, "memberships-2-user": mallory.pk, "memberships-2-role": "viewer"}
    assert desk.post(f"/admin/accounts/team/{team.pk}/change/", form).status_code == 302
    assert [(who, text) for who, _, text in log(team)[1:]] == [
        (str(operator), "renamed the team to Quay, as an operator"),
        (str(operator), "put Mallory Stranger into the team as viewer, as an operator"),
        (str(operator), "made Bob Member admin, as an operator"),
    ]


def at_the_desk(team: Team, changes: dict[int, str], added: User | None = None) -> dict[str, Any]:
    """What an operator sends: another role for a person (by id), or "" to remove them; and somebody who is made an owner."""
    there = list(team.memberships.order_by("id"))
    total = len(there) + bool(added)
    form: dict[str, Any] = {"name": team.name, "memberships-TOTAL_FORMS": total, "memberships-INITIAL_FORMS": len(there)}
    for number, place in enumerate(there):
        role = changes.get(place.user_id, place.role)
        given = {"id": place.pk, "team": team.pk, "user": place.user_id, "role": role or place.role, **({} if role else {"DELETE": "on"})}
        form |= {f"memberships-{number}-{name}": value for name, value in given.items()}
    if added:
        given = {"team": team.pk, "user": added.pk, "role": "owner"}
        form |= {f"memberships-{len(there)}-{name}": value for name, value in given.items()}
    return form


def test_an_operator_leaves_a_team_one_owner(desk: Client, team: Team, operator: User, bob: User, mallory: User) -> None:
    path, before = f"/admin/accounts/team/{team.pk}/change/", state(team)
    no_owner, many = "A team needs an owner.", "A team has one owner."
    for sentence, form in (
        (no_owner, at_the_desk(team, {operator.pk: ""})),
        (no_owner, at_the_desk(team, {operator.pk: "admin"})),
        (many, at_the_desk(team, {bob.pk: "owner"})),
        (many, at_the_desk(team, {}, added=mallory)),
    ):
        answer = desk.post(path, form)
        assert (answer.status_code, sentence in answer.content.decode()) == (200, True)
        assert state(team) == before
    assert desk.post(path, at_the_desk(team, {operator.pk: "admin", bob.pk: "owner"})).status_code == 302
    assert desk.post(path, at_the_desk(team, {operator.pk: ""})).status_code == 302
    assert places(team) == {bob.email: "owner"}


def test_whom_an_operator_removed_comes_back_by_no_older_link(desk: Client, team: Team, operator: User, bob: User) -> None:
    _, old = inviting.invite(team, invited_by=operator, max_uses=None)
    assert desk.post(f"/admin/accounts/team/{team.pk}/change/", at_the_desk(team, {bob.pk: ""})).status_code == 302
    with pytest.raises(errors.WasRemoved):
        inviting.accept(old, bob)
