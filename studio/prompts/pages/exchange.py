"""Templates from files and into files, and those that come with the studio."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import allows, current_team, require
from accounts.requests import SignedInRequest
from studio.prompts import exchange
from studio.prompts.errors import PromptsError, Unfit
from studio.prompts.exchange import MAX_FILE, ExchangeError, Format, Imported, Template
from studio.prompts.models import PromptTemplate
from studio.prompts.pages.sharing import as_file
from studio.prompts.services import copies
from studio.prompts.starters import starters
from studio.prompts.wildcards import lists

MAX_EXPORT = 500


class FileForm(forms.Form):
    """A file of templates or styles. More than `MAX_FILE` bytes are not read."""

    file = forms.FileField(
        label="File",
        help_text="A JSON file of Atelier, Fooocus or InvokeAI, or a styles.csv of AUTOMATIC1111.",
        widget=forms.FileInput(attrs={"accept": ".json,.csv"}),
        error_messages={"required": "Choose a file first.", "empty": "This file is empty. Choose another one."},
    )


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def templates_import(request: SignedInRequest) -> HttpResponse:
    """Read a file and make a template of each entry; what could not be kept of each is said, and one bad entry spoils no other."""
    team = current_team(request)
    require(request.user, team, "generate")
    form = FileForm(request.POST or None, request.FILES or None)
    known = lists(team)
    names = set(map(str.casefold, PromptTemplate.objects.of_team(team).visible_to(request.user).values_list("name", flat=True)))
    found: list[Imported] = []
    made: list[tuple[PromptTemplate, Imported]] = []
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            if file.size > MAX_FILE:
                raise ExchangeError(f"This file has {file.size / 2**20:.0f} MB; {MAX_FILE // 2**20} MB is the most. Split it.")
            found = exchange.read(file.read(), file.name)
        except ExchangeError as error:
            form.add_error("file", str(error))
        for one in found:
            if one.template is None:
                continue
            try:
                template = copies.take_in(team, one.template, by=request.user, note=f"From {file.name}"[:300])
                made.append((template, replace(one, notes=(*one.notes, *_to_know(template, known, names)))))
            except Unfit as error:
                one = Imported(one.number, one.name, problems=error.fields or {"": error.message}, notes=one.notes)
                found = [one if other.number == one.number else other for other in found]
    context = {"form": form, "made": made, "refused": [one for one in found if one.template is None]}
    return render(request, "prompts/import.html", context, status=422 if form.errors else 200)


def _to_know(template: PromptTemplate, known: Collection[str], names: Collection[str]) -> list[str]:
    """What somebody should know of a template that was just made, beside what its file says."""
    told = []
    if template.name.casefold() in names:
        told.append("A template of this name was there already; this is a second one.")
    if missing := copies.missing_lists(template, known=known):
        lacking = ", ".join(f"__{name}__" for name in missing)
        told.append(f"{template.team} has no word list {lacking} yet. Make {'it' if len(missing) == 1 else 'them'} under “Word lists”.")
    return told


@login_required
@require_safe
@never_cache
def templates_export(request: SignedInRequest) -> HttpResponse:
    """All templates of the team that the person sees, or those named by `template`, as one file; without a `format` the page that asks."""
    team = current_team(request)
    require(request.user, team, "see")
    rows = PromptTemplate.objects.of_team(team).visible_to(request.user).in_use().order_by("name", "pk").prefetch_related("versions")
    if named := request.GET.getlist("template"):
        try:
            rows = rows.filter(pk__in=named)
        except (ValueError, TypeError, forms.ValidationError):
            raise Http404 from None
        if not rows:
            raise Http404
    if "format" not in request.GET:
        records = [copies.as_record(one) for one in rows[:MAX_EXPORT]]
        formats = [(one, _lost(one, records)) for one in Format]
        left = rows.count() - len(records)
        return render(request, "prompts/export.html", {"templates": records, "formats": formats, "named": named, "left": left})
    if request.GET["format"] not in list(Format):
        raise Http404
    return as_file(list(rows[:MAX_EXPORT]), Format(request.GET["format"]))


def _lost(kind: Format, records: list[Template]) -> str:
    """What a file of this kind leaves out, in words."""
    if kind is Format.ATELIER:
        return "Everything: fields, settings, covers, versions."
    lost = [sentences for one in records if (sentences := exchange.losses(kind, one))]
    if not lost:
        return "Nothing is lost."
    if len(records) == 1:
        return " ".join(lost[0])
    which = "Of all of them" if len(lost) == len(records) else f"Of {len(lost)} of {len(records)}"
    return f"The prompts, with one field each. {which} something is left out."


@login_required
@require_safe
@never_cache
def template_starters(request: SignedInRequest) -> HttpResponse:
    """The templates that come with the studio, and which of them the team has taken."""
    team = current_team(request)
    require(request.user, team, "see")
    taken = dict(PromptTemplate.objects.of_team(team).exclude(starter="").in_use().values_list("starter", "pk"))
    shown = [(slug, one, taken.get(slug)) for slug, one in starters().items()]
    return render(request, "prompts/starters.html", {"starters": shown, "can_make": allows(request.user, team, "generate")})


@login_required
@require_POST
def template_starter(request: SignedInRequest, slug: str) -> HttpResponse:
    """Take a starter into the team and use it, or open it to change."""
    team = current_team(request)
    require(request.user, team, "generate")
    try:
        template = copies.starter(team, slug, by=request.user)
    except KeyError:
        raise Http404 from None
    except PromptsError as error:
        messages.error(request, error.message)
        return redirect("template_starters")
    return redirect(f"/create/?template={template.pk}") if "use" in request.POST else redirect("template", template.pk)


@login_required
@require_safe
def template_starter_cover(request: SignedInRequest, slug: str) -> HttpResponse:
    """The picture of a starter; it changes with a release of the studio only."""
    one = starters().get(slug)
    if one is None or one.cover is None:
        raise Http404
    return HttpResponse(one.cover.data, content_type=one.cover.mime, headers={"Cache-Control": "private, max-age=86400"})
