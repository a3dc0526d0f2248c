"""Rings and workers over a real Redis and a real RabbitMQ of our own: heard, lost, given to somebody else, and the broker gone.

The workers share this test's database. On SQLite that is a file of one machine, which REDIS_URL makes the studio warn of and not refuse;
so the same tests run on both.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import redis
from django.contrib.sessions.models import Session
from django.utils import timezone

from accounts.models import Team, User
from billing.services import wallets
from studio.backends import registry
from studio.backends.base import GenerationRequest, Mode
from studio.celery import ENOUGH, RING, app, broker_url, queue, transport_options
from studio.generation import dispatch, services
from studio.generation.dispatch import broker
from studio.generation.dispatch.broker import KEPT, BrokerDoorbell
from studio.generation.models import Job, Worker
from tests.browser.running import ROOT, embedded
from tests.processes.brokers import Line, Server, rabbitmq_server, redis_server
from tests.processes.conftest import PATIENCE
from tests.processes.stability.test_killed import database_url, until

KINDS = ["redis", "rabbitmq"]
FAR_AWAY = "600"
"""Seconds between two looks of a worker by itself, where only a ring shall wake it."""


@pytest.fixture(scope="module")
def redis_(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = redis_server(tmp_path_factory.mktemp("redis"))
    server.wait()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def rabbitmq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server, names = rabbitmq_server(tmp_path_factory.mktemp("rabbitmq"))
    try:
        server.wait()
        yield server
    finally:
        server.stop()
        names.stop()


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def line(kind: str, request: pytest.FixtureRequest) -> Iterator[Line]:
    """To the broker of this kind, whose queues are empty."""
    server = request.getfixturevalue("redis_" if kind == "redis" else "rabbitmq")
    line = Line(server.port)
    with connected(url_of(kind, line)) as connection:
        for name in ("null", "webhooks", "chores"):
            bell: Any = queue(name)(connection.default_channel)
            bell.declare()
            bell.purge()
    yield line
    line.cut()


@pytest.fixture
def url(kind: str, line: Line) -> str:
    return url_of(kind, line)


def url_of(kind: str, line: Line) -> str:
    return f"redis://127.0.0.1:{line.port}/0" if kind == "redis" else f"amqp://guest:guest@127.0.0.1:{line.port}//"


def connected(url: str) -> Any:
    return app.connection_for_write(broker_url(url), transport_options=transport_options(url))


def waiting(url: str, name: str = "null") -> int:
    """Messages that lie in a queue and that nobody has taken."""
    with connected(url) as connection:
        bell: Any = queue(name)(connection.default_channel)
        return int(bell.queue_declare().message_count)


@pytest.fixture
def bell(url: str) -> Iterator[BrokerDoorbell]:
    """Rings over the broker of this test; its thread ends with the test, also where the broker is away."""
    bell = BrokerDoorbell(url)
    yield bell
    bell.close()


def ringers() -> int:
    return sum(thread.name == "doorbell" for thread in threading.enumerate())


def heard(url: str, bell: BrokerDoorbell, name: str) -> None:
    """Wait until somebody takes what comes by this queue: who has just connected does not listen yet."""
    bell.wake(name)
    until(lambda: bell._ringer.flush(0) and waiting(url, name) == 0)


# --- who rings -------------------------------------------------------------------------------------------------------
def test_a_ring_is_a_task_without_arguments_on_the_queue_of_that_name(url: str, bell: BrokerDoorbell) -> None:
    bell.wake("null")
    assert bell._ringer.flush(PATIENCE)
    with connected(url) as connection:
        message = connection.SimpleQueue(queue("null")).get(timeout=PATIENCE)
        message.ack()
    assert (message.headers["task"], message.payload[:2]) == (RING, [[], {}])
    assert waiting(url) == 0


def test_who_rings_and_listens_hears_it_without_the_broker(bell: BrokerDoorbell, line: Line) -> None:
    line.cut()
    listener, other = bell.listen(["null", "stability"]), bell.listen(["webhooks"])
    for _ in range(3):
        bell.wake("null")
    assert (listener.wait(0), listener.wait(0), other.wait(0)) == (True, False, False)
    listener.interrupt()
    assert listener.wait(PATIENCE) is False
    listener.close()
    bell.wake("null")
    assert listener.wait(0) is False
    assert bell._ringer.flush(PATIENCE) is False
    assert bell._ringer.kept


def test_a_thousand_rings_without_a_broker_are_kept_in_little_room_and_go_out_when_it_is_back(
    url: str, line: Line, bell: BrokerDoorbell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broker, "PAUSES", (0.05, 0.05))
    line.cut()
    before = ringers()
    for _ in range(1000):
        bell.wake("null")
    until(lambda: bell._ringer._is_down)
    assert bell._ringer.flush(PATIENCE) is False  # at once: nobody waits at the end of a process for a broker that is away
    until(lambda: bell._ringer.kept == KEPT)
    assert ringers() == before + 1
    line.mend()
    until(lambda: waiting(url) == KEPT)
    assert bell._ringer.kept == 0


def test_a_broker_that_comes_and_goes_costs_one_thread_and_no_ring_that_is_awaited(
    url: str, line: Line, bell: BrokerDoorbell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broker, "PAUSES", (0.05, 0.05))
    before = ringers()
    for count in range(1, 4):
        bell.wake("null")
        # Cut before it knows that this went out, it would rightly ring once more.
        until(lambda count=count: bell._ringer.flush(0) and waiting(url) == count)
        line.cut()
        line.mend()
    assert ringers() == before + 1


def test_rings_that_nobody_hears_do_not_pile_up(url: str, bell: BrokerDoorbell) -> None:
    for _ in range(1 + ENOUGH // KEPT):
        for _ in range(KEPT):
            bell.wake("null")
        assert bell._ringer.flush(PATIENCE)
    until(lambda: waiting(url) == ENOUGH)


# --- who hears -------------------------------------------------------------------------------------------------------
class Process:
    """A command of ours, whose lines can be waited for."""

    def __init__(self, environment: dict[str, str], folder: Path, *command: str) -> None:
        self._log = folder / f"log-{id(self)}"
        with self._log.open("w") as log:
            self._process = subprocess.Popen([sys.executable, *command], cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT)
        self.pid = self._process.pid

    def says(self, words: str, times: int = 1) -> Process:
        until(lambda: self.text.count(words) >= times or self._process.poll() is not None)
        assert self.text.count(words) >= times, self.text
        return self

    @property
    def text(self) -> str:
        return self._log.read_text()

    def end(self, number: int) -> int:
        self._process.send_signal(number)
        return self._process.wait(PATIENCE)


def told(process: Process) -> list[str]:
    """What it said of the broker: "unreachable" and "answers_again" in turn."""
    return re.findall(r"event=broker_(unreachable|answers_again)", process.text)


@pytest.fixture
def start(kind: str, url: str, redis_: Server, settings: Any, short_dir: Path) -> Iterator[Callable[..., Process]]:
    """`start("manage.py", "worker", "null", **environment)`: a process of the scaled mode on this test's database; killed at the end."""
    settings.DATA_DIR, settings.MEDIA_ROOT = short_dir, short_dir / "media"
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.processes.slow_settings",
        "DATABASE_URL": database_url(),
        "REDIS_URL": f"redis://127.0.0.1:{redis_.port}/1",
        "CELERY_BROKER_URL": url,
        "STUDIO_DATA_DIR": str(short_dir),
        "STUDIO_LOCAL_RUNNER": "0",
        "STUDIO_LOG_LEVEL": "INFO",
        "STUDIO_JOB_SWEEP_SECONDS": FAR_AWAY,
    }
    started: list[Process] = []

    def begin(*command: str, **more: str) -> Process:
        started.append(Process({**environment, **more}, short_dir, *command))
        return started[-1]

    yield begin
    for process in started:
        process.end(signal.SIGKILL)


