"""What a plan allows, where people meet it: refused with a sentence that names the plan, nothing charged, nothing lost that was typed."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from billing.models import Hold, Plan, Subscription
from billing.services import wallets
from billing.services.approvals import add_rule
from studio.generation import services, usage
from studio.generation.errors import PlanLimit
from studio.generation.models import Artifact, Job
from tests.factories import make_artifact
from tests.generation.conftest import HTMX, media, press, price_of_one, wallet
from tests.generation.pictures import picture

pytestmark = pytest.mark.django_db


@pytest.fixture
def small(settings: Any) -> Plan:
    """Everybody's plan, with room for little; Creator has more of everything."""
    settings.DEFAULT_PLAN = "small"
    return Plan.objects.create(slug="small", name="Small", position=5)


def limit(plan: Plan, **limits: Any) -> None:
    Plan.objects.filter(pk=plan.pk).update(**limits)


def test_jobs_at_once(rich, alice, bob, make_job, small):
    limit(small, jobs_at_once=2)
    make_job(alice, rich)
    first = make_job(bob, rich)
    with pytest.raises(PlanLimit) as caught:
        make_job(alice, rich)
    assert caught.value.message == (
        "The Small plan runs 2 jobs of a team at once. Wait for one to finish, or change to Creator, which has 5."
    )
    assert wallet(rich) == (100_000, 2 * price_of_one())
    assert Job.objects.count() == Hold.objects.count() == 2
    services.cancel(first)
    make_job(alice, rich)


def test_jobs_at_once_are_those_of_the_team(rich, alice, other_team, mallory, make_job, small):
    limit(small, jobs_at_once=1)
    wallets.grant(wallets.wallet_of(other_team), 100_000, reference="test", description="For a test")
    make_job(alice, rich)
    make_job(mallory, other_team)
    assert Job.objects.count() == 2


def test_what_waits_for_approval_takes_its_place_when_it_is_approved(rich, alice, bob, make_job, small):
    add_rule(wallets.wallet_of(rich), kind="pictures", threshold=1, by=alice)
    limit(small, jobs_at_once=1)
    asked = make_job(bob, rich, num_images=2)
    running = make_job(bob, rich)
    with pytest.raises(PlanLimit):
        services.approve(asked, by=alice)
    asked.refresh_from_db()
    assert (asked.status, asked.verdict) == (Job.Status.NEEDS_APPROVAL, "")
    services.cancel(running)
    assert services.approve(asked, by=alice).status == Job.Status.QUEUED
    with pytest.raises(PlanLimit):
        make_job(bob, rich)


def test_the_same_key_is_the_same_job_at_the_limit(rich, alice, make_job, small):
    limit(small, jobs_at_once=1)
    assert make_job(alice, rich, key="once").pk == make_job(alice, rich, key="once").pk


def test_a_press_at_the_limit_keeps_what_was_typed(alices, rich, small):
    limit(small, jobs_at_once=1)
    press(alices)
    answer = press(alices, idempotency_key="k2", prompt="a green lighthouse", seed="77")
    html = answer.content.decode()
    assert answer.status_code == 422
    assert "The Small plan runs one job of a team at once." in html
    assert "a green lighthouse" in html
    assert 'value="77"' in html
    assert Job.objects.count() == 1
    assert wallet(rich) == (100_000, 2 * price_of_one())


def test_requests_per_minute(alices, client_of, bob, rich, small):
    limit(small, requests_per_minute=2)
    bobs = client_of(bob)
    assert [press(browser, idempotency_key=key).status_code for browser, key in ((alices, "a"), (bobs, "b"))] == [200, 200]
    answer = press(alices, idempotency_key="c")
    assert answer.status_code == 429
    assert 0 < int(answer["Retry-After"]) <= 60
    html = answer.content.decode()
    assert "The Small plan takes 2 requests a minute from a team. Try again in " in html
    assert "s, or change to Free, which has 10; what you typed is kept." in html
    assert Job.objects.count() == 2
    assert wallet(rich) == (100_000, 4 * price_of_one())


def test_trying_again_counts_as_a_request(alices, rich, alice, make_job, small):
    job = make_job(alice, rich)
    services.cancel(job)
    limit(small, requests_per_minute=1)
    url = reverse("job_retry", args=[job.pk])
    assert alices.post(url, {"idempotency_key": "1"}, **HTMX).status_code == 200
    answer = alices.post(url, {"idempotency_key": "2"}, **HTMX)
    assert (answer.status_code, Job.objects.count()) == (429, 2)
    assert "The Small plan takes one request a minute" in answer.content.decode()


def test_the_studios_own_ceiling_stays(alices, rich, settings, small):
    settings.SUBMIT_RATE = "1/minute"
    limit(small, requests_per_minute=50)
    statuses = [press(alices, idempotency_key=key) for key in "ab"]
    assert [one.status_code for one in statuses] == [200, 429]
    assert "That was a lot at once." in statuses[1].content.decode()


