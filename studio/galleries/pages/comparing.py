"""Two pictures beside each other, what is different between them, and what one person thinks of one."""

from __future__ import annotations

import uuid

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from accounts.requests import SignedInRequest
from studio.galleries import library, sorting
from studio.galleries.access import picture_for
from studio.galleries.criteria import Criteria, Span, as_id
from studio.galleries.difference import difference
from studio.galleries.lineage import family, relatives
from studio.galleries.models import Mark
from studio.generation.access import artifact_for
from studio.generation.models import Artifact

RECENT = 48
"""How many pictures the chooser offers."""


@login_required
@require_safe
@never_cache
def picture_difference(request: SignedInRequest, artifact_id: uuid.UUID, other_id: uuid.UUID) -> HttpResponse:
    """What is not the same, from the first to the second; htmx gets the table alone."""
    first, second = picture_for(request.user, artifact_id), picture_for(request.user, other_id)
    context = {"difference": difference(first, second), "artifact": second}
    response = render(request, "galleries/_difference.html" if request.htmx else "galleries/difference.html", context)
    patch_vary_headers(response, ["HX-Request"])
    return response


@login_required
@require_safe
def picture_difference_choice(request: SignedInRequest, artifact_id: uuid.UUID) -> HttpResponse:
    """The two that the form beside the family names (`from`, `to`); without them, back to the picture."""
    artifact = picture_for(request.user, artifact_id)
    first, second = as_id(request.GET.get("from", "")), as_id(request.GET.get("to", ""))
    if not (first and second):
        return redirect("picture", artifact.id)
    return redirect("picture_difference", picture_for(request.user, first).id, picture_for(request.user, second).id)


@login_required
@require_safe
@never_cache
def picture_compare(request: SignedInRequest, artifact_id: uuid.UUID, other_id: uuid.UUID) -> HttpResponse:
    """Two pictures with a slider between them, side by side, or one over the other."""
    first, second = picture_for(request.user, artifact_id), picture_for(request.user, other_id)
    context = {
        "first": first,
        "second": second,
        "artifact": first,
        "difference": difference(first, second),
        "are_pictures": first.kind == second.kind == "image",
        "others": [one for one in _near(first) if one.id != second.id],
    }
    return render(request, "galleries/compare.html", context)


@login_required
@require_safe
@never_cache
def picture_compare_choice(request: SignedInRequest, artifact_id: uuid.UUID) -> HttpResponse:
    """With which one? Its family and those made with it first, then the newest of the team, or what a search finds."""
    artifact = picture_for(request.user, artifact_id)
    if chosen := as_id(request.GET.get("with", "")):
        return redirect("picture_compare", artifact.id, picture_for(request.user, chosen).id)
    text = Criteria.from_query(request.GET.dict()).text
    found = library.stretch(artifact.team, Criteria(text=text), Span(), RECENT + 1) if artifact.kind == "image" else []
    context = {
        "artifact": artifact,
        "text": text,
        "near": [] if text else _near(artifact),
        "found": [one for one in found if one.kind == "image" and one.id != artifact.id][:RECENT],
    }
    response = render(request, "galleries/_compare_found.html" if request.htmx else "galleries/compare_choose.html", context)
    patch_vary_headers(response, ["HX-Request"])
    return response


def _near(artifact: Artifact) -> list[Artifact]:
    """Pictures of its family, and those that were made with it."""
    together = artifact.job.artifacts.visible().order_by("index") if artifact.job else []
    return [one for one in relatives(family(artifact), together) if one.kind == "image" and one.id != artifact.id]


# --- what one thinks of it -------------------------------------------------------------------------------------------


class MarkForm(forms.Form):
    """What a person thinks of a picture; what is left out stays as it is."""

    rating = forms.IntegerField(min_value=0, max_value=5, required=False)
    favourite = forms.ChoiceField(choices=[("on", "on"), ("off", "off")], required=False)


@login_required
@require_POST
def picture_mark(request: SignedInRequest, artifact_id: uuid.UUID) -> HttpResponse:
    """Rate the picture, and make it a favourite or none: a matter of each person, so whoever sees it may."""
    artifact = artifact_for(request.user, artifact_id)
    form = MarkForm(request.POST)
    if not form.is_valid():
        return _refused(request, artifact)
    rating, favourite = form.cleaned_data["rating"], form.cleaned_data["favourite"]
    if rating is not None:
        sorting.rate(request.user, [artifact], rating)
    if favourite:
        sorting.favourite(request.user, [artifact], favourite == "on")
    if request.htmx:
        return render(request, "galleries/_mark.html", {"artifact": artifact, "mark": mark_of(request.user, artifact)})
    return _back(request, artifact)


def _refused(request: SignedInRequest, artifact: Artifact) -> HttpResponse:
    sentence = "A rating is a number from 0 to 5."
    if request.htmx:
        return render(request, "_toast.html", {"message": sentence, "level": "error"}, status=400)
    messages.error(request, sentence)
    return _back(request, artifact)


def _back(request: SignedInRequest, artifact: Artifact) -> HttpResponseRedirect:
    criteria = Criteria.from_query(request.GET.dict())
    return redirect(reverse("picture", args=[artifact.id]) + criteria.query())


def mark_of(user: User, artifact: Artifact) -> Mark:
    """What the person thinks of it; an empty one that is not stored when they said nothing."""
    said = Mark.objects.filter(user=user, artifact=artifact).first()
    return said or Mark(team_id=artifact.team_id, user=user, artifact=artifact)
