"""What is said about a picture, and what a person was told."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import require
from accounts.requests import SignedInRequest
from studio.galleries import notices, talking
from studio.galleries.access import comment_for, notice_for, picture_for
from studio.galleries.errors import TalkError
from studio.galleries.mentions import People
from studio.galleries.models import Comment, Notice
from studio.galleries.remarks import CommentForm, talk
from studio.galleries.shelf import gallery_for
from studio.generation.access import artifact_for, job_for
from studio.generation.models import Artifact

NOTICES = 40
"""On a page."""


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def picture_talk(request: SignedInRequest, artifact_id: uuid.UUID) -> HttpResponse:
    """What was said, and a place to say something; htmx gets the list alone, or the form with what is wrong with it."""
    if request.method == "POST":
        return _say(request, artifact_for(request.user, artifact_id))
    artifact = picture_for(request.user, artifact_id)
    notices.seen(request.user, artifact)
    return _shown(request, artifact)


def _say(request: SignedInRequest, artifact: Artifact) -> HttpResponse:
    form = CommentForm(request.POST)
    if form.is_valid():
        try:
            comment = talking.say(artifact, request.user, form.cleaned_data["text"])
        except TalkError as error:
            form.add_error("text", error.message)
        else:
            return _said(request, comment)
    if request.htmx:
        return render(request, "galleries/_talk_form.html", {"artifact": artifact, "comment_form": form}, status=422)
    return _shown(request, artifact, form=form)


def _said(request: SignedInRequest, comment: Comment) -> HttpResponse:
    """The talk goes on; a name that nobody could be meant by is told to whoever wrote it."""
    unclear = _unclear(comment)
    if not request.htmx:
        if unclear:
            messages.warning(request, unclear)
        return redirect(f"{reverse('picture', args=[comment.artifact_id])}#comment-{comment.pk}")
    said = {"talk": talk(comment.artifact, request.user), "unclear": unclear, "comment_form": CommentForm()}
    return render(request, "galleries/_talk_said.html", {"artifact": comment.artifact, **said})


def _unclear(comment: Comment) -> str:
    names = People.of(talking.people(comment.artifact)).unclear(comment.text)
    told = [f"“@{name}” could be {' or '.join(str(one) for one in people)}" for name, people in names.items()]
    return f"{'; '.join(told)}: nobody was told. Write the whole name." if told else ""


def _shown(
    request: SignedInRequest, artifact: Artifact, *, form: CommentForm | None = None, refused: tuple[Comment, CommentForm] | None = None
) -> HttpResponse:
    context: dict[str, Any] = {
        "artifact": artifact,
        "talk": talk(artifact, request.user, refused=refused),
        "comment_form": form or CommentForm(),
    }
    name = "galleries/_talk_list.html" if request.htmx else "galleries/talk.html"
    response = render(request, name, context, status=422 if form or refused else 200)
    patch_vary_headers(response, ["HX-Request"])
    return response


@login_required
@require_POST
def comment_change(request: SignedInRequest, comment_id: uuid.UUID) -> HttpResponse:
    """One's own words, for a quarter of an hour."""
    comment = comment_for(request.user, comment_id)
    if comment.user_id != request.user.pk:
        raise PermissionDenied("Only who said it can change it.")
    form = CommentForm(request.POST)
    if form.is_valid():
        try:
            talking.change(comment, form.cleaned_data["text"])
        except TalkError as error:
            form.add_error("text", error.message)
    if form.errors:
        return _shown(request, comment.artifact, refused=(comment, form))
    if request.htmx:
        return _shown(request, comment.artifact)
    return redirect(f"{reverse('picture', args=[comment.artifact_id])}#comment-{comment.pk}")


@login_required
@require_POST
def comment_delete(request: SignedInRequest, comment_id: uuid.UUID) -> HttpResponse:
    """One's own words whenever one likes; somebody else's for those who administer the team."""
    comment = comment_for(request.user, comment_id)
    if comment.user_id != request.user.pk:
        require(request.user, comment.artifact.team, "administer")
    talking.take_back(comment, by=request.user)
    if request.htmx:
        return _shown(request, comment.artifact)
    return redirect(f"{reverse('picture', args=[comment.artifact_id])}#talk")


# --- notices ---------------------------------------------------------------------------------------------------------


@login_required
@require_safe
@never_cache
def notice_list(request: SignedInRequest) -> HttpResponse:
    """What the person was told, newest first, in all of their teams."""
    told = notices.of(request.user.pk).select_related("actor", "team", "artifact", "gallery")
    try:
        before = uuid.UUID(request.GET.get("before", ""))
    except ValueError:
        before = None
    found = list((told.filter(pk__lt=before) if before else told)[: NOTICES + 1])
    older = found[NOTICES - 1].pk if len(found) > NOTICES else None
    return render(request, "galleries/notices.html", {"notices": found[:NOTICES], "older": older, "is_first": before is None})


@login_required
@require_POST
def notices_read(request: SignedInRequest) -> HttpResponse:
    """All of them, or the one that is named, are read."""
    if asked := request.POST.get("notice"):
        try:
            told = Notice.objects.filter(pk=notice_for(request.user, uuid.UUID(asked)).pk)
        except ValueError as error:
            raise Http404 from error
    else:
        told = notices.of(request.user.pk)
    notices.read(request.user, told)
    return redirect("notices")


@login_required
@require_safe
@never_cache
def notice_open(request: SignedInRequest, notice_id: uuid.UUID) -> HttpResponse:
    """To the place that it tells of; by going there it is read."""
    notice = notice_for(request.user, notice_id)
    notices.read(request.user, Notice.objects.filter(pk=notice.pk))
    try:
        if notice.job_id:
            job_for(request.user, notice.job_id)
        elif notice.artifact_id:
            picture_for(request.user, notice.artifact_id)
        elif notice.gallery_id:
            gallery_for(request.user, notice.gallery_id)
    except Http404:
        messages.info(request, "That is not here any more.")
        return redirect("notices")
    return redirect(notices.place(notice) or "notices")
