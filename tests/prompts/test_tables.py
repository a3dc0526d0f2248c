"""Tables as people bring them, and those that somebody made to hurt."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable
from datetime import date, datetime, time

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.prompts import tables
from studio.prompts.tables import Row, Table, TableError


def xlsx(*rows: list[object], more: Callable[[openpyxl.Workbook], object] = lambda _: None) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    more(book)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def changed(data: bytes, name: str, change: Callable[[bytes], bytes]) -> bytes:
    """The same archive with another content of one part."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.namelist():
            new.writestr(part, change(old.read(part)) if part == name else old.read(part))
    return out.getvalue()


SHEET = "xl/worksheets/sheet1.xml"


def values(table: Table) -> list[tuple[int, tuple[str, ...]]]:
    return [(row.number, tuple(row.cells.values())) for row in table.rows]


# --- text --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("between", ["\t", ",", ";"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_pasted_table(between: str, end: str) -> None:
    table = tables.from_text(end.join(between.join(row) for row in (["product", "Light"], ["a mug", "studio"], ["a pot", ""])) + end)

    assert table == Table(
        ("product", "Light"), (Row(2, {"product": "a mug", "Light": "studio"}), Row(3, {"product": "a pot", "Light": ""}))
    )


def test_blank_rows_count_but_are_not_there() -> None:
    assert values(tables.from_text("\n\na,b\n\n,\n1,2\n \n3,4\n\n")) == [(6, ("1", "2")), (8, ("3", "4"))]


def test_one_column_needs_no_quotation_marks() -> None:
    assert values(tables.from_text("subject\na cat, sitting; asleep\n")) == [(2, ("a cat, sitting; asleep",))]


def test_quoted_cells_hold_line_ends_and_quotation_marks() -> None:
    assert values(tables.from_text('a,b\n"1\r\n2","say ""hi"""\n')) == [(2, ("1\n2", 'say "hi"'))]


def test_the_first_row_of_excel_may_name_the_separator() -> None:
    assert values(tables.from_text("sep=;\na,x;b\n1;2\n")) == [(3, ("1", "2"))]


def test_short_rows_are_filled_and_long_ones_are_told() -> None:
    table = tables.from_text("a,b\n1\n1,2,3\n1,2,\n")

    assert values(table) == [(2, ("1", "")), (3, ("1", "2")), (4, ("1", "2"))]
    assert [row.problem for row in table.rows] == [
        "",
        "This row has more cells than there are columns (2). Put a cell with a comma in it into quotation marks.",
        "",
    ]


def test_a_long_cell_spoils_only_its_row() -> None:
    table = tables.from_text(f"a,b\n{'x' * 5001},2\n1,2\n")

    assert [row.problem for row in table.rows] == ["“a” has 5,001 characters; at most 5,000 fit. Shorten it.", ""]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "This table is empty."),
        (" \n,,\n", "This table is empty."),
        ("a,b\n", "There is only a row with names of columns."),
        ("a,b,A\n1,2,3\n", "Two columns are called “a”."),
        ("a,,b\n1,2,3\n", "Column 2 has no name."),
        (",".join(f"c{n}" for n in range(61)) + "\n1\n", "There are more than 60 columns."),
        ("a\n" + "1\n" * 501, "There are 501 rows; at most 500 fit"),
        ("a\n" + "1\n\n" * 4000, "There are 4,000 rows; at most 500 fit"),
        ("a\n1\n" + "\n" * 10_000, "This table goes on below row 10,000."),
        ('a,b\n"1,2\n3,4\n', "A quotation mark has no second one"),
        ('a,b\n"1"x,2\n', "A quotation mark has no second one"),
        ("a,b\n" + "x" * 140_000 + ",1\n", "A cell is too long (line 2)."),
        ("x" * 81 + ",b\n1,2\n", "is too long for the name of a column."),
        ("x" * (tables.MAX_FILE + 1), "This is a very long text"),
    ],
)
def test_a_table_that_is_none(text: str, sentence: str) -> None:
    with pytest.raises(TableError) as refused:
        tables.from_text(text)

    assert sentence in str(refused.value)


def test_a_column_without_a_name_and_without_content_is_left_out() -> None:
    assert tables.from_text("a,,b,,\n1,,3,,\n").header == ("a", "b")


CELL = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Cs", "Zl", "Zp", "Zs"]), min_size=1, max_size=12)


@given(st.lists(st.tuples(CELL, CELL), min_size=1, max_size=8), st.sampled_from("\t,;"))
def test_what_csv_writes_is_read(rows: list[tuple[str, str]], between: str) -> None:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=between).writerows([("one", "two"), *rows])

    table = tables.from_csv(out.getvalue().encode())

    assert values(table) == [(number, tuple(map(tables.tidy.text, row))) for number, row in enumerate(rows, 2)]


@given(st.text(max_size=200))
def test_any_text_is_a_table_or_refused(text: str) -> None:
    try:
        table = tables.from_text(text)
    except TableError as error:
        said = str(error)
    else:
        said = "."
        assert all(set(row.cells) == set(table.header) for row in table.rows)
    assert said


