"""What a model folder says about itself, read from its json files, without torch.

The checks here are those an operator can act on: each raises a `FolderProblem` whose sentence says what is wrong with which file. What
only shows when the weights are read is found by `loading`.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.backends.diffusers.families import FAMILIES, Family

_PICKLES = (".bin", ".ckpt", ".pt", ".pth", ".pkl")
_WEIGHT_STEMS = ("diffusion_pytorch_model", "model", "pytorch_model")
_NO_WEIGHTS = ("scheduler", "tokenizer", "feature_extractor", "image_processor")
_LIBRARIES = ("diffusers", "transformers", "stable_diffusion")


class FolderProblem(Exception):
    """A model folder cannot be used. The sentence names no path.

    `missing` tells an absent folder from a broken one; `incomplete` says that files are absent, as after a download that was cut off.
    """

    def __init__(self, sentence: str, *, missing: bool = False, incomplete: bool = False) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.missing = missing
        self.incomplete = incomplete


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder that can be loaded.

    `native` is (width, height) in pixels that the weights were made for, `grid` the number of pixels both must be a multiple of,
    `scheduler` its `scheduler_config.json`, `absent` the parts that it does without, `variant` the infix of its weight files ("fp16") or
    None. `fingerprint` changes when a file is replaced. `plain` is False for weights that take more than latents (an inpainting UNet),
    which serve one mode only.
    """

    path: Path
    family: Family
    native: tuple[int, int]
    grid: int
    scheduler: dict[str, Any]
    variant: str | None
    fingerprint: str
    plain: bool = True
    absent: frozenset[str] = frozenset()


def inspect(path: Path) -> Folder:
    """Read a model folder. Raises `FolderProblem`."""
    if not path.exists():
        raise FolderProblem("The model's folder does not exist.", missing=True)
    if not path.is_dir():
        raise FolderProblem("The model's path is a single file; the runner reads folders in the diffusers format.")
    if not (path / "model_index.json").is_file():
        raise FolderProblem("The model's folder has no model_index.json, so it is not in the diffusers format.")
    index = _json(path / "model_index.json")
    family = _family(index)
    parts = {name: value for name, value in index.items() if not name.startswith("_") and isinstance(value, list) and value}
    components = {name: value for name, value in parts.items() if value[0]}
    _refuse_code(path, components)
    variant = _variant(path, components)
    denoiser = _json(path / next(name for name in ("unet", "transformer", "prior") if name in components) / "config.json")
    factor = _scale_factor(_json(path / "vae" / "config.json")) if "vae" in components else 8
    scheduler = _json(path / "scheduler" / "scheduler_config.json")
    return Folder(
        path=path,
        family=family,
        native=_native(denoiser, family, factor),
        grid=factor * family.patch,
        scheduler=scheduler,
        variant=variant,
        fingerprint=fingerprint(path),
        absent=frozenset(name for name in parts if name not in components or not (path / name).is_dir()),
        plain="unet" not in components or denoiser.get("in_channels") == denoiser.get("out_channels"),
    )


