"""Three ways to make a picture larger (`stability/API.md` 2.7)."""

from __future__ import annotations

from studio.backends.base import MediaInput, Mode, PromptNeed
from studio.backends.stability.engines.records import Record, Service
from studio.backends.stability.engines.settings import FORMAT, RULE_B, STYLE, credits, engine, number

PATH = "/v2beta/stable-image/upscale/"
CREATIVITY = "How much may be invented on the way."

FAST = Record(
    engine(
        "stable-image-upscale-fast",
        "Upscale, fast",
        (Mode.UPSCALING,),
        credits(2),
        description="Four times each side in a second.",
        parameters=(FORMAT,),
        inputs=(MediaInput("image", "Picture", min_side=32, max_side=1536, min_pixels=1024, max_pixels=1_048_576),),
        max_seed=None,
        seconds_per_image=2,
    ),
    {Mode.UPSCALING: Service(f"{PATH}fast")},
)

CONSERVATIVE = Record(
    engine(
        "stable-image-upscale-conservative",
        "Upscale, conservative",
        (Mode.UPSCALING,),
        credits(40),
        description="To four megapixels, and the picture stays what it is.",
        parameters=(number("creativity", "Creativity", 0.35, 0.2, 0.5, help=CREATIVITY), FORMAT),
        inputs=(RULE_B,),
        prompt=PromptNeed.REQUIRED,
        negative_prompt=True,
        weights="v2beta",
        seconds_per_image=30,
    ),
    {Mode.UPSCALING: Service(f"{PATH}conservative")},
)

CREATIVE = Record(
    engine(
        "stable-image-upscale-creative",
        "Upscale, creative",
        (Mode.UPSCALING,),
        credits(60),
        description="For small and damaged pictures: invents what is missing.",
        parameters=(number("creativity", "Creativity", 0.3, 0.1, 0.5, help=CREATIVITY), STYLE, FORMAT),
        inputs=(MediaInput("image", "Picture", min_side=64, min_pixels=4096, max_pixels=1_048_576),),
        prompt=PromptNeed.REQUIRED,
        negative_prompt=True,
        weights="v2beta",
        seconds_per_image=45,
    ),
    {Mode.UPSCALING: Service(f"{PATH}creative", accept="*/*", results="/v2beta/results/")},
)

RECORDS = (FAST, CONSERVATIVE, CREATIVE)
