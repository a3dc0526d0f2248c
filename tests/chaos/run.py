"""One run from the first process to the verdict."""

from __future__ import annotations

import logging
import os
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.chaos import asks, killers, logs
from tests.chaos.killers import Killer
from tests.chaos.own_redis import OwnRedis
from tests.chaos.people import Crowd
from tests.chaos.population import populate
from tests.chaos.provider import ENGINE, Provider
from tests.chaos.receiver import Receiver
from tests.chaos.studio import LEASE, ChaosStudio

SECONDS_A_JOB = 0.3
"""Over which time the requests are spread; a machine that is slower takes longer."""
LOCAL_JOBS = 6
"""For the local runner, which takes seconds for each."""
PROGRESS_SECONDS = 10
ENDED = ("succeeded", "failed", "canceled")
DUE_NOW = """UPDATE webhooks_delivery SET next_at = now()
WHERE status = 'waiting' AND next_at > now() AND lease_until IS NULL RETURNING id"""


@dataclass(frozen=True, slots=True)
class Wish:
    """What sort of run. `minutes` is how long load and rest may take; what is open then counts as stuck."""

    jobs: int
    people: int
    seed: int
    minutes: float
    local: bool


def run(wish: Wish, folder: Path) -> dict[str, Any]:
    """The result, as it is written. `folder` gets the journal and the logs. What was started is ended, whatever happens.

    The studio's database and data folder are kept when something was wrong.
    """
    journal = asks.Journal(folder / "journal.jsonl")
    provider, receiver, redis = Provider(wish.seed), Receiver(wish.seed, journal), OwnRedis(folder)
    try:
        provider.start()
        redis.start()
        studio = ChaosStudio(Path(tempfile.mkdtemp(prefix="at-chaos-")), redis=redis.url, provider=provider.standin, local=wish.local)
        try:
            result = _Run(wish, journal, provider, receiver, redis, studio).result()
        except BaseException:
            end(studio, folder)
            studio.forget()
            raise
        end(studio, folder)
        if any(result["wrong"].values()):
            say(f"The database {studio.address} and the data folder {studio.data_dir} are kept, to be looked at.")
        else:
            studio.forget()
        return result | {"folder": str(folder)}
    finally:
        receiver.close()
        provider.stop()
        redis.kill()
        journal.close()


def end(studio: ChaosStudio, folder: Path) -> None:
    """Leave nothing running, and what it said in the folder."""
    for one in studio.everything():
        one.kill()
    (folder / "studio.log").write_text("\n".join(studio.lines) + "\n", encoding="utf-8")


