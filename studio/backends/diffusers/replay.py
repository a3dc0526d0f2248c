"""A small UNet on a GPU, recorded once for a shape and then replayed as one CUDA graph.

Python launches the kernels of a small model far slower than a GPU runs them. Measured with Storybook on an NVIDIA H100: 20 steps took
200 ms, and the GPU worked for 20 of them (26 with eight pictures). A graph launches all kernels of a step at once: a picture, PNG
included, took 60 ms instead of 270 to 440, eight together 100 instead of 430, and not a pixel differed.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from studio.backends.diffusers import devices

logger = logging.getLogger(__name__)

SMALL = 200_000_000
"""Bytes of weights up to which a model counts as small (Storybook: 19 MB). Larger ones were not tried: their graphs take more memory."""
KEPT = 12
"""Recordings at a time: each is a number of pictures at a size, and took 60 MB on that card."""


class Replayed:
    """Stands in for the `forward` of a UNet. Whatever is not the plain call of a pipeline goes to the UNet itself.

    `record` makes a function of the given tensors out of one that runs kernel by kernel (`cuda_graph`). When it fails, nothing is
    recorded any more. Not for two threads at once.
    """

    def __init__(self, unet: Any, record: Callable[[Callable[..., Any], list[Any]], Callable[[list[Any]], Any]] | None = None) -> None:
        self._eager = unet.forward
        self._record = record or cuda_graph
        self._recorded: OrderedDict[Any, Callable[[list[Any]], Any]] = OrderedDict()
        self._works, self._paused = True, False
        unet.forward = self

    def __call__(self, sample: Any, timestep: Any, encoder_hidden_states: Any, **others: Any) -> Any:
        given = [sample, timestep, encoder_hidden_states]
        plain = others.get("return_dict") is False and all(value is None for name, value in others.items() if name != "return_dict")
        recorded = self._for(given) if plain and self._works and not self._paused and hasattr(timestep, "shape") else None
        return (recorded(given),) if recorded else self._eager(*given, **others)

    def _for(self, given: list[Any]) -> Callable[[list[Any]], Any] | None:
        shape = tuple((tuple(one.shape), one.dtype) for one in given)
        if shape not in self._recorded:
            try:
                self._recorded[shape] = self._record(lambda *inputs: self._eager(*inputs, return_dict=False)[0], given)
            except Exception as error:
                if devices.is_out_of_memory(error):
                    raise
                logger.warning("steps are not replayed: recording failed with %s", type(error).__name__)
                self._works = False
                self._recorded.clear()
                return None
            if len(self._recorded) > KEPT:
                self._recorded.popitem(last=False)
        self._recorded.move_to_end(shape)
        return self._recorded[shape]

    def pause(self) -> None:
        """Give back the memory of all recordings, and record nothing until `go_on`."""
        self._paused = True
        self._recorded.clear()

    def go_on(self) -> None:
        self._paused = False


def cuda_graph(run: Callable[..., Any], given: list[Any]) -> Callable[[list[Any]], Any]:
    """Record `run` of tensors like the given ones, the first of which names the device."""
    import torch

    device = given[0].device
    with torch.cuda.device(device):
        inputs = [one.to(device, copy=True) for one in given]
        # Libraries set themselves up at the first calls, which must not be recorded, and not on the stream of the recording.
        beside = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        beside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(beside):
            for _ in range(2):
                run(*inputs)
        torch.cuda.current_stream().wait_stream(beside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, capture_error_mode="thread_local"):  # previews are copied in a thread of their own
            output = run(*inputs)

    def replay(values: list[Any]) -> Any:
        for place, value in zip(inputs, values, strict=True):
            place.copy_(value)
        graph.replay()
        return output.clone()

    return replay
