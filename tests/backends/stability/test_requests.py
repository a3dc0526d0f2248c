"""Every request that the backend can send is one that the provider's OpenAPI files allow."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from studio.backends.base import GenerationRequest, Mode, Parameter
from studio.backends.stability.engines import catalogue
from studio.backends.stability.engines.records import Record
from tests.backends.stability import contract
from tests.backends.stability.conftest import (
    GENERATION_ID,
    PICTURE,
    SOUND,
    Clock,
    Network,
    generate,
    glb,
    json_answer,
    make_backend,
    picture_answer,
    png,
    wanted,
)

RECORDS = catalogue("stability")
SERVICES = [(record, mode) for record in RECORDS.values() for mode in record.services]
CORNERS = [pytest.param(record, mode, id=f"{record.id}-{mode.value}") for record, mode in SERVICES]


def values_of(parameter: Parameter) -> list[Any]:
    """Every choice, or both ends of the range, as a form would hand them over."""
    if parameter.choices:
        return list(parameter.choices)
    if parameter.kind == "boolean":
        return [False, True]
    if parameter.kind == "text":
        return ["x", "x" * (parameter.max_length or 1)]
    assert parameter.minimum is not None
    assert parameter.maximum is not None
    ends = [parameter.minimum, parameter.maximum]
    return [int(one) for one in ends] if parameter.kind == "integer" else ends


def corners(record: Record, mode: Mode) -> Iterator[GenerationRequest]:
    """The bare request, one for each value of each setting, and one with everything there is."""
    engine = record.engine
    known = GenerationRequest.__dataclass_fields__
    yield wanted(engine.id, mode)
    for parameter in engine.parameters_for(mode):
        for value in values_of(parameter):
            own = parameter.name in known
            extra = {} if own else {parameter.name: value}
            if parameter.name == "mask_end":
                extra["mask_start"] = 0
            if extra.get("mask_end") == 0 or (parameter.name == "mask_start" and value == parameter.maximum):
                continue  # refused here already: the part would be empty
            yield wanted(engine.id, mode, extra=extra, **({parameter.name: value} if own else {}))
    for seed in (0, 2**32 - 1):
        yield wanted(engine.id, mode, seed=seed)
    everything: dict[str, Any] = {
        "media": {one.name: PICTURE for one in engine.inputs_for(mode) if not one.required and one.kind == "image"}
    }
    if engine.negative_prompt:
        everything["negative_prompt"] = "rain"
    if engine.size:
        yield from (wanted(engine.id, mode, width=width, height=height) for width, height in engine.size.choices)
    yield wanted(engine.id, mode, num_images=engine.max_images, **everything)


def play(request: httpx.Request) -> httpx.Response:
    """An answer of the right kind for anything."""
    path = request.url.path
    if request.method == "POST":
        if path.startswith("/v1/"):
            return json_answer({"artifacts": [{"base64": base64.b64encode(PICTURE).decode(), "seed": 1, "finishReason": "SUCCESS"}]})
        if "202" in contract.operation("POST", path)["responses"]:
            return json_answer({"id": GENERATION_ID}, 202)
        if contract.operation("POST", path)["responses"]["200"].get("content", {}).keys() == {"application/json"}:
            return json_answer({"id": GENERATION_ID})
    if "/3d/" in path:
        return httpx.Response(200, content=glb(), headers={"content-type": "model/gltf-binary"})
    if "/audio/" in path:
        return httpx.Response(200, content=SOUND, headers={"content-type": "audio/wav", "seed": "5", "finish-reason": "SUCCESS"})
    return picture_answer()


@pytest.mark.parametrize(("record", "mode"), CORNERS)
def test_every_corner_of_an_engine_is_a_request_that_the_contract_allows(
    record: Record, mode: Mode, network: Network, clock: Clock
) -> None:
    options = {"ORGANIZATION": "org-1", "CLIENT_VERSION": "1.2.1", "USER_ID": "u" * 300}
    backend = make_backend(network, clock, **options)
    network.always = play

    for request in corners(record, mode):
        assert all(media.data for media in generate(backend, request))

    found = {(sent.url.path, problem) for sent in network.requests for problem in contract.problems(sent)}
    assert found == set()
    posted = {sent.url.path for sent in network.requests if sent.method == "POST"}
    assert posted == {record.services[mode].path}


def test_every_endpoint_of_the_contract_is_used() -> None:
    """But for the old aliases of v2alpha, and the older twin of `/v2beta/results`."""
    spec = {
        path.replace("{engine_id}", "stable-diffusion-xl-1024-v1-0")
        for family in ("v1", "v2beta")
        for path, operations in contract.document(family)["paths"].items()
        if "post" in operations and "/v2alpha/" not in path
    }
    results = {record.services[mode].results for record, mode in SERVICES} - {""}

    assert {record.services[mode].path for record, mode in SERVICES} == spec
    assert {contract.template_of(f"{path}{GENERATION_ID}") for path in results} == {"/v2beta/results/{id}", "/v2beta/audio/results/{id}"}


def test_the_account_is_asked_as_the_contract_wants(network: Network, clock: Clock) -> None:
    backend = make_backend(network, clock, ORGANIZATION="org-1", CLIENT_VERSION="1.2.1", USER_ID="alice")
    network.answers = [json_answer({"credits": 1.5})]

    assert backend.balance() == 1500

    [request] = network.requests
    assert contract.problems(request) == []
    assert request.headers["organization"] == "org-1"


def test_the_reader_of_the_contract_sees_what_is_wrong() -> None:
    """The test above would pass with a reader that finds nothing."""
    url = "https://api.stability.ai/v2beta/stable-image/edit/inpaint"
    small = ("image", ("image.png", png(32, 32), "image/png"))
    fields = [("prompt", (None, "a boat")), ("grow_mask", (None, "101")), ("seed", (None, "4294967295")), ("mode", (None, "x"))]
    request = httpx.Request("POST", url, files=[*fields, small], headers={"authorization": "Bearer k", "accept": "image/png"})
    request.read()

    assert sorted(contract.problems(request)) == [
        "accept: image/png",
        "grow_mask: 101 is greater than the maximum of 100",
        "image: pixels of 32x32",
        "image: side of 32x32",
        "mode: unknown",
        "seed: 4294967295 is greater than the maximum of 4294967294",
    ]
    plain = httpx.Request("POST", url, data={"prompt": "a boat"}, headers={"authorization": "Bearer k"})
    with pytest.raises(AssertionError):
        contract.problems(plain)
