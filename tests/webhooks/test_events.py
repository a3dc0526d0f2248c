"""What is told of each event, by the services in which it happens, once and within their transaction."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection, transaction
from django.utils import timezone

from accounts import ending, members
from accounts.models import Team, User
from billing.services import alerts, wallets
from billing.services.approvals import add_rule
from studio.backends import registry
from studio.backends.base import GeneratedMedia, GenerationRequest, Mode
from studio.generation import services
from studio.generation.models import Artifact, Batch, Job
from studio.generation.services.batches import Item
from studio.generation.services.erasing import erase_words
from studio.generation.services.news import tell_ended
from studio.webhooks.models import Delivery, Endpoint
from tests.billing.race import at_once
from tests.factories import draw

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def only_the_null_engine(settings: Any) -> Iterator[None]:
    settings.BACKENDS = {"null": {"BACKEND": "studio.backends.null.NullBackend", "OPTIONS": {"ENABLED": True}}}
    settings.STUDIO_URL = "https://studio.example"
    registry.backend.cache_clear()
    yield
    registry.backend.cache_clear()


@pytest.fixture
def submit(team: Team, alice: User) -> Callable[..., Job]:
    keys = itertools.count()
    wallets.grant(wallets.wallet_of(team), 1_000_000, reference="test", description="For the test")

    def make(user: User = alice, prompt: str = "a red boat") -> Job:
        request = GenerationRequest(engine="null", mode=Mode.TEXT_TO_IMAGE, seed=1, prompt=prompt, width=64, height=64)
        return services.submit(user=user, team=team, request=request, idempotency_key=f"key-{next(keys)}")

    return make


@pytest.fixture
def batch(team: Team, submit: Any) -> Callable[..., Batch]:
    def make(user: User, rows: int = 2) -> Batch:
        wanted = [
            GenerationRequest(engine="null", mode=Mode.TEXT_TO_IMAGE, seed=n, prompt="boats", width=64, height=64) for n in range(rows)
        ]
        items = [Item(one) for one in wanted]
        return services.submit_batch(user=user, team=team, items=items, kind=Batch.Kind.TABLE, title="Boats", idempotency_key=f"b{rows}")

    return make


def take() -> Job:
    [job] = services.claim(["null"], "worker", batch=False)
    return job


def picture() -> GeneratedMedia:
    return GeneratedMedia(index=0, data=draw(), mime="image/png", seed=1)


def told() -> list[tuple[str, Any]]:
    """What was published, in order, and not looked at before."""
    rows = list(Delivery.objects.order_by("created_at", "id"))
    Delivery.objects.all().delete()
    assert all(row.payload["type"] == row.event for row in rows)
    return [(row.event, row.payload["data"]) for row in rows]


def events() -> list[tuple[str, str]]:
    return [(event, data["id"]) for event, data in told()]


# --- one job ---------------------------------------------------------------------------------------------------------


def test_succeeded(endpoint: Endpoint, submit: Any) -> None:
    job = submit()
    assert services.succeed(take(), [picture()])
    artifact = Artifact.objects.get()
    [(event, data)] = told()
    assert event == "job.succeeded"
    assert (data["id"], data["object"], data["status"], data["engine"], data["prompt"]) == (
        str(job.pk),
        "job",
        "succeeded",
        "null",
        "a red boat",
    )
    assert data["credits"]["charged"] == data["credits"]["quoted"] != "0"
    assert data["finished_at"] is not None
    [result] = data["results"]
    assert (result["id"], result["index"], result["mime"], result["width"]) == (str(artifact.pk), 0, "image/png", 64)
    assert result["url"] == f"https://studio.example/api/v1/jobs/{job.pk}/results/0"


def test_failed(endpoint: Endpoint, submit: Any) -> None:
    job = submit()
    assert services.fail(take(), "invalid_request", "It was too blue.", fields={"prompt": "too blue"})
    [(event, data)] = told()
    assert (event, data["id"], data["status"], data["results"]) == ("job.failed", str(job.pk), "failed", [])
    assert (data["error"]["code"], data["error"]["fields"]) == ("invalid_request", {"prompt": "too blue"})
    assert data["credits"]["charged"] == "0"


def test_nothing_is_told_of_an_attempt_that_was_lost(endpoint: Endpoint, submit: Any) -> None:
    submit()
    job = take()
    Job.objects.filter(pk=job.pk).update(worker="another")
    assert not services.fail(job, "worker_lost")
    assert not services.succeed(job, [picture()])
    assert told() == []


def test_canceled_while_it_waited_and_while_it_ran(endpoint: Endpoint, submit: Any) -> None:
    waiting = submit()
    services.cancel(waiting)
    services.cancel(waiting)
    assert events() == [("job.canceled", str(waiting.pk))]
    running = submit(prompt="another boat")
    job = take()
    services.cancel(running)
    assert told() == []
    assert services.finish_canceled(job)
    assert events() == [("job.canceled", str(running.pk))]


def test_rolled_back_with_what_it_tells_of(endpoint: Endpoint, submit: Any) -> None:
    job = submit()
    with transaction.atomic():
        services.cancel(job)
        assert Delivery.objects.exists()
        transaction.set_rollback(True)
    assert told() == []


def test_given_back_to_the_queue_is_no_end(endpoint: Endpoint, submit: Any) -> None:
    submit()
    services.requeue(take())
    assert told() == []


# --- batches ---------------------------------------------------------------------------------------------------------


def test_a_batch_has_finished_when_its_last_has(endpoint: Endpoint, batch: Any, alice: User) -> None:
    made = batch(alice)
    services.succeed(take(), [picture()])
    assert [event for event, _ in told()] == ["job.succeeded"]
    services.fail(take(), "invalid_request", "No.")
    [(first, _), (second, data)] = told()
    assert (first, second) == ("job.failed", "batch.finished")
    assert (data["id"], data["object"], data["status"], data["size"]) == (str(made.pk), "batch", "finished", 2)
    assert (data["jobs"]["succeeded"], data["jobs"]["failed"]) == (1, 1)
    assert data["url"] == f"https://studio.example/api/v1/batches/{made.pk}"


def test_what_failed_is_made_again_as_a_batch_with_an_end_of_its_own(endpoint: Endpoint, batch: Any, alice: User) -> None:
    first = batch(alice)
    services.succeed(take(), [picture()])
    services.fail(take(), "invalid_request", "No.")
    told()
    again = services.retry_failed(first, by=alice, key="again")
    services.succeed(take(), [picture()])
    assert [(event, id) for event, id in events() if event == "batch.finished"] == [("batch.finished", str(again.pk))]


def test_the_rest_of_a_batch_canceled(endpoint: Endpoint, batch: Any, alice: User) -> None:
    made = batch(alice, 3)
    services.succeed(take(), [picture()])
    told()
    services.cancel_rest(made, by=alice)
    happened = told()
    assert [event for event, _ in happened] == ["job.canceled", "job.canceled", "batch.finished"]
    assert happened[-1][1]["status"] == "canceled"


def test_the_rest_of_a_batch_canceled_while_one_runs(endpoint: Endpoint, batch: Any, alice: User) -> None:
    made = batch(alice, 3)
    running = take()
    services.cancel_rest(made, by=alice)
    assert [event for event, _ in told()] == ["job.canceled", "job.canceled"]
    services.succeed(running, [picture()])
    assert [event for event, _ in told()] == ["job.succeeded", "batch.finished"]


def test_no_batch_is_read_where_nobody_asked(endpoint: Endpoint, batch: Any, alice: User) -> None:
    Endpoint.objects.update(events=["job.canceled"])
    services.cancel_rest(batch(alice, 2), by=alice)
    assert [event for event, _ in told()] == ["job.canceled", "job.canceled"]


@pytest.mark.django_db(transaction=True)
def test_workers_end_the_last_ones_at_the_same_moment(endpoint: Endpoint, batch: Any, alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has its job's row ended, and nobody has committed. Seen to fail on PostgreSQL when the batch is looked at before the hold has
    ended: then none sees the others' ends, and nobody tells. (SQLite lets one write at a time.)
    """
    rows = 3
    all_have_ended = threading.Barrier(rows)
    void = wallets.void

    def held_up(hold: Any) -> None:
        if connection.vendor != "sqlite":
            all_have_ended.wait(60)
        void(hold)

    batch(alice, rows)
    jobs = [take() for _ in range(rows)]
    monkeypatch.setattr(wallets, "void", held_up)
    ended = at_once(*((lambda job=job: job, lambda job: services.fail(job, "invalid_request", "No.")) for job in jobs))
    assert ended == [True] * rows
    assert sorted(event for event, _ in told()) == ["batch.finished", *["job.failed"] * rows]


