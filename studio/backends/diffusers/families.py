"""Pipeline classes that the runner knows: what else their weights can do, and the defaults of their `__call__`.

Read from `diffusers/pipelines/auto_pipeline.py` and the signatures of diffusers 0.42; a test compares this table with the library.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Prediction = Literal["diffusion", "flow", "own"]
"""Which schedulers fit: the Karras-compatible ones, flow matching, or only the one in the folder (a distilled model)."""


@dataclass(frozen=True, slots=True)
class Family:
    """One pipeline class.

    `patch` × the autoencoder's factor is the grid that widths and heights must lie on; `native` is the picture side in pixels when the
    folder does not say. `guidance` names the argument that guidance goes to. `weighs`: its text encoders are CLIP's alone, so that
    `weighting` can weigh what they read.
    """

    text_to_image: str
    image_to_image: str | None = None
    inpainting: str | None = None
    prediction: Prediction = "diffusion"
    steps: int = 30
    guidance_scale: float = 7.5
    negative_prompt: bool = True
    guidance: str = "guidance_scale"
    patch: int = 1
    native: int = 1024
    weighs: bool = False


FAMILIES = {
    family.text_to_image: family
    for family in (
        Family("StableDiffusionPipeline", "StableDiffusionImg2ImgPipeline", "StableDiffusionInpaintPipeline", native=512, weighs=True),
        Family(
            "StableDiffusionXLPipeline",
            "StableDiffusionXLImg2ImgPipeline",
            "StableDiffusionXLInpaintPipeline",
            guidance_scale=5.0,
            weighs=True,
        ),
        Family(
            "StableDiffusion3Pipeline",
            "StableDiffusion3Img2ImgPipeline",
            "StableDiffusion3InpaintPipeline",
            prediction="flow",
            steps=28,
            guidance_scale=7.0,
            patch=2,
        ),
        Family(
            "FluxPipeline",
            "FluxImg2ImgPipeline",
            "FluxInpaintPipeline",
            prediction="flow",
            steps=28,
            guidance_scale=3.5,
            negative_prompt=False,
            patch=2,
        ),
        Family(
            "QwenImagePipeline",
            "QwenImageImg2ImgPipeline",
            "QwenImageInpaintPipeline",
            prediction="flow",
            steps=50,
            guidance_scale=4.0,
            guidance="true_cfg_scale",
            patch=2,
        ),
        Family(
            "ZImagePipeline", "ZImageImg2ImgPipeline", "ZImageInpaintPipeline", prediction="flow", steps=50, guidance_scale=5.0, patch=2
        ),
        Family(
            "LatentConsistencyModelPipeline",
            "LatentConsistencyModelImg2ImgPipeline",
            prediction="own",
            steps=4,
            guidance_scale=8.5,
            negative_prompt=False,
            native=768,
            weighs=True,
        ),
        Family("PixArtAlphaPipeline", steps=20, guidance_scale=4.5, patch=2),
        Family("PixArtSigmaPipeline", steps=20, guidance_scale=4.5, patch=2),
        Family("HunyuanDiTPipeline", steps=50, guidance_scale=5.0, patch=2),
        Family("SanaPipeline", prediction="flow", steps=20, guidance_scale=4.5),
        Family("AuraFlowPipeline", prediction="flow", steps=50, guidance_scale=3.5, patch=2),
        Family("Lumina2Pipeline", prediction="flow", steps=30, guidance_scale=4.0, patch=2),
        Family("CogView4Pipeline", prediction="flow", steps=50, guidance_scale=5.0, patch=2),
        Family("ChromaPipeline", prediction="flow", steps=35, guidance_scale=5.0, patch=2),
        Family("Kandinsky3Pipeline", "Kandinsky3Img2ImgPipeline", steps=25, guidance_scale=3.0),
    )
}
