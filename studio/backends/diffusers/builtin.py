"""Storybook: the engine that comes with the studio, and its upscaler. Weights, model card and training code are in `storybook/`."""

from __future__ import annotations

from pathlib import Path

from studio.backends.base import Engine, EngineState, MediaInput, Mode, PriceTable, SizeRules
from studio.backends.diffusers.config import ModelConfig

FOLDER = Path(__file__).parent / "storybook"
PRICE_VERSION = "2026-11"
STORYBOOK_ID = "storybook"
UPSCALER_ID = "storybook-upscale"

STORYBOOK = ModelConfig(
    id=STORYBOOK_ID,
    label="Storybook",
    folder=FOLDER / "model",
    upscaler=FOLDER / "upscaler",
    positions=FOLDER / "positions.safetensors",
    price=1000,
    description="Picture-book scenes, made on this machine in a second or two. No key, no graphics card.",
    examples=(
        "a red sailboat on the sea at sunset, watercolor",
        "a cute orange cat in a meadow",
        "a yellow robot in the desert, pixel art",
        "a castle under the northern lights",
        "a blue house in the forest at night, neon",
        "pencil sketch of a lighthouse by the sea",
        "a purple hot air balloon over the mountains at dawn",
        "a snowman with a red scarf in the city in winter",
    ),
    batch_limit=8,
    num_inference_steps=20,
    guidance_scale=4.0,
    scheduler="DPM++ 2M",
    width=512,
    height=512,
)

KNOWS = (
    "Storybook draws one main thing (a house, boat, cat, dog, car, castle, robot, balloon, tree and a few more), in a colour, "
    "on the left or on the right, in a landscape, at a time of day, as flat illustration, watercolor, pixel art, pencil sketch or neon; "
    "it cannot draw people, words, other animals or several things at once."
)

# Seen by eye with ten prompts each: at these sizes it draws one thing, upright and whole. At 768 × 512 it draws it twice.
SIZES = SizeRules(
    default=(512, 512),
    choices=((512, 512), (576, 448), (448, 576), (576, 384), (384, 576), (640, 384), (384, 640)),
    multiple_of=64,
    minimum=384,
    maximum=640,
    max_pixels=512 * 512,
)

UPSCALER_MAX_PIXELS = 1600 * 1600
"""Largest input of the upscaler in pixels: its result, 16 times that, is held in memory as bytes (123 MB)."""


def upscaler_engine(backend: str, state: EngineState = EngineState.READY, detail: str = "") -> Engine:
    """The ×4 network as an engine of its own, for any picture."""
    return Engine(
        id=UPSCALER_ID,
        label="Fast upscale ×4",
        backend=backend,
        queue=backend,
        modes=(Mode.UPSCALING,),
        inputs=(MediaInput("image", "Picture", max_pixels=UPSCALER_MAX_PIXELS),),
        price=PriceTable(PRICE_VERSION, per_image=500),
        description="Makes a picture four times as wide and high in a second or two, with clean edges. Best for drawings.",
        knows="It sharpens edges and keeps flat colours flat; it adds no detail that is not there. Up to 1600 × 1600 pixels go in.",
        local=True,
        state=state,
        state_detail=detail,
    )
