"""A month's statement on paper (A4)."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import date
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.formats import date_format
from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, KeepTogether, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from billing import typefaces
from billing.credits import credits, dollars, signed
from billing.monthly import Spent, Statement

INK, SOFT, LINE, ACCENT, SHADE = (HexColor(code) for code in ("#1b1a17", "#67635a", "#dedbd2", "#b3320f", "#f4f3ef"))
MARGIN = 18 * mm
PADDING = 6
"""Points that reportlab keeps free at each side of a page's frame."""
WIDTH = A4[0] - 2 * MARGIN

TEXT = ParagraphStyle("text", fontName=typefaces.PLAIN, fontSize=8.5, leading=12, textColor=INK)
RIGHT = ParagraphStyle("right", TEXT, alignment=TA_RIGHT)
STRONG = ParagraphStyle("strong", TEXT, fontName=typefaces.BOLD)
STRONG_RIGHT = ParagraphStyle("strong right", STRONG, alignment=TA_RIGHT)
SMALL = ParagraphStyle("small", TEXT, fontSize=7.5, leading=10.5, textColor=SOFT)
SMALL_RIGHT = ParagraphStyle("small right", SMALL, alignment=TA_RIGHT)
TITLE = ParagraphStyle("title", TEXT, fontName=typefaces.BOLD, fontSize=20, leading=26)
HEADING = ParagraphStyle("heading", TEXT, fontName=typefaces.BOLD, fontSize=10.5, leading=14, spaceBefore=14, spaceAfter=4)
FIGURE = ParagraphStyle("figure", TEXT, fontName=typefaces.BOLD, fontSize=14, leading=19)