@pytest.fixture
def submit(settings: Any, url: str, team: Team, alice: User) -> Iterator[Callable[[], Job]]:
    """`submit()`: a job of the null engine, rung for over the broker."""
    settings.DOORBELL, settings.CELERY_BROKER_URL = "studio.generation.dispatch.broker.BrokerDoorbell", url
    settings.BACKENDS = {"null": {"BACKEND": "studio.backends.null.NullBackend", "OPTIONS": {"ENABLED": True}}}
    registry.backend.cache_clear()
    dispatch._doorbell.cache_clear()
    wallets.grant(wallets.wallet_of(team), 1_000_000, reference="test", description="For the test")

    def make() -> Job:
        number = Job.objects.count()
        request = GenerationRequest(engine="null", mode=Mode.TEXT_TO_IMAGE, seed=number, prompt="a boat", width=64, height=64)
        return services.submit(user=alice, team=team, request=request, idempotency_key=f"key-{number}")

    yield make
    bell = dispatch.doorbell()
    assert isinstance(bell, BrokerDoorbell)
    bell.close()
    registry.backend.cache_clear()
    dispatch._doorbell.cache_clear()


def is_(job: Job, status: str) -> bool:
    return Job.objects.filter(pk=job.pk, status=status).exists()


@pytest.mark.django_db(transaction=True)
def test_a_ring_goes_to_who_has_room_and_that_of_a_killed_worker_to_another(
    kind: str, start: Callable[..., Process], submit: Callable[[], Job]
) -> None:
    slow = {"NULL_STEPS": "200", "NULL_STEP_SECONDS": "0.1"}
    # RabbitMQ sees that the line is dead. Redis does not: there the next look finds the dead.
    sweep = {"STUDIO_JOB_SWEEP_SECONDS": "1"} if kind == "redis" else {}
    first = start("manage.py", "worker", "null", "--threads", "1", **slow, **sweep)
    second = start("-m", "celery", "-A", "studio", "worker", "-Q", "null", "-c", "1", **slow, **sweep)
    for one in (first, second):
        one.says("event=broker_connected")
    jobs = [submit(), submit()]
    for job in jobs:
        until(lambda job=job: is_(job, "running"))
    names = dict(Worker.objects.values_list("name", "pid"))
    at_work = {names[job.worker] for job in Job.objects.filter(status="running")}
    assert at_work == {first.pid, second.pid}  # the busy one did not keep the second ring to itself

    lost = Job.objects.get(worker=next(name for name, pid in names.items() if pid == first.pid))
    other = Job.objects.exclude(pk=lost.pk).get()
    assert services.cancel(other).cancel_requested_at  # so that the second worker has room
    until(lambda: is_(other, "canceled"))
    assert first.end(signal.SIGKILL) == -signal.SIGKILL
    until(lambda: Job.objects.filter(pk=lost.pk, status="running", attempt=2).exists())

    assert second.end(signal.SIGTERM) == 0  # in good order: the job is given back, with its attempt, and the row is gone
    lost.refresh_from_db()
    assert (lost.status, lost.attempt, Worker.objects.count()) == ("queued", 1, 0)


