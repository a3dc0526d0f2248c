"""A batch from a table: what its columns mean, what is said of its rows, and that just what was looked at is made."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from accounts.models import Team, User
from billing.services import wallets
from studio.generation.models import Batch, Job
from studio.generation.templatetags.batch_grid import left_out_words
from studio.prompts.models import BrandRule, PromptTemplateVersion
from tests.generation.tabled import make_versions

pytestmark = pytest.mark.usefixtures("bells", "hints")
PAGE = "/create/batch/"
ROWS = "product,CLOTH,seed\na mug,blue,5\na pen,,\n"


@pytest.fixture
def rich(team: Team) -> Team:
    wallets.grant(wallets.wallet_of(team), 100_000, reference="test", description="For the test")
    return team


@pytest.fixture
def version(rich: Team, alice: User) -> PromptTemplateVersion:
    return make_versions(rich, alice)[-1]


@pytest.fixture
def browser(client_of: Callable[..., Client], rich: Team, bob: User) -> Client:
    return client_of(bob)


def look(browser: Client, table: str, version: PromptTemplateVersion | None = None, **fields: Any) -> Any:
    given = {"table": table, "template": str(version.pk) if version else "", "engine": "null", "mode": "text-to-image"}
    return browser.post(PAGE, {**given, "idempotency_key": "key", "skip": "1", "step": "check", **fields})


def press(browser: Client, looked: Any, **fields: Any) -> Any:
    """The press on the page that was looked at, with everything that it holds."""
    context = looked.context
    sent = dict(context["bench"].sent)
    return browser.post(
        PAGE,
        {
            **sent,
            "table": context["text"],
            "idempotency_key": context["bench"].key,
            "digest": context["digest"],
            "skip": "1" if context["skip"] else "0",
            "step": "make",
            **fields,
        },
    )


def told(looked: Any) -> list[tuple[int, tuple[str, ...]]]:
    return [(one.row.number, one.problems) for one in looked.context["check"].rows]


def prompts(looked: Any) -> list[str]:
    return [one.made.request.prompt for one in looked.context["check"].good]


# --- the columns -----------------------------------------------------------------------------------------------------


def test_columns_are_fields_by_name_or_label_and_settings(browser: Client, version: PromptTemplateVersion) -> None:
    table = "Product\tcloth\tWITH PEOPLE\tSeed\tPictures\tshape\na mug\tBlue\tyes\t7\t2\t640 × 384\n"
    looked = look(browser, table, version)

    [row] = looked.context["check"].good
    request = row.made.request
    assert request.prompt == "a photograph of a mug on blue cloth, with people, studio light"
    assert (request.negative_prompt, request.seed, request.num_images) == ("blurry", 7, 2)
    assert (request.width, request.height, request.num_inference_steps) == (640, 384, 12)
    assert looked.context["check"].notes == []


def test_columns_that_mean_nothing_are_said(browser: Client, version: PromptTemplateVersion) -> None:
    looked = look(browser, "product,colours,steps,weather\na mug,blue,40,rain\n", version)

    assert looked.context["check"].notes == [
        "The template fixes “steps”: that column is not used.",
        "Columns “colours”, “weather” are no fields and no settings: they are not used. Did you mean “colour”?",
    ]
    assert looked.context["check"].good[0].made.request.num_inference_steps == 12


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("cloth\nred\n", "The template needs a column “product” (Product), and the table has none."),
        ("product,colour,cloth\na mug,red,blue\n", "Column “cloth” stands for the same as another one. Take one of them out."),
        ("product\n", "There is only a row with names of columns. Add at least one row below it."),
        ("", "This table is empty. Its first row has to name the columns, and each row below it is one picture."),
        ("product\n" + "a mug\n" * 501, "There are 501 rows; at most 500 fit into a table. Split them into several."),
    ],
)
def test_a_table_that_cannot_be_read_keeps_what_was_typed(browser: Client, version: PromptTemplateVersion, table: str, said: str) -> None:
    looked = look(browser, table, version)

    assert looked.status_code == 422
    assert (looked.context["problem"], looked.context["text"]) == (said, table)
    assert not Batch.objects.exists()


def test_without_a_template_the_table_has_the_prompts(browser: Client) -> None:
    assert look(browser, "words\na mug\n").context["problem"] == (
        "The table has no column “prompt”. Name one so in the first row, or choose a template."
    )
    looked = look(browser, 'prompt,seed\n{a mug|a pen} on a table,1\n{a mug|a pen} on a table,2\n"a mug, (red:1.3)",3\n,4\n')
    assert prompts(looked)[2] == "a mug, (red:1.3)"
    assert set(prompts(looked)[:2]) <= {"a mug on a table", "a pen on a table"}
    assert told(looked)[3] == (5, ("Write what the picture should show.",))


# --- the rows --------------------------------------------------------------------------------------------------------


def test_every_row_has_its_prompt_its_price_or_what_is_wrong(browser: Client, version: PromptTemplateVersion) -> None:
    looked = look(browser, "product,cloth,num_images,seed\na mug,blue,2,1\na pen,green,1,x\n,red,9,\n\na cup,red,,\n", version)

    assert told(looked) == [
        (2, ()),
        (
            3,
            (
                "A seed is a whole number from 0 to 4294967295. Leave it empty for a random one.",
                "“Cloth” has no choice “green”. Take one of: red, blue.",
            ),
        ),
        (4, ("Null (test card) makes 1 to 8 pictures at a time.", "Fill in “Product”.")),
        (6, ()),
    ]
    total = looked.context["total"]
    assert (total.quote.amount, total.quote.pictures, total.jobs, total.after) == (3000, 3, 2, 97_000)
    page = looked.content.decode()
    assert '<mark class="f1" title="product">a mug</mark>' in page
    assert '<mark class="lock" title="Locked">studio light</mark>' in page
    assert "2 of 4 rows are right: 3 pictures" in page


def test_a_value_cannot_be_a_field_or_syntax(browser: Client, version: PromptTemplateVersion) -> None:
    looked = look(browser, 'product\n"{colour} {a|b} __x__"\n', version)
    assert prompts(looked) == ["a photograph of {colour} {a|b} __x__ on red cloth, studio light"]


def test_rows_without_a_seed_get_one_of_their_own_that_stays(browser: Client, version: PromptTemplateVersion) -> None:
    first, again = look(browser, "product\na\nb\n", version), look(browser, "product\na\nb\n", version)
    seeds = [one.made.request.seed for one in first.context["check"].good]

    assert len(set(seeds)) == 2
    assert seeds == [one.made.request.seed for one in again.context["check"].good]
    assert [one.made.request.seed for one in look(browser, "product\na\nb\n", version, seed="9").context["check"].good] == [9, 9]


def test_a_file_counts_before_what_was_pasted(browser: Client, version: PromptTemplateVersion) -> None:
    file = SimpleUploadedFile("rows.csv", "\ufeffProduct;Cloth\nein Becher;blue\n".encode())
    looked = look(browser, "product\nnot this\n", version, file=file)
    assert prompts(looked) == ["a photograph of ein Becher on blue cloth, studio light"]
    assert looked.context["text"] == "Product;Cloth\nein Becher;blue\n"


def test_a_spreadsheet_becomes_text_that_one_can_go_on_with(browser: Client, version: PromptTemplateVersion) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    for cells in (["Product", "Cloth", "Seed"], ["a mug,\nwhite", "blue", 5], [], ["a pen", "red", 6, "too much"]):
        sheet.append(cells)
    data = io.BytesIO()
    book.save(data)
    looked = look(browser, "", version, file=SimpleUploadedFile("rows.xlsx", data.getvalue()))

    assert told(looked)[0] == (2, ())
    number, problems = told(looked)[1]
    assert (number, problems[0][:42]) == (4, "This row has more cells than there are col")
    assert looked.context["check"].good[0].made.request.seed == 5
    again = look(browser, looked.context["text"], version)
    assert told(again) == told(looked)


@pytest.mark.parametrize(("name", "called"), [("rows.xlsx", ".xlsx"), ("cat.PNG", ".png")])
def test_a_text_that_is_called_something_else_is_no_table(browser: Client, version: PromptTemplateVersion, name: str, called: str) -> None:
    looked = look(browser, "product\na mug\n", version, file=SimpleUploadedFile(name, b"product\na cup\n"))
    assert looked.status_code == 422
    assert looked.context["problem"].startswith(f"This file is called {called}, but is no spreadsheet. Save the table as .xlsx or .csv")
    assert looked.context["text"] == "product\na mug\n"


def test_a_file_of_another_kind_is_said(browser: Client, version: PromptTemplateVersion) -> None:
    looked = look(browser, "product\na mug\n", version, file=SimpleUploadedFile("cat.png", b"\x89PNG\r\n\x1a\n" + bytes(50)))
    assert (looked.status_code, looked.context["problem"]) == (422, "This is a picture, not a text file.")
    assert looked.context["text"] == "product\na mug\n"


# --- the press -------------------------------------------------------------------------------------------------------


def test_what_was_looked_at_is_made_once(browser: Client, bob: User, rich: Team, version: PromptTemplateVersion) -> None:
    looked = look(browser, f"{ROWS}a cup,green,\n", version)
    answers = [press(browser, looked) for _ in range(2)]

    batch = Batch.objects.get()
    assert [answer.headers["Location"] for answer in answers] == [reverse("batch", args=[batch.pk])] * 2
    assert (batch.kind, batch.title, batch.size, batch.user, batch.template_version) == ("table", "Product photo, 2 rows", 2, bob, version)
    jobs = list(batch.jobs.order_by("batch_place"))
    assert [job.to_request() for job in jobs] == [one.made.request for one in looked.context["check"].good]
    assert [job.template_values["fields"]["product"] for job in jobs] == ["a mug", "a pen"]
    assert {job.template_version for job in jobs} == {version}
    assert jobs[0].written["prompt"] == "a photograph of {product} on {colour} cloth{people}, studio light"
    assert wallets.wallet_of(rich).held == 2000


def test_rows_keep_their_numbers_and_those_left_out_are_said(browser: Client, version: PromptTemplateVersion) -> None:
    press(browser, look(browser, "product,colour\na cup,green\na mug,red\n\na pot,green\na pen,blue\n", version))
    batch = Batch.objects.get()
    assert (batch.axes, batch.is_grid) == ({"rows": [3, 6], "left_out": [2, 5]}, False)
    html = browser.get(reverse("batch", args=[batch.pk])).content.decode()
    assert "Rows 2 and 5 were left out." in html
    assert re.findall(r'<p class="row between xs"><span class="faint num">(\d+)</span>', html) == ["3", "6"]


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ([7], "Row 7 was left out."),
        ([7, 9, 21], "Rows 7, 9 and 21 were left out."),
        (list(range(1, 24)), f"Rows {', '.join(map(str, range(1, 21)))} and 3 more were left out."),
    ],
)
def test_left_out_rows_in_words(numbers: list[int], said: str) -> None:
    assert left_out_words(numbers) == said


def test_what_was_filled_in_goes_from_a_grid_to_a_table(browser: Client, version: PromptTemplateVersion) -> None:
    page = browser.get(PAGE, {"template": str(version.pk), "size": "640x384", "seed": "8", "table": ROWS})
    bench = page.context["bench"]
    assert (page.context["text"], bench.version, bench.form["size"].value(), bench.form["seed"].value()) == (ROWS, version, "640x384", "8")


def test_all_must_be_right_where_somebody_says_so(browser: Client, version: PromptTemplateVersion) -> None:
    looked = look(browser, f"{ROWS}a cup,green,\n", version, skip="0")
    assert (looked.context["stops"], b'value="make"' in looked.content) == (True, False)

    answer = press(browser, looked)
    assert (answer.status_code, answer.context["refused"]) == (422, "Not every row is right. Mend them, or leave them out.")
    assert not Batch.objects.exists()


def test_what_has_changed_since_is_looked_at_again(browser: Client, version: PromptTemplateVersion) -> None:
    looked = look(browser, ROWS, version)
    answer = press(browser, looked, table=f"{ROWS}a cup,red,\n")

    assert answer.status_code == 422
    assert answer.context["refused"].startswith("Something has changed since you looked")
    assert not Batch.objects.exists()
    assert press(browser, answer).status_code == 302
    assert Batch.objects.get().size == 3


def test_back_to_the_table_keeps_everything(browser: Client, version: PromptTemplateVersion) -> None:
    looked = look(browser, ROWS, version, size="640x384")
    page = press(browser, looked, step="edit")

    assert (page.status_code, page.context["text"], page.context["bench"].version) == (200, ROWS, version)
    assert page.context["bench"].form["size"].value() == "640x384"
    assert page.context["bench"].key == "key"


def test_another_table_on_the_page_of_a_batch_is_another_batch(browser: Client, version: PromptTemplateVersion) -> None:
    press(browser, look(browser, ROWS, version))
    press(browser, look(browser, "product\na vase\n", version))
    assert sorted(Batch.objects.values_list("size", flat=True)) == [1, 2]


def test_too_few_credits_are_said_with_what_would_fit(browser: Client, rich: Team, bob: User, version: PromptTemplateVersion) -> None:
    wallets.place_hold(wallets.wallet_of(rich), 98_500, reference="other", description="Something else")
    looked = look(browser, "product\na\nb\nc\n", version)
    total = looked.context["total"]
    assert (total.missing, total.fits, total.refused) == (1500, 1, True)

    answer = press(browser, looked)
    assert answer.status_code == 422
    assert "1.5 are missing" in answer.context["refused"]
    assert not Job.objects.exists()


def test_words_that_are_refused_stand_at_their_rows(browser: Client, rich: Team, version: PromptTemplateVersion) -> None:
    BrandRule.objects.create(team=rich, name="No rivals", kind="banned", words="Acme")
    looked = look(browser, "product\na mug\nan Acme pen\n", version)

    rows = [(one.row.number, bool(one.problems)) for one in looked.context["check"].rows]
    assert rows == [(2, False), (3, True)]
    assert "No rivals" in looked.context["check"].bad[0].problems[0]
    assert press(browser, looked).status_code == 302
    assert Batch.objects.get().size == 1


def test_whoever_only_looks_makes_nothing(client_of: Callable[..., Client], carol: User, version: PromptTemplateVersion) -> None:
    assert look(client_of(carol), ROWS, version).status_code == 403
    assert not Batch.objects.exists()


# --- the page --------------------------------------------------------------------------------------------------------


def test_the_page_names_its_columns(browser: Client, version: PromptTemplateVersion) -> None:
    page = browser.get(PAGE, {"template": str(version.pk)})
    assert [name for name, _, _ in page.context["columns"]] == ["product", "colour", "people", "size", "num_images", "seed"]
    assert page.context["bench"].fixed == [("Steps", "12")]
    assert [name for name, _, _ in browser.get(PAGE).context["columns"]][:2] == ["prompt", "negative_prompt"]


@pytest.mark.parametrize("with_template", [True, False])
def test_the_example_is_right(browser: Client, version: PromptTemplateVersion, with_template: bool) -> None:
    chosen = version if with_template else None
    answer = browser.get(reverse("batch_example"), {"template": str(chosen.pk) if chosen else "", "engine": "null"})
    assert answer["Content-Disposition"] == f'attachment; filename="{"product-photo" if chosen else "table"}.csv"'

    looked = look(browser, answer.content.decode("utf-8-sig"), chosen)
    assert [row.problems for row in looked.context["check"].rows] == [(), ()]
    assert looked.context["check"].notes == []


def test_another_template_brings_its_settings_and_keeps_the_table(browser: Client, rich: Team, alice: User) -> None:
    first = make_versions(rich, alice)[-1]
    second = make_versions(rich, alice, name="Poster", parameters={"size": "384x640"})[-1]
    page = browser.post(
        PAGE,
        {
            "table": ROWS,
            "template": str(second.pk),
            "was_template": str(first.pk),
            "was": "null",
            "engine": "null",
            "mode": "text-to-image",
            "size": "640x384",
            "idempotency_key": "key",
        },
    )
    assert (page.context["text"], page.context["bench"].form["size"].value()) == (ROWS, "384x640")


def test_a_stranger_s_template_is_not_there(browser: Client, mallory: User, other_team: Team) -> None:
    theirs = make_versions(other_team, mallory)[-1]
    assert browser.get(PAGE, {"template": str(theirs.pk)}).status_code == 404
    assert browser.get(reverse("batch_example"), {"template": str(theirs.pk)}).status_code == 404
