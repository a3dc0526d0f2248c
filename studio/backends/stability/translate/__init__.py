"""From a request to the calls that make it, and from an answer to media; the provider's words end here.

values    a request made complete with the engine's defaults, and checked     prompts   with weights or without
pictures  input files as the endpoint takes them                              v1, v2beta  the two dialects
media     results: decoded once, so that what is broken is not delivered
"""

from __future__ import annotations

from collections.abc import Mapping

from studio.backends.base import GenerationRequest
from studio.backends.errors import PayloadTooLarge
from studio.backends.stability.calls import MEBIBYTE, Call
from studio.backends.stability.engines import Record, Service
from studio.backends.stability.translate import v1, v2beta
from studio.backends.stability.translate.pictures import OVERHEAD
from studio.backends.stability.translate.values import checked

__all__ = ["calls_of", "check", "names_of"]


def calls_of(record: Record, request: GenerationRequest) -> list[Call]:
    """The calls that make a request: one for all pictures in v1, one for each in v2beta. Raises `InvalidRequest`, saying what to change."""
    values = checked(record.engine, request)
    service = record.services[request.mode]
    translate = v1.calls if service.dialect == "v1" else v2beta.calls
    return translate(record.engine, service, request, values)


def check(record: Record, request: GenerationRequest) -> None:
    """Raise what would be wrong with the calls of a request: `InvalidRequest`, `PayloadTooLarge`.

    A page waits for it, so it packs a picture only where its bytes are too many, for then only that tells whether they will do.
    """
    values = checked(record.engine, request)
    service = record.services[request.mode]
    if service.dialect == "v1":
        v1.check(record.engine, request, values)
    else:
        _check_size(v2beta.calls(record.engine, service, request, values)[0], names_of(record, service))


def _check_size(call: Call, names: Mapping[str, str]) -> None:
    size = sum(len(file.data) for file in call.files)
    if call.body_limit is not None and size > call.body_limit - OVERHEAD:
        largest = max(call.files, key=lambda file: len(file.data)).name
        problem = f"The files are too big: {size / MEBIBYTE:.1f} MB, and {call.body_limit // MEBIBYTE} MB is the most."
        raise PayloadTooLarge(problem, fields={names.get(largest, largest): problem})


def names_of(record: Record, service: Service) -> dict[str, str]:
    """The studio's names of all settings of an engine by the provider's, for what an error says about them."""
    engine = record.engine
    ours = {"prompt", "negative_prompt", "seed", *(one.name for one in engine.parameters), *(one.name for one in engine.inputs)}
    names = {service.names.get(name, name): name for name in ours}
    return {**names, **v1.NAMES} if service.dialect == "v1" else names
