"""The UNet, its attention for training on a CPU, and the export as a pipeline folder."""

import copy
from pathlib import Path

import text
import torch
from diffusers import AutoencoderKL, DPMSolverMultistepScheduler, StableDiffusionPipeline, UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor2_0
from transformers import CLIPTextModel, CLIPTokenizer

SCHEDULE = {
    "num_train_timesteps": 1000,
    "beta_start": 0.00085,
    "beta_end": 0.02,
    "beta_schedule": "scaled_linear",
    "prediction_type": "v_prediction",
}


def build_unet(channels: tuple[int, ...] = (128, 160), layers: int = 1, mid: bool = True) -> UNet2DConditionModel:
    """Two levels (16x16 and 8x8) with attention to the words at both, so that objects are drawn where words can reach them.

    `mid` adds a middle block at 8x8.  Nothing in this UNet is told where a cell is; it learns that from the zero padding
    of its convolutions, layer by layer from the border.  The middle block lets that knowledge cross the whole 8x8 grid
    before words are looked up, which "left" and "right" need.
    """
    return UNet2DConditionModel(
        sample_size=16,
        in_channels=16,
        out_channels=16,
        block_out_channels=tuple(channels),
        layers_per_block=layers,
        down_block_types=("CrossAttnDownBlock2D",) * 2,
        up_block_types=("CrossAttnUpBlock2D",) * 2,
        mid_block_type="UNetMidBlock2DCrossAttn" if mid else None,
        cross_attention_dim=text.WIDTH,
        attention_head_dim=tuple(c // 32 for c in channels),
        norm_num_groups=32,
        use_linear_projection=True,
    )


def load_unet(unet: UNet2DConditionModel, folder: str) -> None:
    """Copy exported weights into `unet`; a middle block that the export lacks starts as the identity.

    Raises ValueError when the two differ in anything else.
    """
    old = UNet2DConditionModel.from_pretrained(folder, subfolder="unet", dtype=torch.float32)
    missing, unexpected = unet.load_state_dict(old.state_dict(), strict=False)
    if unexpected or any(not name.startswith("mid_block.") for name in missing):
        raise ValueError(f"{folder} holds another UNet: missing {missing[:3]}, unexpected {unexpected[:3]}")
    if missing:
        last = [r.conv2 for r in unet.mid_block.resnets] + [t.proj_out for t in unet.mid_block.attentions]
        for layer in last:  # residual branches that end in zeros change nothing yet
            torch.nn.init.zeros_(layer.weight)
            torch.nn.init.zeros_(layer.bias)


class PlainAttention:
    """softmax(QK)V written out: with bfloat16 matrix units this trains faster on a CPU than the fused kernel."""

    def __call__(
        self, attn: torch.nn.Module, x: torch.Tensor, encoder_hidden_states: torch.Tensor | None = None, **_: object
    ) -> torch.Tensor:
        """(batch, cells, channels) in and out, as diffusers' attention processors."""
        context = x if encoder_hidden_states is None else encoder_hidden_states
        b, n, c = x.shape
        heads, width = attn.heads, c // attn.heads
        q, k, v = (
            t.view(b, -1, heads, width).transpose(1, 2).reshape(b * heads, -1, width)
            for t in (attn.to_q(x), attn.to_k(context), attn.to_v(context))
        )
        w = torch.bmm(q * width**-0.5, k.transpose(1, 2)).softmax(-1).to(v.dtype)
        o = torch.bmm(w, v).view(b, heads, n, width).transpose(1, 2).reshape(b, n, c)
        return attn.to_out[0](o)


def export(out: Path, vae: AutoencoderKL, tokenizer: CLIPTokenizer, unet: UNet2DConditionModel, encoder: CLIPTextModel) -> None:
    """Write a complete StableDiffusionPipeline folder in float16."""

    def half(m: torch.nn.Module) -> torch.nn.Module:
        return copy.deepcopy(m).to("cpu", torch.float16)

    unet = half(unet)
    unet.set_attn_processor(AttnProcessor2_0())
    scheduler = DPMSolverMultistepScheduler(
        **SCHEDULE, timestep_spacing="trailing", steps_offset=1, algorithm_type="dpmsolver++", solver_order=2, use_karras_sigmas=False
    )
    pipe = StableDiffusionPipeline(
        vae=half(vae),
        text_encoder=half(encoder),
        tokenizer=tokenizer,
        unet=unet,
        scheduler=scheduler,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipe.save_pretrained(out, safe_serialization=True)
    text.save_vocab_files(tokenizer, Path(out, "tokenizer"))
