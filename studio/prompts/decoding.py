"""Files that should be text, and what people choose instead."""

from __future__ import annotations

_OTHERS = (
    (b"PK\x03\x04", "This is a ZIP archive. Unpack it, and choose the file inside."),
    (b"\xd0\xcf\x11\xe0", "This is an old Excel file, or one with a password. Save it as .xlsx or CSV without a password."),
    (b"\x89PNG", "This is a picture, not a text file."),
    (b"\xff\xd8\xff", "This is a picture, not a text file."),
    (b"RIFF", "This is a picture or a sound, not a text file."),
    (b"%PDF", "This is a PDF, not a text file."),
    (b"\x1f\x8b", "This file is packed (gzip). Unpack it, and choose the file inside."),
    (b"\xff\xfe", "This file is in UTF-16. Save it as UTF-8, and choose it again."),
    (b"\xfe\xff", "This file is in UTF-16. Save it as UTF-8, and choose it again."),
)
_PAGES = ("<!doctype", "<html", "<head", "<body", "<svg", "<?xml")


class NotText(ValueError):
    """The sentence says what it is instead, and what to do."""


def decoded(data: bytes) -> str:
    """The text of a file in UTF-8, without the mark that some programs put before it. Raises `NotText`."""
    for start, problem in _OTHERS:
        if data.startswith(start):
            raise NotText(problem)
    if b"\0" in data:
        halves = data[:2000:2], data[1:2000:2]
        if any(half.count(0) > len(half) // 2 for half in halves if half):
            raise NotText("This file looks like UTF-16. Save it as UTF-8, and choose it again.")
        raise NotText("This is not a text file.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise NotText(
            f"This file is not in UTF-8: line {line:,} has a letter in another encoding, like Latin-1 or Windows-1252. Save it as UTF-8 "
            "(in Excel: “CSV UTF-8”), and choose it again."
        ) from None
    if not text.strip():
        raise NotText("This file is empty.")
    if text.lstrip()[:10].lower().startswith(_PAGES):
        raise NotText("This is a web page, not the file itself. Open the page, download the file (on GitHub: “Raw”), and choose that.")
    return text
