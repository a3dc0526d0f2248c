"""A batch from a table: the page, the look at every row, and the press."""

from __future__ import annotations

import secrets
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.text import slugify
from django.views.decorators.http import require_GET, require_http_methods

from accounts.access import require
from accounts.requests import SignedInRequest
from billing.errors import InsufficientCredits, OverBudget
from studio.backends.registry import UnknownEngine
from studio.generation import tables, workbench
from studio.generation.errors import BatchRefused, GenerationError
from studio.generation.forms.wording import collected
from studio.generation.models import Batch
from studio.generation.recipes import digest
from studio.generation.services import submit_batch
from studio.generation.tables import Check
from studio.generation.views.create import held_up
from studio.generation.workbench import Workbench
from studio.prompts.tables import MAX_FILE, MAX_ROWS, TableError

CHANGED = "Something has changed since you looked: a price, a list of words or the engine. Look at it once more, then press again."


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def batch_table(request: SignedInRequest) -> HttpResponse:
    """`step` of a form says what for: `check` looks at every row, `make` makes them, anything else draws the page anew."""
    require(request.user, request.team, "generate")
    query = request.POST if request.method == "POST" else request.GET
    bench = workbench.build(request.user, request.team, collected(query))
    if bench is None:
        return render(request, "generation/no_engine.html", status=503)
    step = request.POST.get("step", "")
    if step == "make":
        return _make(request, bench)
    if step == "check":
        return _look(request, bench)
    return _page(request, bench, text=query.get("table", ""))


@login_required
@require_GET
def batch_example(request: SignedInRequest) -> HttpResponse:
    """A table to start from, for the template that was chosen."""
    require(request.user, request.team, "generate")
    bench = workbench.build(request.user, request.team, collected(request.GET))
    if bench is None:
        return render(request, "generation/no_engine.html", status=503)
    content = bench.form.content
    name = slugify(str(bench.version.template)) if bench.version else ""
    response = HttpResponse(tables.example(content, bench.form), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name or "table"}.csv"'
    return response


def _page(request: SignedInRequest, bench: Workbench, *, text: str, problem: str = "", status: int = 200) -> HttpResponse:
    columns = tables.known_columns(bench.form.content, bench.form)
    context = {"bench": bench, "text": text, "problem": problem, "columns": columns, "skip": _skips(request), "most_rows": MAX_ROWS}
    return render(request, "generation/batch_table.html", context, status=status)


def _look(request: SignedInRequest, bench: Workbench) -> HttpResponse:
    if Batch.objects.filter(user=request.user, idempotency_key=bench.key).exists():
        bench.key = secrets.token_urlsafe(24)  # somebody went back to the page of a batch that is made, to make another of it
    text, upload = request.POST.get("table", ""), request.FILES.get("file")
    notes: list[str] = []
    if upload:
        try:
            if (upload.size or 0) > MAX_FILE:
                raise TableError(
                    f"This file has {(upload.size or 0) / 1024**2:.1f} MB; at most {MAX_FILE // 1024**2} MB are read. Split it."
                )
            text, notes = tables.text_of_file(upload.read(), upload.name or "")
        except TableError as error:
            return _page(request, bench, text=text, problem=str(error), status=422)
    check = _check(bench, text)
    check.notes[:0] = [*bench.panel.notes, *notes]
    if check.problems or bench.problem:
        return _page(request, bench, text=text, problem=" ".join([bench.problem, *check.problems]).strip(), status=422)
    return _checked(request, bench, text, check)


def _check(bench: Workbench, text: str) -> Check:
    """Every row, and what the words and rules of the team say to those that are right otherwise."""
    check = tables.check(text, bench.recipe(), bench.form, key=bench.key)
    return check.without(workbench.refusals(bench.team, [row.made for row in check.good]))


def _checked(request: SignedInRequest, bench: Workbench, text: str, check: Check, *, refused: str = "", status: int = 200) -> HttpResponse:
    """The page of what would be made. `refused` says why a press was not answered."""
    made = [row.made for row in check.good]
    total = workbench.total(request.user, request.team, made)
    context: dict[str, Any] = {
        "bench": bench,
        "text": text,
        "check": check,
        "skip": _skips(request),
        "stops": bool(check.bad) and not _skips(request),
        "total": total,
        "digest": digest(made),
        "refused": refused,
    }
    return render(request, "generation/batch_check.html", context, status=status)


def _make(request: SignedInRequest, bench: Workbench) -> HttpResponse:
    before = Batch.objects.of_team(request.team).filter(user=request.user, idempotency_key=bench.key).first()
    if before:
        return redirect("batch", batch_id=before.pk)
    if too_often := held_up(request, request.team):
        return too_often
    text = request.POST.get("table", "")
    check = _check(bench, text)
    good = [row.made for row in check.good]
    if check.problems or bench.problem or not good:
        return _page(request, bench, text=text, problem=" ".join([bench.problem, *check.problems]).strip(), status=422)
    if check.bad and not _skips(request):
        return _checked(request, bench, text, check, refused="Not every row is right. Mend them, or leave them out.", status=422)
    if digest(good) != request.POST.get("digest"):
        return _checked(request, bench, text, check, refused=CHANGED, status=422)
    try:
        batch = submit_batch(
            user=request.user,
            team=request.team,
            items=[made.item for made in good if made.item],
            kind=Batch.Kind.TABLE,
            title=_title(bench, len(good)),
            idempotency_key=bench.key,
            template_version=bench.version,
            axes=check.axes,
        )
    except BatchRefused as error:
        return _checked(request, bench, text, check.without(error.items), refused=error.message, status=422)
    except UnknownEngine:
        return _checked(request, bench, text, check, refused=CHANGED, status=422)
    except (InsufficientCredits, OverBudget, GenerationError) as error:
        return _checked(request, bench, text, check, refused=error.message, status=422)
    return redirect("batch", batch_id=batch.pk)


def _skips(request: SignedInRequest) -> bool:
    """Whether rows with errors are left out; else all must be right."""
    return request.POST.get("skip", "1") == "1"


def _title(bench: Workbench, count: int) -> str:
    what = str(bench.version.template) if bench.version else "A table"
    return f"{what}, {count} {'row' if count == 1 else 'rows'}"
