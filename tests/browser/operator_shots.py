"""The operator's pages: a studio that is busy, with workers on several machines, a queue that is paused, and hours of work behind it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Browser, Page, expect

from tests.browser.camera import Shot, look
from tests.browser.conftest import Person
from tests.browser.running import RunningStudio
from tests.browser.seeding import sign_up

QUICK = {"STUDIO_LOCAL_RUNNER": "0", "STUDIO_NULL_ENGINE": "1", "STUDIO_WELCOME_CREDITS": "5000", "STUDIO_SIGNUP": "open"}
BUSY = """
import random
from datetime import timedelta
from django.utils import timezone
from accounts.models import User
from accounts.services import create_team
from billing.services import wallets
from studio.generation import services
from studio.generation.models import Job, Worker
from tests.factories import make_job
chance, now = random.Random(7), timezone.now()
ana, ben = User.objects.get(email="ana@harbour.example"), User.objects.get(email="ben@harbour.example")
teams = [create_team(name, person) for name, person in (("Harbour Street", ana), ("Quay Press", ben), ("School of Arts", ben))]
for team in teams:
    wallets.grant(wallets.wallet_of(team), 1_000_000, reference="shots", description="For the year")
engines = (("stability:core", "Stable Image Core", "stability", 4), ("stability:sd3.5-large", "SD 3.5 Large", "stability", 7),
    ("storybook", "Storybook (local)", "diffusers", 2))
def job(team, person, engine, status, ago, **told):
    name, label, queue, _ = engine
    told_first = {"engine": name, "engine_label": label, "queue": queue, "status": status, "prompt": "a lighthouse"}
    made = make_job(team, person, made_at=now - timedelta(seconds=ago), **told_first)
    Job.objects.filter(pk=made.pk).update(**told)
    return made
GB = 2**30
workers = (
    ("gpu-1-812", ["diffusers"], "ready", "gpu-1", 1, 5.1, [{"name": "NVIDIA H100 80GB HBM3", "total": 80 * GB, "free": 31 * GB}], 2, ""),
    ("gpu-2-640", ["diffusers"], "starting", "gpu-2", 1, 1.2, [], 5, ""),
    ("web-1-77", ["stability", "webhooks"], "ready", "web-1", 64, 0.2, [], 1, ""),
    ("gpu-3-91", ["diffusers"], "broken", "gpu-3", 1, 0.9, [{"name": "NVIDIA L4", "total": 24 * GB, "free": 1 * GB}], 8,
        "The model in /models/sd35 cannot be read: a file is missing."),
    ("web-2-78", ["stability", "webhooks"], "ready", "web-2", 64, 0.2, [], 240, ""),
)
for name, queues, state, host, threads, memory, gpus, silent, detail in workers:
    Worker.objects.create(name=name, queues=queues, state=state, host=host, threads=threads, memory=int(memory * GB), devices=gpus, pid=1,
        detail=detail, version="0.7.0", heartbeat_at=now + timedelta(minutes=0 if silent > 60 else 30, seconds=-silent))
Worker.objects.update(started_at=now - timedelta(hours=31))
lease = now + timedelta(minutes=30)  # nobody renews it
for number in range(9):
    engine = engines[number % 3]
    here = engine[2] == "diffusers"
    steps = {"step": chance.randrange(1, 28), "total_steps": 28, "worker": "gpu-1-812"} if here else {"sent_at": now, "worker": "web-1-77"}
    running = job(teams[number % 3], (ana, ben)[number % 2], engine, "running", 60, started_at=now - timedelta(seconds=4 * number + 2),
        lease_expires_at=lease, attempt=1 + (number == 4), **steps)
waiting = [job(teams[min(2, n // 30)], (ana, ben)[n % 2], engines[n % 3], "queued", 900 - 9 * n) for n in range(90)]
resting = waiting[1]
Job.objects.filter(pk=resting.pk).update(run_after=now + timedelta(minutes=6), attempt=1, error_code="rate_limited",
    error_message="The provider asked for a rest.", started_at=now - timedelta(minutes=8))
services.move_up(waiting[40], by=ana)
failed = None
for number in range(160):
    engine = engines[number % 3]
    code = chance.choices(["", "timeout", "rate_limited", "moderated"], [90, 5, 3, 2])[0]
    started = now - timedelta(seconds=60 + number * 480)
    end = started + timedelta(seconds=engine[3] * chance.lognormvariate(0, 0.5))
    asked = 60 + number * 480 + chance.expovariate(1 / 4)
    done = job(teams[number % 3], (ana, ben)[number % 2], engine, "failed" if code else "succeeded", asked,
        started_at=started, finished_at=end, error_code=code, attempt=1,
        error_message="The provider did not answer in time." if code else "")
    failed = failed or (done if code else None)
services.pause_queue("stability", by=ana, reason="Their status page says that pictures come out grey")
print("made", waiting[40].pk, resting.pk, running.pk, failed.pk)
"""


@dataclass(frozen=True)
class Seeded:
    people: dict[str, Person]
    moved: str
    resting: str
    running: str
    failed: str


def seed(studio: RunningStudio, people: dict[str, Person]) -> Seeded:
    done = studio.manage("shell", "--no-imports", "-c", BUSY)
    assert done.returncode == 0, done.stderr
    return Seeded(people, *done.stdout.split()[-4:])


def _job(name: str) -> Callable[[Seeded], str]:
    return lambda seeded: f"/operator/jobs/{getattr(seeded, name)}/"


def open_the_menu(page: Page) -> None:
    page.locator("summary.avatar").click()
    expect(page.get_by_role("link", name="Operator", exact=True)).to_be_visible()


def photograph(browser: Browser, studio: RunningStudio, wanted: Callable[[tuple[Shot, ...]], tuple[Shot, ...]]) -> None:
    people = sign_up(browser, studio)
    look(browser, studio, wanted(EMPTY), people)
    seeded = seed(studio, people)
    look(browser, studio, wanted(SHOTS), people, seeded)


EMPTY = (
    Shot("operator-empty", "/operator/"),
    Shot("operator-running-empty", "/operator/running/"),
    Shot("operator-waiting-empty", "/operator/waiting/"),
)
SHOTS = (
    Shot("operator-overview", "/operator/"),
    Shot("operator-running", "/operator/running/"),
    Shot("operator-waiting", "/operator/waiting/"),
    Shot("operator-waiting-paused", "/operator/waiting/?queue=stability"),
    Shot("operator-pause", "/operator/queues/diffusers/pause/"),
    Shot("operator-job-waiting", _job("moved")),
    Shot("operator-job-resting", _job("resting")),
    Shot("operator-job-running", _job("running")),
    Shot("operator-job-failed", _job("failed")),
    Shot("operator-menu", "/operator/", act=open_the_menu, whole=False),
)
