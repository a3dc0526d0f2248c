"""What programs sign in with. A key acts for its person, in a team, within its scopes and what the person may do there *now*.

Whoever asks with one is a `Caller`: `caller` is the only way in, and is asked with every request, so that a key that was revoked, a role
that was changed and a person who was removed count from the next request on. Each write is one transaction, with its line in the log of
the team.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypedDict, Unpack

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, Subquery
from django.utils import timezone

from accounts import access, audit, terms
from accounts.errors import BadKey, KeyRefused, NotInTeam, ScopeMissing, TermsNotAgreed
from accounts.key_secrets import hashed, new_secret, public_part
from accounts.members import hold
from accounts.models import Agreement, ApiKey, Membership, Team, User
from accounts.names import tidy

MOST = 50
"""Keys that one person may have in a team at a time."""
OVERLAP = timedelta(hours=24)
"""So long a key that was replaced still lets programs in, until each has the new one."""
TOUCH = timedelta(minutes=1)
"""How exactly it is known when a key was used last."""
MOST_BUDGET = 10**15
"""Millicredits; far from where the column ends."""
MOST_ENGINES = 100


class Scope(NamedTuple):
    """A part of what a program can do. It holds only while the key's person has the `right` behind it."""

    name: str
    label: str
    help: str
    right: access.Right


SCOPES: tuple[Scope, ...] = (
    Scope("generate", "Generate", "Make pictures, 3D models and sounds, and spend credits on them; stop what it asked for.", "generate"),
    Scope("library:read", "Read the library", "Search it and download what the team made.", "see"),
    Scope("library:write", "Change the library", "Upload, tag, delete and bring back; arrange galleries.", "edit"),
    Scope("templates", "Templates", "List prompt templates. To run one takes “Generate” as well.", "see"),
    Scope("billing:read", "Read the wallet", "See the balance, the entries and what is used.", "see"),
    Scope("webhooks", "Webhooks", "Say where the studio calls when something happens.", "administer"),
)
_NAMED = re.compile(r"(?:sk-)?([0-9A-Za-z]{8})")
_ORGANIZATION = re.compile(r"org-([0-9A-Za-z]{20})")
_RIGHTS: dict[str, access.Right] = {scope.name: scope.right for scope in SCOPES}


class Made(NamedTuple):
    """A key that was made just now. Its `secret` is known at this moment only."""

    key: ApiKey
    secret: str


class Fields(TypedDict, total=False):
    """What of a key can be changed later."""

    name: str
    scopes: Collection[str]
    engines: Collection[str]
    budget_day: int | None
    budget_month: int | None
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, with which key, in which team and as what. `scopes` are those of the key that hold there now."""

    key: ApiKey
    user: User
    team: Team
    role: str
    scopes: frozenset[str]

    def require(self, scope: str) -> None:
        """Raises ScopeMissing."""
        if scope not in self.scopes:
            raise ScopeMissing(scope, by_role=not holding([scope], self.role))


def scopes_of(role: str) -> list[Scope]:
    """Those that a key of somebody with this role may have."""
    return [scope for scope in SCOPES if scope.right in access.RIGHTS[role]]


def organization_id(team: Team) -> str:
    """What programs call a team."""
    return f"org-{team.public_id}"


# --- the way in ------------------------------------------------------------------------------------------------------


def find(secret: str) -> ApiKey | None:
    """The key of a secret, with its person and team: one that is neither revoked nor expired, of somebody whose account is open.

    What cannot be a secret costs no query, anything else one. `place` is the person's role in the key's team (None for none, or when the
    team was deleted), `has_agreed` whether they said yes to the terms in force.
    """
    public = public_part(secret)
    if public is None:
        return None
    here = Membership.objects.filter(team=OuterRef("team"), user=OuterRef("user"), team__deleted_at=None)
    version = terms.version_in_force()
    said_yes = Agreement.objects.filter(user=OuterRef("user"), terms__version=version)
    told: dict[str, Any] = {"place": Subquery(here.values("role")[:1]), "has_agreed": Exists(said_yes)}
    known = ApiKey.objects.usable().filter(public_id=public, user__is_active=True)
    key = known.annotate(**told).select_related("user", "team").first()
    if key is None or not hmac.compare_digest(key.token_hash, hashed(secret)):
        return None
    key.has_agreed = key.has_agreed or not version  # type: ignore[attr-defined]
    return key


def caller(secret: str, organization: str = "") -> Caller:
    """Who asks with this secret, in their key's own team or the `organization` that they name ("org-…").

    Raises BadKey, NotInTeam and TermsNotAgreed. One query, two for another team than the key's own.
    """
    key = find(secret)
    if key is None or key.place is None:  # type: ignore[attr-defined]
        raise BadKey
    team, role = key.team, str(key.place)  # type: ignore[attr-defined]
    if organization and organization != organization_id(team):
        place = _elsewhere(key, organization)
        team, role = place.team, place.role
    if not key.has_agreed:  # type: ignore[attr-defined]
        raise TermsNotAgreed
    return Caller(key, key.user, team, role, holding(key.scopes, role))


def holding(scopes: Iterable[str], role: str) -> frozenset[str]:
    """The scopes that hold for somebody with this role."""
    return frozenset(name for name in scopes if _RIGHTS.get(name) in access.RIGHTS[role])


def _elsewhere(key: ApiKey, organization: str) -> Membership:
    """The place of the key's person in another team. Raises NotInTeam, whether there is such a team or not."""
    named = _ORGANIZATION.fullmatch(organization) if key.all_teams else None
    place = Membership.objects.of(key.user).filter(team__public_id=named[1]).first() if named else None
    if place is None:
        raise NotInTeam
    return place


def touch(key: ApiKey) -> None:
    """Note that it was used now, at most once in `TOUCH`."""
    now = timezone.now()
    if key.last_used_at is None or key.last_used_at <= now - TOUCH:
        ApiKey.objects.filter(Q(last_used_at=None) | Q(last_used_at__lte=now - TOUCH), pk=key.pk).update(last_used_at=now)
        key.last_used_at = now


# --- writing ---------------------------------------------------------------------------------------------------------


@transaction.atomic
def make(
    team: Team,
    user: User,
    *,
    name: str,
    scopes: Collection[str],
    all_teams: bool = False,
    engines: Collection[str] = (),
    budget_day: int | None = None,
    budget_month: int | None = None,
    expires_at: datetime | None = None,
) -> Made:
    """A key with which a program acts for `user`; budgets are millicredits. Raises KeyRefused, and Http404 for no member of the team."""
    held = hold(team, user, "see")  # nobody is removed, or given another role, until this is committed
    if ApiKey.objects.usable().filter(team=held, user=user).count() >= MOST:
        raise KeyRefused({"name": f"You have {MOST} keys in this team, which is the most. Revoke one that nothing uses."})
    fields = Fields(name=name, scopes=scopes, engines=engines, budget_day=budget_day, budget_month=budget_month, expires_at=expires_at)
    made = _create(ApiKey(team=held, user=user, all_teams=all_teams, **_checked(fields, _role(held, user))))
    audit.record(held, user, "key.made", f"made the API key “{made.key.name}”")
    return made


@transaction.atomic
def change(key: ApiKey, *, by: User, **fields: Unpack[Fields]) -> ApiKey:
    """Change what is given. `by` is its person, or somebody who administers the team; neither gives it what the person may not do.

    A budget is one for the whole line: it is that of older and newer secrets too, as far as they let programs in.
    Raises KeyRefused, also for one that is over; Http404 and PermissionDenied as `access.require` does.
    """
    held = _locked(key, by)
    checked = _checked(fields, _role(held.team, held.user), held.scopes)
    changed = [name for name, value in checked.items() if value != getattr(held, name)]
    if changed:
        before = held.name
        for name in changed:
            setattr(held, name, checked[name])
        held.save(update_fields=changed)
        budgets = {name: checked[name] for name in changed if name in _OF_LINE}
        if budgets:
            ApiKey.objects.in_line(held).usable().update(**budgets)
        what = ", ".join(_WORDS[name] for name in changed)
        audit.record(held.team, by, "key.changed", f"changed {what} of {_called(held, by, before)}")
    return held


