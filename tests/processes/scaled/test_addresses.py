"""`manage.py up` with an address that names nothing: it ends before anything is started, in the words of the server that was asked."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.browser.running import ROOT
from tests.processes.running_scaled import Databases, scaled

MISSING = "atelier_that_nobody_made"


@pytest.mark.parametrize(
    ("number", "last"),
    [
        ("0", f'database "{MISSING}" does not exist. Make it: createdb {MISSING}'),
        ("99999", "The Redis of REDIS_URL answers, but has no database of that number: DB index is out of range"),
    ],
)
def test_it_ends_at_once_with_the_servers_own_reason(tmp_path: Path, number: str, last: str) -> None:
    redis_url = f"{os.environ['REDIS_URL'].rpartition('/')[0]}/{number}"
    environment = scaled(tmp_path, Databases(os.environ["DATABASE_URL"]).address(MISSING), redis_url)
    command = [sys.executable, "manage.py", "up", "--port", "0"]
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=90, check=False)
    lines = ended.stderr.strip().splitlines()
    assert (ended.returncode, lines[-1].endswith(last)) == (1, True), ended.stderr
    assert "psycopg.pool" not in ended.stderr
    assert "web-1" not in ended.stdout
