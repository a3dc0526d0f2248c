"""Many jobs of one press: all or nothing, held once, paused, canceled, decided on and tried again together."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import AuditEntry
from billing.errors import InsufficientCredits, OverBudget
from billing.models import Hold, LedgerEntry, Plan, Scope
from billing.services import budgets, wallets
from billing.services.approvals import add_rule
from studio.backends import registry
from studio.galleries.models import Notice
from studio.generation import services, usage
from studio.generation.errors import BatchRefused, NothingToRetry, NotWaiting, PlanLimit, TooDear, TooManyOpenJobs
from studio.generation.models import Artifact, Batch, Job
from studio.generation.services import batches
from studio.moderation.words import change_words
from tests.billing.race import at_once, kinds
from tests.generation.conftest import agree, items, media, price_of_one, run, states, wallet

pytestmark = pytest.mark.django_db

Status = Job.Status


# --- made together ---------------------------------------------------------------------------------------------------


def test_a_job_and_a_hold_for_each(make_batch, alice, rich, bells, hints, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        batch = make_batch(alice, rich, 3)
    jobs = list(Job.objects.select_related("hold").order_by("id"))
    assert [(job.batch, job.batch_place, job.prompt, job.status) for job in jobs] == [
        (batch, 0, "boat 1", "queued"),
        (batch, 1, "boat 2", "queued"),
        (batch, 2, "boat 3", "queued"),
    ]
    assert [job.written for job in jobs] == [{"prompt": "{boat 1|}"}, {"prompt": "{boat 2|}"}, {"prompt": "{boat 3|}"}]
    assert [(job.hold.reference, job.hold.amount, job.hold.actor) for job in jobs] == [
        (f"job:{job.pk}", price_of_one(), alice) for job in jobs
    ]
    assert {job.hold.description for job in jobs} == {"1 picture, Null (test card), 512×512"}
    assert wallet(rich) == (100_000, 3 * price_of_one())
    assert (batch.size, batch.title, batch.user, batch.team) == (3, "Boats of all colours", alice, rich)
    assert bells == ["null"]
    assert [one for one in hints if one[0] == "batch"] == [("batch", rich.pk, batch.pk)]
    agree()


def test_the_quote_is_what_is_held(make_batch, alice, rich):
    asked = [*items("a", "b"), *items("c", num_images=3)]
    quote = services.quote_batch(asked)
    price = price_of_one()
    assert (quote.amounts, quote.amount, quote.pictures) == ((price, price, 3 * price), 5 * price, 5)
    assert [(line.label, line.quantity, line.unit, line.amount) for line in quote.lines] == [
        ("pictures, Null (test card)", 5, price, 5 * price)
    ]
    assert [quote.fits(available) for available in (0, price, 2 * price, 5 * price - 1, 5 * price)] == [0, 1, 2, 2, 3]
    services.submit_batch(user=alice, team=rich, items=asked, kind=Batch.Kind.TABLE, title="Mixed", idempotency_key="k")
    assert wallet(rich)[1] == quote.amount


def test_the_same_key_is_the_same_batch(make_batch, alice, rich):
    batch = make_batch(alice, rich, key="once")
    assert make_batch(alice, rich, key="once") == batch
    assert (Batch.objects.count(), Job.objects.count(), Hold.objects.count()) == (1, 3, 3)


@pytest.mark.django_db(transaction=True)
def test_the_same_key_at_the_same_moment_is_one_batch(make_batch, alice, rich):
    press = (lambda: None, lambda _: make_batch(alice, rich, 5, key="once"))
    outcomes = at_once(*[press] * 6)
    assert kinds(outcomes) == {"Batch": 6}
    assert len({batch.pk for batch in outcomes}) == 1
    assert (Batch.objects.count(), Job.objects.count(), Hold.objects.count()) == (1, 5, 5)
    assert wallet(rich) == (100_000, 5 * price_of_one())
    agree()


class Nothing(Exception):
    """Stands for IntegrityError where nobody should catch it."""


@pytest.mark.django_db(transaction=True)
def test_without_the_guard_presses_of_the_same_moment_go_wrong(make_batch, alice, rich, monkeypatch):
    monkeypatch.setattr(batches, "IntegrityError", Nothing)
    if connection.vendor == "sqlite":  # its transactions come one after another: there the look at what is there is what holds
        monkeypatch.setattr(type(Batch.objects.none()), "first", lambda self: None)
    outcomes = at_once(*[(lambda: None, lambda _: make_batch(alice, rich, 5, key="once"))] * 6)
    assert kinds(outcomes)["IntegrityError"] >= 1
    assert (Batch.objects.count(), Job.objects.count(), Hold.objects.count()) == (1, 5, 5)
    agree()


def test_queries_do_not_grow_with_the_rows(make_batch, alice, rich):
    def counted(rows: int) -> int:
        with CaptureQueriesContext(connection) as captured:
            make_batch(alice, rich, rows)
        return len(captured)

    few = counted(2)
    assert few < 40
    assert counted(8) == few
    wallets.grant(wallets.wallet_of(rich), 200_000, reference="more", description="For the test")
    assert counted(200) < few + 60  # a database takes so many values in one INSERT


# --- refused ---------------------------------------------------------------------------------------------------------


def nothing_happened(team: Any, balance: int = 100_000) -> None:
    assert (Batch.objects.count(), Job.objects.count(), Hold.objects.count()) == (0, 0, 0)
    assert wallet(team) == (balance, 0)
    assert not LedgerEntry.objects.filter(kind="hold").exists()


def test_single_rows_with_words_that_may_not_be(make_batch, alice, rich):
    change_words(rich, blocked="pirate", allowed="", by=alice)
    with pytest.raises(BatchRefused) as caught:
        make_batch(alice, rich, ["a boat", "a pirate", "a whale", "two pirate flags"])
    assert caught.value.message == "2 of 4 cannot be made as they are. Change them, or leave them out."
    said = "Prompts here may not have “pirate”. Say it in other words; an admin of the team can change the list."
    assert caught.value.items == {1: said, 3: said}
    nothing_happened(rich)


def test_too_little_for_all_says_how_much_is_missing_and_how_many_would_fit(make_batch, alice, team):
    price = price_of_one()
    wallets.grant(wallets.wallet_of(team), 2 * price, reference="little", description="A little")
    with pytest.raises(InsufficientCredits) as caught:
        make_batch(alice, team, 5)
    assert isinstance(caught.value, TooDear)
    assert (caught.value.needed, caught.value.available, caught.value.fits) == (5 * price, 2 * price, 2)
    assert caught.value.message == (
        "This batch costs 5 credits and 2 are available: 3 are missing. The first 2 of its 5 generations would fit. "
        "Add credits to the wallet, or make fewer."
    )
    nothing_happened(team, 2 * price)


def test_a_budget_is_asked_for_all(make_batch, alice, bob, rich):
    budgets.set_limits(wallets.wallet_of(rich), by=alice, day=2 * price_of_one(), month=None, scope=Scope.EVERYONE)
    with pytest.raises(OverBudget):
        make_batch(bob, rich, 3)
    nothing_happened(rich)
    make_batch(bob, rich, 2)


def test_none_and_too_many(make_batch, alice, rich, settings):
    settings.MAX_BATCH = 4
    with pytest.raises(BatchRefused, match="There is nothing to make"):
        make_batch(alice, rich, 0)
    with pytest.raises(BatchRefused, match="One batch holds 4 generations at most, and this one has 5"):
        make_batch(alice, rich, 5)
    nothing_happened(rich)


def test_what_waits_in_batches_has_a_limit_of_its_own(make_batch, make_job, alice, bob, rich, settings):
    settings.MAX_BATCH, settings.MAX_OPEN_JOBS = 5, 1
    make_batch(alice, rich, 3)
    with pytest.raises(TooManyOpenJobs) as caught:
        make_batch(alice, rich, 3)
    assert caught.value.message == (
        "You have 3 generations of batches waiting or running, and 5 is the most at a time. Wait until some are done, or make 2 at most."
    )
    make_batch(bob, rich, 3)
    make_job(alice, rich)  # single presses go on beside it
    with pytest.raises(TooManyOpenJobs):
        make_job(alice, rich)


def test_a_batch_is_one_of_the_jobs_that_a_plan_runs_at_once(make_batch, make_job, alice, rich, settings, eight_at_once):
    settings.DEFAULT_PLAN = "small"
    Plan.objects.create(slug="small", name="Small", position=5, jobs_at_once=2)
    batch = make_batch(alice, rich, 6)
    assert usage.open_jobs(rich) == 1
    make_job(alice, rich)
    with pytest.raises(PlanLimit) as caught:
        make_batch(alice, rich, 2)
    assert caught.value.message == (
        "The Small plan runs 2 jobs of a team at once. A batch of any length counts as one. Wait for one to finish, "
        "or change to Creator, which has 5."
    )
    assert Batch.objects.get() == batch
    # The single press comes first, and no more run at once than the plan says, whatever an engine takes in one go.
    single, first = services.claim(["null"], "w")
    assert (single.batch, first.batch_place) == (None, 0)
    assert services.claim(["null"], "w") == []
    assert services.succeed(single, media())
    assert [job.batch_place for job in services.claim(["null"], "w")] == [1]


@pytest.fixture
def eight_at_once(monkeypatch):
    """The null engine as one that makes eight pictures in one go."""
    engine = dataclasses.replace(registry.engine("null"), batch_limit=8)
    monkeypatch.setattr(registry, "engine", lambda engine_id: engine)


# --- taken by workers ------------------------------------------------------------------------------------------------


def test_rows_are_made_in_their_order_and_as_one_batch_where_an_engine_takes_several(make_batch, alice, rich, eight_at_once):
    make_batch(alice, rich, 20)
    assert [job.batch_place for job in services.claim(["null"], "w")] == list(range(8))
    assert [job.batch_place for job in services.claim(["null"], "w", batch=False)] == [8]


def test_single_presses_come_first(make_batch, make_job, alice, bob, rich):
    batch = make_batch(alice, rich, 2)
    single = make_job(bob, rich)
    assert [run()[0].pk for _ in range(3)] == [single.pk, *batch.jobs.order_by("batch_place").values_list("pk", flat=True)]


def test_teams_take_turns_with_a_batch(make_batch, make_job, alice, mallory, rich, other_team):
    wallets.grant(wallets.wallet_of(other_team), 10_000, reference="test", description="For the test")
    make_batch(alice, rich, 3)
    theirs = make_batch(mallory, other_team, 1)
    taken = [services.claim(["null"], "w", batch=False)[0] for _ in range(2)]
    assert [job.team for job in taken] == [rich, other_team]
    assert taken[1].batch == theirs


# --- canceled --------------------------------------------------------------------------------------------------------


def test_canceling_the_rest_releases_what_waits_and_lets_what_runs_end(make_batch, alice, rich):
    batch = make_batch(alice, rich, 4)
    run()
    [running] = services.claim(["null"], "w", batch=False)
    services.pause(batch, by=alice)
    assert services.cancel_rest(batch, by=alice) == 2
    assert (batch.paused_at, batch.canceled_at is None) == (None, False)
    assert states(batch) == ["succeeded", "running", "canceled", "canceled"]
    price = price_of_one()
    assert wallet(rich) == (100_000 - price, price)
    assert services.succeed(running, media())
    assert wallet(rich) == (100_000 - 2 * price, 0)
    assert services.cancel_rest(batch, by=alice) == 0
    agree()


def test_canceling_may_stop_what_runs(make_batch, alice, rich):
    batch = make_batch(alice, rich, 3)
    [running] = services.claim(["null"], "w", batch=False)
    assert services.cancel_rest(batch, by=alice, running=True) == 3
    assert not services.succeed(running, media())
    assert states(batch) == ["canceled"] * 3
    assert wallet(rich) == (100_000, 0)
    assert not Artifact.objects.exists()
    agree()


def test_what_somebody_else_waits_for_goes_on(make_batch, alice, rich):
    batch = make_batch(alice, rich, 2)
    batch.jobs.filter(batch_place=1).update(joined=True)
    assert services.cancel_rest(batch, by=alice) == 1
    assert states(batch) == ["canceled", "queued"]
    agree()


@pytest.mark.django_db(transaction=True)
def test_canceling_against_workers_and_single_stops_ends_each_once(make_batch, alice, rich):
    batch = make_batch(alice, rich, 6)
    last = batch.jobs.get(batch_place=5)

    def work(_: Any) -> None:
        for job in services.claim(["null"], "w", batch=False):
            services.succeed(job, media())

    outcomes = at_once(
        *[(lambda: None, work)] * 3,
        (lambda: None, lambda _: services.cancel_rest(batch, by=alice)),
        (lambda: None, lambda _: services.cancel_rest(batch, by=alice)),
        (lambda: Job.objects.get(pk=last.pk), services.cancel),
    )
    assert [one for one in outcomes if isinstance(one, Exception)] == []
    ended = states(batch)
    assert set(ended) <= {"succeeded", "canceled"}
    assert wallet(rich) == (100_000 - ended.count("succeeded") * price_of_one(), 0)
    agree()


def test_canceling_many_takes_few_queries(make_batch, alice, rich):
    batch = make_batch(alice, rich, 40)
    with CaptureQueriesContext(connection) as captured:
        services.cancel_rest(batch, by=alice)
    assert len(captured) < 40
    assert list(Hold.objects.values_list("status", flat=True).distinct()) == ["voided"]


# --- again -----------------------------------------------------------------------------------------------------------


def test_what_failed_is_made_again_as_a_batch_of_its_own(make_batch, alice, bob, rich):
    batch = make_batch(alice, rich, 4, kind="grid")
    for _ in range(2):
        run()
        [job] = services.claim(["null"], "w", batch=False)
        services.fail(job, "engine_failed")
    again = services.retry_failed(batch, by=bob, key="again")
    assert services.retry_failed(batch, by=bob, key="again") == again
    assert (again.user, again.size, again.title, again.pk == batch.pk) == (bob, 2, batch.title, False)
    assert list(again.jobs.order_by("batch_place").values_list("prompt", "written")) == [
        ("boat 2", {"prompt": "{boat 2|}"}),
        ("boat 4", {"prompt": "{boat 4|}"}),
    ]
    assert states(batch) == ["succeeded", "failed"] * 2
    assert wallet(rich) == (100_000 - 2 * price_of_one(), 2 * price_of_one())
    with pytest.raises(NothingToRetry):
        services.retry_failed(again, by=bob, key="never")
    with pytest.raises(NothingToRetry):
        services.retry_failed(batch, by=alice, key="never")
    agree()


def test_a_retry_that_failed_is_made_once_more_from_one_of_the_two(make_batch, alice, rich):
    batch = make_batch(alice, rich, 2)
    Job.objects.update(status="failed")
    again = services.retry_failed(batch, by=alice, key="again")
    firsts = list(batch.jobs.order_by("batch_place"))
    assert [job.retry_of for job in again.jobs.order_by("batch_place")] == firsts
    Job.objects.filter(batch=again).update(status="failed")
    third = services.retry_failed(again, by=alice, key="third")
    assert [job.retry_of for job in third.jobs.order_by("batch_place")] == firsts
    assert services.quote_failed([batch, again, third]) == {}
    for of in (batch, again):
        with pytest.raises(NothingToRetry):
            services.retry_failed(of, by=alice, key=f"never {of.pk}")
    third.jobs.filter(batch_place=0).update(status="failed")
    assert {quote.pictures for quote in services.quote_failed([batch, again, third]).values()} == {1}
    assert services.retry_failed(third, by=alice, key="last").size == 1


@pytest.mark.django_db(transaction=True)
def test_of_many_presses_at_once_one_makes_again_what_failed(make_batch, alice, rich):
    batch = make_batch(alice, rich, 2)
    Job.objects.update(status="failed")
    runners = [(lambda key=key: key, lambda key: services.retry_failed(batch, by=alice, key=key)) for key in "abcd"]
    assert kinds(at_once(*runners)) == {"Batch": 1, "NothingToRetry": 3}
    assert Batch.objects.count() == 2


# --- decided on ------------------------------------------------------------------------------------------------------


@pytest.fixture
def asked(make_batch, alice, bob, rich, settings) -> Batch:
    """Bob's batch of three pictures where more than two need approval."""
    add_rule(wallets.wallet_of(rich), kind="pictures", threshold=2, by=alice)
    return make_batch(bob, rich, 3)


