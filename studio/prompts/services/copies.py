"""Templates that come from elsewhere and go elsewhere: files, starters, other teams."""

from __future__ import annotations

from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction

from accounts.models import Team, User
from studio.prompts.content import Content
from studio.prompts.errors import UnusableCover
from studio.prompts.exchange.records import MAX_NAME, MAX_NOTE, MAX_TAGS, MAX_VERSIONS, Older, Picture, Template
from studio.prompts.language import parse
from studio.prompts.models import PromptTemplate, Visibility
from studio.prompts.services import templates
from studio.prompts.starters import starter as shipped
from studio.prompts.wildcards import lists


def take_in(team: Team, given: Template, *, by: User, note: str, starter: str = "", visibility: str = Visibility.TEAM) -> PromptTemplate:
    """Make a template of a record, its earlier versions first, and publish the last. All of its words or nothing: raises `Unfit`.

    A cover that cannot be read is left out: the words are what counts.
    """
    earlier = [(one.content, one.note) for one in sorted(given.versions, key=lambda one: one.number)]
    saves = [save for save, before in zip(earlier, [None, *earlier], strict=False) if before is None or save[0] != before[0]]
    if not saves or saves[-1][0] != given.content:
        saves.append((given.content, note))
    with transaction.atomic():
        first, its_note = saves[0]
        template = templates.create(
            team,
            author=by,
            name=given.name,
            content=first,
            description=given.description,
            tags=given.tags[:MAX_TAGS],
            visibility=visibility,
            note=its_note or note,
            starter=starter,
        )
        for number, (content, words) in enumerate(saves[1:], start=1):
            templates.save_version(template, author=by, content=content, note=words, after=number)
        templates.publish(template.versions.newest_first()[0], by=by)
    if given.cover:  # once the rows are there: a file is not rolled back
        _cover(template, given.cover, by=by)
    template.refresh_from_db()
    return template


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
        given = Template(name, given.content, given.description, given.tags, given.cover)
    return take_in(team, given, by=by, note=f"A copy of “{template.name}”"[:MAX_NOTE])


def as_record(template: PromptTemplate, *, with_versions: bool = True) -> Template:
    """A template by itself, with its cover: what is published of it, else what was saved last; drafts that follow stay at home.

    Of very many versions before it the last, as many as a file may have.
    """
    versions = sorted(template.versions.all(), key=lambda one: one.number)  # so that many are read at once by whoever prefetches them
    current = next((one for one in versions if one.pk == template.published_id), versions[-1])
    earlier = [Older(one.number, Content.from_json(one.content), one.note) for one in versions if one.number < current.number]
    return Template(
        name=template.name,
        content=Content.from_json(current.content),
        description=template.description,
        tags=tuple(template.tags),
        cover=_picture(template),
        versions=tuple(earlier[-MAX_VERSIONS:]) if with_versions else (),
    )


def _picture(template: PromptTemplate) -> Picture | None:
    if not template.cover:
        return None
    try:
        with default_storage.open(template.cover) as file:
            return Picture("image/webp", file.read())
    except OSError:
        return None


def missing_lists(template: PromptTemplate) -> list[str]:
    """The names of word lists that what is published of a template draws from, and that its team does not have."""
    if template.published is None:
        return []
    content = Content.from_json(template.published.content)
    read = [parse(text, fields=content.by_name) for text in content.texts.values()]
    return sorted({name for one in read for name in one.wildcards} - set(lists(template.team)))
