"""What Create says where a budget does not allow a price."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.urls import reverse
from django.utils import timezone

from billing.models import Scope
from billing.services import budgets, wallets
from studio.generation import services
from studio.generation.models import Job, Worker
from tests.generation.conftest import HTMX, fields, press, wallet

SAID = (
    "This costs 2 credits, and 1 of your 1 credit for today is left. The budget starts again tomorrow. "
    "Ask for more, or choose something that costs less."
)


@pytest.fixture
def limited(rich, alice):
    budgets.set_limits(wallets.wallet_of(rich), by=alice, day=1000, month=None, scope=Scope.EVERYONE)
    return rich


@pytest.fixture
def bobs(client_of, bob, limited, bells, hints):
    return client_of(bob)


def test_the_price_says_it_before_the_press(bobs):
    page = bobs.post(reverse("create_quote"), fields(), **HTMX)
    assert page.context["over"].message == SAID
    assert "1 of your 1 credit for today is left. The budget starts again tomorrow. <a" in page.content.decode()
    assert f'href="{reverse("budget_ask")}?limit=member-day&amp;needed=2000"' in page.content.decode()
    page = bobs.post(reverse("create_quote"), fields(num_images="1"), **HTMX)
    assert page.context["over"] is None
    assert "budget_ask" not in page.content.decode()


def test_the_button_is_marked_with_the_reason(bobs):
    page = bobs.post(reverse("create_quote"), fields(), **HTMX).content.decode()
    assert '<div id="price" class="price-box" data-short>' in page
    assert '<button class="generate" id="generate" aria-disabled="true" aria-describedby="price-said">' in page
    assert 'role="status">2 pictures for 1 credit each: 2 credits. This costs 2 credits, and 1 of your 1 credit for today is left.' in page
    page = bobs.post(reverse("create_quote"), fields(num_images="1"), **HTMX).content.decode()
    assert ("data-short" in page, "aria-disabled" in page) == (False, False)


def test_only_what_fits_into_the_budget_is_offered_beside_it(bobs, alice, limited, provider):
    make_worker()
    asked = {"engine": "sd3.5-large", "mode": "text-to-image", "prompt": "a boat", "num_images": "2"}
    page = bobs.post(reverse("create_quote"), asked, **HTMX)
    assert (page.context["over"].left, page.context["here"], page.context["preview"]) == (1000, None, None)
    assert "No engine on this machine does this for what is left" in page.content.decode()
    budgets.set_limits(wallets.wallet_of(limited), by=alice, day=2000, month=None, scope=Scope.EVERYONE)
    page = bobs.post(reverse("create_quote"), asked, **HTMX)
    assert (page.context["over"].left, page.context["here"].quote.amount) == (2000, 2000)
    budgets.set_limits(wallets.wallet_of(limited), by=alice, day=None, month=1000, scope=Scope.TEAM)
    page = bobs.post(reverse("create_quote"), asked, **HTMX)
    assert page.context["here"] is None, "of all limits the lowest counts"


def test_only_what_fits_into_the_balance_is_offered_beside_it(client_of, alice, team, provider, bells, hints):
    make_worker()
    wallets.grant(wallets.wallet_of(team), 1_500, reference="test", description="For the test")
    asked = {"engine": "sd3.5-large", "mode": "text-to-image", "prompt": "a boat"}
    page = client_of(alice, team).post(reverse("create_quote"), {**asked, "num_images": "2"}, **HTMX)
    assert (page.context["refused"], page.context["here"]) == (True, None)
    assert 'aria-disabled="true" aria-describedby="price-said"' in page.content.decode()
    page = client_of(alice, team).post(reverse("create_quote"), {**asked, "num_images": "1"}, **HTMX)
    assert page.context["here"].quote.amount == 1000


def make_worker():
    Worker.objects.create(name="null", queues=["null"], state="ready", pid=1, host="here", heartbeat_at=timezone.now())


def test_what_has_expired_is_not_offered_to_spend(client_of, alice, team, bells, hints):
    wallets.grant(wallets.wallet_of(team), 1_000, reference="lasts", description="For the test")
    now = timezone.now()
    wallets.grant(wallets.wallet_of(team), 9_000, reference="ends", description="For the test", expires_at=now + timedelta(seconds=1))
    with time_machine.travel(now + timedelta(minutes=1)):
        page = client_of(alice, team).post(reverse("create_quote"), fields(), **HTMX)
    assert (page.context["available"], page.context["missing"]) == (1_000, 1_000)


def test_the_press_is_refused_with_a_way_to_ask_and_charges_nothing(bobs, limited):
    response = press(bobs, prompt="my boat")
    assert response.status_code == 422
    assert response.context["form"].non_field_errors() == [SAID]
    assert response.content.decode().count("The budget starts again tomorrow") == 1
    assert reverse("budget_ask") in response.content.decode()
    assert "my boat" in response.content.decode()
    assert (Job.objects.count(), wallet(limited)) == (0, (100_000, 0))


def test_who_administers_is_led_to_the_budget(client_of, alice, limited, bells, hints):
    page = client_of(alice).post(reverse("create_quote"), fields(), **HTMX).content.decode()
    assert f'href="{reverse("budgets")}"' in page
    assert reverse("budget_ask") not in page


def test_trying_again_is_refused_with_the_same_words(bobs, bob, limited, make_job):
    job = make_job(bob, limited)
    [claimed] = services.claim(["null"], "w")
    services.fail(claimed, "engine_failed")
    budgets_now = wallets.wallet_of(limited)
    wallets.place_hold(budgets_now, 1000, reference="other", description="A picture", actor=bob)
    before = wallet(limited)
    response = bobs.post(reverse("job_retry", args=[job.pk]), **HTMX)
    assert response.status_code == 422
    assert "0 of your 1 credit for today are left" in response.content.decode()
    assert (Job.objects.count(), wallet(limited)) == (1, before)
