"""The operator's page: a line for each engine, words for what is wrong, and nothing to change in what has begun."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from accounts.models import User
from studio.pricing.models import PriceList
from studio.pricing.terms import Terms
from tests.pricing.conftest import Publish

pytestmark = pytest.mark.django_db
ADD = "/admin/pricing/pricelist/add/"
LIST = "/admin/pricing/pricelist/"


def sent(**changes: str) -> dict[str, str]:
    return {
        "version": "Winter",
        "valid_from": "",
        "margin": "20",
        "note": "dearer paper",
        "margin:null": "",
        "price:null": "2.5",
        **changes,
    }


def words(answer: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", unescape(answer.content.decode())).split())


def test_an_operator_adds_a_list(desk: Client, operator: User) -> None:
    page = desk.get(ADD)
    assert page.status_code == 200
    assert "Null (test card) on this machine · 2026-11 1" in words(page)
    assert desk.post(ADD, sent())["Location"] == LIST
    made = PriceList.objects.get()
    assert (made.version, made.margin, made.terms, made.note, made.author) == (
        "Winter",
        2000,
        {"null": {"price": 2500}},
        "dearer paper",
        operator,
    )
    assert made.has_begun
    assert (LogEntry.objects.get().user, LogEntry.objects.get().object_id) == (operator, str(made.pk))
    page = desk.get(LIST)
    assert "In force" in words(page)
    assert "20 %" in words(page)


def test_a_margin_of_its_own(desk: Client) -> None:
    assert desk.post(ADD, sent(**{"margin:null": "-12.5", "price:null": ""})).status_code == 302
    assert PriceList.objects.get().terms == {"null": {"margin": -1250}}


def test_a_look_at_what_teams_would_pay_saves_nothing(desk: Client) -> None:
    page = desk.post(ADD, sent(preview="1", **{"margin:null": "12.5", "price:null": ""}))
    assert page.status_code == 200
    [line] = [line for line in page.context["form"].lines() if line.engine.id == "null"]
    assert (line.pays.per_image, line.is_below) == (1130, False)
    below = desk.post(ADD, sent(preview="1", **{"price:null": "0.99"}))
    assert "less than the record" in words(below)
    assert not PriceList.objects.exists()


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"version": " "}, "Give this version a name."),
        ({"version": "x" * 41}, "at most 40 characters"),
        ({"valid_from": "2026-01-01T08:00"}, "That moment has passed. Choose a later one, or leave it empty for at once."),
        ({"valid_from": "soon"}, "Write date and time like 2026-12-01T08:00."),
        ({"margin": "-100.01"}, "A margin is from -100 to 1000 percent."),
        ({"margin": "1000.01"}, "A margin is from -100 to 1000 percent."),
        ({"margin": "a lot"}, "A margin is a number of percent, like 20 or 12.5."),
        ({"margin:null": "1.125"}, "A margin has two decimals at most."),
        ({"price:null": "-1"}, "A price cannot be less than 0."),
        ({"price:null": "100000.01"}, "A price is at most 100,000 credits."),
        ({"price:null": "NaN"}, "A price is a number of credits, like 6.5."),
        ({"price:null": "1.005"}, "A price has two decimals at most: a hundredth of a credit."),
        ({"margin:null": "5", "price:null": "5"}, "Give a margin or a price of your own, not both."),
        ({"note": "x" * 301}, "at most 300 characters"),
    ],
)
def test_what_makes_no_sense_is_said_and_nothing_is_saved(desk: Client, wrong: dict[str, str], sentence: str, time_machine: Any) -> None:
    page = desk.post(ADD, sent(**wrong))
    assert page.status_code == 422
    assert sentence in words(page)
    assert "Nothing was saved." in words(page)
    assert "dearer paper" in page.content.decode() or "note" in wrong
    assert not PriceList.objects.exists()


def test_a_name_that_is_taken_is_said_at_its_field(desk: Client, price_list: Publish) -> None:
    price_list("Winter")
    page = desk.post(ADD, sent())
    assert page.status_code == 422
    assert page.context["form"].errors == {"version": ["There is a price list “Winter” already. Choose another name."]}


def test_a_new_list_begins_with_the_lines_of_the_one_in_force(desk: Client, price_list: Publish) -> None:
    price_list("Winter", margin=1500, null=Terms(price=2500), away=Terms(margin=300))
    form = desk.get(ADD).context["form"]
    assert (form["version"].value(), str(form["margin"].value()), str(form["price:null"].value())) == (None, "15", "2.5")
    desk.post(ADD, sent(version="Spring", **{"price:null": "3"}))
    assert PriceList.objects.get(version="Spring").terms == {"null": {"price": 3000}, "away": {"margin": 300}}


def test_a_list_that_waits_is_changed_and_deleted(desk: Client, price_list: Publish) -> None:
    waits = price_list("Winter", days=2, null=Terms(margin=100))
    address = f"{LIST}{waits.pk}/change/"
    form = desk.get(address).context["form"]
    assert (form["version"].value(), form["margin:null"].value()) == ("Winter", "1")
    moment = (timezone.now() + timedelta(days=9)).strftime("%Y-%m-%dT%H:%M")
    assert desk.post(address, sent(version="Spring", valid_from=moment)).status_code == 302
    waits.refresh_from_db()
    assert (waits.version, waits.valid_from.strftime("%Y-%m-%dT%H:%M"), waits.has_begun) == ("Spring", moment, False)
    assert desk.post(f"{LIST}{waits.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not PriceList.objects.exists()


def test_a_list_that_has_begun_is_only_read(desk: Client, price_list: Publish) -> None:
    begun = price_list("Autumn", margin=700, null=Terms(price=2500))
    address = f"{LIST}{begun.pk}/change/"
    page = desk.get(address)
    assert "It has begun, so it stays as it is" in words(page)
    assert 'type="submit"' not in page.content.decode().split("results prices-of-engines")[1]
    answer = desk.post(address, sent())
    assert answer.status_code == 422
    assert "The price list “Autumn” has begun, so it stays as it is. Add a new one in its place." in words(answer)
    assert desk.post(f"{LIST}{begun.pk}/delete/", {"post": "yes"}).status_code == 403
    begun.refresh_from_db()
    assert (begun.version, begun.margin, begun.terms) == ("Autumn", 700, {"null": {"price": 2500}})


@pytest.mark.parametrize("who", ["alice", "bob", "mallory"])
def test_nobody_but_the_operator_sees_or_writes_lists(
    who: str, client_of: Callable[..., Client], price_list: Publish, request: Any
) -> None:
    waits = price_list("Autumn", days=2)
    client = client_of(request.getfixturevalue(who))
    for address in (LIST, ADD, f"{LIST}{waits.pk}/change/"):
        assert client.get(address).status_code == 302
        assert client.post(address, sent()).status_code in (302, 403)
    assert PriceList.objects.get().version == "Autumn"


def test_staff_who_may_look_do_not_write(bob: User, client_of: Callable[..., Client], price_list: Publish) -> None:
    waits = price_list("Autumn", days=2)
    User.objects.filter(pk=bob.pk).update(is_staff=True)
    bob.user_permissions.set(Permission.objects.filter(content_type__app_label="pricing", codename="view_pricelist"))
    client = client_of(bob)
    assert client.get(f"{LIST}{waits.pk}/change/").status_code == 200
    assert client.get(ADD).status_code == 403
    assert client.post(ADD, sent()).status_code == 403
    assert client.post(f"{LIST}{waits.pk}/change/", sent()).status_code == 403
    assert PriceList.objects.get().version == "Autumn"
