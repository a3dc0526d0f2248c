"""What the foot of the panel says before the press: the price in lines, what is missing, and what the same takes and costs here."""

from __future__ import annotations

from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import Membership, Role
from billing.services import wallets
from studio.backends import registry
from studio.backends.base import GenerationRequest, Mode
from studio.generation import fitting
from studio.generation.measures import MOST_AHEAD, Clock, about
from studio.generation.models import Job, Worker
from tests.factories import make_artifacts, make_job
from tests.generation.conftest import HTMX, fields, wallet

pytestmark = pytest.mark.django_db

LARGE = {"engine": "sd3.5-large", "mode": "text-to-image", "prompt": "a boat", "num_images": "2"}


@pytest.fixture
def workers(db: None) -> None:
    """One for what runs here, one for what runs elsewhere."""
    for queue in ("null", "stability"):
        Worker.objects.create(name=queue, queues=[queue], state="ready", pid=1, host="here", heartbeat_at=timezone.now())


def price(client: Any, **values: str) -> Any:
    answer = client.post(reverse("create_quote"), values, **HTMX)
    assert answer.status_code == 200
    return answer


def text(answer: Any) -> str:
    return " ".join(unescape(answer.content.decode()).split())


# --- the price in lines -----------------------------------------------------------------------------------------------------


def test_each_factor_has_a_line(alices: Any, rich: Any, provider: Any) -> None:
    page = text(price(alices, engine="stable-diffusion-xl-1024-v1-0", mode="text-to-image", num_images="4", num_inference_steps="50"))
    assert "4 pictures × 0.9 credits" in page
    assert "80 steps above 30 × 0.03" in page
    assert "leaves 94 of 100" in page
    assert "4 pictures for 0.9 credits each, 80 steps above 30 for 0.03 credits each: 6 credits. Leaves 94 of 100." in page


def test_what_costs_nothing_more_has_a_line_too(alices: Any) -> None:
    page = text(price(alices, **fields(num_images="1")))
    assert "1 picture × 1 credit" in page
    assert "The same in every shape and with any number of steps" in page


def test_too_little_says_how_much_more_and_where_to_get_it(client_of: Any, alice: Any, team: Any, settings: Any, bells: Any) -> None:
    wallets.grant(wallets.wallet_of(team), 4_500, reference="test", description="For the test")
    page = text(price(client_of(alice, team), **fields(num_images="8")))
    assert "3.5 more needed · 4.5 available" in page
    assert "Your own team has 25 credits: switch to it at the top of the page." in page
    assert f'Or <a class="link strong" href="{reverse("buy")}">buy credits</a> for this team.' in page
    assert "Not enough: 3.5 more needed, 4.5 available." in page


def test_who_cannot_get_credits_is_told_whom_to_ask(client_of: Any, alice: Any, bob: Any, carol: Any, team: Any, settings: Any) -> None:
    Membership.objects.filter(team=team, user=carol).update(role=Role.ADMIN)
    page = text(price(client_of(bob, team), **fields(num_images="8")))
    assert "Ask <strong>Alice Harbour</strong> or <strong>Carol Viewer</strong> for more" in page
    assert "buy credits" not in page


@pytest.mark.parametrize("nonsense", [{"num_images": "many"}, {"num_inference_steps": "x"}, {"size": "0x0"}, {"seed": "-1"}])
def test_what_makes_no_sense_yet_is_priced_as_the_default(alices: Any, nonsense: dict[str, str]) -> None:
    answer = price(alices, **fields(num_images="1") | nonsense)
    assert answer.context["quote"].amount == 1000
    assert not Job.objects.exists()


# --- without JavaScript -------------------------------------------------------------------------------------------------------


def test_without_javascript_the_page_comes_back_with_the_price(alices: Any, rich: Any) -> None:
    answer = alices.post(reverse("create_quote"), fields(num_images="4", prompt="x" * 5000, seed="7"))
    assert answer.status_code == 200
    form = answer.context["form"]
    assert (form["prompt"].value(), form["seed"].value(), form["num_images"].value()) == ("x" * 5000, "7", "4")
    assert (answer.context["quote"].amount, form.errors) == (4000, {})
    assert (Job.objects.count(), wallet(rich)) == (0, (100_000, 0))


def test_without_javascript_one_press_takes_the_engine_here(alices: Any, provider: Any, workers: None) -> None:
    sent = {**LARGE, "engine": ["sd3.5-large", "null"]}  # the button comes after the panel's own field
    answer = alices.post(reverse("create_quote"), sent)
    assert (answer.context["engine"].id, answer.context["form"]["prompt"].value()) == ("null", "a boat")


# --- the same here --------------------------------------------------------------------------------------------------------------


def done(team: Any, user: Any, seconds: float, count: int = 1, **request: Any) -> Job:
    """A job of the engine here that took so long."""
    request = {"width": 512, "height": 512, "num_inference_steps": None, **request}
    job = make_artifacts(team, user, count, files=False, **request)[0].job
    end = timezone.now()
    Job.objects.filter(pk=job.pk).update(started_at=end - timedelta(seconds=seconds), finished_at=end)
    return job


