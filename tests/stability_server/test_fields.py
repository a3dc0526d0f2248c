"""Every range, list and size rule of the documents: the last value that is taken and the first that is not.

v2beta validates before it looks at the key (API.md 0): with a wrong key, 401 means that the fields were taken. v1 looks at the key first:
there an empty purse tells the same.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import httpx
import pytest
from PIL import Image

from studio.api.stability.contract import Endpoint, Field, endpoint, endpoints
from studio.api.stability.fields import for_model
from tests.stability_server import StandIn
from tests.stability_server.minimal import minimal, post, send, wav

POSTS = [one for one in endpoints() if one.method == "POST"]
SD3 = endpoint("POST", "/v2beta/stable-image/generate/sd3")
ULTRA = endpoint("POST", "/v2beta/stable-image/generate/ultra")
OUTPAINT = endpoint("POST", "/v2beta/stable-image/edit/outpaint")
RELIGHT = endpoint("POST", "/v2beta/stable-image/edit/replace-background-and-relight")
SDXL = endpoint("POST", "/v1/generation/{engine_id}/text-to-image")
MASKING = endpoint("POST", "/v1/generation/{engine_id}/image-to-image/masking")

TAKEN, REFUSED = True, False
Case = tuple[str, Any, bool]
"""Field, value, whether it is taken."""

BELONGS_TO: dict[tuple[str, str], dict[str, Any]] = {
    (ULTRA.path, "strength"): {"image": "<image>"},
    (ULTRA.path, "image"): {"strength": "0.5"},
    (SD3.path, "strength"): {"image": "<image>", "mode": "image-to-image"},
    (SD3.path, "image"): {"strength": "0.5", "mode": "image-to-image"},
    (SD3.path, "mode"): {"image": "<image>", "strength": "0.5"},
    (RELIGHT.path, "light_source_strength"): {"light_source_direction": "left"},
}
"""What has to stand beside a field for it to be allowed."""


@lru_cache(maxsize=64)
def picture(width: int, height: int) -> bytes:
    """As cheap as a picture of this size can be."""
    data = io.BytesIO()
    Image.new("1", (width, height), 1).save(data, "PNG", compress_level=1)
    return data.getvalue()


def text_cases(field: Field) -> Iterator[Case]:
    schema = field.schema
    if "enum" in schema:
        yield from ((field.name, value, TAKEN) for value in {schema["enum"][0], schema["enum"][-1]})
        yield field.name, "none of these", REFUSED
    elif "maxLength" in schema:
        yield field.name, "x" * schema["maxLength"], TAKEN
        yield field.name, "x" * (schema["maxLength"] + 1), REFUSED
        if schema.get("minLength"):
            yield field.name, "x" * schema["minLength"], TAKEN
            yield field.name, "", REFUSED


def number_cases(field: Field, model: str | None = None) -> Iterator[Case]:
    schema = for_model(field.schema, model)
    step = 1 if schema["type"] == "integer" else 0.001
    if "minimum" in schema:
        yield field.name, schema["minimum"], TAKEN
        yield field.name, round(schema["minimum"] - step, 3), REFUSED
    if "maximum" in schema:
        yield field.name, schema["maximum"], TAKEN
        yield field.name, round(schema["maximum"] + step, 3), REFUSED
    yield field.name, "a few", REFUSED
    if step == 1 and "minimum" in schema:
        yield field.name, schema["minimum"] + 0.5, REFUSED


def picture_cases(field: Field) -> Iterator[Case]:
    rules = field.schema.get("x-image-rules", {})
    yield field.name, b"no picture", REFUSED
    for least, wide in ((rules.get("min_width", rules.get("min_side")), True), (rules.get("min_height", rules.get("min_side")), False)):
        if least:
            enough = max(least, -(-rules.get("min_pixels", 1) // least))
            yield field.name, picture(least, enough) if wide else picture(enough, least), TAKEN
            yield field.name, picture(least - 1, enough + 2) if wide else picture(enough + 2, least - 1), REFUSED
    if most := rules.get("max_width"):
        other = min(64, rules.get("max_pixels", most * 64) // most)
        if "aspect_ratio_max" not in rules:
            yield field.name, picture(most, other), TAKEN
        yield field.name, picture(most + 1, other), REFUSED
    if most := rules.get("max_pixels"):
        side = int(most**0.5)
        assert side * side == most
        yield field.name, picture(side, side), TAKEN
        yield field.name, picture(side, side + 1), REFUSED
    if "aspect_ratio_max" in rules:
        yield from ((field.name, picture(*size), TAKEN) for size in ((500, 200), (200, 500)))
        yield from ((field.name, picture(*size), REFUSED) for size in ((501, 200), (200, 501)))


def sound_cases(field: Field) -> Iterator[Case]:
    rules = field.schema["x-audio-rules"]
    yield field.name, b"no sound", REFUSED
    for seconds, taken in ((rules["min_seconds"], TAKEN), (rules["min_seconds"] - 0.01, REFUSED)):
        yield field.name, wav(seconds), taken
    for seconds, taken in ((rules["max_seconds"], TAKEN), (rules["max_seconds"] + 0.01, REFUSED)):
        yield field.name, wav(seconds), taken


def cases(one: Endpoint) -> Iterator[Case]:
    for field in one.form(minimal(one).get(one.chosen_by)).values():
        if field.required:
            yield field.name, None, REFUSED
        if field.name in ("height", "width", one.chosen_by):
            continue  # v1's sizes and v2alpha's mode have tests of their own
        if "x-audio-rules" in field.schema:
            yield from sound_cases(field)
        elif field.binary:
            yield from picture_cases(field)
        elif field.schema["type"] in ("number", "integer"):
            yield from number_cases(field, model_of(one))
        else:
            yield from text_cases(field)


def model_of(one: Endpoint, model: str | None = None) -> str | None:
    return model or (one.form()["model"].schema["default"] if "model" in one.forms.get("", {}) else None)


def companions(one: Endpoint, name: str, value: Any) -> dict[str, Any]:
    if name == "mask_source" and value != "INIT_IMAGE_ALPHA":
        return {"mask_image": picture(1024, 1024)}
    if (one.path, name) == (SD3.path, "mode") and value == "text-to-image":
        return {}
    found = BELONGS_TO.get((one.path, name), {})
    return {field: picture(640, 512) if other == "<image>" else other for field, other in found.items()}


def outcome(client: httpx.Client, one: Endpoint, changes: dict[str, Any]) -> tuple[bool, httpx.Response]:
    cheap = {"init_image": picture(1024, 1024)} if one.dialect == "v1" and "init_image" in one.form() else {}
    answer = post(client, one, **cheap | changes)
    accepted = (429, "insufficient_balance") if one.dialect == "v1" else (401, "unauthorized")
    assert answer.status_code in (400, accepted[0]), answer.text
    return (answer.status_code, answer.json()["name"]) == accepted, answer


@pytest.fixture
def powerless(client: httpx.Client, standin: StandIn) -> httpx.Client:
    """A client that is refused only after its fields were read."""
    standin.keys[standin.key].balance = 0
    standin.limiter.requests = 100_000
    return client


def with_key_for(client: httpx.Client, standin: StandIn, one: Endpoint) -> httpx.Client:
    client.headers["authorization"] = f"Bearer {standin.key if one.dialect == 'v1' else 'sk-of-nobody'}"
    return client


@pytest.mark.parametrize("one", POSTS, ids=lambda one: one.path.strip("/"))
def test_ranges_lists_and_sizes(powerless: httpx.Client, standin: StandIn, one: Endpoint) -> None:
    client, wrong, seen = with_key_for(powerless, standin, one), [], 0
    for name, value, taken in cases(one):
        if (one.path, name) == (OUTPAINT.path, "left") and value == 0:
            continue
        accepted, answer = outcome(client, one, companions(one, name, value) | {name: value})
        named = accepted or name in answer.text
        if accepted != taken or not named:
            wrong.append((name, str(value)[:40], taken, answer.text[:200]))
        seen += 1

    assert wrong == []
    assert seen >= 3
    assert len(standin.books) == 0


@pytest.mark.parametrize("model", ["stable-audio-2", "stable-audio-2.5"])
@pytest.mark.parametrize("name", ["text-to-audio", "audio-to-audio"])
def test_ranges_of_audio_by_model(powerless: httpx.Client, standin: StandIn, name: str, model: str) -> None:
    one = endpoint("POST", f"/v2beta/audio/stable-audio-2/{name}")
    client = with_key_for(powerless, standin, one)
    numbers = [field for field in one.form().values() if field.name in ("steps", "strength")]
    wanted = [case for field in numbers for case in number_cases(field, model)]
    got = [(field, value, outcome(client, one, {"model": model, field: value})[0]) for field, value, _ in wanted]

    assert got == wanted
    steps = {value for field, value, taken in wanted if field == "steps" and taken}
    assert steps == ({30, 100} if model == "stable-audio-2" else {4, 8})


@pytest.mark.parametrize(
    ("one", "changes", "errors"),
    [
        (ULTRA, {"image": picture(64, 64)}, ["strength: required"]),
        (ULTRA, {"strength": "0.5"}, ["strength: not allowed without 'image'"]),
        (SD3, {"mode": "image-to-image"}, ["image: required", "strength: required"]),
        (
            SD3,
            {"mode": "image-to-image", "image": picture(64, 64), "strength": "1", "aspect_ratio": "1:1"},
            ["aspect_ratio: not allowed when 'mode' is set to 'image-to-image'"],
        ),
        (SD3, {"strength": "1"}, ["strength: not allowed when 'mode' is set to 'text-to-image'"]),
        (
            SD3,
            {"model": "sd4"},
            ["model: must be one of 'sd3.5-large' | 'sd3.5-large-turbo' | 'sd3.5-medium' | 'sd3.5-flash'"],
        ),
        (SD3, {"prompt": None, "seed": "-1"}, ["prompt: required", "seed: must be greater than or equal to 0"]),
        (OUTPAINT, {"left": "0"}, ["left: at least one of 'left', 'right', 'up', 'down' must be greater than 0"]),
        (RELIGHT, {"background_prompt": None}, ["background_prompt: required when 'background_reference' is not given"]),
        (
            RELIGHT,
            {"light_source_strength": "0.5"},
            ["light_source_strength: not allowed without 'light_source_direction' or 'light_reference'"],
        ),
    ],
)
def test_fields_that_depend_on_each_other(
    client: httpx.Client, standin: StandIn, one: Endpoint, changes: dict[str, Any], errors: list[str]
) -> None:
    answer = post(client, one, **changes)

    assert answer.status_code == 400
    assert answer.json() == {"errors": errors, "id": answer.headers["x-request-id"], "name": "bad_request"}
    assert len(standin.books) == 0


def test_the_modes_of_the_old_inpaint(powerless: httpx.Client, standin: StandIn) -> None:
    one = endpoint("POST", "/v2alpha/generation/stable-image/inpaint")
    client = with_key_for(powerless, standin, one)

    assert outcome(client, one, {"mode": "mask", "search_prompt": None})[0]
    assert outcome(client, one, {"mode": "search", "search_prompt": None})[1].json()["errors"] == ["search_prompt: required"]
    assert outcome(client, one, {"mode": None})[1].json()["errors"] == ["mode: required"]
    assert outcome(client, one, {"mode": "guess"})[1].json()["errors"] == ["mode: must be one of 'mask' | 'search'"]


def test_a_picture_cut_short_is_refused(client: httpx.Client, standin: StandIn) -> None:
    noise = io.BytesIO()
    Image.effect_noise((256, 256), 64).save(noise, "PNG")
    answer = post(client, endpoint("POST", "/v2beta/stable-image/upscale/fast"), image=noise.getvalue()[:4000])

    assert (answer.status_code, answer.json()["errors"]) == (400, ["image: is broken or incomplete"])


def test_diagnostic_headers_have_256_characters(client: httpx.Client, standin: StandIn) -> None:
    client.headers["authorization"] = "Bearer sk-of-nobody"
    taken = send(client, SD3, minimal(SD3), stability_client_id="x" * 256)
    refused = send(client, SD3, minimal(SD3), stability_client_id="x" * 257)

    assert taken.status_code == 401
    assert (refused.status_code, refused.json()["errors"]) == (400, ["stability-client-id: must be at most 256 characters long"])


# --- v1 --------------------------------------------------------------------------------------------------------------


def test_sdxl_takes_its_nine_sizes(powerless: httpx.Client) -> None:
    pairs = [tuple(map(int, pair.split("x"))) for pair in SDXL.form()["width"].schema["x-sdxl-pairs"]]

    assert len(pairs) == 9
    assert [outcome(powerless, SDXL, {"width": width, "height": height})[0] for width, height in pairs] == [TAKEN] * 9


PAIRS = "1024x1024, 1152x896, 1216x832, 1344x768, 1536x640, 640x1536, 768x1344, 832x1216, 896x1152"
DIMENSIONS = f"for stable-diffusion-xl-1024-v0-9 and stable-diffusion-xl-1024-v1-0 the allowed dimensions are {PAIRS}, but we received "


@pytest.mark.parametrize(
    ("one", "changes", "name", "message"),
    [
        (SDXL, {"text_prompts": None}, "bad_request", "text_prompts: is required"),
        (SDXL, {"text_prompts": []}, "bad_request", "text_prompts: must contain at least 1 item"),
        (SDXL, {"text_prompts": [{"weight": 1}]}, "bad_request", "text_prompts[0][text]: is required"),
        (SDXL, {"text_prompts": [{"text": "x" * 2001}]}, "bad_request", "text_prompts[0][text]: must be at most 2000 characters long"),
        (SDXL, {"steps": "30"}, "bad_request", "steps: must be an integer"),
        (SDXL, {"width": 1000}, "invalid_height_or_width", "width: must be a multiple of 64"),
        (SDXL, {"height": 64}, "invalid_height_or_width", "height: must be greater than or equal to 128"),
        (SDXL, {"width": 512, "height": 512}, "invalid_sdxl_v1_dimensions", DIMENSIONS + "512x512"),
        (SDXL, {"width": None, "height": None}, "invalid_sdxl_v1_dimensions", DIMENSIONS + "512x512"),
        (MASKING, {"init_image": None}, "bad_request", "init_image: is required"),
        (MASKING, {"init_image": picture(450, 672)}, "invalid_sdxl_v1_dimensions", DIMENSIONS + "450x672"),
        (MASKING, {"init_image": b"GIF89a"}, "invalid_mime_type", "init_image: must be a jpeg, png or webp image"),
        (
            MASKING,
            {"mask_source": "MASK_IMAGE_BLACK", "mask_image": None},
            "invalid_mask_image",
            "mask_image: is required when mask_source is MASK_IMAGE_WHITE or MASK_IMAGE_BLACK",
        ),
        (
            MASKING,
            {"mask_source": "MASK_IMAGE_WHITE", "mask_image": picture(640, 640)},
            "invalid_image_dimensions",
            "The dimensions of the provided `init_image` and `mask_image` do not match",
        ),
    ],
)
def test_refusals_of_v1(client: httpx.Client, standin: StandIn, one: Endpoint, changes: dict[str, Any], name: str, message: str) -> None:
    answer = post(client, one, **changes)

    assert answer.status_code == 400
    assert answer.json() == {"id": answer.headers["x-request-id"], "message": message, "name": name}
    assert len(standin.books) == 0


def test_a_png_of_v1_holds_one_sample(client: httpx.Client) -> None:
    answer = send(client, SDXL, minimal(SDXL) | {"samples": 2}, accept="image/png")

    assert (answer.status_code, answer.json()["name"]) == (400, "invalid_samples")


def test_an_init_image_has_5_mib(client: httpx.Client) -> None:
    heavy = picture(1024, 1024) + bytes(5 * 1024 * 1024)
    answer = post(client, MASKING, init_image=heavy)

    assert (answer.status_code, answer.json()["name"]) == (400, "invalid_file_size")


def test_prompts_of_a_form_are_tied_by_their_index(client: httpx.Client, standin: StandIn) -> None:
    """Indexes need not follow each other, and one that comes twice counts the last time (API.md 1.3)."""
    leaves = [("5", "text", "a fox"), ("5", "weight", "0.5"), ("2", "text", "hidden"), ("2", "text", "snow")]
    files: list[tuple[str, Any]] = [(f"text_prompts[{i}][{leaf}]", (None, text)) for i, leaf, text in leaves]
    files += [("init_image", ("a.png", picture(1024, 1024))), ("mask_source", (None, "INIT_IMAGE_ALPHA")), ("seed", (None, "1"))]
    path = MASKING.path.format(engine_id="stable-diffusion-xl-1024-v1-0")

    assert client.post(path, files=files).status_code == 200
    files[1] = ("text_prompts[5][weight]", (None, "heavy"))
    assert client.post(path, files=files).json()["message"] == "text_prompts: must be a number"
