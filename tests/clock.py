"""A clock for one module alone: `time` is everybody's, and threads of other tests' servers would stop by it for good."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest


def set_clock(monkeypatch: pytest.MonkeyPatch, module: ModuleType, **functions: Callable[..., Any]) -> None:
    """`set_clock(monkeypatch, module, sleep=…, monotonic=…)`: what `module` calls by these names of `time`; `import time` must be how."""
    monkeypatch.setattr(module, "time", SimpleNamespace(**{**vars(time), **functions}))
