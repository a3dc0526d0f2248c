"""Files of other programs and our own: what comes in, what goes out, and what is said of the rest."""

from __future__ import annotations

import base64
import csv
import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.prompts import exchange
from studio.prompts.content import Content, Field, Negative, Section
from studio.prompts.exchange import ExchangeError, Format, Imported, Older, Picture, Template


def styles(*rows: tuple[str, ...], header: tuple[str, ...] = ("name", "prompt", "negative_prompt")) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out).writerows([header, *rows])
    return out.getvalue().encode()


def one(data: bytes | object, filename: str = "") -> Imported:
    entries = exchange.read(data if isinstance(data, bytes) else json.dumps(data).encode(), filename)
    assert len(entries) == 1
    return entries[0]


def content(entry: Imported) -> Content:
    assert entry.template is not None, entry.problems
    return entry.template.content


SUBJECT = Field("subject", "Subject", "long_text", help="What the picture shows.", required=True)


# --- AUTOMATIC1111 -------------------------------------------------------------------------------------------------------


def test_a_style_becomes_a_template_with_one_required_field() -> None:
    entry = one(styles(("Ink", "ink drawing of {prompt}, black and white", "colour, photo")))

    assert entry == Imported(
        2,
        "Ink",
        Template(
            "Ink",
            Content(
                (Section("prompt", "ink drawing of {subject}, black and white"),),
                Negative("colour, photo"),
                (SUBJECT,),
                changeable=("engine", "mode", "seed"),
            ),
        ),
    )
    assert content(entry).problems() == {}


def test_a_style_without_a_placeholder_comes_after_what_is_typed() -> None:
    entry = one(styles(("Ink", "ink drawing", "")))

    assert content(entry).composed == "{subject}, ink drawing"
    assert entry.notes == ("The style has no {prompt}, so what is typed comes before it.",)


def test_old_files_marks_quotes_and_line_ends() -> None:
    data = b'\xef\xbb\xbfname, text\r\nOld,"a ""big"" {prompt},\r\nold"\r\n\r\nNew, {prompt} new\r\n'
    entries = exchange.read(data, "styles.csv")

    assert [(entry.number, entry.name, content(entry).composed) for entry in entries] == [
        (2, "Old", 'a "big" {subject},\nold'),
        (4, "New", "{subject} new"),
    ]


def test_semicolons_of_excel() -> None:
    assert content(one(b"name;prompt;negative_prompt\r\nInk;ink {prompt};photo\r\n")).negative.text == "photo"


def test_one_bad_entry_spoils_no_other() -> None:
    data = styles(
        ("Good", "a {prompt}", ""),
        ("", "nameless", ""),
        ("--- Drawings ---", "", ""),
        ("Long", "x" * 10_001, ""),
        ("More", "a", "b", "c"),
        ("Good", "again {prompt}", "", ""),
    )
    data += b'"Odd" name,x,y\r\nFine,{prompt} fine,\r\n"Open,{prompt},\r\nLost,{prompt},\r\n'

    entries = exchange.read(data)

    assert [(entry.number, entry.name, entry.template is not None) for entry in entries] == [
        (2, "Good", True),
        (3, "", False),
        (4, "--- Drawings ---", False),
        (5, "Long", False),
        (6, "More", False),
        (7, "Good", True),
        (8, "", False),
        (9, "Fine", True),
        (10, "", False),
    ]
    assert [list((entry.problems or {}).values()) for entry in entries if entry.problems] == [
        ["This entry has no name."],
        ["This entry is empty: it has neither a prompt nor anything to leave out."],
        ["“prompt” has 10,001 characters; at most 10,000 fit. Shorten it."],
        ["Row 6 has more cells than there are columns. Put a text with a comma in it into quotation marks."],
        ["Line 8 has a quotation mark in the wrong place. Inside quotation marks, write them twice."],
        ["Line 10 opens a quotation mark that is never closed, so nothing from there on could be read."],
    ]
    assert entries[5].notes == ("The file has another of this name above.",)


def test_what_is_not_kept_is_said() -> None:
    entry = one(
        styles(
            ("Many", "((big)) {prompt}, [day:night:0.5], <lora:x:1>, __artist__, {mood}", "", "mine"),
            header=("name", "prompt", "negative_prompt", "author"),
        )
    )

    assert content(entry).composed == "(big:1.21) {subject}, [day:night:0.5], <lora:x:1>, __artist__, {mood}"
    assert entry.notes == (
        "The column “author” was left out.",
        "Weights are written out here: (this:1.1) instead of brackets alone.",
        "Square brackets that change words half-way ([from:to:0.5], [one|other]) are not known here and stay as words.",
        "Tags like <lora:…> do nothing here. Take them out.",
        "It takes lines from the word lists __artist__.",
        "{mood} is no field and stays in the prompt as written. Add a field, or take it out.",
    )


