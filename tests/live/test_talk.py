"""What the page of a picture hears of its talk, and every page of a person of their notices; nobody hears another's."""

import pytest

from studio.galleries import notices, talking
from studio.galleries.models import Notice
from studio.live import events
from tests.factories import make_artifact
from tests.live.conftest import in_thread

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def picture(team, alice):
    return make_artifact(team, alice, files=False)


async def test_a_page_that_shows_the_picture_hears_that_its_talk_went_on(open_page, picture, alice, carol):
    page = await open_page(carol, f"view=picture&picture={picture.pk}")
    await in_thread(talking.say, picture, alice, "a secret of ours")
    message = await page.until("talk-pulse")
    assert message.count(f'id="talk-pulse-{picture.pk}"') == 1
    assert 'hx-swap-oob="outerHTML"' in message
    # Only that it went on: what one may do in it is different for each, so the page asks itself.
    assert "secret" not in message


async def test_it_hears_so_whatever_team_the_person_is_at_work_in(open_page, picture, alice):
    own = await in_thread(alice.teams.get, is_personal=True)
    page = await open_page(alice, f"view=picture&picture={picture.pk}", team=own)
    events.talk_changed(picture.team_id, picture.pk)
    assert f'id="talk-pulse-{picture.pk}"' in await page.until("talk-pulse")


async def test_other_pages_and_strangers_hear_nothing_of_it(open_page, picture, alice, bob, mallory, team):
    other = await in_thread(make_artifact, team, alice, files=False)
    pages = [
        await open_page(alice, f"view=picture&picture={other.pk}"),
        await open_page(alice, "view=library&picture=nonsense"),
        await open_page(mallory, f"view=picture&picture={picture.pk}"),
    ]
    await in_thread(talking.say, picture, bob, "hello")
    for page, person in zip(pages, (alice, alice, mallory), strict=True):
        events.notices_changed(person.pk)
        message = await page.until('id="bell"')
        assert "talk-pulse" not in message


async def test_messages_that_were_lost_may_have_been_about_the_talk(open_page, picture, alice):
    page = await open_page(alice, f"view=picture&picture={picture.pk}")
    from studio.live.events import user_group
    from studio.live.publish import publish

    publish(user_group(alice.pk), {"type": "live.resync"})
    assert f'id="talk-pulse-{picture.pk}"' in await page.until("talk-pulse")


async def test_the_bell_is_drawn_on_every_page_of_the_one_it_rings_for(open_page, picture, alice, bob):
    page, tab = await open_page(alice, "view=library"), await open_page(alice, "view=create")
    hers = await open_page(bob, "view=library")
    assert 'data-unread="0"' in page.snapshot
    await in_thread(talking.say, picture, bob, "@Alice look")
    for one in (page, tab):
        assert 'data-unread="1"' in await one.until('id="bell"')
    assert 'data-unread="1"' in (await open_page(alice, "view=library")).snapshot
    await in_thread(notices.read, alice, Notice.objects.all())
    assert 'data-unread="0"' in await page.until('id="bell"')
    events.notices_changed(bob.pk)
    assert 'data-unread="0"' in await hers.until('id="bell"')
