"""Files in a bucket, over HTTP: written once, read in parts, private, and failing as a disk fails."""

from __future__ import annotations

import errno
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier
from typing import Any
from urllib.parse import parse_qs, urlsplit

import botocore.endpoint
import httpx
import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectionClosedError
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from studio import storage
from studio.backup import files as copies
from studio.generation import files
from studio.generation.errors import StorageFailed, StorageFull
from studio.storage import s3 as store
from studio.storage.s3 import BucketStorage
from tests.clock import set_clock
from tests.storage.conftest import S3Server

DATA = bytes(range(256)) * 4096  # 1 MiB


def requests_of(bucket: BucketStorage, event: str) -> list[Any]:
    """What is sent from now on, for one kind of request."""
    sent: list[Any] = []
    bucket._client.meta.events.register(f"before-send.s3.{event}", lambda request, **_: sent.append(request))
    return sent


def test_a_file_is_kept_under_the_prefix_and_read_again(bucket: BucketStorage) -> None:
    files.save("artifacts/ab/one/original.glb", DATA)
    assert files.read("artifacts/ab/one/original.glb") == DATA
    about = bucket._client.head_object(Bucket=bucket.bucket_name, Key="pictures/artifacts/ab/one/original.glb")
    assert (about["ContentType"], about["ContentLength"]) == ("model/gltf-binary", len(DATA))
    assert (default_storage.size("artifacts/ab/one/original.glb"), files.is_there("artifacts/ab/one/thumb.webp")) == (len(DATA), False)


@pytest.mark.parametrize(
    ("suffix", "kind"), [("png", "image/png"), ("jpg", "image/jpeg"), ("webp", "image/webp"), ("mp3", "audio/mpeg"), ("wav", "audio/wav")]
)
def test_each_kind_of_file_says_what_it_is(bucket: BucketStorage, suffix: str, kind: str) -> None:
    files.save(f"artifacts/ab/one/original.{suffix}", b"x")
    assert httpx.get(default_storage.url(f"artifacts/ab/one/original.{suffix}")).headers["Content-Type"] == kind


def test_nothing_in_it_is_public(bucket: BucketStorage, s3: S3Server) -> None:
    sent = requests_of(bucket, "PutObject")
    files.save("inputs/ab/one.png", b"secret")
    [request] = sent
    assert [name for name in request.headers if "acl" in name.lower() or "grant" in name.lower()] == []
    assert httpx.get(f"{s3.url}/{bucket.bucket_name}/pictures/inputs/ab/one.png").status_code == 403


def test_the_second_writer_of_a_name_is_refused(bucket: BucketStorage) -> None:
    files.save("inputs/ab/one.png", b"first")
    with pytest.raises(FileExistsError):
        files.save("inputs/ab/one.png", b"second")
    assert files.read("inputs/ab/one.png") == b"first"


def test_of_writers_that_come_at_once_one_wins(bucket: BucketStorage) -> None:
    writers = 8
    together = Barrier(writers)

    def write(number: int) -> int | None:
        together.wait()
        try:
            files.save("inputs/ab/one.png", str(number).encode())
        except FileExistsError:
            return None
        return number

    with ThreadPoolExecutor(writers) as pool:
        written = [one for one in pool.map(write, range(writers)) if one is not None]
    assert [files.read("inputs/ab/one.png")] == [str(one).encode() for one in written]


def test_a_save_whose_answer_was_lost_is_not_refused_as_a_second_one(bucket: BucketStorage) -> None:
    """boto sends it again, and the file that is in the way then is its own."""
    sent: list[Any] = []

    def lose(request: Any, **_: Any) -> None:
        sent.append(request)
        if len(sent) == 1:
            assert httpx.put(request.url, headers=dict(request.headers.items()), content=request.body).status_code == 200
            raise ConnectionClosedError(endpoint_url=request.url)

    bucket._client.meta.events.register("before-send.s3.PutObject", lose)
    files.save("inputs/ab/one.png", b"once")
    assert (len(sent), files.read("inputs/ab/one.png")) == (2, b"once")


def test_a_store_without_conditions_is_asked_first(bucket: BucketStorage) -> None:
    def refuse(request: Any, **_: Any) -> AWSResponse | None:
        if "If-None-Match" not in request.headers:
            return None
        answer = AWSResponse(request.url, 501, {}, None)
        answer._content = b"<Error><Code>NotImplemented</Code></Error>"
        return answer

    bucket._client.meta.events.register("before-send.s3.PutObject", refuse)
    files.save("inputs/ab/one.png", b"first")
    with pytest.raises(FileExistsError):
        files.save("inputs/ab/one.png", b"second")
    assert files.read("inputs/ab/one.png") == b"first"


