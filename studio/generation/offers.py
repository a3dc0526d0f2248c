"""What Create offers instead of paying twice: the job of the same request, while somebody still looks at the price."""

from __future__ import annotations

from dataclasses import replace

from accounts.models import Team
from studio.backends import registry
from studio.backends.base import PaidBackend
from studio.backends.errors import BackendError
from studio.generation.finals import Way
from studio.generation.forms import GenerationForm
from studio.generation.models import InputFile, Job
from studio.generation.reuse import fingerprint, is_paid, same


def is_exact(form: GenerationForm) -> bool:
    """Whether a valid form asks for one certain result: with a seed that somebody chose, or of an engine that takes none."""
    return form.engine.max_seed is None or form.cleaned_data.get("seed") is not None


def known(team: Team, form: GenerationForm) -> Job | None:
    """The team's job that Generate would find (`reuse.same`). `form` is one that can be priced; nothing is read but rows."""
    if not is_paid(form.engine) or not form.is_valid() or not is_exact(form):
        return None
    return same(team, fingerprint(form.to_request(), form.engine, _inputs(form)))


def _inputs(form: GenerationForm) -> dict[str, str]:
    """The digests of the files that the form names; of a library picture, what it was kept as when something was made from it."""
    named = {one.name: form.cleaned_data.get(one.name) for one in form.engine.inputs_for(form.mode)}
    files = InputFile.objects.visible_to(form.user)
    digests = dict(files.filter(pk__in=filter(None, named.values())).values_list("pk", "sha256"))
    found = {name: digests[key] for name, key in named.items() if key in digests}
    source = form.cleaned_data.get("source")
    if "image" in named and not named["image"] and source:
        kept = files.filter(artifact=source).values_list("sha256", flat=True).first()
        if kept:
            found["image"] = kept
    return found


def takes(way: Way, form: GenerationForm) -> bool:
    """Whether whoever bills for a preview by another engine takes it: its own record was asked already."""
    backend = registry.backend(way.engine.backend)
    if way.is_same_engine or not isinstance(backend, PaidBackend):
        return True
    media = form.inputs.read(lambda name, problem: None)
    image, mask_image = media.pop("image", None), media.pop("mask_image", None)
    try:
        backend.check(replace(way.request, image=image, mask_image=mask_image, media=media))
    except BackendError:
        return False
    return True
