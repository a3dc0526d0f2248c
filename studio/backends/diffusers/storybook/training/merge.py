"""Blend the weights of two exported pipelines of one family: SHARE of the new one, the rest of the old one.

A network that was trained on from the other lies in the same valley of the loss, so that the blend is often better than both
(Wortsman et al. 2022, arXiv 2109.01903).  Layers that only the new one has (the middle block) are taken from it whole.
"""

import argparse
from pathlib import Path

import nets
import torch
from diffusers import StableDiffusionPipeline


def blend(new: torch.nn.Module, old: torch.nn.Module, share: float) -> None:
    """Move the weights of `new` towards those of `old`, in place."""
    before = old.state_dict()
    new.load_state_dict({k: v * share + before[k] * (1 - share) if k in before else v for k, v in new.state_dict().items()})


def main() -> None:
    """Command line."""
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--new", default="final/model")
    ap.add_argument("--old", default="run/model")
    ap.add_argument("--share", type=float, default=0.75)
    ap.add_argument("--out", default="merged")
    a = ap.parse_args()
    new, old = (StableDiffusionPipeline.from_pretrained(folder, dtype=torch.float32) for folder in (a.new, a.old))
    blend(new.unet, old.unet, a.share)
    blend(new.text_encoder, old.text_encoder, a.share)
    nets.export(Path(a.out), new.vae, new.tokenizer, new.unet, new.text_encoder)


if __name__ == "__main__":
    main()
