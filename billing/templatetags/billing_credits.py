"""`{% load billing_credits %}`: millicredits in a template."""

from __future__ import annotations

from django import template

from billing import credits

register = template.Library()
register.filter("credits", credits.credits)
register.filter("signed_credits", credits.signed)
register.filter("dollars", credits.dollars)
register.filter("credits_noun", credits.noun)
