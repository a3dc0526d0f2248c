"""Which tests a run takes first, and which it need not take twice (`-p tests.order` in pyproject.toml).

`.ci/run` runs the suite on SQLite, and again on PostgreSQL and Redis. What touches neither gives the same answer both times: it is marked
`same_everywhere`, and the second time is left out.
"""

from __future__ import annotations

import pytest

ALIKE = (
    *("tests/backends/test_", "tests/stability_server/", "tests/stripe_server/", "tests/test_architecture.py"),
    *(f"tests/processes/test_{name}.py" for name in ("api", "batches", "own_client", "site", "supervisor", "up")),
    "tests/docker/test_site_behind_the_proxy.py",
)
"""Where tests open no database of the run's, or start a studio with its own (`tests.browser.running.embedded`)."""
DATABASE = {"db", "transactional_db", "live_server"}
PLANTED = "test_the_property_notices_"
"""Shows that another test can fail, by a fault that is planted in Python: that the books are right is asked on both databases."""

LONG = (
    *("tests/processes/scaled/", "tests/billing/test_stateful", "tests/generation/test_stateful", "tests/processes/test_up.py"),
    *("tests/processes/", "tests/test_access_matrix.py", "tests/api/test_access_matrix.py", "tests/generation/test_paid_jobs.py"),
    *("tests/studio/test_telemetry.py", "tests/billing/test_payment_webhooks.py", "tests/backup/", "tests/storage/", "tests/docker/"),
    *("tests/generation/test_migrations.py", "tests/billing/test_migrations.py", "tests/backends/"),
    *(f"tests/browser/test_{name}.py" for name in ("first_picture", "media", "create_page", "weights", "library", "phone")),
)
"""Begun first, in this order: a long file that is begun last keeps one process busy while the others have nothing left."""


def place(item: pytest.Item) -> int:
    return next((number for number, start in enumerate(LONG) if item.nodeid.startswith(start)), len(LONG))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        alone = not DATABASE & set(getattr(item, "fixturenames", ())) and not item.get_closest_marker("django_db")
        if (item.nodeid.startswith(ALIKE) and alone) or PLANTED in item.nodeid:
            item.add_marker(pytest.mark.same_everywhere)
    items.sort(key=place)
