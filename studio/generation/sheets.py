"""The labelled sheet of a grid: every picture at one size, headings over the columns and beside the rows, what failed as a quiet place.

`plan` says where everything stands, in pixels, before a single picture is read; `render` draws it. A sheet is paper in both themes: it
leaves the studio.
"""

from __future__ import annotations

import io
import math
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from PIL import Image, ImageDraw, ImageFont

MAX_SIDE = 8192
"""Pixels of a sheet's longer side, at most: what every browser and most programs still open."""
MAX_PIXELS = 40_000_000
PAPER, INK, MUTED, PLACE = "#fbfaf8", "#1b1a17", "#67635a", "#eceae4"
SMALLEST, LARGEST = 13, 44
"""Pixels of the letters of a heading: as the pictures are large, within these."""
HEADING_LINES, REASON_LINES, TITLE_LINES = 3, 5, 2
EMPTY = (512, 512)
"""The size of a cell where there is no picture at all."""

Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Heading:
    """Of a column or a row: what it is, small, and its value."""

    label: str
    value: str


def headings(axes: Mapping[str, Any] | None) -> tuple[list[Heading], list[Heading]]:
    """Those of the columns and rows of `Batch.axes`; without a second axis there are no rows, without a first one is one column."""
    x, y = (axes or {}).get("x") or {}, (axes or {}).get("y") or {}
    columns = [Heading(x.get("label", ""), str(value)) for value in x.get("values", [""])]
    return columns, [Heading(y["label"], str(value)) for value in y["values"]] if y.get("label") else []


@dataclass(frozen=True, slots=True)
class Cell:
    """A picture, of which the size in pixels is known before it is opened; without one, or when it cannot be, what is said in its place."""

    said: str = ""
    size: Size | None = None
    open: Callable[[], Image.Image | None] = lambda: None


@dataclass(frozen=True, slots=True)
class Sheet:
    """`cells` row by row, `len(columns)` in each. Rows without headings are one row with none."""

    title: str
    about: str
    columns: Sequence[Heading]
    rows: Sequence[Heading]
    cells: Sequence[Cell]


@dataclass(frozen=True, slots=True)
class Box:
    """Pixels from the left and the top."""

    left: int
    top: int
    width: int
    height: int

    @property
    def corners(self) -> tuple[int, int, int, int]:
        """Left, top, right and bottom, the last two outside, as Pillow crops."""
        return (self.left, self.top, self.left + self.width, self.top + self.height)


@dataclass(frozen=True, slots=True)
class Plan:
    """Where everything stands. `unit` is the height of a heading's letters; `cells` are in the order of the sheet's."""

    size: Size
    unit: int
    title: Box
    about: Box
    columns: tuple[Box, ...]
    rows: tuple[Box, ...]
    cells: tuple[Box, ...]


def plan(sheet: Sheet) -> Plan:
    """The largest plan within `MAX_SIDE` and `MAX_PIXELS`: pictures stand at their own size, or all of them smaller."""
    sizes = [cell.size for cell in sheet.cells if cell.size] or [EMPTY]
    natural = (max(width for width, _ in sizes), max(height for _, height in sizes))
    scale = 1.0
    while True:
        cell = (max(1, int(natural[0] * scale)), max(1, int(natural[1] * scale)))
        found = _plan(sheet, cell)
        width, height = found.size
        excess = max(width / MAX_SIDE, height / MAX_SIDE, math.sqrt(width * height / MAX_PIXELS))
        if excess <= 1 or cell == (1, 1):
            return found
        scale *= min(0.99, 0.995 / excess)


