"""Studios with and without a key at Stability."""

from __future__ import annotations

from tests.generation.stability import stability  # noqa: F401
