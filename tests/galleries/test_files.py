"""A picture's bytes: who gets them, as what, in parts, and only when they are new; streamed, not gathered."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable

import pytest
from django.core.files.storage import FileSystemStorage, default_storage
from django.db import connection, connections
from django.test import AsyncClient, Client
from django.test.utils import CaptureQueriesContext, override_settings
from django.utils.http import http_date

from accounts.models import Team, User
from studio.galleries import files
from studio.generation.models import Artifact
from tests.factories import make_artifact

SIGNATURES = {"image/png": b"\x89PNG", "image/jpeg": b"\xff\xd8\xff", "image/webp": b"RIFF"}


@pytest.fixture
def browser(alice: User, team: Team, client_of: Callable[..., Client]) -> Client:
    return client_of(alice)


def stored(artifact: Artifact, variant: str) -> bytes:
    with default_storage.open(artifact.variant(variant)) as file:
        return file.read()


@pytest.mark.parametrize("mime", SIGNATURES)
def test_the_original_comes_as_it_was_delivered(browser: Client, alice: User, team: Team, mime: str) -> None:
    picture = make_artifact(team, alice, mime=mime, prompt="a red sailboat")
    response = browser.get(f"/pictures/{picture.id}/original")
    assert response.status_code == 200
    assert response.content == stored(picture, "original")
    assert hashlib.sha256(response.content).hexdigest() == picture.sha256
    assert response.content.startswith(SIGNATURES[mime])
    assert response["Content-Type"] == mime
    assert response["Content-Length"] == str(picture.bytes)
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Cache-Control"] == "private, max-age=31536000, immutable"
    assert response["Accept-Ranges"] == "bytes"
    assert response["Last-Modified"] == http_date(int(picture.created_at.timestamp()))
    assert response["ETag"] == f'"{picture.sha256[:32]}-original"'
    assert response["Content-Disposition"].startswith("inline; ")


def test_smaller_variants_are_webp(browser: Client, alice: User, team: Team) -> None:
    picture = make_artifact(team, alice, width=1536, height=1024)
    for variant in ("large", "thumb"):
        response = browser.get(f"/pictures/{picture.id}/{variant}")
        assert response.content == stored(picture, variant)
        assert response["Content-Type"] == "image/webp"
    assert len({browser.get(f"/pictures/{picture.id}/{variant}")["ETag"] for variant in files.VARIANTS}) == 3


def test_a_small_picture_is_its_own_large_one(browser: Client, alice: User, team: Team) -> None:
    picture = make_artifact(team, alice, width=1024, height=512)
    response = browser.get(f"/pictures/{picture.id}/large")
    assert response["Content-Type"] == "image/png"
    assert response.content == stored(picture, "original")


@pytest.mark.parametrize("variant", ["huge", "original.png", "thumb.webp", "..", "%2e%2e", "%00"])
def test_there_are_no_other_variants(browser: Client, alice: User, team: Team, variant: str) -> None:
    picture = make_artifact(team, alice)
    assert browser.get(f"/pictures/{picture.id}/{variant}").status_code == 404


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        (
            "a red sailboat, at sunset!",
            "filename=\"a-red-sailboat-at-sunset-{n}.png\"; filename*=UTF-8''a%20red%20sailboat%20at%20sunset%20{n}.png",
        ),
        ("Größe: 50%", "filename=\"groe-50-{n}.png\"; filename*=UTF-8''Gr%C3%B6%C3%9Fe%2050%20{n}.png"),
        ("قارب", "filename=\"picture-{n}.png\"; filename*=UTF-8''%D9%82%D8%A7%D8%B1%D8%A8%20{n}.png"),
        (
            '../../etc/passwd"\r\nX-Evil: 1',
            "filename=\"etc-passwd-x-evil-1-{n}.png\"; filename*=UTF-8''etc%20passwd%20X%20Evil%201%20{n}.png",
        ),
        ("🦊", "filename=\"picture-{n}.png\"; filename*=UTF-8''picture%20{n}.png"),
        ("", "filename=\"picture-{n}.png\"; filename*=UTF-8''picture%20{n}.png"),
        ("x" * 900, 'filename="' + "x" * 60 + "-{n}.png\"; filename*=UTF-8''" + "x" * 60 + "%20{n}.png"),
    ],
)
def test_a_download_is_named_after_the_prompt(browser: Client, alice: User, team: Team, prompt: str, expected: str) -> None:
    picture = make_artifact(team, alice, prompt=prompt)
    response = browser.get(f"/pictures/{picture.id}/download/")
    assert response["Content-Disposition"] == "attachment; " + expected.format(n=picture.id.hex[-6:])
    assert response.content == stored(picture, "original")
    assert b"parameters" in response.content


def test_what_a_browser_has_is_not_sent_again(browser: Client, alice: User, team: Team) -> None:
    picture = make_artifact(team, alice)
    path = f"/pictures/{picture.id}/original"
    first = browser.get(path)
    default_storage.delete(picture.variant("original"))  # a 304 does not touch the storage
    for headers in (
        {"If-None-Match": first["ETag"]},
        {"If-None-Match": f'"x", W/{first["ETag"]}'},
        {"If-Modified-Since": first["Last-Modified"]},
    ):
        again = browser.get(path, headers=headers)
        assert (again.status_code, again.content) == (304, b"")
        assert again["ETag"] == first["ETag"]
        assert again["Cache-Control"] == first["Cache-Control"]
    assert browser.get(path, headers={"If-None-Match": '"other"'}).status_code == 404


def test_conditions_are_looked_at_only_for_those_who_may_see_it(
    team: Team, alice: User, mallory: User, client_of: Callable[..., Client]
) -> None:
    picture = make_artifact(team, alice)
    etag = f'"{picture.sha256[:32]}-original"'
    assert client_of(mallory).get(f"/pictures/{picture.id}/original", headers={"If-None-Match": etag}).status_code == 404


@pytest.mark.parametrize(
    ("header", "start", "end"),
    [("bytes=0-99", 0, 100), ("bytes=100-", 100, None), ("bytes=-50", -50, None), ("bytes=5-5", 5, 6), ("bytes=10-99999999", 10, None)],
)
def test_parts(browser: Client, alice: User, team: Team, header: str, start: int, end: int | None) -> None:
    picture = make_artifact(team, alice)
    data = stored(picture, "original")
    response = browser.get(f"/pictures/{picture.id}/original", headers={"Range": header})
    assert response.status_code == 206
    assert response.content == data[start:end]
    first = start % len(data)
    assert response["Content-Range"] == f"bytes {first}-{first + len(response.content) - 1}/{len(data)}"
    assert response["Content-Length"] == str(len(response.content))


@pytest.mark.parametrize("header", ["bytes=999999999-", "bytes=-0"])
def test_a_part_outside_the_file(browser: Client, alice: User, team: Team, header: str) -> None:
    picture = make_artifact(team, alice)
    response = browser.get(f"/pictures/{picture.id}/original", headers={"Range": header})
    assert (response.status_code, response["Content-Range"]) == (416, f"bytes */{picture.bytes}")


@pytest.mark.parametrize(
    "header", ["bytes=9-5", "bytes=0-1,5-6", "lines=1-2", "bytes=-", "bytes=a-b", "bytes=٣-٤", f"bytes=0-{'9' * 5000}", ""]
)
def test_a_range_that_is_none_is_ignored(browser: Client, alice: User, team: Team, header: str) -> None:
    picture = make_artifact(team, alice)
    response = browser.get(f"/pictures/{picture.id}/original", headers={"Range": header})
    assert (response.status_code, len(response.content)) == (200, picture.bytes)


def test_a_part_of_another_version_is_the_whole(browser: Client, alice: User, team: Team) -> None:
    picture = make_artifact(team, alice)
    path = f"/pictures/{picture.id}/original"
    etag, modified = f'"{picture.sha256[:32]}-original"', http_date(int(picture.created_at.timestamp()))
    for condition, status in ((etag, 206), (modified, 206), ('"other"', 200), (http_date(0), 200), ("nonsense", 200)):
        assert browser.get(path, headers={"Range": "bytes=0-9", "If-Range": condition}).status_code == status


def test_head_sends_no_body(browser: Client, alice: User, team: Team) -> None:
    picture = make_artifact(team, alice)
    response = browser.head(f"/pictures/{picture.id}/original")
    assert (response.status_code, response.content) == (200, b"")
    assert response["Content-Length"] == str(picture.bytes)
    assert response["Content-Type"] == "image/png"


def test_a_lost_file_is_not_found(browser: Client, alice: User, team: Team) -> None:
    picture = make_artifact(team, alice)
    default_storage.delete(picture.variant("thumb"))
    assert browser.get(f"/pictures/{picture.id}/thumb").status_code == 404
    assert browser.get(f"/pictures/{picture.id}/").status_code == 200


def test_only_reading_is_allowed(browser: Client, alice: User, team: Team) -> None:
    picture = make_artifact(team, alice)
    assert browser.post(f"/pictures/{picture.id}/original").status_code == 405
    assert browser.post(f"/pictures/{picture.id}/download/").status_code == 405
    assert stored(picture, "original")


def test_looking_at_pictures_writes_nothing(browser: Client, alice: User, team: Team) -> None:
    picture = make_artifact(team, alice)
    browser.get("/library/")
    with CaptureQueriesContext(connection) as queries:
        assert browser.get(f"/pictures/{picture.id}/thumb").status_code == 200
    assert [query["sql"] for query in queries if not query["sql"].startswith("SELECT")] == []
    assert len(queries) == 5  # session, person (for the middleware and, async, for the view), picture, membership


@pytest.mark.django_db(transaction=True)
async def test_a_large_file_is_streamed_in_pieces(alice: User, team: Team) -> None:
    from asgiref.sync import sync_to_async

    picture = await sync_to_async(make_artifact)(team, alice)
    data = bytes(range(256)) * 4096  # 1 MiB
    await sync_to_async(_replace)(picture.variant("original"), data)
    client = AsyncClient()
    await client.aforce_login(alice, backend="allauth.account.auth_backends.AuthenticationBackend")
    response = await client.get(f"/pictures/{picture.id}/original")
    assert response.streaming
    assert await sync_to_async(lambda: connections["default"].connection)() is None  # a slow line keeps none from others
    assert response["Content-Length"] == str(len(data))
    assert isinstance(response.streaming_content, AsyncIterator)
    pieces = [piece async for piece in response.streaming_content]
    assert b"".join(pieces) == data
    assert max(len(piece) for piece in pieces) == files.CHUNK
    part = await client.get(f"/pictures/{picture.id}/original", headers={"Range": "bytes=1000-700000"})
    assert b"".join([piece async for piece in part.streaming_content]) == data[1000:700001]
    await sync_to_async(connections.close_all)()


def _replace(name: str, data: bytes) -> None:
    with open(default_storage.path(name), "wb") as file:
        file.write(data)


async def test_a_browser_that_goes_away_leaves_no_open_file(tmp_path: object) -> None:
    class Watched:
        closed = False

        def seek(self, place: int) -> None: ...

        def read(self, size: int) -> bytes:
            return b"x" * size

        def close(self) -> None:
            self.closed = True

    file = Watched()
    pieces = files._chunks(file, 0, 10 * files.CHUNK)  # type: ignore[arg-type]
    assert len(await anext(pieces)) == files.CHUNK
    await pieces.aclose()
    assert file.closed


class SigningStorage(FileSystemStorage):
    """What a bucket looks like from here: it signs addresses, and its files are not read."""

    querystring_expire = 600

    def url(self, name: str, parameters: dict[str, str] | None = None) -> str:  # type: ignore[override]
        return f"https://bucket.example/{name}?sign=1&type={(parameters or {})['ResponseContentType']}"

    def _open(self, name: str, mode: str = "rb") -> object:  # type: ignore[override]
        raise AssertionError("The storage serves its files itself.")


def test_a_storage_that_signs_addresses_serves_its_files_itself(
    team: Team, alice: User, carol: User, mallory: User, client_of: Callable[..., Client]
) -> None:
    picture = make_artifact(team, alice)
    storages = {
        "default": {"BACKEND": f"{__name__}.SigningStorage"},
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    with override_settings(STORAGES=storages, FILES="signed"):
        response = client_of(carol).get(f"/pictures/{picture.id}/thumb")
        assert response.status_code == 302
        assert response["Location"] == f"https://bucket.example/{picture.variant('thumb')}?sign=1&type=image/webp"
        assert response["Cache-Control"] == "private, max-age=300"
        assert client_of(mallory).get(f"/pictures/{picture.id}/thumb").status_code == 404
