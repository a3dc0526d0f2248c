"""Reads a multipart/form-data body as leniently as the provider has to: parts without a type, names without quotes (API.md 2.1, 4)."""

from __future__ import annotations

from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesHeaderParser

MOST_PARTS = 1000
"""More than any form has. Each costs time, and a body is read before it is known who asks (API.md 0)."""
MOST_HEADERS = 4096
"""Bytes before the data of a part. The parser of mails takes a time that grows with the square of a header's length: a megabyte of it
would hold a thread for half a minute."""


class Malformed(Exception):
    """The body is no multipart/form-data; the message says why."""


@dataclass(frozen=True, slots=True)
class Part:
    """One field as it came. A part with a file name is a file, whatever its type says."""

    name: str
    data: bytes = field(repr=False)
    filename: str | None = None
    content_type: str | None = None

    @property
    def text(self) -> str:
        return self.data.decode("utf-8", errors="replace")


def read(content_type: str, body: bytes) -> list[Part]:
    """The parts of a body, in order. Raises `Malformed`."""
    header = Message()
    header["content-type"] = content_type
    boundary = header.get_boundary()
    if not boundary:
        raise Malformed("content-type: multipart boundary is missing")
    border = b"\r\n--" + boundary.encode("utf-8", "replace")
    _, found, rest = (b"\r\n" + body).partition(border)
    if not found:
        raise Malformed("body: malformed multipart/form-data")
    if rest.count(border) > MOST_PARTS:
        raise Malformed("body: multipart/form-data has too many parts")
    pieces = rest.split(border)
    if not pieces[-1].startswith(b"--"):
        raise Malformed("body: multipart/form-data ends in the middle of a part")
    return [_part(piece) for piece in pieces[:-1]]


def _part(piece: bytes) -> Part:
    head, found, data = piece.lstrip(b" \t").removeprefix(b"\r\n").partition(b"\r\n\r\n")
    if len(head) > MOST_HEADERS:
        raise Malformed("body: the headers of a part in multipart/form-data are too long")
    headers = BytesHeaderParser().parsebytes(head)
    try:
        name = headers.get_param("name", header="content-disposition")
        filename = headers.get_param("filename", header="content-disposition")
        filename = None if filename is None else headers.get_filename("")
        content_type = headers.get("content-type")
    except Exception:  # noqa: BLE001 - the parser of mails stumbles over encoded parameters that make no sense
        raise Malformed("body: Content-Disposition header in FormData part makes no sense") from None
    if not found or not isinstance(name, str):
        raise Malformed("body: Content-Disposition header in FormData part is missing a name")
    return Part(name, data, filename, None if content_type is None else str(content_type))
