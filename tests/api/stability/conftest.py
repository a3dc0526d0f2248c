"""Studios with and without a key at Stability, and people with credits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.stability.front import Front
from tests.generation.conftest import bells, hints, make_job, nobody_was_fast, provider, rich  # noqa: F401
from tests.generation.paid import connected
from tests.generation.stability import stability  # noqa: F401
from tests.stability_server.fixtures import running_standin, standin  # noqa: F401


@pytest.fixture
def front(program: Any, alice: Any, rich: Any, standin: Any, settings: Any) -> Iterator[Front]:  # noqa: F811
    """A program of alice's; its team has 100 credits, and the stand-in is the studio's provider."""
    with connected(standin, settings):
        yield Front(program(alice))
