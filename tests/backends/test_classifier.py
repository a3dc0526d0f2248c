"""A classifier of a few thousand weights in the layout of real ones, made to see what a test wants."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from studio.backends.diffusers import devices
from studio.backends.diffusers.classifier import Classifier, inspect
from studio.backends.errors import ModelUnusable
from tests.factories import draw


def save_classifier(folder: Path, *, sees: str = "nsfw") -> Path:
    """Write a classifier that finds `sees` in whatever it is shown."""
    torch = devices.import_torch()
    from transformers import ViTConfig, ViTForImageClassification

    labels = ("normal", "nsfw")
    config = ViTConfig(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        image_size=32,
        patch_size=16,
        id2label=dict(enumerate(labels)),
        label2id={label: place for place, label in enumerate(labels)},
    )
    model = ViTForImageClassification(config)
    with torch.no_grad():
        model.classifier.weight.zero_()
        model.classifier.bias.copy_(torch.tensor([4.0 if label == sees else 0.0 for label in labels]))
    model.save_pretrained(folder, safe_serialization=True)
    steps = {"size": {"height": 32, "width": 32}, "image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    (folder / "preprocessor_config.json").write_text(json.dumps(steps), "utf-8")
    return folder


def test_it_says_how_likely_each_label_is(tmp_path: Path) -> None:
    scores = Classifier(save_classifier(tmp_path)).scores(draw(90, 40, mime="image/webp"))
    assert scores == {"normal": pytest.approx(0.018, abs=1e-4), "nsfw": pytest.approx(0.982, abs=1e-4)}


def test_a_file_that_is_no_picture_is_the_callers_to_hear_of(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="cannot identify"):
        Classifier(save_classifier(tmp_path)).scores(b"not a picture")


def change(folder: Path, name: str, **values: Any) -> None:
    path = folder / name
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | values), "utf-8")


def test_what_is_wrong_with_a_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(ModelUnusable, match="has no weights"):
        inspect(tmp_path / "nowhere")
    folder = save_classifier(tmp_path)
    for name, values, sentence in (
        ("config.json", {"id2label": None}, "is no image classifier"),
        ("config.json", {"id2label": {}}, "no labels"),
        ("config.json", {"id2label": {"0": "normal", "1": "nsfw"}}, ""),
        ("preprocessor_config.json", {"size": {"height": 32}}, "is no image classifier"),
        ("preprocessor_config.json", {"size": 100_000}, "a size that makes no sense"),
        ("preprocessor_config.json", {"size": 32, "image_std": [0, 0, 0]}, "makes no sense"),
    ):
        change(folder, name, **values)
        if sentence:
            with pytest.raises(ModelUnusable, match=sentence):
                inspect(folder)
    (folder / "config.json").write_text("[", "utf-8")
    with pytest.raises(ModelUnusable, match="missing or broken"):
        inspect(folder)


def test_code_in_a_folder_never_runs(tmp_path: Path) -> None:
    folder = save_classifier(tmp_path)
    (folder / "evil.py").write_text("raise SystemExit('ran')\n", "utf-8")
    change(folder, "config.json", model_type="evil", auto_map={"AutoConfig": "evil.C", "AutoModelForImageClassification": "evil.M"})
    with pytest.raises(ModelUnusable, match="cannot be loaded"):
        Classifier(folder).scores(draw())
