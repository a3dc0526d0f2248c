"""AUTOMATIC1111's `styles.csv`, read as its modules/styles.py does: name, prompt, negative_prompt; old files call the prompt text."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence

from studio.prompts.exchange.emphasis import from_a1111, to_a1111
from studio.prompts.exchange.records import MAX_ENTRIES, ExchangeError, Imported, Template
from studio.prompts.exchange.styles import flat, imported, twice_named

COLUMNS = ("name", "prompt", "negative_prompt")
PROMPTS = ("prompt", "text", "positive_prompt")
NEGATIVES = ("negative_prompt", "negative prompt", "negative")

_FORMULA = re.compile(r"'*[=+\-@\t\r＝＋－＠]")
"""How a cell begins that a spreadsheet would run, with or without an apostrophe before it."""


def header_of(text: str) -> list[str]:
    """The names of the columns, in small letters."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    return [name.strip().strip('"').strip().casefold() for name in re.split(r"[,;]", first)]


def is_styles(text: str) -> bool:
    header = header_of(text)
    return "name" in header and any(name in header for name in PROMPTS)


def read(text: str) -> list[Imported]:
    first = next(line for line in text.splitlines() if line.strip())
    rows = _rows(text, ";" if ";" in first and "," not in first else ",")
    header = header_of(text)
    found: list[Imported] = []
    began = False
    for number, row in rows:
        if isinstance(row, str):
            found.append(Imported(number, "", problems={"": row}))
        elif any(cell.strip() for cell in row) and began:
            found.append(_entry(number, [_bare(cell) for cell in row], header))
        began = began or bool(isinstance(row, str) or any(cell.strip() for cell in row))
        if len(found) > MAX_ENTRIES:
            raise ExchangeError(f"This file has more than {MAX_ENTRIES} styles. Split it.")
    if not found:
        raise ExchangeError("This file has names of columns, but no styles below them.")
    return twice_named(found)


def _rows(text: str, delimiter: str) -> Iterator[tuple[int, list[str] | str]]:
    """Rows with their numbers; a sentence instead of a row that cannot be read."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True)
    number = 0
    while True:
        number += 1
        began = reader.line_num + 1
        try:
            yield number, next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            if "unexpected end" in str(error):
                yield number, f"Line {began:,} opens a quotation mark that is never closed, so nothing from there on could be read."
            elif "limit" in str(error):
                yield number, f"Line {began:,} has a cell that is far too long."
            else:
                yield number, f"Line {reader.line_num:,} has a quotation mark in the wrong place. Inside quotation marks, write them twice."


def _entry(number: int, row: Sequence[str], header: Sequence[str]) -> Imported:
    cells = dict(zip(header, row, strict=False))
    prompt, negative = (next((cells[name] for name in names if name in cells), "") for names in (PROMPTS, NEGATIVES))
    more = [name for name, cell in cells.items() if cell.strip() and name not in ("name", *PROMPTS, *NEGATIVES)]
    notes = [f"The column “{name}” was left out." for name in more]
    if any(cell.strip() for cell in row[len(header) :]):
        return Imported(
            number,
            cells.get("name", "").strip(),
            problems={"": f"Row {number} has more cells than there are columns. Put a text with a comma in it into quotation marks."},
        )
    return imported(number, cells.get("name", ""), prompt, negative, convert=from_a1111, notes=notes, editing=True)


def write(templates: Sequence[Template]) -> bytes:
    """A cell that a spreadsheet would take for a formula gets an apostrophe before it, which `read` takes off again."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for template in templates:
        writer.writerow([_safe(cell) for cell in (template.name, *flat(template.content, to_a1111))])
    return out.getvalue().encode("utf-8-sig")


def _safe(cell: str) -> str:
    return f"'{cell}" if _FORMULA.match(cell) else cell


def _bare(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell
