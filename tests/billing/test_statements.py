"""Monthly statements add up to the millicredit, on the page, in the PDF and in the spreadsheet."""

from __future__ import annotations

import csv
import io
import re
import zlib
from base64 import a85decode
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
import time_machine
from asgiref.sync import async_to_sync
from django.http import StreamingHttpResponse
from django.test import Client

from accounts.models import User
from billing import exports, monthly, pdf, typefaces
from billing.asking import Asked
from billing.models import Wallet
from billing.monthly import Dated, DaySums, Month, Spent, Sums
from billing.services.wallets import capture, grant, place_hold
from tests.billing.pages import CREDIT, part, work

pytestmark = pytest.mark.django_db
ClientOf = Callable[..., Client]


def test_months_follow_each_other(books: Wallet) -> None:
    assert monthly.months(books) == [
        Month(date(2026, 11, 1), 962 * CREDIT, 28 * CREDIT, 25 * CREDIT, 5),
        Month(date(2026, 10, 1), 0, 1000 * CREDIT, 38 * CREDIT, 3),
    ]
    assert [month.closing for month in monthly.months(books)] == [965 * CREDIT, 962 * CREDIT]
    books.refresh_from_db()
    assert books.balance == 965 * CREDIT


def test_a_month_without_entries_is_told_too(books: Wallet) -> None:
    with time_machine.travel("2027-02-03 12:00Z", tick=False):
        found = monthly.months(books)
        assert [(month.name, month.entries, month.opening) for month in found[:3]] == [
            ("2027-02", 0, 965 * CREDIT),
            ("2027-01", 0, 965 * CREDIT),
            ("2026-12", 0, 965 * CREDIT),
        ]
        assert monthly.statement(books, date(2027, 1, 1)).kinds == []


def test_november(books: Wallet) -> None:
    found = monthly.statement(books, date(2026, 11, 1))
    assert found.month == monthly.months(books)[0]
    assert (found.until, found.held) == (date(2026, 11, 20), 0)
    assert found.kinds == [
        Sums("Granted", 1, 20 * CREDIT),
        Sums("Charged", 2, -25 * CREDIT),
        Sums("Released", 1, 0),
        Sums("Refunded", 1, 8 * CREDIT),
    ]
    assert found.days == [
        DaySums(date(2026, 11, 2), 1, 20 * CREDIT, 0, 982 * CREDIT),
        DaySums(date(2026, 11, 18), 2, 0, 9 * CREDIT, 973 * CREDIT),
        DaySums(date(2026, 11, 19), 1, 0, 16 * CREDIT, 957 * CREDIT),
        DaySums(date(2026, 11, 20), 1, 8 * CREDIT, 0, 965 * CREDIT),
    ]
    assert found.engines == [Spent("Core", 1, 9 * CREDIT, 0), Spent("Ultra", 1, 16 * CREDIT, 8 * CREDIT)]
    assert found.people == [Spent("Alice Harbour", 1, 9 * CREDIT, 0), Spent("Bob Member", 1, 16 * CREDIT, 8 * CREDIT)]
    assert found.spent == Spent("Total", 2, 25 * CREDIT, 8 * CREDIT)
    assert found.expiring == [Dated("Codes and gifts", date(2026, 11, 2), 20 * CREDIT, 3 * CREDIT, date(2026, 11, 30))]


def test_a_past_month_says_what_was_left_as_it_ended(books: Wallet, alice: User) -> None:
    with time_machine.travel("2026-12-10 12:00Z", tick=False):
        place_hold(books, 50 * CREDIT, reference="now", description="Now", actor=alice)  # what has expired goes first
        november = monthly.statement(books, date(2026, 11, 1))
        assert [one.left for one in november.expiring] == [3 * CREDIT]
        assert november.held == 0
        december = monthly.statement(books, date(2026, 12, 1))
        assert december.kinds == [Sums("Expired", 1, -3 * CREDIT)]
        assert (december.held, december.month.closing) == (50 * CREDIT, 962 * CREDIT)


@pytest.mark.parametrize(("name", "status"), [("2026-11", 200), ("2026-09", 404), ("2026-12", 404), ("2026-13", 404), ("x", 404)])
def test_which_months_have_a_pdf(alice: User, books: Wallet, client_of: ClientOf, name: str, status: int) -> None:
    response = client_of(alice).get(f"/wallet/statements/{name}.pdf")
    assert response.status_code == status
    if status == 200:
        assert response["Content-Type"] == "application/pdf"
        assert response["Content-Disposition"] == 'attachment; filename="atelier-statement-2026-11.pdf"'
        assert response["Cache-Control"] == "private, no-store"
        assert response.content.startswith(b"%PDF-")


def test_the_list_of_months(alice: User, books: Wallet, client_of: ClientOf) -> None:
    response = client_of(alice).get("/wallet/statements/")
    row = part(response, r'<tr id="month-2026-11">(.*?)</tr>')
    assert row == "November 2026 so far opening 962 in +28 out 25 closing 965 5 entries PDF CSV"
    assert part(response, r'<tr id="month-2026-10">(.*?)</tr>').startswith("October 2026 opening 0 in +1,000 out 38 closing 962")
    assert "/wallet/statement.csv?from=2026-10-01&amp;to=2026-10-31" in response.content.decode()


def test_a_wallet_without_entries_has_no_months(alice: User, team: Any, client_of: ClientOf) -> None:
    client = client_of(alice, team)
    assert "From the first credits on" in client.get("/wallet/statements/").content.decode()
    assert client.get("/wallet/statements/2026-11.pdf").status_code == 404


# --- the PDF itself --------------------------------------------------------------------------------------------------


def letters_of(made: bytes) -> str:
    """What a reader finds in it: the text of its pages, by the table of each font that says which letter a glyph stands for."""
    streams = [_unpacked(one) for one in re.findall(rb"stream\r?\n(.*?)endstream", made, re.DOTALL)]
    tables = [one for one in streams if b"begincmap" in one]
    return "".join(bytes.fromhex(code).decode("utf-16-be") for one in tables for code in re.findall(r"<([0-9A-F]{4,})>\n", one.decode()))


def _unpacked(stream: bytes) -> bytes:
    try:
        return zlib.decompress(a85decode(stream.strip(), adobe=False) if stream.strip().endswith(b"~>") else stream)
    except (ValueError, zlib.error):
        try:
            return zlib.decompress(a85decode(b"<~" + stream.strip(), adobe=True))
        except (ValueError, zlib.error):
            return b""


def test_the_pdf_is_a4_and_brings_its_fonts(books: Wallet, bob: User) -> None:
    User.objects.filter(pk=bob.pk).update(name="Клара Şahin Ωμέγα")
    made = pdf.drawn(monthly.statement(books, date(2026, 11, 1)))
    assert re.search(rb"/MediaBox \[ ?0 0 595\.\d+ 841\.\d+ ?\]", made)
    assert made.count(b"/FontFile2") == 2, "plain and bold"
    assert b"DejaVuSans" in made
    assert b"/Lang" in made
    assert set("Клара Şahin Ωμέγα Harbour Street") <= set(letters_of(made)), "each letter can be found and copied"


def test_letters_that_no_font_has_are_boxes_and_markup_is_text() -> None:
    assert typefaces.marked_up("Ben <b>&") == "Ben &lt;b&gt;&amp;"
    assert typefaces.marked_up("Ben 陈") == 'Ben <font name="STSong-Light">陈</font>'
    assert typefaces.marked_up("さくら 민준") == '<font name="HeiseiKakuGo-W5">さくら</font> <font name="HYGothic-Medium">민준</font>'
    assert typefaces.marked_up("\U0001f9ff\x00x") == "□ x"


def test_any_name_can_be_drawn(books: Wallet, alice: User) -> None:
    for number, name in enumerate(("陈さ민 \U0001f9ff", "مرحبا שלום", "<para>&amp;</font>", "a" * 120)):
        User.objects.filter(pk=alice.pk).update(name=name)
        work(books, 100 + number, 1, actor=alice, product=name[:60])
    assert pdf.drawn(monthly.statement(books, date(2026, 11, 1))).startswith(b"%PDF-")


# --- the spreadsheet -------------------------------------------------------------------------------------------------


async def _whole(response: StreamingHttpResponse) -> bytes:
    return b"".join([piece async for piece in response])


def sheet(response: StreamingHttpResponse) -> list[dict[str, str]]:
    content = async_to_sync(_whole)(response)
    assert content.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(content[3:].decode())))


def test_all_lines_with_all_that_is_known_of_them(alice: User, books: Wallet, client_of: ClientOf) -> None:
    response = client_of(alice).get("/wallet/statement.csv")
    assert response["Content-Disposition"] == 'attachment; filename="atelier-wallet-2026-11-20.csv"'
    rows = sheet(response)
    assert [row["Credits"] for row in rows] == ["8.000", "-16.000", "0.000", "-9.000", "20.000", "-8.000", "-30.000", "1000.000"]
    entry = books.entries.get(kind="capture", reference="job:3")
    assert rows[3] == {
        "Entry": str(entry.pk),
        "Time": "2026-11-18 09:00:00",
        "Kind": "Charged",
        "What": "Work 3, Core",
        "Who": "Alice Harbour",
        "Engine": "Core",
        "Mode": "Text",
        "Held": "12.000",
        "Charged": "9.000",
        "Released": "3.000",
        "Refunded": "0.000",
        "How it ended": "",
        "Credits": "-9.000",
        "Balance": "973.000",
        "Account": "Spent",
        "Reference": "job:3",
        "With the key": "",
    }


def test_the_spreadsheet_honours_the_filters(alice: User, bob: User, books: Wallet, client_of: ClientOf) -> None:
    client = client_of(alice)
    assert [row["What"] for row in sheet(client.get(f"/wallet/statement.csv?by={bob.pk}&engine=Ultra&from=2026-11-01"))] == [
        "Work 5, Ultra",
        "Work 4, Ultra",
    ]
    assert sheet(client.get("/wallet/statement.csv?kind=expiry")) == []


def test_it_is_read_in_pieces(books: Wallet, monkeypatch: Any) -> None:
    monkeypatch.setattr(exports, "PIECE", 3)
    pieces = list(exports.pieces(books, Asked()))
    assert [piece.count(b"\r\n") for piece in pieces] == [1, 3, 3, 2]


def test_no_cell_is_a_formula(alice: User, books: Wallet, client_of: ClientOf) -> None:
    User.objects.filter(pk=alice.pk).update(name="=HYPERLINK(1)")
    grant(books, CREDIT, reference="+x", description="@SUM(A1)", actor=alice)
    capture(place_hold(books, CREDIT, reference="-y", description="\tx", product="=1+1", operation="-2"), CREDIT)
    rows = sheet(client_of(alice).get("/wallet/statement.csv"))
    assert (rows[1]["Who"], rows[1]["What"], rows[1]["Reference"]) == ("'=HYPERLINK(1)", "'@SUM(A1)", "'+x")
    assert (rows[0]["Engine"], rows[0]["Mode"], rows[0]["Reference"]) == ("'=1+1", "'-2", "'-y")
    assert rows[0]["Credits"] == "-1.000", "a number stays one"
