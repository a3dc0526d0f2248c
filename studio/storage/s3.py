"""Files in a bucket of an object store that speaks S3: private, each written once, read in parts, and never listed for a request.

django-storages gives the names, the settings and the listing. What is done differently, and why:

- reading: its file is loaded whole before the first byte of it can be read (django-storages issues 383, 1568);
- clients: it makes one for each thread, which takes a tenth of a second and megabytes, where boto's clients may be shared;
- a name is taken by the first who writes it, as on a disk, and the store itself decides who that was (`If-None-Match: *`);
- errors: every caller handles an OSError already, and none should know what boto is.
"""

from __future__ import annotations

import base64
import errno
import hashlib
import mimetypes
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import structlog
from boto3.session import Session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, ConnectTimeoutError, NoCredentialsError, ReadTimeoutError
from django.core.files.base import File
from django.utils.functional import cached_property
from storages.backends.s3 import S3Storage
from storages.utils import clean_name

log = structlog.get_logger(__name__)

CONNECT_SECONDS, READ_SECONDS, ATTEMPTS = 3, 10, 3
"""How long the store may take to be reached and to say something, and how often it is asked: the most that a thread waits is three times
their sum, and a few seconds between."""
CONNECTIONS = 64
"""That a process keeps at most; who needs one more opens it and closes it again."""
SIGNED_SECONDS = 900
"""How long an address holds that the store serves a file at."""
AT_ONCE = 1000
"""Files in one request to delete them (the most that S3 takes)."""
MARK = "written-by"
"""Metadata of an object: which call wrote it."""
TYPES = {"webp": "image/webp", "glb": "model/gltf-binary", "wav": "audio/wav"}
"""What Python's table lacks, or tells differently from system to system."""

