"""The bytes of a picture, model or sound on their way to a browser: streamed, conditional, in parts, or at an address that the storage
signs.

Async, because Django gathers what a sync response iterates over before it sends the first byte: a `FileResponse` would hold each file in
memory, and a slow line would hold a thread.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import IO
from urllib.parse import quote

from asgiref.sync import sync_to_async
from django.core.files.storage import Storage, default_storage
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, StreamingHttpResponse
from django.utils.cache import get_conditional_response
from django.utils.http import http_date
from django.utils.text import slugify

from studio.generation.errors import BrokenResult
from studio.generation.images import LARGE
from studio.generation.kinds import SUFFIX
from studio.generation.models import Artifact
from studio.generation.stripping import strip

VARIANTS = ("original", "large", "thumb")
WHOLE = 256 * 1024
"""Bytes up to which a file is read in one piece."""
CHUNK = 128 * 1024
NAME_LENGTH = 60
"""Characters of a prompt that go into a file's name."""


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


async def respond(request: HttpRequest, asked: Wanted) -> HttpResponseBase:
    """Answer with the file, a part of it, "not modified", or the way to it. Raises Http404 when the storage has lost it."""
    modified = int(asked.artifact.created_at.timestamp())
    unchanged = get_conditional_response(request, etag=asked.etag, last_modified=modified)
    if unchanged is not None:
        return _dressed(unchanged, asked, modified)
    signed = await asyncio.to_thread(_signed_url, default_storage, asked)
    if signed:
        return _redirect(signed)
    try:
        file, size = await asyncio.to_thread(_open, asked)
    except FileNotFoundError:
        raise Http404(f"The file of this {asked.artifact.noun} is missing.") from None
    part = _part(request, asked.etag, modified, size)
    if part is None:
        file.close()
        refused = HttpResponse(status=416)
        refused["Content-Range"] = f"bytes */{size}"
        return refused
    start, end = part
    response = await _body(request, file, start, end)
    response["Content-Type"] = asked.mime
    response["Content-Length"] = str(end - start)
    response["Content-Disposition"] = asked.disposition
    if "Range" in request.headers and end - start < size:
        response.status_code = 206
        response["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    return _dressed(response, asked, modified)


async def respond_bare(asked: Wanted) -> HttpResponseBase:
    """Answer with the file without a word in it, made on the way. Raises Http404 when the storage has lost it, or it cannot be done."""
    try:
        data = await asyncio.to_thread(_bare, asked)
    except FileNotFoundError:
        raise Http404(f"The file of this {asked.artifact.noun} is missing.") from None
    except BrokenResult as error:
        raise Http404(error.message) from error
    response = HttpResponse(data, content_type=asked.mime)
    response["Content-Disposition"] = asked.disposition
    response["Cache-Control"] = "private, no-store"
    response["X-Content-Type-Options"] = "nosniff"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    return response


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


def _open(wanted: Wanted) -> tuple[IO[bytes], int]:
    """Raises FileNotFoundError."""
    file = default_storage.open(wanted.name)
    return file, file.size


def _bare(wanted: Wanted) -> bytes:
    """Raises FileNotFoundError, `BrokenResult`."""
    file, size = _open(wanted)
    return strip(_read(file, 0, size), wanted.mime)


async def _body(request: HttpRequest, file: IO[bytes], start: int, end: int) -> HttpResponse | StreamingHttpResponse:
    if request.method == "HEAD":
        file.close()
        return HttpResponse()
    if end - start <= WHOLE:
        return HttpResponse(await asyncio.to_thread(_read, file, start, end - start))
    await sync_to_async(let_go)()
    return StreamingHttpResponse(_chunks(file, start, end))


def let_go() -> None:
    """Give the connection of this thread back before something long is sent: a slow line would keep one of the pool's from others."""
    if not connection.in_atomic_block:
        connection.close()


def _read(file: IO[bytes], start: int, length: int) -> bytes:
    with file:
        file.seek(start)
        return file.read(length)


async def _chunks(file: IO[bytes], start: int, end: int) -> AsyncIterator[bytes]:
    """The bytes from `start` up to `end`, a piece at a time, read in a thread; closes the file also when the browser goes away."""
    try:
        await asyncio.to_thread(file.seek, start)
        left = end - start
        while left > 0:
            piece = await asyncio.to_thread(file.read, min(CHUNK, left))
            if not piece:
                return
            left -= len(piece)
            yield piece
    finally:
        file.close()


_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})\Z")


def _part(request: HttpRequest, etag: str, modified: int, size: int) -> tuple[int, int] | None:
    """First byte and the one after the last of what is asked for; None for a range outside the file (RFC 9110, 14.2).

    Several ranges, and a range of another version (If-Range), are answered with the whole file.
    """
    match = _RANGE.match(request.headers.get("Range", "").strip())
    if not match or request.method != "GET" or not _is_same_version(request.headers.get("If-Range", ""), etag, modified):
        return 0, size
    first, last = match.groups()
    if not first and not last:
        return 0, size
    if not first:
        length = int(last)
        return (max(0, size - length), size) if length else None
    start = int(first)
    if last and int(last) < start:
        return 0, size
    return (start, min(size, int(last) + 1) if last else size) if start < size else None


def _is_same_version(condition: str, etag: str, modified: int) -> bool:
    if not condition or condition == etag:
        return True
    try:
        return int(parsedate_to_datetime(condition).timestamp()) == modified
    except (TypeError, ValueError):
        return False


def _signed_url(storage: Storage, wanted: Wanted) -> str:
    """An address at which the storage itself serves the file for a while; empty for one that does not sign (`querystring_auth`)."""
    if not getattr(storage, "querystring_auth", False):
        return ""
    parameters = {"ResponseContentDisposition": wanted.disposition, "ResponseContentType": wanted.mime}
    return str(storage.url(wanted.name, parameters=parameters))  # type: ignore[call-arg]


def _redirect(url: str) -> HttpResponse:
    """Kept for less time than the signature holds: `querystring_expire` is an hour unless the operator says otherwise."""
    expires = int(getattr(default_storage, "querystring_expire", 3600))
    response = HttpResponseRedirect(url)
    response["Cache-Control"] = f"private, max-age={max(0, min(expires - 60, expires // 2))}"
    return response
