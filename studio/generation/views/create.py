"""Create: the page, its panel, the price, and the press on Generate."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.access import allows, people_who_may, require
from accounts.models import Team, User
from accounts.requests import SignedInRequest
from billing.errors import InsufficientCredits, OverBudget
from billing.services import wallets
from studio.backends.base import Mode, PromptNeed
from studio.generation import cards, feed, offers, panel, several, tallies, throttle, till, usage
from studio.generation.engines import available, modes_of, picker
from studio.generation.errors import BatchRefused, GenerationError, HaveItAlready
from studio.generation.forms.wording import collected
from studio.generation.models import Artifact, Batch, Job
from studio.generation.modes import beginning, describe, switch
from studio.generation.panel import Panel
from studio.generation.services import submit, submit_batch
from studio.generation.wording import fixed, words_of

OLD_PRICE = "Prices have changed since this page was drawn."


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def create(request: SignedInRequest) -> HttpResponse:
    if request.method == "POST":
        return _submit(request)
    if not allows(request.user, request.team, "generate"):
        return render(request, "generation/create.html", _looking(request))
    drawn = panel.build(request.user, collected(request.GET), team=request.team)
    if drawn is None:
        return render(request, "generation/no_engine.html", status=503)
    # What somebody goes on from is what they look at.
    origin = drawn.source if "from" in request.GET else None
    job = _shown(request.user, request.team, str(origin.job_id) if origin else request.GET.get("job", ""))
    return render(request, "generation/create.html", page_context(request, drawn, job=job, selected=origin))


@login_required
@require_GET
def create_form(request: SignedInRequest) -> HttpResponse:
    """The panel redrawn for another engine or mode, with everything that still applies."""
    require(request.user, request.team, "generate")
    drawn = panel.build(request.user, collected(request.GET), team=request.team)
    if drawn is None:
        return render(request, "generation/no_engine.html", status=503)
    if not request.htmx:
        return redirect(f"{reverse('create')}?{request.GET.urlencode()}")
    return render(request, "generation/_panel.html", panel_context(request.team, drawn))


@login_required
@require_GET
def create_engine(request: SignedInRequest) -> HttpResponse:
    """The engines as they stand now, for a page that stays open; nothing when the one it shows is offered no more."""
    require(request.user, request.team, "generate")
    engines = available()
    engine = next((one for one in engines if one.id == request.GET.get("engine")), None)
    mode = next((one for one in engine.modes if one == request.GET.get("mode")), None) if engine else None
    if engine is None or mode is None:
        return HttpResponse(status=204)
    context = {"engine": engine, "mode": mode, "picker": picker(engines, mode), "locks": usage.locks(request.team, engines)}
    return render(request, "generation/_engine_picker.html", context)


@login_required
@require_POST
def create_quote(request: SignedInRequest) -> HttpResponse:
    """The price of what stands in the panel; without JavaScript the page with it, and with another engine where one was pressed."""
    require(request.user, request.team, "generate")
    if not request.htmx:
        return _page_anew(request)
    drawn = panel.build(request.user, collected(request.POST), team=request.team, bound=True, price_only=True)
    if drawn is None:
        return render(request, "generation/no_engine.html", status=503)
    told = {"engine": drawn.engine, "mode": drawn.mode, "template": drawn.template, "wording": words_of(drawn)}
    return render(request, "generation/_quote.html", till.price(request.team, drawn) | told)


def _page_anew(request: SignedInRequest) -> HttpResponse:
    values = {**collected(request.POST), "was": request.POST.getlist("engine")[0] if "engine" in request.POST else ""}
    drawn = panel.build(request.user, values, team=request.team)
    if drawn is None:
        return render(request, "generation/no_engine.html", status=503)
    return render(request, "generation/create.html", page_context(request, drawn, job=_shown(request.user, request.team, "")))


def _submit(request: SignedInRequest) -> HttpResponse:
    require(request.user, request.team, "generate")
    drawn = panel.build(request.user, collected(request.POST), team=request.team, bound=True)
    if drawn is None:
        return render(request, "generation/no_engine.html", status=503)
    # Before anything is looked at: a check may decode the pictures that came with it.
    if too_often := held_up(request, request.team):
        return too_often
    form = drawn.form
    if not form.is_valid():
        return _refused(request, drawn)
    asked = form.to_request()
    is_several = several.wanted(request.POST, form)
    way = till.trial(request.team, asked, drawn) if "preview" in request.POST and not is_several else None
    if "preview" in request.POST and not (way and offers.takes(way, form)):
        form.add_error(None, "There is no cheaper way to try this any more. Look at the price, then press Generate.")
        return _refused(request, drawn)
    if is_several:
        return _submit_several(request, drawn)
    if shows_old_price(request, way.engine.price.version if way else drawn.engine.price.version, "preview_list" if way else "price_list"):
        form.add_error(None, f"{OLD_PRICE} Look at the new one, then press Generate again.")
        return _refused(request, drawn)
    try:
        inputs = form.keep_inputs()
        job = submit(
            user=request.user,
            team=request.team,
            request=way.request if way else asked,
            idempotency_key=form.cleaned_data["idempotency_key"],
            inputs=inputs,
            parent=form.parent,
            intended=asked.to_json() if way else None,
            **several.remembered(form),
            anew=not offers.is_exact(form) or bool(request.POST.get("anew")),
        )
    except HaveItAlready as error:
        return _refused(request, drawn, have=error.job)
    except InsufficientCredits as error:
        way_out = till.way_out(request.user, request.team, error.needed)
        form.add_error(None, format_html("{} {}", error.message, way_out) if way_out else error.message)
        return _refused(request, drawn)
    except OverBudget as error:
        form.add_error(None, error.message)
        return _refused(request, drawn)
    except GenerationError as error:
        form.add_refusal(error.fields, error.message)
        return _refused(request, drawn)
    return submitted(request, job, drawn, is_new=job.idempotency_key == form.cleaned_data["idempotency_key"], shows=True)


def _submit_several(request: SignedInRequest, drawn: Panel) -> HttpResponse:
    """Pictures that each have words of their own are a job each, and a batch together."""
    form = drawn.form
    if shows_old_price(request, drawn.engine.price.version):
        form.add_error(None, f"{OLD_PRICE} Look at the new one, then press Generate again.")
        return _refused(request, drawn)
    key = form.cleaned_data["idempotency_key"]
    is_new = not Batch.objects.filter(user=request.user, idempotency_key=key).exists()
    try:
        items = several.items_of(form, request.POST)
        batch = submit_batch(
            user=request.user,
            team=request.team,
            items=items,
            kind=Batch.Kind.COMBINATIONS if several.ALL in request.POST else Batch.Kind.VARIATIONS,
            title=several.title_of(form),
            idempotency_key=key,
            template_version=form.version,
            inputs=form.keep_inputs(),
            parent=form.parent,
        )
    except several.NotAsShown as error:
        form.add_error(None, str(error))
    except BatchRefused as error:
        for said in dict.fromkeys(error.items.values()) or [error.message]:
            form.add_error(None, said)
    except InsufficientCredits as error:
        way_out = till.way_out(request.user, request.team, error.needed)
        form.add_error(None, format_html("{} {}", error.message, way_out) if way_out else error.message)
    except OverBudget as error:
        form.add_error(None, error.message)
    except GenerationError as error:
        form.add_refusal(error.fields, error.message)
    else:
        return batch_submitted(request, batch, drawn, is_new=is_new)
    return _refused(request, drawn)


def _refused(request: SignedInRequest, drawn: Panel, *, have: Job | None = None) -> HttpResponse:
    """The panel with what is wrong, or with the question whether what the team `have` shall be made anew."""
    asked = {"same": have, "asks": True} if have else {}
    if request.htmx:
        return render(request, "generation/_panel.html", panel_context(request.team, drawn) | asked, status=422)
    return render(request, "generation/create.html", page_context(request, drawn, job=have and cards.load_one(have)) | asked, status=422)


def batch_submitted(request: SignedInRequest, batch: Batch, drawn: Panel, *, is_new: bool) -> HttpResponse:
    """What a page hears after a batch was made or found: its card, the first of its jobs on the stage, the balance, and the next key."""
    if not request.htmx:
        return redirect("batch", batch.pk)
    context = {
        "batch": tallies.load_one(Batch.objects.shown().get(pk=batch.pk)),
        "job": cards.load_one(Job.objects.with_pictures().get(batch=batch, batch_place=0)),
        "is_new": is_new,
        "form": panel.fresh_key(drawn.form),
        "wallet": wallets.wallet_of(request.team),
        "selected": None,
    }
    return render(request, "generation/_batch_submitted.html", context)


def submitted(
    request: SignedInRequest, job: Job, drawn: Panel | None = None, *, is_new: bool = False, shows: bool = False, refused: str = ""
) -> HttpResponse:
    """What a page hears after a job was made, changed or found: the stage, the job's card, the balance, and the next key.

    `refused` says why nothing was done, when a page has pressed what it would not have, had it been drawn now.
    """
    if not request.htmx:
        return render(request, "400.html", {"message": refused}, status=422) if refused else redirect(f"{reverse('create')}?job={job.pk}")
    fresh = Job.objects.with_pictures().get(pk=job.pk)
    context = {
        "job": cards.load_one(fresh),
        "is_new": is_new,
        "shows": shows,
        "form": panel.fresh_key(drawn.form) if drawn else None,
        "wallet": wallets.wallet_of(request.team),
        "selected": None,
        "refused": refused,
    }
    return render(request, "generation/_submitted.html", context, status=422 if refused else 200)


def shows_old_price(request: SignedInRequest, version: str, name: str = "price_list") -> bool:
    """Whether the page names another price list than `version`, the one of now; one that names none was not drawn by us."""
    return request.POST.get(name, version) != version


def held_up(request: SignedInRequest, team: Team) -> HttpResponse | None:
    """The answer to a press that comes too soon after others, of the team by its plan or of this person; None where it may go on."""
    wait, said = usage.wait_for_team(team)
    wait = wait or throttle.seconds_to_wait("submit", request.user.pk)
    return too_fast(request, wait, said) if wait else None


def too_fast(request: SignedInRequest, seconds: int, said: str = "") -> HttpResponse:
    message = said or f"That was a lot at once. Try again in {seconds} s; what you typed is kept."
    template = "_toast.html" if request.htmx else "429.html"
    response = render(request, template, {"message": message, "level": "warn", "seconds": seconds}, status=429)
    response["Retry-After"] = str(seconds)
    return response


def _shown(user: User, team: Team, job_id: str, *, of_anyone: bool = False) -> Job | None:
    """The job on the stage: the one asked for, else the newest in the team of this person, or `of_anyone`."""
    visible = Job.objects.visible_to(user).with_pictures()
    here = visible.of_team(team) if of_anyone else visible.of_team(team).filter(user=user)
    try:
        job = visible.filter(pk=uuid.UUID(job_id)).first() if job_id else here.worth_showing().first()
    except ValueError:
        job = None
    return cards.load_one(job) if job else None


def panel_context(team: Team, drawn: Panel) -> dict[str, Any]:
    """Everything that `_panel.html` reads."""
    priced, modes = panel.priced(drawn), modes_of(drawn.engines)
    return {
        **till.price(team, priced),
        "engines": drawn.engines,
        "engine": drawn.engine,
        "mode": drawn.mode,
        "switch": switch(modes, drawn.mode),
        "picker": picker(drawn.engines, drawn.mode),
        "locks": usage.locks(team, drawn.engines),
        "describe": describe(drawn.mode),
        "beginning": beginning(drawn.mode),
        "takes_sound": Mode.AUDIO_TO_AUDIO in modes,
        "form": drawn.form,
        "notes": drawn.notes,
        "source": drawn.source,
        "slots": drawn.slots,
        "mask": drawn.mask,
        "template": drawn.template,
        "fixed": fixed(drawn),
        "engine_held": bool(drawn.template and not drawn.template.may_change("engine")),
        "mode_held": bool(drawn.template and not drawn.template.may_change("mode")),
        "wordless": drawn.engine.prompt_for(drawn.mode) is PromptNeed.NONE,
        "wording": words_of(priced),
    }


def page_context(request: SignedInRequest, drawn: Panel, *, job: Job | None, selected: Artifact | None = None) -> dict[str, Any]:
    return {**panel_context(request.team, drawn), **_work(request, job, selected), "can_generate": True}


def _looking(request: SignedInRequest) -> dict[str, Any]:
    """The page of somebody who may look, but not make: the work of the team, and whom to ask for more."""
    job = _shown(request.user, request.team, request.GET.get("job", ""), of_anyone=True)
    return {**_work(request, job), "can_generate": False, "askable": people_who_may(request.team, "administer")}


def _work(request: SignedInRequest, job: Job | None, selected: Artifact | None = None) -> dict[str, Any]:
    """What the stage and the feed show."""
    if job:
        wanted = str(selected.pk) if selected else request.GET.get("selected", "")
        pictures = job.card.pictures  # type: ignore[attr-defined]
        selected = next((p for p in pictures if str(p.pk) == wanted), pictures[0] if pictures else None)
    return {"job": job, "selected": selected, "feed": feed.of_team(request.team)}