def fingerprint(path: Path) -> str:
    """A short hash over names, sizes and times of the folder's files; cheap, reads no weights."""
    digest = hashlib.sha256()
    for file in sorted(path.rglob("*")):
        if file.is_file():
            stat = file.stat()
            digest.update(f"{file.relative_to(path)}|{stat.st_size}|{stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]


def _json(file: Path) -> dict[str, Any]:
    name = f"{file.parent.name}/{file.name}" if file.name != "model_index.json" else file.name
    try:
        data = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        raise FolderProblem(f"The model's folder has no {name}.", incomplete=True) from None
    except (ValueError, OSError):
        raise FolderProblem(f"The model's {name} is broken: it cannot be read as JSON.") from None
    if not isinstance(data, dict):
        raise FolderProblem(f"The model's {name} is broken: it holds no table.")
    return data


def _family(index: dict[str, Any]) -> Family:
    name = index.get("_class_name")
    if isinstance(name, list):
        raise FolderProblem("The model needs its own code to run, and the runner never runs code from a model's folder.")
    if name not in FAMILIES:
        raise FolderProblem(f"The model is a {name}, which is not a text-to-image pipeline that the runner knows.")
    return FAMILIES[name]


def _refuse_code(path: Path, components: dict[str, list[Any]]) -> None:
    if any(str(library).split(".")[0] not in _LIBRARIES for library, *_ in components.values()):
        raise FolderProblem("The model needs its own code to run, and the runner never runs code from a model's folder.")
    if "unet" not in components and "transformer" not in components:
        raise FolderProblem("The model's model_index.json names neither a unet nor a transformer.")
    for name in components:
        if not (path / name).is_dir() and name not in ("safety_checker", "feature_extractor"):
            raise FolderProblem(f"The model's folder has no {name}, although model_index.json names it.", incomplete=True)


def _variant(path: Path, components: dict[str, list[Any]]) -> str | None:
    """Check that every component has safetensors, and return the variant that all of them need."""
    variants = set()
    for name in components:
        if name.startswith(_NO_WEIGHTS) or not (path / name).is_dir():
            continue
        found = _weights(path / name, name)
        variants.add("" if "" in found else sorted(found)[0])
    needed = variants - {""}
    if len(needed) > 1:
        raise FolderProblem("The model's parts carry weights of different variants; keep one.")
    return needed.pop() if needed else None


def _weights(folder: Path, name: str) -> set[str]:
    """Variants of the safetensors in a component's folder; "" is the plain one."""
    found = set()
    for file in folder.glob("*.safetensors"):
        if not _is_whole(file):
            raise FolderProblem(f"The model's {name} is broken: {file.name} is cut off or is no safetensors file.")
        stem = file.name.removesuffix(".safetensors").split("-0")[0]
        for known in _WEIGHT_STEMS:
            if stem == known or stem.startswith(known + "."):
                found.add(stem.removeprefix(known).removeprefix("."))
    if not found:
        if any(file.suffix in _PICKLES for file in folder.iterdir()):
            raise FolderProblem(
                f"The model's {name} comes only as a pickle file, which can run code when it is opened; convert it to safetensors."
            )
        raise FolderProblem(f"The model's {name} has no safetensors weights.", incomplete=True)
    for index in folder.glob("*.safetensors.index*.json"):
        shards = _json(index).get("weight_map", {})
        if missing := sorted({str(shard) for shard in shards.values() if not (folder / str(shard)).is_file()}):
            raise FolderProblem(f"The model's {name} lacks {missing[0]}, so its download is not complete.", incomplete=True)
    return found


def _is_whole(file: Path) -> bool:
    """Whether a safetensors file is as long as its header says: 8 bytes with the header's length, the header (JSON), the tensors."""
    size = file.stat().st_size
    with file.open("rb") as opened:
        length = int.from_bytes(opened.read(8), "little")
        if length > size - 8:
            return False
        try:
            header = json.loads(opened.read(length))
            ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
        except (ValueError, KeyError, TypeError, AttributeError, IndexError):
            return False
    return bool(size == 8 + length + max(ends, default=0))


def _scale_factor(vae: dict[str, Any]) -> int:
    """Pixels per latent and side, as each autoencoder class counts them (`vae_scale_factor` in diffusers' pipelines)."""
    if isinstance(vae.get("encoder_block_out_channels"), list):
        return int(2 ** (len(vae["encoder_block_out_channels"]) - 1))
    if isinstance(vae.get("temperal_downsample"), list):
        return int(2 ** len(vae["temperal_downsample"]))
    if isinstance(vae.get("block_out_channels"), list):
        return int(2 ** (len(vae["block_out_channels"]) - 1))
    return 8


def _native(denoiser: dict[str, Any], family: Family, factor: int) -> tuple[int, int]:
    """Width and height that the weights were made for: the denoiser's sample size (rows × columns) × the autoencoder's factor."""
    size = denoiser.get("sample_size")
    if isinstance(size, int) and size > 0:
        return size * factor, size * factor
    if isinstance(size, list) and len(size) == 2 and all(isinstance(side, int) for side in size):
        return size[1] * factor, size[0] * factor
    return family.native, family.native