@pytest.mark.django_db(transaction=True)
def test_a_broker_that_is_away_costs_the_wait_for_the_sweep_and_nothing_else(
    url: str, line: Line, start: Callable[..., Process], submit: Callable[[], Job]
) -> None:
    line.cut()
    before_it = submit()
    worker = start("manage.py", "worker", "null", STUDIO_JOB_SWEEP_SECONDS="0.2")
    until(lambda: is_(before_it, "succeeded"))
    meanwhile = submit()
    until(lambda: is_(meanwhile, "succeeded"))
    assert "event=broker_connected" not in worker.text

    line.mend()
    worker.says("event=broker_connected")
    until(lambda: waiting(url) == 0)
    line.cut()
    line.mend()
    last = submit()
    until(lambda: is_(last, "succeeded"))
    dispatch.doorbell().wake("null")
    until(lambda: dispatch.doorbell()._ringer.flush(0) and waiting(url) == 0)  # rung, and heard again
    assert worker.end(signal.SIGTERM) == 0


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("gets_room", ["meanwhile", "afterwards"])
def test_a_worker_that_was_full_as_the_broker_went_hears_again(
    gets_room: str, url: str, line: Line, start: Callable[..., Process], submit: Callable[[], Job]
) -> None:
    """A full worker listens for nothing, so over Redis it meets the outage with its acknowledgement, or not at all."""
    worker = start("manage.py", "worker", "null", "--threads", "1", NULL_STEPS="200", NULL_STEP_SECONDS="0.1")
    worker.says("event=broker_connected")
    for _ in range(2):
        job = submit()
        until(lambda job=job: is_(job, "running"))
        before = len(told(worker))
        line.cut()
        if gets_room == "meanwhile":
            services.cancel(job)
            until(lambda before=before: len(told(worker)) > before)
        line.mend()
        services.cancel(job)
        until(lambda job=job: is_(job, "canceled"))
    bell = dispatch.doorbell()
    assert isinstance(bell, BrokerDoorbell)
    heard(url, bell, "null")
    until(lambda: told(worker)[-1:] != ["unreachable"])
    assert worker.end(signal.SIGTERM) == 0


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", ["redis"], indirect=True)
def test_two_beats_do_the_chores_and_ring_for_what_is_due(
    url: str, redis_: Server, start: Callable[..., Process], submit: Callable[[], Job]
) -> None:
    job = submit()
    until(lambda: waiting(url) == 1)
    Session.objects.create(session_key="over", session_data="", expire_date=timezone.now() - timedelta(days=1))
    beats = [start("manage.py", "beat") for _ in range(2)]
    for beat in beats:
        beat.says("event=broker_connected")
    cache = redis.Redis(port=redis_.port, db=1)
    until(lambda: not Session.objects.exists() and cache.keys("*turn:tidied"))
    Job.objects.filter(pk=job.pk).update(run_after=timezone.now())
    until(lambda: waiting(url) > 1)
    until(lambda: list(Worker.objects.alive().values_list("queues", "state")) == [(["chores"], "ready")] * 2)
    assert [beat.end(signal.SIGTERM) for beat in beats] == [0, 0]
    assert not Worker.objects.exists()
    assert [beat.text for beat in beats if "chore_failed" in beat.text or "Traceback" in beat.text] == []