# --- approvals -------------------------------------------------------------------------------------------------------


@pytest.fixture
def rule(team: Team, alice: User, bob: User) -> User:
    """Whatever bob asks for needs alice's approval."""
    add_rule(wallets.wallet_of(team), kind="pictures", threshold=0, by=alice)
    return bob


def test_approval_asked_for_a_job(endpoint: Endpoint, submit: Any, rule: User) -> None:
    job = submit(rule)
    [(event, data)] = told()
    assert (event, data["id"], data["object"], data["status"]) == ("approval.asked", str(job.pk), "job", "approval")
    assert data["approval"] == {
        "reason": job.approval,
        "asked_by": "Bob Member",
        "credits": data["credits"]["quoted"],
        "url": f"https://studio.example/wallet/approvals/{job.pk}/",
    }


def test_approval_asked_for_a_batch_and_declined(endpoint: Endpoint, batch: Any, rule: User, alice: User) -> None:
    made = batch(rule, 3)
    [(event, data)] = told()
    assert (event, data["id"], data["object"], data["approval"]["asked_by"]) == ("approval.asked", str(made.pk), "batch", "Bob Member")
    services.decline(made.jobs.first(), by=alice, reason="Too many boats.")
    happened = told()
    assert [event for event, _ in happened] == ["job.canceled"] * 3 + ["batch.finished"]
    assert happened[0][1]["approval"] == {"reason": data["approval"]["reason"], "verdict": "declined", "decision": "Too many boats."}


