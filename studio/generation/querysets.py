"""Reads over jobs, pictures and inputs. Writes are in `services`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models
from django.db.models import Case, Count, Exists, F, IntegerField, OuterRef, Q, Value, When, Window
from django.db.models.functions import Coalesce, Now, RowNumber

from accounts.models import Team

if TYPE_CHECKING:
    from accounts.models import User
    from studio.generation.models import Artifact, Batch, InputFile, Job, Worker  # noqa: F401 - named in strings


IN_LINE_SINCE = Coalesce("decided_at", "created_at")
"""How long people take to approve is no fault of the queue."""


class JobQuerySet(models.QuerySet["Job"]):
    def visible_to(self, user: User) -> JobQuerySet:
        return self.filter(team__memberships__user=user, team__deleted_at=None)

    def of_team(self, team: Team) -> JobQuerySet:
        return self.filter(team=team)

    def open(self) -> JobQuerySet:
        return self.filter(status__in=self.model.OPEN)

    def in_progress(self) -> JobQuerySet:
        """Waiting for a worker, or with one."""
        return self.filter(status__in=self.model.IN_PROGRESS)

    def pieces(self) -> models.QuerySet[Any, Any]:
        """What people call one thing: a job, or the batch it is of. Of a batch that is paused only what runs."""
        moving = self.exclude(status="queued", batch__paused_at__isnull=False)
        return moving.order_by().values_list(Coalesce("batch", "pk")).distinct()

    def waits_for_approval(self) -> JobQuerySet:
        """Out of the queue, with its credits held, until somebody decides."""
        return self.filter(status="approval", cancel_requested_at=None)

    def locked(self) -> list[Job]:
        """Theirs until the commit, in the order of their ids: for whoever ends many in one transaction.

        Who ends one has its row, then its wallet's; so who ends many must have all rows before the wallet's, or the two may wait for
        each other.
        """
        return list(self.select_for_update(no_key=True, of=("self",)).select_related("hold", "team").order_by("pk"))

    def under_way(self) -> JobQuerySet:
        """Open, and nobody wants to stop them."""
        return self.open().filter(cancel_requested_at=None)

    def to_make_again(self) -> JobQuerySet:
        """Failed, and no retry is under way or came out: neither one of theirs nor, where they are retries themselves, of the same job."""
        retries = self.model.objects.filter(status__in=(*self.model.OPEN, "succeeded")).order_by()
        own, beside = retries.filter(retry_of=OuterRef("pk")), retries.filter(retry_of=OuterRef("retry_of"))
        return self.filter(~Exists(own), ~Exists(beside), status="failed")

    def complete_since(self, moment: datetime) -> JobQuerySet:
        """Ended at `moment` or later with everything that was asked for, of which nothing was deleted since."""
        seen = Count("artifacts", filter=Q(artifacts__deleted_at=None))
        ended = self.filter(status="succeeded", finished_at__gte=moment, delivered=F("num_images"))
        return ended.annotate(seen=seen).filter(seen=F("num_images"))

    def with_pictures(self) -> JobQuerySet:
        """Everything a card shows, in three queries."""
        from studio.generation.models import Artifact

        pictures = models.Prefetch("artifacts", queryset=Artifact.objects.visible().order_by("index"))
        return self.select_related("hold", "user", "team").prefetch_related(pictures, "inputs")

    def for_programs(self) -> JobQuerySet:
        """Everything that `facts.job_facts` tells, in two queries."""
        from studio.generation.models import Artifact

        results = models.Prefetch("artifacts", queryset=Artifact.objects.visible().order_by("index"))
        return self.select_related("hold", "api_key").prefetch_related(results)

    def recent(self, team: Team, limit: int = 20) -> JobQuerySet:
        """The newest jobs of a team, open ones among them wherever they stand; those of batches are shown by their batches."""
        return self.of_team(team).filter(batch=None).with_pictures().order_by("-id")[:limit]

    def worth_showing(self) -> JobQuerySet:
        """Newest first, without those whose pictures were all deleted, and without those of batches, which have a page of their own."""
        from studio.generation.models import Artifact

        seen = Artifact.objects.visible().filter(job=OuterRef("pk"))
        return self.filter(~Q(status="succeeded") | Exists(seen), batch=None).order_by("-id")

    def typed_by(self, user: User) -> JobQuerySet:
        """What somebody asked for in words of their own, newest first; of a batch the first, for the others say the same."""
        own = self.filter(user=user, template_values__isnull=True).exclude(prompt="")
        return own.filter(Q(batch=None) | Q(batch_place=0)).order_by("-id")

    def finals_of(self, preview: Artifact) -> JobQuerySet:
        """Jobs that make the final of a preview, or made it, newest first."""
        return self.filter(final_of=preview).order_by("-id")

    def standing(self) -> JobQuerySet:
        """Under way, or with a result that can be seen."""
        from studio.generation.models import Artifact

        seen = Exists(Artifact.objects.visible().filter(job=OuterRef("pk")))
        return self.filter(Q(status__in=self.model.OPEN, cancel_requested_at=None) | Q(seen, status="succeeded"))

    def claimable(self, queues: Sequence[str], now: datetime) -> JobQuerySet:
        """Waiting jobs in the order in which they should run: what the operator moved up, then fewest running per team, then priority, then
        oldest.

        None of a queue or batch that is paused, or whose team has as many running as its plan allows (`at_once`, None: no limit).
        """
        from studio.generation.models import PausedQueue

        told: dict[str, Any] = {"running_in_team": self._running_in_team(), "at_once": F("batch__at_once")}  # columns of the class
        return (
            self.filter(queue__in=queues, status="queued", cancel_requested_at=None)
            .filter(Q(run_after=None) | Q(run_after__lte=now))
            .exclude(queue__in=PausedQueue.objects.values("queue"))  # asked once, and not for each row as an EXISTS would be
            .filter(batch__paused_at=None)
            .annotate(**told)
            .filter(Q(at_once=None) | Q(running_in_team__lt=F("at_once")))
            .order_by(F("moved_up_at").asc(nulls_last=True), F("running_in_team").asc(), "-priority", "id")
        )

    def _running_in_team(self) -> Any:
        """How many of each job's team run. They are counted first, a row for each team that has any: counting them beside each of thousands
        that wait takes several times as long."""
        counted: Any = self.model.objects.filter(status="running").order_by().values_list("team").annotate(n=Count("pk"))
        teams: dict[int, list[int]] = {}
        for team, count in counted:
            teams.setdefault(count, []).append(team)
        whens = [When(team__in=some, then=Value(count)) for count, some in sorted(teams.items())]
        # Where nothing runs that is a bare 0, and PostgreSQL would order by "column 0".
        return Coalesce(Case(*whens, default=Value(0), output_field=IntegerField()), Value(0))

    def without_engine(self, engines: Iterable[str]) -> JobQuerySet:
        """Waiting for a worker, with an engine that is none of these."""
        return self.filter(status="queued").exclude(engine__in=list(engines))

    def held_as(self, job: Job) -> JobQuerySet:
        """The job while the worker that took it has it, in this attempt. The worker counts too: one that stopped gave its number back."""
        return self.filter(pk=job.pk, attempt=job.attempt, worker=job.worker, status="running")

    def lost(self) -> JobQuerySet:
        """Running jobs whose worker has not renewed its lease, by the clock of the database (`claiming`)."""
        return self.filter(status="running", lease_expires_at__lt=Now())

    def repeatable(self) -> JobQuerySet:
        """Jobs whose next attempt makes nobody pay twice: no paid request went out, or what it asked for can be fetched."""
        return self.filter(Q(sent_at=None) | ~Q(provider_id=""))

    def in_line(self, queue: str, now: datetime) -> JobQuerySet:
        """All that wait for a queue, in the order in which they begin if nothing ends or comes meanwhile; what is `held_up` last.

        A team's first waiting job has its turn (`turn`) when no other has fewer running, its second when that one runs, and so on: what
        `claimable` gives one claim after another. `held_up`: its batch is paused, or it rests; a paused queue and the limits of plans are
        left out of account.
        """
        rests = Q(run_after__gt=now) | Q(batch__paused_at__isnull=False)
        first = (F("moved_up_at").asc(nulls_last=True), F("priority").desc(), F("id").asc())
        told: dict[str, Any] = {
            "held_up": Case(When(rests, then=Value(True)), default=Value(False)),
            "running_in_team": self._running_in_team(),
            "at_once": F("batch__at_once"),
        }
        waiting = self.filter(queue=queue, status="queued", cancel_requested_at=None).annotate(**told)
        place = Window(RowNumber(), partition_by=["team", "held_up"], order_by=first)
        turn: dict[str, Any] = {"turn": place + F("running_in_team")}
        return waiting.annotate(**turn).order_by(
            F("held_up").asc(), F("moved_up_at").asc(nulls_last=True), F("turn").asc(), "-priority", "id"
        )


class BatchQuerySet(models.QuerySet["Batch"]):
    def visible_to(self, user: User) -> BatchQuerySet:
        return self.filter(team__memberships__user=user, team__deleted_at=None)

    def of_team(self, team: Team) -> BatchQuerySet:
        return self.filter(team=team)

    def shown(self) -> BatchQuerySet:
        """With what a card names."""
        return self.select_related("team", "user", "template_version__template")

    def held_up(self) -> BatchQuerySet:
        """Paused, with something that waits."""
        from studio.generation.models import Job

        waiting = Job.objects.filter(batch=OuterRef("pk"), status__in=Job.WAITING, joined=False)
        return self.filter(Exists(waiting), paused_at__isnull=False).order_by("pk")

    def wants_sheet(self, now: datetime) -> BatchQuerySet:
        """Grids that are over and have no sheet yet. One that could not be drawn within a day never will be."""
        from studio.generation.models import Job

        jobs = Job.objects.filter(batch=OuterRef("pk"))
        late = jobs.filter(finished_at__gte=now - timedelta(days=1))
        return self.filter(~Exists(jobs.open()), Exists(late), kind__in=("grid", "comparison"), sheet_made_at=None)


class ArtifactQuerySet(models.QuerySet["Artifact"]):
    def visible_to(self, user: User) -> ArtifactQuerySet:
        return self.filter(team__memberships__user=user, team__deleted_at=None)

    def of_team(self, team: Team) -> ArtifactQuerySet:
        return self.filter(team=team)

    def visible(self) -> ArtifactQuerySet:
        """Not in the trash."""
        return self.filter(deleted_at=None)

    def as_on_walls(self) -> ArtifactQuerySet:
        """With what a tile shows, which is who made it and whether it `is_preview`, and without what no tile shows."""
        told: dict[str, Any] = {"is_preview": Q(job__intended__isnull=False)}  # a column of the class, to a checker of types
        return self.annotate(**told).select_related("user").defer("info", "sha256")

    def with_a_final(self, team: Team) -> models.QuerySet[Any, Any]:
        """Ids of the team's previews in whose place a final can be seen."""
        from studio.generation.models import Job

        made = Job.objects.of_team(team).filter(final_of__isnull=False)
        return made.filter(Exists(self.model.objects.visible().filter(job=OuterRef("pk")))).values_list("final_of", flat=True)

    def trashed_before(self, moment: datetime) -> ArtifactQuerySet:
        return self.filter(deleted_at__lt=moment)


def silence() -> timedelta:
    """A worker that was not heard of for so long does not count as there: its jobs are given to others then, as their leases are as old."""
    return timedelta(seconds=max(settings.JOB_LEASE_SECONDS, 2 * settings.JOB_HEARTBEAT_SECONDS))


class WorkerQuerySet(models.QuerySet["Worker"]):
    def alive(self) -> WorkerQuerySet:
        return self.filter(heartbeat_at__gte=Now() - silence())


class InputFileQuerySet(models.QuerySet["InputFile"]):
    def visible_to(self, user: User) -> InputFileQuerySet:
        return self.filter(team__memberships__user=user, team__deleted_at=None)
