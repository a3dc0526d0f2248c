"""v1: engines, account, balance, and SDXL with weighted prompts (API.md 1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from studio.api.stability import fields, forms, v1_rules
from studio.api.stability.contract import Endpoint
from studio.api.stability.dialects import V1, Artifact, v1_artifacts
from studio.api.stability.fields import Reading
from studio.api.stability.messages import Answer
from tests.stability_server import moderation
from tests.stability_server.accounts import Key, Organization
from tests.stability_server.catalog import OPERATIONS
from tests.stability_server.media.edits import blurred
from tests.stability_server.media.files import encoded
from tests.stability_server.moderation import CONTENT_FILTERED
from tests.stability_server.prices import price
from tests.stability_server.requests import Request

if TYPE_CHECKING:
    from tests.stability_server.faults import Fault
    from tests.stability_server.provider import Provider

MAX_SEED = 4_294_967_295

dialect = V1()


def answer(provider: Provider, request: Request, endpoint: Endpoint, place: dict[str, str], fault: Fault) -> Answer:
    """Raises `Refusal`."""
    key = provider.key_of(request, dialect)
    if endpoint.path == "/v1/user/account":
        return Answer.of(account(key))
    organization = key.account.organization(request.headers.get("organization"))
    if organization is None:
        raise dialect.forbidden()
    if endpoint.path == "/v1/user/balance":
        return Answer.of({"credits": float(organization.balance)})
    if endpoint.path == "/v1/engines/list":
        return Answer.of(provider.engines)
    if place["engine_id"] not in {engine["id"] for engine in provider.engines}:
        raise dialect.engine_not_found(place["engine_id"])
    reading = read(request, endpoint)
    v1_rules.check(request, reading)
    return generate(provider, request, endpoint, key, organization, reading.values, fault)


def account(key: Key) -> dict[str, Any]:
    memberships = [
        {"id": one.id, "name": one.name, "role": "MEMBER", "is_default": place == 0} for place, one in enumerate(key.account.organizations)
    ]
    return {"id": key.account.id, "email": key.account.email, "organizations": memberships}


def read(request: Request, endpoint: Endpoint) -> Reading:
    reading = forms.read_v1(request, endpoint, dialect)
    reading.problems += fields.broken(reading)
    return reading


def generate(
    provider: Provider, request: Request, endpoint: Endpoint, key: Key, organization: Organization, values: dict[str, Any], fault: Fault
) -> Answer:
    found = moderation.verdict((one["text"] for one in values["text_prompts"]), provider.words)
    if found == "content_moderation":
        raise dialect.moderated(found)
    finish_reason = CONTENT_FILTERED if found == CONTENT_FILTERED or fault.kind == "filtered" else "SUCCESS"
    first = provider.seed(values["seed"], MAX_SEED)
    seeds = [(first + number) % (MAX_SEED + 1) for number in range(values["samples"])]
    what = {"endpoint": endpoint.path, "request_id": request.request_id, "generation": "", "finish_reason": finish_reason}
    charge = provider.charge(dialect, key, organization, price(endpoint.path, values), **what)
    try:
        drawn = [OPERATIONS[endpoint.path].draw(values, seed) for seed in seeds]
    except Exception:
        provider.books.take_back(charge, organization)
        raise
    pictures = [encoded(blurred(one) if finish_reason == CONTENT_FILTERED else one, "png") for one in drawn]
    if fault.kind == "truncated":
        pictures = [data[: len(data) // 2] for data in pictures]
    return v1_artifacts(request, [Artifact(data, seed, finish_reason) for data, seed in zip(pictures, seeds, strict=True)])
