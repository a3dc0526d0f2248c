"""Who a key belongs to and what its team has left (API.md 1.1)."""

from __future__ import annotations

from typing import Any

from django.utils.crypto import salted_hmac

from accounts.keys import Caller, organization_id
from accounts.models import Membership, User
from billing.credits import MILLICREDITS
from billing.services import wallets
from studio.api.stability.engines import engines_listed
from studio.api.stability.messages import Answer


def answer(path: str, caller: Caller) -> Answer:
    """Of one of the contract's addresses without a body."""
    return {"/v1/user/account": account, "/v1/user/balance": balance, "/v1/engines/list": engines}[path](caller)


def account(caller: Caller) -> Answer:
    """The teams are those that the key may act in: of others a program need not know."""
    places = Membership.objects.of(caller.user).select_related("team").order_by("team__name", "team_id")
    organizations = [
        {
            "id": organization_id(place.team),
            "name": str(place.team),
            "role": place.role.upper(),
            "is_default": place.team_id == caller.key.team_id,
        }
        for place in places
        if caller.key.all_teams or place.team_id == caller.key.team_id
    ]
    told: dict[str, Any] = {"id": user_id(caller.user), "email": caller.user.email, "organizations": organizations}
    return Answer.of(told)


def balance(caller: Caller) -> Answer:
    """Credits that are not held for anything: of the key's team, or of the one that `Organization` names."""
    return Answer.of({"credits": wallets.wallet_of(caller.team).available / MILLICREDITS})


def engines(caller: Caller) -> Answer:
    return Answer.of(engines_listed())


def user_id(user: User) -> str:
    """Always the same one, from which the row's number cannot be told."""
    return "user-" + salted_hmac("studio.api.stability.user", str(user.pk)).hexdigest()[:24]