def test_the_same_here_for_less(alices: Any, alice: Any, rich: Any, provider: Any, workers: None) -> None:
    for seconds in (30, 40, 500):
        done(rich, alice, seconds, count=2)
    answer = price(alices, **LARGE)
    here = answer.context["here"]
    assert (here.engine.id, here.quote.amount, here.takes, here.size) == ("null", 2000, "40 s", "512 × 512")
    assert "or for 2 credits" in text(answer)
    assert "in about 40 s, 512 × 512" in text(answer)


def test_what_waits_before_it_counts(alices: Any, alice: Any, rich: Any, provider: Any, workers: None) -> None:
    done(rich, alice, 60)
    waiting = {"width": 512, "height": 512, "num_inference_steps": None}
    make_job(rich, alice, **waiting)
    running = make_job(rich, alice, status=Job.Status.RUNNING, **waiting)
    Job.objects.filter(pk=running.pk).update(started_at=timezone.now() - timedelta(seconds=20))
    # 60 s of the one that waits, 40 s of the one that runs, 2 × 60 s for itself
    assert price(alices, **LARGE).context["here"].takes == "4 minutes"


def test_without_a_measurement_there_is_no_guess(alices: Any, alice: Any, rich: Any, provider: Any, workers: None) -> None:
    done(rich, alice, 30, width=640, height=384)
    done(rich, alice, 30, num_inference_steps=50)
    answer = price(alices, **LARGE)
    assert answer.context["here"].takes == ""
    assert "here with Null (test card)" in text(answer)
    assert "in about" not in text(answer)


def test_something_unknown_in_the_queue_leaves_no_guess(alices: Any, alice: Any, rich: Any, provider: Any, workers: None) -> None:
    done(rich, alice, 30)
    make_job(rich, alice, width=640, height=384)
    assert price(alices, **LARGE).context["here"].takes == ""


def test_old_measurements_do_not_count(alice: Any, rich: Any, workers: None) -> None:
    done(rich, alice, 30)
    request = GenerationRequest("null", Mode.TEXT_TO_IMAGE, 1, width=512, height=512)
    assert Clock().seconds(request) == 30
    assert Clock(timezone.now() + timedelta(days=31)).seconds(request) is None


def test_a_long_queue_or_no_worker_leaves_no_guess(alice: Any, rich: Any, workers: None, settings: Any) -> None:
    done(rich, alice, 30)
    assert Clock().wait("null") == 0
    for _ in range(MOST_AHEAD + 1):
        make_job(rich, alice, width=512, height=512, num_inference_steps=None)
    assert Clock().wait("null") is None
    Job.objects.open().update(status=Job.Status.CANCELED)
    Worker.objects.all().delete()
    assert Clock().wait("null") is None


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"engine": "null"}, id="it is here already"),
        pytest.param({"engine": "sd3.5-large", "aspect_ratio": "21:9"}, id="another shape"),
        pytest.param({"engine": "stable-diffusion-xl-1024-v1-0"}, id="not for less"),
        pytest.param({"engine": "stable-fast-3d", "mode": "image-to-3d"}, id="not what it does"),
    ],
)
def test_no_engine_here_for_it(alices: Any, provider: Any, workers: None, values: dict[str, str]) -> None:
    assert price(alices, **{**LARGE, "num_images": "1", **values}).context["here"] is None


def test_an_engine_without_a_worker_is_not_offered(alices: Any, provider: Any, workers: None) -> None:
    Worker.objects.filter(name="null").delete()
    assert price(alices, **LARGE).context["here"] is None


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "1 s"),
        (3.4, "3 s"),
        (23, "25 s"),
        (70, "a minute"),
        (118, "2 minutes"),
        (1030, "15 minutes"),
        (3500, "an hour"),
        (8000, "2 hours"),
    ],
)
def test_time_in_words(seconds: float, words: str) -> None:
    assert about(seconds) == words


# --- the same wish for another engine ---------------------------------------------------------------------------------------------


def test_settings_go_along_where_they_mean_something(provider: Any, workers: None) -> None:
    large, flash, null = (registry.engine(name) for name in ("sd3.5-large", "sd3.5-flash", "null"))
    extra = {"aspect_ratio": "16:9", "style_preset": "anime", "output_format": "png"}
    request = GenerationRequest("sd3.5-large", Mode.TEXT_TO_IMAGE, 5, prompt="a boat", negative_prompt="fog", extra=extra)
    found = fitting.fit(request, large, flash, {})
    assert found is not None
    assert (found.engine, found.seed, found.prompt, found.extra["aspect_ratio"]) == ("sd3.5-flash", 5, "a boat", "16:9")
    here = fitting.fit(request, large, null, {})
    assert here is not None
    assert (here.width, here.height, here.extra, here.negative_prompt) == (640, 384, {}, "fog")
