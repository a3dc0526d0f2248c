"""3D models from one picture, as GLB (`stability/API.md` 2.10)."""

from __future__ import annotations

from studio.backends.base import MediaInput, Mode, Parameter
from studio.backends.stability.engines.records import Record, Service
from studio.backends.stability.engines.settings import credits, engine, number, whole

PATH = "/v2beta/3d/"
ANYTHING = "*/*"
"""There is no Accept to choose from: the answer is always GLB."""
PICTURE = MediaInput("image", "Picture", min_side=64, min_pixels=4096, max_pixels=4_194_304)
TEXTURE = Parameter("texture_resolution", "Texture", "choice", "1024", choices=("512", "1024", "2048"), advanced=False)
REMESH = Parameter("remesh", "Remesh", "choice", "none", choices=("none", "triangle", "quad"))
FRAME = "How much of the frame the thing fills."

STABLE_FAST_3D = Record(
    engine(
        "stable-fast-3d",
        "Stable Fast 3D",
        (Mode.IMAGE_TO_3D,),
        credits(10, noun="model"),
        description="A textured model in seconds.",
        parameters=(
            TEXTURE,
            number("foreground_ratio", "Size in the frame", 0.85, 0.1, 1, help=FRAME),
            REMESH,
            whole("vertex_count", "Vertices at most", -1, -1, 20000, help="-1: no limit."),
        ),
        inputs=(PICTURE,),
        max_seed=None,
        seconds_per_image=5,
    ),
    {Mode.IMAGE_TO_3D: Service(f"{PATH}stable-fast-3d", accept=ANYTHING)},
)

POINT_AWARE_3D = Record(
    engine(
        "stable-point-aware-3d",
        "Stable Point Aware 3D",
        (Mode.IMAGE_TO_3D,),
        credits(4, noun="model"),
        description="Better at the back of things.",
        parameters=(
            TEXTURE,
            number("foreground_ratio", "Margin around it", 1.3, 1, 2, help=FRAME),
            REMESH,
            Parameter("target_type", "Limit", "choice", "none", choices=("none", "vertex", "face")),
            whole("target_count", "Limit to", 1000, 100, 20000),
            number("guidance_scale", "Guidance", 3, 1, 10, 0.5),
        ),
        inputs=(PICTURE,),
        seconds_per_image=8,
    ),
    {Mode.IMAGE_TO_3D: Service(f"{PATH}stable-point-aware-3d", accept=ANYTHING)},
)

RECORDS = (STABLE_FAST_3D, POINT_AWARE_3D)
