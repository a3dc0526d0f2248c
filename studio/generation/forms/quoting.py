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
    own = {p.name: data[p.name] for p in form.engine.parameters_for(form.mode) if data.get(p.name) not in (None, "")}
    known = own.keys() & GenerationRequest.__dataclass_fields__.keys()
    width, height = data.get("width"), data.get("height")
    if form.engine.size and not (width and height):
        width, height = form.engine.size.default
    return GenerationRequest(
        engine=form.engine.id,
        mode=form.mode,
        seed=data.get("seed") or 0,
        prompt=data.get("prompt") or "",
        negative_prompt=data.get("negative_prompt") or "",
        width=width,
        height=height,
        num_images=data.get("num_images") or 1,
        extra={name: value for name, value in own.items() if name not in known},
        **{name: own[name] for name in known},
    )
