"""What an open page hears: its own team's news, in order, never too old, and nothing of anybody else."""

import threading

import pytest
from channels.layers import get_channel_layer
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.utils import timezone

from accounts.models import Agreement, Membership, Terms
from billing.services import wallets
from billing.services.approvals import add_rule
from studio.backends.base import GeneratedMedia
from studio.generation import services
from studio.live import events, fragments
from studio.live.consumers import LiveConsumer
from studio.live.publish import publish
from tests.generation.pictures import picture
from tests.live.conftest import in_thread, wait_until

ANOTHER = "01920000-0000-7000-8000-000000000000"
"""Id of a job that no test has."""

pytestmark = pytest.mark.django_db(transaction=True)


def claim(worker="worker-1"):
    [job] = services.claim(["null"], worker, batch=False)
    return job


def finish(job):
    assert services.succeed(job, [GeneratedMedia(0, 7, picture((64, 64)), width=64, height=64)])


def tell(job, step, *, attempt=None, total=20):
    events.job_progress(job.team_id, job.pk, attempt or job.attempt, step, total, f"<div>step {step} of {total}</div>")


class Slow:
    """Holds the drawing of jobs back until told; counts the drawings."""

    def __init__(self, monkeypatch):
        self.count = 0
        self.entered, self.go = threading.Event(), threading.Event()
        draw = fragments.draw_job

        def slowly(job_id, is_known):
            self.count += 1
            drawn = draw(job_id, is_known)
            self.entered.set()
            assert self.go.wait(20)
            return drawn

        monkeypatch.setattr(fragments, "draw_job", slowly)


# --- who may listen --------------------------------------------------------------------------------------------------
async def test_nobody_signed_in_is_told_so_by_a_code_that_the_browser_sees(open_page):
    page = await open_page(None)
    assert await page.closed() == 4401


async def test_who_has_not_agreed_to_the_terms_hears_nothing(client_of, open_page, alice):
    from tests.live.conftest import Page

    terms = await Terms.objects.acreate(version=1, text="Be kind.", published_at=timezone.now())
    page = Page(await in_thread(client_of, alice), "view=create", "http://localhost")
    assert await page.connect() is True
    assert await page.closed() == 4451
    await Agreement.objects.acreate(terms=terms, user=alice)
    assert (await open_page(alice)).snapshot


async def test_a_page_of_another_site_gets_no_socket(client_of, open_page, alice):
    from tests.live.conftest import Page

    client = await in_thread(client_of, alice)
    assert await Page(client, "view=create", "http://evil.example").connect() is False


async def test_an_address_that_is_none_gets_no_socket(client_of, alice):
    from tests.live.conftest import Page

    page = Page(await in_thread(client_of, alice), "", "http://localhost")
    page.line.scope["path"] = "/other/"
    assert await page.connect() is False


async def test_a_stranger_sees_nothing_of_another_team(open_page, alice, rich, mallory, other_team, make_job):
    before = await in_thread(make_job, alice, rich, prompt="a secret lighthouse")
    page = await open_page(mallory, f"view=create&job={before.pk}")
    assert "lighthouse" not in page.snapshot
    assert str(before.pk) not in page.snapshot
    after = await in_thread(make_job, alice, rich, prompt="another secret lighthouse")
    await in_thread(claim)
    tell(after, 3, attempt=1)
    await in_thread(wallets.grant, await in_thread(wallets.wallet_of, other_team), 5000, reference="x", description="To Elsewhere")
    # The first thing that she hears is about her own team, and it is all she hears about.
    message = await page.next()
    assert 'id="balance"' in message
    assert 'id="job-' not in message
    assert "lighthouse" not in message


async def test_a_browser_may_say_what_it_likes(open_page, alice, rich, make_job):
    page = await open_page(alice)
    await page.line.send_to(text_data='{"type": "job.updated", "job": "x"}')
    await page.line.send_to(bytes_data=b"\x00\xff")
    await in_thread(make_job, alice, rich, prompt="a boat at dawn")
    assert "a boat at dawn" in await page.until("a boat at dawn")


# --- snapshot --------------------------------------------------------------------------------------------------------
async def test_connecting_brings_the_whole_page_as_it_is_now(open_page, alice, rich, make_job):
    job = await in_thread(make_job, alice, rich, prompt="a red boat")
    page = await open_page(alice, f"view=create&job={job.pk}")
    for root in ('id="feed"', 'id="balance"', 'id="running"', 'id="bell"', f'id="stage-{job.pk}"'):
        assert page.snapshot.count(root) == 1
    assert page.snapshot.count('hx-swap-oob="outerMorph"') == 5
    assert f'id="job-{job.pk}"' in page.snapshot
    assert "99</span> credits" in page.snapshot


