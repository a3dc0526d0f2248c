"""The bytes of a picture, model or sound on their way to a browser: streamed, conditional, in parts, or at an address that the storage
signs.

Async, because Django gathers what a sync response iterates over before it sends the first byte: a `FileResponse` would hold each file in
memory, and a slow line would hold a thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from typing import IO, TypeVar
from urllib.parse import quote

import structlog
from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.files.storage import default_storage
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, StreamingHttpResponse
from django.utils.cache import get_conditional_response
from django.utils.http import http_date
from django.utils.text import slugify

from studio.galleries.ranges import part_of
from studio.generation.errors import BrokenResult
from studio.generation.images import LARGE
from studio.generation.kinds import SUFFIX
from studio.generation.models import Artifact
from studio.generation.stripping import strip

T = TypeVar("T")
log = structlog.get_logger(__name__)

VARIANTS = ("original", "large", "thumb")
WHOLE = 256 * 1024
"""Bytes up to which a file is read in one piece."""
CHUNK = 128 * 1024
NAME_LENGTH = 60
"""Characters of a prompt that go into a file's name."""
NOT_NOW = "Stored files cannot be read at the moment. Try again in a minute; if it goes on, tell your operator.\n"
ACCEL = "/protected/"
"""Where nginx has the data folder's `media`, for nobody but us."""
_threads = ThreadPoolExecutor(32, thread_name_prefix="files")
"""Storages are asked here. A bucket that does not answer holds these threads for a while, and nobody else's."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file of an artifact, as `wanted` names it."""

    artifact: Artifact
    variant: str
    attachment: bool

    @property
    def name(self) -> str:
        """In the storage."""
        return self.artifact.variant(self.variant)

    @property
    def mime(self) -> str:
        return self.artifact.mime if self.variant == "original" else "image/webp"

    @property
    def etag(self) -> str:
        return f'"{self.artifact.sha256[:32]}-{self.variant}"'

    @property
    def disposition(self) -> str:
        """Named after the prompt, else as it was called where it came from.

        ASCII for old clients, UTF-8 for the rest (RFC 6266, appendix D).
        """
        suffix = SUFFIX[self.mime]
        number = self.artifact.id.hex[-6:]
        told = self.artifact.prompt or (self.artifact.info.get("source") or {}).get("name", "").rpartition(".")[0]
        words = " ".join("".join(c if c.isalnum() else " " for c in told[:200]).split())
        if len(words) > NAME_LENGTH:
            words = words[:NAME_LENGTH].rpartition(" ")[0] or words[:NAME_LENGTH]
        noun = self.artifact.noun
        ascii_name = f"{slugify(words) or noun}-{number}.{suffix}"
        full = f"{words or noun} {number}.{suffix}"
        kind = "attachment" if self.attachment else "inline"
        return f"{kind}; filename=\"{ascii_name}\"; filename*=UTF-8''{quote(full, safe='')}"


def wanted(artifact: Artifact, variant: str, *, attachment: bool = False) -> Wanted:
    """Raises Http404 for a variant that there is none of. Small pictures have no `large` one: their original stands in."""
    if variant not in VARIANTS:
        raise Http404
    if variant == "large" and artifact.kind == "image" and max(artifact.looks) <= LARGE:
        variant = "original"
    return Wanted(artifact, variant, attachment)


async def respond(request: HttpRequest, asked: Wanted, *, may_lead_away: bool = True) -> HttpResponseBase:
    """Answer with the file, a part of it, "not modified", or the way to it; 503 when the storage cannot give it now.

    `may_lead_away`: to the bucket, where browsers go there (`STUDIO_FILES=signed`). Raises Http404 when the storage has lost it.
    """
    modified = int(asked.artifact.created_at.timestamp())
    unchanged = get_conditional_response(request, etag=asked.etag, last_modified=modified)
    if unchanged is not None:
        return _dressed(unchanged, asked, modified)
    if settings.FILES == "accel":
        return _dressed(_handed_on(asked), asked, modified)
    try:
        if may_lead_away and request.method == "GET" and _is_shown_from_bucket(asked):  # what is signed holds for GET alone
            return _redirect(await _in_thread(_signed_url, asked))
        return await _streamed(request, asked, modified)
    except FileNotFoundError:
        raise Http404(f"The file of this {asked.artifact.noun} is missing.") from None
    except OSError as error:
        return _not_now(error)


async def _streamed(request: HttpRequest, asked: Wanted, modified: int) -> HttpResponseBase:
    """Raises OSError, until the first bytes are there."""
    opened = await _in_thread(_open, asked, ahead=request.method == "GET" and "Range" not in request.headers)
    part = part_of(request, asked.etag, modified, opened.size)
    if part is None:
        opened.file.close()
        refused = HttpResponse(status=416)
        refused["Content-Range"] = f"bytes */{opened.size}"
        return refused
    start, end = part
    response = await _body(request, opened, start, end)
    response["Content-Type"] = asked.mime
    response["Content-Length"] = str(end - start)
    response["Content-Disposition"] = asked.disposition
    if "Range" in request.headers and end - start < opened.size:
        response.status_code = 206
        response["Content-Range"] = f"bytes {start}-{end - 1}/{opened.size}"
    return _dressed(response, asked, modified)


