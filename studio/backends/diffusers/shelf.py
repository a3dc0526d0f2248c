"""Which weights are in memory: a few models, and the least recently used leaves first."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from studio.backends.diffusers.devices import free_memory
from studio.backends.diffusers.pipelines import Weights
from studio.backends.errors import OutOfMemory

_BUDGET = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(MB|GB)\s*", re.IGNORECASE)


def parse_limit(value: object) -> tuple[int | None, int | None]:
    """Read MAX_LOADED: a number of models, or memory such as "12GB" (10⁹ bytes). Returns (models, bytes). Raises ValueError."""
    text = str(value).strip()
    if text.isdecimal() and int(text) >= 1:
        return int(text), None
    if match := _BUDGET.fullmatch(text):
        return None, int(float(match[1]) * (10**9 if match[2].upper() == "GB" else 10**6))
    raise ValueError(f"MAX_LOADED must be a number of models from 1, or memory such as “12GB”, not {value!r}.")


class Shelf:
    """Loaded models by id, least recently used first. `resident` ones always stay (Storybook: 40 MB) and do not count."""

    def __init__(self, limit: object = 2, *, resident: frozenset[str] = frozenset()) -> None:
        self.max_models, self.max_bytes = parse_limit(limit)
        self._resident = resident
        self._loaded: OrderedDict[str, Weights] = OrderedDict()
        self._lock = threading.RLock()

    def ids(self) -> list[str]:
        return list(self._loaded)

    @contextmanager
    def use(self, model_id: str, fingerprint: str, load: Callable[[], Weights]) -> Iterator[Weights]:
        """The weights of a model, for one user at a time."""
        while True:
            weights = self.get(model_id, fingerprint, load)
            with weights.lock:
                if weights.base is None:  # left memory between the two lines above
                    continue
                yield weights
                return

    def get(self, model_id: str, fingerprint: str, load: Callable[[], Weights]) -> Weights:
        """The weights of a model, loaded when they are not there or their files have changed.

        Room is made before a load by what the limits say, and after one that ran out of memory by everything that can leave.
        """
        with self._lock:
            weights = self._loaded.get(model_id)
            if weights and weights.folder.fingerprint == fingerprint:
                self._loaded.move_to_end(model_id)
                return weights
            if weights:
                self.drop(model_id)
            if model_id not in self._resident:
                self._make_room()
            try:
                weights = load()
            except OutOfMemory:
                if not self.drop_all():
                    raise
                weights = load()
            self._loaded[model_id] = weights
            self._trim(keep=model_id)
            return weights

    def drop(self, model_id: str) -> None:
        """Let a model go once nobody uses it."""
        with self._lock:
            weights = self._loaded.pop(model_id, None)
        if weights:
            with weights.lock:
                weights.release()
            free_memory()

    def drop_all(self) -> bool:
        """Let every model go that is not resident; whether there was one."""
        leaving = [model_id for model_id in self._loaded if model_id not in self._resident]
        for model_id in leaving:
            self.drop(model_id)
        return bool(leaving)

    def _counted(self) -> list[str]:
        return [model_id for model_id in self._loaded if model_id not in self._resident]

    def _make_room(self) -> None:
        while self.max_models is not None and len(self._counted()) >= self.max_models:
            self.drop(self._counted()[0])

    def _trim(self, *, keep: str) -> None:
        """Keep to the budget of bytes, which is known only after a load; the newest stays even when it alone is over."""
        if self.max_bytes is None:
            return
        while sum(self._loaded[i].size_in_bytes for i in self._counted()) > self.max_bytes:
            oldest = next((i for i in self._counted() if i != keep), None)
            if oldest is None:
                return
            self.drop(oldest)
