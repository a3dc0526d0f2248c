"""One run of a job, without the worker around it."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError

from accounts.models import Team, User
from studio.generation import services
from studio.generation.worker.progress import ProgressPublisher
from studio.generation.worker.runner import Runner
from studio.generation.worker.running import RunningJobs

pytestmark = pytest.mark.django_db


def test_an_attempt_that_the_database_ended_leaves_no_steps_to_the_next(
    alice: User, rich: Team, make_job: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen to fail: the next attempt in this process told its steps as the first one's, and they were refused."""
    running, told = RunningJobs(), []
    progress = ProgressPublisher(running)
    runner = Runner(["null"], "worker-1", running, progress, batch=False)
    monkeypatch.setattr(progress, "forget", lambda job: told.append(job.pk))

    def away(*_: Any) -> None:
        raise OperationalError("the database went away")

    monkeypatch.setattr(runner, "_call", away)
    make_job(alice, rich)
    [job] = services.claim(["null"], "worker-1", batch=False)
    with pytest.raises(OperationalError):
        runner._generate([job])
    assert told == [job.pk]
