"""The arithmetic: whole millicredits, and one rule for rounding."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.backends.base import GenerationRequest, Mode, PriceTable
from studio.pricing.terms import Terms, with_margin

CORE = PriceTable("stability 2026-09-22", 3000)
SDXL = PriceTable("stability 2026-09-22", 900, included_steps=30, per_extra_step=30, default_steps=30)


def request(**fields: object) -> GenerationRequest:
    return GenerationRequest("engine", Mode.TEXT_TO_IMAGE, 1, **fields)


@pytest.mark.parametrize(
    ("price", "margin", "pays"),
    [
        (3000, 0, 3000),
        (3000, 2000, 3600),
        (6500, 1250, 7320),  # 7312.5
        (900, 1, 910),  # 900.09
        (30, 1000, 40),  # 33
        (25, 0, 25),  # no margin, no rounding
        (25, 100, 30),  # 25.25
        (3000, -5000, 1500),
        (3000, -10000, 0),
        (10, 100000, 110),
        (0, 2000, 0),
    ],
)
def test_a_margin_is_rounded_up_to_a_hundredth_of_a_credit(price: int, margin: int, pays: int) -> None:
    assert with_margin(price, margin) == pays


@given(price=st.integers(0, 10_000_000), margin=st.integers(-10_000, 100_000))
def test_a_margin_takes_no_less_than_it_says_and_less_than_a_hundredth_more(price: int, margin: int) -> None:
    pays = with_margin(price, margin)
    exact = price * (10_000 + margin)
    assert exact <= pays * 10_000 < exact + 10 * 10_000
    assert not margin or pays % 10 == 0


def test_a_margin_is_on_the_steps_too() -> None:
    quote = Terms(margin=2000).over(SDXL, "Winter").quote(request(num_images=2, num_inference_steps=40))
    assert quote.amount == 2 * (1080 + 10 * 40)
    assert [(line.quantity, line.unit) for line in quote.lines] == [(2, 1080), (20, 40)]
    assert (quote.per_image, quote.record_per_image) == (1480, 1200)


def test_a_price_of_ones_own_stands_in_the_place_of_the_record_s() -> None:
    quote = Terms(price=1500).over(SDXL, "Winter").quote(request(num_inference_steps=40))
    assert (quote.amount, quote.record_per_image) == (1500 + 10 * 30, 1200)


def test_a_quote_names_the_list_and_the_record_s_own_version() -> None:
    assert Terms().over(CORE, "Winter").quote(request()).price_version == "Winter (stability 2026-09-22)"
    assert CORE.quote(request()).price_version == "stability 2026-09-22"


@pytest.mark.parametrize("terms", [Terms(), Terms(margin=-1250), Terms(price=0), Terms(price=6500)])
def test_terms_are_kept_as_they_were_written(terms: Terms) -> None:
    assert Terms.from_json(terms.to_json()) == terms
