"""Versions of the price list, and that every price on a page and in a quote is that of the one in force."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import Team, User
from billing.services import wallets
from studio.backends import registry
from studio.backends.base import GenerationRequest, Mode
from studio.generation import engines, quotes, services
from studio.generation.models import Job
from studio.pricing.errors import PriceListInForce, VersionTaken
from studio.pricing.models import PriceList
from studio.pricing.prices import in_force, priced
from studio.pricing.services import Draft, change, publish, withdraw
from studio.pricing.terms import Terms
from tests.pricing.conftest import Publish

pytestmark = pytest.mark.django_db
DRAFT = Draft("Spring", None, 500, {"null": Terms(price=1)}, "why")


def null_price() -> int:
    [engine] = [engine for engine in priced(registry.engines()) if engine.id == "null"]
    return engine.price.per_image


def test_without_a_list_the_records_hold() -> None:
    assert in_force() is None
    assert priced(registry.engines()) == registry.engines()


def test_the_newest_list_that_has_begun_is_in_force(price_list: Publish) -> None:
    price_list("Last year", days=-300, null=Terms(price=1))
    held = price_list("Now", days=-1, null=Terms(margin=2000))
    price_list("Older", days=-2, null=Terms(price=2))
    price_list("Next year", days=40, null=Terms(price=3))
    assert (in_force(), null_price()) == (held, 1200)


def test_a_list_begins_at_its_moment(price_list: Publish, time_machine: Any) -> None:
    price_list("Now", null=Terms(price=2000))
    later = price_list("Later", days=1, null=Terms(price=5000))
    time_machine.move_to(later.valid_from - timedelta(milliseconds=1), tick=False)
    assert null_price() == 2000
    time_machine.move_to(later.valid_from, tick=False)
    assert null_price() == 5000


def test_prices_are_one_query(price_list: Publish) -> None:
    price_list("Now", null=Terms(price=2000))
    with CaptureQueriesContext(
        connection,
    ) as queries:
        priced(registry.engines())
    assert len(queries) == 1


def test_the_general_margin_is_for_remote_engines_without_a_line(price_list: Publish) -> None:
    from dataclasses import replace

    held = price_list("Now", margin=1000, own=Terms(price=9))
    [local] = [engine for engine in registry.engines() if engine.id == "null"]
    remote, own = replace(local, id="remote", local=False), replace(local, id="own", local=False)
    assert [held.prices_of(one).per_image for one in (local, remote, own)] == [1000, 1100, 9]


def test_one_price_everywhere(price_list: Publish, alice: User, team: Team, client_of: Callable[..., Client]) -> None:
    """The button, the list of engines, the wallet and what a submit holds."""
    price_list("Winter", null=Terms(margin=2500))
    wallets.grant(wallets.wallet_of(team), 100_000, reference="test", description="For the test")
    client = client_of(alice)
    page = client.get("/create/", {"engine": "null"})
    assert page.context["quote"].amount == 1250
    assert page.context["quote"].price_version == "Winter (2026-11)"
    html = page.content.decode()
    assert "1.25 credits a picture" in html
    assert "price list Winter (2026-11)" in html
    assert dict(quotes.price_list())["Null (test card)"] == "1.25 credits a picture"
    assert "1.25 credits a picture" in client.get("/wallet/").content.decode()
    sent = {"engine": "null", "mode": "text-to-image", "prompt": "a boat", "num_images": "2", "idempotency_key": "k"}
    assert client.post("/create/quote/", sent).context["quote"].amount == 2500
    client.post("/create/", sent)
    job = Job.objects.select_related("hold").get()
    assert (job.hold.amount, job.price.amount, job.price.price_version, job.price.record_per_image) == (
        2500,
        2500,
        "Winter (2026-11)",
        1000,
    )


def test_nobody_pays_another_price_than_the_button_showed(
    price_list: Publish, alice: User, team: Team, client_of: Callable[..., Client]
) -> None:
    wallets.grant(wallets.wallet_of(team), 100_000, reference="test", description="For the test")
    client = client_of(alice)
    sent = {"engine": "null", "mode": "text-to-image", "prompt": "a boat", "idempotency_key": "k"}

    def press(page: Any) -> Any:
        found = re.search(r'name="price_list" value="([^"]+)"', page.content.decode())
        assert found
        return client.post("/create/", {**sent, "price_list": found[1]})

    page = client.get("/create/", {"engine": "null"})
    price_list("Winter", null=Terms(price=4000))
    refused = press(page)
    assert (refused.status_code, refused.context["quote"].amount, Job.objects.count()) == (422, 4000, 0)
    assert "Prices have changed since this page was drawn." in refused.content.decode()
    assert press(refused).status_code == 302
    assert Job.objects.get().price.amount == 4000


@pytest.mark.parametrize("place", ["job", "job_stage"])
def test_trying_again_costs_what_the_card_says(
    price_list: Publish, alice: User, team: Team, client_of: Callable[..., Client], place: str
) -> None:
    wallets.grant(wallets.wallet_of(team), 100_000, reference="test", description="For the test")
    client, scripted = client_of(alice), {"HTTP_HX_REQUEST": "true"}
    asked = GenerationRequest("null", Mode.TEXT_TO_IMAGE, 1, prompt="a boat", width=512, height=512)
    stopped = services.cancel(services.submit(user=alice, team=team, request=asked, idempotency_key="1"))

    def press(page: Any, **headers: Any) -> Any:
        found = re.search(r'name="price_list" value="([^"]+)"', page.content.decode())
        assert found
        return client.post(f"/jobs/{stopped.pk}/retry/", {"idempotency_key": "r", "price_list": found[1]}, **headers)

    page = client.get(reverse(place, args=[stopped.pk]), **scripted)
    assert "Try again · 1 credit" in page.content.decode()
    price_list("Winter", null=Terms(price=4000))
    for headers in ({}, scripted):
        refused = press(page, **headers)
        assert (refused.status_code, Job.objects.count()) == (422, 1)
        assert "Prices have changed since this page was drawn. Look at the new one, then press again." in refused.content.decode()
    assert refused.content.decode().count("Try again · 4 credits") == 2, "on the card and on the stage"
    assert press(refused, **scripted).status_code == 200
    assert Job.objects.latest("id").price.amount == 4000


def test_a_job_keeps_its_quote_and_trying_again_costs_today_s_price(price_list: Publish, alice: User, team: Team) -> None:
    wallets.grant(wallets.wallet_of(team), 100_000, reference="test", description="For the test")
    asked = GenerationRequest("null", Mode.TEXT_TO_IMAGE, 1, prompt="a boat", width=512, height=512)
    first = services.submit(user=alice, team=team, request=asked, idempotency_key="1")
    price_list("Winter", null=Terms(price=4000))
    again = services.retry(first, user=alice, idempotency_key="2")
    first.refresh_from_db()
    assert (first.price.amount, first.price.price_version, first.hold.amount) == (1000, "2026-11", 1000)
    assert (again.price.amount, again.price.price_version, again.hold.amount) == (4000, "Winter (2026-11)", 4000)


def test_paused_queues_the_states_of_engines_and_their_prices_are_a_query_each(price_list: Publish) -> None:
    price_list("Now", null=Terms(price=2000))
    with CaptureQueriesContext(connection) as queries:
        engines.available()
    assert len(queries) == 3


# --- versions --------------------------------------------------------------------------------------------------------


def row(price_list: PriceList) -> tuple[Any, ...]:
    fresh = PriceList.objects.get(pk=price_list.pk)
    return fresh.version, fresh.margin, fresh.terms, fresh.note


def test_a_list_says_who_when_and_why(alice: User) -> None:
    made = publish(DRAFT, author=alice)
    assert row(made) == ("Spring", 500, {"null": {"price": 1}}, "why")
    assert made.author == alice
    assert timezone.now() - made.valid_from < timedelta(minutes=1)


def test_a_list_that_waits_can_be_changed_and_withdrawn(price_list: Publish, bob: User) -> None:
    waits = price_list("Winter", days=1, null=Terms(margin=100))
    change(waits, DRAFT, author=bob)
    assert row(waits) == ("Spring", 500, {"null": {"price": 1}}, "why")
    assert waits.author == bob
    another = price_list("Winter", days=1)
    withdraw(another)
    assert list(PriceList.objects.all()) == [waits]


def test_a_list_that_has_begun_stays(price_list: Publish, bob: User) -> None:
    """Whoever looked at it while it waited finds it begun when they write: the UPDATE itself says that it must wait."""
    begun = price_list("Winter", null=Terms(margin=100))
    before = row(begun)
    for refused in (lambda: change(begun, DRAFT, author=bob), lambda: withdraw(begun), begun.save, begun.delete):
        with pytest.raises(PriceListInForce):
            refused()
    assert row(begun) == before
    assert begun.author != bob


def test_a_name_is_taken_once(price_list: Publish, alice: User) -> None:
    waits = price_list("Spring", days=1)
    other = price_list("Winter", days=1)
    with pytest.raises(VersionTaken) as caught:
        publish(DRAFT, author=alice)
    assert caught.value.message == "There is a price list “Spring” already. Choose another name."
    with pytest.raises(VersionTaken):
        change(other, DRAFT, author=alice)
    assert sorted(PriceList.objects.values_list("version", flat=True)) == ["Spring", "Winter"]
    assert row(waits)[1] == 0