class _Run:
    def __init__(
        self, wish: Wish, journal: asks.Journal, provider: Provider, receiver: Receiver, redis: OwnRedis, studio: ChaosStudio
    ) -> None:
        self.wish, self.provider, self.receiver, self.studio = wish, provider, receiver, studio
        chance = random.Random(wish.seed)
        local = min(LOCAL_JOBS, wish.jobs // 10) if wish.local else 0
        self.asks = asks.plan(chance, jobs=wish.jobs, people=wish.people, engines=["null", ENGINE], local=local)
        kinds = {kind: times for kind, times in killers.KINDS.items() if wish.local or kind != killers.LOCAL_RUNNER}
        self.strikes = killers.plan(chance, jobs=wish.jobs, kinds=kinds)
        self.killer = Killer(studio, redis, receiver.go_down, seed=wish.seed, lease=LEASE, journal=journal)
        self.journal = journal
        self.states = Counter[str]()
        self.deadline = 0.0

    def result(self) -> dict[str, Any]:
        self.studio.start()
        crowd = self.open()
        say(f"{self.wish.jobs} jobs, {len(self.strikes)} kills, seed {self.wish.seed}")
        began = time.monotonic()
        self.deadline = began + self.wish.minutes * 60
        self.under_load(crowd)
        self.come_to_rest()
        seconds = time.monotonic() - began
        return self.verdict(self.stop()) | {"seconds": round(seconds)}

    def open(self) -> Crowd:
        """Everybody has an account and is signed in, as somebody is who has the page open all day."""
        os.environ |= self.studio.environment
        import django

        django.setup()
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)  # the stand-in, which hangs up on purpose
        accounts = populate(self.wish.people, self.receiver)
        leave_database()
        spread = self.wish.jobs * SECONDS_A_JOB
        crowd = Crowd(self.studio.url, accounts, self.asks, seconds=spread, seed=self.wish.seed, journal=self.journal)
        crowd.arrive()
        return crowd

    def under_load(self, crowd: Crowd) -> None:
        """Until everybody has been answered and everything has been killed that was to be."""

        def progress() -> float:
            return (crowd.answered + self.ended()) / (2 * self.wish.jobs)

        with crowd.at_work():
            striking = threading.Thread(target=self.killer.run, args=(self.strikes, progress, self.is_late), name="killer", daemon=True)
            striking.start()
            while not self.is_late() and (striking.is_alive() or not crowd.is_done):
                self.tell(f"{crowd.answered} answered, {self.killer.done.total()} of {len(self.strikes)} kills")
        striking.join()

    def come_to_rest(self) -> None:
        """Wait until nothing is open and every webhook has arrived. Their waits of minutes go by at once, their leases do not."""
        while not self.is_late():
            waiting = self.studio.rows("SELECT count(*) FROM webhooks_delivery WHERE status = 'waiting'")[0][0]
            if self.ended() == self.states.total() and not waiting:
                return
            self.studio.rows(DUE_NOW)
            self.tell(f"nothing is killed any more; {waiting} webhooks are on their way")

    def is_late(self) -> bool:
        return time.monotonic() > self.deadline

    def ended(self) -> int:
        self.states = Counter(dict(self.studio.rows("SELECT status, count(*) FROM generation_job GROUP BY 1")))
        return sum(self.states[one] for one in ENDED)

    def stop(self) -> list[str]:
        """What is still there when the studio was told to end."""
        code = self.studio.stop()
        left = [f"{one.pid}: {' '.join(one.cmdline())}" for one in self.studio.everything()]
        return left + ([f"The supervisor ended with status {code}."] if code else [])

    def verdict(self, leftovers: list[str]) -> dict[str, Any]:
        from tests.chaos import judge  # models, which Django must have been set up for

        errors = logs.errors(self.studio.lines)
        kinds = dict.fromkeys(strike.kind for strike in self.strikes)
        evidence = judge.Evidence(
            asks=self.asks,
            arrivals=self.receiver.arrivals,
            charges=self.provider.charges,
            kills={kind: self.killer.done[kind] for kind in sorted(kinds)},
            surprises=logs.surprises(errors),
            leftovers=leftovers,
        )
        wrong = judge.judge(evidence)
        result = {
            "jobs": len(evidence.jobs),
            "people": self.wish.people,
            "seed": self.wish.seed,
            "wrong": {name: len(sentences) for name, sentences in wrong.items()},
            "sentences": {name: sentences[:50] for name, sentences in wrong.items() if sentences},
            "ended": judge.statuses(evidence),
            "kills": evidence.kills,
            "ways": {way: asks.jobs_of(one for one in self.asks if one.way == way) for way in asks.WAYS},
            "attempts": Counter(str(job.attempt) for job in evidence.jobs),
            "trouble": _summed(one.trouble for one in self.asks),
            "provider": self.provider.whims.given,
            "receiver": self.receiver.moods,
            "errors": errors,
        }
        leave_database()
        return result

    def tell(self, text: str) -> None:
        states = ", ".join(f"{count} {name}" for name, count in sorted(self.states.items()))
        say(f"{states or 'no jobs yet'}; {text}")
        time.sleep(min(PROGRESS_SECONDS, max(0.0, self.deadline - time.monotonic())))


def _summed(counts: Any) -> Mapping[str, int]:
    total = Counter[str]()
    for one in counts:
        total.update(one)
    return total


def leave_database() -> None:
    """None of this program's own connections is to be cut."""
    from django.db import connection

    connection.close()
    connection.close_pool()  # type: ignore[attr-defined]


def say(text: str) -> None:
    print(f"[chaos] {time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)