@pytest.mark.django_db(transaction=True)
def test_a_broker_that_is_away_is_said_once_and_once_that_it_is_back(
    url: str, line: Line, bell: BrokerDoorbell, start: Callable[..., Process]
) -> None:
    """Celery would say so with an error for each try, and with two stacks for each chore that falls due."""
    beat = start("manage.py", "beat").says("event=broker_connected")
    for times in (1, 2):
        heard(url, bell, "chores")
        line.cut()
        beat.says("event=broker_unreachable", times)
        line.mend()
        beat.says("event=broker_answers_again", times)
    assert beat.end(signal.SIGTERM) == 0
    said = told(beat)  # on a busy machine a line may break once more by itself
    assert (set(said[::2]), set(said[1::2])) == ({"unreachable"}, {"answers_again"})
    assert [line for line in beat.text.splitlines() if re.search("level=(error|critical)|Traceback", line)] == []


# --- where there is none ---------------------------------------------------------------------------------------------
def test_the_embedded_mode_never_loads_celery(tmp_path: Path) -> None:
    code = (
        "import sys, studio.asgi\n"
        "from django.urls import get_resolver\n"
        "from studio.generation.dispatch import doorbell\n"
        "from studio.generation.management.commands import beat, up, web, worker\n"
        "get_resolver().url_patterns; doorbell(); worker.hire(['null'])\n"
        "print(sorted({'celery', 'kombu', 'amqp', 'redis'} & set(sys.modules)))"
    )
    environment = embedded(tmp_path, DJANGO_SETTINGS_MODULE="studio.settings", STUDIO_ENV_FILE=os.devnull)
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert (done.stdout, done.returncode) == ("[]\n", 0), done.stderr
