"""What happens at every step of a run: asked and told through the scheduler, which every pipeline calls once a step.

Diffusers has a callback for this (`callback_on_step_end`), but not every pipeline has it, and it does not hand over what the model said.
A scheduler belongs to one run here, so its methods can be wrapped.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Moment:
    """One step: what the model said (`output`) about `sample` at `timestep`. Tensors of the run itself: copy before keeping."""

    number: int
    scheduler: Any
    output: Any
    timestep: Any
    sample: Any


def watch(scheduler: Any, *, on_start: Callable[[], None], on_step: Callable[[Moment], None]) -> None:
    """Call `on_start` when the timesteps are set (prompts and pictures are encoded by then) and `on_step` after each step.

    Both may raise to end the run. Signatures stay as they were: pipelines look at them (`eta`, `generator`, `sigmas`).
    """
    set_timesteps, step = scheduler.set_timesteps, scheduler.step
    count = 0

    @functools.wraps(set_timesteps)
    def watched_set_timesteps(*args: Any, **kwargs: Any) -> Any:
        result = set_timesteps(*args, **kwargs)
        on_start()
        return result

    @functools.wraps(step)
    def watched_step(model_output: Any, timestep: Any, sample: Any, *args: Any, **kwargs: Any) -> Any:
        nonlocal count
        result = step(model_output, timestep, sample, *args, **kwargs)
        count += 1
        on_step(Moment(count, scheduler, model_output, timestep, sample))
        return result

    scheduler.set_timesteps, scheduler.step = watched_set_timesteps, watched_step


def total_steps(pipe: Any, scheduler: Any) -> int:
    """How many steps the pipeline takes; known once its loop has begun (image-to-image leaves out the first ones)."""
    return int(getattr(pipe, "_num_timesteps", None) or len(scheduler.timesteps))


def clean(moment: Moment, rows: slice | list[int]) -> Any:
    """What the model takes the finished latents to be at this step (x0), for some rows of the batch, as float32 on the CPU.

    The sample is brought to the scale at which signal and noise have variance 1 together; then, by what the model predicts
    (Salimans & Ho 2022, arXiv 2202.00512, appendix D): x0 = (x - sigma·e) / alpha for noise, alpha·x - sigma·v for velocity. For flow
    matching x0 = x - sigma·v with sigma = t / 1000.
    """
    output = moment.output[rows].detach().float().cpu()
    sample = moment.sample[rows].detach().float().cpu()
    return clean_latents(moment.scheduler, output, float(moment.timestep), sample)


def clean_latents(scheduler: Any, output: Any, timestep: float, sample: Any) -> Any:
    """x0 from float32 tensors; see `clean`."""
    kind = scheduler.config.get("prediction_type", "flow_prediction")
    if kind == "sample":
        return output
    cumulative = getattr(scheduler, "alphas_cumprod", None)
    if kind == "flow_prediction" or cumulative is None:
        return sample - timestep / scheduler.config.get("num_train_timesteps", 1000) * output
    low = min(max(int(timestep), 0), len(cumulative) - 1)
    high = min(low + 1, len(cumulative) - 1)
    at = float(cumulative[low]) + (timestep - int(timestep)) * (float(cumulative[high]) - float(cumulative[low]))
    alpha, sigma = at**0.5, (1 - at) ** 0.5
    if float(scheduler.init_noise_sigma) > 1.0:  # these add noise without shrinking the signal
        sample = sample * alpha
    if kind == "v_prediction":
        return alpha * sample - sigma * output
    return (sample - sigma * output) / max(alpha, 1e-3)
