"""`/healthz` and `/readyz`: what a load balancer hears, whatever the host name, the scheme or the state of the studio."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import FileSystemStorage
from django.db import DatabaseError, connection
from django.test import Client
from django.utils import timezone

from accounts.models import User
from studio import health
from studio.generation.models import Worker
from tests.outages import Watch, own_outage
from tests.redis_server import OwnRedis


@pytest.fixture(autouse=True)
def asked_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that an earlier request proved."""
    monkeypatch.setitem(health.CHECKS, "migrations", health._Migrations())
    monkeypatch.setitem(health.CHECKS, "storage", health._Storage())


def test_healthz_answers_by_address_over_plain_http_and_before_anybody_exists(settings: Any, db: None) -> None:
    settings.SECURE_SSL_REDIRECT = True
    settings.ALLOWED_HOSTS = ["studio.example"]

    response = Client().get("/healthz", headers={"Host": "10.0.0.7:8000"})

    assert (response.status_code, response.content, response["Cache-Control"]) == (200, b"ok\n", "no-store")


def test_healthz_asks_nobody(django_assert_num_queries: Any, db: None) -> None:
    with django_assert_num_queries(0):
        assert Client().get("/healthz").status_code == 200


def test_a_probe_only_answers_reading(db: None, alice: User) -> None:
    assert Client().post("/healthz").status_code == 404


def test_readyz_says_that_all_is_well(settings: Any, db: None) -> None:
    settings.SECURE_SSL_REDIRECT = True
    settings.ALLOWED_HOSTS = ["studio.example"]

    response = Client().get("/readyz", headers={"Host": "10.0.0.7:8000"})

    assert response.status_code == 200
    assert response.json() == {
        "ready": True,
        "checks": {"database": "ok", "migrations": "ok", "cache": "ok", "channel_layer": "ok", "storage": "ok"},
        "without": [],
        "queues_with_worker": [],
        "queues_without_engine": [],
        "provider_credits": {},
    }


def test_readyz_leaves_no_file_behind(db: None, settings: Any) -> None:
    Client().get("/readyz")

    assert [path for path in settings.MEDIA_ROOT.rglob("*") if path.is_file()] == []


def test_readyz_tells_which_queues_have_a_living_worker(db: None) -> None:
    now = timezone.now()
    for name, queue, age in (("a", "diffusers", 5), ("b", "null", 20), ("c", "stability", 90)):
        Worker.objects.create(name=name, queues=[queue], pid=1, host="h", heartbeat_at=now - timedelta(seconds=age))

    assert Client().get("/readyz").json()["queues_with_worker"] == ["diffusers", "null"]


def test_readyz_says_that_the_database_is_gone(db: None) -> None:
    def refuse() -> None:
        raise DatabaseError("could not connect to postgres://studio:hunter2@db")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(connection, "cursor", refuse)
        response = Client().get("/readyz")

    assert response.status_code == 503
    assert response.json()["ready"] is False
    assert response.json()["checks"]["database"] == "does not answer (DatabaseError)"
    assert b"hunter2" not in response.content


def test_readyz_waits_for_migrations(db: None) -> None:
    connection.cursor().execute("DELETE FROM django_migrations WHERE app = 'billing'")
    response = Client().get("/readyz")

    assert response.status_code == 503
    assert response.json()["checks"]["migrations"].endswith("migrations are not applied; run manage.py migrate")


def test_readyz_says_that_the_disk_is_full(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: Any, **options: Any) -> str:
        raise OSError(28, "No space left on device", "/secret/place")

    monkeypatch.setattr(FileSystemStorage, "_save", full)
    response = Client().get("/readyz")

    assert response.status_code == 503
    assert response.json()["checks"]["storage"] == "files cannot be written (No space left on device)"


def test_a_written_file_counts_for_a_while(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    saved: list[str] = []
    save = FileSystemStorage._save

    def count(self: FileSystemStorage, name: str, content: Any) -> str:
        saved.append(name)
        return save(self, name, content)

    monkeypatch.setattr(FileSystemStorage, "_save", count)
    assert [Client().get("/readyz").status_code for _ in range(3)] == [200, 200, 200]
    assert len(saved) == 1


def test_a_studio_without_redis_is_ready_and_says_what_it_lacks(db: None, settings: Any, tmp_path: Path, monkeypatch: Any) -> None:
    nobody = OwnRedis(tmp_path)
    own_outage(monkeypatch, Watch())
    settings.EMBEDDED = False
    settings.CACHES = {"default": {"BACKEND": "studio.caching.SoftRedisCache", "LOCATION": nobody.url, "KEY_PREFIX": "readyz"}}
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "studio.live.redis_layer.RedisLayer", "CONFIG": {"url": nobody.url}}}

    response = Client().get("/readyz")

    assert (response.status_code, response.json()["ready"]) == (200, True)
    assert response.json()["without"] == ["cache", "channel_layer"]
    assert response.json()["checks"] == {
        "database": "ok",
        "migrations": "ok",
        "cache": "Redis is away (ConnectionError): each process caches and counts limits by itself",
        "channel_layer": "Redis is away: pages look again every few seconds instead of being told",
        "storage": "ok",
    }

    nobody.start()
    settings.CACHES = {"default": {"BACKEND": "studio.caching.SoftRedisCache", "LOCATION": nobody.url, "KEY_PREFIX": "readyz-2"}}
    own_outage(monkeypatch, Watch())
    assert Client().get("/readyz").json()["without"] == []
    nobody.kill()