def test_a_rule_is_asked_for_the_whole_and_people_are_told_once(asked, alice, rich):
    assert states(asked) == ["approval"] * 3
    assert wallet(rich) == (100_000, 3 * price_of_one())
    assert [(note.user, note.text) for note in Notice.objects.filter(kind="approval")] == [
        (alice, "Bob Member asks for your approval: a batch of 3, 3 credits (more than 2 pictures).")
    ]
    assert services.claim(["null"], "w") == []


def test_approving_one_approves_all(asked, alice, bob, bells, django_capture_on_commit_callbacks):
    bells.clear()
    with django_capture_on_commit_callbacks(execute=True):
        services.approve(asked.jobs.get(batch_place=1), by=alice)
    assert bells == ["null"]
    assert states(asked) == ["queued"] * 3
    assert Notice.objects.get(kind="verdict").text == "Alice Harbour approved a batch of 3. It is on its way."
    assert not Notice.objects.filter(kind="approval", read_at=None).exists()
    assert AuditEntry.objects.get(action="job.approved").text == "approved a batch of 3 for 3 credits, asked for by Bob Member"
    with pytest.raises(NotWaiting):
        services.approve(asked.jobs.get(batch_place=0), by=alice)


def test_declining_one_declines_all_and_releases_their_holds(asked, alice, rich):
    services.decline(asked.jobs.get(batch_place=0), by=alice, reason="Not this month")
    assert states(asked) == ["canceled"] * 3
    assert set(asked.jobs.values_list("verdict", "decision")) == {("declined", "Not this month")}
    assert wallet(rich) == (100_000, 0)
    assert Notice.objects.filter(kind="verdict").count() == 1
    agree()


