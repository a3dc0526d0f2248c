"""A small UNet's steps replayed: what is recorded when, and what goes to the UNet itself. A real graph needs a GPU."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from studio.backends.diffusers import replay
from studio.backends.diffusers.replay import Replayed
from tests.backends import tiny_models

PLAIN = {"timestep_cond": None, "cross_attention_kwargs": None, "added_cond_kwargs": None, "return_dict": False}


class Recorder:
    """Records nothing: a replay runs the UNet. `shapes` has what was to be recorded, `replays` counts."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.shapes: list[tuple[int, ...]] = []
        self.replays = 0

    def __call__(self, run: Callable[..., Any], given: list[Any]) -> Callable[[list[Any]], Any]:
        self.shapes.append(tuple(given[0].shape))
        if self.error:
            raise self.error

        def again(values: list[Any]) -> Any:
            self.replays += 1
            return run(*values)

        return again


@pytest.fixture(scope="module")
def unet() -> Any:
    return tiny_models._unet(cross_attention_dim=32)


@pytest.fixture
def forward(unet: Any) -> Iterator[Callable[..., Any]]:
    """Call the UNet as a pipeline does, for a number of pictures; whatever stands in for its `forward` leaves after the test."""
    import torch

    def call(pictures: int = 1, **others: Any) -> Any:
        dice = torch.Generator().manual_seed(pictures)
        sample = torch.randn(pictures, 4, 8, 8, generator=dice)
        words = torch.randn(pictures, 7, 32, generator=dice)
        with torch.inference_mode():
            return unet(sample, torch.tensor(500), encoder_hidden_states=words, **{**PLAIN, **others})

    yield call
    del unet.forward


def test_a_shape_is_recorded_once_and_says_what_the_unet_says(unet: Any, forward: Any) -> None:
    import torch

    wanted = [forward(count)[0] for count in (1, 2)]
    recorder = Recorder()
    Replayed(unet, recorder)
    for count in (1, 2, 1, 2):
        assert torch.equal(forward(count)[0], wanted[count - 1])
    assert recorder.shapes == [(1, 4, 8, 8), (2, 4, 8, 8)]
    assert recorder.replays == 4


@pytest.mark.parametrize("others", [{"return_dict": True}, {"cross_attention_kwargs": {}}])
def test_what_is_no_plain_call_is_never_recorded(unet: Any, forward: Any, others: dict[str, Any]) -> None:
    recorder = Recorder()
    Replayed(unet, recorder)
    forward(**others)
    assert recorder.shapes == []


def test_a_recording_that_fails_is_tried_once_and_the_run_goes_on(unet: Any, forward: Any) -> None:
    recorder = Recorder(RuntimeError("operation not permitted when stream is capturing"))
    Replayed(unet, recorder)
    assert forward(1)[0].shape == (1, 4, 8, 8)
    assert forward(2)[0].shape == (2, 4, 8, 8)
    assert len(recorder.shapes) == 1


def test_memory_that_runs_out_is_the_runs_to_handle(unet: Any, forward: Any) -> None:
    Replayed(unet, Recorder(RuntimeError("CUDA error: out of memory")))
    with pytest.raises(RuntimeError, match="out of memory"):
        forward()


def test_in_little_memory_nothing_is_recorded(unet: Any, forward: Any) -> None:
    recorder = Recorder()
    replayed = Replayed(unet, recorder)
    forward()
    replayed.pause()
    forward()
    assert recorder.replays == 1
    replayed.go_on()
    forward()
    assert recorder.shapes == [(1, 4, 8, 8)] * 2


def test_only_so_many_recordings_are_kept(unet: Any, forward: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "KEPT", 2)
    recorder = Recorder()
    Replayed(unet, recorder)
    for count in (1, 2, 1, 3, 1, 2):  # the third shape drives out the one that was not used for longest
        forward(count)
    assert [shape[0] for shape in recorder.shapes] == [1, 2, 3, 2]


def test_storybook_counts_as_small(runner: Any) -> None:
    weights = runner.shelf._loaded["storybook"]
    assert weights.size_in_bytes <= replay.SMALL
    assert (weights.replayed is not None) == weights.placement.device.startswith("cuda")


def test_the_real_recording_says_what_the_unet_says() -> None:
    """A graph on a GPU; without one recording fails, and the UNet runs as ever."""
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    unet = tiny_models._unet(cross_attention_dim=32).to(device)
    sample, words = torch.randn(2, 4, 8, 8, device=device), torch.randn(2, 7, 32, device=device)
    with torch.inference_mode():
        times = [torch.tensor(step, device=device) for step in (1, 500, 999)]
        wanted = [unet(sample, time, words, return_dict=False)[0] for time in times]
        Replayed(unet)
        for time, said in zip(times, wanted, strict=True):
            assert torch.allclose(unet(sample, time, words, return_dict=False)[0], said, atol=1e-4)
