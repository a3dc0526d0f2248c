"""The operator's file of models: TOML, read again when it changes, every mistake a sentence.

[[model]]
id = "sdxl"                        # in addresses and rows; letters, digits, dots, dashes
label = "Stable Diffusion XL"      # what people see
path = "/models/sdxl"              # a folder (relative to this file) or a hub id such as "stabilityai/sdxl-base"
revision = "main"                  # hub ids only: branch, tag or commit
dtype = "auto"                     # auto, float32, float16, bfloat16
device = "auto"                    # auto, cpu, cuda, cuda:1, mps
price = 1.5                        # credits per picture
description = "…"                  # one sentence for the people who pick it
examples = ["…"]                   # prompts that show what it can do
batch_limit = 4                    # pictures in one run
[model.defaults]
num_inference_steps = 30
guidance_scale = 5.0
scheduler = "DPM++ 2M Karras"
width = 1024
height = 1024
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from studio.backends.base import MILLICREDITS

DTYPES = ("auto", "float32", "float16", "bfloat16")
MAX_BATCH = 64
MAX_STEPS = 100
_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")
_DEVICE = re.compile(r"auto|cpu|mps|cuda(:\d+)?")
_KINDS = {str: "text", int: "a whole number", Decimal: "a number", list: "a list", dict: "a table"}
_DEFAULTS: dict[str, type] = {
    "num_inference_steps": int,
    "guidance_scale": Decimal,
    "scheduler": str,
    "width": int,
    "height": int,
}
_KEYS: dict[str, type] = {
    "id": str,
    "label": str,
    "path": str,
    "revision": str,
    "dtype": str,
    "device": str,
    "price": Decimal,
    "description": str,
    "examples": list,
    "batch_limit": int,
    "defaults": dict,
}


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """One model as the operator named it.

    Exactly one of `folder` and `hub_id` is set. `price` is millicredits per picture. `upscaler` is the folder of a ×4 network that
    makes the last step, `positions` a file that gives the model a left and a right (both for the built-in engine only). `mistake` is
    the first thing wrong with the entry, and such a model never runs.
    """

    id: str
    label: str
    folder: Path | None = None
    hub_id: str = ""
    revision: str = "main"
    dtype: str = "auto"
    device: str = "auto"
    price: int = MILLICREDITS
    description: str = ""
    examples: tuple[str, ...] = ()
    batch_limit: int = 4
    num_inference_steps: int | None = None
    guidance_scale: float | None = None
    scheduler: str | None = None
    width: int | None = None
    height: int | None = None
    upscaler: Path | None = None
    positions: Path | None = None
    mistake: str = ""


@dataclass(frozen=True, slots=True)
class ModelsFile:
    """What a file of models says, and what is wrong with it, each a sentence that names the model."""

    models: tuple[ModelConfig, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(slots=True)
class _Entry:
    """One `[[model]]` table while it is read; `mistakes` collects sentences."""

    table: Mapping[str, Any]
    mistakes: list[str] = field(default_factory=list)

    def take(self, key: str, kind: type, default: Any = None) -> Any:
        return _take(self.table, key, kind, default, self.mistakes)


def read_models(path: Path, *, taken: frozenset[str] = frozenset()) -> ModelsFile:
    """Read a TOML file of models. `taken` are ids that other engines have. Never raises: what is wrong is in `problems`.

    No file is no mistake: the studio names one that an operator may write.
    """
    try:
        data = tomllib.loads(path.read_text("utf-8"), parse_float=Decimal)
    except FileNotFoundError:
        return ModelsFile()  # an operator who names a file that is not there hears of it from studio.checks
    except (OSError, UnicodeDecodeError) as error:
        return ModelsFile(problems=(f"The file of models {path} cannot be read: {type(error).__name__}.",))
    except tomllib.TOMLDecodeError as error:
        return ModelsFile(problems=(f"{path} is not valid TOML: {error}.",))
    problems = [f"{path.name}: unknown key “{key}”; models are written as [[model]]." for key in data if key != "model"]
    tables = data.get("model", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        return ModelsFile(problems=(*problems, f"{path.name}: models are written as [[model]], with two brackets."))
    models: list[ModelConfig] = []
    seen = set(taken)
    for number, table in enumerate(tables, 1):
        model, mistakes = _model(table, path.parent)
        name = f"model “{model.id}”" if model else f"model number {number}"
        if model and model.id in seen:
            mistakes.append("this id is already taken.")
            model = None
        problems += [f"{path.name}, {name}: {mistake}" for mistake in mistakes]
        if model:
            seen.add(model.id)
            models.append(model)
    return ModelsFile(tuple(models), tuple(problems))


def _model(table: Mapping[str, Any], base: Path) -> tuple[ModelConfig | None, list[str]]:
    """Read one entry. Without a usable id there is no model to show, only sentences."""
    entry = _Entry(table)
    mistakes = entry.mistakes
    model_id = entry.take("id", str, "")
    if not _ID.fullmatch(model_id):
        mistakes.append("id is missing or is not made of small letters, digits, dots and dashes.")
        return None, mistakes
    mistakes += [f"unknown key “{key}”; known are {', '.join(_KEYS)}." for key in table if key not in _KEYS]
    values = {
        "label": entry.take("label", str, model_id),
        "revision": entry.take("revision", str, "main"),
        "dtype": _one_of(entry, "dtype", DTYPES),
        "device": _device(entry),
        "price": _price(entry),
        "description": entry.take("description", str, ""),
        "examples": _examples(entry),
        "batch_limit": _whole(entry.table, "batch_limit", 4, 1, MAX_BATCH, mistakes),
        **_place(entry, base),
        **_defaults(entry),
    }
    return ModelConfig(id=model_id, mistake=mistakes[0] if mistakes else "", **values), mistakes


def _take(table: Mapping[str, Any], key: str, kind: type, default: Any, mistakes: list[str]) -> Any:
    value = table.get(key, default)
    if key not in table:
        return value
    if kind is Decimal and isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    if not isinstance(value, kind) or isinstance(value, bool):
        mistakes.append(f"{key} must be {_KINDS[kind]}, not {value!r}.")
        return default
    return value


def _whole(table: Mapping[str, Any], key: str, default: int | None, low: int, high: int, mistakes: list[str]) -> int | None:
    value: int | None = _take(table, key, int, default, mistakes)
    if value is not None and not low <= value <= high:
        mistakes.append(f"{key} must be from {low} to {high}, not {value}.")
        return default
    return value


def _one_of(entry: _Entry, key: str, allowed: tuple[str, ...]) -> str:
    value: str = entry.take(key, str, allowed[0])
    if value not in allowed:
        entry.mistakes.append(f"{key} must be one of {', '.join(allowed)}, not {value!r}.")
        return allowed[0]
    return value


def _device(entry: _Entry) -> str:
    value: str = entry.take("device", str, "auto")
    if not _DEVICE.fullmatch(value):
        entry.mistakes.append(f"device must be auto, cpu, cuda, cuda:1 (or another number) or mps, not {value!r}.")
        return "auto"
    return value


def _price(entry: _Entry) -> int:
    """Credits with decimals become integer millicredits; free or negative pictures are a mistake."""
    millicredits = entry.take("price", Decimal, Decimal(1)) * MILLICREDITS
    if not millicredits.is_finite() or millicredits <= 0 or millicredits != millicredits.to_integral_value():
        entry.mistakes.append("price must be more than 0 credits, with at most three decimals.")
        return MILLICREDITS
    return int(millicredits)


def _examples(entry: _Entry) -> tuple[str, ...]:
    values = entry.take("examples", list, [])
    if not all(isinstance(value, str) for value in values):
        entry.mistakes.append("examples must be a list of texts.")
        return ()
    return tuple(values)


def _place(entry: _Entry, base: Path) -> dict[str, Any]:
    """Tell a folder from a hub id: what exists beside the file or looks like a path is a folder."""
    text = entry.take("path", str, "")
    if not text:
        entry.mistakes.append("path is missing: name a folder or a hub id.")
        return {"folder": base / "missing"}
    folder = (base / Path(text).expanduser()).resolve()
    looks_like_path = text.startswith(("/", ".", "~")) or "\\" in text or text.count("/") > 1
    if folder.exists() or looks_like_path or not _HUB_ID.fullmatch(text):
        return {"folder": folder}
    return {"hub_id": text}


def _defaults(entry: _Entry) -> dict[str, Any]:
    table = entry.take("defaults", dict, {})
    mistakes = entry.mistakes
    mistakes += [f"unknown default “{key}”; known are {', '.join(_DEFAULTS)}." for key in table if key not in _DEFAULTS]
    guidance = _take(table, "guidance_scale", Decimal, None, mistakes)
    if guidance is not None and not 0 <= guidance <= 30:
        mistakes.append(f"guidance_scale must be from 0 to 30, not {guidance}.")
        guidance = None
    return {
        "num_inference_steps": _whole(table, "num_inference_steps", None, 1, MAX_STEPS, mistakes),
        "guidance_scale": None if guidance is None else float(guidance),
        "scheduler": _take(table, "scheduler", str, None, mistakes),
        "width": _whole(table, "width", None, 64, 4096, mistakes),
        "height": _whole(table, "height", None, 64, 4096, mistakes),
    }