_NO_ROOM = {"QuotaExceeded", "XMinioStorageFull", "InsufficientStorage", "StorageFull"}
_REFUSED = {"AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "RequestTimeTooSkewed", "403"}


@contextmanager
def as_disk(name: str) -> Iterator[None]:
    """Turn what boto raises into the OSError that a disk would raise. It says nothing of addresses or keys."""
    try:
        yield
    except ClientError as error:
        code, sentence = _reason(error)
        raise OSError(code, sentence, name) from error
    except (ConnectTimeoutError, ReadTimeoutError) as error:
        raise OSError(errno.ETIMEDOUT, "the object store takes too long", name) from error
    except ConnectionError as error:
        raise OSError(errno.ECONNREFUSED, "the object store cannot be reached", name) from error
    except NoCredentialsError as error:
        raise OSError(errno.EACCES, "there are no keys for the object store", name) from error
    except BotoCoreError as error:
        raise OSError(errno.EIO, f"the object store fails ({type(error).__name__})", name) from error


def _reason(error: ClientError) -> tuple[int, str]:
    code, status = error.response["Error"].get("Code", ""), _status(error)
    if code == "NoSuchBucket":
        return errno.EIO, "there is no such bucket"
    if status == 404:
        return errno.ENOENT, "there is no such file"
    if code in _NO_ROOM or status == 507:
        return errno.ENOSPC, "the object store has no room left"
    if status in (409, 412):
        return errno.EEXIST, "there is a file of that name"
    if code in _REFUSED or status == 403:
        return errno.EACCES, "the object store refuses the key"
    return errno.EIO, f"the object store fails ({code or status})"


def _status(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


class BucketStorage(S3Storage):  # type: ignore[misc]
    """Options: `bucket_name`, `location` (a prefix), `region_name`, `access_key`, `secret_key`; `endpoint_url` of a store that is not
    AWS, whose bucket stands in the path; `public_endpoint_url`, under which browsers reach it, if that is another.

    Its methods raise OSError as a folder's do. A file that is not there is missed when it is first read, not when it is opened.
    """

    endpoint_url: str
    public_endpoint_url: str
    patience = CONNECT_SECONDS, READ_SECONDS, ATTEMPTS

    def get_default_settings(self) -> dict[str, Any]:
        """Nothing is public: no ACL is sent, and every address is signed."""
        own = {"default_acl": None, "querystring_auth": True, "querystring_expire": SIGNED_SECONDS, "public_endpoint_url": ""}
        return {**super().get_default_settings(), **own, "file_overwrite": True, "gzip": False, "custom_domain": None}

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._options = options
        self._knows_conditions = True
        connect, read, attempts = self.patience
        self.client_config = Config(
            signature_version="s3v4",
            s3={"addressing_style": "path" if self.endpoint_url or "." in self.bucket_name else "virtual"},
            connect_timeout=connect,
            read_timeout=read,
            retries={"mode": "standard", "total_max_attempts": attempts},
            max_pool_connections=CONNECTIONS,
            tcp_keepalive=True,
            # Stores other than AWS know little of the newer checksums, which are sent with everything otherwise (botocore 1.36).
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        self.endpoint_url = self.endpoint_url or f"https://s3.{self.region_name}.amazonaws.com"

    @cached_property
    def connection(self) -> Any:
        """One for all threads: only its `meta.client` is used, which they may share."""
        found = self._resource(self.endpoint_url)
        # boto sends a CRC here, and half of the other stores insist on what it sent before (botocore 1.36).
        found.meta.client.meta.events.register("before-call.s3.DeleteObjects", _add_md5)
        return found

    @cached_property
    def probe(self) -> BucketStorage:
        """The same bucket for whoever only wants to know whether it answers: asked once, and not waited for."""
        return _Probe(**self._options)

    @cached_property
    def _signer(self) -> Any:
        """A signature holds for one host: the one that browsers see. Signing asks nobody."""
        own = not self.public_endpoint_url or self.public_endpoint_url == self.endpoint_url
        return self._client if own else self._resource(self.public_endpoint_url).meta.client

    def _resource(self, endpoint: str) -> Any:
        session: Session = self._create_session()
        return session.resource("s3", region_name=self.region_name, endpoint_url=endpoint, config=self.client_config)

    @property
    def _client(self) -> Any:
        return self.connection.meta.client

    def _key(self, name: str) -> str:
        return str(self._normalize_name(clean_name(name)))

    # --- write -------------------------------------------------------------------------------------------------------

    def _save(self, name: str, content: Any) -> str:
        """Raises FileExistsError when somebody else has written a file of that name."""
        key, mark = self._key(name), uuid.uuid4().hex
        content.seek(0)
        kind = TYPES.get(name.rpartition(".")[2]) or mimetypes.guess_type(name)[0] or self.default_content_type
        what = {"Bucket": self.bucket_name, "Key": key, "Body": content.read(), "ContentType": kind, "Metadata": {MARK: mark}}
        with as_disk(name):
            try:
                self._put(what)
            except ClientError as error:
                # An answer that was lost is asked for again: then the file that is in the way is this one.
                if _status(error) not in (409, 412) or self._mark(key) != mark:
                    raise
        return str(clean_name(name))

    def _put(self, what: dict[str, Any]) -> None:
        if self._knows_conditions:
            try:
                self._client.put_object(**what, IfNoneMatch="*")
                return
            except ClientError as error:
                if _status(error) != 501:
                    raise
                log.warning("storage_without_conditions", reason="Two writers of one name are not told apart if they come at once.")
                self._knows_conditions = False
        if self.exists(what["Key"].removeprefix(self.location).lstrip("/")):
            raise FileExistsError(errno.EEXIST, "there is a file of that name", what["Key"])
        self._client.put_object(**what)

    def _mark(self, key: str) -> str:
        found: str = self._client.head_object(Bucket=self.bucket_name, Key=key)["Metadata"].get(MARK, "")
        return found

    def delete(self, name: str) -> None:
        """What is not there is not missed."""
        with as_disk(name):
            self._client.delete_object(Bucket=self.bucket_name, Key=self._key(name))

    def delete_many(self, names: Sequence[str]) -> None:
        """A thousand with each request. Raises OSError, also for a part of them; the others are gone then."""
        for start in range(0, len(names), AT_ONCE):
            keys = [{"Key": self._key(name)} for name in names[start : start + AT_ONCE]]
            with as_disk(names[start]):
                answer = self._client.delete_objects(Bucket=self.bucket_name, Delete={"Objects": keys, "Quiet": True})
            for problem in answer.get("Errors", ()):
                code = errno.EACCES if problem.get("Code") in _REFUSED else errno.EIO
                raise OSError(code, f"the object store does not delete it ({problem.get('Code')})", problem.get("Key"))

    # --- read --------------------------------------------------------------------------------------------------------

    def _open(self, name: str, mode: str = "rb") -> BucketFile:
        """Asks the store nothing yet."""
        if mode != "rb":
            raise ValueError(f"Files of a bucket are read as bytes and saved whole, not opened as “{mode}”.")
        return BucketFile(self, name)

    def stream(self, name: str, start: int = 0) -> tuple[Any, int]:
        """The bytes from `start` on, as they come, and the size of the whole file. Raises OSError."""
        part = {"Range": f"bytes={start}-"} if start else {}
        with as_disk(name):
            answer = self._client.get_object(Bucket=self.bucket_name, Key=self._key(name), **part)
        return answer["Body"], start + int(answer["ContentLength"])

    def exists(self, name: str) -> bool:
        with as_disk(name):
            return bool(super().exists(name))

    def size(self, name: str) -> int:
        return int(self._about(name)["ContentLength"])

    def get_modified_time(self, name: str) -> datetime:
        found: datetime = self._about(name)["LastModified"]
        return found

    def _about(self, name: str) -> dict[str, Any]:
        with as_disk(name):
            found: dict[str, Any] = self._client.head_object(Bucket=self.bucket_name, Key=self._key(name))
        return found

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        with as_disk(path):
            folders, names = super().listdir(path)
        return folders, names

    def walk(self, folder: str) -> Iterator[tuple[str, datetime, int]]:
        """Name, time and bytes of each file below a folder ("": of all), a thousand with each request. Raises OSError."""
        root, above = (self._key(name).strip("/") for name in ("", folder))
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket_name, Prefix=f"{above}/" if above else "")
        with as_disk(folder):
            for page in pages:
                for found in page.get("Contents", ()):
                    yield found["Key"].removeprefix(root).lstrip("/"), found["LastModified"], found["Size"]

    def url(self, name: str, parameters: dict[str, str] | None = None, expire: int | None = None, http_method: str | None = None) -> str:
        """An address at which the store serves the file for `SIGNED_SECONDS`, to whoever has it."""
        what = {**(parameters or {}), "Bucket": self.bucket_name, "Key": self._key(name)}
        seconds = self.querystring_expire if expire is None else expire
        with as_disk(name):
            return str(self._signer.generate_presigned_url("get_object", Params=what, ExpiresIn=seconds, HttpMethod=http_method))


class _Probe(BucketStorage):
    patience = 2, 2, 1


class BucketFile(File):  # type: ignore[type-arg]
    """A file of a bucket, read from where one wants, as it comes. What breaks off in the middle goes on from there, once."""

    def __init__(self, storage: BucketStorage, name: str) -> None:
        super().__init__(None, name)
        self.mode = "rb"
        self._storage = storage
        self._stream: Any = None
        self._size: int | None = None
        self._place = 0
        self._closed = False

    @property
    def size(self) -> int:  # type: ignore[override]
        """Known once something was read; else the store is asked. Raises OSError."""
        if self._size is None:
            self._size = self._storage.size(str(self.name))
        return self._size

    @property
    def closed(self) -> bool:
        return self._closed

    def read(self, size: int = -1) -> bytes:
        """Raises OSError (FileNotFoundError)."""
        if self._closed:
            raise ValueError("The file is closed.")
        if self._size is not None and self._place >= self._size:
            return b""
        has_begun = self._stream is not None
        try:
            return self._next(size)
        except OSError:
            self._let_go()
            if not has_begun:
                raise
            log.info("stored_file_resumed", at=self._place)
            return self._next(size)

    def _next(self, size: int) -> bytes:
        if self._stream is None:
            self._stream, self._size = self._storage.stream(str(self.name), self._place)
        with as_disk(str(self.name)):
            data: bytes = self._stream.read(None if size < 0 else size)
        self._place += len(data)
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        place = offset + (0, self._place, self.size if whence == 2 else 0)[whence]
        if place != self._place:
            self._let_go()
            self._place = place
        return place

    def tell(self) -> int:
        return self._place

    def close(self) -> None:
        self._let_go()
        self._closed = True

    def _let_go(self) -> None:
        """A connection with bytes still on their way is closed, not kept."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None


def _add_md5(params: dict[str, Any], **_others: Any) -> None:
    digest = hashlib.md5(params["body"], usedforsecurity=False).digest()
    params["headers"]["Content-MD5"] = base64.b64encode(digest).decode()
