"""The doors to templates and their versions: whoever may not see one gets 404."""

from __future__ import annotations

import uuid

from django.http import Http404

from accounts.access import Right, require
from accounts.models import User
from studio.prompts.models import PromptTemplate, PromptTemplateVersion


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
