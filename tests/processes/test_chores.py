"""The thread of a worker that does what has to be done once a day."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from studio.generation.worker.chores import Chores

done = threading.Event()
calls: list[str] = []


def breaks() -> None:
    calls.append("breaks")
    raise RuntimeError("boom")


def works() -> None:
    calls.append("works")
    done.set()


@pytest.mark.django_db(transaction=True)
def test_one_that_fails_keeps_no_other_from_its_turn() -> None:
    done.clear()
    calls.clear()
    chores = Chores([f"{__name__}.breaks", f"{__name__}.works"], 60)
    chores.start()
    assert done.wait(10)
    chores.stop()
    assert calls == ["breaks", "works"]


def test_the_studio_s_own_chores_can_be_imported(settings: Any) -> None:
    from django.utils.module_loading import import_string

    assert [import_string(path).__name__ for path in settings.DAILY_CHORES] == ["daily", "daily"]
    assert [import_string(path).__name__ for path in settings.LOCAL_CHORES] == ["look"]
