"""The document of the API: valid OpenAPI 3.1, everything in it described, and every example what its schema says."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from jsonschema import Draft202012Validator, FormatChecker
from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR

from accounts import keys
from accounts.errors import AccountError
from accounts.models import User
from billing.errors import BillingError
from studio.api import problems
from studio.api.document import document, operations
from studio.api.errors import ApiError
from studio.api.problems import status_of
from studio.api.texts import PROBLEMS
from studio.galleries.errors import GalleryError
from studio.generation.errors import GenerationError
from studio.webhooks.errors import WebhookError

BASE = "https://studio.example"


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(document(BASE)))
    return found


def wrong(told: dict[str, Any], schema: dict[str, Any], value: Any) -> list[str]:
    """What a value breaks of a schema whose references lead into the document."""
    whole = {**schema, "components": told["components"]}
    return [error.message for error in Draft202012Validator(whole, format_checker=FormatChecker()).iter_errors(value)]


def contents(told: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every body of every operation, of what is sent and what is answered, and of the problems."""
    for one in operations(told):
        for media in one.get("requestBody", {}).get("content", {}).values():
            yield one["operationId"], media
        for status, response in one["responses"].items():
            for media in response.get("content", {}).values():
                yield f"{one['operationId']} {status}", media
    for name, response in told["components"]["responses"].items():
        for media in response["content"].values():
            yield name, media


def test_it_is_openapi_3_1(told: dict[str, Any]) -> None:
    assert told["openapi"] == "3.1.0"
    assert list(OPENAPI_31_VALIDATOR.iter_errors(told)) == []
    broken = json.loads(json.dumps(told))
    del broken["info"]["title"]
    assert len(list(OPENAPI_31_VALIDATOR.iter_errors(broken))) == 1


def test_every_reference_leads_somewhere(told: dict[str, Any]) -> None:
    def references(part: Any) -> Iterator[str]:
        if isinstance(part, dict):
            for name, value in part.items():
                if name == "$ref":
                    yield value
                else:
                    yield from references(value)
        elif isinstance(part, list):
            for one in part:
                yield from references(one)

    for reference in set(references(told)):
        place: Any = told
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]
        assert place, reference


def test_every_operation_is_described(told: dict[str, Any]) -> None:
    tags = {tag["name"] for tag in told["tags"]}
    names = [one["operationId"] for one in operations(told)]
    assert len(set(names)) == len(names) > 50
    for one in operations(told):
        name = one["operationId"]
        assert one["summary"], name
        assert one["description"].strip().endswith("."), name
        assert set(one["tags"]) <= tags, name
        assert any(status.startswith("2") for status in one["responses"]), name
        assert {"400", "401", "403", "404", "422", "429"} <= one["responses"].keys(), name
    for tag in told["tags"]:
        assert tag["description"].endswith("."), tag


def test_every_field_is_described_with_an_example(told: dict[str, Any]) -> None:
    for name, schema in told["components"]["schemas"].items():
        for field, one in schema.get("properties", {}).items():
            parts = [one, *one.get("anyOf", ()), one.get("items", {})]
            assert one.get("description"), f"{name}.{field}"
            assert any("examples" in part or "$ref" in part for part in parts), f"{name}.{field}"
    for operation in operations(told):
        for one in operation["parameters"]:
            if "$ref" not in one:
                assert one["description"], f"{operation['operationId']} {one['name']}"
                assert "example" in one, f"{operation['operationId']} {one['name']}"


def test_every_example_is_what_its_schema_says(told: dict[str, Any]) -> None:
    problems: list[tuple[str, list[str]]] = []
    count = 0
    for place, media in contents(told):
        examples = [media["example"]] if "example" in media else [one["value"] for one in media.get("examples", {}).values()]
        assert examples or media["schema"].get("format") == "binary" or media["schema"] == {"type": "string"}, place
        count += len(examples)
        problems += [(place, found) for example in examples if (found := wrong(told, media["schema"], example))]
    for operation in operations(told):
        for one in operation["parameters"]:
            if "$ref" not in one and (found := wrong(told, one["schema"], one["example"])):
                problems.append((f"{operation['operationId']} {one['name']}", found))
    for name, schema in told["components"]["schemas"].items():
        for field, one in schema.get("properties", {}).items():
            problems += [(f"{name}.{field}", found) for example in one.get("examples", ()) if (found := wrong(told, one, example))]
    for name, one in (*told["components"]["headers"].items(), *told["components"]["parameters"].items()):
        problems += [(name, found)] if (found := wrong(told, one["schema"], one["example"])) else []
    assert problems == []
    assert count > 100


def test_every_problem_is_shown_as_it_comes(told: dict[str, Any]) -> None:
    """With its code in its type, under the status that it has."""
    for status, (_, codes) in PROBLEMS.items():
        [media] = told["components"]["responses"][f"Problem{status}"]["content"].values()
        assert set(media["examples"]) == {code for code, *_ in codes}
        for code, example in media["examples"].items():
            value = example["value"]
            assert (value["type"], value["status"], value["code"]) == (f"urn:atelier:problem:{code}", int(status), code)


def test_every_code_that_is_shown_is_one_that_comes(told: dict[str, Any]) -> None:
    """Those of errors have the status that their kind is answered with."""

    def kinds(of: type[Exception]) -> Iterator[type[Any]]:
        for kind in of.__subclasses__():
            yield from (kind, *kinds(kind))

    found: dict[str, set[int]] = {}
    for base in (AccountError, BillingError, ApiError, GalleryError, GenerationError, WebhookError):
        for kind in kinds(base):
            found.setdefault(kind.code, set()).add(status_of(kind.__new__(kind)))
    source = inspect.getsource(problems)
    for status, (_, codes) in PROBLEMS.items():
        for code, *_ in codes:
            assert int(status) in found.get(code, ()) or (code not in found and f'"{code}"' in source), f"{status} {code}"


def test_every_operation_names_scopes_that_there_are(told: dict[str, Any]) -> None:
    """And each scope opens something. To run a template takes two of them, to look at a job one of two."""
    used = {one["operationId"]: [entry["key"] for entry in one["security"]] for one in operations(told)}
    known = {scope.name for scope in keys.SCOPES}
    assert {scope for entries in used.values() for entry in entries for scope in entry} == known
    assert used["template_run"] == [["templates", "generate"]]
    assert used["show_job"] == [["generate"], ["library:read"]]
    assert told["components"]["securitySchemes"]["key"]["scheme"] == "bearer"


def test_whoever_asks_gets_it_with_their_own_address(client: Client, alice: User) -> None:
    """Without a key; any tool of any page may read it."""
    answer = client.get("/api/v1/openapi.json")
    assert answer.status_code == 200
    assert answer.json()["servers"] == [{"url": "http://testserver", "description": "This studio"}]
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert answer.json()["paths"].keys() == document(BASE)["paths"].keys()
    assert client.post("/api/v1/openapi.json").status_code == 405