async def respond_bare(asked: Wanted) -> HttpResponseBase:
    """Answer with the file without a word in it, made on the way; 503 when the storage cannot give it now.

    Raises Http404 when the storage has lost it, or it cannot be done.
    """
    try:
        data = await _in_thread(_bare, asked)
    except FileNotFoundError:
        raise Http404(f"The file of this {asked.artifact.noun} is missing.") from None
    except OSError as error:
        return _not_now(error)
    except BrokenResult as error:
        raise Http404(error.message) from error
    response = HttpResponse(data, content_type=asked.mime)
    response["Content-Disposition"] = asked.disposition
    response["Cache-Control"] = "private, no-store"
    response["X-Content-Type-Options"] = "nosniff"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    return response


def _not_now(error: OSError) -> HttpResponse:
    log.warning("file_not_read", reason=error.strerror or type(error).__name__)
    response = HttpResponse(NOT_NOW, content_type="text/plain; charset=utf-8", status=503)
    response["Retry-After"] = "30"
    response["Cache-Control"] = "no-store"
    return response


async def _in_thread(function: Callable[..., T], *args: object, **named: object) -> T:
    call: Callable[[], T] = partial(copy_context().run, function, *args, **named)
    return await asyncio.get_running_loop().run_in_executor(_threads, call)


def _dressed(response: HttpResponseBase, wanted: Wanted, modified: int) -> HttpResponseBase:
    """The bytes under an address never change: a browser keeps them for a year, no cache in between does."""
    response["ETag"] = wanted.etag
    response["Last-Modified"] = http_date(modified)
    response["Cache-Control"] = "private, max-age=31536000, immutable"
    response["Accept-Ranges"] = "bytes"
    response["X-Content-Type-Options"] = "nosniff"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    if not wanted.mime.startswith("image/"):
        # Opened by itself it is a document of ours: one that may do nothing but play.
        response["Content-Security-Policy"] = "sandbox; default-src 'none'; media-src 'self'"
    return response


@dataclass(frozen=True, slots=True)
class _Opened:
    file: IO[bytes]
    ahead: bytes
    """What was read already, from the beginning."""
    size: int


def _open(wanted: Wanted, *, ahead: bool) -> _Opened:
    """A bucket tells the size with the bytes, so the first of them are read before it is asked for. Raises OSError (FileNotFoundError)."""
    file = default_storage.open(wanted.name)
    try:
        first = file.read(WHOLE) if ahead else b""
        return _Opened(file, first, file.size)
    except BaseException:
        file.close()
        raise


def _bare(wanted: Wanted) -> bytes:
    """Raises OSError (FileNotFoundError), `BrokenResult`."""
    with default_storage.open(wanted.name) as file:
        return strip(file.read(), wanted.mime)


async def _body(request: HttpRequest, opened: _Opened, start: int, end: int) -> HttpResponse | StreamingHttpResponse:
    """Raises OSError."""
    if request.method == "HEAD":
        opened.file.close()
        return HttpResponse()
    if opened.ahead and end <= len(opened.ahead):
        opened.file.close()
        return HttpResponse(opened.ahead)
    if end - start <= WHOLE:
        return HttpResponse(await _in_thread(_read, opened.file, start, end - start))
    await sync_to_async(let_go)()
    return StreamingHttpResponse(_chunks(opened.file, start, end, opened.ahead))


def let_go() -> None:
    """Give the connection of this thread back before something long is sent: a slow line would keep one of the pool's from others."""
    if not connection.in_atomic_block:
        connection.close()


def _read(file: IO[bytes], start: int, length: int) -> bytes:
    with file:
        file.seek(start)
        return file.read(length)


async def _chunks(file: IO[bytes], start: int, end: int, ahead: bytes = b"") -> AsyncIterator[bytes]:
    """The bytes from `start` up to `end`, a piece at a time, read in a thread; closes the file also when the browser goes away.

    `ahead` are the first of them, read already. What is cut short because the storage fails is seen to be: it has fewer bytes than said.
    """
    try:
        for place in range(0, len(ahead), CHUNK):
            yield ahead[place : place + CHUNK]
        await _in_thread(file.seek, start + len(ahead))
        left = end - start - len(ahead)
        while left > 0:
            piece = await _in_thread(file.read, min(CHUNK, left))
            if not piece:
                return
            left -= len(piece)
            yield piece
    finally:
        file.close()


def _is_shown_from_bucket(wanted: Wanted) -> bool:
    """What an `<img>`, an `<audio>` or a download asks for. The script that draws a model has to read it, and is not let to other hosts."""
    return settings.FILES == "signed" and (wanted.attachment or not wanted.mime.startswith("model/"))


def _signed_url(wanted: Wanted) -> str:
    """An address at which the bucket itself serves the file for a while, as we would. Raises OSError where there is no key to sign with."""
    told = {
        "ResponseContentDisposition": wanted.disposition,
        "ResponseContentType": wanted.mime,
        "ResponseCacheControl": "private, max-age=31536000, immutable",
    }
    return str(default_storage.url(wanted.name, parameters=told))  # type: ignore[call-arg]


def _redirect(url: str) -> HttpResponse:
    """Kept for half the time that the signature holds: a page that is drawn again meanwhile finds the picture in the browser."""
    expires = int(getattr(default_storage, "querystring_expire", 0))
    response = HttpResponseRedirect(url)
    response["Cache-Control"] = f"private, max-age={expires // 2}"
    response["Referrer-Policy"] = "no-referrer"
    return response


def _handed_on(wanted: Wanted) -> HttpResponse:
    """For nginx, which sends the file in our place, parts and all; names of files are ours: none leads elsewhere."""
    response = HttpResponse(content_type=wanted.mime)
    response["X-Accel-Redirect"] = f"{ACCEL}{quote(wanted.name)}"
    response["Content-Disposition"] = wanted.disposition
    return response
