"""What Create says where a budget does not allow a price."""

from __future__ import annotations

import pytest
from django.urls import reverse

from billing.models import Scope
from billing.services import budgets, wallets
from studio.generation import services
from studio.generation.models import Job
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
