"""`{% load billing_credits %}`: millicredits in a template."""

from __future__ import annotations

from typing import Any

from django import template

from accounts import access
from billing import credits
from billing.money import money

register = template.Library()
register.filter("credits", credits.credits)
register.filter("signed_credits", credits.signed)
register.filter("dollars", credits.dollars)
register.filter("credits_noun", credits.noun)
register.filter("money", money)


@register.simple_tag(takes_context=True)
def rights_in_team(context: dict[str, Any]) -> frozenset[access.Right]:
    """`{% rights_in_team as rights %}`: what the person may do in the team that the page is about."""
    return access.rights_here(context["request"])
