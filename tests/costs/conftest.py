"""A studio whose pictures a provider bills: the stand-in, with books of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import User
from studio.generation.models import Job
from tests.generation.conftest import bells, hints, make_job, provider, rich  # noqa: F401
from tests.generation.paid import CORE, newest, work
from tests.stability_server.fixtures import running_standin, standin  # noqa: F401


@pytest.fixture
def operator(bob: User) -> User:
    """Bob, so that alice, who makes the pictures, stays an owner like any other."""
    User.objects.filter(pk=bob.pk).update(is_staff=True, is_superuser=True)
    bob.refresh_from_db()
    return bob


@pytest.fixture
def core(alice: User, rich: Any, make_job: Callable[..., Job], provider: Any) -> Callable[..., Job]:  # noqa: F811
    """`core(prompt, n)`: a job of Stable Image Core (3 credits a picture), made and settled."""

    def make(prompt: str = "a boat", n: int = 1) -> Job:
        make_job(alice, rich, engine=CORE, prompt=prompt, num_images=n, width=None, height=None, extra={"aspect_ratio": "1:1"})
        work()
        return newest()

    return make
