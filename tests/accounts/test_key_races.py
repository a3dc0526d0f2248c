"""Sixteen at once: a key is replaced once, revoked once, made no more often than allowed, and none outlives the place of its person."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import time_machine
from django.http import Http404
from django.utils import timezone

from accounts import keys, members
from accounts.errors import BadKey
from accounts.models import ApiKey, AuditEntry, Membership, Role, Team, User
from tests.accounts.test_keys import made
from tests.billing.race import at_once, kinds

pytestmark = pytest.mark.django_db(transaction=True)
RUNNERS = 16


def race(act: Callable[[int], Any], read: Callable[[], Any] = lambda: None) -> list[Any]:
    return at_once(*((read, lambda _, number=number: act(number)) for number in range(RUNNERS)))  # type: ignore[misc]


def test_sixteen_make_no_more_than_one_may_have(team: Team, alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "MOST", 3)
    outcomes = race(lambda number: made(team, alice, name=f"Key {number}"))
    assert kinds(outcomes) == {"KeyRefused": 13, "Made": 3}
    assert ApiKey.objects.usable().count() == 3
    assert AuditEntry.objects.filter(action="key.made").count() == 3


def test_sixteen_replace_a_key_and_one_does(team: Team, alice: User) -> None:
    key = made(team, alice).key
    outcomes = race(lambda number: keys.rotate(ApiKey.objects.get(pk=key.pk), by=alice))
    assert kinds(outcomes) == {"KeyRefused": 15, "Made": 1}
    assert ApiKey.objects.filter(replaces=key).count() == 1
    assert AuditEntry.objects.filter(action="key.rotated").count() == 1


def test_sixteen_revoke_a_key_and_one_does(team: Team, alice: User, bob: User) -> None:
    key, secret = made(team, bob)
    outcomes = race(lambda number: keys.revoke(ApiKey.objects.get(pk=key.pk), by=bob if number % 2 else alice))
    assert sorted(outcomes) == [False] * 15 + [True]
    assert AuditEntry.objects.filter(action="key.revoked").count() == 1
    with pytest.raises(BadKey):
        keys.caller(secret)


def test_changed_and_revoked_at_once_it_stays_revoked(team: Team, alice: User) -> None:
    key, secret = made(team, alice)
    at = timezone.now()

    def act(number: int) -> Any:
        one = ApiKey.objects.get(pk=key.pk)
        return keys.revoke(one, by=alice) if number == 7 else keys.change(one, by=alice, name=f"Name {number}")

    outcomes = race(act)
    assert set(kinds(outcomes)) <= {"ApiKey", "KeyRefused", "bool"}
    key.refresh_from_db()
    assert key.revoked_at is not None
    assert key.revoked_at >= at
    assert AuditEntry.objects.filter(action="key.changed").count() == kinds(outcomes).get("ApiKey", 0)
    with pytest.raises(BadKey):
        keys.caller(secret)


def test_somebody_is_removed_while_they_make_keys_and_none_is_left(team: Team, alice: User, bob: User) -> None:
    def act(number: int) -> Any:
        return members.remove_member(team, bob, by=alice) if number == 7 else made(team, bob, name=f"Key {number}")

    outcomes = race(act)
    assert {type(one) for one in outcomes} <= {keys.Made, Http404, type(None)}
    assert not Membership.objects.filter(team=team, user=bob).exists()
    assert not ApiKey.objects.filter(user=bob).usable().exists()


def test_a_role_is_taken_while_a_key_is_widened_and_the_scope_does_not_hold(team: Team, alice: User, bob: User) -> None:
    key, secret = made(team, bob, "library:read")

    def act(number: int) -> Any:
        if number == 7:
            return members.change_role(team, bob, Role.VIEWER, by=alice)
        return keys.change(ApiKey.objects.get(pk=key.pk), by=bob, scopes=["library:read", "generate"])

    assert set(kinds(race(act))) <= {"ApiKey", "KeyRefused", "bool"}
    assert keys.caller(secret).scopes == {"library:read"}


def test_sixteen_requests_note_once_that_it_was_used(team: Team, alice: User) -> None:
    key = made(team, alice).key
    with time_machine.travel("2026-11-10T12:00:00Z", tick=False):
        race(lambda number: keys.touch(ApiKey(pk=key.pk)))
        key.refresh_from_db()
        assert key.last_used_at == timezone.now()
