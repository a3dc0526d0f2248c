"""Every error that the provider documents, as the studio says it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from studio.backends import errors
from studio.backends.base import Mode
from studio.backends.stability import StabilityBackend
from studio.backends.stability.errors import BY_NAME
from tests.backends.stability import contract
from tests.backends.stability.conftest import KEY, Clock, Network, error_answer, generate, make_backend, wanted

Kind = type[errors.BackendError]
Fields = dict[str, str]
# Status, name, the provider's words, and what becomes of them: (kind, message, fields). API.md 1.6 and 2.3.
V2BETA: list[tuple[int, str, list[str], Kind, str, Fields]] = [
    (400, "bad_request", ["prompt: required"], errors.InvalidRequest, "Prompt: required.", {"prompt": "Required."}),
    (
        400,
        "bad_request",
        ["some-field: is required", "cfg_scale: must be at most 10", "cfg_scale: must be a number"],
        errors.InvalidRequest,
        "Some-field: is required. Cfg scale: must be at most 10. Cfg scale: must be a number.",
        {"guidance_scale": "Must be at most 10. Must be a number."},
    ),
    (400, "bad_request", ["content-type: must be multipart/form-data"], errors.InvalidRequest, "Must be multipart/form-data.", {}),
    (401, "unauthorized", ["authorization: invalid or missing header value"], errors.KeyRefused, "", {}),
    (402, "payment_required", ["You lack sufficient credits to make this request."], errors.ProviderOutOfCredits, "", {}),
    (403, "content_moderation", ["Your request was flagged by our content moderation system."], errors.ContentFiltered, "", {}),
    (404, "generation_not_found", ["id: the generation either does not exist or has expired."], errors.ResultUnknown, "gone", {}),
    (
        413,
        "payload_too_large",
        ["body: payloads cannot be larger than 10MiB in size"],
        errors.PayloadTooLarge,
        "Payloads cannot be larger than 10MiB in size.",
        {},
    ),
    (
        422,
        "invalid_language",
        ["English is the only supported language for this service."],
        errors.LanguageRefused,
        "English is the only supported language for this service.",
        {},
    ),
    (422, "public_figure", ["Our system detected the likeness of a public figure in your image."], errors.PublicFigure, "", {}),
    (422, "copyrighted_content", ["Our system has detected copyrighted content."], errors.CopyrightedContent, "", {}),
    (429, "rate_limit_exceeded", ["You have exceeded the rate limit."], errors.CoolingDown, "", {}),
    (500, "internal_error", ["An unexpected server error has occurred."], errors.EngineUnavailable, "trouble", {}),
]
SDXL_SIZES = "for stable-diffusion-xl-1024-v1-0 the allowed dimensions are 1024x1024, but we received 450x672"
V1: list[tuple[int, str, str, Kind, str, Fields]] = [
    (400, "bad_request", "init_image: is required", errors.InvalidRequest, "Init image: is required.", {"image": "Is required."}),
    (
        400,
        "bad_request",
        "text_prompts[0][text]: cannot be blank",
        errors.InvalidRequest,
        "Text prompts: cannot be blank.",
        {"prompt": "Cannot be blank."},
    ),
    (400, "invalid_samples", "too many", errors.InvalidRequest, "Too many.", {"num_images": "Too many."}),
    (400, "invalid_height_or_width", "must be 64s", errors.InvalidRequest, "Must be 64s.", {"width": "Must be 64s."}),
    (400, "invalid_file_size", "too big", errors.PayloadTooLarge, "Too big.", {"image": "Too big."}),
    (400, "invalid_mime_type", "no GIF", errors.InvalidRequest, "No GIF.", {"image": "No GIF."}),
    (400, "invalid_image_dimensions", "unlike", errors.InvalidRequest, "Unlike.", {"mask_image": "Unlike."}),
    (400, "invalid_mask_image", "empty", errors.InvalidRequest, "Empty.", {"mask_image": "Empty."}),
    (400, "invalid_pixel_count", "too few", errors.InvalidRequest, "Too few.", {"width": "Too few."}),
    (400, "invalid_prompts", "One or more of the prompts contains filtered words.", errors.ContentFiltered, "", {}),
    (400, "invalid_sdxl_v1_dimensions", SDXL_SIZES, errors.InvalidRequest, f"F{SDXL_SIZES[1:]}.", {"width": f"F{SDXL_SIZES[1:]}."}),
    (401, "unauthorized", f"Incorrect API key provided: {KEY}.", errors.KeyRefused, "", {}),
    (403, "permission_denied", "You do not have permission to access this resource", errors.NotConfigured, "account", {}),
    (404, "not_found", "The specified engine (ID some-fake-engine) was not found.", errors.NotConfigured, "account", {}),
    (
        429,
        "insufficient_balance",
        "Your organization does not have enough balance to request this action (need $0.009, have $0).",
        errors.ProviderOutOfCredits,
        "",
        {},
    ),
    (500, "server_error", "An unexpected server error occurred, please try again.", errors.EngineUnavailable, "trouble", {}),
]
SHORT = {
    "gone": "Stability does not have the result any more.",
    "trouble": "Stability has trouble at the moment.",
    "account": "The studio's account at Stability does not have it.",
}


def refused(backend: StabilityBackend, **request: Any) -> errors.BackendError:
    with pytest.raises(errors.BackendError) as told:
        generate(backend, wanted(**request))
    return told.value


def assert_said(error: errors.BackendError, kind: Kind, message: str, fields: Fields) -> None:
    assert type(error) is kind
    assert error.message == (SHORT.get(message, message) or kind.default_message)
    assert error.fields == fields
    assert error.retryable == (kind in (errors.CoolingDown, errors.EngineUnavailable))
    assert KEY not in error.message + repr(error)


@pytest.mark.parametrize(("status", "name", "words", "kind", "message", "fields"), V2BETA, ids=[name for _, name, *_ in V2BETA])
def test_an_error_of_v2beta(
    status: int,
    name: str,
    words: list[str],
    kind: Kind,
    message: str,
    fields: Fields,
    network: Network,
    clock: Clock,
) -> None:
    network.always = lambda request: error_answer(status, name, *words)

    assert_said(refused(make_backend(network, clock), engine="sd3.5-large"), kind, message, fields)


@pytest.mark.parametrize(("status", "name", "words", "kind", "message", "fields"), V1, ids=[name for _, name, *_ in V1])
def test_an_error_of_v1(
    status: int,
    name: str,
    words: str,
    kind: Kind,
    message: str,
    fields: Fields,
    network: Network,
    clock: Clock,
) -> None:
    network.always = lambda request: error_answer(status, name, words, v1=True)
    backend = make_backend(network, clock)

    assert_said(refused(backend, engine="stable-diffusion-xl-1024-v1-0", mode=Mode.IMAGE_TO_IMAGE), kind, message, fields)


def test_every_documented_error_is_among_them() -> None:
    documented = set()
    for family in ("v1", "v2beta"):
        components = contract.document(family)["components"]
        for name, answer in components["responses"].items():
            for content in answer["content"].values():
                examples = [one["value"] for one in content.get("examples", {}).values()] + [content.get("example", {})]
                documented |= {one["name"] for one in examples if isinstance(one, dict) and "name" in one}
            documented |= set() if name != "401" else {"unauthorized"}

    assert documented <= {name for _, name, *_ in (*V1, *V2BETA)}
    assert BY_NAME.keys() == {name for _, name, *_ in (*V1, *V2BETA)}


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, errors.InvalidRequest),
        (401, errors.KeyRefused),
        (402, errors.ProviderOutOfCredits),
        (403, errors.EngineFailed),
        (404, errors.NotConfigured),
        (413, errors.PayloadTooLarge),
        (418, errors.EngineFailed),
        (422, errors.InvalidRequest),
        (429, errors.CoolingDown),
        (301, errors.EngineFailed),
        (500, errors.EngineUnavailable),
        (501, errors.EngineFailed),
        (502, errors.EngineUnavailable),
        (503, errors.EngineUnavailable),
        (504, errors.EngineUnavailable),
    ],
)
def test_a_page_of_whatever_stands_before_the_api_is_judged_by_its_status(status: int, kind: Kind, network: Network, clock: Clock) -> None:
    page = "<html><h1>Attention Required!</h1></html>"
    network.always = lambda request: httpx.Response(status, headers={"content-type": "text/html"}, text=page)

    error = refused(make_backend(network, clock))

    assert type(error) is kind
    assert "html" not in error.message
    assert error.message


@pytest.mark.parametrize("body", [b"[]", b'"no"', b"null", b"{}", b'{"errors": 3}', b"\xff\xfe", b'{"name": ["x"], "errors": [null]}'])
def test_a_body_that_makes_no_sense_is_judged_by_its_status(body: bytes, network: Network, clock: Clock) -> None:
    network.always = lambda request: httpx.Response(400, content=body)

    assert type(refused(make_backend(network, clock))) is errors.InvalidRequest


def test_a_403_of_an_older_body_is_moderation_all_the_same(network: Network, clock: Clock) -> None:
    network.always = lambda request: httpx.Response(403, json={"name": "content_moderation", "errors": ["flagged"]})

    assert type(refused(make_backend(network, clock))) is errors.ContentFiltered


def test_a_429_that_speaks_of_credits_is_no_rate_limit(network: Network, clock: Clock) -> None:
    network.always = lambda request: error_answer(429, "quota", "You do not have enough credits.")

    assert type(refused(make_backend(network, clock))) is errors.ProviderOutOfCredits
    assert len(network.requests) == 1
