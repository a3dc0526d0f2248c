"""A price while somebody is still typing."""

from __future__ import annotations

from studio.backends.base import GenerationRequest
from studio.generation.forms.generation import GenerationForm


def quotable(form: GenerationForm) -> GenerationRequest:
    """A request good enough to price: what does not validate counts as the default.

    The form must have been made with `price_only`: then nothing is read or kept.
    """
    form.is_valid()
    data = getattr(form, "cleaned_data", {})
    width, height = data.get("width"), data.get("height")
    if form.engine.size and not (width and height):
        width, height = form.engine.size.default
    return GenerationRequest(
        engine=form.engine.id,
        mode=form.mode,
        seed=0,
        width=width,
        height=height,
        num_images=data.get("num_images") or 1,
        num_inference_steps=data.get("num_inference_steps"),
    )
