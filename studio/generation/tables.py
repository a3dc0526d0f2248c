"""A batch from a table: what its columns mean, and a job of each row, or what is wrong with it."""

from __future__ import annotations

import csv
import difflib
import io
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import Any

from django.forms import BooleanField, ChoiceField

from billing.exports import plain
from studio.generation.forms import GenerationForm
from studio.generation.forms.wording import FIELD, SECTION
from studio.generation.recipes import Made, Recipe, seed_of
from studio.prompts.content import Content
from studio.prompts.decoding import NotText, decoded
from studio.prompts.fields import Field
from studio.prompts.tables import Row, Table, TableError, from_file, from_text

ALSO = {
    "images": "num_images",
    "pictures": "num_images",
    "count": "num_images",
    "how many": "num_images",
    "shape": "size",
    "negative prompt": "negative_prompt",
    "negative": "negative_prompt",
    "leave out": "negative_prompt",
}
"""Other names of columns, in small letters."""
HIDDEN = frozenset(("idempotency_key", "engine", "mode", "source", "template"))
"""Fields of the form that no column stands for."""
ZIP = b"PK\x03\x04"
"""How an XLSX file begins."""
NO_TEXTS = frozenset(
    (".xlsx", ".xlsm", ".ods", ".png", ".jpg", ".jpeg", ".webp", ".gif", ".heic", ".avif", ".svg", ".bmp", ".tif", ".tiff")
)
"""Names of files end so that hold no table as text, whatever is in them."""
EXAMPLES = ("a red sailboat on a calm sea", "a lighthouse at dusk")
TOO_MANY = 5
"""So many unknown columns are named."""


@dataclass(frozen=True, slots=True)
class Column:
    """`name` is that of a field of `GenerationForm`, `header` what the table calls it."""

    header: str
    name: str


@dataclass(frozen=True, slots=True)
class Checked:
    """A row and the job it would be; `problems` are sentences."""

    row: Row
    made: Made
    problems: tuple[str, ...] = ()

    @property
    def is_good(self) -> bool:
        return not self.problems

    @property
    def said(self) -> str:
        """The row as somebody wrote it, on one line."""
        return " · ".join(cell for cell in self.row.cells.values() if cell)


@dataclass(slots=True)
class Check:
    """A table that was looked at. `problems` are those of the whole table: with one of them nothing is made."""

    rows: list[Checked] = field(default_factory=list)
    columns: list[Column] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def good(self) -> list[Checked]:
        return [one for one in self.rows if one.is_good]

    @property
    def bad(self) -> list[Checked]:
        return [one for one in self.rows if not one.is_good]

    @property
    def axes(self) -> dict[str, list[int]]:
        """For `Batch.axes`."""
        return {"rows": [one.row.number for one in self.good], "left_out": [one.row.number for one in self.bad]}

    def without(self, refused: Mapping[int, str]) -> Check:
        """The same with sentences on some of those that were good, by their places among them."""
        good = self.good
        told = {id(good[place]): said for place, said in refused.items()}
        rows = [replace(one, problems=(told[id(one)],)) if id(one) in told else one for one in self.rows]
        return replace(self, rows=rows)


# --- the text --------------------------------------------------------------------------------------------------------


def text_of_file(data: bytes, name: str = "") -> tuple[str, list[str]]:
    """A CSV file as it is; of a spreadsheet its rows as text, each where it was, so that one can go on in the page. And what was not read.

    Raises `TableError`, as well for a file of another kind than its `name` says.
    """
    suffix = PurePath(name).suffix.lower()
    if suffix in NO_TEXTS and _is_text(data):
        raise TableError(f"This file is called {suffix}, but is no spreadsheet. Save the table as .xlsx or .csv, and choose that file.")
    table = from_file(data)
    if not data.startswith(ZIP):
        return decoded(data), list(table.notes)
    sink = io.StringIO()
    write = csv.writer(sink, delimiter="\t", lineterminator="\n").writerow
    write(table.header)
    line = 1
    for row in table.rows:
        for _ in range(line + 1, row.number):
            write(())
        # What is wrong with a row of the file is wrong with the text, too.
        write([*(row.cells[name] for name in table.header), *(["…"] if row.problem else [])])
        line = max(row.number, line + 1)
    return sink.getvalue(), list(table.notes)


def _is_text(data: bytes) -> bool:
    try:
        decoded(data)
    except NotText:
        return False
    return not data.startswith(ZIP)


def example(content: Content | None, form: GenerationForm) -> bytes:
    """A CSV file to start from: two rows that are right, with a column for every field."""
    seed = ["seed"] if "seed" in form.fields and (content is None or content.may_change("seed")) else []
    if content is None:
        prompts = [*form.engine.examples, *EXAMPLES][:2]
        rows = [["prompt", *seed], *([words, *(str(number + 1) for _ in seed)] for number, words in enumerate(prompts))]
    else:
        rows = [[one.name for one in content.fields] + seed]
        rows += [[_sample(one, turn) for one in content.fields] + [str(turn + 1) for _ in seed] for turn in range(2)]
    sink = io.StringIO()
    csv.writer(sink).writerows([[plain(cell) for cell in row] for row in rows])
    return b"\xef\xbb\xbf" + sink.getvalue().encode()


def _sample(one: Field, turn: int) -> str:
    if one.choices:
        return one.choices[turn % len(one.choices)]
    if one.type == "yes_no":
        return ("yes", "no")[turn % 2]
    if one.type == "number":
        return str(one.default if one.default is not None else one.minimum if one.minimum is not None else 1)
    if one.type == "colour":
        return str(one.default or ("#d4a017", "#1f4e79")[turn % 2])
    return str(one.default or f"{one.title.lower()} {turn + 1}")