@transaction.atomic
def rotate(key: ApiKey, *, by: User, overlap: timedelta = OVERLAP) -> Made:
    """Another secret for the same program: a new key like this one, which itself lets programs in for `overlap` more.

    Only for its person: whoever has the secret acts as them. One with an end gets as long a time as it had. Both spend from one budget:
    what was spent with the old one counts for the new one as well.
    Raises KeyRefused for one that is over or was replaced already, PermissionDenied.
    """
    held = _locked(key, by)
    if held.user != by:
        raise PermissionDenied("Only the person of a key can replace it.")
    if held.replaced_by.filter(revoked_at=None).exists():
        raise KeyRefused({"name": f"“{held.name}” was replaced already. Use the key that took its place."})
    now = timezone.now()
    copied = {name: getattr(held, name) for name in _COPIED}
    made = _create(
        ApiKey(**copied, replaces=held, origin_id=held.first_id, expires_at=held.expires_at and now + (held.expires_at - held.created_at))
    )
    held.expires_at = min(held.expires_at or now + overlap, now + max(overlap, timedelta()))
    held.save(update_fields=["expires_at"])
    audit.record(held.team, by, "key.rotated", f"replaced {_called(held, by)}")
    return made


@transaction.atomic
def revoke(key: ApiKey, *, by: User, only: bool = False) -> bool:
    """Let no program in with it from the next request on; False when it was revoked already. For those who may `change` it.

    Older secrets of its line that still let the same program in go with it, unless `only` this one is meant; what took its place stays.
    """
    team = _require(key, by)
    gone = {"revoked_at": timezone.now(), "revoked_by": by}
    if not ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(**gone):
        return False
    key.refresh_from_db(fields=["revoked_at", "revoked_by"])
    count = 0 if only else ApiKey.objects.in_line(key).usable().filter(pk__lt=key.pk).update(**gone)
    with_it = "" if not count else " and the secret that it replaced" if count == 1 else f" and the {count} secrets that it replaced"
    audit.record(team, by, "key.revoked", f"revoked {_called(key, by)}{with_it}")
    return True


def older_and_newer(key: ApiKey) -> tuple[list[ApiKey], list[ApiKey]]:
    """The other secrets of the same program that let it in now: those that this key replaced, and those that replaced it. One query."""
    others = list(ApiKey.objects.in_line(key).usable().exclude(pk=key.pk).order_by("pk"))
    return [one for one in others if one.pk < key.pk], [one for one in others if one.pk > key.pk]


@transaction.atomic
def revoke_leaked(text: str) -> ApiKey | None:
    """Revoke, for the operator, the key that a text names: a secret that was found somewhere, or the first part of one. None for no key,
    or one that was revoked already. Others of its line did not leak, and stay: the program goes on with them.
    """
    named = _NAMED.match(text.strip())
    found = ApiKey.objects.select_related("team", "user").filter(public_id=named[1], revoked_at=None).first() if named else None
    if found is None or not ApiKey.objects.filter(pk=found.pk, revoked_at=None).update(revoked_at=timezone.now()):
        return None
    audit.record(found.team, None, "key.revoked", f"revoked the API key “{found.name}” of {found.user}, which was found elsewhere")
    return found


def leave(team: Team, person: User) -> None:
    """One of `settings.DEPARTURE_LISTENERS`: with the keys of whoever goes nothing gets in any more, also when they come back."""
    names = list(ApiKey.objects.filter(team=team, user=person, revoked_at=None).order_by("pk").values_list("name", flat=True))
    if names:
        ApiKey.objects.filter(team=team, user=person, revoked_at=None).update(revoked_at=timezone.now())
        which = f"API key “{names[0]}”" if len(names) == 1 else f"{len(names)} API keys"
        audit.record(team, None, "key.revoked", f"revoked the {which} of {person}, who is not in the team any more")


def erase_team(team: Team) -> None:
    """One of `settings.TEAM_ERASERS`."""
    ApiKey.objects.filter(team=team).delete()


