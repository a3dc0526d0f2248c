"""The studio with its files in a bucket: a job from the press to the browser, by both ways there, into a ZIP, and away for good."""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from asgiref.sync import async_to_sync
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Team, User
from billing.services import wallets
from studio import storage
from studio.backends.base import GenerationRequest, Mode
from studio.galleries import curating, files, publishing, trashing
from studio.galleries.models import Visibility
from studio.galleries.services import prune_files
from studio.generation import files as kept
from studio.generation import services
from studio.generation.models import Artifact, Job
from studio.storage.s3 import SIGNED_SECONDS, BucketStorage
from tests.factories import make_artifact
from tests.generation.conftest import media
from tests.storage.conftest import S3Server

pytestmark = pytest.mark.django_db
ClientOf = Callable[..., Client]


@pytest.fixture
def picture(bucket: BucketStorage, team: Team, alice: User) -> Artifact:
    return make_artifact(team, alice, width=1536, height=1024, prompt="a lighthouse")


@pytest.fixture
def browser(alice: User, team: Team, client_of: ClientOf) -> Client:
    return client_of(alice)


def whole(response: Any) -> bytes:
    if not response.streaming:
        return bytes(response.content)

    async def gather() -> bytes:
        return b"".join([piece async for piece in aiter(response)])

    return async_to_sync(gather)()


def test_a_job_from_the_press_until_it_is_deleted_for_good(bucket: BucketStorage, team: Team, alice: User, browser: Client) -> None:
    wallets.grant(wallets.wallet_of(team), 100_000, reference="test", description="For the test")
    asked = GenerationRequest(engine="null", mode=Mode.TEXT_TO_IMAGE, prompt="a castle", width=512, height=512, num_images=2, seed=7)
    services.submit(user=alice, team=team, request=asked, idempotency_key="once")
    [job] = services.claim(["null"], "w")
    assert services.succeed(job, media(2))
    first, second = job.artifacts.order_by("index")
    shown = browser.get(reverse("picture_file", args=[first.pk, "original"]))
    assert (shown.status_code, hashlib.sha256(whole(shown)).hexdigest()) == (200, first.sha256)
    names = [one.name for one in storage.stored("artifacts")]
    assert sorted({name.split("/")[2] for name in names}) == sorted(str(one.pk) for one in (first, second))

    trashing.trash([first], by=alice)
    assert trashing.erase([first], by=alice) == [first.pk]
    assert browser.get(reverse("picture_file", args=[first.pk, "original"])).status_code == 404
    assert {one.name.split("/")[2] for one in storage.stored("artifacts")} == {str(second.pk)}
    assert Job.objects.get().hold.status == "captured"


def test_it_is_streamed_in_parts_and_only_when_it_is_new(picture: Artifact, bucket: BucketStorage, browser: Client) -> None:
    path, data = reverse("picture_file", args=[picture.pk, "original"]), kept.read(picture.variant("original"))
    asked: list[str] = []
    bucket._client.meta.events.register("before-send.s3.*", lambda request, **_: asked.append(request.method))
    first = browser.get(path)
    assert (whole(first), first["Content-Length"], asked) == (data, str(len(data)), ["GET"])
    part = browser.get(path, headers={"Range": "bytes=100-299"})
    assert (part.status_code, whole(part), part["Content-Range"]) == (206, data[100:300], f"bytes 100-299/{len(data)}")
    assert browser.get(path, headers={"Range": f"bytes={len(data)}-"}).status_code == 416
    asked.clear()
    head = browser.head(path)
    assert (head.status_code, head["Content-Length"], asked) == (200, str(len(data)), ["HEAD"])
    asked.clear()
    assert browser.get(path, headers={"If-None-Match": first["ETag"]}).status_code == 304
    assert asked == [], "what a browser has is not asked for"


def test_a_long_file_is_never_held_whole(bucket: BucketStorage, team: Team, alice: User, browser: Client) -> None:
    picture, data = make_artifact(team, alice), os.urandom(3 * 1024 * 1024)
    storage.delete([picture.variant("original")])
    kept.save(picture.variant("original"), data)
    response = browser.get(reverse("picture_file", args=[picture.pk, "original"]))

    async def gather() -> list[bytes]:
        return [piece async for piece in aiter(response)]

    pieces = async_to_sync(gather)()
    assert (b"".join(pieces), max(map(len, pieces))) == (data, files.CHUNK)


def test_a_browser_is_led_to_the_bucket_for_a_while(
    picture: Artifact, browser: Client, mallory: User, client_of: ClientOf, settings: Any, s3: S3Server
) -> None:
    settings.FILES = "signed"
    path = reverse("picture_file", args=[picture.pk, "thumb"])
    response = browser.get(path)
    assert (response.status_code, response["Cache-Control"]) == (302, f"private, max-age={SIGNED_SECONDS // 2}")
    told = parse_qs(urlsplit(response["Location"]).query)
    assert (told["X-Amz-Expires"], told["X-Amz-SignedHeaders"], len(told["X-Amz-Signature"][0])) == ([str(SIGNED_SECONDS)], ["host"], 64)
    fetched = httpx.get(response["Location"])
    assert (fetched.status_code, fetched.content) == (200, kept.read(picture.variant("thumb")))
    assert (fetched.headers["Content-Type"], fetched.headers["Cache-Control"]) == ("image/webp", "private, max-age=31536000, immutable")
    assert httpx.get(response["Location"].partition("?")[0]).status_code == 403
    download = browser.get(reverse("picture_download", args=[picture.pk]))
    named = httpx.get(download["Location"]).headers["Content-Disposition"]
    assert named.startswith('attachment; filename="a-lighthouse-')
    assert client_of(mallory).get(path).status_code == 404
    assert browser.get(path, headers={"If-None-Match": f'"{picture.sha256[:32]}-thumb"'}).status_code == 304
    asked = browser.head(path)  # the signature would not hold for it
    assert (asked.status_code, asked["Content-Length"]) == (200, str(len(fetched.content)))


def test_what_a_script_or_a_program_reads_comes_through_the_studio(
    bucket: BucketStorage, team: Team, alice: User, browser: Client, settings: Any
) -> None:
    settings.FILES = "signed"
    model = make_artifact(team, alice, mime="model/gltf-binary")
    inline = browser.get(reverse("picture_file", args=[model.pk, "original"]))
    assert (inline.status_code, hashlib.sha256(whole(inline)).hexdigest()) == (200, model.sha256)
    assert browser.get(reverse("picture_file", args=[model.pk, "large"])).status_code == 302
    assert browser.get(reverse("picture_download", args=[model.pk])).status_code == 302
    bare = browser.get(reverse("picture_download", args=[model.pk]), {"strip": "1"})
    assert bare.status_code == 200


def test_people_outside_are_led_there_too(bucket: BucketStorage, team: Team, alice: User, settings: Any, client: Client) -> None:
    small = make_artifact(team, alice, width=64, height=64, prompt="a secret")
    gallery = curating.create(team, by=alice, name="Coast", description="")
    curating.add(gallery, [small], by=alice)
    publishing.show_to(gallery, Visibility.LINK, by=alice)
    link = publishing.make_link(gallery, by=alice, days=7)
    path = reverse("shared_file", args=[publishing.token_of(link), small.pk, "large"])
    for _ in range(2):  # made when it is first asked for
        streamed = client.get(path)
        assert (streamed.status_code, streamed["Content-Type"]) == (200, "image/webp")
    settings.FILES = "signed"
    led = client.get(path)
    assert led.status_code == 302
    assert "secret" not in led["Location"]
    assert httpx.get(led["Location"]).content == whole(streamed)


def test_many_come_in_one_zip(picture: Artifact, team: Team, alice: User, browser: Client) -> None:
    lost = make_artifact(team, alice)
    storage.delete([lost.variant("original")])
    response = browser.post(reverse("pictures_zip"), {"ids": [str(picture.pk), str(lost.pk)]})
    archive = zipfile.ZipFile(io.BytesIO(whole(response)))
    assert archive.testzip() is None
    [name] = [one for one in archive.namelist() if one.endswith(".png")]
    assert hashlib.sha256(archive.read(name)).hexdigest() == picture.sha256


def test_pruning_takes_what_nobody_owns_and_nothing_that_is_being_written(picture: Artifact, bucket: BucketStorage) -> None:
    orphan = f"artifacts/ab/{'0' * 8}-0000-7000-8000-{'0' * 12}/thumb.webp"
    for name in (orphan, "inputs/ab/nobody.png", "covers/one.webp", "artifacts/ab/no-picture/thumb.webp"):
        kept.save(name, b"x")
    everything = {one.name for one in storage.stored("artifacts")}
    assert prune_files() == [], "it was written just now"
    later = timezone.now() + timedelta(days=2)
    assert prune_files(later, dry_run=True) == prune_files(later) == [orphan, "inputs/ab/nobody.png"]
    assert {one.name for one in storage.stored("artifacts")} == everything - {orphan}
    assert kept.is_there("covers/one.webp")
    call_command("prune_files", verbosity=0)


# --- nginx sends them ------------------------------------------------------------------------------------------------


def test_nginx_is_told_which_file_it_sends(team: Team, alice: User, mallory: User, client_of: ClientOf, settings: Any) -> None:
    settings.FILES = "accel"
    model, picture = make_artifact(team, alice, mime="model/gltf-binary"), make_artifact(team, alice, prompt="a lighthouse")
    browser = client_of(alice)
    response = browser.get(reverse("picture_file", args=[picture.pk, "original"]), headers={"Range": "bytes=0-9"})
    assert (response.status_code, response.content) == (200, b"")
    assert response["X-Accel-Redirect"] == f"/protected/{picture.variant('original')}"
    assert (Path(settings.MEDIA_ROOT) / response["X-Accel-Redirect"].removeprefix("/protected/")).is_file()
    assert (response["Content-Type"], response["Cache-Control"]) == ("image/png", "private, max-age=31536000, immutable")
    assert response["Content-Disposition"].startswith('inline; filename="a-lighthouse-')
    assert response["X-Content-Type-Options"] == "nosniff"
    of_model = browser.get(reverse("picture_file", args=[model.pk, "original"]))
    assert of_model["Content-Security-Policy"] == "sandbox; default-src 'none'; media-src 'self'"
    for path in (reverse("picture_file", args=[picture.pk, "original"]), reverse("picture_download", args=[picture.pk])):
        refused = client_of(mallory).get(path)
        assert (refused.status_code, "X-Accel-Redirect" in refused) == (404, False)
    same = browser.get(reverse("picture_file", args=[picture.pk, "original"]), headers={"If-None-Match": response["ETag"]})
    assert (same.status_code, "X-Accel-Redirect" in same) == (304, False)
    settings.FILES = "stream"
    assert "X-Accel-Redirect" not in browser.get(reverse("picture_file", args=[picture.pk, "original"]))


def test_no_answer_leaves_a_file_open(team: Team, alice: User, browser: Client) -> None:
    picture = make_artifact(team, alice)
    before = len(os.listdir("/proc/self/fd"))
    for header in ({}, {"Range": "bytes=0-9"}, {"Range": "bytes=9999999-"}):
        browser.get(reverse("picture_file", args=[picture.pk, "original"]), headers=header)
    assert len(os.listdir("/proc/self/fd")) <= before
