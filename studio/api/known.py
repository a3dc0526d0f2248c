"""Words of an address that an operation does not know are refused: a misspelt filter would be passed over, and give a complete list."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from functools import wraps
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from studio.api.errors import UnknownParameter

LONGEST = 80
"""Characters of a name that are repeated."""


def declared(operation: Any) -> frozenset[str]:
    """The parameters that an operation of ninja's takes in an address, by the names that its document has for them."""
    of_query = [model for model in operation.models if model.__ninja_param_source__ == "query"]
    return frozenset(name for model in of_query for name in model.__ninja_flatten_map__)


def noted(run: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Around every operation: what it declares is noted, for `check` to look at once it is known who asks."""
    known = declared(run.__self__)  # type: ignore[attr-defined]

    @wraps(run)
    def noting(request: HttpRequest, **place: Any) -> HttpResponseBase:
        request.known_parameters = known  # type: ignore[attr-defined]
        return run(request, **place)

    return noting


def check(request: HttpRequest) -> None:
    """Raises `UnknownParameter`."""
    known: frozenset[str] = getattr(request, "known_parameters", frozenset())
    fields = {name[:LONGEST]: _said(name[:LONGEST], known) for name in request.GET if name not in known}
    if fields:
        raise UnknownParameter(next(iter(fields.values())), fields)


def _said(name: str, known: frozenset[str]) -> str:
    if close := get_close_matches(name, sorted(known), 1):
        return f"There is no parameter “{name}” here. “{close[0]}” is one."
    takes = f"Those that there are: {', '.join(sorted(known))}." if known else "Leave it out."
    return f"There is no parameter “{name}” here. {takes}"
