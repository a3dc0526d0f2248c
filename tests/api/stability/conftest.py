"""Studios with and without a key at Stability, and people with credits."""

from __future__ import annotations

from tests.generation.conftest import bells, hints, make_job, nobody_was_fast, rich  # noqa: F401
from tests.generation.stability import stability  # noqa: F401
