"""Which workers `manage.py up` starts with Redis when nobody has said which."""

from __future__ import annotations

import pytest

from studio.processes import plan


@pytest.mark.parametrize(
    ("enabled", "torch", "served"),
    [
        (["diffusers", "stability"], True, ["diffusers", "stability", "stability"]),
        (["diffusers", "stability"], False, ["stability", "stability", "stability"]),
        (["diffusers", "stability", "null"], True, ["diffusers", "stability", "null"]),
        (["diffusers", "stability", "null"], False, ["stability", "null", "stability"]),
        (["diffusers"], True, ["diffusers"]),  # a second one would want the same memory
        (["diffusers"], False, []),
    ],
)
def test_three_workers_at_least_of_which_one_owns_the_device(monkeypatch, enabled, torch, served):
    monkeypatch.setattr(plan, "can_run_models", lambda: torch)
    assert plan.queues_to_serve(enabled) == served
