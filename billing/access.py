"""The only door to a wallet. Everyone in a team sees its wallet, whatever the role; a stranger gets 404."""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser
from django.http import Http404

from accounts.access import membership_for
from accounts.models import Team, User
from billing.models import Wallet
from billing.services.wallets import wallet_of


def wallet_for(user: User | AnonymousUser, team: Team | None) -> Wallet:
    """The team's wallet, opened when there is none yet. Raises Http404 for whoever is not a member, and for no team."""
    if not team or not membership_for(user, team):
        raise Http404
    return wallet_of(team)