class Pages(Canvas):  # type: ignore[misc]
    """Writes "page 1 of 3" at the foot, when it is known how many there are."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._done: list[dict[str, Any]] = []

    def showPage(self) -> None:  # reportlab's name
        self._done.append(dict(self.__dict__))
        self._startPage()

    def save(self) -> None:
        for number, page in enumerate(self._done, 1):
            self.__dict__.update(page)
            self.setFont(typefaces.PLAIN, 7.5)
            self.setFillColor(SOFT)
            self.drawString(MARGIN, 11 * mm, f"Atelier · {settings.STUDIO_URL}")
            self.drawRightString(A4[0] - MARGIN, 11 * mm, f"Page {number} of {len(self._done)}")
            super().showPage()
        super().save()


def drawn(statement: Statement) -> bytes:
    """The bytes of the PDF."""
    typefaces.register()
    sink = io.BytesIO()
    whose = str(statement.wallet.team)
    document = SimpleDocTemplate(
        sink,
        pagesize=A4,
        leftMargin=MARGIN - PADDING,
        rightMargin=MARGIN - PADDING,
        topMargin=MARGIN,
        bottomMargin=20 * mm,
        title=f"Statement of {statement.month.title}, {whose}",
        author="Atelier",
        subject="Credits",
        lang="en",
    )
    document.build([*_head(statement), *_tables(statement)], canvasmaker=Pages)
    return sink.getvalue()


def _head(statement: Statement) -> list[Flowable]:
    month = statement.month
    period = f"{_day(month.first)} to {_day(statement.until)}"
    so_far = "" if month.is_over else ", so far"
    about = Table(
        [
            [
                Paragraph(f"Statement of {typefaces.marked_up(month.title)}", TITLE),
                Paragraph(f"Made on {_day(timezone.localdate())}", SMALL_RIGHT),
            ],
            [Paragraph(typefaces.marked_up(str(statement.wallet.team)), STRONG), Paragraph(f"Wallet {statement.wallet.pk}", SMALL_RIGHT)],
            [Paragraph(f"{period}{so_far}. Amounts are credits; 1 credit = US$0.01.", SMALL), ""],
        ],
        colWidths=[WIDTH * 0.72, WIDTH * 0.28],
        style=TableStyle(
            [
                ("LEFTPADDING", (0, 0), (-1, -1), 0),
                ("RIGHTPADDING", (0, 0), (-1, -1), 0),
                ("VALIGN", (0, 0), (-1, -1), "BOTTOM"),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
                ("TOPPADDING", (0, 0), (-1, -1), 1),
            ]
        ),
    )
    figures = [
        ("Opening balance", credits(month.opening), _day(month.first)),
        ("Came in", signed(month.came), f"= {dollars(month.came)}"),
        ("Went out", signed(-month.went), f"= {dollars(month.went)}"),
        ("Closing balance", credits(month.closing), f"{_day(statement.until)} = {dollars(month.closing)}"),
    ]
    row = [[Paragraph(label, SMALL), Paragraph(amount, FIGURE), Paragraph(note, SMALL)] for label, amount, note in figures]
    style = [
        ("BACKGROUND", (0, 0), (-1, -1), SHADE),
        ("LINEBEFORE", (1, 0), (-1, -1), 2, HexColor("#ffffff")),
        ("TOPPADDING", (0, 0), (-1, -1), 8),
    ]
    style += [("BOTTOMPADDING", (0, 0), (-1, -1), 8), ("LEFTPADDING", (0, 0), (-1, -1), 9), ("LINEABOVE", (0, 0), (-1, 0), 1.5, ACCENT)]
    boxes = Table([row], colWidths=[WIDTH / 4] * 4, style=TableStyle(style))
    held = [Spacer(1, 5), Paragraph(f"Of the closing balance, {credits(statement.held)} are held by work that is not done.", SMALL)]
    return [about, Spacer(1, 12), boxes, *(held if statement.held else [])]


def _tables(statement: Statement) -> list[Flowable]:
    month = statement.month
    shown: list[Flowable] = []
    if not statement.kinds:
        shown.append(Paragraph("Nothing happened in this month.", TEXT))
    else:
        kinds = [[one.label, f"{one.count:,}", signed(one.amount)] for one in statement.kinds]
        total = ["Change", f"{month.entries:,}", signed(month.closing - month.opening)]
        shown += _table("By kind of entry", ("Kind", "Entries", "Credits"), kinds, total)
        days = [[_day(one.day), f"{one.count:,}", signed(one.came), signed(-one.went), credits(one.balance)] for one in statement.days]
        total = ["Total", f"{month.entries:,}", signed(month.came), signed(-month.went), credits(month.closing)]
        shown += _table("Day by day", ("Day", "Entries", "In", "Out", "Balance"), days, total)
    if statement.engines:
        shown += _spent("Spent by engine", "Engine", statement.engines, statement.spent)
        shown += _spent("Spent by person", "Person", statement.people, statement.spent)
    if statement.expiring:
        rows = [[one.source, _day(one.came_on), credits(one.amount), credits(one.left), _day(one.expires_on)] for one in statement.expiring]
        shown += _table("Credits with a last day", ("Where from", "Came on", "Came", "Left", "Last day"), rows, first=0.2)
        shown.append(Spacer(1, 4))
        shown.append(Paragraph(f"Left is what was left on {_day(statement.until)}. What expires first is spent first.", SMALL))
    return shown


def _spent(title: str, head: str, spent: Sequence[Spent], total: Spent) -> list[Flowable]:
    rows = [[one.label, f"{one.count:,}", credits(one.charged), credits(one.refunded), credits(one.amount)] for one in spent]
    sums = [total.label, f"{total.count:,}", credits(total.charged), credits(total.refunded), credits(total.amount)]
    return _table(title, (head, "Charges", "Charged", "Refunded", "Spent"), rows, sums)


def _table(
    title: str, head: Sequence[str], rows: Sequence[Sequence[str]], total: Sequence[str] | None = None, *, first: float = 0
) -> list[Flowable]:
    """A heading with its table: the heading stays with the first lines, and the names of the columns are said again on the next page.

    `first` is the part of the width that the first column has.
    """
    lines = [[Paragraph(name, SMALL_RIGHT if place else SMALL) for place, name in enumerate(head)]]
    lines += [[Paragraph(typefaces.marked_up(cell), RIGHT if place else TEXT) for place, cell in enumerate(row)] for row in rows]
    if total:
        lines.append([Paragraph(typefaces.marked_up(cell), STRONG_RIGHT if place else STRONG) for place, cell in enumerate(total)])
    style = [
        ("LINEBELOW", (0, 0), (-1, -1), 0.5, LINE),
        ("LINEBELOW", (0, 0), (-1, 0), 0.75, SOFT),
        ("LEFTPADDING", (0, 0), (0, -1), 0),
        ("RIGHTPADDING", (-1, 0), (-1, -1), 0),
        ("TOPPADDING", (0, 0), (-1, -1), 2.5),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
    ]
    first = first or (0.36 if len(head) > 3 else 0.5)
    widths = [WIDTH * first, *([WIDTH * (1 - first) / (len(head) - 1)] * (len(head) - 1))]
    table = Table(lines, colWidths=widths, repeatRows=1, style=TableStyle(style))
    if len(lines) <= 14:
        return [KeepTogether([Paragraph(title, HEADING), table])]
    return [Paragraph(title, ParagraphStyle("heading kept", HEADING, keepWithNext=1)), table]


def _day(day: date) -> str:
    return date_format(day, "j F Y")
