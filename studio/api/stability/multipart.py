"""Reads a multipart/form-data body as leniently as the provider has to: parts without a type, names without quotes (API.md 2.1, 4)."""

from __future__ import annotations

from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesHeaderParser


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
    _, found, rest = (b"\r\n" + body).partition(b"\r\n--" + boundary.encode())
    if not found:
        raise Malformed("body: malformed multipart/form-data")
    pieces = rest.split(b"\r\n--" + boundary.encode())
    if not pieces[-1].startswith(b"--"):
        raise Malformed("body: multipart/form-data ends in the middle of a part")
    return [_part(piece) for piece in pieces[:-1]]


def _part(piece: bytes) -> Part:
    head, found, data = piece.lstrip(b" \t").removeprefix(b"\r\n").partition(b"\r\n\r\n")
    headers = BytesHeaderParser().parsebytes(head)
    name = headers.get_param("name", header="content-disposition")
    if not found or not isinstance(name, str):
        raise Malformed("body: Content-Disposition header in FormData part is missing a name")
    filename = headers.get_param("filename", header="content-disposition")
    return Part(name, data, None if filename is None else headers.get_filename(""), headers.get("content-type"))