async def test_a_page_without_feed_and_stage_gets_its_header_only(open_page, alice, rich, make_job):
    page = await open_page(alice, "view=library")
    assert 'id="balance"' in page.snapshot
    assert 'id="feed"' not in page.snapshot
    job = await in_thread(make_job, alice, rich)
    message = await page.until('id="running"')
    assert str(job.pk) not in message
    tell(job, 3, attempt=1)
    await in_thread(services.cancel, job)
    assert "step 3" not in await page.until('id="balance"')


async def test_the_stage_of_a_job_that_ended_while_the_line_was_down_is_in_the_snapshot(open_page, alice, rich, make_job):
    job = await in_thread(make_job, alice, rich)
    await in_thread(services.cancel, job)
    page = await open_page(alice, f"view=create&job={job.pk}")
    stage = page.snapshot[page.snapshot.index(f'id="stage-{job.pk}"') :]
    assert 'data-status="canceled"' in stage


@pytest.mark.parametrize("job", ["", "nonsense", ANOTHER])
async def test_a_job_that_is_not_there_is_not_on_the_stage(open_page, alice, rich, job):
    page = await open_page(alice, f"view=create&job={job}")
    assert 'id="stage-' not in page.snapshot
    assert 'id="feed"' in page.snapshot


async def test_messages_that_were_lost_are_made_up_for_by_a_new_snapshot(open_page, alice, rich, make_job, monkeypatch):
    page = await open_page(alice)
    with monkeypatch.context() as deaf:
        deaf.setattr(events, "job_updated", lambda *args, **how: None)
        deaf.setattr(events, "wallet_changed", lambda *args: None)
        await in_thread(make_job, alice, rich, prompt="made in silence")
    from studio.live.publish import publish

    publish(events.team_group(rich.pk), {"type": "live.resync"})
    message = await page.next()
    assert "made in silence" in message
    assert 'id="balance"' in message


# --- the life of a job -----------------------------------------------------------------------------------------------
async def test_every_page_of_the_team_follows_a_job_from_queue_to_picture(open_page, alice, bob, rich, make_job):
    mine, mates = await open_page(alice), await open_page(bob)
    job = await in_thread(make_job, alice, rich, prompt="a red boat")
    for page in (mine, mates):
        message = await page.until('hx-swap-oob="afterbegin:#feed"')
        assert f'<div hx-swap-oob="afterbegin:#feed"><article id="job-{job.pk}"' in " ".join(message.split())
        assert 'data-status="queued"' in message
    running = await in_thread(claim)
    for page in (mine, mates):
        message = await page.until('data-status="running"')
        assert f'<article hx-swap-oob="outerMorph" id="job-{job.pk}"' in message
        assert f'<div hx-swap-oob="outerMorph" id="stage-{job.pk}"' in message
        assert 'id="feed"' not in message
    tell(running, 5)
    for page in (mine, mates):
        assert await page.news() == "<div>step 5 of 20</div>"
    await in_thread(finish, running)
    for page in (mine, mates):
        message = await page.until('data-status="succeeded"')
        assert "charged 1" in message


async def test_every_page_of_the_team_follows_a_job_that_needs_approval(open_page, alice, bob, rich, make_job):
    await in_thread(lambda: add_rule(wallets.wallet_of(rich), kind="pictures", threshold=1, by=alice))
    hers, his = await open_page(alice), await open_page(bob)
    job = await in_thread(make_job, bob, rich, prompt="two red boats", num_images=2)
    for page in (hers, his):
        message = await page.until('hx-swap-oob="afterbegin:#feed"')
        assert 'data-status="approval"' in message
        assert "Waits for approval of Alice Harbour" in message
    await in_thread(lambda: services.approve(job, by=alice))
    for page in (hers, his):
        message = await page.until('data-status="queued"')
        assert f'<article hx-swap-oob="outerMorph" id="job-{job.pk}"' in message
        assert "Waits for approval" not in message
    await in_thread(finish, await in_thread(claim))
    for page in (hers, his):
        assert "charged 1" in await page.until('data-status="succeeded"')
    other = await in_thread(make_job, bob, rich, prompt="two blue boats", num_images=2)
    for page in (hers, his):
        await page.until('hx-swap-oob="afterbegin:#feed"')
    await in_thread(lambda: services.decline(other, by=alice, reason="Too blue"))
    for page in (hers, his):
        assert "Alice Harbour: Too blue" in await page.until('data-status="canceled"')


async def test_the_balance_follows(open_page, alice, rich, make_job):
    page = await open_page(alice, "view=page")
    assert "100</span> credits" in page.snapshot
    await in_thread(make_job, alice, rich, num_images=4)
    assert "96</span> credits" in await page.until("96</span>")
    await in_thread(finish, await in_thread(claim))
    assert "99</span> credits" in await page.until("99</span>")


