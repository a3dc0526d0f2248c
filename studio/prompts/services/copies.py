"""Templates that come from elsewhere and go elsewhere: files, starters, other teams."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction

from accounts.models import Team, User
from studio.prompts.content import Content
from studio.prompts.errors import UnusableCover
from studio.prompts.exchange.records import MAX_NAME, MAX_NOTE, MAX_TAGS, MAX_VERSIONS, Older, Picture, Template
from studio.prompts.language import parse
from studio.prompts.models import PromptTemplate, PromptTemplateVersion, Visibility
from studio.prompts.services import templates
from studio.prompts.starters import starter as shipped
from studio.prompts.wildcards import lists

Status = PromptTemplateVersion.Status


def take_in(team: Team, given: Template, *, by: User, note: str, starter: str = "", visibility: str = Visibility.TEAM) -> PromptTemplate:
    """Make a template of a record: its earlier versions first, the one in use, which is published, and the drafts that follow it. All of
    its words or nothing: raises `Unfit`. `note` is that of a version in use that has none.

    A cover that cannot be read is left out: the words are what counts.
    """
    current = Older(0, given.content, given.note or note)
    saves = _saves(given, current)
    with transaction.atomic():
        template = templates.create(
            team,
            author=by,
            name=given.name,
            content=saves[0].content,
            description=given.description,
            tags=given.tags[:MAX_TAGS],
            visibility=visibility,
            note=saves[0].note,
            starter=starter,
        )
        for number, save in enumerate(saves[1:], start=1):
            templates.save_version(template, author=by, content=save.content, note=save.note, after=number)
        used = [number for number, save in enumerate(saves, start=1) if save.was_used and save is not current]
        template.versions.filter(number__in=used).update(status=Status.ARCHIVED)  # nobody sees the template before this is done
        if not given.is_draft:
            templates.publish(template.versions.get(number=saves.index(current) + 1), by=by)
    if given.cover:  # once the rows are there: a file is not rolled back
        _cover(template, given.cover, by=by)
    template.refresh_from_db()
    return template


def _saves(given: Template, current: Older) -> list[Older]:
    """What is saved one after the other. Of neighbours that say the same the first is kept: there is nothing to save between them."""
    before, after = (sorted(some, key=lambda one: one.number) for some in (given.versions, given.newer))
    saves: list[Older] = []
    for one in (*before, current, *after):
        if not saves or saves[-1].content != one.content:
            saves.append(one)
        elif one is current:
            saves[-1] = one
    return saves


def _cover(template: PromptTemplate, cover: Picture, *, by: User) -> None:
    try:
        templates.set_cover(template, cover.data, by=by)
    except UnusableCover:
        return


def starter(team: Team, slug: str, *, by: User) -> PromptTemplate:
    """The team's own copy of a template that comes with the studio; the one it has, when it has one. Raises KeyError for no such."""
    given = shipped(slug)
    for _ in range(2):  # of two who ask for it at once, the second finds what the first made
        if found := PromptTemplate.objects.of_team(team).filter(starter=slug).first():
            if found.archived_at:
                templates.bring_back(found, by=by)
                found.refresh_from_db()
            return found
        try:
            return take_in(team, given, by=by, note="Comes with the studio", starter=slug)
        except IntegrityError:
            continue
    raise AssertionError("a starter that is neither there nor can be made")


def copy(template: PromptTemplate, team: Team, *, by: User) -> PromptTemplate:
    """A template of one's own to change: what is published of another, or was saved last, without what came before."""
    given = as_record(template, with_versions=False)
    if template.team_id == team.pk:
        name = f"{given.name[: MAX_NAME - 7]} (copy)"
        given = replace(given, name=name)
    given = replace(given, is_draft=False)
    return take_in(team, given, by=by, note=f"A copy of “{template.name}”"[:MAX_NOTE])


def as_record(template: PromptTemplate, *, with_versions: bool = True) -> Template:
    """A template by itself, with its cover: what is published of it, else what was saved last.

    Unless it is `with_versions`, what came before, the drafts that follow and all notes stay at home. Of very many versions before it and
    after it the last, as many as a file may have.
    """
    versions = sorted(template.versions.all(), key=lambda one: one.number)  # so that many are read at once by whoever prefetches them
    current = next((one for one in versions if one.pk == template.published_id), versions[-1])
    others = [Older(one.number, Content.from_json(one.content), one.note, one.status == Status.ARCHIVED) for one in versions]
    earlier = [one for one in others if one.number < current.number]
    newer = [one for one in others if one.number > current.number]
    return Template(
        name=template.name,
        content=Content.from_json(current.content),
        description=template.description,
        tags=tuple(template.tags),
        cover=_picture(template),
        versions=tuple(earlier[-MAX_VERSIONS:]) if with_versions else (),
        note=current.note if with_versions else "",
        newer=tuple(newer[-MAX_VERSIONS:]) if with_versions else (),
        is_draft=current.pk != template.published_id,
    )


def _picture(template: PromptTemplate) -> Picture | None:
    if not template.cover:
        return None
    try:
        with default_storage.open(template.cover) as file:
            return Picture("image/webp", file.read())
    except OSError:
        return None


def missing_lists(template: PromptTemplate, *, known: Collection[str] | None = None) -> list[str]:
    """The names of word lists that what is published of a template draws from, and that its team does not have: none of those `known`."""
    if template.published is None:
        return []
    content = Content.from_json(template.published.content)
    read = [parse(text, fields=content.by_name) for text in content.texts.values()]
    return sorted({name for one in read for name in one.wildcards} - set(lists(template.team) if known is None else known))
