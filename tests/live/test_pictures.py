"""What a wall hears: which pictures of its team changed, by their ids alone; and a person's own marks on their own pages only."""

import re
from functools import partial

import pytest

from studio.backends.base import GeneratedMedia
from studio.generation import services
from studio.live import events
from studio.live.consumers import LiveConsumer
from studio.live.shared import shared_reads
from studio.live.viewers import Viewer
from studio.privacy import erasing
from tests.factories import make_artifact
from tests.generation.pictures import picture
from tests.live.conftest import in_thread

pytestmark = pytest.mark.django_db(transaction=True)
WORD = re.compile(r'<i id="pictures-changed" hidden hx-swap-oob="outerHTML" data-ids="([^"]*)"></i>')


async def heard(page):
    """The ids of the next word about pictures."""
    return WORD.search(await page.until('data-ids="'))[1].split()


def several(team_id, *changes):
    for ids in changes:
        events.pictures_changed(team_id, ids)


async def test_a_wall_hears_of_what_changed(open_page, alice, rich):
    page = await open_page(alice, "view=library", team=rich)
    await in_thread(several, rich.pk, ["b"], ["a", "b"])
    ids = set()
    while ids != {"a", "b"}:
        ids |= set(await heard(page))
    await in_thread(several, rich.pk, [str(n) for n in range(events.MANY + 1)])
    assert await heard(page) == [], "too many to name: all of them"


async def test_a_wall_hears_of_what_goes_with_an_account(open_page, alice, bob, rich):
    made = await in_thread(make_artifact, rich, bob, files=False)
    page = await open_page(alice, "view=library", team=rich)
    await in_thread(partial(erasing.erase_account, bob, leaves_work=False))
    assert str(made.pk) in await heard(page)


async def test_a_word_that_is_due_survives_a_snapshot(alice, rich):
    """It was due while the page was busy, and then everything had to be drawn: a snapshot names none, and no wall is read whole for it."""
    page, sent = LiveConsumer(), []

    async def send(text_data):
        sent.append(text_data)

    page.send, page.pictures, page.due = send, {"a"}, {"pictures", "header"}
    viewer = Viewer("session", alice.pk, rich.pk, frozenset({rich.pk}), "library", None)
    await page._draw_everything(shared_reads(), viewer)
    assert page.due == {"pictures"}
    await page._draw_due(shared_reads(), viewer)
    assert WORD.search(sent[-1])[1] == "a"


async def test_marks_are_told_to_their_person_alone(open_page, alice, bob, rich):
    hers = await open_page(alice, "view=library", team=rich)
    his = await open_page(bob, "view=library", team=rich)
    await in_thread(events.marks_changed, alice.pk, ["mine"])
    assert await heard(hers) == ["mine"]
    await in_thread(several, rich.pk, ["ours"])
    assert await heard(his) == ["ours"]


async def test_what_a_worker_made_is_told_to_walls(open_page, alice, rich, make_job):
    page = await open_page(alice, "view=library", team=rich)
    job = await in_thread(make_job, alice, rich)
    [claimed] = await in_thread(services.claim, ["null"], "worker-1", batch=False)
    await in_thread(services.succeed, claimed, [GeneratedMedia(0, 7, picture((64, 64)), width=64, height=64)])
    [made] = await in_thread(lambda: [str(one.pk) for one in job.artifacts.all()])
    assert await heard(page) == [made]