def test_lapsed_and_withdrawn(endpoint: Endpoint, submit: Any, rule: User, alice: User, team: Team) -> None:
    lapsed = submit(rule)
    told()
    with time_machine.travel(timezone.now() + timedelta(days=8)):
        services.lapse()
        assert events() == [("job.canceled", str(lapsed.pk))]
        withdrawn = submit(rule)
        assert events() == [("approval.asked", str(withdrawn.pk))]
        services.cancel(withdrawn)
        assert events() == [("job.canceled", str(withdrawn.pk))]
        left = submit(rule)
        told()
        members.remove_member(team, rule, by=alice)
        assert events() == [("job.canceled", str(left.pk))]


# --- money -----------------------------------------------------------------------------------------------------------


def test_credits_run_low_once(endpoint: Endpoint, team: Team) -> None:
    wallet = wallets.wallet_of(team)
    wallets.grant(wallet, 100_000, reference="test", description="For the test")
    alerts.warn_below(wallet, 50_500)
    for number in range(3):
        wallets.capture(wallets.place_hold(wallet, 20_000, reference=f"hold:{number}", description="Work"), 20_000)
    [(event, data)] = told()
    assert event == "wallet.low"
    assert data == {
        "object": "wallet",
        "credits": {"left": "40", "held": "0", "warn_below": "50.5"},
        "message": "Harbour Street has 40 credits left, which is less than 50.5. Get more before work has to wait.",
        "url": f"https://studio.example/wallet/of/{team.pk}/",
    }


# --- the end of things -----------------------------------------------------------------------------------------------


def test_a_team_that_is_deleted_hears_nothing_more(endpoint: Endpoint, submit: Any, team: Team, alice: User) -> None:
    submit()
    ending.delete_team(team, by=alice)
    assert told() == []


def test_erased_with_the_words_that_it_tells(endpoint: Endpoint, submit: Any, batch: Any, alice: User) -> None:
    made = batch(alice, 2)
    services.cancel_rest(made, by=alice)
    kept = submit()
    services.cancel(kept)
    assert Delivery.objects.count() == 4
    erase_words(Job.objects.filter(batch=made))
    assert events() == [("job.canceled", str(kept.pk))]


def test_two_endpoints_hear_the_same_event(endpoint: Endpoint, submit: Any, team: Team, alice: User) -> None:
    Endpoint.objects.create(team=team, url="https://other.example/", events=["job.canceled"], secret=endpoint.secret)
    services.cancel(submit())
    rows = list(Delivery.objects.values_list("event_id", "endpoint__url"))
    assert len({event for event, _ in rows}) == 1
    assert sorted(url for _, url in rows) == sorted([endpoint.url, "https://other.example/"])


def test_where_nobody_listens_an_end_costs_one_query_more(submit: Any, batch: Any, alice: User, django_assert_num_queries: Any) -> None:
    made = batch(alice, 2)
    jobs = list(made.jobs.values_list("pk", flat=True))
    with django_assert_num_queries(1):
        tell_ended(made.team_id, jobs, made.pk)
