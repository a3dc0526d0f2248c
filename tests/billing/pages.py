"""What tests read from the wallet's pages."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html import unescape
from typing import Any

import time_machine
from django.http import HttpResponse

from accounts.models import User
from billing.models import Account, Wallet
from billing.services.wallets import capture, grant, place_hold, refund, void

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
CREDIT = 1000


def text(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def body(response: HttpResponse) -> str:
    return text(response.content.decode())


def part(response: HttpResponse, pattern: str) -> str:
    """The text of the first part of a page that a pattern finds."""
    found = re.search(pattern, response.content.decode(), re.DOTALL)
    return text(found.group(1)) if found else ""


def entries(response: HttpResponse) -> list[tuple[str, str, str]]:
    """What, credits and balance of each line of the statement."""
    found = re.findall(r'<tr id="entry-\d+">(.*?)</tr>', response.content.decode(), re.DOTALL)
    cells = [[text(cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL)] for row in found]
    return [(row[1], row[4], row[5].removeprefix("left ")) for row in cells]


def at(day: int, hour: int = 9, month: int = 11, year: int = 2026) -> Any:
    return time_machine.travel(datetime(year, month, day, hour, tzinfo=UTC), tick=False)


def work(wallet: Wallet, number: int, price: int, *, actor: User, product: str, mode: str = "Text", charged: int | None = None) -> Any:
    """A hold of `price` credits, charged for `charged` of them, or all."""
    hold = place_hold(
        wallet,
        price * CREDIT,
        reference=f"job:{number}",
        description=f"Work {number}, {product}",
        actor=actor,
        product=product,
        operation=mode,
    )
    return void(hold) if charged == 0 else capture(hold, (price if charged is None else charged) * CREDIT)


def autumn(wallet: Wallet, alice: User, bob: User) -> None:
    """October and November of 2026: a thousand bought, twenty given until 30 November; Core and Ultra, by two people."""
    with at(1, month=10):
        grant(wallet, 1000 * CREDIT, reference="bought", description="Bought: 1,000", actor=alice, source=Account.SALES)
    with at(5, month=10):
        work(wallet, 1, 30, actor=alice, product="Core")
    with at(31, hour=23, month=10):
        work(wallet, 2, 8, actor=bob, product="Ultra", mode="Image")
    with at(2, hour=0):
        grant(
            wallet,
            20 * CREDIT,
            reference="gift",
            description="Gift: hello",
            source=Account.PROMOTIONS,
            expires_at=datetime(2026, 11, 30, 12, tzinfo=UTC),
        )
    with at(18):
        work(wallet, 3, 12, actor=alice, product="Core", charged=9)
        work(wallet, 4, 8, actor=bob, product="Ultra", charged=0)
    with at(19, hour=10):
        blurred = work(wallet, 5, 16, actor=bob, product="Ultra", mode="Image")
    with at(20, hour=8):
        refund(blurred, 8 * CREDIT, reference="blurred", description="One was blurred", actor=alice)
