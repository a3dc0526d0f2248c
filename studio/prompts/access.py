"""The doors to templates and their versions: whoever may not see one gets 404."""

from __future__ import annotations

import uuid

from django.core import signing
from django.http import Http404

from accounts.access import Right, require
from accounts.models import User
from studio.prompts.models import PromptTemplate, PromptTemplateVersion, Visibility

_signer = signing.Signer(salt="studio.prompts.link", sep="~")


def template_for(user: User, template_id: uuid.UUID, right: Right = "see") -> PromptTemplate:
    """Raises Http404 for a stranger and for what somebody else keeps private, PermissionDenied for a member without the right."""
    rows = PromptTemplate.objects.visible_to(user).marked_for(user).select_related("team", "author", "published")
    template = rows.filter(pk=template_id).first()
    if template is None:
        raise Http404
    require(user, template.team, right)
    return template


def version_for(user: User, version_id: uuid.UUID, right: Right = "see") -> PromptTemplateVersion:
    """Raises like `template_for`."""
    version = PromptTemplateVersion.objects.visible_to(user).select_related("template__team", "author").filter(pk=version_id).first()
    if version is None:
        raise Http404
    require(user, version.template.team, right)
    return version


def token_of(template: PromptTemplate) -> str:
    """What stands in a template's public link: signed, so that whoever reads the database alone has no link."""
    return _signer.sign(template.link_key)


def shared_template(token: str) -> PromptTemplate:
    """The template that a public link shows: open to whoever has it, published, not put away. Raises Http404."""
    try:
        key = _signer.unsign(token)
    except signing.BadSignature:
        raise Http404 from None
    open_ones = PromptTemplate.objects.usable().filter(visibility=Visibility.LINK, link_key=key, team__deleted_at=None)
    template = open_ones.exclude(link_key="").select_related("team", "published").first()
    if template is None:
        raise Http404
    return template
