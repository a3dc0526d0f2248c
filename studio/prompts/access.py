"""The doors to what a team keeps of its craft: whoever may not see something gets 404."""

from __future__ import annotations

import uuid

from django.core import signing
from django.http import Http404

from accounts.access import Right, require
from accounts.models import Team, User
from studio.prompts.models import BrandRule, PromptTemplate, PromptTemplateVersion, Visibility, Wildcard

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


def brand_rule_for(user: User, rule_id: int, right: Right = "see") -> BrandRule:
    """Raises Http404 for a stranger, PermissionDenied for a member without the right."""
    rule = BrandRule.objects.select_related("team", "made_by").filter(pk=rule_id, team__deleted_at=None).first()
    if rule is None:
        raise Http404
    require(user, rule.team, right)
    return rule


def wildcard_for(user: User, team: Team, name: str, right: Right = "see") -> Wildcard:
    """The team's own list of this name. Raises like `brand_rule_for`."""
    require(user, team, right)
    wildcard = Wildcard.objects.select_related("team", "changed_by").filter(team=team, name=name).first()
    if wildcard is None:
        raise Http404
    return wildcard
