"""What people outside a team see of it, and what they never see."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.storage import default_storage
from django.test import Client
from django.utils import timezone
from PIL import Image

from accounts.models import Team, User
from accounts.services import create_user_with_team
from studio.galleries import curating, outside, publishing, visitors
from studio.galleries.models import Gallery, Review, ShareLink, Visibility
from studio.galleries.services import trash
from studio.generation.models import Artifact
from tests.factories import make_artifacts

Clients = Callable[..., Client]
pytestmark = pytest.mark.usefixtures("fresh_limits")
PERSON = {"User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Safari/605"}


def path_of(link: ShareLink) -> str:
    return publishing.link_url(link).removeprefix(settings.STUDIO_URL)


def public(gallery: Gallery) -> str:
    return f"/public/{gallery.pk}/"


def files(path: str, pictures: list[Artifact]) -> list[str]:
    return [f"{path}{picture.pk}/{variant}" for picture, variant in product(pictures, ("thumb", "large"))]


def nothing(client: Client, path: str, pictures: list[Artifact]) -> bool:
    """Whether neither the wall, nor a picture, nor a file is there."""
    return {client.get(one).status_code for one in (path, f"{path}{pictures[0].pk}/", f"{path}report/", *files(path, pictures))} == {404}


# --- who sees which gallery --------------------------------------------------------------------------------------------

INSIDE = {
    # visibility: what owner, another admin-like member (bob), viewer and stranger get on the gallery's own page
    Visibility.PRIVATE: (200, 404, 404, 404),
    Visibility.TEAM: (200, 200, 200, 404),
    Visibility.LINK: (200, 200, 200, 404),
    Visibility.PUBLIC: (200, 200, 200, 404),
}


@pytest.mark.parametrize("visibility", Visibility)
def test_who_sees_what(
    visibility: Visibility,
    gallery: Gallery,
    pictures: list[Artifact],
    alice: User,
    bob: User,
    carol: User,
    mallory: User,
    client_of: Clients,
) -> None:
    publishing.show_to(gallery, Visibility.LINK, by=alice)
    link = publishing.make_link(gallery, by=alice, days=None)
    ended = publishing.make_link(gallery, by=alice, days=1)
    ShareLink.objects.filter(pk=ended.pk).update(expires_at=timezone.now())
    revoked = publishing.make_link(gallery, by=alice, days=1)
    publishing.revoke(revoked, by=alice)
    publishing.show_to(gallery, visibility, by=alice)

    people = [client_of(person) for person in (alice, bob, carol, mallory)]
    assert tuple(one.get(f"/galleries/{gallery.pk}/").status_code for one in people) == INSIDE[visibility]
    assert Client().get(f"/galleries/{gallery.pk}/").status_code == 302
    for client in (*people, Client()):
        assert client.get(path_of(link)).status_code == (200 if visibility in ("link", "public") else 404)
        assert client.get(public(gallery)).status_code == (200 if visibility == "public" else 404)
        for dead in (ended, revoked):
            assert nothing(client, path_of(dead), pictures)
    if visibility in ("private", "team"):
        assert nothing(Client(), path_of(link), pictures)
        assert nothing(Client(), public(gallery), pictures)


def vanishes(how: str, gallery: Gallery, alice: User) -> None:
    if how == "deleted":
        curating.delete(gallery, by=alice)
    elif how == "private":
        publishing.show_to(gallery, Visibility.PRIVATE, by=alice)
    elif how == "the team ends":
        Team.objects.filter(pk=gallery.team_id).update(deleted_at=timezone.now())


@pytest.mark.parametrize("how", ["deleted", "private", "the team ends"])
def test_everything_vanishes_at_once(how: str, gallery: Gallery, link: ShareLink, pictures: list[Artifact], alice: User) -> None:
    publishing.show_to(gallery, Visibility.PUBLIC, by=alice)
    visitor = Client(headers=PERSON)
    for path in (path_of(link), public(gallery)):
        assert [visitor.get(one).status_code for one in (path, *files(path, pictures))] == [200] * 7
    vanishes(how, gallery, alice)
    for path in (path_of(link), public(gallery)):
        assert nothing(visitor, path, pictures)


def test_only_approved_pictures_that_are_not_in_the_trash_are_seen(gallery: Gallery, link: ShareLink, pictures: list[Artifact]) -> None:
    visitor, path = Client(), path_of(link)
    gallery.items.filter(artifact=pictures[0]).update(review=Review.WAITING)
    gallery.items.filter(artifact=pictures[1]).update(review=Review.REJECTED)
    page = visitor.get(path).content.decode()
    assert re.findall(rf'href="{re.escape(path)}([0-9a-f-]{{36}})/"', page) == [str(pictures[2].pk)] * 2  # the picture, and "one by one"
    for hidden in pictures[:2]:
        assert visitor.get(f"{path}{hidden.pk}/").status_code == 404
        assert {visitor.get(one).status_code for one in files(path, [hidden])} == {404}
    trash(pictures[2])
    page = visitor.get(path).content.decode()
    assert "Nothing to see yet" in page
    for word in ("Coastal", "calendar", "Harbour"):
        assert word not in page, "words that nobody approved pictures for stay inside, too"
    assert {visitor.get(one).status_code for one in files(path, pictures)} == {404}


def test_a_picture_of_another_gallery_is_not_there(gallery: Gallery, link: ShareLink, team: Team, alice: User) -> None:
    [other] = make_artifacts(team, alice, 1)
    assert Client().get(f"{path_of(link)}{other.pk}/").status_code == 404
    assert Client().get(f"{path_of(link)}{other.pk}/thumb").status_code == 404


@pytest.mark.parametrize("token", ["nonsense", "~", "AAAA~BBBB", "a" * 22 + "~" + "b" * 43])
def test_a_token_that_is_not_ours_shows_nothing(token: str, link: ShareLink) -> None:
    answer = Client().get(f"/s/{token}/")
    assert answer.status_code == 404
    assert "There is nothing to see here" in answer.content.decode()
    assert "Coastal" not in answer.content.decode()


def test_the_row_of_a_link_does_not_tell_its_token(link: ShareLink) -> None:
    token = publishing.token_of(link)
    row = ShareLink.objects.filter(pk=link.pk).values().get()
    assert token.split("~")[1] not in str(row)
    assert publishing.link_id(token) == link.pk
    assert publishing.link_id(token[:-1] + ("A" if token[-1] != "A" else "B")) is None


# --- what leaves with a picture ----------------------------------------------------------------------------------------


def test_nothing_outside_tells_how_a_picture_was_made(gallery: Gallery, link: ShareLink, pictures: list[Artifact], alice: User) -> None:
    """The original of such a small picture, with the prompt in it, would be its `large` one inside."""
    path, visitor = path_of(link), Client()
    for one in (path, f"{path}{pictures[0].pk}/", f"{path}report/?picture={pictures[0].pk}", *files(path, pictures)):
        answer = visitor.get(one)
        assert answer.status_code == 200
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        assert b"secret" not in body
        assert "secret" not in str(answer.headers)
        assert b"Alice" not in body
    assert visitor.get(f"{path}{pictures[0].pk}/original").status_code == 404
    assert visitor.get(f"{path}{pictures[0].pk}/").content.decode().count('alt="Picture 1 of 3"') == 1


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["Alice Secret", ""])
def test_nothing_outside_tells_whose_a_personal_team_is(name: str) -> None:
    """Such a team is called after its person, or after their address where they gave no name."""
    person = create_user_with_team(email="alice@secret.example", name=name, password="correct horse battery", email_verified=True)
    own = person.memberships.get().team
    gallery = curating.create(own, by=person, name="Coastal nights", visibility=Visibility.PUBLIC)
    [picture] = make_artifacts(own, person, 1)
    curating.add(gallery, [picture], by=person)
    link = publishing.make_link(gallery, by=person, days=7)
    for path in (public(gallery), path_of(link)):
        for page in (path, f"{path}{picture.pk}/", f"{path}report/"):
            answer = Client().get(page)
            assert answer.status_code == 200
            assert "secret" not in answer.content.decode().lower()
        assert "secret" not in Client().post(f"{path}report/", {"reason": "mine"}).content.decode().lower()


def test_a_link_may_show_the_prompts(gallery: Gallery, link: ShareLink, pictures: list[Artifact], alice: User) -> None:
    told = publishing.make_link(gallery, by=alice, days=7, shows_prompts=True)
    page = Client().get(f"{path_of(told)}{pictures[0].pk}/").content.decode()
    assert "a secret lighthouse" in page
    for one in files(path_of(told), pictures):
        answer = Client().get(one)
        assert "secret" not in str(answer.headers)


def test_files_outside_are_small_pictures_that_no_cache_keeps_for_long(link: ShareLink, pictures: list[Artifact]) -> None:
    for variant in ("thumb", "large"):
        answer = Client().get(f"{path_of(link)}{pictures[0].pk}/{variant}")
        assert answer["Content-Type"] == "image/webp"
        assert answer["Cache-Control"] == "private, max-age=3600"
        assert answer["X-Robots-Tag"] == "noindex"
        assert answer["Content-Disposition"] == f'inline; filename="picture-{pictures[0].pk.hex[-6:]}.webp"'
        again = Client().get(f"{path_of(link)}{pictures[0].pk}/{variant}", headers={"If-None-Match": answer["ETag"]})
        assert again.status_code == 304
    with Image.open(Path(settings.MEDIA_ROOT) / pictures[0].variant("large")) as written:
        assert (written.format, written.size) == ("WEBP", (64, 64))
        assert written.info.keys() <= {"loop", "background", "timestamp", "duration"}


def test_a_picture_that_the_storage_broke_is_not_there(link: ShareLink, pictures: list[Artifact]) -> None:
    Path(default_storage.path(pictures[0].variant("original"))).write_bytes(b"no picture any more")
    assert Client(raise_request_exception=False).get(f"{path_of(link)}{pictures[0].pk}/large").status_code == 404


def test_a_picture_that_the_storage_lost_is_not_there(link: ShareLink, pictures: list[Artifact]) -> None:
    default_storage.delete(pictures[0].variant("original"))
    assert Client().get(f"{path_of(link)}{pictures[0].pk}/large").status_code == 404


# --- the page ------------------------------------------------------------------------------------------------------------


def meta(page: str) -> dict[str, str]:
    return dict(re.findall(r'<meta (?:property|name)="([^"]+)" content="([^"]*)"', page))


def test_a_link_preview_has_words_and_a_picture(gallery: Gallery, link: ShareLink, pictures: list[Artifact], alice: User) -> None:
    curating.set_cover(gallery, pictures[1])
    path = path_of(link)
    told = meta(Client().get(path).content.decode())
    assert told["og:title"] == told["twitter:title"] == "Coastal nights"
    assert told["og:description"] == "For the calendar."
    assert told["og:site_name"] == "Harbour Street"
    assert told["og:url"] == f"{settings.STUDIO_URL}{path}"
    assert told["og:image"] == told["twitter:image"] == f"{settings.STUDIO_URL}{path}{pictures[1].pk}/large"
    assert (told["og:image:width"], told["og:image:height"], told["og:image:type"]) == ("64", "64", "image/webp")
    assert told["twitter:card"] == "summary_large_image"
    gallery.items.filter(artifact=pictures[1]).update(review=Review.REJECTED)
    assert meta(Client().get(path).content.decode())["og:image"].endswith(f"/{pictures[0].pk}/large")
    one = meta(Client().get(f"{path}{pictures[2].pk}/").content.decode())
    assert one["og:image"].endswith(f"/{pictures[2].pk}/large")
    assert one["og:url"] == f"{settings.STUDIO_URL}{path}{pictures[2].pk}/"


def test_only_what_is_public_is_for_search_engines(gallery: Gallery, link: ShareLink, alice: User) -> None:
    by_link = Client().get(path_of(link))
    assert by_link["X-Robots-Tag"] == "noindex, nofollow, noarchive"
    assert meta(by_link.content.decode())["robots"] == "noindex, nofollow"
    publishing.show_to(gallery, Visibility.PUBLIC, by=alice)
    answer = Client().get(public(gallery))
    assert "X-Robots-Tag" not in answer
    assert "robots" not in meta(answer.content.decode())
    assert f'<link rel="canonical" href="{settings.STUDIO_URL}{public(gallery)}">' in answer.content.decode()
    gallery.items.update(review=Review.WAITING)
    assert "robots" in meta(Client().get(public(gallery)).content.decode())


def test_the_page_is_locked_down_and_knows_nothing_of_the_studio(link: ShareLink) -> None:
    answer = Client().get(path_of(link))
    assert "script-src 'self'" in answer["Content-Security-Policy"]
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["X-Frame-Options"] == "DENY"
    assert "no-store" in answer["Cache-Control"]
    assert settings.SESSION_COOKIE_NAME not in answer.cookies
    text = answer.content.decode()
    for word in ("/library/", "Wallet", "hx-ws", "htmx", "Sign in"):
        assert word not in text


def test_pictures_lead_to_each_other_round_and_round(link: ShareLink, pictures: list[Artifact]) -> None:
    path = path_of(link)
    for place, picture in enumerate(pictures):
        text = Client().get(f"{path}{picture.pk}/").content.decode()
        turns = dict(re.findall(r'rel="(prev|next)" data-turn href="([^"]+)"', text))
        assert turns == {"prev": f"{path}{pictures[place - 1].pk}/", "next": f"{path}{pictures[(place + 1) % 3].pk}/"}
        assert f"{place + 1} of 3" in text


def test_a_long_page_comes_in_parts(link: ShareLink, pictures: list[Artifact], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outside, "PAGE", 2)
    path = path_of(link)
    first, second = (Client().get(one).content.decode() for one in (path, f"{path}?page=2"))
    assert f'rel="next" href="{path}?page=2"' in first
    assert f'rel="prev" href="{path}"' in second
    assert 'alt="Picture 3 of 3"' in second
    assert f'href="{path}?page=2" data-back' in Client().get(f"{path}{pictures[2].pk}/").content.decode()


@pytest.mark.parametrize("what", ["wall", "picture"])
def test_a_page_asks_the_same_however_much_there_is(
    what: str,
    gallery: Gallery,
    link: ShareLink,
    pictures: list[Artifact],
    team: Team,
    alice: User,
    django_assert_max_num_queries: Callable[..., object],
) -> None:
    path = path_of(link) if what == "wall" else f"{path_of(link)}{pictures[1].pk}/"

    def queries() -> int:
        with django_assert_max_num_queries(12) as seen:  # type: ignore[attr-defined]
            assert Client().get(path).status_code == 200
        return len(seen)

    queries()
    first = queries()
    curating.add(gallery, make_artifacts(team, alice, 6, files=False), by=alice)
    assert queries() == first


# --- passwords ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def locked(gallery: Gallery, link: ShareLink, alice: User) -> ShareLink:
    return publishing.make_link(gallery, by=alice, days=7, password="open sesame")


def test_a_password_is_asked_for_once(locked: ShareLink, pictures: list[Artifact]) -> None:
    visitor, path = Client(headers=PERSON), path_of(locked)
    assert "open sesame" not in locked.password
    for one in (path, f"{path}{pictures[0].pk}/", f"{path}report/"):
        page = visitor.get(one).content.decode()
        assert "This gallery has a password" in page
        for word in ("Coastal", "Harbour", "og:", str(pictures[0].pk)):
            assert word not in page
    assert {visitor.get(one).status_code for one in files(path, pictures)} == {404}
    wrong = visitor.post(f"{path}unlock/", {"password": "sesame"})
    assert wrong.status_code == 422
    assert "That is not the password." in wrong.content.decode()
    assert "This gallery has a password" in visitor.get(path).content.decode()
    right = visitor.post(f"{path}unlock/", {"password": "open sesame"})
    assert right["Location"] == path
    cookie = right.cookies[visitors.OPENED]
    assert (cookie["path"], cookie["httponly"], cookie["samesite"], cookie["max-age"]) == (path, True, "Lax", 12 * 3600)
    page = visitor.get(path).content.decode()
    assert "Coastal nights" in page
    assert "og:image" not in page
    assert {visitor.get(one).status_code for one in files(path, pictures)} == {200}
    assert "This gallery has a password" in Client().get(path).content.decode()


def test_an_opened_link_opens_no_other_and_ends_with_its_own(gallery: Gallery, locked: ShareLink, alice: User) -> None:
    other = publishing.make_link(gallery, by=alice, days=7, password="another word")
    visitor = Client()
    visitor.post(f"{path_of(locked)}unlock/", {"password": "open sesame"})
    stolen = visitor.cookies[visitors.OPENED].value
    thief = Client()
    thief.cookies[visitors.OPENED] = stolen
    assert "This gallery has a password" in thief.get(path_of(other)).content.decode()
    thief.cookies[visitors.OPENED] = "nonsense"
    assert "This gallery has a password" in thief.get(path_of(locked)).content.decode()
    publishing.revoke(locked, by=alice)
    assert visitor.get(path_of(locked)).status_code == 404
    assert visitor.post(f"{path_of(locked)}unlock/", {"password": "open sesame"}).status_code == 404


def test_passwords_cannot_be_tried_forever(locked: ShareLink) -> None:
    path = f"{path_of(locked)}unlock/"
    visitor = Client()
    assert visitor.post(path, {"password": ""}).status_code == 422
    statuses = [visitor.post(path, {"password": f"guess {number}"}).status_code for number in range(12)]
    assert statuses == [422] * 10 + [429] * 2
    late = visitor.post(path, {"password": "open sesame"})
    assert late.status_code == 429
    assert "Too many tries. Wait" in late.content.decode()
    assert visitors.OPENED not in late.cookies


# --- views -----------------------------------------------------------------------------------------------------------------


def views(link: ShareLink) -> int:
    return ShareLink.objects.get(pk=link.pk).views


def test_a_session_of_a_browser_is_one_view(link: ShareLink, pictures: list[Artifact]) -> None:
    path = path_of(link)
    for count in (1, 2):
        visitor = Client(headers=PERSON)
        for one in (path, path, f"{path}{pictures[0].pk}/", *files(path, pictures)):
            visitor.get(one)
        assert views(link) == count


def test_programs_and_members_are_no_views(link: ShareLink, alice: User, carol: User, mallory: User, client_of: Clients) -> None:
    path = path_of(link)
    for agent in ("", "Twitterbot/1.0", "WhatsApp/2.23", "facebookexternalhit/1.1", "curl/8.5", "Slackbot-LinkExpanding 1.0"):
        Client(headers={"User-Agent": agent}).get(path)
    Client(headers=PERSON).head(path)
    Client(headers={**PERSON, "Sec-Purpose": "prefetch"}).get(path)
    for member in (alice, carol):
        client_of(member, headers=PERSON).get(path)
    assert views(link) == 0
    client_of(mallory, headers=PERSON).get(path)
    assert views(link) == 1


def test_a_locked_page_is_no_view(locked: ShareLink) -> None:
    visitor, path = Client(headers=PERSON), path_of(locked)
    visitor.get(path)
    assert views(locked) == 0
    visitor.post(f"{path}unlock/", {"password": "open sesame"})
    visitor.get(path)
    assert views(locked) == 1
