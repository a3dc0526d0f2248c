"""Those who decide are asked by the bell and by mail; whoever asked hears what became of it (`settings.APPROVAL_LISTENERS`)."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.urls import reverse

from accounts import mails
from accounts.access import membership_for
from accounts.models import User
from billing.credits import credits, noun
from studio.galleries.notices import APPROVAL, VERDICT, notify, settled
from studio.generation.approving import LAPSES_AFTER, deciders
from studio.generation.models import Job
from studio.generation.services.deciding import described


def heard(job: Job, what: str) -> None:
    """`what` is `asked`, `withdrawn`, or a verdict. Inside the transaction that changed the job."""
    if what == "asked":
        _ask(job)
        return
    settled(job, APPROVAL)
    if what == "withdrawn" or job.user is None or not membership_for(job.user, job.team):
        return
    thing, _ = described(job)
    verdict = {
        Job.Verdict.APPROVED: f"{job.decided_by} approved {thing}. It is on its way.",
        Job.Verdict.DECLINED: f"{job.decided_by} declined {thing}: {job.decision}",
        Job.Verdict.LAPSED: f"{thing[0].upper()}{thing[1:]} was not approved. {job.decision}",
    }
    notify([job.user], team=job.team, actor=job.decided_by, kind=VERDICT, text=verdict[Job.Verdict(what)], job=job)


def _ask(job: Job) -> None:
    people = deciders(job.team, job.user)
    what, price = described(job)
    text = f"{job.user} asks for your approval: {what}, {_credits(price)} ({job.approval})."
    # The actor is told only where they are the only one who may decide.
    actor = None if people == [job.user] else job.user
    notify(people, team=job.team, actor=actor, kind=APPROVAL, text=text, job=job)
    others = [person for person in people if person != job.user]
    transaction.on_commit(lambda: _post(job.pk, others), robust=True)


def _post(job_id: UUID, people: list[User]) -> None:
    """A letter to each, unless it was decided on or withdrawn by now."""
    job = Job.objects.waits_for_approval().select_related("hold", "team", "user", "batch").filter(pk=job_id).first()
    if job is None or not people:
        return
    what, price = described(job)
    context = {
        "by": mails.one_line(str(job.user or "Somebody")),
        "team": mails.one_line(str(job.team)),
        "what": mails.one_line(what),
        "price": _credits(price),
        "why": job.approval,
        "prompt": mails.one_line(job.batch.title if job.batch else job.prompt)[:500],
        "until": job.created_at + LAPSES_AFTER,
        "url": mails.absolute(reverse("wallet_approval", args=[job.pk])),
    }
    reply_to = job.user.email if job.user else ""
    mails.send([mails.compose("approval", person.email, context, reply_to=reply_to) for person in people])


def _credits(amount: int) -> str:
    return f"{credits(amount)} {noun(amount)}"
