"""A provider that gives trouble: what the person reads, who pays, and what is asked again."""

from __future__ import annotations

import pytest
from django.utils import timezone

from studio.backends import registry
from studio.backends.base import EngineState
from studio.costs.report import lines
from studio.generation.ledger import disagreements
from studio.generation.quotes import charges
from tests.processes.stability.books import money, posts
from tests.processes.stability.conftest import CORE, CREATIVE, SDXL

pytestmark = pytest.mark.django_db(transaction=True)

SECOND_KEY = "sk-second-0123456789abcdef"
CREATIVE_RESULTS = "/v2beta/results/*"


# --- trouble on the wire ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("fault", "code", "billed", "costs"),
    [
        ("drop", "result_unknown", 0, [None, 1]),
        ("drop-after", "result_unknown", 1, [None, 1]),
        ("drop-mid-body", "result_unknown", 1, [None, 1]),
        ("truncated", "result_broken", 1, [None, 1]),
        ("filtered", "all_filtered", 1, [3000, 0]),
        ("refuse=content_moderation", "content_filtered", 0, [0, 0]),
        ("refuse=invalid_language", "language_refused", 0, [0, 0]),
    ],
)
def test_what_may_have_been_billed_is_asked_once_and_costs_the_person_nothing(
    start, ask, told, rich, standin, fault: str, code: str, billed: int, costs: list[int | None]
) -> None:
    standin.faults.add(fault)
    start()
    job = told.job(ask(), "failed")

    assert (job.error_code, job.attempt, posts(standin), len(standin.books)) == (code, 1, 1, billed)
    assert [job.provider_cost, *(line.unknown for line in lines(timezone.localdate(), timezone.localdate()))] == costs
    assert money(rich) == (100_000, 0)
    assert list(disagreements()) == []


def test_a_picture_that_came_whole_and_is_broken_was_no_lost_connection(start, ask, told, rich, standin) -> None:
    standin.faults.add("truncated")
    start()
    job = told.job(ask(), "failed")

    assert job.error_message == "What the engine delivered cannot be read. Try again; if it happens again, tell your operator."
    assert charges(job) == "You were not charged."


def test_a_picture_under_a_wrong_content_type_is_a_picture(start, ask, told, rich, standin) -> None:
    """It was paid for, and it decodes."""
    standin.faults.add("wrong-type")
    start()
    job = told.job(ask(), "succeeded")

    assert (job.artifacts.get().mime, posts(standin), len(standin.books)) == ("image/png", 1, 1)


@pytest.mark.parametrize(("fault", "times"), [("status=503", 4), ("status=500", 4), ("html=502", 4), ("rate-limited=2", 1)])
def test_an_answer_before_any_work_is_asked_for_again(start, ask, told, rich, standin, clock, fault: str, times: int) -> None:
    standin.faults.add(fault, times=times)
    start()
    job = told.job(ask(), "succeeded")

    assert (job.attempt, posts(standin), len(standin.books)) == (1, times + 1, 1)
    assert money(rich) == (100_000 - job.price.amount, 0)


@pytest.mark.parametrize(
    ("fault", "code", "attempts", "asked"),
    [
        ("status=503", "engine_unavailable", 1, 5),
        ("html=502", "engine_unavailable", 1, 5),
        ("rate-limited", "rate_limited", 3, 3),
    ],
)
def test_a_provider_that_stays_down_is_given_up(start, ask, told, rich, standin, fault: str, code: str, attempts: int, asked: int) -> None:
    """Five calls, and no further attempt that would make them anew; or one after each long rest, of which there are two."""
    standin.faults.add(fault, times=100)
    start()
    job = told.job(ask(), "failed")

    assert (job.error_code, job.attempt, posts(standin), len(standin.books), job.provider_cost) == (code, attempts, asked, 0, 0)
    assert money(rich) == (100_000, 0)


