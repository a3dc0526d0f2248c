"""The tables of pipeline classes and samplers, held against the library that they describe."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from studio.backends.diffusers import devices, schedulers
from studio.backends.diffusers.families import FAMILIES, Family


@pytest.fixture(scope="module")
def diffusers() -> Any:
    devices.import_torch()
    import diffusers

    return diffusers


@pytest.mark.parametrize("family", FAMILIES.values(), ids=list(FAMILIES))
def test_a_family_is_as_the_library_has_it(diffusers: Any, family: Family) -> None:
    def arguments(name: str) -> set[str]:
        return set(inspect.signature(getattr(diffusers, name).__call__).parameters)

    wanted = {"prompt", "width", "height", "num_inference_steps", "generator", "output_type", family.guidance}
    if family.negative_prompt:
        wanted.add("negative_prompt")
    assert wanted <= arguments(family.text_to_image)
    if family.image_to_image:
        assert {"image", "strength", "generator"} <= arguments(family.image_to_image)
    if family.inpainting:
        assert {"image", "mask_image", "strength", "generator"} <= arguments(family.inpainting)


def test_the_other_modes_are_those_of_the_librarys_own_table(diffusers: Any) -> None:
    from diffusers.pipelines import auto_pipeline

    names = {cls.__name__: key for key, cls in auto_pipeline.AUTO_TEXT2IMAGE_PIPELINES_MAPPING.items()}
    assert FAMILIES.keys() <= names.keys()
    for name, family in FAMILIES.items():
        others = (auto_pipeline.AUTO_IMAGE2IMAGE_PIPELINES_MAPPING, auto_pipeline.AUTO_INPAINT_PIPELINES_MAPPING)
        known = [table[names[name]].__name__ if names[name] in table else None for table in others]
        assert [family.image_to_image, family.inpainting] == known


@pytest.mark.parametrize(
    ("config", "name"),
    [
        ({"_class_name": "DPMSolverMultistepScheduler", "algorithm_type": "dpmsolver++", "solver_order": 2}, "DPM++ 2M"),
        ({"_class_name": "DPMSolverMultistepScheduler", "algorithm_type": "dpmsolver++", "use_karras_sigmas": True}, "DPM++ 2M Karras"),
        ({"_class_name": "DPMSolverMultistepScheduler", "algorithm_type": "sde-dpmsolver++", "solver_order": 2}, "DPM++ 2M SDE"),
        ({"_class_name": "EulerDiscreteScheduler", "use_karras_sigmas": False}, "Euler"),
        ({"_class_name": "EulerAncestralDiscreteScheduler"}, "Euler a"),
        ({"_class_name": "PNDMScheduler", "skip_prk_steps": True, "set_alpha_to_one": False}, "PNDM"),
        ({"_class_name": "DDIMScheduler", "clip_sample": False, "set_alpha_to_one": False}, "DDIM"),
        ({"_class_name": "LCMScheduler"}, schedulers.OWN),
    ],
)
def test_the_folders_own_scheduler_has_a_name_and_comes_first(config: dict[str, Any], name: str) -> None:
    assert schedulers.default_name("diffusion", config) == name
    assert schedulers.choices("diffusion", config)[0] == name
    assert len(set(schedulers.choices("diffusion", config))) == len(schedulers.choices("diffusion", config))


def test_flow_matching_and_distilled_models_have_few_choices() -> None:
    flow = {"_class_name": "FlowMatchEulerDiscreteScheduler", "shift": 3.0}
    assert schedulers.choices("flow", flow, cls="StableDiffusion3Pipeline") == ("Euler", "Heun")
    assert schedulers.choices("flow", flow | {"use_dynamic_shifting": True}, cls="StableDiffusion3Pipeline") == ("Euler",)
    assert schedulers.choices("flow", flow, cls="FluxPipeline") == ("Euler",)
    assert schedulers.choices("own", {"_class_name": "LCMScheduler"}) == (schedulers.OWN,)


@pytest.mark.parametrize("name", schedulers.DIFFUSION)
def test_a_sampler_keeps_what_the_weights_were_trained_with(diffusers: Any, name: str) -> None:
    own = diffusers.DPMSolverMultistepScheduler(
        beta_schedule="scaled_linear",
        beta_start=0.00085,
        beta_end=0.02,
        prediction_type="v_prediction",
        timestep_spacing="trailing",
        use_karras_sigmas=True,
    )
    built = schedulers.build(name, "diffusion", own)
    assert built is not own
    assert built.config.prediction_type == "v_prediction"
    assert built.config.timestep_spacing == "trailing"
    assert (built.alphas_cumprod - own.alphas_cumprod).abs().max() == 0
    assert bool(built.config.get("use_karras_sigmas")) == name.endswith("Karras")


def test_lms_integrates_as_scipy_would(diffusers: Any) -> None:
    """Against a sum of ten thousand rectangles, for all orders."""
    built = schedulers.build("LMS", "diffusion", diffusers.EulerDiscreteScheduler(beta_schedule="scaled_linear"))
    built.set_timesteps(10)
    sigmas = [float(sigma) for sigma in built.sigmas]
    for order in (1, 2, 3, 4):
        for current in range(order):
            low, high = sigmas[5], sigmas[6]
            total = 0.0
            for part in range(10_000):
                tau, product = low + (high - low) * (part + 0.5) / 10_000, 1.0
                for k in range(order):
                    if k != current:
                        product *= (tau - sigmas[5 - k]) / (sigmas[5 - current] - sigmas[5 - k])
                total += product * (high - low) / 10_000
            assert built.get_lms_coefficient(order, 5, current) == pytest.approx(total, rel=1e-4)


@pytest.mark.parametrize("kind", ["epsilon", "v_prediction", "sample"])
@pytest.mark.parametrize("name", ["DDIM", "Euler", "DPM++ 2M Karras", "LMS"])
def test_clean_latents_are_found_from_what_the_model_says(diffusers: Any, kind: str, name: str) -> None:
    """Noise a known picture by hand, let a perfect model speak, and get the picture back."""
    torch = devices.import_torch()
    from studio.backends.diffusers.steps import clean_latents

    own = diffusers.DDIMScheduler(
        beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012, prediction_type=kind, clip_sample=False
    )
    scheduler = schedulers.build(name, "diffusion", own)
    scheduler.set_timesteps(12)
    picture, noise = torch.randn(1, 4, 8, 8), torch.randn(1, 4, 8, 8)
    for timestep in scheduler.timesteps[2:]:
        low = int(timestep)
        part = float(timestep) - low
        at = float(own.alphas_cumprod[low]) * (1 - part) + float(own.alphas_cumprod[min(low + 1, 999)]) * part
        alpha, sigma = at**0.5, (1 - at) ** 0.5
        said = {"epsilon": noise, "v_prediction": alpha * noise - sigma * picture, "sample": picture}[kind]
        noised = alpha * picture + sigma * noise
        if float(scheduler.init_noise_sigma) > 1:
            noised = noised / alpha
        assert (clean_latents(scheduler, said, float(timestep), noised) - picture).abs().max() < 0.01
