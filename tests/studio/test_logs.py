"""What a log line may hold, and that it is one line."""

from __future__ import annotations

import io
import json
import logging
import re
import sys
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
import structlog
from django.conf import settings
from django.db import OperationalError
from django.test import Client
from django.urls import path

from accounts import keys
from accounts.models import Team, User
from studio import logs
from studio.ids import uuid7
from studio.logs import REDACTED, scrub
from studio.metrics.registry import REGISTRY
from studio.middleware import server_error
from tests.factories import make_artifact

PROMPT = "a red sailboat on the sea at sunset"

Read = Callable[[], str]


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Read]]:
    """`read("line")` sets up logging in that format and gives a function that returns all that was written since."""
    stream = io.StringIO()

    def start(form: str) -> Read:
        monkeypatch.setattr(sys, "stderr", stream)
        logs.configure({"level": "INFO", "format": form})
        return stream.getvalue

    yield start
    monkeypatch.undo()
    logs.configure(settings.LOGGING)


def test_a_line_says_when_how_bad_and_what(read: Callable[..., Read]) -> None:
    written = read("line")
    structlog.get_logger("test").info("job_started", job="0199", steps=20, engine="Storybook (local)")

    line = written()
    assert re.fullmatch(
        r'time=20\d\d-\d\d-\d\dT[\d:.]+Z level=info event=job_started job=0199 steps=20 engine="Storybook \(local\)"\n',
        line,
    )


def test_json_is_one_object_a_line(read: Callable[..., Read]) -> None:
    written = read("json")
    structlog.get_logger("test").warning("worker_lost", worker="a", jobs=[1, 2])
    logging.getLogger("plain").error("it broke: %s", "badly", extra={"job": 7})

    first, second = [json.loads(line) for line in written().splitlines()]
    assert {key: first[key] for key in ("event", "level", "worker", "jobs")} == {
        "event": "worker_lost",
        "level": "warning",
        "worker": "a",
        "jobs": [1, 2],
    }
    assert (second["event"], second["level"], second["logger"]) == ("it broke: badly", "error", "plain")


@pytest.mark.parametrize("form", ["line", "json"])
def test_a_traceback_stays_on_its_line_and_loses_its_secrets(read: Callable[..., Read], form: str) -> None:
    written = read(form)
    try:
        raise ValueError(f"no good: prompt={PROMPT!r} password=hunter2 Bearer abcdefghijklmnop")
    except ValueError:
        structlog.get_logger("test").exception("request_failed")

    text = written()
    assert text.count("\n") == 1
    assert "ValueError" in text
    assert "test_logs.py" in text
    for secret in ("sailboat", "hunter2", "abcdefghijklmnop"):
        assert secret not in text


def test_a_line_break_in_a_value_does_not_make_a_second_line(read: Callable[..., Read]) -> None:
    written = read("line")
    structlog.get_logger("test").info("upload", name="a\nlevel=error event=forged\r\x1b[31m\u2028x")

    assert written().count("\n") == 1
    assert "\x1b" not in written()
    assert "\u2028" not in written()
    assert "\r" not in written()


@pytest.mark.parametrize(
    "name",
    [
        "prompt",
        "negative_prompt",
        "password1",
        "api_key",
        "STABILITY_KEY",
        "token",
        "csrfmiddlewaretoken",
        "Authorization",
        "Cookie",
        "client_secret",
    ],
)
def test_what_stands_under_a_telling_name_is_not_written(name: str) -> None:
    assert scrub({"a": {name: "hunter2"}, "b": 1}) == {"a": {name: REDACTED}, "b": 1}


@pytest.mark.parametrize("name", ["job", "engine", "status", "worker", "idempotent", "monkey", "steps", "user_id", "request_id"])
def test_other_names_are_written(name: str) -> None:
    assert scrub({name: "x"}) == {name: "x"}


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (f"GET /library/?q={PROMPT.replace(' ', '+')}&engine=x", "GET /library/"),
        ("GET /invitations/abc123def456/", f"GET /invitations/{REDACTED}/"),
        ("GET /s/AaIY70NGcCix~_0IcvXdXpD/01a218ef/large", f"GET /s/{REDACTED}/01a218ef/large"),
        ("GET /accounts/password/reset/key/1-abc-def/", f"GET /accounts/password/reset/key/{REDACTED}/"),
        ("GET /accounts/confirm-email/MQ:1abc:xyz/", f"GET /accounts/confirm-email/{REDACTED}/"),
        ("postgres://studio:hunter2@db:5432/studio", f"postgres://{REDACTED}@db:5432/studio"),
        ("Authorization: Bearer sk-abcdefghijkl", f"Authorization: Bearer {REDACTED}"),
        ("key sk-abcdefghijklmnop failed", f"key {REDACTED} failed"),
        ("{'prompt': 'a red sailboat', 'steps': 20}", f"{{'prompt': {REDACTED}, 'steps': 20}}"),
        ("how did it go? well, 3 < 4", "how did it go? well, 3 < 4"),
    ],
)
def test_secrets_inside_a_text_are_taken_out(text: str, kept: str) -> None:
    assert scrub(text) == kept


