"""What every page may show: team, wallet, open jobs, engines, theme. Nothing is read until a template asks for it, and then once.

Templates call what can be called, so each value is a cached function and not a lazy object, which filters do not understand.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from django.http import HttpRequest

from accounts.mails import mail_is_sent
from accounts.models import Membership, Team, User
from billing.models import Wallet
from billing.services.wallets import wallet_of
from studio.backends.base import Engine
from studio.galleries import notices, shelf
from studio.generation.engines import available
from studio.generation.models import Job

THEMES = ("dark", "light")


def studio(request: HttpRequest) -> dict[str, Any]:
    """Context processor: `team`, `teams`, `places` (memberships in those) and `ended_places` (in deleted ones), `wallet` (None for nobody),
    `open_jobs`, `unread_notices` and `to_review` (numbers), `engines`, `theme` (of THEMES or empty), `mail_is_set_up`."""

    def person() -> User | None:
        user = getattr(request, "user", None)  # not there yet when a request is refused for its host name
        return user if isinstance(user, User) else None

    def team() -> Team | None:
        return getattr(request, "team", None) if person() else None

    @cache
    def memberships() -> list[Membership]:
        user = person()
        return list(Membership.objects.remembered_by(user)) if user else []

    def places() -> list[Membership]:
        return [one for one in memberships() if not one.team.deleted_at]

    def ended_places() -> list[Membership]:
        return [one for one in memberships() if one.team.deleted_at]

    def teams() -> list[Team]:
        return [one.team for one in places()]

    def wallet() -> Wallet | None:
        mine = team()
        return wallet_of(mine) if mine else None

    def open_jobs() -> int:
        mine = team()
        return Job.objects.of_team(mine).open().count() if mine else 0

    def unread_notices() -> int:
        user = person()
        return notices.unread(user.pk) if user else 0

    def engines() -> list[Engine]:
        return available()

    def theme() -> str:
        user = person()
        chosen = user.theme if user else request.COOKIES.get("theme", "")
        return chosen if chosen in THEMES else ""

    def mail_is_set_up() -> bool:
        return mail_is_sent()

    def to_review() -> int:
        user, mine = person(), team()
        return shelf.number_to_review(user, mine) if user and mine else 0

    lazy: tuple[Callable[[], object], ...] = (
        *(team, teams, places, ended_places, wallet, open_jobs, unread_notices, to_review),
        *(engines, theme, mail_is_set_up),
    )
    return {value.__name__: cache(value) for value in lazy}
