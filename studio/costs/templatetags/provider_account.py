"""`{% load provider_account %}`: the studio's own account at the providers, for pages of the admin."""

from __future__ import annotations

from typing import Any

from django import template
from django.conf import settings

from studio.costs.balance import balances
from studio.costs.models import BalanceSnapshot

register = template.Library()


@register.inclusion_tag("admin/costs/_account.html", takes_context=True)
def provider_account(context: dict[str, Any]) -> dict[str, Any]:
    """Balances and alarms, for whoever may see them; a page waits for the providers no longer than `balance.PATIENCE`."""
    if not _may_see(context):
        return {}
    return {"balances": balances(), "alarms": BalanceSnapshot.objects.alarms(), "low": settings.PROVIDER_LOW_CREDITS}


@register.inclusion_tag("admin/costs/_alarms.html", takes_context=True)
def provider_alarms(context: dict[str, Any]) -> dict[str, Any]:
    """Alarms alone, which are in the rows: nobody is asked."""
    return {"alarms": BalanceSnapshot.objects.alarms()} if _may_see(context) else {}


def _may_see(context: dict[str, Any]) -> bool:
    user = context.get("user")
    return bool(user and user.has_perm("costs.view_balancesnapshot"))
