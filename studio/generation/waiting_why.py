"""Why a job waits, read off the rows: for its card what people can understand or do something about, for the operator all of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Count
from django.template.defaultfilters import date as date_format
from django.utils import timezone

from studio.backends.base import Engine, EngineState
from studio.generation.engines import available
from studio.generation.models import Job, PausedQueue, Worker


@dataclass(frozen=True, slots=True)
class Reason:
    """`sentence` is for the operator; `told` stands on the card of the job, and is empty where that says it already or it helps nobody."""

    code: str
    sentence: str
    told: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """What the reasons are read off, for any number of jobs. `running` has how many run of each team, `engines` the offered ones by id,
    `teams` how many wait for each queue."""

    now: datetime
    paused: Mapping[str, PausedQueue]
    workers: Mapping[str, list[Worker]]
    engines: Mapping[str, Engine] = field(default_factory=dict)
    running: Mapping[int, int] = field(default_factory=dict)
    teams: Mapping[str, int] = field(default_factory=dict)

    def takes_turns(self, queue: str) -> bool:
        """Whether more than one team waits there."""
        return self.teams.get(queue, 0) > 1


def for_cards() -> Standing:
    """What the cards of waiting jobs ask for; two queries."""
    return Standing(timezone.now(), PausedQueue.objects.in_bulk(), _workers())


def for_operator() -> Standing:
    """All of it; seven queries, however many jobs wait."""
    running: Any = Job.objects.filter(status=Job.Status.RUNNING).order_by().values_list("team").annotate(n=Count("pk"))
    waiting: Any = Job.objects.filter(status=Job.Status.QUEUED).order_by().values_list("queue")
    teams = dict(waiting.annotate(n=Count("team", distinct=True)))
    paused = {one.queue: one for one in PausedQueue.objects.select_related("paused_by")}
    return Standing(timezone.now(), paused, _workers(), {engine.id: engine for engine in available()}, dict(running), teams)


def _workers() -> dict[str, list[Worker]]:
    found: dict[str, list[Worker]] = {}
    for worker in Worker.objects.alive().order_by("name"):
        for queue in worker.queues:
            found.setdefault(queue, []).append(worker)
    return found


def told(job: Job, standing: Standing) -> str:
    """The sentence for the card of a job that waits in the queue; empty where the card needs none."""
    return next((one.told for one in (*_held(job, standing), *_unserved(job, standing)) if one.told), "")


def reasons(job: Job, standing: Standing, *, ahead: int) -> list[Reason]:
    """Everything that keeps a waiting job from running, the first thing first. `ahead`: how many are before it in line.

    `job` with its batch.
    """
    if job.status == Job.Status.NEEDS_APPROVAL:
        return [Reason("approval", f"It needs approval: {job.approval}. Whoever may approve in its team decides.")]
    found = [*_held(job, standing), *_limited(job, standing), *_resting(job, standing), *_unserved(job, standing)]
    return found or [_in_line(job, standing, ahead)]


def _held(job: Job, standing: Standing) -> Iterable[Reason]:
    if paused := standing.paused.get(job.queue):
        by = f" by {paused.paused_by}" if paused.paused_by_id else ""
        since = f"The queue {job.queue} is paused{by} since {_moment(paused.paused_at)}"
        yield Reason("queue_paused", f"{since}: {paused.reason}" if paused.reason else f"{since}.", paused.sentence)
    if (batch := job.batch) and batch.paused_at:
        yield Reason("batch_paused", f"Its batch is paused since {_moment(batch.paused_at)}. Its team can let it go on.")


def _limited(job: Job, standing: Standing) -> Iterable[Reason]:
    most, running = batch.at_once if (batch := job.batch) else None, standing.running.get(job.team_id, 0)
    if most is not None and running >= most:
        yield Reason("plan", f"The plan of its team runs {most} of a batch at once, and {running} of the team {_are(running)} running.")


def _resting(job: Job, standing: Standing) -> Iterable[Reason]:
    if job.run_after and job.run_after > standing.now:
        why = f": {job.error_message}" if job.error_message else "."
        yield Reason("resting", f"It rests until {_moment(job.run_after)}, after try {job.attempt}{why}")


def _unserved(job: Job, standing: Standing) -> Iterable[Reason]:
    """There is nobody who could begin it. An engine that only other processes know is not gone (`services.stranded`)."""
    workers = standing.workers.get(job.queue, [])
    engine = standing.engines.get(job.engine)
    if not workers and engine is None and standing.engines:
        sentence = f"No backend offers {job.engine_label} any more, and no worker serves the queue {job.queue}."
        yield Reason("engine_gone", f"{sentence} What waits for it fails after a quarter of an hour.")
    elif not workers:
        sentence = f"No worker serves the queue {job.queue}. Start one: manage.py worker --queue {job.queue}."
        yield Reason("no_worker", sentence, "No worker is there for it at the moment. It waits, and loses nothing.")
    elif not any(worker.state == "ready" for worker in workers):
        broken = next((worker for worker in workers if worker.state == "broken"), None)
        if broken:
            sentence = f"{broken.name} did not start: {broken.detail or 'its log says why.'}"
            yield Reason("broken", sentence, "Its worker cannot work at the moment. It waits, and loses nothing.")
        else:
            sentence = f"Its workers are not ready yet ({_states(workers)}): a model may be loading."
            yield Reason("starting", sentence, "Its worker is starting. It waits a moment.")
    if engine and engine.state in (EngineState.COOLING_DOWN, EngineState.NO_KEY, EngineState.NO_CREDITS):
        yield Reason(engine.state.value, f"{engine.label}: {engine.state_detail}")


def _in_line(job: Job, standing: Standing, ahead: int) -> Reason:
    workers = [worker for worker in standing.workers.get(job.queue, []) if worker.state == "ready"]
    places, busy = sum(one.threads for one in workers), sum(min(one.running, one.threads) for one in workers)
    full = f"All {places} places of its workers are busy." if busy >= places > 1 else "Its worker is busy." if busy >= places else ""
    if ahead:
        running = standing.running.get(job.team_id, 0)
        turn = f"Teams take turns: {running} of its team {_are(running)} running." if standing.takes_turns(job.queue) else ""
        turn = "It was moved to the front." if job.moved_up_at else turn
        return Reason("in_line", " ".join(filter(None, [f"{ahead:,} {'is' if ahead == 1 else 'are'} before it.", turn, full])))
    return Reason("next", f"It is next. {full}".strip())


def _states(workers: Iterable[Worker]) -> str:
    return ", ".join(sorted({worker.state for worker in workers}))


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _moment(moment: datetime) -> str:
    """The time; with the day where it is another one."""
    local = timezone.localtime(moment)
    return date_format(local, "H:i" if local.date() == timezone.localdate() else "j F, H:i")