def test_an_engine_that_the_plan_does_not_have(alices, rich, alice, make_job, small):
    limit(small, engines=["storybook"])
    with pytest.raises(PlanLimit, match="is not part of the Small plan"):
        make_job(alice, rich)
    answer = press(alices, prompt="a green lighthouse")
    assert answer.status_code == 422
    assert "is not part of the Small plan" in answer.content.decode()
    assert "a green lighthouse" in answer.content.decode()
    assert not Job.objects.exists()
    assert not Hold.objects.exists()


def test_no_plan_has_it(rich, alice, make_job, small):
    limit(small, engines=["storybook"])
    Plan.objects.exclude(pk=small.pk).update(engines=["storybook"])
    with pytest.raises(PlanLimit, match="or ask your operator"):
        make_job(alice, rich)


def test_the_picker_shows_what_is_locked_and_who_has_it(alices, rich, small):
    limit(small, engines=["storybook*"])
    page = alices.get(reverse("create"))
    assert page.context["engine"].id == "storybook"
    assert page.context["locks"] == {"null": "Free"}
    html = page.content.decode()
    assert '<a class="engine-item locked" href="/wallet/plan/">' in html
    assert "In the Free plan" in html
    chosen = alices.get(reverse("create"), {"engine": "null"}).content.decode()
    assert "Null (test card) is not part of your plan." in chosen
    assert "The Free plan has it" in chosen
    again = alices.get(reverse("create_engine"), {"engine": "null", "mode": "text-to-image"}, **HTMX).content.decode()
    assert "Null (test card) is not part of your plan." in again


def test_nothing_is_locked_as_the_studio_comes(alices, rich):
    page = alices.get(reverse("create"))
    assert page.context["locks"] == {}
    assert "locked" not in page.content.decode()


def test_a_better_plan_is_served_first(rich, alice, other_team, mallory, make_job):
    wallets.grant(wallets.wallet_of(other_team), 100_000, reference="test", description="For a test")
    Subscription.objects.create(wallet=wallets.wallet_of(other_team), plan=Plan.objects.get(slug="pro"), status="active")
    first, second = make_job(alice, rich), make_job(mallory, other_team)
    assert (first.priority, second.priority) == (0, 10)
    assert [services.claim(["null"], "w", batch=False)[0].pk for _ in range(2)] == [second.pk, first.pk]


# --- storage -----------------------------------------------------------------------------------------------------------
def bring(browser: Any, data: bytes) -> Any:
    upload = SimpleUploadedFile("a picture.png", data)
    return browser.post("/library/upload/", {"file": upload}, HTTP_ACCEPT="application/json")


def test_an_upload_without_room_is_not_stored(alices, rich, small):
    data = picture((90, 60))
    limit(small, storage=len(data) + 10)
    assert bring(alices, data).status_code == 201
    kept = usage.stored(rich)
    assert kept == Artifact.objects.get().bytes
    before = sorted(default_storage.listdir("artifacts")[0])
    answer = bring(alices, picture((90, 60), color=(1, 2, 3)))
    assert answer.status_code == 422
    assert answer.json()["code"] == "plan_limit"
    assert answer.json()["error"].startswith("The Small plan keeps ")
    assert answer.json()["error"].endswith("Delete something and empty the trash, or change to Free, which has 1 GB.")
    assert (usage.stored(rich), sorted(default_storage.listdir("artifacts")[0])) == (kept, before)
    assert bring(alices, data).status_code == 200  # what is there already takes no room


def test_nothing_new_is_begun_when_the_library_is_full(rich, alice, make_job, small):
    running = make_job(alice, rich)
    made = make_artifact(rich, alice)
    limit(small, storage=made.bytes)
    with pytest.raises(PlanLimit, match="and the library is full"):
        make_job(alice, rich)
    assert Job.objects.filter(status="queued").get() == running


def test_what_is_under_way_is_delivered_all_the_same(rich, alice, make_job, small):
    make_job(alice, rich)
    limit(small, storage=1)
    [job] = services.claim(["null"], "w", batch=False)
    assert services.succeed(job, media(1))
    job.refresh_from_db()
    assert job.status == "succeeded"
    assert job.artifacts.count() == job.num_images
    assert usage.stored(rich) > 1


def test_the_trash_takes_room_until_it_is_emptied(rich, alice):
    from studio.galleries.services import trash

    made = make_artifact(rich, alice)
    trash(made, by=alice)
    assert usage.stored(rich) == made.bytes


def test_storage_is_added_up_from_an_index(rich, alice):
    from django.db import connection

    with connection.cursor() as cursor:
        word = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"
        cursor.execute(f"{word} SELECT SUM(bytes) FROM generation_artifact WHERE team_id = {rich.pk}")
        told = " ".join(str(row) for row in cursor.fetchall())
    assert connection.vendor != "sqlite" or "COVERING INDEX artifact_storage" in told


def test_usage_is_told_by_the_names_of_the_limits(alices, rich, alice, small):
    limit(small, requests_per_minute=5)
    small.refresh_from_db()
    assert usage.of_team(rich, small) == {"jobs_at_once": 0, "storage": 0, "requests_per_minute": 0}
    press(alices)
    assert usage.of_team(rich, small) == {"jobs_at_once": 1, "storage": 0, "requests_per_minute": 1}
    limit(small, requests_per_minute=None)
    small.refresh_from_db()
    assert "requests_per_minute" not in usage.of_team(rich, small)
