"""What a picture seems to be, by an image classifier in a local folder (transformers format, safetensors, no code of its own).

The preprocessing is what `preprocessor_config.json` says of size, mean and deviation: transformers' own needs torchvision, which the studio
has no other use for.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from studio.backends.diffusers import devices
from studio.backends.errors import ModelUnusable

MAX_SIDE = 1024
"""Pixels; no classifier looks at more."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How a folder's pictures are prepared: `size` is width and height in pixels, `mean` and `deviation` of each channel in 0 to 1."""

    labels: tuple[str, ...]
    size: tuple[int, int]
    mean: tuple[float, ...]
    deviation: tuple[float, ...]


def inspect(folder: Path) -> Reading:
    """Read a classifier's folder without torch. Raises `ModelUnusable` with a sentence on what is wrong with it."""
    if not any(folder.glob("*.safetensors")):
        raise ModelUnusable(f"{folder} has no weights (*.safetensors).")
    config, steps = _json(folder / "config.json"), _json(folder / "preprocessor_config.json")
    try:
        names = config["id2label"]
        labels = tuple(str(names[str(place)]) for place in range(len(names)))
        reading = Reading(labels, _size(steps.get("size", 224)), _three(steps, "image_mean"), _three(steps, "image_std"))
    except (KeyError, TypeError, ValueError):
        raise ModelUnusable(f"{folder} is no image classifier: labels or sizes are missing in its JSON files.") from None
    if not labels or not all(1 <= side <= MAX_SIDE for side in reading.size) or not all(reading.deviation):
        raise ModelUnusable(f"{folder} is no image classifier that can be used: it has no labels, or a size that makes no sense.")
    return reading


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        raise ModelUnusable(f"{path} is missing or broken.") from None
    if not isinstance(found, dict):
        raise ModelUnusable(f"{path} is missing or broken.")
    return found


def _size(given: Any) -> tuple[int, int]:
    """Width and height: a number, {"shortest_edge": …} or {"height": …, "width": …}."""
    if not isinstance(given, dict):
        return int(given), int(given)
    if "shortest_edge" in given:
        return int(given["shortest_edge"]), int(given["shortest_edge"])
    return int(given["width"]), int(given["height"])


def _three(steps: dict[str, Any], name: str) -> tuple[float, ...]:
    red, green, blue = steps.get(name, [0.5, 0.5, 0.5])
    return float(red), float(green), float(blue)


class Classifier:
    """Loaded when the first picture is looked at; for one thread at a time."""

    def __init__(self, folder: Path) -> None:
        """Raises `ModelUnusable`."""
        self.reading = inspect(folder)
        self._folder = folder
        self._model: Any = None

    def scores(self, picture: bytes) -> dict[str, float]:
        """The probability of each label, 0 to 1, in all 1. `picture` is a file that Pillow reads. Raises `ModelUnusable`, OSError."""
        torch = devices.import_torch()
        image = Image.open(io.BytesIO(picture)).convert("RGB").resize(self.reading.size, Image.Resampling.BICUBIC)
        values = torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8).reshape(image.height, image.width, 3).permute(2, 0, 1)
        mean, deviation = (torch.tensor(three).reshape(3, 1, 1) for three in (self.reading.mean, self.reading.deviation))
        with torch.inference_mode():
            logits = self._loaded()(pixel_values=((values.float() / 255 - mean) / deviation).unsqueeze(0)).logits[0]
        return {label: round(float(one), 4) for label, one in zip(self.reading.labels, logits.float().softmax(-1), strict=True)}

    def _loaded(self) -> Any:
        if self._model is None:
            from transformers import AutoModelForImageClassification

            try:
                model = AutoModelForImageClassification.from_pretrained(
                    self._folder, local_files_only=True, trust_remote_code=False, use_safetensors=True
                )
            except Exception as error:  # whatever the library stumbles over in a folder from outside
                raise ModelUnusable(f"{self._folder} cannot be loaded ({type(error).__name__}).") from error
            self._model = model.eval()
        return self._model
