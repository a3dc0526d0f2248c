"""A table of values: pasted from a spreadsheet, or a CSV or XLSX file. The first row that is not blank names the columns.

XLSX is read by openpyxl in its streaming mode with defusedxml under it. (python-calamine is faster, but keeps a sheet as one block: a file
of 5 kB with a cell in the last row and column makes it ask for 512 GB, and the process dies.)
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from decimal import Decimal
from itertools import islice
from typing import Any

from studio.prompts import tidy
from studio.prompts.decoding import NotText, decoded

MAX_ROWS = 500
MAX_COLUMNS = 60
MAX_CELL = 5000
"""Characters of a cell."""
MAX_FILE = 5 * 1024 * 1024
"""Bytes of a file, and characters of a pasted text."""
MAX_UNPACKED = 30 * 1024 * 1024
"""Bytes of all that an XLSX file holds."""
MAX_PARTS = 1000
MAX_SCANNED = 10_000
"""Rows, blank ones too, that are looked through for those that are not."""

_BROKEN = (ArithmeticError, AttributeError, EOFError, LookupError, OSError, RuntimeError, SyntaxError, TypeError, ValueError)
"""What openpyxl raises for files that somebody or something has damaged, beside what zip files raise themselves."""
_FORMAT = re.compile(r"(0+)(?:\.(0+))?(%)?")
_NO_DELIMITER = "\x1f"

Cells = Sequence[str]


class TableError(ValueError):
    """The sentence says what is wrong with the whole table, and what to do."""


@dataclass(frozen=True, slots=True)
class Row:
    """`number` is the row's own in the file, counted from 1. `cells` has every column, tidied; what is blank is an empty text.

    `problem` is a sentence when the row cannot be what somebody meant; its cells are there all the same.
    """

    number: int
    cells: Mapping[str, str]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """`notes` say what was not read."""

    header: tuple[str, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()


def from_file(data: bytes) -> Table:
    """Of an XLSX file, or of a CSV file in UTF-8. Raises `TableError`."""
    return from_xlsx(data) if data.startswith(b"PK\x03\x04") else from_csv(data)


def from_csv(data: bytes) -> Table:
    """Separated by commas, semicolons or tabs. Raises `TableError`."""
    if len(data) > MAX_FILE:
        raise TableError(f"This file has {len(data) / 1024**2:.1f} MB; at most {MAX_FILE // 1024**2} MB are read. Split it.")
    try:
        return from_text(decoded(data))
    except NotText as error:
        raise TableError(str(error)) from None


def from_text(text: str) -> Table:
    """As it is copied from a spreadsheet (tabs), or written with commas or semicolons. Raises `TableError`."""
    if len(text) > MAX_FILE:
        raise TableError(f"This is a very long text ({len(text):,} characters); at most {MAX_FILE:,} are read. Split it.")
    delimiter, skipped = _delimiter(text)
    reader = csv.reader(io.StringIO(text.replace("\0", " "), newline=""), delimiter=delimiter, strict=True)
    try:
        return _table((number, cells) for number, cells in enumerate(reader, 1) if number > skipped)
    except csv.Error as error:
        said = "A cell is too long" if "limit" in str(error) else "A quotation mark has no second one, or stands in the wrong place"
        raise TableError(f'{said} (line {reader.line_num:,}). Inside quotation marks, write them twice: “a ""big"" mug”.') from None


def from_xlsx(data: bytes) -> Table:
    """The first sheet that is not hidden, with the results of formulas. Raises `TableError`."""
    if len(data) > MAX_FILE:
        raise TableError(f"This file has {len(data) / 1024**2:.1f} MB; at most {MAX_FILE // 1024**2} MB are read. Split it.")
    import openpyxl  # loads NumPy where that is installed, and a web process does well without it until somebody brings such a file

    try:
        _check_parts(data)
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
        sheets = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
        if not sheets:
            raise TableError("This file has no sheet that could be read.")
        sheets[0].reset_dimensions()  # some programs write a size into the file that is not its own
        rows = sheets[0].iter_rows(max_col=MAX_COLUMNS + 1)
        found = _table((number, [_seen(cell) for cell in row]) for number, row in enumerate(rows, 1))
    except TableError:
        raise
    except (*_BROKEN, zipfile.BadZipFile, zlib.error):
        raise TableError("This file cannot be read as a spreadsheet. Open it, save it as .xlsx again, or save it as CSV.") from None
    if len(sheets) == 1:
        return found
    return Table(
        found.header, found.rows, (f"Only the sheet “{tidy.line(sheets[0].title)}” was read; the file has {len(sheets) - 1} more.",)
    )


def _check_parts(data: bytes) -> None:
    """Nothing is unpacked that would fill the memory: a part never gives more than the size that its entry tells."""
    with zipfile.ZipFile(io.BytesIO(data)) as parts:
        entries = parts.infolist()
        if len(entries) > MAX_PARTS or sum(entry.file_size for entry in entries) > MAX_UNPACKED:
            raise TableError("This file is too large once it is unpacked. Copy the rows that you need into a new one.")
        if "xl/workbook.xml" not in parts.namelist():
            raise TableError("This is a ZIP archive, but no spreadsheet. Choose an .xlsx or a CSV file.")


def _delimiter(text: str) -> tuple[str, int]:
    """What stands between cells, and how many rows only say so (`sep=;`, which Excel writes first)."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    if said := re.fullmatch(r"\ufeff?\"?sep=([,;\t|])\"?", first.strip(" ")):
        return said[1], 1
    bare = re.sub(r'"[^"]*"', "", first)
    most = max("\t;,", key=bare.count)
    return (most if bare.count(most) else _NO_DELIMITER), 0