_WORDS = {
    "name": "the name",
    "scopes": "the scopes",
    "engines": "the engines",
    "budget_day": "the budget a day",
    "budget_month": "the budget a month",
    "expires_at": "the end",
}
"""What the log calls the fields."""
_COPIED = ("team", "user", "name", "scopes", "all_teams", "engines", "budget_day", "budget_month")
"""What a key has from the one that it replaces."""
_OF_LINE = ("budget_day", "budget_month")
"""What the keys of a line have together."""


def _called(key: ApiKey, by: User, name: str = "") -> str:
    whose = "" if key.user == by else f" of {key.user}"
    return f"the API key “{name or key.name}”{whose}"


def _create(key: ApiKey) -> Made:
    secret, key.public_id = new_secret()
    key.token_hash = hashed(secret)
    key.save(force_insert=True)
    return Made(key, secret)


def _require(key: ApiKey, by: User) -> Team:
    """The key's team, locked. Raises as `access.require` does for who may neither see the team nor touch this key."""
    return hold(key.team, by, "see" if key.user_id == by.pk else "administer")


def _locked(key: ApiKey, by: User) -> ApiKey:
    """The key as it is, and stays until the commit. Raises KeyRefused for one that is over."""
    team = _require(key, by)
    held = ApiKey.objects.select_for_update(no_key=True, of=("self",)).select_related("user").get(pk=key.pk)
    held.team = team
    if held.is_over:
        raise KeyRefused({"name": f"“{held.name}” does not hold any more. Make another key."})
    return held


def _role(team: Team, user: User) -> str:
    """Raises KeyRefused for somebody who is not in the team: nobody widens their key."""
    place = access.membership_for(user, team)
    if place is None:
        raise KeyRefused({"name": f"{user} is not in this team any more."})
    return place.role


# --- what may stand in one -------------------------------------------------------------------------------------------


def _checked(fields: Mapping[str, Any], role: str, had: Collection[str] = ()) -> dict[str, Any]:
    """The given fields as columns. Raises KeyRefused with all that is wrong. `had` are scopes that stay whatever the role is now."""
    columns, wrong = dict(fields), {}
    for name, check in _CHECKS.items():
        if name in fields:
            try:
                columns[name] = check(fields[name])
            except ValueError as error:
                wrong[name] = str(error)
    beyond = set(columns.get("scopes", ())) - set(had) - {scope.name for scope in scopes_of(role)}
    if beyond and "scopes" not in wrong:
        labels = ", ".join(f"“{scope.label}”" for scope in SCOPES if scope.name in beyond)
        wrong["scopes"] = f"The role in this team does not allow {labels}. Leave that out."
    if wrong:
        raise KeyRefused(wrong)
    return columns


def _name(given: str) -> str:
    name = tidy(given)
    if not name:
        raise ValueError("Give the key a name, such as what will use it.")
    if len(name) > 80:
        raise ValueError("A name has 80 characters at most.")
    return name


def _scopes(given: Collection[str]) -> list[str]:
    unknown = sorted(set(given) - set(_RIGHTS))
    if unknown:
        raise ValueError(f"There is no scope “{unknown[0]}”. There are {', '.join(_RIGHTS)}.")
    if not given:
        raise ValueError("Choose what the key may do, one thing at least.")
    return [name for name in _RIGHTS if name in given]


def _engines(given: Collection[str]) -> list[str]:
    entries = list(dict.fromkeys(entry.strip() for entry in given if entry.strip()))
    if len(entries) > MOST_ENGINES or any(len(entry) > 120 for entry in entries):
        raise ValueError(f"Name {MOST_ENGINES} engines at most, each in no more than 120 characters.")
    return entries


def _budget(given: int | None) -> int | None:
    if given is not None and (not isinstance(given, int) or not 0 <= given <= MOST_BUDGET):
        raise ValueError("A budget is a number of credits that is not negative; leave it empty for none.")
    return given


def _end(given: datetime | None) -> datetime | None:
    if given is not None and given <= timezone.now():
        raise ValueError("This moment is over. Choose one to come, or none.")
    return given


_CHECKS: dict[str, Any] = {
    "name": _name,
    "scopes": _scopes,
    "engines": _engines,
    "budget_day": _budget,
    "budget_month": _budget,
    "expires_at": _end,
}
