"""Counts whose SQL is kept."""

from __future__ import annotations

from typing import Any

from accounts.models import Membership, Team, User
from studio.prepared import PreparedCount


def test_it_counts_for_each_key_and_calls_for_the_rows_once(team: Team, other_team: Team, alice: User, bob: User) -> None:
    asked: list[tuple[int, ...]] = []

    def places(*keys: int) -> Any:
        asked.append(keys)
        return Membership.objects.filter(team=keys[0], user=keys[1]).order_by("-id")[:5]

    count = PreparedCount(places, keys=2)
    assert [count(team.pk, alice.pk), count(team.pk, bob.pk), count(other_team.pk, alice.pk)] == [1, 1, 0]
    assert len(asked) == 1


def test_it_sees_what_changed(team: Team, alice: User, bob: User) -> None:
    count = PreparedCount(lambda one: Membership.objects.filter(team=one))
    before = count(team.pk)
    Membership.objects.filter(team=team, user=bob).delete()
    assert count(team.pk) == before - 1


def test_a_part_of_a_queryset_is_counted_as_far_as_it_goes(team: Team, alice: User, bob: User) -> None:
    assert Membership.objects.filter(team=team).count() > 1
    assert PreparedCount(lambda one: Membership.objects.filter(team=one)[:1])(team.pk) == 1
