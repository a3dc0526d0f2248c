"""Stable Image Ultra and Core, and Stable Diffusion 3.5 (`stability/API.md` 2.5)."""

from __future__ import annotations

from studio.backends.base import MediaInput, Mode
from studio.backends.stability.engines.records import Record, Service
from studio.backends.stability.engines.settings import FORMAT, STYLE, aspect_ratio, credits, engine, number, strength

PATH = "/v2beta/stable-image/generate/"
MAX_IMAGES = 4
"""Each picture is a call of its own: v2beta makes one at a time. The number is ours."""

CORE = Record(
    engine(
        "stable-image-core",
        "Stable Image Core",
        (Mode.TEXT_TO_IMAGE,),
        credits(3),
        description="Fast and affordable, 1.5 megapixels. A good first choice.",
        parameters=(aspect_ratio(), STYLE, FORMAT),
        negative_prompt=True,
        weights="v2beta",
        max_images=MAX_IMAGES,
        seconds_per_image=5,
        examples=("a lighthouse on a cliff at dawn, soft fog, photograph",),
    ),
    {Mode.TEXT_TO_IMAGE: Service(f"{PATH}core")},
)

ULTRA = Record(
    engine(
        "stable-image-ultra",
        "Stable Image Ultra",
        (Mode.TEXT_TO_IMAGE, Mode.IMAGE_TO_IMAGE),
        credits(8),
        description="The best pictures and lettering, 1 megapixel.",
        parameters=(aspect_ratio(), strength(Mode.IMAGE_TO_IMAGE), STYLE, FORMAT),
        inputs=(MediaInput("image", "Picture", modes=frozenset({Mode.IMAGE_TO_IMAGE}), min_side=64, max_side=16384, min_pixels=4096),),
        negative_prompt=True,
        weights="v2beta",
        max_images=MAX_IMAGES,
        seconds_per_image=12,
        examples=("a shop window with the words “OPEN LATE” in neon, rain on the glass",),
    ),
    {Mode.TEXT_TO_IMAGE: Service(f"{PATH}ultra"), Mode.IMAGE_TO_IMAGE: Service(f"{PATH}ultra")},
)


def _sd35(model: str, label: str, price: float, guidance: float, description: str, seconds: float) -> Record:
    """The aspect ratio is refused in image-to-image (`stability/API.md` 4.7); the default guidance depends on the model (2.5)."""
    modes = (Mode.TEXT_TO_IMAGE, Mode.IMAGE_TO_IMAGE)
    return Record(
        engine(
            model,
            label,
            modes,
            credits(price),
            description=description,
            parameters=(
                aspect_ratio(Mode.TEXT_TO_IMAGE),
                strength(Mode.IMAGE_TO_IMAGE),
                STYLE,
                number("guidance_scale", "Guidance", guidance, 1, 10, 0.5, help="How closely the picture follows the prompt."),
                FORMAT,
            ),
            inputs=(MediaInput("image", "Picture", modes=frozenset({Mode.IMAGE_TO_IMAGE}), min_side=64),),
            negative_prompt=True,
            weights="v2beta",
            max_images=MAX_IMAGES,
            seconds_per_image=seconds,
            examples=("a fox reading a map in a pine forest, gouache",),
        ),
        {
            mode: Service(f"{PATH}sd3", fields=(("model", model), ("mode", mode.value)), names={"guidance_scale": "cfg_scale"})
            for mode in modes
        },
    )


SD35 = (
    _sd35("sd3.5-large", "Stable Diffusion 3.5 Large", 6.5, 4, "Eight billion parameters: varied and true to the prompt.", 10),
    _sd35("sd3.5-large-turbo", "Stable Diffusion 3.5 Large Turbo", 4, 1, "Large in few steps: quicker, a little less fine.", 5),
    _sd35("sd3.5-medium", "Stable Diffusion 3.5 Medium", 3.5, 4, "Smaller and cheaper, for everyday pictures.", 7),
    # The OpenAPI file's list of models lacks Flash; API.md has it with a price and accepted live, so it is offered (API.md 2.5).
    _sd35("sd3.5-flash", "Stable Diffusion 3.5 Flash", 2.5, 1, "The quickest and cheapest of the family.", 4),
)

RECORDS = (CORE, ULTRA, *SD35)
