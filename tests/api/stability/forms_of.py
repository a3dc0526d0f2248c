"""Forms of the contract with anything in them that it allows, drawn field by field from its own schemas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from studio.api.stability import contract
from studio.api.stability.contract import Field
from studio.api.stability.fields import for_model
from tests.api.stability.asking import V1_PATHS, mask, png
from tests.generation.stability import wav

SMALL, WIDE = (96, 64), (1536, 640)
PICTURES = {False: png(SMALL), True: png(WIDE)}
CLEAR = {False: png(SMALL, clear=(8, 8, 40, 30)), True: png(WIDE, clear=(80, 80, 400, 300))}
MASKS = {False: mask(SMALL, (8, 8, 40, 30)), True: mask(WIDE, (80, 80, 400, 300))}
SOUND = wav(7)

LETTERS = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Zl", "Zp")), min_size=1, max_size=40)
WORDS = LETTERS.map(lambda text: f"a {text.strip()} b")
"""Anything that can be typed: brackets, backslashes, signs of all scripts."""
WEIGHTED = st.lists(
    st.tuples(st.sampled_from(["red cat", "mat", "straße", "夜"]), st.none() | st.integers(5, 99)), min_size=1, max_size=4
).map(lambda spans: "a photo, " + ", ".join(word if weight is None else f"({word}:{weight / 100:g})" for word, weight in spans))
"""`(word:0.8)` as API.md 2.4 has it: some words, at least, have their full weight."""
SHARES = st.sampled_from([-1, -0.4, 0.3, 1, 1.7])
TEXT_PROMPTS = st.lists(
    st.fixed_dictionaries(
        {"text": st.sampled_from(["a cat", "fog (thick)", "moss \\o/", "straße"])},
        optional={"weight": SHARES},
    ),
    max_size=3,
).map(lambda others: [{"text": "a house", "weight": 1}, *others])


def forms(operation: str) -> st.SearchStrategy[dict[str, Any]]:
    """What a client may send to an operation: every field alone and together, but for what the contract forbids beside each other."""
    path = V1_PATHS.get(operation, f"/v2beta/{operation}")
    endpoint = contract.endpoint("POST", path)
    return form(operation, endpoint.form()).map(lambda said: mended(operation, said))


@st.composite
def form(draw: st.DrawFn, operation: str, fields: Mapping[str, Field]) -> dict[str, Any]:
    said: dict[str, Any] = {}
    model = fields["model"].schema.get("default") if "model" in fields else None
    if "model" in fields and draw(st.booleans()):
        said["model"] = model = draw(st.sampled_from(fields["model"].schema["enum"]))
    if operation == "v1/text-to-image":
        said["width"], said["height"] = draw(st.sampled_from([(1024, 1024), (1536, 640), (896, 1152)]))
    for name, field in fields.items():
        if name in said or name in ("extras", "model") or (not field.required and draw(st.booleans())):
            continue
        said[name] = draw(value(operation, name, for_model(field.schema, model)))
    return said


COUNTED = ("vertex_count", "target_count", "steps", "grow_mask", "left", "right", "up", "down")
"""Numbers of the document that only count."""


def value(operation: str, name: str, schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    v1 = operation.startswith("v1/")
    if schema.get("format") == "binary":
        if "x-audio-rules" in schema:
            return st.just(SOUND)
        return st.just(MASKS[v1] if "mask" in name else PICTURES[v1])
    if name == "text_prompts":
        return TEXT_PROMPTS
    if name == "seed":
        return st.integers(1, schema["maximum"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if schema["type"] == "string":
        return WEIGHTED if name == "prompt" and operation not in PLAIN and "audio" not in operation else WORDS
    low, high = schema["minimum"], schema["maximum"]
    if schema["type"] == "integer" or name in COUNTED:
        return st.integers(low, high)
    return st.integers(round(low * 1000), round(high * 1000)).map(lambda number: number / 1000)


PLAIN = ("stable-image/edit/outpaint", "stable-image/control/style-transfer", "stable-image/edit/replace-background-and-relight")
"""Whose prompt has a rule of its own, without weights."""


def mended(operation: str, said: dict[str, Any]) -> dict[str, Any]:
    """What the contract's rules want beside each other (API.md 2.5 to 2.12)."""
    if operation == "stable-image/generate/ultra" and ("image" in said) != ("strength" in said):
        said = {name: one for name, one in said.items() if name not in ("image", "strength")}
    if operation == "stable-image/generate/sd3":
        starts = said.get("mode") == "image-to-image"
        said = {name: one for name, one in said.items() if name not in (("aspect_ratio",) if starts else ("image", "strength"))}
        said = {"image": PICTURES[False], "strength": 0.5, **said} if starts else said
    if operation == "stable-image/edit/outpaint" and not any(said.get(side) for side in ("left", "right", "up", "down")):
        said["up"] = 3
    if operation == "stable-image/edit/replace-background-and-relight":
        if "background_reference" not in said:
            said.setdefault("background_prompt", "a beach")
        if "light_source_direction" not in said and "light_reference" not in said:
            said.pop("light_source_strength", None)
    if operation in ("stable-image/edit/erase", "stable-image/edit/inpaint") and "mask" not in said:
        said["image"] = CLEAR[False]
    if operation == "v1/masking":
        if said["mask_source"] == "INIT_IMAGE_ALPHA":
            said["init_image"] = CLEAR[True]
            said.pop("mask_image", None)
        else:
            said["mask_image"] = MASKS[True]
    if operation.endswith("inpaint") and "audio" in operation:
        said["mask_start"], said["mask_end"] = 1, 5
    return said
