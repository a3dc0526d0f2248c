"""Samplers as other tools call them, under the names that they have here (those of A1111)."""

from __future__ import annotations

from studio.backends.diffusers.schedulers import DIFFUSION

_SAMPLERS = {
    # ComfyUI, SwarmUI and Fooocus
    "euler": "Euler",
    "euler_ancestral": "Euler a",
    "dpmpp_2m": "DPM++ 2M",
    "dpmpp_2m_sde": "DPM++ 2M SDE",
    "dpmpp_2m_sde_gpu": "DPM++ 2M SDE",
    "dpmpp_sde": "DPM++ SDE",
    "dpmpp_sde_gpu": "DPM++ SDE",
    "uni_pc": "UniPC",
    "ddim": "DDIM",
    "ddpm": "DDPM",
    "heun": "Heun",
    "lms": "LMS",
    "dpm_2": "DPM2",
    "dpm_2_ancestral": "DPM2 a",
    "deis": "DEIS",
    # InvokeAI
    "euler_a": "Euler a",
    "dpmpp_2m_k": "DPM++ 2M Karras",
    "dpmpp_2m_sde_k": "DPM++ 2M SDE Karras",
    "dpmpp_sde_k": "DPM++ SDE Karras",
    "lms_k": "LMS Karras",
    "kdpm_2": "DPM2",
    "kdpm_2_a": "DPM2 a",
    "dpm_2_a": "DPM2 a",
    "unipc": "UniPC",
    "pndm": "PNDM",
    "plms": "PNDM",
    "dpmpp_2": "DPM++ 2M",
}
_OWN = {name.casefold(): name for name in DIFFUSION}
_USUAL = {"", "automatic", "normal", "simple", "native", "default", "discrete", "uniform", "ddim_uniform"}
"""Schedules that change nothing about a sampler's own."""
_AUTOMATIC = {"DPM++ 2M": "karras", "DPM++ SDE": "karras", "DPM++ 2M SDE": "exponential"}
"""What A1111 takes for these when its schedule is `Automatic`."""


def named(sampler: str, schedule: str = "") -> str:
    """The name here of a sampler and a schedule; empty when there is none."""
    key = sampler.strip().casefold()
    plain = _OWN.get(key) or _SAMPLERS.get(key) or _SAMPLERS.get(key.removeprefix("k_"), "")
    timing = schedule.strip().casefold()
    if timing == "automatic":
        timing = _AUTOMATIC.get(plain, "")
    if timing in _USUAL or plain.casefold().endswith(f" {timing}"):
        return plain
    return _OWN.get(f"{plain} {timing}".casefold(), "") if plain else ""


def said(sampler: str, schedule: str = "") -> str:
    """Sampler and schedule as the file says them."""
    return sampler if schedule.strip().casefold() in _USUAL else f"{sampler} {schedule}"
