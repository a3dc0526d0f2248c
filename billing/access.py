"""The only door to a wallet, and to what was bought for it. Everyone in a team sees its wallet, whatever the role; a stranger gets 404."""

from __future__ import annotations

import uuid

from django.contrib.auth.models import AnonymousUser
from django.http import Http404

from accounts.access import Right, allows, membership_for, require
from accounts.models import Team, User
from billing.models import ApprovalRule, BudgetRequest, Hold, LedgerEntry, Purchase, Wallet
from billing.services.wallets import wallet_of


def wallet_for(user: User | AnonymousUser, team: Team | None) -> Wallet:
    """The team's wallet, opened when there is none yet. Raises Http404 for whoever is not a member, and for no team."""
    if not team or not membership_for(user, team):
        raise Http404
    return wallet_of(team)


def purchase_for(user: User | AnonymousUser, purchase_id: uuid.UUID, right: Right = "spend") -> Purchase:
    """Whoever may `spend` in the team sees what it bought; who may `administer` buys and refunds.

    Raises like `accounts.access.require`, and Http404 for no such purchase.
    """
    purchase = Purchase.objects.select_related("wallet__team", "buyer").filter(pk=purchase_id, wallet__team__deleted_at=None).first()
    if purchase is None:
        raise Http404
    require(user, purchase.wallet.team, right)
    return purchase


def wallet_to_buy_for(user: User | AnonymousUser, team: Team | None, right: Right = "spend") -> Wallet:
    """The team's wallet, for the pages of what is bought: `spend` looks, `administer` buys. Raises like `accounts.access.require`."""
    if not team:
        raise Http404
    require(user, team, right)
    return wallet_of(team)


def wallet_to_administer(user: User | AnonymousUser, team: Team | None) -> Wallet:
    """The same for those who may say when its people are warned. Raises PermissionDenied for another member."""
    wallet = wallet_for(user, team)
    require(user, wallet.team, "administer")
    return wallet


def may_administer(user: User | AnonymousUser, wallet: Wallet) -> bool:
    return allows(user, wallet.team, "administer")


def entry_for(user: User, entry_id: int) -> LedgerEntry:
    """An entry of a wallet that the person sees, whichever team they work in now. Raises Http404."""
    entry = LedgerEntry.objects.filter(pk=entry_id, wallet__in=Wallet.objects.visible_to(user))
    return _found(entry.select_related("hold", "actor", "wallet__team").first())


def hold_for(user: User, hold_id: int) -> Hold:
    """The same for a hold. Raises Http404."""
    hold = Hold.objects.filter(pk=hold_id, wallet__in=Wallet.objects.visible_to(user)).first()
    if hold is None:
        raise Http404
    return hold


def _found(entry: LedgerEntry | None) -> LedgerEntry:
    if entry is None:
        raise Http404
    return entry


def budget_request_for(user: User | AnonymousUser, request_id: int) -> BudgetRequest:
    """Whoever may `administer` answers it. Raises like `accounts.access.require`, and Http404 for no such request."""
    found = BudgetRequest.objects.select_related("wallet__team", "person", "decided_by")
    request = found.filter(pk=request_id, wallet__team__deleted_at=None).first()
    if request is None:
        raise Http404
    require(user, request.wallet.team, "administer")
    return request


def own_budget_request_for(user: User, request_id: int) -> BudgetRequest:
    """Whoever asked takes it back, and nobody else. Raises Http404."""
    mine = BudgetRequest.objects.filter(person=user, wallet__in=Wallet.objects.visible_to(user))
    request = mine.select_related("wallet__team").filter(pk=request_id).first()
    if request is None:
        raise Http404
    return request


def rule_for(user: User | AnonymousUser, rule_id: int) -> ApprovalRule:
    """For those who may `administer`. Raises like `accounts.access.require`, and Http404 for no such rule."""
    rule = ApprovalRule.objects.select_related("wallet__team").filter(pk=rule_id, wallet__team__deleted_at=None).first()
    if rule is None:
        raise Http404
    require(user, rule.wallet.team, "administer")
    return rule
