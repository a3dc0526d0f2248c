"""How Stripe's API is spoken: nested fields of a form, errors, lists, and idempotency keys."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl


class Refused(Exception):
    """An error of the API, with its status and the fields of its `error` object."""

    def __init__(self, status: int, kind: str, message: str, code: str = "", param: str = "") -> None:
        self.status = status
        self.body = {"error": {"type": kind, "message": message, **({"code": code} if code else {}), **({"param": param} if param else {})}}
        super().__init__(message)


def missing(what: str, param: str) -> Refused:
    return Refused(404, "invalid_request_error", f"No such {what}", "resource_missing", param)


def invalid(message: str, code: str = "", param: str = "") -> Refused:
    return Refused(400, "invalid_request_error", message, code, param)


def fields(text: str) -> dict[str, Any]:
    """ "a[b][0][c]=d" → {"a": {"b": [{"c": "d"}]}}."""
    found: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        path = re.findall(r"[^\[\]]+|(?<=\[)(?=\])", name)
        here: Any = found
        for step in path[:-1]:
            here = here.setdefault(step, {})
        here[path[-1] or str(len(here))] = value
    return lists(found)


def lists(value: Any) -> Any:
    """Dictionaries whose keys are 0, 1, 2… as lists."""
    if not isinstance(value, dict):
        return value
    if value and all(key.isdigit() for key in value):
        return [lists(value[key]) for key in sorted(value, key=int)]
    return {key: lists(one) for key, one in value.items()}


def listing(things: list[dict[str, Any]], given: dict[str, Any], path: str) -> dict[str, Any]:
    """A page of a list, newest first, as `starting_after` and `limit` ask for."""
    things, limit = things[::-1], int(given.get("limit", 10))
    after = given.get("starting_after")
    if after:
        ids = [one["id"] for one in things]
        things = things[ids.index(after) + 1 :]
    return {"object": "list", "url": path, "data": things[:limit], "has_more": len(things) > limit}


@dataclass
class Kept:
    """What was answered to an idempotency key."""

    request: tuple[str, str]
    status: int
    body: dict[str, Any]


@dataclass
class Idempotency:
    """Stripe's rule: the same key and the same request give the first answer again; with another request that is an error."""

    answers: dict[str, Kept] = field(default_factory=dict)
    replayed: int = 0

    def before(self, key: str, request: tuple[str, str]) -> Kept | None:
        kept = self.answers.get(key)
        if kept is None:
            return None
        if kept.request != request:
            raise Refused(400, "idempotency_error", "Keys for idempotent requests can only be used with the same parameters.")
        self.replayed += 1
        return kept

    def keep(self, key: str, request: tuple[str, str], status: int, body: dict[str, Any]) -> None:
        self.answers[key] = Kept(request, status, body)
