"""The library page: order, days, filters, paging at any depth, and that it shows a team's pictures to its members only."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Team, User
from studio.backends.base import Mode
from studio.galleries import library, sorting, trashing
from studio.galleries.criteria import Criteria
from studio.generation.models import Artifact
from tests.factories import make_artifact, make_artifacts

NOW = datetime(2026, 3, 5, 15, 0, tzinfo=UTC)  # a Thursday
HTMX = {"HX-Request": "true"}


def shown(response: object) -> list[str]:
    """Ids of the pictures on a page, in order."""
    return re.findall(r'id="p-([0-9a-f-]{36})"', response.content.decode())  # type: ignore[attr-defined]


def headings(response: object) -> list[str]:
    return re.findall(r'<h2 class="wall-day">([^<]+)</h2>', response.content.decode())  # type: ignore[attr-defined]


def older_link(response: object) -> str | None:
    found = re.search(r'<a id="older"[^>]*? href="([^"]+)"', response.content.decode())  # type: ignore[attr-defined]
    return found[1].replace("&amp;", "&") if found else None


def make_many(team: Team, user: User, count: int, *, apart: timedelta = timedelta(minutes=1), **fields: object) -> list[Artifact]:
    """Newest first, made in the order of their ids."""
    made = [
        make_artifact(team, user, files=False, made_at=NOW - apart * place, prompt=f"picture {place}", **fields)
        for place in reversed(range(count))
    ]
    return made[::-1]


@pytest.fixture(autouse=True)
def thursday_afternoon() -> object:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def browser(alice: User, team: Team, client_of: Callable[..., Client]) -> Client:
    return client_of(alice)


def test_newest_first_under_the_day_they_were_made(browser: Client, alice: User, team: Team) -> None:
    ages = [timedelta(0), timedelta(hours=2), timedelta(days=1), timedelta(days=3), timedelta(days=20), timedelta(days=400)]
    made = [make_artifact(team, alice, files=False, made_at=NOW - age) for age in ages]
    response = browser.get("/library/")
    assert shown(response) == [str(one.id) for one in made]
    assert headings(response) == ["Today", "Yesterday", "Monday", "Friday, 13 February", "29 January 2025"]
    assert b">6 pictures<" in response.content
    assert older_link(response) is None


def test_a_tile_says_what_it_shows_and_knows_its_size(browser: Client, alice: User, team: Team) -> None:
    picture = make_artifact(team, alice, prompt='a "red" <b>sailboat</b>', width=96, height=64)
    page = browser.get("/library/").content.decode()
    assert f'href="/pictures/{picture.id}/"' in page
    assert f'src="/pictures/{picture.id}/thumb" width="96" height="64" alt="a &quot;red&quot; &lt;b&gt;sailboat&lt;/b&gt;"' in page
    assert '<div class="cell" data-ratio="7">' in page
    assert f'data-thumbhash="{picture.thumbhash}"' in page
    assert "Alice · Test card" in page
    assert "<b>sailboat" not in page


def test_an_empty_library_teaches(browser: Client, team: Team, carol: User, client_of: Callable[..., Client]) -> None:
    page = browser.get("/library/").content.decode()
    assert "Nothing here yet" in page
    assert 'href="/create/">' in page
    assert "Make the first picture" in page
    viewers = client_of(carol).get("/library/").content.decode()
    assert "Nothing here yet" in viewers
    assert "Make the first picture" not in viewers


def test_nothing_found_offers_the_way_back(browser: Client, alice: User, team: Team) -> None:
    make_artifact(team, alice, files=False, prompt="a red sailboat")
    page = browser.get("/library/?q=lighthouse&mode=upscaling").content.decode()
    assert "Nothing found" in page
    assert "has this word" in page
    assert 'href="/library/?q=lighthouse"' in page
    assert 'class="act primary" href="/library/"' in page
    assert "0 pictures" in page


@pytest.mark.parametrize("text", ["😀", "“…”", "😀 ❤️"])
def test_a_search_for_signs_alone_says_that_they_are_not_searched(browser: Client, alice: User, team: Team, text: str) -> None:
    picture = make_artifact(team, alice, files=False, prompt="a 😀 face")
    sorting.set_tags([picture], add=["😀"], by=alice)
    page = browser.get("/library/", {"q": text}).content.decode()
    assert "signs and emoji are not" in page
    assert "has this word" not in page
    assert "signs and emoji are not" not in browser.get("/library/", {"q": f"{text} lighthouse"}).content.decode()
    assert str(picture.pk) in browser.get("/library/", {"tag": "😀"}).content.decode()


def test_only_members_of_the_current_team_see_its_pictures(
    team: Team, other_team: Team, alice: User, bob: User, carol: User, mallory: User, client_of: Callable[..., Client]
) -> None:
    ours = make_artifact(team, alice, files=False, prompt="ours")
    theirs = make_artifact(other_team, mallory, files=False, prompt="theirs")
    for member in (alice, bob, carol):
        assert shown(client_of(member, team).get("/library/")) == [str(ours.id)]
        assert shown(client_of(member, team).get("/library/?q=theirs")) == []
    assert shown(client_of(mallory, other_team).get("/library/")) == [str(theirs.id)]
    assert shown(client_of(mallory, other_team).get("/library/?q=ours")) == []
    assert shown(client_of(alice, alice.teams.get(is_personal=True)).get("/library/")) == []
    # a team that one is not in cannot be chosen: one stays in one's own
    assert shown(client_of(mallory, team).get("/library/")) != [str(ours.id)]
    response = Client().get("/library/")
    assert (response.status_code, response["Location"]) == (302, "/accounts/login/?next=/library/")


def test_viewers_get_no_key_to_delete(team: Team, alice: User, bob: User, carol: User, client_of: Callable[..., Client]) -> None:
    make_artifact(team, alice, files=False)
    assert b"data-can-delete" in client_of(bob).get("/library/").content
    assert b"data-can-delete" not in client_of(carol).get("/library/").content


def test_filters_by_engine_and_mode(browser: Client, alice: User, team: Team) -> None:
    plain = make_artifact(team, alice, files=False, engine="null", engine_label="Test card")
    other = make_artifact(team, alice, files=False, engine="gone:xl/1", engine_label="Gone XL", made_at=NOW - timedelta(hours=1))
    upscaled = make_artifact(team, alice, files=False, engine="gone:xl/1", engine_label="Gone XL 2", mode=Mode.UPSCALING, prompt="")
    page = browser.get("/library/?engine=gone%3Axl%2F1")
    assert set(shown(page)) == {str(other.id), str(upscaled.id)}
    assert b"2 pictures" in page.content
    assert shown(browser.get("/library/?mode=upscaling")) == [str(upscaled.id)]
    assert shown(browser.get("/library/?engine=null&mode=text-to-image")) == [str(plain.id)]
    assert shown(browser.get("/library/?engine=null&mode=upscaling")) == []
    assert len(shown(browser.get("/library/?mode=nonsense"))) == 3
    menu = re.findall(r'<a href="/library/\?engine=([^"]+)"[^>]*>([^<]+)</a>', browser.get("/library/").content.decode())
    assert menu == [("gone%3Axl%2F1", "Gone XL 2"), ("null", "Test card")]


def test_filters_stay_while_searching_and_on_the_way_to_a_picture(browser: Client, alice: User, team: Team) -> None:
    picture = make_artifact(team, alice, files=False, prompt="a red & blue boat")
    page = browser.get("/library/?q=red+%26+blue&engine=null").content.decode()
    assert f'href="/pictures/{picture.id}/?q=red+%26+blue&amp;engine=null"' in page
    assert '<input type="hidden" name="engine" value="null">' in page
    assert 'value="red &amp; blue"' in page
    assert 'href="/library/?q=red+%26+blue"' in page


def test_pages_join_without_a_gap_or_a_double(browser: Client, alice: User, team: Team) -> None:
    made = [str(one.id) for one in make_many(team, alice, 120, apart=timedelta(minutes=17))]
    page, seen, days = browser.get("/library/"), [], []
    while True:
        seen += shown(page)
        days += headings(page)
        link = older_link(page)
        if link is None:
            break
        assert len(shown(page)) == library.PAGE
        page = browser.get(link, headers=HTMX)
    assert seen == made
    # each page ends within a day, which is not announced again on the next
    assert days == ["Today", "Yesterday"]


def test_the_link_to_older_pictures_works_without_javascript(browser: Client, alice: User, team: Team) -> None:
    made = [str(one.id) for one in make_many(team, alice, 60)]
    page = browser.get(older_link(browser.get("/library/")))
    assert shown(page) == made[50:]
    assert b"Back to the newest" in page.content
    assert b'<form method="get" action="/library/"' in page.content


def test_searching_pages_the_same_way(browser: Client, alice: User, team: Team) -> None:
    made = [str(one.id) for one in make_many(team, alice, 60)]
    first = browser.get("/library/?q=pict")
    assert shown(first) == made[:50]
    assert b"60 pictures" in first.content
    assert older_link(first) == f"/library/?q=pict&after={made[49]}"
    assert shown(browser.get(older_link(first), headers=HTMX)) == made[50:]


def test_until_brings_back_as_much_as_was_there(browser: Client, alice: User, team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [str(one.id) for one in make_many(team, alice, 130)]
    page = browser.get(f"/library/?until={made[109]}")
    assert shown(page) == made[:110]
    assert older_link(page) == f"/library/?after={made[109]}"
    assert b"130 pictures" in page.content
    assert shown(browser.get(f"/library/?q=pict&until={made[79]}")) == made[:80]
    assert shown(browser.get(f"/library/?until={made[3]}")) == made[:50]
    assert older_link(browser.get(f"/library/?until={made[129]}")) is None
    monkeypatch.setattr(library, "REACH", 60)
    deep = browser.get(f"/library/?until={made[109]}")
    assert shown(deep) == made[50:110]
    assert b"Back to the newest" in deep.content


@pytest.mark.parametrize("query", ["after=nonsense", "until=nonsense", "after=", "after=%00", "q=%00", "engine=%00", "unknown=1"])
def test_what_makes_no_sense_in_an_address_is_as_if_it_were_not_there(browser: Client, alice: User, team: Team, query: str) -> None:
    picture = make_artifact(team, alice, files=False)
    response = browser.get(f"/library/?{query}")
    assert response.status_code == 200
    assert shown(response) == [str(picture.id)]


def test_a_place_outside_the_library_is_only_a_moment_in_time(
    browser: Client, alice: User, team: Team, other_team: Team, mallory: User
) -> None:
    ours = make_many(team, alice, 2)
    theirs = make_artifact(other_team, mallory, files=False, made_at=NOW - timedelta(seconds=30))
    assert shown(browser.get(f"/library/?after={theirs.id}")) == [str(ours[1].id)]
    assert shown(browser.get(f"/library/?after={uuid.UUID(int=0)}")) == []
    assert shown(browser.get(f"/library/?until={uuid.UUID(int=(1 << 128) - 1)}")) == [str(one.id) for one in ours]


def test_what_is_in_the_trash_is_not_in_the_library(browser: Client, alice: User, team: Team) -> None:
    kept, gone = make_many(team, alice, 2)
    Artifact.objects.filter(pk=gone.pk).update(deleted_at=timezone.now())
    for address in ("/library/", "/library/?q=picture", "/library/?engine=null"):
        page = browser.get(address)
        assert shown(page) == [str(kept.id)]
        assert b"1 picture<" in page.content


def test_a_page_takes_the_same_number_of_queries_at_any_depth(browser: Client, alice: User, team: Team) -> None:
    made = [one.id for one in make_many(team, alice, 130)]
    browser.get("/library/")

    def queries(address: str) -> int:
        cache.clear()
        with CaptureQueriesContext(connection) as captured:
            assert browser.get(address).status_code == 200
        return len(captured)

    few = queries(f"/library/?after={made[-2]}")
    assert queries(f"/library/?after={made[0]}") == few
    assert queries(f"/library/?after={made[60]}") == few
    with_text = queries(f"/library/?q=picture&after={made[-2]}")
    # PostgreSQL asks its index only for what the newest pictures do not answer
    assert queries(f"/library/?q=picture&after={made[0]}") <= with_text


def test_a_page_of_many_days_takes_no_more_queries(browser: Client, alice: User, team: Team) -> None:
    def queries() -> int:
        cache.clear()
        with CaptureQueriesContext(connection) as captured:
            browser.get("/library/")
        return len(captured)

    make_many(team, alice, 12)
    browser.get("/library/")
    few = queries()
    make_many(team, alice, 12, apart=timedelta(days=1))
    assert (len(headings(browser.get("/library/"))), queries()) == (12, few)


def test_htmx_gets_the_results_alone(browser: Client, alice: User, team: Team) -> None:
    make_artifact(team, alice, files=False)
    fragment = browser.get("/library/?q=red", headers=HTMX)
    assert fragment.content.lstrip().startswith(b'<section id="results"')
    assert b"<html" not in fragment.content
    assert "HX-Request" in fragment["Vary"]
    assert "no-store" in fragment["Cache-Control"]


def test_the_count_has_a_limit(alice: User, team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    make_many(team, alice, 3)
    assert library.page(team, Criteria()).count.of("picture") == "3 pictures"
    assert library.page(team, Criteria(text="picture")).count.of("picture") == "3 pictures"
    monkeypatch.setattr(library, "COUNTED", 2)
    monkeypatch.setattr(library, "COUNTED_FOUND", 2)
    assert library.page(team, Criteria()).count.of("picture") == "More than 2 pictures"
    assert library.page(team, Criteria(text="picture")).count.of("picture") == "More than 2 pictures"


def test_pictures_of_one_job_stand_together(browser: Client, alice: User, team: Team) -> None:
    four = make_artifacts(team, alice, 4, files=False)
    assert sorted(shown(browser.get("/library/"))) == sorted(str(one.id) for one in four)


def test_only_reading_is_allowed(browser: Client) -> None:
    assert browser.post("/library/").status_code == 405


def test_a_wall_that_is_still_as_it_was_drawn_is_not_drawn_again(browser: Client, team: Team, alice: User, bob: User) -> None:
    made = make_many(team, alice, 55)

    def known() -> str:
        return re.search(r'data-fingerprint="(\w+)"', browser.get("/library/").content.decode())[1]

    def status(fingerprint: str, **more: str) -> int:
        return browser.get("/library/", headers={**HTMX, "X-Fingerprint": fingerprint, **more}).status_code

    changes = [
        lambda: sorting.set_tags(made[3:4], add=["sea"], by=bob),
        lambda: sorting.rate(alice, made[4:5], 4),
        lambda: trashing.trash(made[5:6], by=bob),
        lambda: trashing.restore(Artifact.objects.filter(pk=made[5].pk)),
        lambda: make_many(team, bob, 1),
    ]
    for change in changes:
        before = known()
        assert status(before) == 204
        change()
        assert status(before) == 200
    sorting.rate(bob, made[4:5], 5)
    assert status(known()) == 204, "what others think of it is not shown"
    older = older_link(browser.get("/library/"))
    assert browser.get(older, headers={**HTMX, "X-Fingerprint": known()}).status_code == 200