def _table(numbered: Iterable[tuple[int, Cells]]) -> Table:
    rows = _filled(numbered)
    number, names = next(rows, (0, ()))
    if not number:
        raise TableError("This table is empty. Its first row has to name the columns, and each row below it is one picture.")
    header = _header([tidy.line(name) for name in names])
    found = [_row(number, cells, header) for number, cells in islice(rows, MAX_ROWS + 1)]
    if not found:
        raise TableError("There is only a row with names of columns. Add at least one row below it.")
    if len(found) > MAX_ROWS:
        count = len(found) + sum(1 for _ in rows)
        raise TableError(f"There are {count:,} rows; at most {MAX_ROWS} fit into a table. Split them into several.")
    unnamed = next((place for place, name in enumerate(header) if not name and any(row.cells[""] for row in found)), None)
    if unnamed is not None:
        raise TableError(f"Column {unnamed + 1} has no name. Write one into its first row, or delete the column.")
    named = tuple(name for name in header if name)
    return Table(named, tuple(Row(row.number, {name: row.cells[name] for name in named}, row.problem) for row in found))


def _filled(numbered: Iterable[tuple[int, Cells]]) -> Iterator[tuple[int, Cells]]:
    for number, cells in numbered:
        if number > MAX_SCANNED:
            raise TableError(f"This table goes on below row {MAX_SCANNED:,}. Copy the rows that you need into a new one.")
        if any(cell.strip() for cell in cells):
            yield number, cells


def _header(names: list[str]) -> tuple[str, ...]:
    while names and not names[-1]:
        names.pop()
    if len(names) > MAX_COLUMNS:
        raise TableError(f"There are more than {MAX_COLUMNS} columns. Delete those that are not needed.")
    if long := next((name for name in names if len(name) > 80), ""):
        raise TableError(f"“{long[:40]}…” is too long for the name of a column. The first row has to name the columns.")
    spelled = [name.casefold() for name in names if name]
    if twice := next((name for place, name in enumerate(spelled) if name in spelled[:place]), ""):
        raise TableError(f"Two columns are called “{twice}”. Give one of them another name, or delete it.")
    return tuple(names)


def _row(number: int, cells: Cells, header: Cells) -> Row:
    """Columns without a name are kept together under none: whether anything stands there is all that matters."""
    tidied = [tidy.text(cell) for cell in cells]
    problem = ""
    if any(tidied[len(header) :]):
        problem = f"This row has more cells than there are columns ({len(header)}). Put a cell with a comma in it into quotation marks."
    found: dict[str, str] = {}
    for place, name in enumerate(header):
        words = tidied[place] if place < len(tidied) else ""
        if len(words) > MAX_CELL:
            problem = problem or f"“{name}” has {len(words):,} characters; at most {MAX_CELL:,} fit. Shorten it."
            words = words[:MAX_CELL]
        if words.startswith("#") and words.rstrip("!?").upper() in ("#REF", "#VALUE", "#NAME", "#DIV/0", "#N/A", "#NUM", "#NULL", "#SPILL"):
            problem = problem or f"“{name}” has the error {words}. Mend its formula, and choose the file again."
        found[name] = (found.get("", "") or words) if not name else words
    return Row(number, found, problem)


def _seen(cell: Any) -> str:
    """A cell as people see it: 3 and not 3.0, 50% and not 0.5, days and hours as in ISO 8601."""
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        return _number(value, str(cell.number_format or ""))
    if isinstance(value, datetime) and value.time() == time():
        return value.date().isoformat()
    if isinstance(value, datetime):
        return value.replace(microsecond=0).isoformat(" ", "seconds" if value.second else "minutes")
    if isinstance(value, time):
        return value.replace(microsecond=0).isoformat("seconds" if value.second else "minutes")
    return str(value)


def _number(value: float, shape: str) -> str:
    """With 15 digits, as spreadsheets count; `shape` is the cell's number format, of which zeros and per cent are heard."""
    number = Decimal(value) if isinstance(value, int) else Decimal(f"{value:.15g}")
    if not number.is_finite():
        return str(value)
    asked = _FORMAT.fullmatch(shape)
    if not asked:
        written = format(number, "f")
        return written.rstrip("0").rstrip(".") if "." in written else written
    whole, places, percent = asked.groups()
    shown = number * 100 if percent else number
    width = len(whole) + (len(places) + 1 if places else 0) + (1 if shown < 0 else 0)
    return f"{shown:0{width}.{len(places or '')}f}{percent or ''}"