def test_withdrawing_tells_once(asked, bob, rich):
    assert services.cancel_rest(asked, by=bob) == 3
    assert wallet(rich) == (100_000, 0)
    assert not Notice.objects.filter(kind="approval", read_at=None).exists()
    assert not Notice.objects.filter(kind="verdict").exists()


def test_withdrawing_one_leaves_the_others_asked_for(asked, alice, bob, rich):
    one, *others = asked.jobs.order_by("batch_place")
    services.cancel(one)
    assert states(asked) == ["canceled", "approval", "approval"]
    assert Notice.objects.get(kind="approval").read_at is None
    services.cancel(others[0])
    services.approve(others[1], by=alice)
    assert AuditEntry.objects.get(action="job.approved").text == "approved a batch of 1 for 1 credit, asked for by Bob Member"
    assert wallet(rich) == (100_000, price_of_one())
    agree()


def test_withdrawing_the_last_one_tells(asked, bob):
    for job in asked.jobs.all():
        services.cancel(job)
    assert not Notice.objects.filter(kind="approval", read_at=None).exists()


def test_it_lapses_as_one_and_ends_with_whoever_asked_leaving(asked, make_batch, bob, rich):
    Job.objects.update(created_at=timezone.now() - timedelta(days=8))
    assert services.lapse() == 3
    other = make_batch(bob, rich, 4)
    services.withdraw(rich, bob)
    assert (states(asked), states(other)) == (["canceled"] * 3, ["canceled"] * 4)
    assert wallet(rich) == (100_000, 0)
    assert Notice.objects.filter(kind="verdict").count() == 2
    agree()


@pytest.mark.django_db(transaction=True)
def test_of_many_decisions_at_once_one_counts_for_all(asked, alice, rich):
    jobs = list(asked.jobs.order_by("batch_place"))
    acts = [lambda job: services.approve(job, by=alice), lambda job: services.decline(job, by=alice, reason="No")] * 3
    runners = [(lambda job=jobs[number % 3]: Job.objects.get(pk=job.pk), act) for number, act in enumerate(acts)]
    assert kinds(at_once(*runners)) == {"Job": 1, "NotWaiting": 5}
    assert len(set(states(asked))) == 1
    assert AuditEntry.objects.filter(action__startswith="job.").count() == 1
    agree()


def test_its_words_go_with_those_of_its_jobs(make_batch, alice, rich):
    batch = make_batch(alice, rich, 2)
    services.cancel_rest(batch, by=alice)
    assert services.erase_words(Job.objects.filter(user=alice)) == 2
    batch.refresh_from_db()
    assert (batch.title, batch.axes, batch.size) == ("Erased", None, 2)
    agree()