def test_a_part_is_read_without_the_rest(bucket: BucketStorage) -> None:
    files.save("inputs/ab/one.png", DATA)
    asked = requests_of(bucket, "GetObject")
    with default_storage.open("inputs/ab/one.png") as file:
        assert file.size == len(DATA)
        assert asked == [], "the size alone loads nothing"
        file.seek(1_000_000)
        assert (file.read(10), file.tell()) == (DATA[1_000_000:1_000_010], 1_000_010)
        file.seek(-3, 2)
        assert (file.read(), file.read()) == (DATA[-3:], b"")
    assert [request.headers["Range"] for request in asked] == [b"bytes=1000000-", f"bytes={len(DATA) - 3}-".encode()]
    assert file.closed


def test_what_breaks_off_goes_on_from_there(bucket: BucketStorage) -> None:
    files.save("inputs/ab/one.png", DATA)
    with default_storage.open("inputs/ab/one.png") as file:
        first = file.read(1000)
        file._stream._raw_stream.close()
        file._stream._raw_stream.read = _broken
        assert first + file.read() == DATA


def _broken(*_: Any) -> bytes:
    from urllib3.exceptions import ProtocolError

    raise ProtocolError("Connection broken")


def test_a_file_that_is_not_there_is_not_found(bucket: BucketStorage) -> None:
    for ask in (files.read, default_storage.size, default_storage.get_modified_time, lambda name: storage.pieces(name, 10)):
        with pytest.raises(FileNotFoundError):
            ask("inputs/ab/none.png")
    files.save("inputs/ab/one.png", b"")
    assert files.read("inputs/ab/one.png") == b""


@pytest.mark.parametrize("name", ["../outside.png", "inputs/../../outside.png", "/etc/passwd/../../../x"])
def test_no_name_leads_out_of_the_prefix(bucket: BucketStorage, name: str) -> None:
    from django.core.exceptions import SuspiciousOperation

    with pytest.raises(SuspiciousOperation):
        default_storage.url(name)


def test_an_address_is_signed_for_the_host_that_browsers_see(bucket: BucketStorage) -> None:
    options = {"bucket_name": "atelier", "location": "p", "access_key": "AKIA", "secret_key": "s", "region_name": "eu-central-1"}
    outside = BucketStorage(**options, endpoint_url="http://minio:9000", public_endpoint_url="https://files.example.org")
    url = urlsplit(outside.url("one.png", parameters={"ResponseContentType": "image/png"}))
    told = parse_qs(url.query)
    assert (url.scheme, url.netloc, url.path) == ("https", "files.example.org", "/atelier/p/one.png")
    assert (told["X-Amz-SignedHeaders"], told["X-Amz-Expires"]) == (["host"], [str(store.SIGNED_SECONDS)])
    assert told["response-content-type"] == ["image/png"]
    other = BucketStorage(**options, endpoint_url="http://minio:9000", public_endpoint_url="https://other.example.org").url("one.png")
    same = BucketStorage(**options, endpoint_url="https://files.example.org").url("one.png")
    signatures = {parse_qs(urlsplit(one).query)["X-Amz-Signature"][0] for one in (other, same)}
    assert len(signatures) == 2, "the host is part of what is signed"


@pytest.mark.parametrize(
    ("name", "host", "path"),
    [
        ("atelier", "atelier.s3.us-east-1.amazonaws.com", "/one.png"),
        ("my.atelier", "s3.us-east-1.amazonaws.com", "/my.atelier/one.png"),
    ],
)
def test_at_aws_the_bucket_has_an_address_of_its_own(name: str, host: str, path: str) -> None:
    url = urlsplit(BucketStorage(bucket_name=name, region_name="us-east-1", access_key="AKIA", secret_key="s").url("one.png"))
    assert (url.netloc, url.path) == (host, path)


def test_many_are_deleted_with_one_request(bucket: BucketStorage) -> None:
    names = [f"inputs/ab/{number}.png" for number in range(5)]
    for name in names[1:]:
        files.save(name, b"x")
    sent = requests_of(bucket, "DeleteObjects")
    storage.delete(names)
    assert [one.name for one in storage.stored("inputs")] == []
    [request] = sent
    assert "Content-MD5" in request.headers, "stores that are not AWS insist on it"


