"""A gallery that people outside see over a link, of three pictures whose prompts nobody there may read."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from accounts.models import Team, User
from studio.galleries import curating, publishing
from studio.galleries.models import Gallery, ShareLink, Visibility
from studio.generation import throttle
from studio.generation.models import Artifact
from tests.factories import make_artifacts


@pytest.fixture
def fresh_limits() -> Iterator[None]:
    """Nobody was too fast before this test, nor is after it."""
    throttle.limiter().storage.reset()
    yield
    throttle.limiter().storage.reset()


@pytest.fixture
def pictures(team: Team, alice: User) -> list[Artifact]:
    return make_artifacts(team, alice, 3, prompt="a secret lighthouse")


@pytest.fixture
def gallery(team: Team, alice: User, pictures: list[Artifact]) -> Gallery:
    made = curating.create(team, by=alice, name="Coastal nights", description="For the calendar.")
    curating.add(made, pictures, by=alice)
    return made


@pytest.fixture
def link(gallery: Gallery, alice: User) -> ShareLink:
    publishing.show_to(gallery, Visibility.LINK, by=alice)
    return publishing.make_link(gallery, by=alice, days=7)
