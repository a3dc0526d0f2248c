"""Who is in the studio before the run begins: people in teams, each with a password and an API key, and an endpoint for each team."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.chaos.receiver import Receiver

PASSWORD = "a long enough password"
IN_A_TEAM = 4
CREDITS = 100_000_000
"""Millicredits of a team: more than it can spend."""
EVENTS = ("job.succeeded", "job.failed", "job.canceled", "batch.finished")


@dataclass(frozen=True, slots=True)
class Account:
    """What one person signs in with, and a program of theirs. The pages show the team where they signed in last: this one."""

    email: str
    team_id: int
    secret: str


def populate(people: int, receiver: Receiver) -> list[Account]:
    """Make them by the studio's own services; the receiver is told the secrets that sign. Needs Django's settings."""
    from django.contrib.auth.hashers import make_password

    from accounts import keys
    from accounts.models import Membership, Role, Team, User
    from accounts.services import create_team, create_user_with_team
    from billing.services import wallets
    from studio.webhooks.services import make_endpoint

    hashed = make_password(PASSWORD)  # once: that takes its time
    accounts: list[Account] = []
    team: Team | None = None
    for number in range(people):
        email = f"person{number:02d}@harbour.example"
        user = create_user_with_team(email=email, name=f"Person {number}", email_verified=True, is_owner=not number, is_staff=not number)
        if number % IN_A_TEAM == 0:
            team = create_team(f"Harbour Street {number // IN_A_TEAM + 1}", user)
            wallets.grant(wallets.wallet_of(team), CREDITS, reference="chaos", description="For the run")
            endpoint = make_endpoint(team, by=user, url=receiver.url(str(team.pk)), events=EVENTS)
            receiver.secrets[str(team.pk)] = endpoint.secret
        else:
            assert team
            Membership.objects.create(team=team, user=user, role=Role.CREATOR)
        assert team
        User.objects.filter(pk=user.pk).update(password=hashed)
        secret = keys.make(team, user, name=f"Robot {number}", scopes=["generate", "library:read"]).secret
        accounts.append(Account(email, team.pk, secret))
    return accounts
