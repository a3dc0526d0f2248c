"""Keys: what a secret looks like, who gets in with one, and what it may do there."""

from __future__ import annotations

import pytest

from accounts import keys
from accounts.errors import BadKey, ScopeMissing
from accounts.models import Team, User

pytestmark = pytest.mark.django_db


def test_a_key_lets_its_person_in(alice: User, team: Team) -> None:
    made = keys.make(team, alice, name="CI", scopes=["generate", "library:read"])
    caller = keys.caller(made.secret)
    assert (caller.key, caller.user, caller.team, caller.role) == (made.key, alice, team, "owner")
    assert caller.scopes == {"generate", "library:read"}
    caller.require("generate")
    with pytest.raises(ScopeMissing):
        caller.require("webhooks")
    assert keys.revoke(made.key, by=alice)
    with pytest.raises(BadKey):
        keys.caller(made.secret)