def _plan(sheet: Sheet, cell: Size) -> Plan:
    width, height = cell
    unit = max(SMALLEST, min(LARGEST, max(cell) // 26))
    gap, margin, line = max(3, unit // 3), unit * 2, _line(unit)
    side = _side(sheet.rows, width, unit)
    across = side + len(sheet.columns) * (width + gap) - gap
    titles, abouts = (
        len(_wrap(text, _font(size, bold=bold), across, TITLE_LINES))
        for text, size, bold in ((sheet.title, _title(unit), True), (sheet.about, unit, False))
    )
    title = Box(margin, margin, across, titles * _line(_title(unit)))
    about = Box(margin, title.top + title.height + gap, across, abouts * line)
    top = about.top + about.height + unit
    heads = max((_heading_height(one, width, unit) for one in sheet.columns), default=0)
    columns = tuple(Box(margin + side + place * (width + gap), top, width, heads) for place in range(len(sheet.columns)))
    top += heads + (gap if heads else 0)
    rows, cells = [], []
    headings: Sequence[Heading | None] = sheet.rows or [None]
    for row in headings:
        tall = max(height, _heading_height(row, side - unit, unit) if row else 0)
        if row:
            rows.append(Box(margin, top, side - unit, tall))
        cells += [Box(box.left, top + (tall - height) // 2, width, height) for box in columns]
        top += tall + gap
    size = (margin + across + margin, top - gap + margin)
    return Plan(size, unit, title, about, columns, tuple(rows), tuple(cells))


def render(sheet: Sheet) -> Image.Image:
    """Draw it, one picture in memory after the other."""
    where = plan(sheet)
    image = Image.new("RGB", where.size, PAPER)
    pen = ImageDraw.Draw(image)
    _write(pen, sheet.title, where.title, _title(where.unit), INK, bold=True)
    _write(pen, sheet.about, where.about, where.unit, MUTED)
    for heading, box in zip(sheet.columns, where.columns, strict=True):
        _head(pen, heading, box, where.unit, at_the_foot=True)
    for heading, box in zip(sheet.rows, where.rows, strict=True):
        _head(pen, heading, box, where.unit)
    for cell, box in zip(sheet.cells, where.cells, strict=True):
        _fill(image, pen, cell, box, where.unit)
    return image


def to_png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=4)
    return buffer.getvalue()


# --- pieces ----------------------------------------------------------------------------------------------------------


def _fill(image: Image.Image, pen: ImageDraw.ImageDraw, cell: Cell, box: Box, unit: int) -> None:
    """The picture in the middle of its place, never larger than it is."""
    picture = cell.open()
    if picture is None:
        pen.rectangle((box.left, box.top, box.left + box.width - 1, box.top + box.height - 1), fill=PLACE)
        size = max(10, unit - 2)
        edge = min(unit, box.width // 10)
        inner = Box(box.left + edge, box.top, max(1, box.width - 2 * edge), box.height)
        _write(pen, cell.said, inner, size, MUTED, most=min(REASON_LINES, box.height // _line(size)), centred=True)
        return
    scale = min(1.0, box.width / picture.width, box.height / picture.height)
    if scale < 1:
        size_in_box = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
        picture = picture.resize(size_in_box, Image.Resampling.LANCZOS, reducing_gap=3.0)
    corner = (box.left + (box.width - picture.width) // 2, box.top + (box.height - picture.height) // 2)
    image.paste(picture, corner, picture if picture.mode == "RGBA" else None)


def _head(pen: ImageDraw.ImageDraw, heading: Heading, box: Box, unit: int, *, at_the_foot: bool = False) -> None:
    """The label over the value: at the foot of a column's box, in the middle of a row's."""
    height = _heading_height(heading, box.width, unit)
    top = box.top + (box.height - height if at_the_foot else (box.height - height) // 2)
    if heading.label:
        small = Box(box.left, top, box.width, _line(_small(unit)))
        _write(pen, heading.label, small, _small(unit), MUTED, most=1)
        top += small.height
    _write(pen, heading.value, Box(box.left, top, box.width, box.top + box.height - top), unit, INK, bold=True, most=HEADING_LINES)


def _write(
    pen: ImageDraw.ImageDraw,
    text: str,
    box: Box,
    size: int,
    colour: str,
    *,
    bold: bool = False,
    most: int = TITLE_LINES,
    centred: bool = False,
) -> None:
    """Lines from the top of the box; `centred`: in its middle, both ways."""
    font, line = _font(size, bold=bold), _line(size)
    lines = _wrap(text, font, box.width, most)
    top = box.top + max(0, (box.height - len(lines) * line) // 2) if centred else box.top
    for words in lines:
        left = box.left + max(0, (box.width - int(font.getlength(words))) // 2) if centred else box.left
        pen.text((left, top + (line - size) // 2), words, font=font, fill=colour)
        top += line


def _heading_height(heading: Heading, width: int, unit: int) -> int:
    lines = len(_wrap(heading.value, _font(unit, bold=True), width, HEADING_LINES))
    return lines * _line(unit) + (_line(_small(unit)) if heading.label else 0)


def _side(rows: Sequence[Heading], cell_width: int, unit: int) -> int:
    """Pixels beside the pictures for the headings of rows, with the space after them: as much as they need, within reason."""
    if not rows:
        return 0
    needed = [_font(unit, bold=True).getlength(_plain(one.value)) for one in rows]
    needed += [_font(_small(unit)).getlength(_plain(one.label)) for one in rows]
    return unit + min(math.ceil(max(needed)) + 1, max(unit * 8, min(unit * 16, cell_width)))


def _title(unit: int) -> int:
    return unit * 3 // 2


def _small(unit: int) -> int:
    return max(11, unit * 4 // 5)


def _line(size: int) -> int:
    return math.ceil(size * 1.35)


# --- letters ---------------------------------------------------------------------------------------------------------


@cache
def _font(size: int, *, bold: bool = False) -> ImageFont.FreeTypeFont:
    folder = Path(settings.BASE_DIR) / "static" / "vendor" / "dejavu"
    return ImageFont.truetype(str(folder / f"DejaVuSans{'-Bold' if bold else ''}.ttf"), size, layout_engine=ImageFont.Layout.BASIC)


def _plain(text: str) -> str:
    """On one line, without what no font draws."""
    letters = (
        "" if unicodedata.category(c) in ("Cc", "Cs", "Co", "Cf") and not c.isspace() else c for c in unicodedata.normalize("NFC", text)
    )
    return " ".join("".join(letters).split())


def _wrap(text: str, font: ImageFont.FreeTypeFont, width: int, most: int) -> list[str]:
    """Lines that fit into `width` pixels; a word that is longer is broken, and the last of `most` lines may end with an ellipsis."""
    rest = _plain(text)[:2000]
    lines: list[str] = []
    while rest and len(lines) < most:
        fitting = _fitting(rest, font, width)
        if fitting < len(rest):
            space = rest.rfind(" ", 0, fitting + 1)
            fitting = space if space > 0 else fitting
        lines.append(rest[:fitting].rstrip())
        rest = rest[fitting:].lstrip()
    if rest and lines:
        last = lines[-1]
        while last and font.getlength(f"{last}…") > width:
            last = last[:-1].rstrip()
        lines[-1] = f"{last}…"
    return lines


def _fitting(text: str, font: ImageFont.FreeTypeFont, width: int) -> int:
    """How many letters of the text fit, at least one; by halving, for `getlength` reads all of what it measures."""
    low, high = 1, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if font.getlength(text[:middle]) <= width else (low, middle - 1)
    return low
