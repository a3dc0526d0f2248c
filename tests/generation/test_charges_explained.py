"""Billing has never heard of pictures: what a hold was for, at which prices and what came of it is told by the studio."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.test import Client

from accounts.models import Team, User
from billing.models import Hold
from billing.services import wallets
from studio.backends import registry
from studio.backends.base import GenerationRequest, Mode
from studio.generation import services
from studio.generation.cards import load_one
from studio.generation.models import Job
from tests.billing.pages import body, part
from tests.factories import make_artifacts, make_job

pytestmark = pytest.mark.django_db
ClientOf = Callable[..., Client]


@pytest.fixture
def null_engine(settings: Any) -> Any:
    settings.BACKENDS = {"null": {"BACKEND": "studio.backends.null.NullBackend", "OPTIONS": {"ENABLED": True}}}
    registry.backend.cache_clear()
    yield
    registry.backend.cache_clear()


def test_a_hold_says_what_it_is_for(team: Team, bob: User, null_engine: None) -> None:
    request = GenerationRequest(engine="null", mode=Mode.TEXT_TO_IMAGE, seed=1, prompt="a boat", width=64, height=64)
    wallets.grant(wallets.wallet_of(team), 10_000, reference="test", description="For a test")
    job = services.submit(user=bob, team=team, request=request, idempotency_key="one")
    assert (job.hold.product, job.hold.operation, job.hold.actor) == (job.engine_label, "Text", bob)


def test_old_holds_are_filled_from_their_jobs(team: Team, bob: User) -> None:
    core = make_job(team, bob, engine_label="Core").hold
    ultra = make_job(team, bob, engine_label="Ultra", mode=Mode.UPSCALING).hold
    other = wallets.place_hold(wallets.wallet_of(team), 1, reference="other", description="Nothing of ours")
    Hold.objects.update(product="", operation="")
    migration = importlib.import_module("studio.generation.migrations.0010_say_what_old_holds_were_for")

    def words() -> list[tuple[str, str]]:
        return [Hold.objects.values_list("product", "operation").get(pk=one.pk) for one in (core, ultra, other)]

    migration.fill(apps, None)
    assert words() == [("Core", "Text"), ("Ultra", "Upscale"), ("", "")]
    migration.empty(apps, None)
    assert words() == [("", "")] * 3
    migration.fill(apps, None)
    assert {mode.value: mode.label for mode in Mode} == migration.LABELS


def test_the_page_of_a_charge(team: Team, alice: User, bob: User, client_of: ClientOf) -> None:
    pictures = make_artifacts(team, bob, 3, engine_label="Core", prompt="a red sailboat", width=64, height=96)
    hold = pictures[0].job.hold
    response = client_of(alice).get(f"/wallet/holds/{hold.pk}/")
    assert part(response, r'aria-labelledby="price-title">(.*?)</section>') == (
        "The price The quote, line by line, in credits What Each Credits 3 pictures × 1 3 Quoted, and held 3 "
        "By price list test-1, as it was when it was asked for. Later lists change nothing here."
    )
    assert part(response, r'aria-labelledby="work-title">(.*?)</section>') == (
        "What it was for a red sailboat Engine Core Mode Text Size 64 × 96 Steps 20 Asked for 3 pictures Delivered 3 "
        "How it ended Done Open on Create"
    )
    html = response.content.decode()
    for picture in pictures:
        assert f'href="/pictures/{picture.pk}/"' in html
    assert f'href="/create/?job={pictures[0].job_id}"' in html
    assert "All that was asked for was delivered." in html


def test_why_less_was_charged(team: Team, alice: User, bob: User, client_of: ClientOf) -> None:
    job = make_job(team, bob, num_images=4)
    wallets.capture(job.hold, 3000)
    Job.objects.filter(pk=job.pk).update(status="succeeded", delivered=3)
    failed = make_job(team, bob)
    wallets.void(failed.hold)
    Job.objects.filter(pk=failed.pk).update(status="failed", error_message="The provider did not answer in time.")
    client = client_of(alice)
    assert "Released 1" in body(client.get(f"/wallet/holds/{job.hold_id}/"))
    assert "1 picture did not come out." in body(client.get(f"/wallet/holds/{job.hold_id}/"))
    page = body(client.get(f"/wallet/holds/{failed.hold_id}/"))
    assert "Failed, nothing charged." in page
    assert "Reason The provider did not answer in time." in page


@pytest.mark.parametrize(
    ("status", "captured", "delivered", "settlement", "why"),
    [
        ("queued", None, 0, "held 4", ""),
        ("running", None, 0, "held 4", ""),
        ("succeeded", 4000, 4, "held 4, charged 4", ""),
        ("succeeded", 3000, 3, "held 4, charged 3, released 1", "1 of 4 did not come out; you were not charged for it."),
        ("failed", 0, 0, "held 4, released 4", "You were not charged."),
        ("canceled", 0, 0, "held 4, released 4", "You were not charged."),
    ],
)
def test_every_card_says_held_charged_released_and_why(
    team: Team, bob: User, client_of: ClientOf, status: str, captured: int | None, delivered: int, settlement: str, why: str
) -> None:
    job = make_job(team, bob, num_images=4)
    if captured is not None:
        wallets.capture(job.hold, captured) if captured else wallets.void(job.hold)
    Job.objects.filter(pk=job.pk).update(status=status, delivered=delivered)
    response = client_of(bob).get(f"/jobs/{job.pk}/", headers={"HX-Request": "true"})
    assert part(response, rf'<a class="faint num settled" href="/wallet/holds/{job.hold_id}/"[^>]*>(.*?)</a>') == settlement
    assert load_one(Job.objects.get(pk=job.pk)).card.charges == why
    assert why in body(response)
