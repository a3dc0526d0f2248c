"""Keys: what a secret looks like, who gets in with one, what it may do there, and who changes it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.http import Http404
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import access, ending, keys, members, services, terms
from accounts.errors import BadKey, KeyRefused, NotInTeam, ScopeMissing, TermsNotAgreed
from accounts.key_secrets import PREFIX, checksum
from accounts.models import ApiKey, AuditEntry, Membership, Role, Team, Terms, User

ClientOf = Callable[..., Client]
ALL = [scope.name for scope in keys.SCOPES]
LONG = "a" * 43
KNOWN = f"{PREFIX}12345678{LONG}{checksum(f'{PREFIX}12345678{LONG}')}"


def made(team: Team, user: User, *scopes: str, **more: Any) -> keys.Made:
    return keys.make(team, user, name=more.pop("name", "CI"), scopes=scopes or ["library:read"], **more)


def log(team: Team) -> list[tuple[str, str, str]]:
    """Who did what with a key, the oldest first."""
    entries = AuditEntry.objects.filter(team=team, action__startswith="key.").order_by("id")
    return [(one.actor_name, one.action, one.text) for one in entries]


# --- the way in -------------------------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_a_key_lets_its_person_in(team: Team, alice: User) -> None:
    key, secret = made(team, alice, "generate", "library:read")
    caller = keys.caller(secret)
    assert (caller.key, caller.user, caller.team, caller.role) == (key, alice, team, "owner")
    assert caller.scopes == {"generate", "library:read"}
    caller.require("generate")
    with pytest.raises(ScopeMissing) as refused:
        caller.require("webhooks")
    assert (refused.value.code, refused.value.scope, refused.value.by_role) == ("scope_missing", "webhooks", False)


@pytest.mark.django_db
def test_who_asks_costs_one_query_and_another_team_two(team: Team, alice: User, settings: Any) -> None:
    other = services.create_team("Lighthouse", alice)
    secret = made(team, alice, all_teams=True).secret
    terms.version_in_force()  # is remembered for a minute
    with CaptureQueriesContext(connection) as queries:
        caller = keys.caller(secret)
        assert (caller.user.email, caller.team.name, caller.role) == (alice.email, "Harbour Street", "owner")
    assert len(queries) == 1
    with CaptureQueriesContext(connection) as queries:
        assert keys.caller(secret, keys.organization_id(other)).team.name == "Lighthouse"
    assert len(queries) == 2


@pytest.mark.django_db
def test_nobody_gets_in_any_more_from_the_very_next_request(team: Team, alice: User, bob: User) -> None:
    def gets_in(secret: str) -> bool:
        try:
            return bool(keys.caller(secret))
        except BadKey:
            return False

    key, secret = made(team, bob)
    ends = made(team, bob, expires_at=timezone.now() + timedelta(hours=1)).secret
    assert gets_in(secret)
    keys.revoke(key, by=bob)
    assert not gets_in(secret)
    assert gets_in(ends)
    with time_machine.travel(timezone.now() + timedelta(hours=1, seconds=1)):
        assert not gets_in(ends)
    User.objects.filter(pk=bob.pk).update(is_active=False)
    assert not gets_in(ends)
    User.objects.filter(pk=bob.pk).update(is_active=True)
    assert gets_in(ends)
    Team.objects.filter(pk=team.pk).update(deleted_at=timezone.now())
    assert not gets_in(ends)
    Team.objects.filter(pk=team.pk).update(deleted_at=None)
    Membership.objects.filter(team=team, user=bob).delete()
    assert not gets_in(ends), "also where nobody took the key back"


@pytest.mark.django_db
def test_a_deleted_team_lets_nobody_in_until_it_is_brought_back(team: Team, alice: User) -> None:
    secret = made(team, alice, all_teams=True).secret
    own = Team.objects.get(is_personal=True, memberships__user=alice)
    ending.delete_team(team, by=alice)
    for organization in ("", keys.organization_id(own)):
        with pytest.raises(BadKey):
            keys.caller(secret, organization)
    ending.restore_team(team, by=alice)
    assert keys.caller(secret).team == team


@pytest.mark.django_db
def test_the_organization_picks_the_team_and_tells_nothing_of_others(team: Team, alice: User, other_team: Team) -> None:
    lighthouse = services.create_team("Lighthouse", alice)
    one, every = made(team, alice).secret, made(team, alice, all_teams=True).secret
    name = keys.organization_id(team)
    assert name == f"org-{team.public_id}"
    assert str(team.pk) != team.public_id
    assert keys.caller(one, name).team == keys.caller(every, name).team == team
    assert keys.caller(every, keys.organization_id(lighthouse)).team == lighthouse
    said = set()
    gone = services.create_team("Gone", alice)
    Team.objects.filter(pk=gone.pk).update(deleted_at=timezone.now())
    wrong = [
        keys.organization_id(other_team),
        keys.organization_id(gone),
        "org-" + "0" * 20,
        "org-",
        "org",
        "\0",
        str(lighthouse.pk),
        "é" * 999,
    ]
    for secret, organization in [(one, keys.organization_id(lighthouse)), *((every, one) for one in wrong)]:
        with pytest.raises(NotInTeam) as refused:
            keys.caller(secret, organization)
        said.add((refused.value.code, str(refused.value)))
    assert len(said) == 1


@pytest.mark.django_db
def test_scopes_hold_while_the_role_has_the_right_behind_them(team: Team, alice: User, bob: User) -> None:
    Membership.objects.filter(user=bob, team=team).update(role=Role.ADMIN)
    secret = made(team, bob, *ALL).secret
    assert keys.caller(secret).scopes == set(ALL)
    held = {
        Role.OWNER: set(ALL),
        Role.ADMIN: set(ALL),
        Role.CREATOR: {"generate", "library:read", "library:write", "templates", "billing:read"},
        Role.VIEWER: {"library:read", "templates", "billing:read"},
    }
    for role in Role:
        Membership.objects.filter(user=bob, team=team).update(role=role)
        caller = keys.caller(secret)
        assert (caller.role, caller.scopes) == (role, held[role])
        assert {scope.name for scope in keys.scopes_of(role)} == held[role]
    with pytest.raises(ScopeMissing) as refused:
        caller.require("generate")
    assert refused.value.by_role
    assert "their role does not allow “generate”" in str(refused.value)


@pytest.mark.django_db
def test_a_role_elsewhere_is_that_of_the_other_team(team: Team, alice: User, bob: User) -> None:
    lighthouse = services.create_team("Lighthouse", alice)
    Membership.objects.create(team=lighthouse, user=bob, role=Role.VIEWER)
    secret = made(team, bob, "generate", "library:read", all_teams=True).secret
    assert keys.caller(secret).scopes == {"generate", "library:read"}
    assert keys.caller(secret, keys.organization_id(lighthouse)).scopes == {"library:read"}


@pytest.mark.django_db
def test_every_scope_has_a_right_that_somebody_has() -> None:
    assert [scope.right in access.RIGHTS[Role.OWNER] for scope in keys.SCOPES] == [True] * len(ALL)
    assert keys.holding(["no such thing", "generate"], Role.OWNER) == {"generate"}


@pytest.mark.django_db
def test_terms_that_the_person_has_not_agreed_to_stop_the_key(team: Team, alice: User) -> None:
    secret = made(team, alice).secret
    in_force = Terms.objects.create(version=1, text="Be kind.", published_at=timezone.now())
    cache.clear()
    with pytest.raises(TermsNotAgreed):
        keys.caller(secret)
    assert keys.find(secret) is not None
    terms.agree(alice, in_force)
    assert keys.caller(secret).user == alice
    newer = Terms.objects.create(version=2, text="Be kinder.", published_at=timezone.now())
    cache.clear()
    with pytest.raises(TermsNotAgreed):
        keys.caller(secret)
    terms.agree(alice, newer)
    with CaptureQueriesContext(connection) as queries:
        terms.version_in_force()
        asked = len(queries)
        keys.caller(secret)
    assert len(queries) - asked == 1


@pytest.mark.django_db
def test_when_it_was_used_last_is_written_once_a_minute(team: Team, alice: User) -> None:
    secret = made(team, alice).secret
    with time_machine.travel("2026-11-10T12:00:00Z", tick=False) as clock:
        first = keys.caller(secret).key
        assert first.last_used_at is None
        keys.touch(first)
        for seconds, queries in ((0, 0), (59, 0), (1, 1), (1, 0)):
            clock.shift(timedelta(seconds=seconds))
            key = keys.caller(secret).key
            with CaptureQueriesContext(connection) as found:
                keys.touch(key)
            assert len(found) == queries
        late = ApiKey(pk=first.pk, last_used_at=None)  # read before somebody else wrote
        keys.touch(late)
    assert ApiKey.objects.get().last_used_at == datetime(2026, 11, 10, 12, 1, tzinfo=UTC)


# --- making -----------------------------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_what_a_key_is_made_of(team: Team, alice: User) -> None:
    end = timezone.now() + timedelta(days=30)
    key = made(
        team,
        alice,
        *("templates", "generate", "generate"),
        name="  Nightly\nrender ",
        engines=["sd3.5-*", " diffusers ", "", "sd3.5-*"],
        budget_day=5000,
        budget_month=0,
        expires_at=end,
    ).key
    key.refresh_from_db()
    assert (key.name, key.scopes, key.engines) == ("Nightly render", ["generate", "templates"], ["sd3.5-*", "diffusers"])
    assert (key.budget_day, key.budget_month, key.expires_at, key.all_teams) == (5000, 0, end, False)
    assert log(team) == [("Alice Harbour", "key.made", "made the API key “Nightly render”")]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("wrong", "field", "said"),
    [
        ({"name": " \u200b "}, "name", "Give the key a name, such as what will use it."),
        ({"name": "x" * 81}, "name", "A name has 80 characters at most."),
        ({"scopes": []}, "scopes", "Choose what the key may do, one thing at least."),
        ({"scopes": ["everything"]}, "scopes", f"There is no scope “everything”. There are {', '.join(ALL)}."),
        ({"scopes": ["generate", "webhooks"]}, "scopes", "The role in this team does not allow “Webhooks”. Leave that out."),
        ({"budget_day": -1}, "budget_day", "A budget is a number of credits that is not negative; leave it empty for none."),
        ({"budget_month": 10**16}, "budget_month", "A budget is a number of credits that is not negative; leave it empty for none."),
        ({"expires_at": datetime(2020, 1, 1, tzinfo=UTC)}, "expires_at", "This moment is over. Choose one to come, or none."),
        ({"engines": ["x" * 121]}, "engines", "Name 100 engines at most, each in no more than 120 characters."),
    ],
)
def test_what_a_key_cannot_be(wrong: dict[str, Any], field: str, said: str, team: Team, bob: User) -> None:
    with pytest.raises(KeyRefused) as refused:
        keys.make(team, bob, **{"name": "CI", "scopes": ["generate"], **wrong})
    assert (refused.value.code, refused.value.fields, str(refused.value)) == ("key_refused", {field: said}, said)
    assert not ApiKey.objects.exists()
    key = made(team, bob, "generate").key
    with pytest.raises(KeyRefused) as refused:
        keys.change(key, by=bob, **wrong)
    assert refused.value.fields == {field: said}
    assert [text for _, _, text in log(team)] == ["made the API key “CI”"]


@pytest.mark.django_db
def test_all_that_is_wrong_is_said_at_once(team: Team, alice: User) -> None:
    with pytest.raises(KeyRefused) as refused:
        keys.make(team, alice, name="", scopes=[], budget_day=-1)
    assert list(refused.value.fields) == ["name", "scopes", "budget_day"]


@pytest.mark.django_db
def test_a_stranger_makes_none_and_nobody_makes_too_many(team: Team, alice: User, mallory: User, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Http404):
        made(team, mallory)
    monkeypatch.setattr(keys, "MOST", 2)
    first = made(team, alice).key
    made(team, alice)
    with pytest.raises(KeyRefused, match="You have 2 keys in this team"):
        made(team, alice)
    keys.revoke(first, by=alice)
    made(team, alice)


# --- changing ---------------------------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_its_person_and_those_who_administer_change_it(team: Team, alice: User, bob: User, carol: User, mallory: User) -> None:
    key, secret = made(team, bob, "generate")
    changed = keys.change(key, by=bob, name="Nightly", engines=["null"])
    assert (changed.name, changed.engines) == ("Nightly", ["null"])
    assert keys.change(key, by=alice, scopes=["library:read"], budget_day=1000).budget_day == 1000
    assert keys.caller(secret).scopes == {"library:read"}
    assert keys.change(key, by=alice, budget_day=1000).budget_day == 1000
    with pytest.raises(PermissionDenied):
        keys.change(key, by=carol, name="Mine")
    with pytest.raises(Http404):
        keys.change(key, by=mallory, name="Mine")
    assert log(team)[1:] == [
        ("Bob Member", "key.changed", "changed the name, the engines of the API key “CI”"),
        ("Alice Harbour", "key.changed", "changed the scopes, the budget a day of the API key “Nightly” of Bob Member"),
    ]
    key.refresh_from_db()
    assert (key.name, key.budget_day) == ("Nightly", 1000)


@pytest.mark.django_db
def test_an_owner_gives_nobody_s_key_more_than_its_person_may(team: Team, alice: User, bob: User) -> None:
    key = made(team, bob, "generate", "library:read").key
    for by in (alice, bob):
        with pytest.raises(KeyRefused) as refused:
            keys.change(key, by=by, scopes=["generate", "webhooks"])
        assert refused.value.fields == {"scopes": "The role in this team does not allow “Webhooks”. Leave that out."}
    members.change_role(team, bob, Role.VIEWER, by=alice)
    assert keys.change(key, by=bob, scopes=["generate", "templates"]).scopes == ["generate", "templates"], "what it had may stay"
    assert keys.change(key, by=bob, scopes=["templates"]).scopes == ["templates"]
    with pytest.raises(KeyRefused):
        keys.change(key, by=bob, scopes=["generate"])


@pytest.mark.django_db
def test_one_that_is_over_stays_as_it_is(team: Team, alice: User) -> None:
    key = made(team, alice).key
    keys.revoke(key, by=alice)
    ended = made(team, alice).key
    ApiKey.objects.filter(pk=ended.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    for one in (key, ended):
        with pytest.raises(KeyRefused, match="does not hold any more"):
            keys.change(one, by=alice, expires_at=None)
        with pytest.raises(KeyRefused, match="does not hold any more"):
            keys.rotate(one, by=alice)


@pytest.mark.django_db
def test_revoking_is_done_once_by_those_who_may(team: Team, alice: User, bob: User, carol: User, mallory: User) -> None:
    key, secret = made(team, bob)
    with pytest.raises(PermissionDenied):
        keys.revoke(key, by=carol)
    with pytest.raises(Http404):
        keys.revoke(key, by=mallory)
    assert keys.caller(secret).user == bob
    assert keys.revoke(key, by=alice)
    assert (key.revoked_by, key.is_over) == (alice, True)
    assert not keys.revoke(key, by=bob)
    key.refresh_from_db()
    assert key.revoked_by == alice
    assert log(team)[1:] == [("Alice Harbour", "key.revoked", "revoked the API key “CI” of Bob Member")]


@pytest.mark.django_db
def test_with_a_key_go_the_older_secrets_that_still_let_its_program_in(team: Team, alice: User, bob: User) -> None:
    first, other = made(team, bob), made(team, bob)
    second = keys.rotate(first.key, by=bob)
    third = keys.rotate(second.key, by=bob)
    assert keys.older_and_newer(second.key) == ([first.key], [third.key])
    assert keys.revoke(second.key, by=alice)
    for gone in (first, second):
        with pytest.raises(BadKey):
            keys.caller(gone.secret)
        gone.key.refresh_from_db()
        assert gone.key.revoked_by == alice
    assert [keys.caller(one.secret).key for one in (third, other)] == [third.key, other.key], "what took its place, and what is no kin"
    assert keys.older_and_newer(third.key) == ([], [])
    fourth = keys.rotate(third.key, by=bob)
    assert keys.revoke(fourth.key, by=bob, only=True)
    assert keys.caller(third.secret).key == third.key
    assert [text for _, action, text in log(team) if action == "key.revoked"] == [
        "revoked the API key “CI” of Bob Member and the secret that it replaced",
        "revoked the API key “CI”",
    ]


# --- another secret for it --------------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_the_old_secret_holds_until_the_overlap_is_over(team: Team, alice: User) -> None:
    with time_machine.travel("2026-11-10T12:00:00Z", tick=False) as clock:
        old, first = made(team, alice, "generate", "templates", engines=["null"], budget_day=1000, all_teams=True)
        new, second = keys.rotate(old, by=alice)
        columns = ("team", "user", "name", "scopes", "all_teams", "engines", "budget_day", "budget_month")
        assert [getattr(new, name) for name in columns] == [getattr(old, name) for name in columns]
        assert (new.replaces, new.expires_at, first == second) == (old, None, False)
        assert (keys.caller(first).key, keys.caller(second).key) == (old, new)
        clock.shift(timedelta(hours=23, minutes=59))
        assert keys.caller(first).key == old
        clock.shift(timedelta(minutes=1))
        with pytest.raises(BadKey):
            keys.caller(first)
        assert keys.caller(second).key == new
    assert log(team)[1:] == [("Alice Harbour", "key.rotated", "replaced the API key “CI”")]


@pytest.mark.django_db
def test_one_that_leaked_is_replaced_at_once(team: Team, alice: User) -> None:
    old, first = made(team, alice)
    second = keys.rotate(old, by=alice, overlap=timedelta()).secret
    with pytest.raises(BadKey):
        keys.caller(first)
    assert keys.caller(second).user == alice


@pytest.mark.django_db
def test_a_key_with_an_end_gets_as_long_a_time_and_no_overlap_beyond_it(team: Team, alice: User) -> None:
    with time_machine.travel("2026-11-10T12:00:00Z", tick=False) as clock:
        old = made(team, alice, expires_at=timezone.now() + timedelta(days=30)).key
        clock.shift(timedelta(days=29, hours=20))
        new = keys.rotate(old, by=alice).key
        old.refresh_from_db()
        assert old.expires_at == datetime(2026, 12, 10, 12, tzinfo=UTC)
        assert new.expires_at == timezone.now() + timedelta(days=30)


@pytest.mark.django_db
def test_a_key_is_replaced_once_and_by_its_person_alone(team: Team, alice: User, bob: User) -> None:
    key = made(team, bob).key
    with pytest.raises(PermissionDenied):
        keys.rotate(key, by=alice)
    new = keys.rotate(key, by=bob).key
    with pytest.raises(KeyRefused, match="was replaced already"):
        keys.rotate(key, by=bob)
    keys.revoke(new, by=bob, only=True)  # the new secret leaked before it was used
    assert keys.rotate(key, by=bob).key.replaces == key
    assert ApiKey.objects.usable().count() == 2