def test_a_long_name_is_cut() -> None:
    entry = one(styles(("x" * 121, "{prompt}", "")))

    assert (len(entry.name), entry.notes) == (120, ("The name was cut to 120 characters.",))


FORMULAS = ["=1+1", "+1", "-1", "@SUM", "'=1+1", "''@x", "＝1", "'quoted", "plain"]


def test_cells_that_a_spreadsheet_would_run_are_safe_and_come_back() -> None:
    templates = [
        Template(name, Content((Section("prompt", f"{name} {{x}}"),), Negative(name), (Field("x", required=True),))) for name in FORMULAS
    ]
    data = exchange.write(Format.A1111, templates)
    cells = [cell for row in csv.reader(io.StringIO(data.decode("utf-8-sig"))) for cell in row]

    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "＝", "\t", "\r"))]
    assert [(entry.name, content(entry).negative.text) for entry in exchange.read(data)] == [(name, name) for name in FORMULAS]


# --- Fooocus and InvokeAI --------------------------------------------------------------------------------------------------


def test_a_list_of_fooocus() -> None:
    entries = exchange.read(
        json.dumps(
            [
                {"name": "Ink", "prompt": "ink {prompt}", "negative_prompt": "photo"},
                {"name": "Bare", "negative_prompt": "photo"},
                {"name": "Extra", "prompt": "(x) {prompt}", "thumbnail": "x.png"},
                {"name": 5, "prompt": "x"},
                {"name": "List", "prompt": ["x"]},
                "nonsense",
            ]
        ).encode()
    )

    assert [(entry.number, entry.name, entry.notes) for entry in entries if entry.template] == [
        (1, "Ink", ()),
        (2, "Bare", ("The style has no {prompt}, so what is typed comes before it.",)),
        (3, "Extra", ("“thumbnail” was left out.", "Weights are written out here: (this:1.1) instead of brackets alone.")),
    ]
    assert [content(entry).composed for entry in entries[:3]] == ["ink {subject}", "{subject}", "(x:1.1) {subject}"]
    assert [entry.problems for entry in entries[3:]] == [
        {"name": "This entry has no name."},
        {"prompt": "“prompt” has to be a text."},
        {"": "This entry is not an object of JSON: { … }."},
    ]


@pytest.mark.parametrize(
    "data",
    [
        [{"name": "Ink", "positive_prompt": "(ink)1.2 {prompt}", "negative_prompt": "photo"}],
        [{"name": "Ink", "type": "user", "preset_data": {"positive_prompt": "(ink)1.2 {prompt}", "negative_prompt": "photo"}, "id": "x"}],
        {"name": "Ink", "type": "user", "preset_data": {"positive_prompt": "(ink)1.2 {prompt}", "negative_prompt": "photo"}, "image": None},
    ],
)
def test_presets_of_invokeai(data: object) -> None:
    assert exchange.detect("x.json", json.dumps(data).encode()) is Format.INVOKEAI
    entry = one(data)

    assert (content(entry).composed, content(entry).negative.text) == ("(ink:1.2) {subject}", "photo")
    assert entry.notes == ("Weights are written out here: (this:1.1) instead of brackets alone.",)


def test_a_field_of_the_same_name_in_the_text_is_not_taken() -> None:
    made = content(one([{"name": "x", "prompt": "{prompt} and {subject}"}]))

    assert (made.composed, [field.name for field in made.fields]) == ("{main_subject} and {subject}", ["main_subject"])


# --- our own ----------------------------------------------------------------------------------------------------------------


MUG = Template(
    "Mug",
    Content(
        (Section("subject", "a photo of {product} in {light}"), Section("style", "clean, (small) [b]", locked=True)),
        Negative("blurry, {colour}"),
        (
            Field("colour", "Colour", "colour", default="#ff0000"),
            Field("product", "Product", required=True, default="a mug"),
            Field("light", "Light", "choice", choices=("window light (soft)", "studio")),
        ),
        "storybook",
        parameters={"size": "512x512"},
    ),
    "For the shop.",
    ("shop", "photo"),
    Picture("image/webp", b"RIFF....WEBP"),
    (Older(1, Content((Section("prompt", "a mug"),)), "First."), Older(2, Content((Section("prompt", "a big mug"),)))),
)