async def test_progress_that_is_older_than_what_the_page_shows_is_dropped(open_page, alice, rich, make_job, monkeypatch):
    """The same step once more is not: an answer that was read before it may have come to the page after it.

    Each of these messages has to arrive: over Redis one that still waits would give way to the next.
    """
    monkeypatch.setattr(events, "publish", lambda group, message, slot="": publish(group, message))
    await in_thread(make_job, alice, rich)
    page = await open_page(alice)
    job = await in_thread(claim)
    await page.until('data-status="running"')
    for step in (4, 3, 4, 9, 5):
        tell(job, step)
    tell(job, 1, attempt=2)
    tell(job, 20, attempt=1)
    tell(job, 2, attempt=2)
    assert [await page.news() for _ in range(5)] == [f"<div>step {step} of 20</div>" for step in (4, 4, 9, 1, 2)]


async def test_progress_after_the_end_is_dropped(open_page, alice, rich, make_job):
    await in_thread(make_job, alice, rich)
    page = await open_page(alice)
    job = await in_thread(claim)
    await in_thread(finish, job)
    await page.until('data-status="succeeded"')
    tell(job, 19)
    await in_thread(make_job, alice, rich, prompt="the next one")
    assert "step 19" not in await page.until("the next one")


async def test_progress_of_a_run_that_began_anew_with_the_same_attempt_is_shown(open_page, alice, rich, make_job):
    """A worker that stops in good order gives the attempt back."""
    await in_thread(make_job, alice, rich)
    page = await open_page(alice)
    job = await in_thread(claim)
    await page.until('data-status="running"')
    tell(job, 15)
    assert "step 15" in await page.news()
    assert await in_thread(services.requeue, job, count_attempt=False)
    await page.until('data-status="queued"')
    again = await in_thread(claim)
    assert again.attempt == job.attempt
    await page.until('data-status="running"')
    tell(again, 2)
    assert await page.news() == "<div>step 2 of 20</div>"


async def test_a_step_that_comes_while_its_card_is_drawn_is_sent_after_the_card(open_page, alice, rich, make_job, monkeypatch):
    await in_thread(make_job, alice, rich)
    page = await open_page(alice)
    slow = Slow(monkeypatch)
    job = await in_thread(claim)
    await wait_until(slow.entered.is_set)
    for step in (6, 7, 8):
        tell(job, step)
    # The database's thread is busy with the drawing now. Progress needs neither.
    events.job_progress(rich.pk, ANOTHER, 1, 1, 20, "<div>another job</div>")
    assert await page.news() == "<div>another job</div>"  # is not held up
    slow.go.set()
    assert 'data-status="running"' in await page.news()
    assert await page.news() == "<div>step 8 of 20</div>"


async def test_a_card_that_is_drawn_from_a_row_behind_does_not_set_the_page_back(open_page, alice, rich, make_job):
    await in_thread(make_job, alice, rich)
    page = await open_page(alice)
    job = await in_thread(claim)
    await page.until('data-status="running"')
    tell(job, 12)
    await page.news()
    await in_thread(services.record_progress, job, 9, 20)
    events.job_updated(rich.pk, job.pk)
    assert "45 %" in await page.news()
    assert await page.news() == "<div>step 12 of 20</div>"


async def test_waiting_jobs_move_up_on_the_page(open_page, alice, rich, make_job, monkeypatch):
    monkeypatch.setattr(LiveConsumer, "LINE_SECONDS", 0.01)
    await in_thread(make_job, alice, rich, prompt="first")
    second = await in_thread(make_job, alice, rich, prompt="second")
    page = await open_page(alice)
    assert "Waiting · 2nd in line" in page.snapshot
    await in_thread(claim)
    message = await page.until(f'id="job-{second.pk}"')
    assert "Waiting · next" in message


async def test_a_job_of_another_team_on_the_stage_is_followed_and_stays_out_of_the_feed(open_page, alice, rich, make_job):
    from accounts.models import Team

    job = await in_thread(make_job, alice, rich, prompt="of Harbour Street")
    own = await Team.objects.aget(is_personal=True, memberships__user=alice)
    page = await open_page(alice, f"view=create&job={job.pk}", team=own)
    assert f'id="stage-{job.pk}"' in page.snapshot
    assert f'id="job-{job.pk}"' not in page.snapshot
    await in_thread(claim)
    message = await page.until('data-status="running"')
    assert f'id="stage-{job.pk}"' in message
    assert 'id="feed"' not in message


