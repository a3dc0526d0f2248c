"""Who asks: the key in `Authorization`, the team in `Organization`. Nothing else signs a program in; cookies never do."""

from __future__ import annotations

from contextlib import ExitStack
from typing import cast

from django.http import HttpRequest
from ninja.security.http import HttpAuthBase
from structlog.contextvars import bind_contextvars

from accounts import audit, keys
from accounts.errors import BadKey, NoKey
from accounts.keys import Caller
from accounts.models import User
from studio.api import known, limits
from studio.api.errors import NotOpenYet
from studio.api.limits import Standing


class ProgramRequest(HttpRequest):
    """A request of a program that was let in, and where it stands by the limits. Only for annotations."""

    caller: Caller
    standing: Standing


def secret_of(request: HttpRequest) -> str:
    """The key that the request came with, behind `Bearer` or bare; empty for none."""
    header = request.headers.get("Authorization", "").strip()
    scheme, _, rest = header.partition(" ")
    return rest.strip() if scheme.lower() == "bearer" else header


def caller_of(request: HttpRequest, *, at_home: bool = False) -> Caller:
    """Let a program in, and note that its key was used; what it does from here on the logs say of the key, by the part that is no secret.

    `at_home`: in the key's own team, whichever `Organization` names.

    Raises what `keys.caller` does, and `NotOpenYet`.
    """
    secret = secret_of(request)
    try:
        if not secret or " " in secret:  # nothing, or another scheme: `Basic …`
            raise NoKey
        caller = keys.caller(secret, "" if at_home else request.headers.get("Organization", "").strip())
    except BadKey:
        if not User.objects.exists():
            raise NotOpenYet from None
        raise
    keys.touch(caller.key)
    program = cast(ProgramRequest, request)
    program.caller = caller
    bind_contextvars(user_id=caller.user.pk, key_id=caller.key.public_id)
    while_it_lasts(request).enter_context(audit.acting_with(caller.key))
    return caller


def while_it_lasts(request: HttpRequest) -> ExitStack:
    """What ends with the request (`ProgramMiddleware` closes it)."""
    if not hasattr(request, "ends_with"):
        request.ends_with = ExitStack()  # type: ignore[attr-defined]
    return cast(ExitStack, request.ends_with)  # type: ignore[attr-defined]


class Key(HttpAuthBase):
    """The key that an operation of the own API asks for; any one of `scopes` is enough, and none asks for no more than a good key.

    The order is: who is it, how often, may it, and is every word of the address one that the operation knows.
    """

    openapi_scheme = "bearer"
    openapi_description = "A key of the studio: `Authorization: Bearer sk-…`. The key alone, without `Bearer`, is understood too."

    def __init__(self, *scopes: str) -> None:
        super().__init__()
        self.scopes = scopes

    def __call__(self, request: HttpRequest) -> Caller:
        caller = caller_of(request)
        cast(ProgramRequest, request).standing = limits.count(caller)
        if self.scopes and not caller.scopes.intersection(self.scopes):
            caller.require(self.scopes[0])
        known.check(request)
        return caller
