"""Whatever becomes of jobs, and whatever rules and budgets a team sets meanwhile: their holds, and the wallet, are those of the model."""

from __future__ import annotations

import itertools
import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from accounts.models import Membership, Role, User
from billing.errors import InsufficientCredits, OverBudget, RuleExists
from billing.models import ApprovalRule
from billing.services import approvals, wallets
from studio.backends.base import GenerationRequest, Mode
from studio.generation import services
from studio.generation.errors import NotWaiting, NotYours
from studio.generation.models import Job
from tests.billing.model import Refused
from tests.billing.model_limits import OverLimit
from tests.billing.test_stateful import check
from tests.billing.test_stateful_budgets import Budgets
from tests.generation.conftest import media, price_of_one

WEEK = timedelta(days=7)
NAMES = st.sampled_from(["Owner", "Member", "Lead"])
LEADS = ("Owner", "Lead")


@dataclass
class ModelJob:
    who: str
    pictures: int
    status: str
    asked_at: datetime
    verdict: str = ""
    stopped: bool = False


class Jobs(Budgets):
    """The null engine's, from the press to the end, without a worker."""

    def __init__(self) -> None:
        super().__init__()
        self.jobs: dict[str, ModelJob] = {}
        """By the reference of the hold."""
        self.taken: dict[str, Job] = {}
        """As their worker has them."""
        self.rules: dict[tuple[str, int], list[bool]] = {}
        """Kind and threshold -> whether it is for everybody, and on."""
        self.keys = itertools.count()

    def furnish(self) -> None:
        self.people["Lead"] = User.objects.create(email="lead@harbour.example", name="Lead")
        Membership.objects.create(team=self.wallet.team, user=self.people["Lead"], role=Role.ADMIN)
        wallets.grant(self.wallet, 30_000, reference="first", description="First credits")
        self.purse.bring("operator", 30_000)

    # --- rules ---
    @rule(kind=st.sampled_from(["pictures", "credits"]), most=st.integers(min_value=0, max_value=3), everybody=st.booleans())
    def add_rule(self, kind: str, most: int, everybody: bool) -> None:
        threshold = most * price_of_one() if kind == "credits" else most
        try:
            approvals.add_rule(self.wallet, kind=kind, threshold=threshold, by=self.person, for_everybody=everybody)
        except RuleExists:
            assert (kind, most) in self.rules
        else:
            assert (kind, most) not in self.rules
            self.rules[kind, most] = [everybody, True]

    @precondition(lambda self: self.rules)
    @rule(data=st.data(), what=st.sampled_from(["on", "off", "delete"]))
    def change_rule(self, data: st.DataObject, what: str) -> None:
        kind, most = data.draw(st.sampled_from(sorted(self.rules)))
        threshold = most * price_of_one() if kind == "credits" else most
        row = ApprovalRule.objects.get(wallet=self.wallet, kind=kind, threshold=threshold)
        if what == "delete":
            assert approvals.delete_rule(row, by=self.person)
            del self.rules[kind, most]
        else:
            changes = self.rules[kind, most][1] != (what == "on")
            assert approvals.switch_rule(row, on=what == "on", by=self.person) == changes
            self.rules[kind, most][1] = what == "on"

    # --- jobs ---
    @rule(who=NAMES, pictures=st.integers(min_value=1, max_value=4))
    def submit(self, who: str, pictures: int) -> None:
        self.press(who, pictures, f"key-{next(self.keys)}")

    def press(self, who: str, pictures: int, key: str) -> None:
        values: dict[str, Any] = {"engine": "null", "mode": Mode.TEXT_TO_IMAGE, "seed": 1, "prompt": "a boat", "width": 512, "height": 512}
        request, price = GenerationRequest(num_images=pictures, **values), pictures * price_of_one()
        asks = any(on and pictures > most and (everybody or who not in LEADS) for (_, most), (everybody, on) in self.rules.items())
        press = {"user": self.people[who], "team": self.wallet.team, "request": request, "idempotency_key": key}
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
            status = "needs-approval" if asks else "queued"
            self.jobs[f"job:{job.pk}"] = ModelJob(who, pictures, status, timezone.now())
            assert job.status == (Job.Status.NEEDS_APPROVAL if asks else Job.Status.QUEUED)

    @precondition(lambda self: any(job.status == "needs-approval" for job in self.jobs.values()))
    @rule(data=st.data(), by=NAMES, approve=st.booleans())
    def decide_on_a_job(self, data: st.DataObject, by: str, approve: bool) -> None:
        self.answer(*self.any_job(data, "needs-approval"), by, approve)

    @precondition(lambda self: self.jobs)
    @rule(data=st.data(), by=NAMES, approve=st.booleans())
    def decide_on_anything(self, data: st.DataObject, by: str, approve: bool) -> None:
        self.answer(*self.any_job(data), by, approve)

    def answer(self, reference: str, job: ModelJob, by: str, approve: bool) -> None:
        row = self.row(reference)
        refusal = NotYours if by not in LEADS or by == job.who else NotWaiting if job.status != "needs-approval" else None
        if refusal:
            with pytest.raises(refusal):
                services.approve(row, by=self.people[by]) if approve else services.decline(row, by=self.people[by], reason="No")
        elif approve:
            services.approve(row, by=self.people[by])
            job.status, job.verdict = "queued", "approved"
        else:
            services.decline(row, by=self.people[by], reason="No")
            self.end(reference, "canceled")
            job.verdict = "declined"

    @rule()
    def lapse(self) -> None:
        late = [one for one, job in self.jobs.items() if job.status == "needs-approval" and job.asked_at < timezone.now() - WEEK]
        assert services.lapse() == len(late)
        for reference in late:
            self.end(reference, "canceled")
            self.jobs[reference].verdict = "lapsed"

    @precondition(lambda self: self.jobs)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        reference, job = self.any_job(data)
        services.cancel(self.row(reference))
        if job.status in ("needs-approval", "queued"):
            self.end(reference, "canceled")
        elif job.status == "running":
            job.stopped = True

    @rule()
    def claim(self) -> None:
        queued = {reference for reference, job in self.jobs.items() if job.status == "queued"}
        found = {f"job:{job.pk}": job for job in services.claim(["null"], "w", batch=False)}
        assert (found.keys() <= queued, bool(found)) == (True, bool(queued))
        self.taken |= found
        for reference in found:
            self.jobs[reference].status = "running"

    @precondition(lambda self: self.taken)
    @rule(data=st.data(), made=st.integers(min_value=0, max_value=4))
    def succeed(self, data: st.DataObject, made: int) -> None:
        reference = self.take(data)
        job = self.jobs[reference]
        count = min(made, job.pictures)
        delivers = bool(count) and not job.stopped
        assert services.succeed(self.taken.pop(reference), media(count, filtered=job.pictures - count)) == delivers
        if delivers:
            job.status = "succeeded"
            self.purse.capture(reference, count * price_of_one())
        else:
            self.end(reference, "canceled" if count else "failed")

    @precondition(lambda self: self.taken)
    @rule(data=st.data())
    def fail(self, data: st.DataObject) -> None:
        reference = self.take(data)
        assert services.fail(self.taken.pop(reference), "engine_failed")
        self.end(reference, "failed")

    def take(self, data: st.DataObject) -> str:
        return list(self.taken)[data.draw(st.integers(min_value=0, max_value=len(self.taken) - 1))]

    def any_job(self, data: st.DataObject, status: str = "") -> tuple[str, ModelJob]:
        found = [one for one in self.jobs.items() if status in ("", one[1].status)]
        return found[data.draw(st.integers(min_value=0, max_value=len(found) - 1))]

    def row(self, reference: str) -> Job:
        return Job.objects.select_related("hold", "team", "user").get(hold__reference=reference)

    def end(self, reference: str, status: str) -> None:
        self.jobs[reference].status = status
        self.purse.void(reference)

    @invariant()
    def jobs_are_those_of_the_model(self) -> None:
        rows = Job.objects.select_related("hold", "user").order_by("id")
        found = {row.hold.reference: (row.status, row.verdict, row.num_images, row.user.name if row.user else "") for row in rows}
        assert found == {
            reference: (STATUS[job.status], VERDICT[job.verdict], job.pictures, job.who) for reference, job in self.jobs.items()
        }


STATUS = {
    "needs-approval": Job.Status.NEEDS_APPROVAL,
    "queued": Job.Status.QUEUED,
    "running": Job.Status.RUNNING,
    "succeeded": Job.Status.SUCCEEDED,
    "failed": Job.Status.FAILED,
    "canceled": Job.Status.CANCELED,
}
VERDICT = {"": "", "approved": Job.Verdict.APPROVED, "declined": Job.Verdict.DECLINED, "lapsed": Job.Verdict.LAPSED}


@pytest.mark.django_db
@pytest.mark.usefixtures("bells", "hints")
def test_jobs_end_in_the_books_of_the_model(settings: Any) -> None:
    settings.DEFAULT_PLAN = "none"  # without limits: budgets and rules are what is looked at
    settings.MAX_OPEN_JOBS = 1_000
    check(Jobs, examples=int(os.environ.get("SOAK", "10")))
