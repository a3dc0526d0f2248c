"""Schedulers under the names people know (those of A1111), for the models that they fit.

The table is text, so that a form can be drawn without torch; `build` makes the object. A scheduler holds the state of a run, so every
pipeline gets its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from studio.backends.diffusers.families import Prediction

OWN = "Model's own"
"""The scheduler in the model's folder, when it is none of those below."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A diffusers class and what is set on top of the model's own configuration."""

    cls: str
    changes: Mapping[str, Any] = field(default_factory=dict)


_KARRAS = {"use_karras_sigmas": True}
_SDE = {"algorithm_type": "sde-dpmsolver++", "solver_order": 2}
_ODE = {"algorithm_type": "dpmsolver++", "solver_order": 2}
# What a model with a scheduler of another class does not say, and the class would take wrongly for latents.
_LATENTS = {"clip_sample": False, "set_alpha_to_one": False}

DIFFUSION = {
    "DPM++ 2M": Choice("DPMSolverMultistepScheduler", _ODE),
    "DPM++ 2M Karras": Choice("DPMSolverMultistepScheduler", {**_ODE, **_KARRAS}),
    "DPM++ 2M SDE": Choice("DPMSolverMultistepScheduler", _SDE),
    "DPM++ 2M SDE Karras": Choice("DPMSolverMultistepScheduler", {**_SDE, **_KARRAS}),
    "DPM++ SDE": Choice("DPMSolverSinglestepScheduler", {**_SDE, "lower_order_final": True}),
    "DPM++ SDE Karras": Choice("DPMSolverSinglestepScheduler", {**_SDE, **_KARRAS, "lower_order_final": True}),
    "Euler": Choice("EulerDiscreteScheduler"),
    "Euler a": Choice("EulerAncestralDiscreteScheduler"),
    "UniPC": Choice("UniPCMultistepScheduler"),
    "DDIM": Choice("DDIMScheduler", _LATENTS),
    "DDPM": Choice("DDPMScheduler", {"clip_sample": False, "variance_type": "fixed_small"}),
    "Heun": Choice("HeunDiscreteScheduler"),
    "LMS": Choice("LMSDiscreteScheduler"),
    "LMS Karras": Choice("LMSDiscreteScheduler", _KARRAS),
    "DPM2": Choice("KDPM2DiscreteScheduler"),
    "DPM2 a": Choice("KDPM2AncestralDiscreteScheduler"),
    "DEIS": Choice("DEISMultistepScheduler"),
    "PNDM": Choice("PNDMScheduler", {**_LATENTS, "skip_prk_steps": True}),
}
# Others can walk flow sigmas too, but have no `scale_noise`, which image-to-image and inpainting of these models call.
FLOW = {
    "Euler": Choice("FlowMatchEulerDiscreteScheduler"),
    "Heun": Choice("FlowMatchHeunDiscreteScheduler"),
}
# Pipelines that work out a shift from the picture's size hand it to the scheduler, and only flow matching's own Euler takes it.
_ONLY_EULER = ("Euler",)


def choices(prediction: Prediction, own: Mapping[str, Any], *, cls: str = "StableDiffusionPipeline") -> tuple[str, ...]:
    """Names that fit a model, its own scheduler's name first.

    `own` is the folder's `scheduler_config.json`, `cls` the pipeline class.
    """
    default = default_name(prediction, own)
    if prediction == "own":
        return (default,)
    names = tuple(DIFFUSION) if prediction == "diffusion" else _flow_names(own, cls)
    return (default, *(name for name in names if name != default))


def _flow_names(own: Mapping[str, Any], cls: str) -> tuple[str, ...]:
    if cls != "StableDiffusion3Pipeline" or own.get("use_dynamic_shifting"):
        return _ONLY_EULER
    return tuple(FLOW)


def default_name(prediction: Prediction, own: Mapping[str, Any]) -> str:
    """The name for the scheduler that the folder carries."""
    if prediction == "own":
        return OWN
    cls = own.get("_class_name")
    table = DIFFUSION if prediction == "diffusion" else FLOW
    best, score = OWN, -1
    for name, choice in table.items():
        if choice.cls != cls:
            continue
        known = [key for key in choice.changes if key in own]
        if any(own[key] != choice.changes[key] for key in known):
            continue
        karras = bool(own.get("use_karras_sigmas")) == bool(choice.changes.get("use_karras_sigmas"))
        if karras and len(known) > score:
            best, score = name, len(known)
    return best


def build(name: str, prediction: Prediction, own: Any) -> Any:
    """Make a scheduler object of its own from the model's one (`own`). Raises KeyError for a name that is not in the tables."""
    import diffusers

    if name == OWN or name == default_name(prediction, {**own.config, "_class_name": type(own).__name__}):
        return type(own).from_config(own.config)
    choice = (DIFFUSION if prediction == "diffusion" else FLOW)[name]
    cls = _lms_without_scipy() if choice.cls == "LMSDiscreteScheduler" else getattr(diffusers, choice.cls)
    return cls.from_config(_neutral(own.config, cls), **choice.changes)


def _neutral(config: Mapping[str, Any], cls: type) -> dict[str, Any]:
    """The model's configuration without what only says how its own scheduler walks.

    What stays is what the weights were trained with (betas, prediction type, spacing). Without this a folder with "Karras" would turn
    every other choice into its Karras twin.
    """
    walks = {"use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas", "use_lu_lambdas", "algorithm_type", "solver_order"}
    walks |= {"solver_type", "final_sigmas_type", "lower_order_final", "euler_at_final", "variance_type", "_class_name"}
    return {key: value for key, value in config.items() if key not in walks}


def _lms_without_scipy() -> Any:
    """Diffusers hides LMS where scipy is not installed, although it only integrates a cubic with it.

    Two Gauss-Legendre nodes integrate polynomials up to the third degree exactly, and order 4 is the highest that LMS uses.
    """
    from diffusers.schedulers.scheduling_lms_discrete import LMSDiscreteScheduler

    class LMSScheduler(LMSDiscreteScheduler):
        def get_lms_coefficient(self, order: int, t: int, current_order: int) -> float:
            sigmas = [float(self.sigmas[t - k]) for k in range(order)]
            low, high = float(self.sigmas[t]), float(self.sigmas[t + 1])
            total = 0.0
            for node in (-(3**-0.5), 3**-0.5):
                tau = low + (high - low) * (node + 1) / 2
                product = 1.0
                for k in range(order):
                    if k != current_order:
                        product *= (tau - sigmas[k]) / (sigmas[current_order] - sigmas[k])
                total += product
            return total * (high - low) / 2

    return LMSScheduler