# --- bursts ----------------------------------------------------------------------------------------------------------
async def test_a_burst_of_updates_of_one_job_is_one_more_drawing(open_page, alice, rich, make_job, monkeypatch):
    job = await in_thread(make_job, alice, rich)
    page = await open_page(alice)
    slow = Slow(monkeypatch)
    events.job_updated(rich.pk, job.pk, ended=True)
    await wait_until(slow.entered.is_set)
    for _ in range(50):
        events.job_updated(rich.pk, job.pk, ended=True)
    events.job_progress(rich.pk, ANOTHER, 1, 1, 20, "<div>another job</div>")
    assert await page.news() == "<div>another job</div>"  # so the whole burst was heard
    slow.go.set()
    await page.next()
    await page.next()
    events.wallet_changed(rich.pk)
    assert 'id="job-' not in await page.next()
    assert slow.count == 2


async def test_a_job_that_ends_at_once_is_drawn_once(open_page, alice, rich, make_job, monkeypatch):
    monkeypatch.setattr(LiveConsumer, "MOVED_SECONDS", 3600)  # its start waits until the end is there
    job = await in_thread(make_job, alice, rich)
    page = await open_page(alice)
    await in_thread(finish, await in_thread(claim))
    message = await page.news()
    assert f'id="job-{job.pk}"' in message
    assert 'data-status="succeeded"' in message


async def test_twenty_pages_share_a_drawing(embedded, open_page, alice, rich, make_job, monkeypatch):
    """In the layer of the process, where all twenty hear of it at the same moment."""
    job = await in_thread(make_job, alice, rich)
    pages = [await open_page(alice) for _ in range(20)]
    slow = Slow(monkeypatch)
    events.job_updated(rich.pk, job.pk)
    await wait_until(slow.entered.is_set)
    slow.go.set()
    for page in pages:
        assert f'id="job-{job.pk}"' in await page.news()
    assert slow.count <= 2  # who asked after the first had begun shares the second


async def test_a_page_that_cannot_be_drawn_comes_back_instead_of_going_stale(open_page, alice, rich, make_job, monkeypatch):
    job = await in_thread(make_job, alice, rich)
    page = await open_page(alice)

    def broken(job_id, is_known):
        raise RuntimeError("the template is broken")

    monkeypatch.setattr(fragments, "draw_job", broken)
    events.job_updated(rich.pk, job.pk, ended=True)
    assert await page.closed() == 1011


# --- who may listen no more ------------------------------------------------------------------------------------------
@pytest.fixture
def always_asked(monkeypatch):
    monkeypatch.setattr(LiveConsumer, "CHECK_SECONDS", 0)


async def test_a_page_of_a_session_that_ended_hears_nothing_more(open_page, client_of, alice, rich, make_job, always_asked):
    client = await in_thread(client_of, alice)
    page, other = await open_page(client), await open_page(alice)
    await in_thread(client.logout)
    await in_thread(make_job, alice, rich, prompt="after the logout")
    assert await page.closed() == 4401
    assert "after the logout" in await other.until("after the logout")  # only that session ended


async def test_a_new_password_ends_other_sessions_pages(open_page, alice, rich, make_job, always_asked):
    page = await open_page(alice)
    alice.set_password("a new one, and long")
    await alice.asave()
    await in_thread(make_job, alice, rich)
    assert await page.closed() == 4401


async def test_who_left_the_team_hears_nothing_more_of_it(open_page, alice, bob, rich, make_job, always_asked):
    page = await open_page(bob)
    await Membership.objects.filter(user=bob, team=rich).adelete()
    await in_thread(make_job, alice, rich, prompt="not for bob")
    assert await page.closed() == 4403


async def test_new_terms_are_to_be_read_before_more_is_heard(open_page, alice, rich, make_job, always_asked):
    page = await open_page(alice)
    await Terms.objects.acreate(version=1, text="Be kind.", published_at=timezone.now())
    await cache.aclear()
    await in_thread(make_job, alice, rich, prompt="not before that")
    assert await page.closed() == 4451


async def test_access_that_changed_is_asked_for_at_once(open_page, bob, rich):
    page = await open_page(bob)
    await Membership.objects.filter(user=bob, team=rich).adelete()
    events.access_changed(bob.pk)
    assert await page.closed() == 4403


async def test_a_page_on_which_nothing_happens_is_asked_too(open_page, alice, monkeypatch):
    monkeypatch.setattr(LiveConsumer, "IDLE_CHECK_SECONDS", 0.02)
    page = await open_page(alice)
    await Session.objects.all().adelete()
    assert await page.closed() == 4401


async def test_closing_leaves_no_group_behind(embedded, open_page, alice, rich):
    page = await open_page(alice)
    layer = get_channel_layer()
    assert {events.team_group(rich.pk), events.user_group(alice.pk)} <= layer._groups.keys()
    await page.line.disconnect()
    assert layer._groups == {}
    assert layer._queues == {}