# --- files -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ("a,b\n1,2\n".encode("utf-16"), "This file is in UTF-16."),
        ("a,b\n1,2\n".encode("utf-16-le"), "This file looks like UTF-16."),
        ("a,b\n1,é\n".encode("latin-1"), "This file is not in UTF-8: line 2 has"),
        (b"\xd0\xcf\x11\xe0 old excel", "This is an old Excel file, or one with a password."),
        (b"\x89PNG\r\n", "This is a picture"),
        (b"<!DOCTYPE html><p>", "This is a web page"),
        (b"a,b\n\0\x01\x02,2\n", "This is not a text file."),
        (b"", "This file is empty."),
        (b"x" * (tables.MAX_FILE + 1), "This file has 5.0 MB; at most 5 MB are read."),
        (b"PK\x03\x04 nonsense", "This file cannot be read as a spreadsheet."),
    ],
)
def test_a_file_that_is_no_table(data: bytes, sentence: str) -> None:
    with pytest.raises(TableError) as refused:
        tables.from_file(data)

    assert sentence in str(refused.value)


def test_the_mark_before_utf_8_is_no_part_of_a_name() -> None:
    assert tables.from_file("\ufeffa,b\n1,é\n".encode()).rows == (Row(2, {"a": "1", "b": "é"}),)


# --- spreadsheets --------------------------------------------------------------------------------------------------------


def test_a_spreadsheet_is_read_as_people_see_it() -> None:
    def formats(book: openpyxl.Workbook) -> None:
        book.active["A5"].number_format, book.active["B5"].number_format = "0%", "000"

    data = xlsx(
        ["one", "two"],
        [3, 0.1 + 0.2],
        [date(2026, 1, 2), datetime(2026, 1, 2, 3, 4)],
        [True, time(5, 6, 7)],
        [0.5, 7],
        [12345678901, 3.0],
        [None, None],
        [" x ", -1.50],
        more=formats,
    )

    assert values(tables.from_file(data)) == [
        (2, ("3", "0.3")),
        (3, ("2026-01-02", "2026-01-02 03:04")),
        (4, ("TRUE", "05:06:07")),
        (5, ("50%", "007")),
        (6, ("12345678901", "3")),
        (8, ("x", "-1.5")),
    ]


def test_blank_rows_of_a_sheet_keep_their_numbers() -> None:
    data = xlsx([], ["a", "b"], [], ["1", "2"])

    assert values(tables.from_file(data)) == [(4, ("1", "2"))]


def test_only_the_first_sheet_in_sight_is_read() -> None:
    def more(book: openpyxl.Workbook) -> None:
        book.active.sheet_state = "hidden"
        for name in ("Mugs", "Pots"):
            book.create_sheet(name).append(["a"])
            book[name].append([name])

    table = tables.from_file(xlsx(["x"], ["hidden"], more=more))

    assert values(table) == [(2, ("Mugs",))]
    assert table.notes == ("Only the sheet “Mugs” was read; the file has 1 more.",)


def test_an_error_of_a_formula_is_told_at_its_row() -> None:
    data = changed(
        xlsx(["a"], [1]), SHEET, lambda sheet: sheet.replace(b'<c r="A2" t="n"><v>1</v></c>', b'<c r="A2" t="e"><v>#REF!</v></c>')
    )

    assert tables.from_file(data).rows[0].problem == "“a” has the error #REF!. Mend its formula, and choose the file again."


def test_a_cell_far_away_does_no_harm() -> None:
    far = b'<row r="1048576"><c r="XFD1048576" t="n"><v>1</v></c></row></sheetData>'

    with pytest.raises(TableError, match="goes on below row 10,000"):
        tables.from_file(changed(xlsx(["a"], [1]), SHEET, lambda sheet: sheet.replace(b"</sheetData>", far)))


def test_entities_are_not_expanded() -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]>'
    used = b'<row r="3"><c r="A3" t="inlineStr"><is><t>&b;</t></is></c></row></sheetData>'
    outside = b'<!DOCTYPE x [<!ENTITY b SYSTEM "file:///etc/passwd">]>'
    for head in (bomb, outside):
        data = changed(xlsx(["a"], [1]), SHEET, lambda sheet, head=head: head + sheet.replace(b"</sheetData>", used))
        with pytest.raises(TableError, match="cannot be read as a spreadsheet"):
            tables.from_file(data)


def test_what_unpacks_to_too_much_is_not_unpacked() -> None:
    data = changed(xlsx(["a"], [1]), SHEET, lambda sheet: sheet + b" " * tables.MAX_UNPACKED)

    assert len(data) < 100_000
    with pytest.raises(TableError, match="too large once it is unpacked"):
        tables.from_file(data)


def test_an_archive_of_something_else() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("hello.txt", "hello")

    with pytest.raises(TableError, match="no spreadsheet"):
        tables.from_file(out.getvalue())


WHOLE = xlsx(["a", "b"], [1, "x"], [2.5, date(2026, 1, 2)])
PARTS = ["xl/workbook.xml", "xl/styles.xml", "xl/sharedStrings.xml", "[Content_Types].xml", "xl/_rels/workbook.xml.rels", SHEET]


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(PARTS), st.integers(0, 3000), st.binary(max_size=6), st.integers(0, 40))
def test_a_damaged_spreadsheet_is_read_or_refused(part: str, at: int, put: bytes, lost: int) -> None:
    damaged = changed(WHOLE, part, lambda content: content[: at % len(content)] + put + content[at % len(content) + lost :])
    try:
        said = repr(tables.from_file(damaged))
    except TableError as error:
        said = str(error)
    assert said


@settings(max_examples=100, deadline=None)
@given(st.integers(4, len(WHOLE) - 1), st.integers(0, 255))
def test_a_damaged_archive_is_read_or_refused(at: int, byte: int) -> None:
    try:
        said = repr(tables.from_file(WHOLE[:at] + bytes([byte]) + WHOLE[at + 1 :]))
    except TableError as error:
        said = str(error)
    assert said
