"""Passed on to Stability, a request comes out as the call that it was: contract → ask → the client's own translation → contract."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from studio.api.stability.asks import Ask, Wanted, ask
from studio.api.stability.asks.wishes import MIME
from studio.api.stability.engines import SERVICES
from studio.api.stability.uploads import Picture, Recording
from studio.backends.base import GenerationRequest
from studio.backends.stability.calls import Call
from studio.backends.stability.engines import catalogue
from studio.backends.stability.translate import calls_of
from studio.generation import files
from tests.api.stability.asking import SDXL, values
from tests.api.stability.forms_of import forms

pytestmark = pytest.mark.django_db

OPERATIONS = sorted(set(SERVICES) - {"v1/upscale"})
"""Stability has no v1 upscale any more."""


def calls(found: Ask) -> list[Call]:
    """What would go out, exactly as the worker hands it over."""
    data = {name: files.read(file.file) for name, file in found.inputs.items()}
    request = GenerationRequest.from_json(
        found.request.to_json(), image=data.pop("image", None), mask_image=data.pop("mask_image", None), media=data
    )
    return calls_of(catalogue("stability")[request.engine], request)


def received(operation: str, call: Call) -> dict[str, Any]:
    """What Stability's own server would read in a call."""
    said: dict[str, Any] = {**dict(call.fields), **{file.name: file.data for file in call.files}, **(call.json or {})}
    prompts: dict[str, dict[str, str]] = {}
    for name in [name for name in said if name.startswith("text_prompts[")]:
        _, place, leaf = name.replace("]", "").split("[")
        prompts.setdefault(place, {})[leaf] = said.pop(name)
    return values(operation, {**said, **({"text_prompts": list(prompts.values())} if prompts else {})})


def plain(operation: str, said: Mapping[str, Any]) -> dict[str, Any]:
    """Values in a form that can be compared: what means the same is the same."""
    found = dict(said)
    for name, one in found.items():
        if isinstance(one, Picture):
            picture = Image.open(io.BytesIO(one.data))
            found[name] = (picture.size, list(picture.convert("L" if "mask" in name else "RGBA").tobytes()))
        elif isinstance(one, Recording):
            found[name] = round(one.seconds, 3)
    if operation.startswith("v1/"):
        entries = [(one["text"], round(float(one.get("weight", 1)), 4)) for one in found["text_prompts"]]
        # Those of the full weight are sent as one text, and so is what is left out altogether.
        whole = [(", ".join(text for text, weight in entries if weight == full), full) for full in (1, -1)]
        found["text_prompts"] = sorted([*whole, *((text, weight) for text, weight in entries if abs(weight) != 1)])
        if "init_image_mode" in found:
            starts = found["init_image_mode"] == "STEP_SCHEDULE"
            found["strength"] = round(found["step_schedule_start"] if starts else 1 - found["image_strength"], 4)
            found["ends"] = found.get("step_schedule_end") if starts else None
            for name in ("init_image_mode", "step_schedule_start", "step_schedule_end", "image_strength"):
                found.pop(name, None)
        if found.get("mask_source") == "MASK_IMAGE_BLACK":
            found["mask_source"] = "MASK_IMAGE_WHITE"
            size, levels = found["mask_image"]
            found["mask_image"] = (size, [255 - level for level in levels])
    return found


@pytest.mark.parametrize("operation", OPERATIONS)
@given(data=st.data())
@settings(max_examples=15, suppress_health_check=list(HealthCheck))
def test_a_request_is_passed_on_as_it_is(operation: str, stability, team, alice, data: st.DataObject) -> None:
    form = data.draw(forms(operation))
    said = values(operation, form)
    found = ask(operation, said, team=team, user=alice)
    [call] = calls(found)
    back = received(operation, call)
    if not said.get("seed"):  # a random one is drawn here
        assert ("seed" in back) == ("seed" in said)
        said, back = ({**one, "seed": 0} if "seed" in one else one for one in (said, back))
    assert plain(operation, back) == plain(operation, said)
    path = f"/v1/generation/{SDXL}/" if operation.startswith("v1/") else f"/v2beta/{operation}"
    assert call.path.startswith(path)
    default = "mp3" if operation.startswith("audio/") else "png"
    mime = "model/gltf-binary" if operation.startswith("3d/") else MIME[form.get("output_format", default)]
    assert found.wanted == Wanted(None, mime)  # what Stability answers is handed on as it comes


def test_old_engines_of_v1_are_answered_by_the_one_that_is_left(stability, team, alice) -> None:
    said = {"text_prompts": [{"text": "a cat"}], "width": 512, "height": 512}
    found = ask("v1/text-to-image", {**values("v1/text-to-image", {**said}), "engine_id": "stable-diffusion-v1-5"}, team=team, user=alice)
    [call] = calls(found)
    assert (call.path, call.json and (call.json["width"], call.json["height"])) == (f"/v1/generation/{SDXL}/text-to-image", (1024, 1024))
    assert found.wanted == Wanted((512, 512), "image/png")
