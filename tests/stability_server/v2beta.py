"""v2beta and the v2alpha aliases: a multipart form in, media or an id out (API.md 2).

API.md 2.12 also has image-to-video, which is in neither document and was switched off on 2025-07-24: 404 here as it is there. A request
that is too large for an audio endpoint, which declares no 413, is answered like one for a picture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from studio.api.stability import fields, forms
from studio.api.stability.contract import Endpoint
from studio.api.stability.dialects import V2Beta, v2_result
from studio.api.stability.fields import Reading
from studio.api.stability.messages import Answer
from tests.stability_server import moderation
from tests.stability_server.catalog import OPERATIONS, Operation
from tests.stability_server.generations import Generation
from tests.stability_server.media.edits import blurred
from tests.stability_server.media.files import MIME, encoded
from tests.stability_server.moderation import CONTENT_FILTERED
from tests.stability_server.prices import price
from tests.stability_server.requests import Request

if TYPE_CHECKING:
    from tests.stability_server.faults import Fault
    from tests.stability_server.provider import Provider

MAX_SEED = 4_294_967_294
FOUND_IN = {"image": ("public_figure", CONTENT_FILTERED), "audio": ("copyrighted_content",), "model": ()}
"""What moderation finds in each kind of media, besides what it finds in all."""

dialect = V2Beta()


def answer(provider: Provider, request: Request, endpoint: Endpoint, place: dict[str, str], fault: Fault) -> Answer:
    """Raises `Refusal`."""
    if endpoint.method == "GET":
        return result(provider, request, endpoint, place["id"], fault)
    reading = read(request, endpoint)
    key = provider.key_of(request, dialect)
    if endpoint.flag and endpoint.flag not in key.account.flags:
        raise dialect.not_found()
    operation, values = OPERATIONS[endpoint.path], reading.values
    finish_reason = "SUCCESS"
    match moderated(provider, endpoint, operation, values):
        case moderation.CONTENT_FILTERED:
            finish_reason = CONTENT_FILTERED
        case str(name) if name:
            raise dialect.moderated(name)
    if fault.kind == "filtered" and operation.media == "image":
        finish_reason = CONTENT_FILTERED
    seed = provider.seed(values.get("seed", 0), MAX_SEED)
    organization = key.account.organizations[0]
    what = {"endpoint": endpoint.path, "request_id": request.request_id, "finish_reason": finish_reason}
    if operation.submits:
        what["generation"] = provider.random_hex(forms.ID_LENGTH)
        provider.charge(dialect, key, organization, price(endpoint.path, values), **what)
        submission = {"id": what["generation"], "key": key.secret, "endpoint": endpoint.path, "values": values, "seed": seed}
        generation = provider.generations.submit(seconds=provider.result_seconds, finish_reason=finish_reason, **submission)
        return Answer.of({"id": generation.id}, 202 if 202 in endpoint.statuses else 200)
    charge = provider.charge(dialect, key, organization, price(endpoint.path, values), generation="", **what)
    try:
        return made(request, operation, values, seed, finish_reason, fault)
    except Exception:
        provider.books.take_back(charge, organization)
        raise


def read(request: Request, endpoint: Endpoint) -> Reading:
    """Raises the `Refusal` of all that is wrong."""
    reading = forms.read_v2beta(request, endpoint, dialect)
    reading.problems += fields.broken(reading)
    if reading.problems:
        raise dialect.bad_request(*reading.problems)
    return reading


def moderated(provider: Provider, endpoint: Endpoint, operation: Operation, values: dict[str, Any]) -> str:
    """What moderation says about the texts of a request; a 422 that the endpoint does not declare becomes a 403."""
    texts = [value for name, value in values.items() if "prompt" in name and name != "negative_prompt"]
    found = moderation.verdict(texts, provider.words)
    if found == "invalid_language":
        return found if 422 in endpoint.statuses else "content_moderation"
    return found if found == "content_moderation" or found in FOUND_IN[operation.media] else ""


def result(provider: Provider, request: Request, endpoint: Endpoint, id: str, fault: Fault) -> Answer:
    """What a submit came to: 202 while it is in progress."""
    if problems := forms.id_problems(request, endpoint, id):
        raise dialect.bad_request(*problems)
    key = provider.key_of(request, dialect)
    generation = provider.generations.find(id, key.secret)
    if generation is None or OPERATIONS[generation.endpoint].media != ("audio" if "/audio/" in endpoint.path else "image"):
        raise dialect.generation_not_found()
    if not provider.generations.is_ready(generation):
        return Answer.of({"id": id, "status": "in-progress"}, 202)
    return finished(request, generation, fault)


def finished(request: Request, generation: Generation, fault: Fault) -> Answer:
    operation = OPERATIONS[generation.endpoint]
    finish_reason = CONTENT_FILTERED if fault.kind == "filtered" and operation.media == "image" else generation.finish_reason
    return made(request, operation, generation.values, generation.seed, finish_reason, fault)


def made(request: Request, operation: Operation, values: dict[str, Any], seed: int, finish_reason: str, fault: Fault) -> Answer:
    """Do the work and hand it out."""
    drawn = operation.draw(values, seed)
    if isinstance(drawn, bytes):
        data, mime = drawn, MIME[values["output_format"]] if operation.media == "audio" else "model/gltf-binary"
    else:
        picture = blurred(drawn) if finish_reason == CONTENT_FILTERED else drawn
        data, mime = encoded(picture, values["output_format"]), MIME[values["output_format"]]
    if fault.kind == "truncated":
        data = data[: len(data) // 2]
    return v2_result(request, data, mime, seed, finish_reason)
