"""The OpenAPI 3.1 document of the own API: what django-ninja reads from the operations, put in order, with an example of everything."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

from studio.api.auth import Key
from studio.api.problems import MEDIA_TYPE
from studio.api.texts import ABOUT, EXAMPLES, INFO, PROBLEMS, TAGS
from studio.api.v1 import api

JSON = dict[str, Any]
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
SCHEMAS = "#/components/schemas/"
TEAM = {
    "name": "Organization",
    "in": "header",
    "required": False,
    "description": "Another team than the key's own, for a key that works in all teams of its person.",
    "schema": {"type": "string", "pattern": "^org-[A-Za-z0-9]+$", "examples": ["org-h4rb0ur"]},
    "example": "org-h4rb0ur",
}
_LEFT = "Requests that are left in the window."
HEADERS: dict[str, tuple[str, int]] = {
    "RateLimit-Limit": ("Requests that may be sent in a window.", 60),
    "RateLimit-Remaining": (_LEFT, 59),
    "RateLimit-Reset": ("Seconds until the oldest request of the window no longer counts.", 12),
    "X-RateLimit-Limit": ("The same as `RateLimit-Limit`.", 60),
    "X-RateLimit-Remaining": ("The same as `RateLimit-Remaining`.", 59),
    "X-RateLimit-Reset": ("The same as `RateLimit-Reset`.", 12),
    "Retry-After": ("Seconds to wait before the next try.", 12),
}
REQUEST_ID = "X-Request-Id"
EVERYWHERE = [REQUEST_ID, *(name for name in HEADERS if name != "Retry-After")]

REQUEST_ID_HEADER: JSON = {
    "description": "What the studio's log calls this request: name it to the operator when something is wrong.",
    "schema": {"type": "string"},
    "example": "0b0f7a3e-52a4-4d0c-9d53-2f6f4f1c8a77",
}


def document(base: str) -> JSON:
    """For a studio at this address, without a slash at its end."""
    return {**_drawn(), "servers": [{"url": base, "description": "This studio"}]}


@cache
def _drawn() -> JSON:
    """All but the address: it costs some seconds, and never changes while a process lives."""
    drawn: JSON = json.loads(json.dumps(api.get_openapi_schema(path_prefix="/api/v1/"), cls=DjangoJSONEncoder))
    functions = _functions()
    for operation in operations(drawn):
        _polish(operation, functions[operation["operationId"]])
    schemas: JSON = drawn["components"]["schemas"]
    for schema in (*schemas.values(), *(one["schema"] for one in _media(drawn))):
        _without_titles(schema)
    for media in _media(drawn):
        if "example" not in media and "examples" not in media and media["schema"].get("format") != "binary":
            media["example"] = example_of(media["schema"], schemas)
    drawn["components"] = {
        "schemas": _used(drawn, schemas),
        "responses": {f"Problem{status}": _problem(int(status)) for status in PROBLEMS},
        "parameters": {"Organization": TEAM},
        "headers": {REQUEST_ID: REQUEST_ID_HEADER, **{name: _header(*told) for name, told in HEADERS.items()}},
        "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "bearerFormat": "sk-…", "description": ABOUT["key"]}},
    }
    used = {operation["tags"][0] for operation in operations(drawn)}
    tags = [{"name": name, "description": text} for name, text in TAGS.items() if name in used]
    return {"openapi": "3.1.0", "info": INFO, "tags": tags, "paths": drawn["paths"], "components": drawn["components"]}


def operations(drawn: Mapping[str, Any]) -> Iterator[JSON]:
    """In the order of the code, which is that of the docs page."""
    for path in drawn["paths"].values():
        yield from (operation for method, operation in path.items() if method in METHODS)


def _functions() -> dict[str, Any]:
    """The operations themselves, by the ids that ninja gives them."""
    return {
        one.operation_id or api.get_openapi_operation_id(one): one
        for router in api._get_bound_routers()
        for view in router.path_operations.values()
        for one in view.operations
    }


def _polish(operation: JSON, own: Any) -> None:
    name = own.view_func.__name__
    if operation["summary"] == name.title().replace("_", " "):
        operation["summary"] = name.replace("_", " ").capitalize()
    operation["operationId"] = name
    scopes = operation.pop("x-scopes", None)
    held = [auth.scopes for auth in own.auth_callbacks or () if isinstance(auth, Key)]
    operation["security"] = [{"key": scopes}] if scopes else [{"key": [scope]} for scopes in held for scope in scopes] or [{"key": []}]
    for parameter in operation["parameters"]:
        _polish_parameter(parameter)
    operation["parameters"].append({"$ref": "#/components/parameters/Organization"})
    for status, response in operation["responses"].items():
        if int(status) >= 400:
            operation["responses"][status] = {"$ref": f"#/components/responses/Problem{status}"}
        else:
            response.setdefault("headers", {}).update(_headers(*EVERYWHERE))
    operation["responses"] = dict(sorted(operation["responses"].items()))
    bodies = operation.get("requestBody", {}).get("content", {})
    if bodies and not any("required" in media["schema"] or "$ref" in media["schema"] for media in bodies.values()):
        operation["requestBody"].setdefault("required", False)


def _polish_parameter(parameter: JSON) -> None:
    """OpenAPI has one example where JSON Schema has a list of them."""
    schema = parameter["schema"]
    _without_titles(schema)
    examples = parameter.pop("examples", None) or schema.get("examples")
    if examples:
        parameter["example"] = examples[0]
    elif "example" not in parameter:
        parameter["example"] = EXAMPLES.get(parameter["name"], example_of(schema, {}))
    parameter.setdefault("description", schema.get("description", ""))
    if not parameter["description"]:
        parameter["description"] = ABOUT.get(parameter["name"], ABOUT["id"] if parameter["in"] == "path" else "")
    schema.pop("description", None)


def _header(text: str, number: int) -> JSON:
    return {"description": text, "schema": {"type": "integer", "minimum": 0}, "example": number}


def _headers(*names: str) -> JSON:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _problem(status: int) -> JSON:
    text, codes = PROBLEMS[str(status)]
    examples = {
        code: {
            "value": {
                "type": f"urn:atelier:problem:{code}",
                "title": title,
                "status": status,
                "detail": detail,
                "code": code,
                "errors": errors,
            }
        }
        for code, title, detail, errors in codes
    }
    told: JSON = {"description": text, "content": {MEDIA_TYPE: {"schema": {"$ref": f"{SCHEMAS}Problem"}, "examples": examples}}}
    headers = [REQUEST_ID] if status in (401, 503) else [*EVERYWHERE, "Retry-After"] if status == 429 else EVERYWHERE
    return {**told, "headers": _headers(*headers)}


def _media(drawn: JSON) -> Iterator[JSON]:
    """Every body of a request or of an answer that is no problem."""
    for operation in operations(drawn):
        yield from operation.get("requestBody", {}).get("content", {}).values()
        for response in operation["responses"].values():
            yield from response.get("content", {}).values()


def _without_titles(schema: Any) -> None:
    """pydantic names everything after itself, which says nothing."""
    if isinstance(schema, dict):
        if isinstance(schema.get("title"), str):
            del schema["title"]
        for name, part in schema.items():
            if name not in ("examples", "example", "default", "enum", "const"):
                _without_titles(part)
    elif isinstance(schema, list):
        for part in schema:
            _without_titles(part)


def _used(drawn: JSON, schemas: JSON) -> JSON:
    """The schemas that something names, by the way of others too; ninja keeps those of queries, which it takes apart."""
    text = json.dumps([drawn["paths"], f'"{SCHEMAS}Problem"'])
    found: set[str] = set()
    while True:
        more = {name for name in schemas if name not in found and (f'{SCHEMAS}{name}"' in text or f'{SCHEMAS}{name}\\"' in text)}
        if not more:
            return {name: schemas[name] for name in sorted(found)}
        found |= more
        text = json.dumps([schemas[name] for name in more])


def example_of(schema: JSON, schemas: JSON, depth: int = 0) -> Any:
    """An example put together from those of the fields."""
    if "$ref" in schema:
        return example_of(schemas[schema["$ref"].removeprefix(SCHEMAS)], schemas, depth + 1)
    for name in ("example", "const"):
        if name in schema:
            return schema[name]
    if schema.get("examples"):
        return copy.deepcopy(schema["examples"][0])
    if "allOf" in schema:
        return example_of(schema["allOf"][0], schemas, depth)
    if "anyOf" in schema:
        of_some = [one for one in schema["anyOf"] if one.get("type") != "null"]
        return example_of(of_some[0], schemas, depth) if depth < 6 else None
    if "properties" in schema:
        return {name: example_of(part, schemas, depth + 1) for name, part in schema["properties"].items()}
    return _plain(schema, schemas, depth)


def _plain(schema: JSON, schemas: JSON, depth: int) -> Any:
    if "default" in schema:
        return schema["default"]
    if schema.get("enum"):
        return schema["enum"][0]
    kind = schema.get("type")
    if kind == "array":
        return [example_of(schema.get("items", {}), schemas, depth + 1)] if depth < 6 else []
    if kind == "string" and schema.get("format") == "uuid":
        return "01997c3e-8a51-7e2f-9d1c-2a9f6f0f5b11"
    return {"string": "", "integer": schema.get("minimum", 0), "number": 0, "boolean": False, "object": {}}.get(str(kind))
