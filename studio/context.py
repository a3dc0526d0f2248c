"""What every page may show: team, wallet, open jobs, engines, theme. Nothing is read until a template asks for it, and then once.

Templates call what can be called, so each value is a cached function and not a lazy object, which filters do not understand.
"""

from __future__ import annotations

from contextlib import suppress
from functools import cache, cached_property
from typing import Any

from django.http import HttpRequest

from accounts.access import RIGHTS
from accounts.mails import mail_is_sent
from accounts.middleware import TeamIsLost
from accounts.models import Membership, Team, User
from billing.models import Wallet
from billing.services.wallets import shown_of
from studio.backends.base import Engine
from studio.galleries import notices, shelf
from studio.generation.engines import available
from studio.generation.models import Job
from studio.prepared import PreparedCount

THEMES = ("dark", "light")
_open_jobs = PreparedCount(lambda team: Job.objects.filter(team=team).in_progress().pieces())
_to_approve = PreparedCount(lambda team: Job.objects.filter(team=team).waits_for_approval().pieces())


class _Shown:
    """What one request's pages may ask for."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request
        user = getattr(request, "user", None)  # not there yet when a request is refused for its host name
        self._user = user if isinstance(user, User) else None

    @cached_property
    def _memberships(self) -> list[Membership]:
        places = getattr(self._request, "places", None) if self._request.method in ("GET", "HEAD") else None  # else they may have changed
        return list(Membership.objects.remembered_by(self._user)) if places is None and self._user else places or []

    def team(self) -> Team | None:
        if not self._user:
            return None
        with suppress(TeamIsLost):  # an error page for what was meant for that team is drawn for the one that the person works in now
            bool(getattr(self._request, "team", None))
        return getattr(self._request, "team", None)

    def teams(self) -> list[Team]:
        return [one.team for one in self.places()]

    def places(self) -> list[Membership]:
        """Memberships in those teams."""
        return [one for one in self._memberships if not one.team.deleted_at]

    def ended_places(self) -> list[Membership]:
        """Memberships in deleted teams."""
        return [one for one in self._memberships if one.team.deleted_at]

    def wallet(self) -> Wallet | None:
        mine = self.team()
        return shown_of(mine) if mine else None

    def open_jobs(self) -> int:
        mine = self.team()
        return _open_jobs(mine.pk) if mine else 0

    def unread_notices(self) -> int:
        return notices.unread(self._user.pk) if self._user else 0

    def to_review(self) -> int:
        """How much waits for this person; 0 for who may not publish."""
        mine = self.team()
        role = next((one.role for one in self.places() if mine and one.team_id == mine.pk), None)
        return shelf.number_to_review(mine) if mine and role and "publish" in RIGHTS[role] else 0

    def to_approve(self) -> int:
        """How many jobs of the team wait for approval."""
        mine = self.team()
        return _to_approve(mine.pk) if mine else 0

    def may_approve(self) -> bool:
        mine = self.team()
        return any("administer" in RIGHTS[one.role] for one in self._memberships if mine and one.team_id == mine.pk)

    def engines(self) -> list[Engine]:
        return available()

    def theme(self) -> str:
        """One of THEMES, or empty for that of the device."""
        chosen = self._user.theme if self._user else self._request.COOKIES.get("theme", "")
        return chosen if chosen in THEMES else ""

    def mail_is_set_up(self) -> bool:
        return mail_is_sent()


NAMES = tuple(name for name in vars(_Shown) if not name.startswith("_"))


def studio(request: HttpRequest) -> dict[str, Any]:
    """Context processor: the public methods of `_Shown`, each called once at most."""
    shown = _Shown(request)
    return {name: cache(getattr(shown, name)) for name in NAMES}
