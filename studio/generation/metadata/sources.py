"""Where in a picture's file other tools leave their texts: PNG's text chunks, EXIF, XMP. Whoever wrote the file wrote these too."""

from __future__ import annotations

import html
import struct
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from typing import IO

from PIL import Image

from studio.generation.errors import UnusableImage
from studio.generation.images import UPLOAD_FORMATS
from studio.generation.metadata import jpeg, png
from studio.generation.metadata.reading.record import MAX_GRAPH
from studio.generation.metadata.texts import ours_in_xmp

MAX_CHUNKS = 50_000
"""Chunks of a PNG that are stepped over; writers of small ones put 8 kB of pixels into each."""
MAX_TEXTS, MAX_ALL = 64, 2 * 1024 * 1024
"""Texts of one file that are looked at, wanted or not, and the characters of those that are kept together."""
TAGS = {
    0x010E: "ImageDescription",
    0x010F: "Make",
    0x0110: "Model",
    0x0131: "Software",
    0x927C: "MakerNote",
    jpeg.USER_COMMENT: "UserComment",
}
BROKEN = (
    OSError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    SyntaxError,
    RuntimeError,
    AssertionError,
    struct.error,
)
"""What Pillow raises over EXIF that makes no sense."""
NO_PICTURE = "This file is not a picture we can read, so there are no settings in it."


def texts_in(file: IO[bytes]) -> dict[str, str]:
    """Every text in a picture's file by the name that it has there; of two with one name the first. Raises `UnusableImage`."""
    head = file.read(16)
    file.seek(0)
    texts = dict(_in_png(file)) if png.knows(head) else _in_picture(file)
    for name in ("Make", "Model", "ImageDescription"):  # ComfyUI writes `workflow:{…}` and `prompt:{…}` there
        label, colon, rest = texts.get(name, "").partition(":")
        if colon and label.lower() in ("workflow", "prompt"):
            texts.setdefault(label.lower(), rest.strip())
    xmp = texts.get("XML:com.adobe.xmp", "")
    if xmp and (ours := ours_in_xmp(xmp)):
        texts.setdefault("atelier", ours)
    if xmp and (comment := _between(xmp, "<exif:UserComment", "</exif:UserComment>")):
        texts.setdefault("UserComment", comment)
    return texts


# --- PNG -------------------------------------------------------------------------------------------------------------


def _in_png(file: IO[bytes]) -> Iterator[tuple[str, str]]:
    """The texts of a PNG, those behind its pixels too. Pillow reads those only when it decodes, and holds what a bomb becomes."""
    found: dict[str, str] = {}
    left = MAX_ALL
    for kind, body in islice(_chunks(file), MAX_TEXTS):  # each may have to be inflated: what is left out costs as much as what is kept
        pairs = [_text(kind, body)] if kind != b"eXIf" else [*_in_exif(partial(exif_of, body)).items()]
        for key, value in pairs:
            if key and value and key not in found and len(value) <= left:
                left -= len(value)
                found[key] = value
    yield from found.items()


def _chunks(file: IO[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """The chunks that can hold texts; of a longer one than is looked at, nothing is read."""
    file.seek(len(png.SIGNATURE))
    for place in range(MAX_CHUNKS):
        head = file.read(8)
        length, kind = int.from_bytes(head[:4], "big"), head[4:]
        if place == 0 and (kind != b"IHDR" or length != 13):
            raise UnusableImage(NO_PICTURE)
        if len(head) < 8 or kind == b"IEND":
            return
        if kind in (b"tEXt", b"zTXt", b"iTXt", b"eXIf") and length <= 4 * MAX_GRAPH:
            body = file.read(length)
            if len(body) == length:
                yield kind, body
            file.seek(4, 1)
        else:
            file.seek(length + 4, 1)


def _text(kind: bytes, body: bytes) -> tuple[str, str]:
    """Keyword and text of a chunk (PNG third edition, 11.3.3). UTF-8 where it is that: many write it into a tEXt chunk all the same."""
    keyword, end, rest = body.partition(b"\0")
    if not end or not 0 < len(keyword) < 80:
        return "", ""
    if kind == b"zTXt":
        rest = _inflated(rest[1:])
    elif kind == b"iTXt":
        is_packed, parts = rest[:1] == b"\x01", rest[2:].split(b"\0", 2)
        rest = (_inflated(parts[2]) if is_packed else parts[2]) if len(parts) == 3 else b""
    try:
        return keyword.decode("latin-1"), rest.decode("utf-8")
    except UnicodeDecodeError:
        return keyword.decode("latin-1"), rest.decode("latin-1")


def _inflated(data: bytes) -> bytes:
    """What was deflated; nothing where it is broken, or more than anybody looks at."""
    try:
        engine = zlib.decompressobj()
        text = engine.decompress(data, 4 * MAX_GRAPH)
    except zlib.error:
        return b""
    return b"" if engine.unconsumed_tail else text


# --- all others ------------------------------------------------------------------------------------------------------


def _in_picture(file: IO[bytes]) -> dict[str, str]:
    try:
        image = Image.open(file, formats=UPLOAD_FORMATS)
    except Exception as error:  # a decoder raises whatever it stumbles over
        raise UnusableImage(NO_PICTURE) from error
    info = dict(image.info)
    texts = _in_exif(image.getexif)
    for name, key in (("xmp", "XML:com.adobe.xmp"), ("comment", "Comment")):
        value = info.get(name)
        text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
        if isinstance(text, str) and 0 < len(text) <= 4 * MAX_GRAPH:
            texts.setdefault(key, text)
    return texts


def _in_exif(give: Callable[[], Image.Exif]) -> dict[str, str]:
    """The texts of EXIF, in its own directory or, as Fooocus writes them, in the picture's; none of a block that is broken."""
    found: dict[str, str] = {}
    try:
        exif = give()
        for tags in (exif.get_ifd(jpeg.EXIF_IFD), exif):
            for tag, name in TAGS.items():
                text = jpeg.user_comment(tags.get(tag))
                if text and name not in found:
                    found[name] = text
    except BROKEN:
        return found
    return found


def exif_of(data: bytes) -> Image.Exif:
    """EXIF as it stands in a file. Raises one of `BROKEN`."""
    exif = Image.Exif()
    exif.load(data)
    return exif


def _between(text: str, start: str, end: str) -> str:
    """The text inside an element of XMP, its tags taken off; looked for as text, for a parser of XML from outside is a risk of its own."""
    begin = text.find(start)
    begin = text.find(">", begin) + 1 if begin >= 0 else 0
    stop = text.find(end, begin) if begin else -1
    if stop < 0:
        return ""
    inner = text[begin : min(stop, begin + 4 * MAX_GRAPH)].strip()
    for _ in ("rdf:Alt", "rdf:li"):
        close = inner.find(">") if inner.startswith("<") else -1
        inner = inner[close + 1 :].lstrip()
    return html.unescape(inner.partition("</")[0]).strip()
