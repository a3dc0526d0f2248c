"""Whatever becomes of jobs, and whatever rules, budgets and prices do meanwhile: holds and wallet are those of the model."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db.models import F
from django.utils import timezone
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from accounts.access import allows
from accounts.models import Membership, Role, User
from billing.errors import InsufficientCredits, OverBudget, RuleExists
from billing.models import ApprovalRule
from billing.services import approvals, wallets
from studio.backends import registry
from studio.backends.base import GenerationRequest, Mode
from studio.generation import services
from studio.generation.errors import NotWaiting, NotYours
from studio.generation.models import Job
from studio.generation.querysets import JobQuerySet
from studio.generation.services import deciding, settling
from studio.pricing.prices import priced
from studio.pricing.services import Draft, publish
from studio.pricing.terms import Terms
from tests.billing.model import Refused
from tests.billing.model_limits import OverLimit
from tests.billing.test_stateful import keeps, mostly, notices, one_of
from tests.billing.test_stateful_budgets import Limited
from tests.generation.conftest import media, price_of_one

WEEK = timedelta(days=7)
LEASE = timedelta(seconds=settings.JOB_LEASE_SECONDS)
STORIES = 30
NAMES = st.sampled_from(["Owner", "Member", "Lead"])
ANSWERS = st.tuples(st.sampled_from(["another lead", "who asked", "another lead", "Member"]), st.sampled_from([True, False, True]))
ENDS = st.sampled_from(["", "made", "made", "failed", "stopped", "lost"])
MADE = st.sampled_from([0, 1, 4, 4])
"""Pictures that come, of those that were asked for; the others are filtered."""
LEADS = ("Owner", "Lead")


@dataclass
class ModelJob:
    """`each`: what a picture cost when it was asked for. `leased`: until when a worker has it."""

    who: str
    pictures: int
    each: int
    status: str
    asked_at: datetime
    verdict: str = ""
    stopped: bool = False
    attempt: int = 0
    leased: datetime | None = None


class Jobs(Limited):
    """The null engine's, from the press to the end, without a worker."""

    furniture = (("operator", 60_000, None),)
    limits_at_first = {"team": (20_000, 30_000), "everyone": (8_000, 12_000)}

    def __init__(self) -> None:
        super().__init__()
        self.jobs: dict[str, ModelJob] = {}
        """By the reference of the hold."""
        self.taken: dict[str, Job] = {}
        """As their worker has them."""
        self.late: list[Job] = []
        """As workers have them that lost them."""
        self.rules: dict[tuple[str, int], list[bool]] = {}
        """Kind and threshold -> whether it is for everybody, and on."""
        self.each = price_of_one()
        self.numbers = itertools.count()

    def furnish(self) -> None:
        self.people["Lead"] = User.objects.create(email="lead@harbour.example", name="Lead")
        Membership.objects.create(team=self.wallet.team, user=self.people["Lead"], role=Role.ADMIN)
        super().furnish()
        self.change_a_rule("pictures", 1, True, "on")
        for who, pictures, price_after in (("Owner", 1, None), ("Lead", 2, None), ("Owner", 2, 1_500)):
            self.a_press((who, pictures, price_after))

    def move_on(self, span: timedelta) -> None:
        """Leases go by the clock of the database, which no test can move: they come nearer instead."""
        super().move_on(span)
        Job.objects.filter(status="running").update(lease_expires_at=F("lease_expires_at") - span)

    def do_chores(self) -> None:
        super().do_chores()
        late = [one for one, job in self.jobs.items() if job.status == "needs-approval" and job.asked_at < timezone.now() - WEEK]
        assert services.lapse() == len(late)
        for reference in late:
            self.end(reference, "canceled")
            self.jobs[reference].verdict = "lapsed"
        self.reap()

    # --- rules ---
    @rule(
        kind=st.sampled_from(["pictures", "credits"]),
        most=st.integers(min_value=0, max_value=3),
        everybody=st.booleans(),
        what=st.sampled_from(["on", "off", "delete"]),
    )
    def change_a_rule(self, kind: str, most: int, everybody: bool, what: str) -> None:
        """Add it, where there is none."""
        threshold = most * 1_000 if kind == "credits" else most
        row = ApprovalRule.objects.filter(wallet=self.wallet, kind=kind, threshold=threshold).first()
        assert (row is None) == ((kind, threshold) not in self.rules)
        if row is None:
            approvals.add_rule(self.wallet, kind=kind, threshold=threshold, by=self.person, for_everybody=everybody)
            self.rules[kind, threshold] = [everybody, True]
            return
        with pytest.raises(RuleExists):
            approvals.add_rule(self.wallet, kind=kind, threshold=threshold, by=self.person, for_everybody=everybody)
        if what == "delete":
            assert approvals.delete_rule(row, by=self.person)
            del self.rules[kind, threshold]
        else:
            changes = self.rules[kind, threshold][1] != (what == "on")
            assert approvals.switch_rule(row, on=what == "on", by=self.person) == changes
            self.rules[kind, threshold][1] = what == "on"

    def asks(self, who: str, pictures: int) -> bool:
        sizes = {"pictures": pictures, "credits": pictures * self.each}
        return any(
            on and sizes[kind] > threshold and (everybody or who not in LEADS) for (kind, threshold), (everybody, on) in self.rules.items()
        )

    # --- jobs ---
    @rule(order=st.tuples(NAMES, st.integers(min_value=1, max_value=4), st.none() | st.sampled_from([700, 1_500])))
    def a_press(self, order: tuple[str, int, int | None]) -> None:
        """By whom, for how many pictures; and what one costs afterwards."""
        who, pictures, price_after = order
        values: dict[str, Any] = {"engine": "null", "mode": Mode.TEXT_TO_IMAGE, "seed": 1, "prompt": "a boat", "width": 512, "height": 512}
        request, price = GenerationRequest(num_images=pictures, **values), pictures * self.each
        press = {"user": self.people[who], "team": self.wallet.team, "request": request, "idempotency_key": f"key-{next(self.numbers)}"}
        self.meters(who)
        try:
            job = services.submit(**press)
        except OverBudget:
            with pytest.raises(OverLimit):
                self.purse.hold("refused", price, who)
        except InsufficientCredits:
            with pytest.raises(Refused):
                self.purse.hold("refused", price, who)
        else:
            assert services.submit(**press) == job
            self.purse.hold(f"job:{job.pk}", price, who)
            status = "needs-approval" if self.asks(who, pictures) else "queued"
            self.jobs[f"job:{job.pk}"] = ModelJob(who, pictures, self.each, status, timezone.now())
            self.move_on(timedelta(milliseconds=1))  # ids of one millisecond are in no order, and a story must be the same again
        if price_after:
            terms = {"null": Terms(price=price_after)}
            publish(Draft(f"List {next(self.numbers)}", None, 0, terms, ""), author=self.person)
            self.each = price_after

    @precondition(lambda self: self.jobs)
    @rule(data=st.data(), answers=st.lists(ANSWERS, min_size=2, max_size=4), made=st.none() | MADE)
    def decide(self, data: st.DataObject, answers: list[tuple[str, bool]], made: int | None) -> None:
        """Who answers, and whether they approve. `made`: what is approved is made at once."""
        for who, approve in answers:
            self.answer(mostly(data, self.with_status("needs-approval"), list(self.jobs)), who, approve, made)

    def answer(self, reference: str, who: str, approve: bool, made: int | None) -> None:
        job, row = self.jobs[reference], self.row(reference)
        by = {"another lead": LEADS[job.who == LEADS[0]], "who asked": job.who}.get(who, who)
        refusal = NotYours if by not in LEADS or by == job.who else NotWaiting if job.status != "needs-approval" else None
        if refusal:
            with pytest.raises(refusal):
                services.approve(row, by=self.people[by]) if approve else services.decline(row, by=self.people[by], reason="No")
        elif approve:
            services.approve(row, by=self.people[by])
            job.status, job.verdict = "queued", "approved"
            if made is not None:
                while reference not in self.taken:
                    self.claim()
                self.finish(reference, made)
        else:
            services.decline(row, by=self.people[by], reason="No")
            self.end(reference, "canceled")
            job.verdict = "declined"

    @precondition(lambda self: self.jobs)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        reference = mostly(data, self.with_status("needs-approval", "queued", "running"), list(self.jobs))
        self.stop(reference)

    def stop(self, reference: str) -> None:
        job = self.jobs[reference]
        services.cancel(self.row(reference))
        if job.status in ("needs-approval", "queued"):
            self.end(reference, "canceled")
        elif job.status == "running":
            job.stopped = True

    @rule(data=st.data(), ends=st.lists(ENDS, min_size=1, max_size=3), made=MADE)
    def work(self, data: st.DataObject, ends: list[str], made: int) -> None:
        """Take the next job, and end one that was taken; and again."""
        if not self.with_status("queued", "running"):
            self.a_press(("Owner", 1, None))
        for end in ends:
            self.claim()
            if self.taken:
                self.work_on(one_of(data, list(self.taken)), end, made)

    def work_on(self, reference: str, end: str, made: int) -> None:
        if end == "made":
            self.finish(reference, made)
        elif end == "stopped":
            self.stop(reference)
            self.finish(reference, made)
        elif end == "failed":
            assert services.fail(self.taken.pop(reference), "engine_failed")
            self.end(reference, "failed")
        elif end == "lost":
            self.move_on(LEASE + timedelta(seconds=1))
            self.reap()
            self.claim()
            self.come_late(self.late[-1], made)

    @precondition(lambda self: self.late)
    @rule(data=st.data(), made=MADE)
    def a_lost_worker_ends(self, data: st.DataObject, made: int) -> None:
        self.come_late(one_of(data, self.late), made)

    def come_late(self, job: Job, made: int) -> None:
        """It changes nothing."""
        assert not services.succeed(job, media(min(made, job.num_images)))
        assert not services.fail(job, "engine_failed")

    # --- how ---
    def claim(self) -> None:
        queued = set(self.with_status("queued"))
        found = {f"job:{job.pk}": job for job in services.claim(["null"], "w", batch=False)}
        assert (found.keys() <= queued, bool(found)) == (True, bool(queued))
        self.taken |= found
        for reference in found:
            job = self.jobs[reference]
            job.status, job.attempt, job.leased = "running", job.attempt + 1, timezone.now() + LEASE

    def finish(self, reference: str, made: int) -> None:
        job = self.jobs[reference]
        count = min(made, job.pictures)
        delivers = bool(count) and not job.stopped
        assert services.succeed(self.taken.pop(reference), media(count, filtered=job.pictures - count)) == delivers
        if delivers:
            job.status = "succeeded"
            self.purse.capture(reference, count * job.each)
        else:
            self.end(reference, "canceled" if count else "failed")

    def reap(self) -> None:
        lost = [one for one in self.with_status("running") if (until := self.jobs[one].leased) and until < timezone.now()]
        assert services.reap() == len(lost)
        for reference in lost:
            job = self.jobs[reference]
            self.late.append(self.taken.pop(reference))
            if job.stopped or job.attempt == 3:
                self.end(reference, "canceled" if job.stopped else "failed")
            else:
                job.status = "queued"

    def with_status(self, *statuses: str) -> list[str]:
        return [reference for reference, job in self.jobs.items() if job.status in statuses]

    def row(self, reference: str) -> Job:
        return Job.objects.select_related("hold", "team", "user").get(hold__reference=reference)

    def end(self, reference: str, status: str) -> None:
        self.jobs[reference].status = status
        self.purse.void(reference)

    @invariant()
    def jobs_are_those_of_the_model(self) -> None:
        rows = Job.objects.select_related("hold", "user").order_by("id")
        found = [(row.hold.reference, row.status, row.verdict, row.attempt, row.price.amount, row.user and row.user.name) for row in rows]
        assert sorted(found) == sorted(
            (reference, STATUS[job.status], VERDICT[job.verdict], job.attempt, job.pictures * job.each, job.who)
            for reference, job in self.jobs.items()
        )