def test_files_are_listed_page_by_page_with_their_time(bucket: BucketStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    names = sorted(f"artifacts/{number:02d}/one/thumb.webp" for number in range(7))
    for name in (*names, "artifactsother/one.png"):
        files.save(name, b"x")
    bucket._client.meta.events.register("provide-client-params.s3.ListObjectsV2", lambda params, **_: {**params, "MaxKeys": 3})
    pages = requests_of(bucket, "ListObjectsV2")
    found = list(storage.stored("artifacts"))
    assert ([one.name for one in found], len(pages)) == (names, 3)
    assert all(abs(one.modified_at - datetime.now(UTC)) < timedelta(minutes=5) for one in found)


def test_all_of_a_bucket_is_listed_from_its_prefix_on_and_without_one(bucket: BucketStorage, s3: S3Server) -> None:
    names = ["artifacts/ab/one/thumb.webp", "covers/cd/two.webp"]
    for name in names:
        files.save(name, b"x")
    bucket._client.put_object(Bucket=bucket.bucket_name, Key="elsewhere/three.png", Body=b"x")
    bucket._client.put_object(Bucket=bucket.bucket_name, Key="pictures/covers/", Body=b"")
    assert [(one.name, one.is_folder) for one in storage.stored()] == [(names[0], False), ("covers/", True), (names[1], False)]
    keys = {"access_key": "AKIAEXAMPLE", "secret_key": "example", "region_name": "us-east-1"}
    whole = BucketStorage(bucket_name=bucket.bucket_name, location="", endpoint_url=s3.url, **keys)
    assert [name for name, *_ in whole.walk("")] == [
        "elsewhere/three.png",
        *(f"pictures/{name}" for name in (names[0], "covers/", names[1])),
    ]


def test_a_backup_asks_for_a_thousand_names_at_a_time(bucket: BucketStorage, tmp_path: Path) -> None:
    names = [f"artifacts/ab/{number}/{variant}.webp" for number in range(5) for variant in ("large", "thumb")]
    for name in names:
        files.save(name, name.encode())
    files.save("readyz/1-2", b"ok")
    lists = requests_of(bucket, "ListObjectsV2")
    done = copies.copy_out(tmp_path / "files")
    assert (done.new, done.known, len(lists)) == (10, 0, 1)
    again = copies.copy_out(tmp_path / "files")
    assert (again.new, again.known) == (0, 10)
    assert sorted(path.read_text() for path in (tmp_path / "files").rglob("*.webp")) == names


# --- when it fails ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "code", "number"),
    [
        (403, "InvalidAccessKeyId", errno.EACCES),
        (403, "AccessDenied", errno.EACCES),
        (403, "QuotaExceeded", errno.ENOSPC),
        (507, "XMinioStorageFull", errno.ENOSPC),
        (404, "NoSuchBucket", errno.EIO),
        (400, "InvalidArgument", errno.EIO),
    ],
)
def test_what_the_store_refuses_is_an_error_of_a_disk(bucket: BucketStorage, status: int, code: str, number: int) -> None:
    def refuse(request: Any, **_: Any) -> AWSResponse:
        answer = AWSResponse(request.url, status, {}, None)
        answer._content = f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()
        return answer

    bucket._client.meta.events.register("before-send.s3.*", refuse)
    with pytest.raises(OSError, match=r"\[Errno") as raised:
        default_storage.save("inputs/ab/one.png", ContentFile(b"x"))
    assert raised.value.errno == number
    assert not isinstance(raised.value, FileNotFoundError)
    assert "AKIAEXAMPLE" not in str(raised.value)
    with pytest.raises(StorageFull if number == errno.ENOSPC else StorageFailed):
        files.save("inputs/ab/two.png", b"x")


def test_a_store_that_is_down_is_said_and_asked_no_more_than_thrice(
    bucket: BucketStorage, s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_clock(monkeypatch, botocore.endpoint, sleep=lambda seconds: None)
    files.save("inputs/ab/one.png", b"kept")
    s3.stop()
    tries = requests_of(bucket, "GetObject")
    with pytest.raises(StorageFailed) as raised:
        files.read("inputs/ab/one.png")
    assert (raised.value.message, len(tries)) == (files.NOT_READ, store.ATTEMPTS)
    for ask in (default_storage.exists, default_storage.delete, default_storage.size, lambda name: storage.delete([name])):
        with pytest.raises(ConnectionError):
            ask("inputs/ab/one.png")
    storage.discard(["inputs/ab/one.png"])
    s3.start()
    assert files.read("inputs/ab/one.png") == b"kept", "the same client goes on"


def test_a_store_that_says_nothing_holds_nobody_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    monkeypatch.setattr(store, "READ_SECONDS", 0.2)
    set_clock(monkeypatch, botocore.endpoint, sleep=lambda seconds: None)
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        endpoint = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        mute = BucketStorage(bucket_name="atelier", access_key="AKIA", secret_key="s", region_name="us-east-1", endpoint_url=endpoint)
        with pytest.raises(TimeoutError):
            mute.exists("one.png")
