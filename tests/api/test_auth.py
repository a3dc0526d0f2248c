"""Who is let in, and with what words others are not."""

from __future__ import annotations

import sqlite3
from datetime import timedelta

import psycopg
import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import keys, members
from accounts.models import AuditEntry, User
from studio.api.v1 import api
from tests.accounts.test_terms import publish
from tests.api.conftest import problem

pytestmark = pytest.mark.django_db


def test_the_key_is_taken_behind_bearer_and_bare(alice, program):
    robot = program(alice)
    for header in (f"Bearer {robot.secret}", f"bearer  {robot.secret}", robot.secret):
        assert Client(headers={"Authorization": header}).get("/api/v1/engines").status_code == 200


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Bearer sk-nothing", "Basic YTpi", "sk-" + "a" * 57, "Bearer \x00", "é"])
def test_anything_else_is_a_problem_that_says_how(alice, header):
    answer = Client(headers={"Authorization": header} if header else {}).get("/api/v1/engines")

    problem(answer, 401, "bad_key")
    assert answer["WWW-Authenticate"] == "Bearer"
    assert not answer.cookies


@pytest.mark.parametrize(
    "headers", [{}, {"X-API-Key": "SECRET"}, {"Authorization": "Basic YTpi"}, {"Authorization": "Bearer "}], ids=lambda one: str(one)
)
def test_no_key_at_all_is_told_where_it_belongs(alice, program, headers):
    secret = program(alice).secret
    sent = {name: value.replace("SECRET", secret) for name, value in headers.items()}

    told = problem(Client(headers=sent).get(f"/api/v1/engines?key={secret}"), 401, "bad_key")

    assert told["detail"].startswith("No API key came. Send “Authorization: Bearer sk-…”")
    assert "does not hold" in problem(Client(headers={"Authorization": "Bearer sk-x"}).get("/api/v1/engines"), 401, "bad_key")["detail"]


def test_a_key_without_a_scope_that_the_role_does_not_allow_is_told_of_the_role(alice, carol, team, program):
    team.memberships.filter(user=carol).update(role="viewer")
    viewer, narrow = program(carol, scopes=("library:read",)), program(alice, scopes=("library:read",))

    for asked, who in ((viewer, "their role does not allow “generate”"), (narrow, "does not have the scope “generate”")):
        assert who in problem(asked.post("/jobs", {"engine": "null"}), 403, "scope_missing")["detail"]


def test_cookies_sign_nobody_in_and_cost_no_query(alice, client_of, django_assert_num_queries):
    browser = client_of(alice)
    with django_assert_num_queries(1):  # whether the studio has anybody: a key that is none is not looked up
        answer = browser.get("/api/v1/engines")

    problem(answer, 401, "bad_key")
    assert not answer.cookies
    assert not answer.has_header("Vary")


def test_a_browser_may_not_send_a_form_with_its_cookies(alice, client_of):
    problem(client_of(alice, enforce_csrf_checks=True).post("/api/v1/jobs", {"engine": "null"}), 401, "bad_key")


def test_a_studio_without_anybody_says_so_and_leads_nowhere(db):
    problem(Client().get("/api/v1/engines"), 503, "not_open_yet")


def test_a_key_that_was_revoked_or_is_over_holds_no_more_from_the_next_request_on(alice, rich, program):
    robot, short = program(alice), program(alice, expires_at=timezone.now() + timedelta(hours=1))
    assert robot.get("/jobs").status_code == short.get("/jobs").status_code == 200

    keys.revoke(robot.key, by=alice)
    type(short.key).objects.filter(pk=short.key.pk).update(expires_at=timezone.now())

    problem(robot.get("/jobs"), 401, "bad_key")
    problem(short.get("/jobs"), 401, "bad_key")


def test_who_leaves_the_team_or_is_switched_off_is_let_in_no_more(alice, bob, carol, team, program):
    robots = [program(bob), program(carol)]
    assert [one.get("/jobs").status_code for one in robots] == [200, 200]

    members.remove_member(team, bob, by=alice)
    User.objects.filter(pk=carol.pk).update(is_active=False)

    for one in robots:
        problem(one.get("/jobs"), 401, "bad_key")


def test_a_deleted_team_has_no_programs(alice, team, program):
    robot = program(alice)
    type(team).objects.filter(pk=team.pk).update(deleted_at=timezone.now())

    problem(robot.get("/jobs"), 401, "bad_key")


