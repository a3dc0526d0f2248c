"""Who decides on a job that needs approval, and what a rule of billing may name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from accounts.access import allows, people_who_may
from accounts.models import Team, User
from billing.models import Wallet
from billing.services import approvals
from studio.backends import registry
from studio.generation.models import Job

LAPSES_AFTER = timedelta(days=7)
"""Credits are not set aside for longer than this by something that nobody decides on."""
NAMED = 2
"""So many people are named of those who may decide."""


def why(wallet: Wallet, user: User | None, *, amount: int, pictures: int, engine: str, mode: str) -> str:
    """Why what costs `amount` millicredits needs approval, in words; empty when it does not."""
    return why_all(wallet, user, amount=amount, pictures=pictures, subjects=[(engine, mode)])


def why_all(wallet: Wallet, user: User | None, *, amount: int, pictures: int, subjects: Sequence[tuple[str, str]]) -> str:
    """The same of many requests that are asked for together: `subjects` are their engines and modes."""
    return approvals.needed(wallet, user, amount=amount, pictures=pictures, subjects=subjects) if user else ""


def deciders(team: Team, asker: User | None) -> list[User]:
    """Who may decide: nobody on what they asked for themselves, unless there is nobody else."""
    people = people_who_may(team, "administer")
    return [person for person in people if asker is None or person.pk != asker.pk] or people


def may_decide(user: User, job: Job) -> bool:
    return allows(user, job.team, "administer") and user in deciders(job.team, job.user)


def named(people: Sequence[User]) -> str:
    """ "Alice", "Alice or Carol", "Alice, Carol or 3 others"."""
    names = [str(person) for person in people]
    if len(names) > NAMED + 1:
        names = [*names[:NAMED], f"{len(names) - NAMED} others"]
    return " or ".join([*([", ".join(names[:-1])] if names[:-1] else []), *names[-1:]])


def subjects() -> Iterator[tuple[str, str, str, str]]:
    """`settings.APPROVAL_SUBJECTS`: the modes and engines of now."""
    engines = registry.engines()
    for mode in dict.fromkeys(mode for engine in engines for mode in engine.modes):
        yield "Modes", "", mode.value, mode.value.replace("-", " ").capitalize()  # the labels are words of one row of buttons
    for engine in engines:
        yield "Engines", engine.id, "", engine.label
