"""An address has the words that its operation declares, and no others: what is misspelt would be passed over unseen."""

from __future__ import annotations

import re
import uuid

import pytest
from django.test import Client

from studio.api.document import document
from tests.api.conftest import problem

pytestmark = pytest.mark.django_db

METHODS = ("get", "post", "put", "patch", "delete")


def everything() -> list[tuple[str, str]]:
    return [(method, path) for path, has in document("")["paths"].items() for method in has if method in METHODS]


def place(path: str) -> str:
    """An address of the path, of a thing that is not there."""
    for name, value in (("variant", "original"), ("index", "0"), ("number", "1"), ("entry_id", "1"), ("engine_id", "null")):
        path = path.replace(f"{{{name}}}", value)
    return re.sub(r"\{\w+\}", str(uuid.uuid4()), path)


@pytest.mark.parametrize(("method", "path"), everything(), ids=lambda one: one)
def test_every_operation_names_the_word_that_it_does_not_know(alice, program, method, path):
    robot = program(alice)

    told = problem(
        robot.client.generic(method.upper(), f"{place(path)}?qqqqqq=1", "", content_type="application/json"), 422, "unknown_parameter"
    )

    assert set(told["errors"]) == {"qqqqqq"}


def test_every_word_of_the_document_is_known(alice, program):
    robot = program(alice)
    for path, has in document("")["paths"].items():
        words = [one["name"] for one in has.get("get", {}).get("parameters", ()) if one.get("in") == "query"]
        answer = robot.get(f"{place(path)}?{'&'.join(f'{word}=' for word in words)}") if words else None
        assert answer is None or b"unknown_parameter" not in answer.content, path


def test_a_misspelt_filter_is_told_with_the_right_one(alice, program):
    told = problem(program(alice).get("/jobs?stauts=failed&limit=5"), 422, "unknown_parameter")

    assert told["detail"] == "There is no parameter “stauts” here. “status” is one."
    assert told["errors"] == {"stauts": told["detail"]}


def test_a_word_like_none_of_them_is_told_with_all_of_them(alice, program):
    assert problem(program(alice).get("/jobs?page=2"), 422, "unknown_parameter")["detail"] == (
        "There is no parameter “page” here. Those that there are: cursor, engine, limit, status."
    )


def test_who_it_is_comes_first(alice):
    problem(Client().get("/api/v1/jobs?stauts=failed"), 401, "bad_key")
