"""Who may do what. A team's things are reached through these functions only; being an operator of the studio opens no team."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, cast

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest

from accounts.models import Membership, Role, Team, User
from accounts.querysets import TeamQuerySet

Right = Literal["generate", "see", "edit", "curate", "publish", "spend", "invite", "administer", "delete"]
"""generate: submit work · see: look, download, talk, rate, mark favourites · edit: uploads, tags, deletion and undo · curate: galleries ·
publish: show to the world · spend: use the team's credits · invite: let people in · administer: roles, limits, keys · delete: end the
team."""

_EVERYTHING: frozenset[Right] = frozenset(("generate", "see", "edit", "curate", "publish", "spend", "invite", "administer", "delete"))

RIGHTS: dict[str, frozenset[Right]] = {
    Role.OWNER: _EVERYTHING,
    Role.ADMIN: _EVERYTHING - {"delete"},
    Role.CREATOR: frozenset(("generate", "see", "edit", "curate", "spend")),
    Role.VIEWER: frozenset(("see",)),
}

RIGHT_WORDS: tuple[tuple[Right, str], ...] = (
    ("see", "See and download what the team made; comment, rate, mark favourites"),
    ("see", "See templates, word lists and brand rules; take templates along as a file"),
    ("see", "See the wallet, its plan and budgets; download statements"),
    ("generate", "Make pictures"),
    ("generate", "Write, publish and import templates, and make word lists"),
    ("spend", "Use the team’s credits, and ask for more than a budget allows"),
    ("spend", "See what was bought, and what waits for approval"),
    ("edit", "Upload, tag, delete, bring back"),
    ("curate", "Make and arrange galleries"),
    ("publish", "Show galleries to the world, and templates to whoever has their link"),
    ("invite", "Invite people"),
    ("administer", "Buy credits, redeem codes, change the plan"),
    ("administer", "Set budgets, and grant more when somebody asks"),
    ("administer", "Make brand rules that every prompt of the team has to keep"),
    ("administer", "Make approval rules, and approve work"),
    ("administer", "Change roles, remove people, change and revoke everybody’s API keys, read the log"),
    ("delete", "Hand the team over, or delete it"),
)
"""The rights as the team page tells them, those of most people first; a right that allows more than a line holds has several."""

SESSION_KEY = "team"
"""Where the session keeps the id of the team that a person chose to work in."""


def membership_for(user: User | AnonymousUser, team: Team) -> Membership | None:
    """The person's place in the team; None for a stranger, nobody signed in, an account that was switched off, or a deleted team."""
    if not user.is_active or not user.is_authenticated:
        return None
    return Membership.objects.filter(user_id=user.pk, team_id=team.pk, team__deleted_at=None).first()


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


def team_for(user: User | AnonymousUser, team_id: int, right: Right = "see") -> Team:
    """Raises like `require`, and Http404 for no such team."""
    team = Team.objects.alive().filter(pk=team_id).first()
    if team is None:
        raise Http404
    require(user, team, right)
    return team


def ended_team_for(user: User, team_id: int) -> Team:
    """A deleted team, for its owner to bring back. Http404 for a stranger, PermissionDenied for another member."""
    place = Membership.objects.ended_of(user).filter(team_id=team_id).first()
    if place is None:
        raise Http404
    if "delete" not in RIGHTS[place.role]:
        raise PermissionDenied(f"Only the owner can bring {place.team} back.")
    return place.team


def teams_where(user: User, right: Right) -> TeamQuerySet:
    """The shared teams in which somebody has a right."""
    roles = [role for role, rights in RIGHTS.items() if right in rights]
    mine = Team.objects.alive().filter(memberships__user=user, memberships__role__in=roles, is_personal=False)
    return mine.order_by("name", "id")


def people_who_may(team: Team, right: Right) -> list[User]:
    """The members of a team who have a right, those who came first before others."""
    roles = [role for role, rights in RIGHTS.items() if right in rights]
    memberships = team.memberships.filter(role__in=roles, user__is_active=True).select_related("user").order_by("id")
    return [membership.user for membership in memberships]


def team_of(user: User, chosen: int | None = None) -> Team | None:
    """The team that somebody works in: the chosen one while they are in it, else their own, else any; None when they are in none."""
    return team_among(Membership.objects.of(user), chosen)


def team_among(places: Iterable[Membership], chosen: int | None) -> Team | None:
    """`team_of` for somebody whose places, in the order of `Membership.objects.of`, are read already; deleted teams are passed over."""
    teams = [place.team for place in places if not place.team.deleted_at]
    return next((team for team in teams if team.pk == chosen), teams[0] if teams else None)


def rights_here(request: HttpRequest) -> frozenset[Right]:
    """What the person may do in the team they work in, as `TeamMiddleware` read it. Http404 for nobody, like `current_team`."""
    team = current_team(request)
    return next(RIGHTS[place.role] for place in request.places if place.team_id == team.pk)  # type: ignore[attr-defined]


def current_team(request: HttpRequest) -> Team:
    """The team of the request, which `TeamMiddleware` put there. For views behind `login_required`; Http404 for nobody."""
    team = getattr(request, "team", None)
    if not team:
        raise Http404
    return cast(Team, team)