def test_a_minute_of_cool_down_is_waited_for_by_all_and_costs_nobody_an_attempt(start, ask, told, rich, standin, clock) -> None:
    """The provider counts, and shuts the key out for 60 s; what waits for its turn goes on by itself."""
    standin.limiter.requests = 2
    began = clock.now()
    start(threads=4)
    jobs = [told.job(ask(), "succeeded") for _ in range(3)]

    assert clock.now() - began >= 60
    assert sorted(job.attempt for job in jobs) in ([1, 1, 1], [1, 1, 2])
    assert [request.status for request in standin.requests].count(429) == 1
    assert len(standin.books) == 3


# --- the account -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("engine", [CORE, SDXL])
def test_a_key_that_is_revoked_is_passed_over_for_another(start, ask, told, rich, standin, connect, engine: str) -> None:
    connect(standin.key, standin.keys.add(SECOND_KEY).secret)
    start()
    first = told.job(ask(engine), "succeeded")
    standin.keys[standin.key].revoke()
    jobs = [told.job(ask(engine), "succeeded") for _ in range(3)]

    assert {job.attempt for job in (first, *jobs)} == {1}
    assert len(standin.books) == 4
    assert [charge.key for charge in standin.books][1:] == [SECOND_KEY] * 3
    assert [request.status for request in standin.requests].count(401) <= 1


@pytest.mark.parametrize("engine", [CORE, SDXL])
def test_without_another_key_the_person_is_sent_to_the_operator_who_is_told(
    start, ask, told, rich, standin, clock, caplog, engine: str
) -> None:
    standin.keys[standin.key].revoke()
    start()
    job = told.job(ask(engine), "failed")

    assert job.error_code == "key_refused"
    assert job.error_message == "The provider does not accept the studio's key. That is nothing you did: ask your operator to renew it."
    assert (len(standin.books), money(rich)) == (0, (100_000, 0))
    assert [record.levelname for record in caplog.records if "does not accept" in record.getMessage()] == ["ERROR"]
    clock.sleep(1)  # a page looks once a second
    assert {one.state for one in registry.engines()} == {EngineState.NO_KEY}


def test_an_account_without_credits_fails_the_job_and_not_the_key(start, ask, told, rich, standin) -> None:
    standin.keys[standin.key].balance = 2
    start()
    for engine in (CORE, "stable-image-ultra"):
        job = told.job(ask(engine), "failed")
        assert (job.error_code, job.attempt, job.provider_cost) == ("provider_balance", 1, 0)
    standin.keys[standin.key].balance = 100
    told.job(ask(), "succeeded")

    assert len(standin.books) == 1
    assert list(disagreements()) == []


def test_v1_says_429_for_an_empty_account_and_the_key_goes_on(start, ask, told, rich, standin) -> None:
    standin.keys[standin.key].balance = 0
    start()
    job = told.job(ask(SDXL), "failed")

    assert (job.error_code, standin.requests[-1].status) == ("provider_balance", 429)
    assert registry.engine(SDXL).state is EngineState.NO_CREDITS


# --- what goes on at the provider ------------------------------------------------------------------------------------
@pytest.mark.parametrize("fault", ["drop", "drop-mid-body", "status=503", "html=504", "rate-limited=3"])
def test_a_result_that_does_not_come_through_is_fetched_again(start, ask, told, rich, standin, fault: str) -> None:
    standin.result_seconds = 25
    standin.faults.add(fault, path=CREATIVE_RESULTS, times=2)
    start()
    job = told.job(ask(CREATIVE), "succeeded")

    assert (posts(standin), len(standin.books), job.attempt) == (1, 1, 1)
    assert job.provider_id.endswith(standin.books[0].generation)
    assert money(rich) == (100_000 - job.price.amount, 0)


def test_a_submission_whose_answer_is_lost_is_not_made_again(start, ask, told, rich, standin) -> None:
    standin.faults.add("drop-after", path="/v2beta/stable-image/*")
    start()
    job = told.job(ask(CREATIVE), "failed")

    assert (job.error_code, job.provider_id, posts(standin), len(standin.books)) == ("result_unknown", "", 1, 1)
    assert money(rich) == (100_000, 0)
