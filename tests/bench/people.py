"""People at a running studio, over HTTP as their browsers would, for measurements."""

from __future__ import annotations

import re
import secrets
import sqlite3
import time
from pathlib import Path

import httpx


class Person:
    """Signed up (or the owner, on a new studio) and ready to press Generate. `job` is an id as the database writes it."""

    def __init__(self, url: str, name: str) -> None:
        self.http = httpx.Client(base_url=url, follow_redirects=True, timeout=60)
        page = self.http.get("/")
        if not page.url.path.startswith("/welcome/"):
            page = self.http.get("/accounts/signup/")
        fields = {"name": name, "email": f"{name.lower()}-{secrets.token_hex(4)}@bench.example", "password": "a long enough password"}
        fields["password1"] = fields["password"]
        answer = self.http.post(str(page.url), data={**fields, "csrfmiddlewaretoken": self._token()}, headers={"Referer": str(page.url)})
        if answer.url.path != "/create/":
            raise RuntimeError(f"{name} could not sign up: {answer.status_code} at {answer.url}")

    def _token(self) -> str:
        return self.http.cookies["csrftoken"]

    def generate(self, **fields: object) -> str:
        """Press Generate; returns the id of the job. Raises RuntimeError when the studio refuses."""
        data = {"mode": "text-to-image", "idempotency_key": secrets.token_hex(12), **{name: str(value) for name, value in fields.items()}}
        headers = {"X-CSRFToken": self._token(), "Referer": str(self.http.base_url), "HX-Request": "true"}
        answer = self.http.post("/create/", data=data, headers=headers)
        found = re.search(r'id="job-([0-9a-f-]{36})"', answer.text)
        if answer.status_code != 200 or not found:
            raise RuntimeError(f"the studio answered {answer.status_code}")
        return found[1].replace("-", "")

    def close(self) -> None:
        self.http.close()


def wait_for_jobs(database: Path, jobs: set[str], *, seconds: float = 120) -> None:
    """Return as soon as all jobs succeeded. Raises RuntimeError when one fails, TimeoutError when they take too long."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=20)
    marks = ",".join("?" * len(jobs))
    deadline = time.monotonic() + seconds
    try:
        while True:
            states = dict(connection.execute(f"SELECT status, count(*) FROM generation_job WHERE id IN ({marks}) GROUP BY 1", [*jobs]))
            if states.get("succeeded") == len(jobs):
                return
            if states.get("failed") or states.get("canceled"):
                raise RuntimeError(f"jobs ended as {states}")
            if time.monotonic() > deadline:
                raise TimeoutError(f"jobs are {states} after {seconds} s")
            time.sleep(0.002)
    finally:
        connection.close()