def test_our_own_file_loses_nothing() -> None:
    data = exchange.write(Format.ATELIER, [MUG])

    assert exchange.detect("anything", data) is Format.ATELIER
    assert exchange.read(data) == [Imported(1, "Mug", MUG)]
    assert exchange.losses(Format.ATELIER, MUG) == ()


def test_what_other_programs_cannot_keep_is_said() -> None:
    other = Template("x", Content((Section("prompt", "{a|b}"),)))

    assert exchange.losses(Format.A1111, MUG) == (
        "“Product” becomes {prompt}.",
        "“Colour” is written as its default, red.",
        "“Light” is left out: it has no default.",
        "Its engine and settings are left out.",
        "Locked parts can be changed there.",
        "Left out: description, tags, cover, old versions.",
    )
    assert exchange.losses(Format.FOOOCUS, other) == (
        "No text field becomes {prompt}, so what is typed there is put before or after the prompt.",
        "Alternatives {a|b} and lists __name__ stay as written; they work there with an extension like Dynamic Prompts only.",
    )


def test_other_programs_get_the_placeholder_and_defaults() -> None:
    rows = list(csv.reader(io.StringIO(exchange.write(Format.A1111, [MUG]).decode("utf-8-sig"))))

    assert rows == [
        ["name", "prompt", "negative_prompt"],
        ["Mug", r"a photo of {prompt} in, clean, \(small\) \[b\]", "blurry, red"],
    ]
    assert json.loads(exchange.write(Format.FOOOCUS, [MUG])) == [
        {"name": "Mug", "prompt": r"a photo of {prompt} in, clean, \(small\) [b]", "negative_prompt": "blurry, red"}
    ]
    assert json.loads(exchange.write(Format.INVOKEAI, [MUG])) == [
        {"name": "Mug", "positive_prompt": "a photo of {prompt} in, clean, (small) [b]", "negative_prompt": "blurry, red"}
    ]


def test_a_default_cannot_pass_for_the_placeholder() -> None:
    sly = Template(
        "x",
        Content(
            (Section("prompt", "{subject}, {other}"),), fields=(Field("subject", required=True), Field("other", default="{prompt} (x:2)"))
        ),
    )

    assert json.loads(exchange.write(Format.FOOOCUS, [sly]))[0]["prompt"] == r"{prompt}, { prompt } \(x:2\)"


def test_bad_templates_of_our_own_spoil_no_other() -> None:
    record = json.loads(exchange.write(Format.ATELIER, [MUG]))["templates"][0]
    wrong: list[dict[str, Any]] = [
        record | {"name": ""},
        record | {"mood": "x"},
        record | {"content": {"sections": [{"name": "prompt", "text": "a"}], "fields": [{"name": "A"}]}},
        record | {"content": None},
        record | {"tags": ["x" * 51]},
        record | {"description": 5},
    ]
    entries = exchange.read(json.dumps({"atelier": 1, "templates": [*wrong, record, 5]}).encode())

    assert [list(entry.problems or {}) for entry in entries] == [
        ["name"],
        [""],
        ["content.fields.0.name"],
        ["content"],
        ["tags"],
        ["description"],
        [],
        ["", "name", "content"],
    ]
    assert entries[6].template == MUG


def test_covers_and_old_versions_that_are_none_are_left_out() -> None:
    record = json.loads(exchange.write(Format.ATELIER, [MUG]))["templates"][0]
    covers: list[object] = [
        {"mime": "image/svg+xml", "data": base64.b64encode(b"<svg onload=alert(1)>").decode()},
        {"mime": "image/png", "data": base64.b64encode(b"<html>").decode()},
        {"mime": "image/png", "data": "%%%"},
        {"mime": "image/png", "data": "é"},
        {"mime": ["image/png"], "data": ""},
        "cover.png",
        {"mime": "image/png", "data": base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"x" * (2 * 1024 * 1024)).decode()},
    ]
    changed = [record | {"cover": cover} for cover in covers] + [record | {"versions": [{"number": 1, "content": {}}, 7]}]
    entries = exchange.read(json.dumps({"atelier": 1, "templates": changed}).encode())

    assert [entry.template.cover for entry in entries[:7] if entry.template] == [None] * 7
    assert all(entry.notes[0].startswith("The cover was left out: it ") for entry in entries[:7])
    assert entries[7].notes[:2] == ("An old version could not be read and was left out.",) * 2


