"""Pages of people who lose a team stop listening in that moment, without a word more of it."""

import pytest

from accounts import ending, members
from accounts.models import Role
from studio.live.consumers import LiveConsumer
from tests.live.conftest import in_thread

pytestmark = pytest.mark.django_db(transaction=True)
NOT_ALLOWED = 4403


@pytest.fixture(autouse=True)
def never_asked_by_the_clock(monkeypatch):
    """So that only being told closes a page on which nothing happens."""
    monkeypatch.setattr(LiveConsumer, "IDLE_CHECK_SECONDS", 3600)


async def test_who_is_removed_stops_listening_at_once(open_page, alice, bob, carol, rich):
    page, other = await open_page(bob, team=rich), await open_page(carol, team=rich)
    await in_thread(members.remove_member, rich, bob, by=alice)
    assert await page.closed() == NOT_ALLOWED
    await in_thread(members.leave, rich, by=carol)
    assert await other.closed() == NOT_ALLOWED


async def test_a_removal_that_is_undone_closes_nothing(open_page, alice, bob, rich, make_job):
    from django.db import transaction

    def remove_and_fail():
        with transaction.atomic():
            members.remove_member(rich, bob, by=alice)
            raise RuntimeError("boom")

    page = await open_page(bob, team=rich)
    with pytest.raises(RuntimeError, match="boom"):
        await in_thread(remove_and_fail)
    await in_thread(make_job, alice, rich, prompt="still heard by bob")
    assert "still heard by bob" in await page.until("still heard by bob")


async def test_another_role_does_not_close_what_it_may_still_see(open_page, alice, bob, rich, make_job):
    page = await open_page(bob, team=rich)
    await in_thread(members.change_role, rich, bob, Role.VIEWER, by=alice)
    await in_thread(make_job, alice, rich, prompt="a viewer sees this")
    assert "a viewer sees this" in await page.until("a viewer sees this")


async def test_everybody_of_a_deleted_team_stops_listening(open_page, alice, bob, rich):
    pages = [await open_page(person, team=rich) for person in (alice, bob)]
    await in_thread(ending.delete_team, rich, by=alice)
    for page in pages:
        assert await page.closed() == NOT_ALLOWED
