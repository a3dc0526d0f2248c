"""Who may do what. A team's things are reached through these functions only; being an operator of the studio opens no team."""

from __future__ import annotations

from typing import Literal, cast

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest

from accounts.models import Membership, Role, Team, User
from accounts.querysets import TeamQuerySet

Right = Literal["generate", "see", "edit", "curate", "publish", "spend", "invite", "administer", "delete"]
"""generate: submit work · see: look and download · edit: titles, deletion and undo · curate: galleries · publish: show to the world ·
spend: use the team's credits · invite: let people in · administer: roles, limits, keys · delete: end the team."""

_EVERYTHING: frozenset[Right] = frozenset(("generate", "see", "edit", "curate", "publish", "spend", "invite", "administer", "delete"))

RIGHTS: dict[str, frozenset[Right]] = {
    Role.OWNER: _EVERYTHING,
    Role.ADMIN: _EVERYTHING - {"delete"},
    Role.CREATOR: frozenset(("generate", "see", "edit", "curate", "spend")),
    Role.VIEWER: frozenset(("see",)),
}

SESSION_KEY = "team"
"""Where the session keeps the id of the team that a person chose to work in."""


def membership_for(user: User | AnonymousUser, team: Team) -> Membership | None:
    """The person's place in the team; None for a stranger, nobody signed in, or an account that was switched off."""
    if not user.is_active or not user.is_authenticated:
        return None
    return Membership.objects.filter(user_id=user.pk, team_id=team.pk).first()


def allows(user: User | AnonymousUser, team: Team, right: Right) -> bool:
    membership = membership_for(user, team)
    return membership is not None and right in RIGHTS[membership.role]


def require(user: User | AnonymousUser, team: Team, right: Right) -> None:
    """Raise Http404 for a stranger, who must not learn that the team exists, PermissionDenied for a member without the right."""
    membership = membership_for(user, team)
    if membership is None:
        raise Http404
    if right not in RIGHTS[membership.role]:
        raise PermissionDenied(f"As {membership.get_role_display().lower()} of {team} you cannot do this.")


def teams_where(user: User, right: Right) -> TeamQuerySet:
    """The shared teams in which somebody has a right."""
    roles = [role for role, rights in RIGHTS.items() if right in rights]
    return Team.objects.filter(memberships__user=user, memberships__role__in=roles, is_personal=False).order_by("name", "id")


def people_who_may(team: Team, right: Right) -> list[User]:
    """The members of a team who have a right, those who came first before others."""
    roles = [role for role, rights in RIGHTS.items() if right in rights]
    memberships = team.memberships.filter(role__in=roles, user__is_active=True).select_related("user").order_by("id")
    return [membership.user for membership in memberships]


def team_of(user: User, chosen: int | None = None) -> Team | None:
    """The team that somebody works in: the chosen one while they are in it, else their own, else any; None when they are in none."""
    teams = Team.objects.of(user)
    return (chosen and teams.filter(pk=chosen).first()) or teams.first()


def current_team(request: HttpRequest) -> Team:
    """The team of the request, which `TeamMiddleware` put there. For views behind `login_required`; Http404 for nobody."""
    team = getattr(request, "team", None)
    if not team:
        raise Http404
    return cast(Team, team)
