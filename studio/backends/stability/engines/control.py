"""Pictures that follow a sketch, a structure or a style (`stability/API.md` 2.8)."""

from __future__ import annotations

from dataclasses import replace

from studio.backends.base import MediaInput, Mode
from studio.backends.stability.engines.records import Record, Service
from studio.backends.stability.engines.settings import FORMAT, RULE_A, RULE_B, STYLE, aspect_ratio, credits, engine, number

PATH = "/v2beta/stable-image/control/"
CONTROL = number("control_strength", "Control", 0.7, 0, 1, advanced=False, help="How closely the result follows the picture.")
TRANSFER_RULE = replace(RULE_A, max_side=16383)

SKETCH = Record(
    engine(
        "stable-image-sketch",
        "Sketch",
        (Mode.SKETCH,),
        credits(5),
        description="Turns a drawing, even a rough one, into a finished picture.",
        parameters=(CONTROL, STYLE, FORMAT),
        inputs=(MediaInput("image", "Sketch", min_side=64, max_pixels=9_437_184, max_ratio=2.5),),
        negative_prompt=True,
        weights="v2beta",
    ),
    {Mode.SKETCH: Service(f"{PATH}sketch")},
)

STRUCTURE = Record(
    engine(
        "stable-image-structure",
        "Structure",
        (Mode.STRUCTURE,),
        credits(5),
        description="Keeps where everything is and makes the rest anew.",
        parameters=(CONTROL, STYLE, FORMAT),
        inputs=(RULE_B,),
        negative_prompt=True,
        weights="v2beta",
    ),
    {Mode.STRUCTURE: Service(f"{PATH}structure")},
)

STYLE_GUIDE = Record(
    engine(
        "stable-image-style",
        "Style guide",
        (Mode.STYLE,),
        credits(5),
        description="Makes a new picture in the style of yours.",
        parameters=(aspect_ratio(), number("fidelity", "Fidelity", 0.5, 0, 1, advanced=False), STYLE, FORMAT),
        inputs=(replace(RULE_B, label="Style"),),
        negative_prompt=True,
        weights="v2beta",
    ),
    {Mode.STYLE: Service(f"{PATH}style")},
)

STYLE_TRANSFER = Record(
    engine(
        "stable-image-style-transfer",
        "Style transfer",
        (Mode.STYLE_TRANSFER,),
        credits(8),
        description="Redraws a picture in the style of another.",
        parameters=(
            number("style_strength", "Style", 1, 0, 1, advanced=False),
            number("composition_fidelity", "Keep the composition", 0.9, 0, 1),
            number("change_strength", "Change", 0.9, 0.1, 1),
            FORMAT,
        ),
        inputs=(replace(TRANSFER_RULE, max_ratio=2.5), replace(TRANSFER_RULE, name="style_image", label="Style")),
        negative_prompt=True,
    ),
    {Mode.STYLE_TRANSFER: Service(f"{PATH}style-transfer", names={"image": "init_image"})},
)

RECORDS = (SKETCH, STRUCTURE, STYLE_GUIDE, STYLE_TRANSFER)
