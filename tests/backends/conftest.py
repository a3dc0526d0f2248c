"""A runner with the real Storybook, loaded once; requests, and how to look at what they gave."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from studio.backends.base import GeneratedMedia, GenerationRequest, Mode, Progress
from studio.backends.diffusers import DiffusersBackend, devices
from tests.backends import tiny_models

devices.prepare()  # before anything imports torch: its threads must not spin on a machine that runs other tests


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Diffusers 0.42 hands tensors to numpy in a way that numpy 2 warns of, dozens of times; it is not ours to mend."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("ignore:__array:DeprecationWarning"))


@pytest.fixture(autouse=True)
def own_files() -> None:
    """Nothing here touches media or caches of the studio."""


@pytest.fixture(scope="session")
def runner(tmp_path_factory: pytest.TempPathFactory) -> DiffusersBackend:
    """The backend as the studio configures it, with Storybook loaded."""
    backend = DiffusersBackend("diffusers", {"DATA_DIR": tmp_path_factory.mktemp("runner")})
    backend.warm_up()
    return backend


class Folders(dict[str, Path]):
    """Folders of small models, each written when it is first asked for."""

    def __init__(self, base: Path) -> None:
        super().__init__()
        self.base = base

    def __missing__(self, name: str) -> Path:
        self[name] = tiny_models.save(name, self.base / name)
        return self[name]


@pytest.fixture(scope="session")
def model_folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Small models with random weights in the layout of three families: "sd", "sdxl" and "sd3"."""
    return Folders(tmp_path_factory.mktemp("models"))


@pytest.fixture
def operator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., DiffusersBackend]]:
    """Make a backend from the text of a file of models, with its own data folder (the same one in every call of a test)."""
    monkeypatch.setattr("studio.backends.diffusers.previews._FIT_SECONDS", 0)  # the fewest swatches: these models draw noise

    def make(toml: str, **options: Any) -> DiffusersBackend:
        file = tmp_path / "models.toml"
        file.write_text(toml, "utf-8")
        return DiffusersBackend("diffusers", {"MODELS_FILE": file, "DATA_DIR": tmp_path / "data", "STORYBOOK": False, **options})

    yield make
    devices.free_memory()


def request(prompt: str = "a red house on the hills", *, engine: str = "storybook", **settings: Any) -> GenerationRequest:
    """A text-to-image request of few steps."""
    usual = {"mode": Mode.TEXT_TO_IMAGE, "seed": 7, "num_inference_steps": 6}
    return GenerationRequest(engine=engine, prompt=prompt, **{**usual, **settings})


def generate(backend: DiffusersBackend, wanted: GenerationRequest) -> list[GeneratedMedia]:
    """Run a request that nobody watches or cancels."""
    return backend.generate(wanted, on_progress=lambda progress: None, is_canceled=lambda: False)


def generate_batch(backend: DiffusersBackend, wanted: list[GenerationRequest]) -> list[Any]:
    return backend.generate_batch(wanted, on_progress=lambda place, progress: None, is_canceled=lambda place: False)


def picture(media: GeneratedMedia) -> Image.Image:
    """Decode a result."""
    return Image.open(io.BytesIO(media.data)).convert("RGB")


def png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def difference(one: Image.Image, other: Image.Image) -> tuple[int, float]:
    """Largest and mean difference of two pictures of one size, in levels of 255."""
    import numpy

    gap = numpy.abs(numpy.asarray(one.convert("RGB"), int) - numpy.asarray(other.convert("RGB"), int))
    return int(gap.max()), float(gap.mean())


class Watcher:
    """Keeps what a run told; cancels the requests at `cancel` once `after` steps were seen."""

    def __init__(self, *, cancel: set[int] | None = None, after: int = 0) -> None:
        self.seen: dict[int, list[Progress]] = {}
        self.cancel, self.after = cancel or set(), after

    def on_progress(self, place: int, progress: Progress) -> None:
        self.seen.setdefault(place, []).append(progress)

    def is_canceled(self, place: int) -> bool:
        return place in self.cancel and len(self.seen.get(place, [])) >= self.after
