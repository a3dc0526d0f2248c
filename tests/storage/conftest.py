"""A real S3 server on this machine, and a bucket for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Lock
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.storage import default_storage
from moto.s3.responses import S3Response
from moto.server import ThreadedMotoServer

from studio.storage.s3 import BucketStorage

STATIC = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}


class S3Server:
    """moto's, over HTTP. What it holds outlasts a stop. It shows objects to nobody without a key, but looks at no signature, and it lists
    a bucket for everybody."""

    def __init__(self) -> None:
        self._server: Any = None
        self._port = 0

    def start(self) -> None:
        self._server = ThreadedMotoServer(ip_address="127.0.0.1", port=self._port, verbose=False)
        self._server.start()
        _, self._port = self._server.get_host_and_port()

    def stop(self) -> None:
        if self._server:
            self._server.stop()
        self._server = None

    @property
    def is_running(self) -> bool:
        return self._server is not None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"


def _one_at_a_time(put: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """S3 looks at `If-None-Match` and writes in one step; moto does so in two."""
    lock = Lock()

    def put_in_turn(self: Any) -> Any:
        with lock:
            return put(self)

    return put_in_turn


@pytest.fixture(scope="session")
def server() -> Iterator[S3Server]:
    made = S3Server()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(S3Response, "put_object", _one_at_a_time(S3Response.put_object))
        made.start()
        yield made
        made.stop()


@pytest.fixture
def s3(server: S3Server) -> Iterator[S3Server]:
    """The server; a test may stop it."""
    yield server
    if not server.is_running:
        server.start()


@pytest.fixture
def bucket(s3: S3Server, settings: Any) -> BucketStorage:
    """The studio with an empty bucket for its files."""
    name = f"atelier-{uuid4().hex[:12]}"
    place = {"bucket_name": name, "location": "pictures", "region_name": "us-east-1", "endpoint_url": s3.url}
    keys = {"access_key": "AKIAEXAMPLE", "secret_key": "example"}
    storage = {"BACKEND": "studio.storage.s3.BucketStorage", "OPTIONS": {**place, **keys}}
    settings.STORAGES = {"default": storage, "staticfiles": STATIC}
    settings.DEFAULT_STORAGE, settings.IN_S3, settings.S3_ORIGIN = f"s3://{name}/pictures", True, s3.url
    default_storage._client.create_bucket(Bucket=name)
    wrapped: BucketStorage = default_storage._wrapped
    return wrapped
