"""Amounts as people type them: with a point or a comma, never as something else than was meant."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.forms import Form

from billing.budget_forms import AskForm, LimitsForm
from billing.forms import AlertForm, CorrectionForm, GrantForm, RefundForm
from billing.number_fields import AmountField, CountField, CreditsField
from billing.promotions_forms import CodesForm
from billing.rule_forms import CreditsRuleForm, PicturesRuleForm
from studio.pricing.forms import PriceListForm

FIELD = CreditsField(max_value=Decimal(10_000_000), min_value=Decimal(-10_000_000))


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("20", "20"),
        ("1.5", "1.5"),
        ("1,5", "1.5"),
        (" 1,50 ", "1.50"),
        (",5", "0.5"),
        (".5", "0.5"),
        ("0,125", "0.125"),
        ("1.234", "1.234"),
        ("1500,125", "1500.125"),
        ("1 500", "1500"),
        ("1\N{NARROW NO-BREAK SPACE}500,125", "1500.125"),
        ("1’500.5", "1500.5"),
        ("1,500.5", "1500.5"),
        ("1.500,5", "1500.5"),
        ("1,234,567", "1234567"),
        ("1.234.567,8", "1234567.8"),
        ("-1,5", "-1.5"),
        ("\N{MINUS SIGN}9", "-9"),
        ("+3", "3"),
    ],
)
def test_points_and_commas_are_read_as_they_are_meant(typed: str, meant: str) -> None:
    assert FIELD.clean(typed) == Decimal(meant)


@pytest.mark.parametrize(
    ("typed", "told"), [("1,500", "Write 1500 or 1.5."), ("1.500", "Write 1500 or 1.5."), ("-12,345", "Write -12345 or -12.345.")]
)
def test_what_can_be_read_in_two_ways_is_refused(typed: str, told: str) -> None:
    with pytest.raises(ValidationError) as refused:
        FIELD.clean(typed)

    assert refused.value.messages == [f"“{typed}” can be read in two ways. {told}"]


@pytest.mark.parametrize("typed", ["many", "1 5", "1,5,5", "1.5.5", "12,34.5", "1e3", "NaN", "inf", "--1", "1,,5", ",", "٣", "9" * 41])
def test_what_is_no_number_is_refused(typed: str) -> None:
    with pytest.raises(ValidationError, match=r"Give a number of credits, such as 20 or 1\.5\."):
        FIELD.clean(typed)


@pytest.mark.parametrize("written", [0, 1, 1500, 1_500_000, 1_234, 999_999_999])
def test_an_amount_that_the_studio_wrote_into_a_field_is_read_back_as_it_was(written: int) -> None:
    amount = Decimal(written) / 1000

    assert FIELD.clean(FIELD.prepare_value(amount)) == amount


def test_a_field_shows_what_was_typed_when_it_refuses_it() -> None:
    form = AlertForm({"low_below": "1,500"})

    assert not form.is_valid()
    assert 'value="1,500"' in str(form["low_below"])


OURS: list[type[Form]] = [LimitsForm, AskForm, AlertForm, GrantForm, CorrectionForm, CodesForm, CreditsRuleForm, PicturesRuleForm]


@pytest.mark.parametrize("form", OURS, ids=lambda form: form.__name__)
def test_no_browser_drops_a_comma_and_no_sentence_is_djangos(form: type[Form]) -> None:
    """A field of type `number` makes 15 of "1,5" before it is sent."""
    numbers = [one for one in form.base_fields.values() if hasattr(one, "min_value")]

    assert numbers
    for field in numbers:
        assert isinstance(field, AmountField | CountField)
        assert field.widget.input_type == "text"  # type: ignore[attr-defined]
        for typed in ("-99999999999", "99999999999", "many", "1.00001"):
            with pytest.raises(ValidationError) as refused:
                field.clean(typed)
            assert not [one for one in refused.value.messages if one.startswith(("Ensure", "Enter"))]


def test_prices_are_typed_the_same_way() -> None:
    form = PriceListForm({"version": "Winter", "margin": "12,5"}, engines=())

    assert form.is_valid()
    assert form.draft.margin == 1250


def test_a_form_without_its_key_says_so() -> None:
    assert RefundForm({"amount": "1"}).errors["key"] == ["This form has lost its key. Open the page again."]
