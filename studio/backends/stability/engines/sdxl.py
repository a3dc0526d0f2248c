"""Stable Diffusion XL 1.0, the one engine left of v1 (`stability/API.md` 1.2 to 1.4)."""

from __future__ import annotations

from studio.backends.base import MediaInput, Mode, Parameter, PriceTable, SizeRules
from studio.backends.stability.engines.records import Record, Service
from studio.backends.stability.engines.settings import PRICE_VERSION, STYLE, V1_MAX_SEED, engine, mask, number, strength, whole

ENGINE_ID = "stable-diffusion-xl-1024-v1-0"
PATH = f"/v1/generation/{ENGINE_ID}/"

SIZES = (
    (1024, 1024),
    (1152, 896),
    (1216, 832),
    (1344, 768),
    (1536, 640),
    (640, 1536),
    (768, 1344),
    (832, 1216),
    (896, 1152),
)
"""A closed list; the schema's own default, 512 × 512, is not in it, so both sides are always sent."""

SAMPLERS = {
    "Euler": "K_EULER",
    "Euler a": "K_EULER_ANCESTRAL",
    "DPM++ 2M": "K_DPMPP_2M",
    "DPM++ 2S a": "K_DPMPP_2S_ANCESTRAL",
    "DPM2": "K_DPM_2",
    "DPM2 a": "K_DPM_2_ANCESTRAL",
    "DDIM": "DDIM",
    "DDPM": "DDPM",
    "Heun": "K_HEUN",
    "LMS": "K_LMS",
}
"""The provider's samplers by the names that people know."""
AUTOMATIC = "Automatic"
CLIP_GUIDANCE = ("NONE", "FAST_BLUE", "FAST_GREEN", "SIMPLE", "SLOW", "SLOWER", "SLOWEST")

MAX_FILE = 5_000_000
"""Bytes of an init image. Not in the OpenAPI file: `stability/API.md` 1.2 tells that larger ones are refused."""

IMAGE_STRENGTH = 0.35
"""The contract's default for how much of the init image stays; the studio's strength is what may change, 1 minus this."""

MODES = (Mode.TEXT_TO_IMAGE, Mode.IMAGE_TO_IMAGE, Mode.INPAINTING)

SDXL = Record(
    engine(
        ENGINE_ID,
        "Stable Diffusion XL 1.0",
        MODES,
        # 0.9 credits up to 30 steps, else 0.9 × steps / 30 (API.md 3).
        PriceTable(PRICE_VERSION, 900, included_steps=30, per_extra_step=30, default_steps=30),
        description="Cheap, up to ten pictures at once, with every knob.",
        parameters=(
            strength(Mode.IMAGE_TO_IMAGE, default=round(1 - IMAGE_STRENGTH, 2)),
            STYLE,
            whole("num_inference_steps", "Steps", 30, 10, 50, help="More than 30 steps cost more."),
            number("guidance_scale", "Guidance", 7, 0, 35, 0.5, help="How closely the picture follows the prompt."),
            Parameter("scheduler", "Sampler", "choice", AUTOMATIC, choices=(AUTOMATIC, *SAMPLERS)),
            Parameter("clip_guidance_preset", "CLIP guidance", "choice", "NONE", choices=CLIP_GUIDANCE),
            number(
                "step_schedule_end",
                "Let go of the picture at",
                None,
                0,
                1,
                modes=frozenset({Mode.IMAGE_TO_IMAGE}),
                help="The part of the steps after which the picture you gave has no more say. Empty: it has, to the end.",
            ),
        ),
        size=SizeRules((1024, 1024), SIZES),
        inputs=(
            MediaInput("image", "Picture", modes=frozenset({Mode.IMAGE_TO_IMAGE, Mode.INPAINTING}), max_bytes=MAX_FILE),
            mask(Mode.INPAINTING),
        ),
        negative_prompt=True,
        max_images=10,
        max_prompt_length=2000,
        max_seed=V1_MAX_SEED,
        seconds_per_image=4,
        weights="text-prompts",
        examples=("an old sailing ship in a bottle, (dust:0.4), product photograph",),
    ),
    {
        Mode.TEXT_TO_IMAGE: Service(f"{PATH}text-to-image", "v1", "application/json", body_limit=None),
        Mode.IMAGE_TO_IMAGE: Service(f"{PATH}image-to-image", "v1", "application/json", body_limit=None),
        Mode.INPAINTING: Service(f"{PATH}image-to-image/masking", "v1", "application/json", body_limit=None),
    },
    model_id=ENGINE_ID,
)

RECORDS = (SDXL,)