STATUS = {
    "needs-approval": Job.Status.NEEDS_APPROVAL,
    "queued": Job.Status.QUEUED,
    "running": Job.Status.RUNNING,
    "succeeded": Job.Status.SUCCEEDED,
    "failed": Job.Status.FAILED,
    "canceled": Job.Status.CANCELED,
}
VERDICT = {"": "", "approved": Job.Verdict.APPROVED, "declined": Job.Verdict.DECLINED, "lapsed": Job.Verdict.LAPSED}


pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("bells", "hints")]


@pytest.fixture(autouse=True)
def without_limits(settings: Any) -> None:
    """Budgets and rules are what is looked at."""
    settings.DEFAULT_PLAN = "none"
    settings.MAX_OPEN_JOBS = 1_000


def test_jobs_end_in_the_books_of_the_model() -> None:
    keeps(Jobs, stories=STORIES)


def test_the_property_notices_an_approval_at_the_price_of_then(monkeypatch: pytest.MonkeyPatch) -> None:
    approve = services.approve

    def quoted_again(job: Job, *, by: User) -> Job:
        job = approve(job, by=by)
        [engine] = priced([registry.engine(job.engine)])
        Job.objects.filter(pk=job.pk).update(quote=engine.quote(job.to_request()).to_json())
        return job

    monkeypatch.setattr(services, "approve", quoted_again)
    notices(Jobs, stories=STORIES)


def test_the_property_notices_who_approves_what_they_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deciding, "may_decide", lambda user, job: allows(user, job.team, "administer"))
    notices(Jobs, stories=STORIES, also=(NotWaiting,))


def test_the_property_notices_a_charge_for_what_was_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    leave = settling._leave
    monkeypatch.setattr(settling, "_leave", lambda *told, not_stopped=False, **more: leave(*told, **more))
    notices(Jobs, stories=STORIES)


def test_the_property_notices_a_charge_by_a_worker_that_lost_the_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(JobQuerySet, "held_as", lambda jobs, job: jobs.filter(pk=job.pk, status="running"))
    notices(Jobs, stories=STORIES)


def test_the_property_notices_a_charge_for_what_was_filtered(monkeypatch: pytest.MonkeyPatch) -> None:
    capture = wallets.capture
    monkeypatch.setattr(wallets, "capture", lambda hold, amount: capture(hold, hold.amount))
    notices(Jobs, stories=STORIES)
