"""Two versions of a template tried on the same values and seeds: what to try, its price, the press, and what came of each."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe
from django.views.decorators.vary import vary_on_headers

from accounts.access import allows
from accounts.requests import SignedInRequest
from billing.errors import InsufficientCredits, OverBudget
from studio.backends.base import MAX_SEED
from studio.backends.registry import UnknownEngine
from studio.generation import tallies, workbench
from studio.generation.access import batch_for
from studio.generation.errors import BatchRefused, GenerationError
from studio.generation.forms.wording import FIELD, collected
from studio.generation.models import Batch
from studio.generation.recipes import Made, digest, seed_of
from studio.generation.services import submit_batch
from studio.generation.views.create import held_up
from studio.generation.views.tables import CHANGED
from studio.generation.workbench import Workbench
from studio.prompts.access import template_for
from studio.prompts.models import PromptTemplate, PromptTemplateVersion
from studio.prompts.pages import figures

MOST_SEEDS = 10
SEEDS = 4
"""How many are tried unless somebody says otherwise."""
NOT_HELD = "the engine’s own"


@dataclass(slots=True)
class Trial:
    """Both versions on the page: `bench` is drawn for the second one. `cells` are row by row, a seed each, a column for each version."""

    template: PromptTemplate
    versions: Sequence[PromptTemplateVersion]
    bench: Workbench
    seeds: list[int]
    cells: list[Made] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    own: list[tuple[str, str, str]] = field(default_factory=list)
    """Settings that each version has its own of: label, and what it is with the first and with the second one."""

    @property
    def fixed(self) -> list[tuple[str, str]]:
        """What both hold."""
        different = {label for label, *_ in self.own}
        return [(label, value) for label, value in self.bench.fixed if label not in different]

    @property
    def choices(self) -> list[tuple[str, str, int]]:
        """The two lists of versions: name, label and the number that is chosen."""
        return [("a", "This version", self.versions[0].number), ("b", "and this one", self.versions[1].number)]

    @property
    def axes(self) -> dict[str, Any]:
        return {
            "x": {"name": "version", "label": "Version", "values": [str(one.number) for one in self.versions]},
            "y": {"name": "seed", "label": "Seed", "values": [str(seed) for seed in self.seeds]},
        }


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def template_compare(request: SignedInRequest, template_id: uuid.UUID) -> HttpResponse:
    """`step` of a form: `make` makes it, `count` says what it comes to, anything else draws the page anew."""
    template = template_for(request.user, template_id, "generate")
    query = collected(request.POST if request.method == "POST" else request.GET)
    numbers = list(template.versions.newest_first())
    if len(numbers) < 2:
        return render(request, "prompts/compare_alone.html", {"template": template})
    trial = _trial(request, template, numbers, query)
    if trial is None:
        return render(request, "generation/no_engine.html", status=503)
    if query.get("step") == "make" and request.method == "POST":
        return _make(request, trial)
    page = "prompts/_compare_foot.html" if query.get("step") == "count" and request.htmx else "prompts/compare.html"
    return render(request, page, _context(request, trial, numbers))


def _trial(
    request: SignedInRequest, template: PromptTemplate, versions: Sequence[PromptTemplateVersion], query: Mapping[str, Any]
) -> Trial | None:
    """Raises Http404 for a version that there is not."""
    known = {str(one.number): one for one in versions}
    after = known.get(str(query.get("b") or versions[0].number))
    before = known.get(str(query.get("a") or next(one.number for one in versions if one != after)))
    if before is None or after is None:
        raise Http404
    others = {name: value for name, value in query.items() if name not in ("template", "was_template", "was")}
    bench = workbench.build(request.user, template.team, others, version=after)
    former = workbench.build(request.user, template.team, {**(bench.shared if bench else {}), **others}, version=before)
    if former is None or bench is None:
        return None
    count = str(query.get("seeds") or SEEDS)
    wanted = max(1, min(MOST_SEEDS, int(count))) if count.isdecimal() else SEEDS
    trial = Trial(template, (before, after), bench, _seeds(bench, wanted))
    trial.problems = [one.problem for one in (former, bench) if one.problem]
    if before == after:
        trial.problems.append("Choose two versions that are not the same.")
    trial.notes = _notes(before, former, bench)
    trial.own = _own(former, bench)
    if not trial.problems:
        recipes = [former.recipe(), bench.recipe()]
        trial.cells = [recipe.make({"seed": str(seed), "num_images": "1"}) for seed in trial.seeds for recipe in recipes]
        told = [*(problem for cell in trial.cells for problem in cell.problems.values())]
        trial.problems = list(dict.fromkeys([*told, *workbench.refusals(template.team, trial.cells).values()]))
    return trial


def _seeds(bench: Workbench, count: int) -> list[int]:
    """From the one that was chosen on, else drawn for the page."""
    chosen = str(bench.form["seed"].value() or "") if "seed" in bench.form.fields else ""
    most = MAX_SEED if bench.engine.max_seed is None else bench.engine.max_seed
    if chosen.isdecimal():
        return [(int(chosen) + place) % (most + 1) for place in range(count)]
    return [seed_of(bench.key, place, bench.engine) for place in range(count)]


def _notes(version: PromptTemplateVersion, before: Workbench, after: Workbench) -> list[str]:
    """What is not the same for both, beside the texts."""
    notes = []
    had, has = ({one.rules.name: one.rules.title for one in bench.fields} for bench in (before, after))
    if lost := [title for name, title in had.items() if name not in has]:
        notes.append(f"Version {version.number} has {', '.join(f'“{title}”' for title in lost)} as well, and takes the default there.")
    if before.engine.id != after.engine.id:
        notes.append(f"Version {version.number} is made with {before.engine.label}, not with {after.engine.label}.")
    return notes


def _own(before: Workbench, after: Workbench) -> list[tuple[str, str, str]]:
    """Settings that a version holds and the other one has otherwise; those of one engine alone are said by its name."""
    found = []
    for name in after.form.settings:
        if name in workbench.OWN or name not in before.form.fields:
            continue
        had, has = before.form[name], after.form[name]
        values = [NOT_HELD if one.value() in (None, "") else workbench.words_of(one) for one in (had, has)]
        if values[0] != values[1]:
            found.append((str(has.label), values[0], values[1] if after.form.fields[name].disabled else "as set above"))
    return found


def _context(request: SignedInRequest, trial: Trial, versions: Sequence[PromptTemplateVersion], *, refused: str = "") -> dict[str, Any]:
    good = [] if trial.problems else trial.cells
    is_begun = any(name.startswith(FIELD) for name in (*request.GET, *request.POST)) or not trial.bench.fields
    return {
        "template": trial.template,
        "numbers": [(one.number, one.get_status_display()) for one in versions],
        "trial": trial,
        "bench": trial.bench,
        "seed_counts": range(1, MOST_SEEDS + 1),
        "problems": trial.problems if is_begun or request.method == "POST" else [],
        "total": workbench.total(request.user, trial.template.team, good),
        "prompts": list(zip(trial.versions, trial.cells, strict=False)) if good else [],
        "digest": digest(good),
        "refused": refused,
    }


def _make(request: SignedInRequest, trial: Trial) -> HttpResponse:
    template, bench = trial.template, trial.bench
    before = Batch.objects.of_team(template.team).filter(user=request.user, idempotency_key=bench.key).first()
    if before:
        return redirect("template_comparison", template.pk, before.pk)
    if too_often := held_up(request, template.team):
        return too_often
    if trial.problems:
        return _refused(request, trial, "")
    if digest(trial.cells) != request.POST.get("digest"):
        return _refused(request, trial, CHANGED)
    try:
        batch = submit_batch(
            user=request.user,
            team=template.team,
            items=[cell.item for cell in trial.cells if cell.item],
            kind=Batch.Kind.COMPARISON,
            title=f"{template}: versions {trial.versions[0].number} and {trial.versions[1].number}",
            idempotency_key=bench.key,
            template_version=trial.versions[1],
            axes=trial.axes,
        )
    except BatchRefused as error:
        refused = " ".join(dict.fromkeys([error.message, *list(error.items.values())[:3]]))
    except UnknownEngine:
        refused = CHANGED
    except (InsufficientCredits, OverBudget, GenerationError) as error:
        refused = error.message
    else:
        return redirect("template_comparison", template.pk, batch.pk)
    return _refused(request, trial, refused)


def _refused(request: SignedInRequest, trial: Trial, said: str) -> HttpResponse:
    versions = list(trial.template.versions.newest_first())
    return render(request, "prompts/compare.html", _context(request, trial, versions, refused=said), status=422)


@login_required
@never_cache
@require_safe
@vary_on_headers("HX-Request")
def template_comparison(request: SignedInRequest, template_id: uuid.UUID, batch_id: uuid.UUID) -> HttpResponse:
    """What came of it: the pictures with those that are kept, and what one of these cost; the page asks for this alone."""
    template = template_for(request.user, template_id)
    found = batch_for(request.user, batch_id)
    if found.kind != Batch.Kind.COMPARISON or found.team_id != template.team_id or not found.axes:
        raise Http404
    numbers = [int(number) for number in found.axes["x"]["values"]]
    versions = [get_object_or_404(template.versions, number=number) for number in numbers]
    counted = figures.of_versions(versions, batch=found)
    did = {"template": template, "batch": found, "versions": [(version, counted[version.pk]) for version in versions]}
    if request.htmx:
        return render(request, "prompts/_comparison_figures.html", did)
    context = {
        **did,
        "batch": tallies.load_one(found),
        "seen": tallies.seen(found),  # before the rows, as on the page of a batch
        "rows": tallies.rows_of(found),
        "kept": figures.kept_in(found),
        "can_generate": allows(request.user, found.team, "generate"),
        "decides": allows(request.user, found.team, "administer"),
    }
    return render(request, "prompts/comparison.html", context)
