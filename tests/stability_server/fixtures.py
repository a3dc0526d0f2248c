"""Fixtures of the stand-in. A room that wants them imports them in its conftest.py:

from tests.stability_server.fixtures import client, running_standin, standin
"""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.stability_server.standin import StandIn


@pytest.fixture(scope="session")
def running_standin() -> Iterator[StandIn]:
    """One server for all tests of a run."""
    with StandIn(result_seconds=0) as standin:
        yield standin


@pytest.fixture
def standin(running_standin: StandIn) -> Iterator[StandIn]:
    """The stand-in as new: 1,000 credits, one key, nothing in the books. `standin.clock = ManualClock()` stops its time."""
    running_standin.reset()
    yield running_standin
    running_standin.faults.clear()


@pytest.fixture
def client(standin: StandIn) -> Iterator[httpx.Client]:
    """A bare HTTP client with the stand-in's first key. No TLS here: reading the certificates would take longer than most tests."""
    headers = {"authorization": f"Bearer {standin.key}"}
    with httpx.Client(base_url=standin.url, headers=headers, timeout=30, trust_env=False, verify=False) as client:
        yield client
