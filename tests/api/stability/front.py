"""Programs written for the Stability API: they send what its clients send, and every answer is held against the OpenAPI documents."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import httpx
from jsonschema import Draft7Validator

from studio.api.stability import older
from studio.api.stability.contract import Document, Endpoint
from studio.generation.models import Job
from studio.waiting import Waiting
from tests.api import conftest
from tests.generation import paid
from tests.stability_server import minimal

UNDOCUMENTED = {"v1": {405, 429}, "v2beta": {401, 402, 405, 429}}
"""Statuses that the documents do not list, and that the provider was seen to answer all the same (API.md 1.6, 2.3); 405 is ours."""
LIKE = {older.UPSCALE: "/v1/generation/{engine_id}/image-to-image"}
"""Whose answers one has that the documents do not know any more."""
ADDRESS = "http://studio.example"


class Front:
    """A program of `Program`; `send` takes the fields of an endpoint, as `minimal.send` does."""

    def __init__(self, program: Any) -> None:
        self.program = program
        self.works = True

    def post(self, endpoint: Endpoint, /, **changes: Any) -> Any:
        """The smallest request with some fields changed; None takes a field out."""
        given = {name: one for name, one in {**minimal.minimal(endpoint), **changes}.items() if one is not None}
        return self.send(endpoint, given)

    def send(self, endpoint: Endpoint, given: Mapping[str, Any], engine_id: str = "", **headers: str) -> Any:
        path = endpoint.path.format(engine_id=engine_id or minimal.SDXL_PATH["engine_id"])
        body, content_type = form(endpoint, given)
        return self.raw("POST", path, body, content_type=content_type, **headers)

    def get(self, path: str, **headers: str) -> Any:
        return self.raw("GET", path, **headers)

    def raw(self, method: str, path: str, body: bytes = b"", *, content_type: str = "", **headers: str) -> Any:
        """Any request at all. Header names have underscores for dashes; `authorization` replaces the key, "" leaves it out."""
        names = {name.replace("_", "-"): text for name, text in headers.items()}
        client = self.program.client
        kept = dict(client.defaults)
        if names.get("authorization") == "":
            names.pop("authorization")
            client.defaults.pop("HTTP_AUTHORIZATION", None)
        try:
            answer = client.generic(method, path, body, content_type=content_type, headers=names)
        finally:
            client.defaults = kept
        if isinstance(answer, Waiting):
            answer = self.finish(answer)
        return held(answer, method, path)

    def finish(self, answer: Waiting) -> Any:
        if self.works:
            work()
        return answer.finish_now()


def form(endpoint: Endpoint, given: Mapping[str, Any]) -> tuple[bytes, str]:
    """What a client would send: the body and its type."""
    sent: list[httpx.Request] = []

    def take(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200)

    with httpx.Client(base_url=ADDRESS, transport=httpx.MockTransport(take), verify=False) as client:
        minimal.send(client, endpoint, dict(given))
    return sent[0].read(), sent[0].headers["content-type"]


def work() -> None:
    """Make everything that waits: drawn here, or at the stand-in of the provider."""
    conftest.work()
    while Job.objects.filter(queue="stability", status=Job.Status.QUEUED).exists():
        paid.work()


def held(answer: Any, method: str, path: str) -> Any:
    """The answer, after its status, headers and body were held against the documents."""
    assert answer["x-request-id"]
    assert answer["content-length"] == str(len(answer.content))
    answer.told = json.loads(answer.content) if answer["content-type"].startswith("application/json") else None
    found = older.match(method, path)
    if found is None:
        assert answer.status_code in (404, 405)
        return answer
    endpoint = found[0]
    family = endpoint.dialect
    if answer.status_code in UNDOCUMENTED[family] and answer.status_code not in endpoint.statuses:
        assert problems(family, {"$ref": "#/components/schemas/Error"}, answer.told) == []
        return answer
    document = Document(f"openapi-{family}.json")
    operation = document.content["paths"][LIKE.get(endpoint.path, endpoint.path)][method.lower()]
    response = document.follow(operation["responses"][str(answer.status_code)])
    assert answer["content-type"] in response["content"], (answer.status_code, answer["content-type"], answer.content[:300])
    if answer.told is not None:
        assert problems(family, response["content"][answer["content-type"]]["schema"], answer.told) == []
    elif not answer["content-type"].startswith("model/"):
        assert answer["finish-reason"] in ("SUCCESS", "CONTENT_FILTERED")
        assert answer["seed"].isdecimal()
    return answer


def problems(family: str, schema: Mapping[str, Any], body: Any) -> list[str]:
    document = Document(f"openapi-{family}.json")
    return [one.message for one in Draft7Validator({**document.content, **document.follow(schema)}).iter_errors(body)]
