"""Prompt templates by program: list, look at their versions, run one with values."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from django.http import Http404
from django.http.response import HttpResponseBase
from ninja import Field, Query, Router, Schema
from pydantic import ConfigDict

from accounts.access import require
from studio.api import asking, running
from studio.api.auth import Key, ProgramRequest
from studio.api.once import once
from studio.api.problems import statuses
from studio.api.v1 import paging
from studio.api.v1.answers import Wait
from studio.api.v1.asked import Asked
from studio.api.v1.jobs import IDEMPOTENT, told_job
from studio.api.v1.paging import NEXT, Paged
from studio.api.v1.schemas import JobOut
from studio.api.v1.things import Person, person_facts
from studio.generation.errors import HaveItAlready
from studio.generation.models import Job
from studio.generation.services import submit
from studio.prompts.content import Content
from studio.prompts.models import PromptTemplate, PromptTemplateVersion

router = Router()

USES = Key("templates")
TEMPLATE = "0193f5c2-3c4d-7e5f-8a6b-7c8d9e0f1a2b"
MOST_VALUES = 50

Plain = str | int | float | bool | None


class TemplateOut(Schema):
    """A prompt with fields to fill in, as the team keeps it. What it says is in its versions."""

    id: uuid.UUID = Field(description="Stays the same for good.", examples=[TEMPLATE])
    object: Literal["template"] = Field(description="What kind of object this is.", examples=["template"])
    name: str = Field(description="What the team calls it.", examples=["Product on a table"])
    description: str = Field(description="What it is for.", examples=["For the shop: one product, plain background."])
    tags: list[str] = Field(description="Names in small letters.", examples=[["shop", "product"]])
    visibility: Literal["private", "team", "link"] = Field(description="Who sees it.", examples=["team"])
    published: int | None = Field(description="The number of the version that is in use; null while there are drafts only.", examples=[3])
    author: Person | None = Field(description="Who made it; null once they have left.")
    created_at: datetime = Field(description="When it was made.", examples=["2026-11-20T10:00:00Z"])
    changed_at: datetime = Field(description="When it was changed last.", examples=["2026-11-27T09:30:00Z"])
    archived_at: datetime | None = Field(description="Since when it is put away; null while it is in use.", examples=[None])


class Templates(Schema):
    items: list[TemplateOut] = Field(description="The newest first.")
    next: str | None = Field(description=NEXT, examples=[None])


class FieldOut(Schema):
    """A field of a template, which `values` of a run fill in."""

    name: str = Field(description="The name in `values`.", examples=["product"])
    label: str = Field(description="What people call it.", examples=["Product"])
    type: str = Field(
        description="`text`, `long_text`, `choice`, `multi_choice`, `number`, `colour` or `yes_no`; more may come.", examples=["text"]
    )
    help: str = Field(description="What to write there.", examples=["What stands on the table."])
    required: bool = Field(description="Whether a run needs it, where there is no default.", examples=[True])
    default: Plain | list[str] = Field(description="What it is when a run does not name it; null for nothing.", examples=["a teapot"])
    choices: list[str] = Field(description="What there is to choose from, of the two kinds of choice.", examples=[[]])
    minimum: float | None = Field(description="Of a number.", examples=[None])
    maximum: float | None = Field(description="Of a number.", examples=[None])
    step: float | None = Field(description="Of a number: it goes in steps of this.", examples=[None])
    max_length: int | None = Field(description="Characters that a text may have; null for the usual.", examples=[None])
    yes: str = Field(description="What a yes puts into the prompt.", examples=[""])
    no: str = Field(description="What a no puts into the prompt.", examples=[""])


class SectionOut(Schema):
    """A part of the prompt."""

    name: str = Field(description="The name in `sections` of a run.", examples=["subject"])
    text: str = Field(description="What it says, with fields in braces.", examples=["{product} on a wooden table"])
    locked: bool = Field(description="Whether a run has to leave it as it is.", examples=[False])


class VersionOut(Schema):
    """One save of a template. It never changes; only its `status` does."""

    id: uuid.UUID = Field(description="Stays the same for good.", examples=["0193f5c2-4d5e-7f60-9b7c-8d9e0f1a2b3c"])
    object: Literal["template_version"] = Field(description="What kind of object this is.", examples=["template_version"])
    template: uuid.UUID = Field(description="Whose version it is.", examples=[TEMPLATE])
    number: int = Field(description="Counted from 1 within the template.", examples=[3])
    status: Literal["draft", "published", "archived"] = Field(description="One at most is published.", examples=["published"])
    note: str = Field(description="What its author said of it.", examples=["Softer light"])
    author: Person | None = Field(description="Who saved it; null once they have left.")
    created_at: datetime = Field(description="When it was saved.", examples=["2026-11-27T09:30:00Z"])
    engine: str = Field(description="The engine it is made for; empty where any will do.", examples=["storybook"])
    mode: str = Field(description="What is done with it.", examples=["text-to-image"])
    sections: list[SectionOut] = Field(description="The prompt, in its order.")
    negative: SectionOut = Field(description="What to leave out; its name in `sections` is `negative`.")
    fields: list[FieldOut] = Field(description="What a run fills in, in their order.")
    settings: dict[str, str | int | float | bool] = Field(
        description="The settings it comes with, as the page of Create calls them.", examples=[{"num_inference_steps": 20}]
    )
    changeable: list[str] = Field(
        description="What of `engine`, `mode`, `seed` and the settings a run may say otherwise.", examples=[["seed", "num_images"]]
    )


class Versions(Schema):
    items: list[VersionOut] = Field(description="The newest first.")
    next: str | None = Field(description=NEXT, examples=[None])


class TemplateSearch(Paged):
    q: str = Field("", max_length=200, description="Words that name, description or tags must all have.", examples=["product"])
    tag: str = Field("", max_length=60, description="Only those with this tag.", examples=["shop"])
    archived: bool = Field(False, description="Those that are put away instead of those in use.", examples=[False])


class RunIn(Asked):
    """What to fill in. Whatever is left out is as the template has it."""

    model_config = ConfigDict(extra="forbid")

    version: int | None = Field(None, ge=1, lt=1 << 31, description="A version by its number; else the published one.", examples=[3])
    values: dict[str, Plain | list[str]] = Field(
        {}, max_length=MOST_VALUES, description="What goes into the fields, by name.", examples=[{"product": "a red teapot"}]
    )
    sections: dict[str, str] = Field(
        {},
        max_length=MOST_VALUES,
        description="Other words for parts that are not locked.",
        examples=[{"lighting": "soft light"}],
    )
    engine: str = Field("", max_length=80, description="Another engine, where the template lets it be changed.", examples=[""])
    mode: str = Field("", max_length=40, description="Another mode, where the template lets it be changed.", examples=[""])
    width: int | None = Field(None, description="Pixels; both or neither.", examples=[512])
    height: int | None = Field(None, description="Pixels; both or neither.", examples=[512])
    num_images: int | None = Field(None, description="How many results.", examples=[1])
    seed: int | None = Field(None, description="For the same again; else a random one, which the results tell.", examples=[1234])
    settings: dict[str, Plain] = Field({}, max_length=100, description="Other settings of the engine, by their names.", examples=[{}])
    inputs: dict[str, uuid.UUID] = Field(
        {}, max_length=20, description="Ids of uploaded files (`POST /inputs`), by the names of the engine's inputs.", examples=[{}]
    )
    source: uuid.UUID | None = Field(
        None, description="The id of something in the library to start from. Takes `library:read`.", examples=[None]
    )
    anew: bool = Field(
        True,
        description="False: a paid result that the team has, or has under way, is the answer.",
        examples=[True],
    )


def template_facts(template: PromptTemplate) -> dict[str, Any]:
    return {
        "id": template.pk,
        "object": "template",
        "name": template.name,
        "description": template.description,
        "tags": template.tags,
        "visibility": template.visibility,
        "published": template.published.number if template.published else None,
        "author": person_facts(template.author),
        "created_at": template.created_at,
        "changed_at": template.changed_at,
        "archived_at": template.archived_at,
    }


def version_facts(version: PromptTemplateVersion) -> dict[str, Any]:
    content = Content.from_json(version.content)
    told = content.to_json()
    fields: list[Mapping[str, Any]] = told["fields"]
    return {
        "id": version.pk,
        "object": "template_version",
        "template": version.template_id,
        "number": version.number,
        "status": version.status,
        "note": version.note,
        "author": person_facts(version.author),
        "created_at": version.created_at,
        "engine": content.engine,
        "mode": content.mode,
        "sections": told["sections"],
        "negative": {"name": "negative", **told["negative"]},
        "fields": [{**one, "label": content.by_name[one["name"]].title, "choices": one["choices"] or []} for one in fields],
        "settings": told["parameters"],
        "changeable": told["changeable"],
    }


@router.get("/templates", auth=USES, response={200: Templates, **statuses()}, summary="List templates")
def templates(request: ProgramRequest, search: Query[TemplateSearch]) -> dict[str, Any]:
    """The team's templates, and what the key's person keeps to themselves; the newest first."""
    caller, before = request.caller, paging.opened(search.cursor, paging.id_of)
    found = PromptTemplate.objects.visible_to(caller.user).of_team(caller.team).search(search.q)
    found = found.exclude(archived_at=None) if search.archived else found.in_use()
    if tag := search.tag.strip().casefold():
        found = found.tagged(tag)
    if before:
        found = found.filter(pk__lt=before)
    rows = list(found.select_related("author", "published").order_by("-pk")[: search.limit + 1])
    return paging.page(rows, search.limit, template_facts)


@router.get("/templates/{uuid:template_id}", auth=USES, response={200: TemplateOut, **statuses()}, summary="Look at a template")
def template_one(request: ProgramRequest, template_id: uuid.UUID) -> dict[str, Any]:
    """What it is called and which version is in use; what it says is in that version."""
    return template_facts(running.template_of(request.caller, template_id))


@router.get("/templates/{uuid:template_id}/versions", auth=USES, response={200: Versions, **statuses()}, summary="List versions")
def template_versions(request: ProgramRequest, template_id: uuid.UUID, paged: Query[Paged]) -> dict[str, Any]:
    """Every save, the newest first, with what it says and which fields it has."""
    template = running.template_of(request.caller, template_id)
    versions = template.versions.select_related("author").order_by("-number")
    if before := paging.opened(paged.cursor, paging.number):
        versions = versions.filter(number__lt=before)
    return paging.page(list(versions[: paged.limit + 1]), paged.limit, version_facts, lambda one: one.number)


@router.get(
    "/templates/{uuid:template_id}/versions/{int:number}", auth=USES, response={200: VersionOut, **statuses()}, summary="Look at a version"
)
def template_version(request: ProgramRequest, template_id: uuid.UUID, number: int) -> dict[str, Any]:
    """What one save says, and which fields a run of it fills in."""
    template = running.template_of(request.caller, template_id)
    version = running.version_of(template, number) if number < 1 << 31 else None
    if version is None:
        raise Http404
    return version_facts(version)


@router.post(
    "/templates/{uuid:template_id}/runs",
    auth=USES,
    response={201: JobOut, 200: JobOut, **statuses(402, 409)},
    openapi_extra=IDEMPOTENT | {"x-scopes": ["templates", "generate"]},
    summary="Run a template",
)
def template_run(request: ProgramRequest, template_id: uuid.UUID, body: RunIn, wait: Wait = 0) -> HttpResponseBase:
    """Fill it in and make it: a job like any other, answered as `POST /jobs` answers. Takes the scope `generate`, too.

    What does not fit a field is said of that field (`values.product`), and nothing is made or charged.
    """
    caller = request.caller
    caller.require("generate")
    require(caller.user, caller.team, "generate")
    template = running.template_of(caller, template_id)

    def make(key: str) -> Job:
        found = running.filled_in(asking.Shop.open(caller), template, body)
        try:
            return submit(
                user=caller.user,
                team=caller.team,
                request=found.request,
                idempotency_key=key,
                inputs=found.keep_inputs(),
                parent=found.parent,
                anew=body.anew or not found.is_exact,
                api_key=caller.key,
                **found.remembered,
            )
        except HaveItAlready as error:
            return error.job

    return told_job(once(request, caller, body.model_dump(mode="json"), make), wait)
