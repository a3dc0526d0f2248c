"""An X/Y grid: the page, its axes, its price while one types, and the press."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.access import require
from accounts.requests import SignedInRequest
from billing.errors import InsufficientCredits, OverBudget
from studio.backends.registry import UnknownEngine
from studio.generation import grids, workbench
from studio.generation.errors import BatchRefused, GenerationError
from studio.generation.forms.wording import collected
from studio.generation.grids import Axis, AxisError, Grid, Side
from studio.generation.models import Batch
from studio.generation.recipes import digest
from studio.generation.services import submit_batch
from studio.generation.views.create import held_up
from studio.generation.views.tables import CHANGED
from studio.generation.workbench import Workbench


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def grid(request: SignedInRequest) -> HttpResponse:
    """`step` of a form says what for: `make` makes it, `count` says what it comes to, anything else draws the page anew."""
    require(request.user, request.team, "generate")
    query = request.POST if request.method == "POST" else request.GET
    bench = workbench.build(request.user, request.team, collected(query))
    if bench is None:
        return render(request, "generation/no_engine.html", status=503)
    step = request.POST.get("step", "")
    if step == "make":
        return _make(request, bench)
    if step == "count" and request.htmx:
        return render(request, "generation/_grid_foot.html", _context(request, bench))
    return render(request, "generation/grid.html", _context(request, bench, looks=step == "count"))


def _sides(request: SignedInRequest, bench: Workbench) -> tuple[dict[str, Axis], Side, Side, list[str]]:
    """The axes that there are, the two that were filled in, and what is wrong with them."""
    query = request.POST if request.method == "POST" else request.GET
    axes = {axis.name: axis for axis in grids.axes_of(bench.form)}
    sides, problems = [], []
    for side in ("x", "y"):
        try:
            text, chosen = query.get(f"{side}_values", ""), query.getlist(f"{side}_choices")
            sides.append(grids.side_of(axes, query.get(side, ""), text, chosen))
        except AxisError as error:
            sides.append(Side(axes[query[side]]))
            problems.append(str(error))
    return axes, sides[0], sides[1], problems


def _laid_out(request: SignedInRequest, bench: Workbench) -> tuple[dict[str, Axis], Grid]:
    axes, x, y, problems = _sides(request, bench)
    if bench.problem:
        problems.insert(0, bench.problem)
    found = Grid(x, y, [], problems) if problems else grids.lay_out(bench.recipe(), x, y, seed=bench.common_seed)
    told = {} if found.problems else workbench.refusals(request.team, found.cells)
    return axes, replace(found, problems=[*found.problems, *dict.fromkeys(told.values())])


def _context(request: SignedInRequest, bench: Workbench, *, looks: bool = True, refused: str = "") -> dict[str, Any]:
    """`looks`: say what it comes to; a page that nobody has filled in says nothing of it."""
    query = request.POST if request.method == "POST" else request.GET
    axes, found = _laid_out(request, bench)
    is_begun = bool(found.x.axis or found.y.axis)
    good = [] if found.problems else found.cells
    return {
        "bench": bench,
        "axes": _grouped(axes),
        "sides": [
            (name, side.axis, query.get(f"{name}_values", ""), query.getlist(f"{name}_choices"))
            for name, side in (("x", found.x), ("y", found.y))
        ],
        "grid": found,
        "is_begun": is_begun,
        "looks": looks and is_begun,
        "total": workbench.total(request.user, request.team, good),
        "digest": digest(good),
        "refused": refused,
    }


def _grouped(axes: dict[str, Axis]) -> list[tuple[str, list[Axis]]]:
    groups: dict[str, list[Axis]] = {}
    for axis in axes.values():
        groups.setdefault(axis.group, []).append(axis)
    return list(groups.items())


def _make(request: SignedInRequest, bench: Workbench) -> HttpResponse:
    before = Batch.objects.of_team(request.team).filter(user=request.user, idempotency_key=bench.key).first()
    if before:
        return redirect("batch", batch_id=before.pk)
    if too_often := held_up(request, request.team):
        return too_often
    _, found = _laid_out(request, bench)
    if found.problems:
        return _refused(request, bench, "")
    if digest(found.cells) != request.POST.get("digest"):
        return _refused(request, bench, CHANGED)
    try:
        batch = submit_batch(
            user=request.user,
            team=request.team,
            items=[cell.item for cell in found.cells if cell.item],
            kind=Batch.Kind.GRID,
            title=f"{bench.version.template}: {found.title}" if bench.version else found.title,
            idempotency_key=bench.key,
            template_version=bench.version,
            axes=found.axes,
        )
    except BatchRefused as error:
        return _refused(request, bench, " ".join(dict.fromkeys([error.message, *list(error.items.values())[:3]])))
    except UnknownEngine:
        return _refused(request, bench, CHANGED)
    except (InsufficientCredits, OverBudget, GenerationError) as error:
        return _refused(request, bench, error.message)
    return redirect("batch", batch_id=batch.pk)


def _refused(request: SignedInRequest, bench: Workbench, said: str) -> HttpResponse:
    return render(request, "generation/grid.html", _context(request, bench, refused=said), status=422)
