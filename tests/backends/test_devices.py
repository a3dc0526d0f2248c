"""What a worker tells of the GPUs that it works on, without one in this machine: torch is played."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from studio.backends import registry
from studio.backends.base import Device
from studio.backends.diffusers import devices

GB = 1 << 30


class Cuda:
    """Two GPUs, of which this process holds memory on those `held`; whoever asks about another one takes some of its memory."""

    def __init__(self, held: tuple[int, ...] = (1,), *, available: bool = True, initialized: bool = True) -> None:
        self.held, self._available, self._initialized = held, available, initialized
        self.asked: list[int] = []

    def is_available(self) -> bool:
        return self._available

    def is_initialized(self) -> bool:
        return self._initialized

    def device_count(self) -> int:
        return 2

    def memory_reserved(self, number: int) -> int:
        return GB if number in self.held else 0

    def mem_get_info(self, number: int) -> tuple[int, int]:
        self.asked.append(number)
        return (number + 1) * GB, 80 * GB

    def get_device_name(self, number: int) -> str:
        return f"Card {number}"


@pytest.fixture
def torch(monkeypatch: pytest.MonkeyPatch) -> Any:
    def play(cuda: Cuda) -> Cuda:
        monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
        monkeypatch.setattr(devices, "_quiet", lambda: None)
        return cuda

    return play


def test_a_gpu_that_the_process_works_on_is_told_and_no_other_is_asked(torch):
    cuda = torch(Cuda(held=(1,)))
    assert devices.in_use() == [Device("Card 1", total=80 * GB, free=2 * GB)]
    assert cuda.asked == [1]


def test_both_are_told_in_their_order(torch):
    torch(Cuda(held=(0, 1)))
    assert [(one.name, one.free) for one in registry.backend("diffusers").devices()] == [("Card 0", GB), ("Card 1", 2 * GB)]


@pytest.mark.parametrize("cuda", [Cuda(available=False), Cuda(initialized=False), Cuda(held=())], ids=["none", "not yet", "nothing there"])
def test_where_nothing_is_on_a_gpu_there_is_nothing_to_tell(torch, cuda):
    torch(cuda)
    assert devices.in_use() == []
    assert cuda.asked == []


def test_torch_is_not_imported_to_be_asked(monkeypatch):
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    assert devices.in_use() == []
    assert "torch" not in sys.modules


def test_other_backends_have_none():
    assert list(registry.backend("null").devices()) == []
