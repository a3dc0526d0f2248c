"""The type of a request as a view sees it: what the middleware adds, told to readers and to the type checker."""

from __future__ import annotations

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from accounts.models import Membership, Team, User


class SignedInRequest(HttpRequest):
    """A request behind `@login_required`: a person (never nobody), the team they work in, their places in every team, and what htmx says.

    Only for annotations.
    """

    user: User  # type: ignore[assignment]
    team: Team
    places: list[Membership]
    htmx: HtmxDetails