def test_what_is_not_text_is_told_in_few_words() -> None:
    assert scrub(b"\x89PNG....") == "8 bytes"
    assert scrub(None) is None
    assert scrub(3.5) == 3.5
    assert scrub("x" * 9000) == "x" * 8000 + "… (9000 characters)"


def boom(request: object) -> None:
    raise RuntimeError(f"no good: prompt={PROMPT!r}")


def away(request: object) -> None:
    raise OperationalError(f"no line: {PROMPT}") from psycopg.OperationalError("the connection is closed")


urlpatterns: list[Any] = []
handler500 = server_error


@pytest.fixture
def with_a_broken_page(settings: Any) -> None:
    from studio import urls

    urlpatterns[:] = [*urls.urlpatterns, path("boom/", boom, name="boom"), path("away/", away, name="away")]
    settings.ROOT_URLCONF = __name__


def test_a_request_is_one_line_with_its_id_person_and_time(read: Callable[..., Read], alice: User, client_of: Any) -> None:
    client: Client = client_of(alice)
    written = read("json")
    client.get("/wallet/", {"q": PROMPT})

    lines = [json.loads(line) for line in written().splitlines()]
    assert [line["event"] for line in lines] == ["request_finished"]
    line = lines[0]
    assert (line["request"], line["code"], line["user_id"]) == ("GET /wallet/", 200, alice.pk)
    assert re.fullmatch(r"[0-9a-f-]{36}", line["request_id"])
    assert line["ms"] >= 0
    assert "sailboat" not in written()


@pytest.mark.parametrize(("address", "code"), [("/api/v1/jobs", 200), ("/api/v1/nothing", 404), ("/api/v1/jobs?x=1", 422)])
def test_a_program_is_told_the_id_of_its_line(read: Callable[..., Read], alice: User, team: Team, address: str, code: int) -> None:
    made = keys.make(team, alice, name="Robot", scopes=["generate"])
    written = read("json")
    answer = Client(headers={"Authorization": f"Bearer {made.secret}"}).get(address)

    [line] = [json.loads(line) for line in written().splitlines()]
    assert (line["code"], answer.status_code) == (code, code)
    assert line["request_id"] == answer["X-Request-Id"]
    if code != 404:  # no address, so nobody asked who it is
        assert (line["user_id"], line["key_id"]) == (alice.pk, made.key.public_id)
    assert made.secret not in written()


def test_a_program_without_a_key_is_told_it_too(read: Callable[..., Read], alice: User) -> None:
    written = read("json")
    answer = Client().get("/api/v1/jobs")

    [line] = [json.loads(line) for line in written().splitlines()]
    assert (line["code"], line["request_id"], line["user_id"]) == (401, answer["X-Request-Id"], None)
    assert "key_id" not in line


def test_a_crash_is_told_once_and_the_browser_hears_nothing_of_it(
    read: Callable[..., Read], alice: User, client_of: Any, with_a_broken_page: None
) -> None:
    client: Client = client_of(alice)
    client.raise_request_exception = False
    written = read("json")
    response = client.get("/boom/")

    assert response.status_code == 500
    assert b"RuntimeError" not in response.content
    assert b"sailboat" not in response.content
    lines = [json.loads(line) for line in written().splitlines()]
    assert [line["event"] for line in lines] == ["request_failed"]
    assert "RuntimeError" in lines[0]["exception"]
    assert "sailboat" not in written()


def test_a_database_that_is_away_is_one_warning_with_the_code_of_its_answer(
    read: Callable[..., Read], client_of: Any, alice: User, with_a_broken_page: None
) -> None:
    """It is no mistake of the code, so that there is no trace; and the numbers have it as the 503 that it was."""
    client: Client = client_of(alice)
    client.raise_request_exception = False

    def counted() -> float:
        answered = {"method": "GET", "route": "away", "status": "5xx"}
        return REGISTRY.get_sample_value("atelier_http_request_seconds_count", answered) or 0

    before, written = counted(), read("json")
    response = client.get("/away/")

    assert (response.status_code, response["Retry-After"]) == (503, "10")
    [line] = [json.loads(line) for line in written().splitlines()]
    told = {name: line.get(name) for name in ("event", "level", "code", "request", "exception")}
    assert told == {"event": "request_failed", "level": "warning", "code": 503, "request": "GET /away/", "exception": None}
    assert counted() == before + 1


@pytest.mark.parametrize("address", ["/healthz", "/readyz", "/metrics"])
def test_probes_are_not_worth_a_line(read: Callable[..., Read], db: None, address: str) -> None:
    written = read("line")
    assert Client().get(address).status_code == 200
    assert written() == ""


def test_neither_is_a_picture_that_was_sent(read: Callable[..., Read], alice: User, team: Team, client_of: Any) -> None:
    client: Client = client_of(alice)
    picture = make_artifact(team, alice)
    written = read("json")

    assert client.get(f"/pictures/{picture.pk}/thumb").status_code == 200
    assert written() == ""
    assert client.get(f"/pictures/{uuid7()}/thumb").status_code == 404
    assert [json.loads(line)["code"] for line in written().splitlines()] == [404]


def test_a_guess_at_a_host_name_is_no_event(read: Callable[..., Read], db: None) -> None:
    written = read("line")
    assert Client().get("/accounts/login/", headers={"Host": "evil.example"}).status_code == 400
    assert written() == ""