# --- the columns -----------------------------------------------------------------------------------------------------


def known_columns(content: Content | None, form: GenerationForm) -> list[tuple[str, str, bool]]:
    """What a table may have: name, label, and whether it must be there. Fields first, or the prompt; then settings."""
    needed = [(one.name, one.title, one.required and one.default in (None, "", ())) for one in content.fields] if content else []
    if content is None:
        needed = [("prompt", "Prompt", True)]
    others = [name for name in ("negative_prompt", *form.settings) if name in form.fields and not form.fields[name].disabled]
    return needed + [(name, str(form.fields[name].label or name), False) for name in others]


def columns_of(header: Sequence[str], content: Content | None, form: GenerationForm) -> Check:
    """What the columns stand for, with what is to be said of the others."""
    found = Check()
    known = _names(content, form)
    unknown: list[str] = []
    for header_name in header:
        name = known.get(header_name.casefold(), "")
        if not name:
            unknown.append(header_name)
        elif form.fields[name].disabled:
            found.notes.append(f"The template fixes “{header_name}”: that column is not used.")
        elif any(one.name == name for one in found.columns):
            found.problems.append(f"Column “{header_name}” stands for the same as another one. Take one of them out.")
        else:
            found.columns.append(Column(header_name, name))
    if unknown:
        found.notes.append(_unknown(unknown, known))
    found.problems += _missing(content, {one.name for one in found.columns})
    return found


def _missing(content: Content | None, has: Collection[str]) -> Iterator[str]:
    if content is None:
        if "prompt" not in has:
            yield "The table has no column “prompt”. Name one so in the first row, or choose a template."
        return
    for one in content.fields:
        if one.required and one.default in (None, "", ()) and one.type != "yes_no" and f"{FIELD}{one.name}" not in has:
            yield f"The template needs a column “{one.name}” ({one.title}), and the table has none."


def _names(content: Content | None, form: GenerationForm) -> dict[str, str]:
    """The fields of the form by all that a column may be called, in small letters. Fields of the template come before settings."""
    found: dict[str, str] = {}
    for name, bound in form.fields.items():
        if name not in HIDDEN and name not in form.inputs.by_name and not name.startswith((FIELD, SECTION)):
            found |= dict.fromkeys((name.casefold(), str(bound.label or name).casefold()), name)
    found |= {also: name for also, name in ALSO.items() if name in form.fields}
    for one in content.fields if content else ():
        found[one.title.casefold()] = f"{FIELD}{one.name}"
    for one in content.fields if content else ():
        found[one.name.casefold()] = f"{FIELD}{one.name}"
    return found


def _unknown(names: Sequence[str], known: Mapping[str, object]) -> str:
    told = ", ".join(f"“{name}”" for name in names[:TOO_MANY]) + (f" and {len(names) - TOO_MANY} more" if len(names) > TOO_MANY else "")
    near = difflib.get_close_matches(names[0].casefold(), list(known), 1, 0.75)
    meant = f" Did you mean “{near[0]}”?" if near else ""
    if len(names) == 1:
        return f"Column {told} is no field and no setting: it is not used.{meant}"
    return f"Columns {told} are no fields and no settings: they are not used.{meant}"


# --- the rows --------------------------------------------------------------------------------------------------------


def check(text: str, recipe: Recipe, form: GenerationForm, *, key: str) -> Check:
    """Look at every row. One without a seed has the page's, else one of its own that is drawn from the page's `key`."""
    try:
        table = from_text(text)
    except TableError as error:
        return Check(problems=[str(error)])
    return check_table(table, recipe, form, key=key)


def check_table(table: Table, recipe: Recipe, form: GenerationForm, *, key: str) -> Check:
    found = columns_of(table.header, recipe.content, form)
    found.notes[:0] = table.notes
    if found.problems:
        return found
    common = str(recipe.values.get("seed") or "")
    for place, row in enumerate(table.rows):
        own = {"seed": common or str(seed_of(key, place, recipe.engine)), **_own(row, found.columns, form)}
        made = recipe.make(own)
        problems = [*([row.problem] if row.problem else []), *made.problems.values()]
        found.rows.append(Checked(row, made, tuple(dict.fromkeys(problems))))
    return found


def _own(row: Row, columns: Iterable[Column], form: GenerationForm) -> dict[str, Any]:
    """What a row has instead of what is common. An empty cell is as if its column were not there, but for the prompt."""
    return {
        column.name: _setting(form, column.name, words)
        for column in columns
        if (words := row.cells[column.header]) or column.name == "prompt"
    }


def _setting(form: GenerationForm, name: str, words: str) -> str:
    """What the form takes, for what people write: `On` for true, `16:9` for a size, a choice by its label."""
    bound = form.fields[name]
    folded = words.casefold()
    if name == "size":
        folded = folded.replace(" ", "").replace("×", "x")
        return next((one.value for one in form.size_choices if folded in (one.value, one.label)), words)
    if isinstance(bound, ChoiceField):
        choices: Any = bound.choices
        said = ((str(value), str(label)) for value, label in choices)
        return next((value for value, label in said if folded in (value.casefold(), label.casefold())), words)
    if isinstance(bound, BooleanField):
        return "true" if folded in ("yes", "y", "true", "1", "on", "x") else "false"
    return words
