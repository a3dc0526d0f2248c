"""The bucket is gone in the middle of it: said in a sentence, nothing charged, nothing lost, and well again by itself."""

from __future__ import annotations

import io
from collections.abc import Callable

import botocore.endpoint
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from accounts.models import Team, User
from billing.services import wallets
from studio import health, storage
from studio.backends.base import GenerationRequest, Mode
from studio.galleries import trashing
from studio.generation import files, services
from studio.generation.errors import StorageFailed
from studio.generation.models import Artifact, InputFile, Job
from studio.generation.services import sheets
from studio.generation.uploads import clean_file
from studio.generation.worker.runner import _InputNotRead, _request
from studio.outages import Outage
from studio.storage.s3 import BucketStorage
from tests.clock import set_clock
from tests.factories import draw, make_artifact, make_job
from tests.generation.conftest import media
from tests.storage.conftest import S3Server

pytestmark = pytest.mark.django_db
ClientOf = Callable[..., Client]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pauses between the tries."""
    set_clock(monkeypatch, botocore.endpoint, sleep=lambda seconds: None)


def make_input(team: Team, user: User) -> InputFile:
    return files.save_input(clean_file(io.BytesIO(draw()), size=len(draw())), team=team, user=user)


@pytest.fixture
def browser(bucket: BucketStorage, alice: User, team: Team, client_of: ClientOf) -> Client:
    return client_of(alice)


def test_a_job_whose_pictures_cannot_be_kept_costs_nothing(bucket: BucketStorage, team: Team, alice: User, s3: S3Server) -> None:
    wallet = wallets.wallet_of(team)
    wallets.grant(wallet, 100_000, reference="test", description="For the test")
    asked = GenerationRequest(engine="null", mode=Mode.TEXT_TO_IMAGE, prompt="a castle", width=512, height=512, num_images=2, seed=7)
    services.submit(user=alice, team=team, request=asked, idempotency_key="once")
    [job] = services.claim(["null"], "w")
    s3.stop()
    assert not services.succeed(job, media(2))
    job.refresh_from_db()
    wallet.refresh_from_db()
    assert (job.status, job.error_code, job.hold.status) == ("failed", "storage_failed", "voided")
    assert (wallet.balance, wallet.held, Artifact.objects.count()) == (100_000, 0, 0)


def test_pictures_are_not_there_for_a_while(browser: Client, team: Team, alice: User, s3: S3Server) -> None:
    picture = make_artifact(team, alice)
    address, bare = reverse("picture_file", args=[picture.pk, "thumb"]), f"{reverse('picture_download', args=[picture.pk])}?strip=1"
    s3.stop()
    for path in (address, bare):
        answer = browser.get(path)
        assert (answer.status_code, answer["Retry-After"], answer["Cache-Control"]) == (503, "30", "no-store")
        assert answer.content.decode().startswith("Stored files cannot be read at the moment.")
    assert browser.get(reverse("library")).status_code == 200
    s3.start()
    assert browser.get(address).status_code == 200


def test_an_upload_is_refused_in_words_and_leaves_nothing(browser: Client, s3: S3Server) -> None:
    s3.stop()
    file = SimpleUploadedFile("boat.png", draw(), "image/png")
    answer = browser.post(reverse("input_upload"), {"file": file})
    assert (answer.status_code, answer.json()) == (503, {"error": files.NOT_SAVED, "code": "storage_failed"})
    file.seek(0)
    answer = browser.post(reverse("library_upload"), {"file": file}, headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json()) == (503, {"error": files.NOT_SAVED, "code": "storage_failed"})
    assert (InputFile.objects.count(), Artifact.objects.count()) == (0, 0)


def test_an_input_cannot_be_shown_for_a_while(browser: Client, team: Team, alice: User, s3: S3Server) -> None:
    given = make_input(team, alice)
    s3.stop()
    answer = browser.get(reverse("input_file", args=[given.pk]))
    assert (answer.status_code, answer["Retry-After"]) == (503, "30")
    assert "Stored files cannot be reached" in answer.content.decode()


def test_a_job_waits_for_a_file_that_is_there_and_cannot_be_read(bucket: BucketStorage, team: Team, alice: User, s3: S3Server) -> None:
    job = make_job(team, alice, image=make_input(team, alice), mode=Mode.IMAGE_TO_IMAGE)
    s3.stop()
    with pytest.raises(OSError, match="cannot be read") as raised:
        _request(job)
    assert not isinstance(raised.value, FileNotFoundError)
    assert _InputNotRead().retryable
    s3.start()
    assert _request(job).image == files.read(job.image.file)


def test_what_is_deleted_while_it_is_away_is_pruned_later(browser: Client, team: Team, alice: User, s3: S3Server) -> None:
    picture = make_artifact(team, alice)
    trashing.trash([picture], by=alice)
    s3.stop()
    assert trashing.erase([picture], by=alice) == [picture.pk]
    s3.start()
    assert files.is_there(picture.variant("thumb"))
    assert not Job.objects.filter(artifacts=picture.pk).exists()


def test_readyz_says_so_and_stays_ready(bucket: BucketStorage, s3: S3Server, monkeypatch: pytest.MonkeyPatch, client: Client) -> None:
    """All web processes lack it at once; and no probe waits for what was found away just now."""
    clock, check = [0.0], health._Storage()
    check.outage = Outage("storage", now=lambda: clock[0])
    monkeypatch.setitem(health.CHECKS, "storage", check)
    assert client.get("/readyz").json()["checks"]["storage"] == "ok"
    check.proved_until = 0.0
    s3.stop()
    away = "files cannot be written (the object store cannot be reached)"
    for _ in range(2):
        answer = client.get("/readyz")
        assert (answer.status_code, answer.json()["without"], answer.json()["checks"]["storage"]) == (200, ["storage"], away)
        monkeypatch.setattr(type(bucket.probe), "save", None)  # the second time nobody asks
    monkeypatch.undo()
    monkeypatch.setitem(health.CHECKS, "storage", check)
    s3.start()
    clock[0] += 60
    assert client.get("/readyz").json()["checks"]["storage"] == "ok"


def test_a_probe_does_not_wait_as_a_picture_does(bucket: BucketStorage) -> None:
    slow, quick = bucket.client_config, bucket.probe.client_config
    assert bucket.probe.bucket_name == bucket.bucket_name
    assert (quick.connect_timeout, quick.read_timeout, quick.retries["total_max_attempts"]) == (2, 2, 1)
    assert slow.read_timeout > quick.read_timeout


def test_a_sheet_waits_for_pictures_that_are_there(bucket: BucketStorage, team: Team, alice: User, s3: S3Server) -> None:
    """A picture that is gone leaves a hole; one that cannot be read now must not."""
    name = make_artifact(team, alice).variant("original")
    s3.stop()
    with pytest.raises(StorageFailed):
        sheets._open(name)
    s3.start()
    assert sheets._open(name) is not None
    storage.delete([name])
    assert sheets._open(name) is None
