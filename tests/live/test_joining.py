"""What happens while a page is drawn and its line comes up is not lost: it is told to look once it is listened for."""

import asyncio
import re

import pytest
from channels.layers import get_channel_layer
from django.urls import reverse

from studio.galleries import talking
from studio.live.consumers import BEAT, LiveConsumer
from tests.factories import make_artifact
from tests.live.conftest import Page, in_thread

pytestmark = pytest.mark.django_db(transaction=True)
ALL = '<i id="pictures-changed" hidden hx-swap-oob="outerHTML" data-ids=""></i>'


@pytest.fixture
def picture(team, alice):
    return make_artifact(team, alice, files=False)


def fingerprint(html):
    """Of the talk, as a page shows it or is told of it."""
    return re.search(r'data-fingerprint="(\w+)"', html)[1]


async def test_what_happens_before_a_page_is_listened_for_is_made_up_for(client_of, embedded, picture, alice, carol, monkeypatch):
    """The browser has its socket, and the server is not in the groups yet."""
    layer, entered, go = get_channel_layer(), asyncio.Event(), asyncio.Event()
    join = layer.group_add

    async def held(group, channel):
        entered.set()
        await go.wait()
        await join(group, channel)

    monkeypatch.setattr(layer, "group_add", held)
    page = Page(await in_thread(client_of, carol), f"view=picture&picture={picture.pk}", "http://localhost")
    assert await page.connect()
    await entered.wait()
    await in_thread(talking.say, picture, alice, "said in the gap")
    go.set()
    assert await page.word() == BEAT, "the first word says that nothing more is missed"
    snapshot = await page.next()
    assert f'id="talk-pulse-{picture.pk}"' in snapshot
    assert ALL in snapshot
    await page.line.disconnect()


async def test_every_wall_looks_once_when_its_line_is_up(open_page, alice, rich):
    for view in ("library", "trash", "page"):
        for _ in range(2):
            assert ALL in (await open_page(alice, f"view={view}", team=rich)).snapshot
    assert "pictures-changed" not in (await open_page(alice, "view=create", team=rich)).snapshot


async def test_a_talk_that_did_not_go_on_need_not_be_asked_for(open_page, client_of, picture, alice, carol):
    await in_thread(talking.say, picture, alice, "hello")
    client = await in_thread(client_of, carol)

    def shown():
        html = client.get(reverse("picture_talk", args=[picture.pk]), headers={"HX-Request": "true"}).content.decode()
        return fingerprint(html)

    before = await in_thread(shown)
    page = await open_page(carol, f"view=picture&picture={picture.pk}")
    assert fingerprint(page.snapshot) == before
    comment = await in_thread(talking.say, picture, alice, "and more")
    told = [fingerprint(await page.until("talk-pulse"))]
    await in_thread(talking.change, comment, "and much more")
    told.append(fingerprint(await page.until("talk-pulse")))
    await in_thread(lambda: talking.take_back(comment, by=alice))
    told.append(fingerprint(await page.until("talk-pulse")))
    assert len({before, *told}) == 4
    assert await in_thread(shown) == told[-1]


async def test_a_page_on_which_nothing_happens_hears_that_its_line_is_whole(open_page, alice, rich, make_job, monkeypatch):
    monkeypatch.setattr(LiveConsumer, "BEAT_SECONDS", 0.01)
    page = await open_page(alice)
    assert [await page.word() for _ in range(3)] == [BEAT] * 3
    await in_thread(make_job, alice, rich, prompt="a boat at dawn")
    assert "a boat at dawn" in await page.until("a boat at dawn")
