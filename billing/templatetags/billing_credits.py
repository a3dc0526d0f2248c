"""`{% load billing_credits %}`: millicredits in a template, and what an entry did in words."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import template
from django.utils import timezone
from django.utils.formats import date_format

from accounts import access
from billing import credits, shop
from billing.asking import Asked
from billing.models import LedgerEntry, Wallet
from billing.money import money
from billing.services import budgets

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


@register.filter
def absolute(number: int) -> int:
    return abs(number)


@register.filter
def credits_rounded(millicredits: int) -> str:
    """Of an estimate: whole credits from ten on, one decimal place below."""
    whole = abs(millicredits) >= 10 * credits.MILLICREDITS
    step = credits.MILLICREDITS if whole else credits.MILLICREDITS // 10
    return credits.credits((millicredits + step // 2) // step * step)


@register.filter
def told_day(day: date) -> str:
    """ "Wednesday, 25 November"; with the year when it is not this one."""
    return date_format(day, "l, j F" if day.year == timezone.localdate().year else "j F Y")


@register.filter
def moved(entry: LedgerEntry) -> str:
    """What an entry without a hold did: "granted 10", "expired 4", "frozen 12"."""
    amount = abs(entry.amount or entry.frozen)
    return f"{entry.get_kind_display().lower()} {credits.credits(amount)}"


@register.filter
def after(asked: Asked, entry_id: int) -> str:
    """The query string that goes on with the statement."""
    return asked.query(after=str(entry_id))


@register.simple_tag
def shop_is_open() -> bool:
    """`{% shop_is_open as is_open %}`: whether there is something to buy."""
    return shop.is_open()


@register.simple_tag(takes_context=True)
def budget_meters(context: dict[str, Any], wallet: Wallet) -> list[budgets.Meter]:
    """`{% budget_meters wallet as meters %}`: the limits that hold for the person, theirs first; empty without budgets."""
    return budgets.meters_of(wallet, context["request"].user)
