"""The models on offer, read again only when a file has changed: the web process asks for them on every page."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

from studio.backends.base import Engine, EngineState
from studio.backends.diffusers import builtin, devices, hub
from studio.backends.diffusers.capabilities import Described, describe
from studio.backends.diffusers.config import ModelConfig, ModelsFile, read_models
from studio.backends.diffusers.folders import FolderProblem
from studio.backends.diffusers.records import Record, Records
from studio.backends.diffusers.upscaler import inspect_upscaler

Stamp = tuple[object, ...]
NOT_INSTALLED = "The local runner's libraries are not installed on this machine."


class Catalog:
    """Storybook and the operator's models, each described from its folder."""

    def __init__(self, backend: str, *, models_file: Path | None, data_dir: Path | None, storybook: bool) -> None:
        self.backend = backend
        self.models_file = models_file
        self.storybook = storybook
        self.records = Records(data_dir)
        self._file: tuple[Stamp, ModelsFile] = ((), ModelsFile())
        self._described: tuple[Stamp, tuple[Described, ...]] = ((), ())
        self._engines: tuple[Engine, ...] = ()
        self._lock = threading.Lock()

    def engines(self) -> tuple[Engine, ...]:
        """Storybook first, then the operator's models in the order of the file, then the upscaler."""
        self.described()
        return self._engines

    def problems(self) -> tuple[str, ...]:
        """Sentences for the operator, with paths."""
        models = [f"Model “{d.config.id}”: {d.problem}" for d in self.described() if d.problem]
        return (*self._read().problems, *models)

    def find(self, model_id: str) -> Described | None:
        return next((described for described in self.described() if described.config.id == model_id), None)

    def described(self) -> tuple[Described, ...]:
        """Every model, as its files are now."""
        with self._lock:
            configs = self._configs()
            stamp: Stamp = (configs, self.records.stamp(), *(_stamp(config) for config in configs))
            if stamp != self._described[0]:
                described = tuple(self.describe(config) for config in configs)
                upscaler = (self._upscaler(),) if self.storybook else ()
                self._engines = (*(one.engine for one in described), *upscaler)
                self._described = (stamp, described)
            return self._described[1]

    def describe(self, config: ModelConfig) -> Described:
        """One model, read now."""
        described = describe(config, self.backend, self.records)
        if described.engine.state in (EngineState.READY, EngineState.STARTING) and not self._runs():
            engine = described.engine.in_state(EngineState.NOT_INSTALLED, NOT_INSTALLED)
            return Described(config, engine, described.folder)
        return described

    def _runs(self) -> bool:
        """Whether this machine has the libraries, or a worker elsewhere has shown that it has."""
        return devices.installed() or self.records.runner() is not None

    def _configs(self) -> tuple[ModelConfig, ...]:
        built_in = (builtin.STORYBOOK,) if self.storybook else ()
        return (*built_in, *self._read().models)

    def _read(self) -> ModelsFile:
        """The operator's file, read again when its time or size has changed."""
        if self.models_file is None:
            return ModelsFile()
        stamp: Stamp = tuple(_times(self.models_file))
        if stamp != self._file[0] or not stamp:
            taken = frozenset({builtin.STORYBOOK_ID, builtin.UPSCALER_ID})
            self._file = (stamp, read_models(self.models_file, taken=taken))
        return self._file[1]

    def _upscaler(self) -> Engine:
        try:
            inspect_upscaler(builtin.FOLDER / "upscaler")
        except FolderProblem as problem:
            return builtin.upscaler_engine(self.backend, EngineState.BROKEN, problem.sentence)
        if not self._runs():
            return builtin.upscaler_engine(self.backend, EngineState.NOT_INSTALLED, NOT_INSTALLED)
        return builtin.upscaler_engine(self.backend)

    def note(self, described: Described, record: Record) -> None:
        """Keep what the worker found out about a model."""
        self.records.write(described.config.id, record)


def _stamp(config: ModelConfig) -> Stamp:
    """Changes when a model's files do: times of its folder and of what lies directly in it."""
    if config.hub_id:
        folder = hub.cached(config.hub_id, config.revision)
        return (hub.offline(), *_times(hub.reference(config.hub_id, config.revision)), *(_tree(folder) if folder else ()))
    assert config.folder is not None
    return (*_tree(config.folder), *(_tree(config.upscaler) if config.upscaler else ()))


def _tree(folder: Path) -> Iterator[object]:
    yield from _times(folder)
    try:
        with os.scandir(folder) as entries:
            for entry in sorted(entries, key=lambda one: one.name):
                stat = entry.stat()
                yield entry.name, stat.st_mtime_ns, stat.st_size
    except OSError:
        return


def _times(path: Path) -> Iterator[object]:
    try:
        stat = path.stat()
    except OSError:
        return
    yield stat.st_mtime_ns
    yield stat.st_size
