"""The small programs of the image that know nothing of Django: what a health check says, and who makes the bucket."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import boto3
import pytest
from django.db import connection
from django.utils import timezone
from moto.server import ThreadedMotoServer

from studio.generation.models import Worker
from studio.generation.worker.presence import host
from tests.docker.proxy import free_port

DOCKER = Path(__file__).resolve().parents[2] / "docker"


def run(script: str, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    given = {"PATH": os.environ["PATH"], **environment}
    return subprocess.run([sys.executable, DOCKER / script, *words], env=given, capture_output=True, text=True, check=False, timeout=60)


# --- health ----------------------------------------------------------------------------------------------------------


def address() -> str:
    given = connection.settings_dict
    who = f"{given['USER']}:{given['PASSWORD']}" if given["PASSWORD"] else given["USER"]
    return f"postgres://{who}@{given['HOST']}:{given['PORT'] or 5432}/{given['NAME']}"


def test_a_site_that_does_not_answer_is_not_well() -> None:
    done = run("health", "web", STUDIO_PORT=str(free_port()))

    assert done.returncode == 1
    assert done.stderr.startswith("the site does not answer (")


def test_a_word_that_it_does_not_know_is_refused() -> None:
    done = run("health", "wrok")

    assert (done.returncode, done.stderr) == (1, "Choose one of: web, worker.\n")


def test_a_database_that_is_away_is_not_the_worker_s_fault(tmp_path: Path) -> None:
    (tmp_path / "url").write_text(f"postgres://nobody@127.0.0.1:{free_port()}/nothing\n")

    done = run("health", "worker", DATABASE_URL_FILE=str(tmp_path / "url"))

    assert (done.returncode, done.stdout) == (0, "The database does not answer, so this is not known: OperationalError\n")


@pytest.mark.django_db(transaction=True)
def test_a_worker_is_well_while_its_row_is_fresh() -> None:
    """The question itself is asked on PostgreSQL, the only database that containers share; SQLite says why it cannot be asked."""
    Worker.objects.create(name="here-1", pid=1, host=host(), queues=["null"], heartbeat_at=timezone.now())
    if connection.vendor != "postgresql":
        assert run("health", "worker", DATABASE_URL="sqlite:///data/studio.sqlite3").returncode == 1
        return
    assert run("health", "worker", DATABASE_URL=address()).returncode == 0

    Worker.objects.update(heartbeat_at=timezone.now() - timedelta(seconds=61))
    late = run("health", "worker", DATABASE_URL=address())
    Worker.objects.update(heartbeat_at=timezone.now(), host=f"another{host()}")
    elsewhere = run("health", "worker", DATABASE_URL=address())

    assert (late.returncode, elsewhere.returncode) == (1, 1)
    assert "has been heard of for 60 s" in late.stderr


# --- bucket ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def store() -> Iterator[dict[str, str]]:
    """An object store of this machine, and the settings that lead to it."""
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    where, port = server.get_host_and_port()
    yield {
        "DEFAULT_STORAGE": "s3://atelier/files",
        "STUDIO_S3_ENDPOINT": f"http://{where}:{port}",
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
    }
    server.stop()


def test_the_bucket_is_made_once(store: dict[str, str]) -> None:
    first, second = run("bucket", **store), run("bucket", **store)

    assert (first.returncode, first.stdout) == (0, "The bucket atelier was made.\n")
    assert (second.returncode, second.stdout) == (0, "The bucket atelier is there.\n")
    where = store["STUDIO_S3_ENDPOINT"]
    client = boto3.client("s3", "us-east-1", endpoint_url=where, aws_access_key_id="a", aws_secret_access_key="b")
    assert [one["Name"] for one in client.list_buckets()["Buckets"]].count("atelier") == 1  # the server is that of other tests too


def test_what_is_no_bucket_is_said() -> None:
    done = run("bucket", DEFAULT_STORAGE="atelier")

    assert (done.returncode, done.stderr) == (1, "DEFAULT_STORAGE names no bucket: write it like s3://atelier\n")


def test_a_store_that_is_away_is_a_sentence(store: dict[str, str]) -> None:
    done = run("bucket", **{**store, "STUDIO_S3_ENDPOINT": f"http://127.0.0.1:{free_port()}"})

    assert done.returncode == 1
    assert done.stderr.startswith("The object store does not answer: ")


# --- backup and restore ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("script", ["backup", "restore"])
def test_a_script_without_a_folder_asks_for_one(script: str) -> None:
    done = subprocess.run([DOCKER / script], capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert f"For example: docker/{script} /mnt/backups" in done.stderr