def test_covers_do_not_count_as_text() -> None:
    record = json.loads(exchange.write(Format.ATELIER, [MUG]))["templates"][0]
    record["cover"] = {"mime": "image/png", "data": base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"x" * 1_500_000).decode()}
    entries = exchange.read(json.dumps({"atelier": 1, "templates": [record | {"name": f"Mug {n}"} for n in range(4)]}).encode())

    assert [entry.template.cover is not None for entry in entries if entry.template] == [True] * 4


# --- files that are something else -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("filename", "data", "sentence"),
    [
        ("x.json", b"name: Ink\nprompt: ink", "This file is called .json, but has no JSON in it."),
        ("styles.csv", b"a,b\n1,2\n", "The first line of a styles.csv names its columns"),
        ("styles.csv", b"name,prompt,negative_prompt\n", "no styles below them"),
        ("notes.txt", b"hello", "This file has no templates that could be read."),
        ("x.json", b'[{"name": "Ink",}]', "This is not valid JSON: look at line 1, character 17"),
        ("x.json", b"[" * 100_000, "This JSON cannot be read"),
        ("x.json", b'[{"name": "x", "prompt": ' + b"9" * 5000 + b"}]", "This JSON cannot be read"),
        ("x.json", b'[{"name": "x", "prompt": NaN}]', "This JSON cannot be read"),
        ("x.json", b"[]", "This file has no templates in it."),
        ("x.json", b'{"default_prompt": ""}', "This is a preset of Fooocus"),
        ("x.json", b'{"3": {"class_type": "KSampler"}}', "This is a workflow"),
        ("x.json", b'{"a": 1}', "This JSON has no templates in it."),
        ("x.json", b'{"atelier": 2, "templates": []}', "This file is from a newer Atelier."),
        ("x.json", b'{"atelier": "1", "templates": []}', "“atelier” has to be 1."),
        ("x.json", b'{"atelier": true}', "“atelier” has to be 1."),
        ("x.json", b'{"atelier": 1}', "This file has no list of “templates”."),
        ("x.json", b'{"atelier": 1, "templates": []}', "This file has no templates in it."),
        ("x.json", json.dumps({"atelier": 1, "templates": [{}] * 501}).encode(), "501 templates; at most 500"),
        ("x.json", json.dumps([{"name": "x", "prompt": "x"}] * 501).encode(), "501 entries; at most 500"),
        ("styles.csv", styles(*[("x", "x", "")] * 501), "more than 500 styles"),
        ("x.json", b"\n <!DOCTYPE html>\n<html>", "This is a web page"),
        ("styles.zip", b"PK\x03\x04....", "This is a ZIP archive."),
        ("styles.csv", "name,prompt\nInk,ink".encode("utf-16"), "This file is in UTF-16."),
        ("styles.csv", "name,prompt\nInk,é".encode("latin-1"), "This file is not in UTF-8: line 2"),
        ("styles.csv", b"", "This file is empty."),
        ("styles.csv", b" \n", "This file is empty."),
        ("styles.csv", styles(("x", "x", "")) + b"\n" * (4 * 1024 * 1024), "more than 4 MB of text"),
        ("x.json", b'{"atelier": 1, "templates": [{"name": "' + b"x" * (4 * 1024 * 1024) + b'"}]}', "more than 4 MB of text"),
        ("x.json", b" " * (20 * 1024 * 1024 + 1), "This file has 20 MB; at most 20 MB are read."),
    ],
)
def test_a_file_of_which_nothing_can_be_used(filename: str, data: bytes, sentence: str) -> None:
    for look in (lambda: exchange.read(data, filename), lambda: exchange.detect(filename, data) and exchange.read(data, filename)):
        with pytest.raises(ExchangeError) as refused:
            look()
        assert sentence in str(refused.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["atelier", "templates", "name", "prompt", "positive_prompt", "preset_data", "content", "cover", "versions", "tags"]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=15,
)


@given(JSON)
def test_any_json_is_read_or_refused(data: object) -> None:
    for whole in (data, {"atelier": 1, "templates": [data]}, [{"name": "x", "prompt": data}], [{"preset_data": data}]):
        try:
            said = repr(exchange.read(json.dumps(whole).encode(), "x.json"))
        except ExchangeError as error:
            said = str(error)
        assert said


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: f"name,prompt\n{text}".encode(errors="replace")))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        said = repr(exchange.read(data, "x"))
    except ExchangeError as error:
        said = str(error)
    assert said
