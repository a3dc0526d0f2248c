"""Who is let in, and with what words others are not."""

from __future__ import annotations

import pytest
from django.test import Client

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
