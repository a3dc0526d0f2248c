"""The web process lists engines on every page: that must not bring torch and its relatives into its memory."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = """
import json, sys
from studio.backends.diffusers import DiffusersBackend
from studio.backends.null import NullBackend

local = DiffusersBackend("diffusers", {"MODELS_FILE": sys.argv[1], "DATA_DIR": sys.argv[2]})
found = [engine.id for backend in (local, NullBackend("null", {"ENABLED": True})) for engine in backend.engines()]
heavy = sorted({"torch", "diffusers", "transformers", "numpy", "safetensors", "huggingface_hub", "PIL._avif"} & set(sys.modules))
print(json.dumps({"engines": found, "problems": len(local.problems()), "heavy": heavy}))
"""


def test_engines_are_listed_without_torch(tmp_path: Path, model_folders: dict[str, Path]) -> None:
    file = tmp_path / "models.toml"
    file.write_text(f'[[model]]\nid = "sd"\npath = "{model_folders["sd"]}"\n[[model]]\nid = "far"\npath = "org/far"\n', "utf-8")
    done = subprocess.run([sys.executable, "-c", SCRIPT, file, tmp_path / "data"], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == {"engines": ["storybook", "sd", "far", "storybook-upscale", "null"], "problems": 0, "heavy": []}
