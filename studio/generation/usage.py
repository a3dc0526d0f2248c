"""What a team uses of its plan's limits, and how one that is reached is said. Billing, which has the plans, has never heard of pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.db.models import Sum

from accounts.models import ApiKey, Team
from billing.models import Plan
from billing.services.plans import more_of, plan_of
from billing.sizes import size
from studio.backends import registry
from studio.backends.base import Engine
from studio.generation import throttle
from studio.generation.errors import KeyRefusal, PlanIsBusy, PlanLimit
from studio.generation.models import Artifact, Job

WHERE = "Plans are on the wallet page, under Plan."


def of_team(team: Team, plan: Plan) -> dict[str, int]:
    """How much of each limit is used now, by the names of the plan's fields (`settings.PLAN_USAGE`).

    Requests without a limit are not counted.
    """
    a_minute = plan.requests_per_minute
    asked = {"requests_per_minute": throttle.used_by_team(team.pk, a_minute)} if a_minute else {}
    return {"jobs_at_once": open_jobs(team), "storage": stored(team), **asked}


def engines() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Every engine with the names that a plan may allow it by (`settings.PLAN_ENGINES`)."""
    for engine in registry.engines():
        yield engine.label, names(engine)


def names(engine: Engine) -> tuple[str, ...]:
    return engine.id, engine.queue


def open_jobs(team: Team) -> int:
    """A batch counts as one: its rows wait for each other. What waits for approval, maybe for days, takes its room when it is approved."""
    return Job.objects.in_progress().filter(team=team).pieces().count()


def stored(team: Team) -> int:
    """Bytes of what is in the team's library, its trash among it; one read of an index."""
    return Artifact.objects.filter(team=team).aggregate(total=Sum("bytes"))["total"] or 0


def locks(team: Team, engines: Sequence[Engine]) -> dict[str, str]:
    """Engine id -> the plan that has it, of those that the team's plan does not; "" for one that none has."""
    plan = plan_of(team)
    closed = [engine for engine in engines if not plan.allows(names(engine))]
    offered = list(Plan.objects.offered()) if closed else []
    return {engine.id: str(next((one for one in offered if one.allows(names(engine))), "")) for engine in closed}


def require_engine(plan: Plan, engine: Engine) -> None:
    """Raises `PlanLimit` for an engine that the plan does not have."""
    if plan.allows(names(engine)):
        return
    has = next((one for one in Plan.objects.offered() if one.allows(names(engine))), None)
    way = f"change to {has}, which has it. {WHERE}" if has else "ask your operator."
    raise PlanLimit(f"{engine.label} is not part of the {plan} plan. Pick another engine, or {way}")


def require_engine_of_key(api_key: ApiKey | None, engine: Engine) -> None:
    """Raises `KeyRefusal` for an engine that a program's key is not for; without a key everything is allowed."""
    if api_key is not None and not api_key.allows(names(engine)):
        raise KeyRefusal(
            f"{engine.label} is not among the engines of the API key “{api_key.name}”. Use another engine, or add it to the key.",
            {"engine": "The key does not allow this engine."},
        )


def require_room(plan: Plan, team: Team, *, for_batch: bool = False) -> None:
    """Raises `PlanIsBusy` when the team has as many jobs open as its plan allows, `PlanLimit` without room for what they would bring.

    The team's row must be locked. However many rows a batch has, it needs room for one: `claim` sees to it that no more of them run at
    once than the plan allows.
    """
    if plan.jobs_at_once is not None and open_jobs(team) >= plan.jobs_at_once:
        whole = " A batch of any length counts as one." if for_batch else ""
        raise PlanIsBusy(f"{_jobs(plan)}{whole} Wait for one to finish{_or_change(plan, 'jobs_at_once')}.")
    if plan.storage is not None and stored(team) >= plan.storage:
        raise PlanLimit(_full(plan))


def require_storage(team: Team, more: int) -> None:
    """Raises `PlanLimit` when a file of so many bytes has no room in what the team's plan lets it keep."""
    plan = plan_of(team)
    if plan.storage is not None and stored(team) + more > plan.storage:
        raise PlanLimit(_full(plan))


def wait_for_team(team: Team) -> tuple[int, str]:
    """Count a request of the team: 0, or the seconds to wait and the sentence that says so."""
    plan = plan_of(team)
    if plan.requests_per_minute is None:
        return 0, ""
    wait = throttle.seconds_for_team(team.pk, plan.requests_per_minute)
    if not wait:
        return 0, ""
    number = plan.requests_per_minute
    many = "one request" if number == 1 else f"{number} requests"
    said = f"The {plan} plan takes {many} a minute from a team. Try again in {wait} s{_or_change(plan, 'requests_per_minute')}"
    return wait, f"{said}; what you typed is kept."


def _jobs(plan: Plan) -> str:
    return f"The {plan} plan runs {'one job' if plan.jobs_at_once == 1 else f'{plan.jobs_at_once} jobs'} of a team at once."


def _full(plan: Plan) -> str:
    kept = f"The {plan} plan keeps {size(plan.storage or 0)}, and the library is full."
    return f"{kept} Delete something and empty the trash{_or_change(plan, 'storage')}."


def _or_change(plan: Plan, limit: str) -> str:
    more = more_of(plan, limit)
    if more is None:
        return ""
    value = getattr(more, limit)
    return f", or change to {more}, which has {'no limit' if value is None else size(value) if limit == 'storage' else value}"
