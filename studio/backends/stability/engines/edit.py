"""Stable Image edit services (`stability/API.md` 2.6): each is an engine of its own, with its own price and rules."""

from __future__ import annotations

from dataclasses import replace

from studio.backends.base import MediaInput, Mode, Parameter, PromptNeed
from studio.backends.stability.engines.records import Record, Service
from studio.backends.stability.engines.settings import (
    FORMAT,
    NONE,
    RULE_A,
    RULE_B,
    STYLE,
    credits,
    engine,
    grow_mask,
    mask,
    number,
    output_format,
    whole,
)

PATH = "/v2beta/stable-image/edit/"
MASK = {"mask_image": "mask"}
TEXT_LENGTH = 10_000


def _words(name: str, label: str, help_text: str, *, required: bool) -> Parameter:
    return Parameter(name, label, "text", None, help=help_text, advanced=False, required=required, max_length=TEXT_LENGTH)


# The OpenAPI file lists `prompt` as required here although it defines no such field; API.md 2.6 has seen the live server do without.
ERASE = Record(
    engine(
        "stable-image-erase",
        "Erase",
        (Mode.ERASE,),
        credits(5),
        description="Takes what you paint over out of the picture.",
        parameters=(grow_mask(5, 20), FORMAT),
        inputs=(RULE_A, mask()),
    ),
    {Mode.ERASE: Service(f"{PATH}erase", names=MASK)},
)

INPAINT = Record(
    engine(
        "stable-image-inpaint",
        "Stable Image Inpaint",
        (Mode.INPAINTING,),
        credits(5),
        description="Makes what you paint over anew.",
        parameters=(STYLE, grow_mask(5, 100), FORMAT),
        inputs=(RULE_A, mask()),
        negative_prompt=True,
        weights="v2beta",
    ),
    {Mode.INPAINTING: Service(f"{PATH}inpaint", names=MASK)},
)

OUTPAINT = Record(
    engine(
        "stable-image-outpaint",
        "Outpaint",
        (Mode.OUTPAINTING,),
        credits(4),
        description="Makes the picture larger on any side.",
        parameters=(
            *(
                whole(side, side.capitalize(), 0, 0, 2000, advanced=False, help="Pixels to add.")
                for side in ("left", "right", "up", "down")
            ),
            number("creativity", "Creativity", 0.5, 0, 1),
            STYLE,
            FORMAT,
        ),
        inputs=(RULE_B,),
    ),
    {Mode.OUTPAINTING: Service(f"{PATH}outpaint")},
)

SEARCH_AND_REPLACE = Record(
    engine(
        "stable-image-search-and-replace",
        "Search and replace",
        (Mode.SEARCH_AND_REPLACE,),
        credits(5),
        description="Finds a thing by its name and puts another in its place.",
        parameters=(
            _words("search_prompt", "Look for", "What to replace, in a few words.", required=True),
            STYLE,
            grow_mask(3, 20),
            FORMAT,
        ),
        inputs=(RULE_B,),
        negative_prompt=True,
        weights="v2beta",
    ),
    {Mode.SEARCH_AND_REPLACE: Service(f"{PATH}search-and-replace")},
)

SEARCH_AND_RECOLOR = Record(
    engine(
        "stable-image-search-and-recolor",
        "Search and recolor",
        (Mode.SEARCH_AND_RECOLOR,),
        credits(5),
        description="Finds a thing by its name and gives it other colours.",
        parameters=(
            _words("select_prompt", "Look for", "What to recolor, in a few words.", required=True),
            STYLE,
            grow_mask(3, 20),
            FORMAT,
        ),
        inputs=(RULE_B,),
        negative_prompt=True,
        weights="v2beta",
    ),
    {Mode.SEARCH_AND_RECOLOR: Service(f"{PATH}search-and-recolor")},
)

REMOVE_BACKGROUND = Record(
    engine(
        "stable-image-remove-background",
        "Remove background",
        (Mode.REMOVE_BACKGROUND,),
        credits(5),
        description="Leaves what is in front, on transparency.",
        parameters=(output_format("png", "webp"),),
        inputs=(MediaInput("image", "Picture", min_side=64, min_pixels=4096, max_pixels=4_194_304),),
        max_seed=None,
    ),
    {Mode.REMOVE_BACKGROUND: Service(f"{PATH}remove-background")},
)

RELIGHT = Record(
    engine(
        "stable-image-replace-background-and-relight",
        "Replace background and relight",
        (Mode.REPLACE_BACKGROUND,),
        credits(8),
        description="Puts what is in front before another background, in its light.",
        parameters=(
            _words("foreground_prompt", "In front", "What is in front, if it is not plain to see.", required=False),
            number("preserve_original_subject", "Keep the subject", 0.6, 0, 1),
            number("original_background_depth", "Keep the depth", 0.5, 0, 1),
            Parameter("keep_original_background", "Keep the background, change only the light", "boolean", False),
            Parameter("light_source_direction", "Light from", "choice", NONE, choices=(NONE, "left", "right", "above", "below")),
            number("light_source_strength", "Strength of the light", 0.3, 0, 1, help="Needs a direction, or a picture of the light."),
            FORMAT,
        ),
        inputs=(
            replace(RULE_B, label="Subject"),
            replace(RULE_A, name="background_reference", label="Background", required=False),
            replace(RULE_A, name="light_reference", label="Light", required=False),
        ),
        prompt=PromptNeed.OPTIONAL,
        negative_prompt=True,
        seconds_per_image=30,
    ),
    {
        Mode.REPLACE_BACKGROUND: Service(
            f"{PATH}replace-background-and-relight",
            accept="*/*",
            names={"image": "subject_image", "prompt": "background_prompt"},
            only_with={"light_source_strength": ("light_source_direction", "light_reference")},
            results="/v2beta/results/",
        )
    },
)

RECORDS = (INPAINT, ERASE, OUTPAINT, SEARCH_AND_REPLACE, SEARCH_AND_RECOLOR, REMOVE_BACKGROUND, RELIGHT)
