"""How credits are written, and read back."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.template import Context, Template

from billing.credits import credits, dollars, noun, signed, to_millicredits


@pytest.mark.parametrize(
    ("millicredits", "text"),
    [
        (0, "0"),
        (1, "0.001"),
        (10, "0.01"),
        (100, "0.1"),
        (1_000, "1"),
        (6_500, "6.5"),
        (184_500, "184.5"),
        (184_050, "184.05"),
        (1_000_000, "1,000"),
        (1_234_000, "1,234"),
        (1_234_567_891, "1,234,567.891"),
        (-9_000, "−9"),
        (-1, "−0.001"),
    ],
)
def test_credits(millicredits: int, text: str) -> None:
    assert credits(millicredits) == text


@pytest.mark.parametrize(("millicredits", "text"), [(1_000_000, "+1,000"), (1, "+0.001"), (0, "0"), (-9_000, "−9")])
def test_signed(millicredits: int, text: str) -> None:
    assert signed(millicredits) == text


@pytest.mark.parametrize(
    ("millicredits", "text"),
    [
        (0, "$0.00"),
        (1_000, "$0.01"),
        (184_500, "$1.85"),
        (184_499, "$1.84"),
        (499, "$0.00"),
        (100_000_000, "$1,000.00"),
        (-2_000, "−$0.02"),
        (-4, "$0.00"),
    ],
)
def test_dollars(millicredits: int, text: str) -> None:
    assert dollars(millicredits) == text


@pytest.mark.parametrize(("millicredits", "word"), [(1_000, "credit"), (0, "credits"), (999, "credits"), (2_000, "credits")])
def test_noun(millicredits: int, word: str) -> None:
    assert noun(millicredits) == word


def test_to_millicredits_is_exact() -> None:
    assert to_millicredits(Decimal("0.001")) == 1
    assert to_millicredits(Decimal("1234567.891")) == 1_234_567_891
    with pytest.raises(ValueError, match="finer than a thousandth"):
        to_millicredits(Decimal("0.0001"))


def test_the_filters_of_a_template() -> None:
    template = Template("{% load billing_credits %}{{ n|credits }} {{ n|credits_noun }}, {{ n|signed_credits }}, {{ n|dollars }}")
    assert template.render(Context({"n": 1_234_500})) == "1,234.5 credits, +1,234.5, $12.35"
