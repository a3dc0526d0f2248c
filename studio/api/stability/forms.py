"""What a request says, checked as far as the contract can without knowing who asks (API.md 0: parameters come before the key)."""

from __future__ import annotations

from studio.api.stability import fields
from studio.api.stability.contract import MIB, Endpoint
from studio.api.stability.dialects import V1, V2Beta
from studio.api.stability.fields import Reading
from studio.api.stability.messages import Request
from studio.api.stability.multipart import Malformed
from studio.api.stability.rules import RULES

ID_LENGTH = 64


def read_v2beta(request: Request, endpoint: Endpoint, dialect: V2Beta) -> Reading:
    """Content type, size, fields, and what they say about each other. Raises the `Refusal` of a body that is no form; problems with
    fields are in the reading."""
    if not request.headers.get("content-type"):
        raise dialect.bad_request("content-type: required")
    if request.content_type != endpoint.content_type:
        raise dialect.bad_request(f"content-type: must be {endpoint.content_type}")
    if endpoint.max_bytes is not None and request.size > endpoint.max_bytes:
        raise dialect.too_large(endpoint.max_bytes // MIB)
    try:
        parts = request.parts
    except Malformed as error:
        raise dialect.bad_request(str(error)) from None
    chosen = next((part.text for part in parts if part.name == endpoint.chosen_by), None)
    reading = fields.read_parts(endpoint.form(chosen), parts, missing=dialect.missing)
    reading.problems += header_problems(request, endpoint)
    if endpoint.path in RULES:
        RULES[endpoint.path](reading, dialect.missing)
    return reading


def read_v1(request: Request, endpoint: Endpoint, dialect: V1) -> Reading:
    """The fields of a JSON or multipart body. Raises the `Refusal` of one that is neither; problems with fields are in the reading.

    In JSON null and an empty text are as absent as they are in a form.
    """
    if request.content_type != endpoint.content_type:
        raise dialect.bad_request(f"content-type: must be {endpoint.content_type}")
    if endpoint.content_type == "application/json":
        try:
            content = request.json
        except ValueError:
            raise dialect.bad_request("body: must be valid JSON") from None
        if not isinstance(content, dict):
            raise dialect.bad_request("body: must be an object")
        given = {name: value for name, value in content.items() if value is not None and value != ""}
        return fields.read(endpoint.form(), given, missing=dialect.missing)
    try:
        return fields.read_parts(endpoint.form(), request.parts, missing=dialect.missing)
    except Malformed as error:
        raise dialect.bad_request(str(error)) from None


def id_problems(request: Request, endpoint: Endpoint, id: str) -> list[str]:
    """What is wrong with the address of a result."""
    wrong = [] if len(id) == ID_LENGTH else [f"id: must be {ID_LENGTH} characters long"]
    return [*header_problems(request, endpoint), *wrong]


def header_problems(request: Request, endpoint: Endpoint) -> list[str]:
    """What is wrong with the diagnostic headers."""
    return fields.read(endpoint.headers, request.headers).problems