def test_terms_have_to_be_agreed_to_first(alice, program):
    robot = program(alice)
    assert robot.get("/engines").status_code == 200
    publish()

    problem(robot.get("/engines"), 403, "terms_not_agreed")


def test_a_scope_that_the_key_does_not_have_or_its_person_may_not(alice, carol, team, program):
    told = problem(program(alice, scopes=("templates",)).get("/jobs"), 403, "scope_missing")
    assert "generate" in told["detail"]

    robot = program(alice, scopes=("generate",))
    assert robot.get("/jobs").status_code == 200
    team.memberships.filter(user=alice).update(role="viewer")
    problem(robot.post("/jobs", {"engine": "null"}), 403, "scope_missing")


def test_the_organization_picks_the_team_for_a_key_of_all_teams(alice, team, mallory, other_team, program):
    personal = alice.memberships.get(team__is_personal=True).team
    narrow, wide = program(alice), program(alice, all_teams=True)
    here, home, theirs = (keys.organization_id(one) for one in (team, personal, other_team))

    def asks(robot, organization):
        return robot.get("/jobs", headers={"Organization": organization})

    assert asks(narrow, here).status_code == asks(wide, here).status_code == asks(wide, home).status_code == 200
    for robot, organization in ((narrow, home), (narrow, theirs), (wide, theirs), (wide, "org-nothing"), (wide, "x")):
        problem(asks(robot, organization), 403, "not_in_team")


def test_a_get_writes_nothing_but_when_the_key_was_used_and_that_once_a_minute(alice, program):
    robot = program(alice)
    for path in ("/engines", "/jobs", "/batches"):
        with CaptureQueriesContext(connection) as ran:
            assert robot.get(path).status_code == 200
        written = [one["sql"] for one in ran if one["sql"].split()[0] in ("INSERT", "UPDATE", "DELETE")]
        expected = path == "/engines"
        assert [sql.split('"')[1] for sql in written] == (["accounts_apikey"] if expected else [])


def test_what_a_program_does_stands_in_the_log_with_its_key(alice, rich, program):
    robot = program(alice)
    body = {"items": [{"engine": "null", "prompt": "a boat"}]}
    batch = robot.post("/batches", body).json()["id"]

    robot.post(f"/batches/{batch}/cancel")

    entry = AuditEntry.objects.get(action="batch.canceled")
    assert (entry.actor, entry.api_key) == (alice, robot.key)
    assert entry.via == str(robot.key) or robot.key.name in entry.via


def test_what_is_not_there_and_what_is_not_possible_are_problems_too(alice, program):
    robot = program(alice)

    problem(robot.get("/nothing"), 404, "not_found")
    problem(robot.get("/jobs/nothing"), 404, "not_found")
    answer = robot.delete("/jobs")
    problem(answer, 405, "method_not_allowed")
    assert set(answer["Allow"].split(", ")) == {"GET", "POST"}


def test_our_own_mistake_is_a_problem_that_gives_nothing_away(alice, program, monkeypatch):
    robot = program(alice)
    monkeypatch.setattr("studio.api.v1.jobs.access.jobs_of", lambda *args: 1 / 0)

    assert "ZeroDivision" not in str(problem(robot.get("/jobs"), 500, "internal"))


def test_a_full_disk_is_said_in_words(alice, program, monkeypatch):
    robot = program(alice)

    def full(*args):
        cause = sqlite3.OperationalError("database or disk is full")
        cause.sqlite_errorname = "SQLITE_FULL"
        raise OperationalError("database or disk is full") from cause

    monkeypatch.setattr("studio.api.v1.jobs.access.jobs_of", full)

    problem(robot.get("/jobs"), 507, "storage_full")


def test_a_database_that_is_away_is_said_in_words(alice, program, monkeypatch):
    robot = program(alice)

    def away(*args):
        raise OperationalError("the connection is closed") from psycopg.OperationalError("the connection is closed")

    monkeypatch.setattr("studio.api.v1.jobs.access.jobs_of", away)

    answer = robot.get("/jobs")
    problem(answer, 503, "unavailable")
    assert answer["Retry-After"] == "10"


def test_every_status_that_can_come_is_declared():
    for path, operations in api.get_openapi_schema(path_prefix="/api/v1/")["paths"].items():
        for method, operation in operations.items():
            missing = {400, 401, 403, 404, 405, 413, 422, 429, 500, 503, 507} - set(operation["responses"])
            assert missing == set(), (method, path)
