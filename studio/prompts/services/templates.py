"""Templates: made, saved as versions, published, put away. Who may is asked before (`access.template_for`).

A version is never changed. Whatever gives one a number or a status holds the template's row.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.models import Team, User
from studio.prompts import covers, tidy
from studio.prompts.content import Content
from studio.prompts.errors import ChangedMeanwhile, NothingChanged, NotYours, PutAway, Unfit, UnusableCover
from studio.prompts.exchange.records import MAX_DESCRIPTION, MAX_NAME, MAX_NOTE, MAX_TAG, MAX_TAGS
from studio.prompts.models import PromptTemplate, PromptTemplateVersion, TemplateFavorite, Visibility
from studio.storage import discard

Status = PromptTemplateVersion.Status


def create(
    team: Team,
    *,
    author: User,
    name: str,
    content: Content,
    description: str = "",
    tags: Iterable[str] = (),
    visibility: str = Visibility.TEAM,
    note: str = "",
    starter: str = "",
) -> PromptTemplate:
    """A template with its first version, a draft. Raises `Unfit`."""
    about = _described(name, description, tags)
    saying = _fit(content)
    with transaction.atomic():
        template = PromptTemplate.objects.create(
            team=team, author=author, visibility=Visibility(visibility), starter=starter, changed_at=timezone.now(), **about
        )
        _add(template, number=1, author=author, content=saying, note=_noted(note))
        _log(template, author, "created", f"made the template “{template.name}”")
    return template


def save_version(template: PromptTemplate, *, author: User, content: Content, note: str = "", after: int) -> PromptTemplateVersion:
    """The next version, a draft, written on the one numbered `after`.

    Raises `Unfit`, `ChangedMeanwhile` when that is not the newest any more, `NothingChanged` when it would say the same, `PutAway`.
    """
    saying = _fit(content)
    with transaction.atomic():
        current = _locked(template)
        newest = _newest(current)
        if newest.number != after:
            raise ChangedMeanwhile(newest)
        if newest.content == saying.to_json():
            raise NothingChanged(f"Nothing has changed since version {newest.number}, so there is nothing to save.")
        version = _add(current, number=newest.number + 1, author=author, content=saying, note=_noted(note))
        _touch(current)
        _log(current, author, "saved", f"saved version {version.number} of the template “{current.name}”")
    return version


def publish(version: PromptTemplateVersion, *, by: User) -> bool:
    """Make a version the one in use; the one before it is archived. False when it is the one already. Raises `PutAway`."""
    with transaction.atomic():
        template = _locked(version.template)
        if template.published_id == version.pk:
            return False
        versions = PromptTemplateVersion.objects.filter(template=template)
        versions.filter(status=Status.PUBLISHED).update(status=Status.ARCHIVED)
        versions.filter(pk=version.pk).update(status=Status.PUBLISHED)
        _touch(template, published=version)
        _log(template, by, "published", f"published version {version.number} of the template “{template.name}”")
    version.status = Status.PUBLISHED
    return True


def restore(version: PromptTemplateVersion, *, by: User) -> PromptTemplateVersion:
    """A new draft that says what an older version said. Raises `NothingChanged` when the newest says that, and `PutAway`."""
    with transaction.atomic():
        template = _locked(version.template)
        newest = _newest(template)
        if newest.content == version.content:
            raise NothingChanged(f"Version {newest.number}, the newest, says the same as version {version.number}.")
        again = PromptTemplateVersion.objects.create(
            template=template,
            number=newest.number + 1,
            author=by,
            content=version.content,
            note=f"As version {version.number}",
            restored_from=version,
        )
        _touch(template)
        _log(template, by, "restored", f"brought back version {version.number} of the template “{template.name}” as {again.number}")
    return again


def archive(template: PromptTemplate, *, by: User) -> bool:
    """Put a template away: it is picked no more; what was made with it stays as it is. False when it was away already."""
    with transaction.atomic():
        gone = PromptTemplate.objects.filter(pk=template.pk, archived_at=None).update(archived_at=timezone.now())
        if gone:
            _log(template, by, "archived", f"put away the template “{template.name}”")
    return bool(gone)


def bring_back(template: PromptTemplate, *, by: User) -> bool:
    """Take a template out of the archive. False when it was not there."""
    with transaction.atomic():
        back = PromptTemplate.objects.filter(pk=template.pk, archived_at__isnull=False).update(archived_at=None)
        if back:
            _log(template, by, "brought_back", f"brought back the template “{template.name}”")
    return bool(back)


def describe(template: PromptTemplate, *, by: User, name: str, description: str, tags: Iterable[str]) -> None:
    """Another name, description or tags; versions know nothing of them. Raises `Unfit`."""
    about = _described(name, description, tags)
    if about == {"name": template.name, "description": template.description, "tags": template.tags}:
        return
    with transaction.atomic():
        before = template.name
        _touch(template, **about)
        text = f"renamed the template “{before}” to “{template.name}”" if before != template.name else f"described “{template.name}” anew"
        _log(template, by, "described", text)


def set_cover(template: PromptTemplate, data: bytes | None, *, by: User) -> None:
    """Another picture on a template, made small; None takes it away. Raises `UnusableCover`, also when it cannot be saved."""
    name = ""
    if data is not None:
        small = covers.shrunk(data)
        try:
            name = default_storage.save(covers.fresh_name(), ContentFile(small))
        except OSError as error:
            raise UnusableCover("The picture could not be saved. Try again in a minute; if it goes on, tell your operator.") from error
    with transaction.atomic():
        before = PromptTemplate.objects.select_for_update(no_key=True).get(pk=template.pk).cover
        PromptTemplate.objects.filter(pk=template.pk).update(cover=name)
        if before:
            transaction.on_commit(lambda: discard([before]))
        if before or name:
            text = f"{'put a cover on' if name else 'took the cover off'} the template “{template.name}”"
            _log(template, by, "covered", text)
    template.cover = name


def set_visibility(template: PromptTemplate, visibility: str, *, by: User) -> None:
    """Who sees a template. Links end when it is open to whoever has one no more; opening it again makes another. What the team had of a
    starter is its own no more once somebody keeps it to themselves: whoever asks for that starter gets another.

    Raises `NotYours` for keeping private what somebody else wrote: nobody else would find it again.
    """
    wanted = Visibility(visibility)
    if wanted == Visibility.PRIVATE and template.author_id != by.pk:
        raise NotYours("Only the person who made this template can keep it to themselves. Make a copy if you want one of your own.")
    key = secrets.token_urlsafe(12) if wanted == Visibility.LINK else ""
    changes = {"visibility": wanted, "link_key": key} | ({"starter": ""} if wanted == Visibility.PRIVATE else {})
    with transaction.atomic():
        if PromptTemplate.objects.filter(pk=template.pk).exclude(visibility=wanted).update(**changes):
            for name, value in changes.items():
                setattr(template, name, value)
            seen = {Visibility.PRIVATE: "keeps a template private", Visibility.LINK: f"made “{template.name}” open to whoever has its link"}
            audit.record(template.team, by, "template.shown", seen.get(wanted, f"shows the team the template “{template.name}”"))


def favor(user: User, template: PromptTemplate, on: bool) -> None:
    """Keep a template at hand, or do so no more."""
    if on:
        TemplateFavorite.objects.get_or_create(user=user, template=template)
    else:
        TemplateFavorite.objects.filter(user=user, template=template).delete()


# --- what the others share -------------------------------------------------------------------------------------------
def tags_of(words: Iterable[str]) -> list[str]:
    """Tags as they are kept: in small letters, each once, in the order given. Raises `Unfit`."""
    named = list(dict.fromkeys(filter(None, (tidy.line(word).casefold() for word in words))))
    if long := next((tag for tag in named if len(tag) > MAX_TAG), ""):
        raise Unfit("A tag is too long.", {"tags": f"A tag has at most {MAX_TAG} characters; “{long[:20]}…” has {len(long)}."})
    if len(named) > MAX_TAGS:
        raise Unfit("There are too many tags.", {"tags": f"A template has at most {MAX_TAGS} tags; here are {len(named)}."})
    return named


def _described(name: str, description: str, tags: Iterable[str]) -> dict[str, object]:
    called, said = tidy.line(name), tidy.text(description)
    problems = {}
    if not called:
        problems["name"] = "Give the template a name, so that others find it."
    elif len(called) > MAX_NAME:
        problems["name"] = f"A name has at most {MAX_NAME} characters; this has {len(called)}."
    if len(said) > MAX_DESCRIPTION:
        problems["description"] = f"A description has at most {MAX_DESCRIPTION:,} characters; this has {len(said):,}."
    try:
        kept = tags_of(tags)
    except Unfit as error:
        problems |= error.fields
    if problems:
        raise Unfit(next(iter(problems.values())), problems)
    return {"name": called, "description": said, "tags": kept}


def _fit(content: Content) -> Content:
    if problems := content.problems():
        raise Unfit("Something in the template does not fit yet. It is said beside it; nothing is lost.", problems)
    return content.normal()


def _noted(note: str) -> str:
    words = tidy.line(note)
    if len(words) > MAX_NOTE:
        raise Unfit("The note is too long.", {"note": f"A note has at most {MAX_NOTE} characters; this has {len(words)}."})
    return words


def _locked(template: PromptTemplate) -> PromptTemplate:
    """The row as it is now, for this transaction alone. Raises `PutAway`."""
    row = PromptTemplate.objects.select_for_update(no_key=True, of=("self",)).select_related("team").get(pk=template.pk)
    if row.archived_at:
        raise PutAway("This template is in the archive. Bring it back first, then go on.")
    return row


def _newest(template: PromptTemplate) -> PromptTemplateVersion:
    return PromptTemplateVersion.objects.filter(template=template).select_related("author").newest_first()[0]


def _add(template: PromptTemplate, *, number: int, author: User, content: Content, note: str) -> PromptTemplateVersion:
    return PromptTemplateVersion.objects.create(template=template, number=number, author=author, content=content.to_json(), note=note)


def _touch(template: PromptTemplate, **fields: object) -> None:
    for name, value in {"changed_at": timezone.now(), **fields}.items():
        setattr(template, name, value)
    template.save(update_fields=["changed_at", *fields])


def _log(template: PromptTemplate, by: User, verb: str, text: str) -> None:
    """The team's log says nothing of what somebody keeps to themselves."""
    if template.visibility != Visibility.PRIVATE:
        audit.record(template.team, by, f"template.{verb}", text)
