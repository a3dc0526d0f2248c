"""Answers that are no result, as errors of the studio (`stability/API.md` 1.6, 2.3 and 4.2).

The `name` in the body decides, then the status: v1 says 429 for an empty balance, v2beta 403 for moderation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from studio.backends.errors import (
    BackendError,
    ContentFiltered,
    CopyrightedContent,
    EngineFailed,
    EngineUnavailable,
    InvalidRequest,
    KeyRefused,
    LanguageRefused,
    NotConfigured,
    PayloadTooLarge,
    ProviderOutOfCredits,
    PublicFigure,
    RateLimited,
    ResultUnknown,
)
from studio.backends.stability.calls import Answer

BY_NAME: dict[str, type[BackendError]] = {
    "bad_request": InvalidRequest,
    "invalid_samples": InvalidRequest,
    "invalid_height_or_width": InvalidRequest,
    "invalid_mime_type": InvalidRequest,
    "invalid_image_dimensions": InvalidRequest,
    "invalid_mask_image": InvalidRequest,
    "invalid_pixel_count": InvalidRequest,
    "invalid_sdxl_v1_dimensions": InvalidRequest,
    "invalid_file_size": PayloadTooLarge,
    "invalid_prompts": ContentFiltered,
    "unauthorized": KeyRefused,
    "permission_denied": NotConfigured,
    "payment_required": ProviderOutOfCredits,
    "insufficient_balance": ProviderOutOfCredits,
    "content_moderation": ContentFiltered,
    "not_found": NotConfigured,
    "generation_not_found": ResultUnknown,
    "payload_too_large": PayloadTooLarge,
    "invalid_language": LanguageRefused,
    "public_figure": PublicFigure,
    "copyrighted_content": CopyrightedContent,
    "rate_limit_exceeded": RateLimited,
    "internal_error": EngineUnavailable,
    "server_error": EngineUnavailable,
}
BY_STATUS: dict[int, type[BackendError]] = {
    400: InvalidRequest,
    401: KeyRefused,
    402: ProviderOutOfCredits,
    403: ContentFiltered,
    404: NotConfigured,
    413: PayloadTooLarge,
    422: InvalidRequest,
    429: RateLimited,
    500: EngineUnavailable,
    502: EngineUnavailable,
    503: EngineUnavailable,
    504: EngineUnavailable,
}
"""For a name that nobody told us. Any other status is `EngineFailed`."""

SENTENCES: dict[type[BackendError], str] = {
    NotConfigured: "The studio's account at Stability does not have it.",
    ResultUnknown: "Stability does not have the result any more.",
    EngineUnavailable: "Stability has trouble at the moment.",
}
"""What is said to a person where the provider's own words would not help, and the error's own are too general."""

FIELDS_BY_NAME = {
    "invalid_samples": "num_images",
    "invalid_height_or_width": "width",
    "invalid_pixel_count": "width",
    "invalid_sdxl_v1_dimensions": "width",
    "invalid_image_dimensions": "mask_image",
    "invalid_mask_image": "mask_image",
    "invalid_mime_type": "image",
    "invalid_file_size": "image",
    "invalid_prompts": "prompt",
}
"""The setting that an error of v1 is about, where its name says it."""

NOT_FIELDS = {"content-type", "authorization", "body", "id", "accept"}
"""What v2beta names before the colon although it is no setting."""

COOL_DOWN = 60.0
"""Seconds that a key rests after a rate limit, unless the provider asks for another time (`stability/API.md` 2.3)."""
LONGEST_COOL_DOWN = 600.0

_FIELD = re.compile(r"([A-Za-z][\w-]*)(?:[\[.][\w\[\].]*)?: (.+)", re.DOTALL)
_CREDITS = re.compile(r"\b(balance|credits?)\b", re.I)
_LONGEST = 300
"""Characters of the provider's words that a person gets to read."""


def error_of(answer: Answer, names: Mapping[str, str]) -> BackendError | None:
    """The error that an answer tells of, None for a result. `names` are the studio's names of all settings by the provider's."""
    if 200 <= answer.status < 300:
        return None
    body = answer.json()
    body = body if isinstance(body, dict) else None
    name = str(body.get("name", "")) if body else ""
    words = _words(body)
    kind = BY_NAME.get(name) or BY_STATUS.get(answer.status, EngineFailed)
    if kind is RateLimited and name != "rate_limit_exceeded" and any(_CREDITS.search(one) for one in words):
        kind = ProviderOutOfCredits
    if kind is ContentFiltered and body is None:
        kind = EngineFailed  # moderation explains itself; a page with status 403 is something in front of the API
    if kind is RateLimited:
        return RateLimited(retry_after=_retry_after(answer))
    if not issubclass(kind, InvalidRequest):
        return kind(SENTENCES.get(kind, ""))
    return _about_settings(kind, name, words, names)


def _words(body: Mapping[str, Any] | None) -> list[str]:
    """v2beta has a list, v1 one message."""
    if body is None:
        return []
    found = body.get("errors", body.get("message", []))
    return [str(one)[:_LONGEST] for one in (found if isinstance(found, list) else [found])]


def _about_settings(kind: type[BackendError], name: str, words: list[str], names: Mapping[str, str]) -> BackendError:
    fields: dict[str, str] = {}
    told = []
    for one in words:
        match = _FIELD.fullmatch(one)
        field = names.get(match[1], "") if match else FIELDS_BY_NAME.get(name, "")
        problem = _sentence(match[2] if match else one)
        told.append(_sentence(f"{match[1].replace('_', ' ')}: {match[2]}") if match and match[1] not in NOT_FIELDS else problem)
        if field:
            fields[field] = f"{fields[field]} {problem}" if field in fields else problem
    return kind(" ".join(told), fields=fields)


def _sentence(text: str) -> str:
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def _retry_after(answer: Answer) -> float:
    """Seconds to wait. The provider documents no header for it (`stability/API.md` 0); a date instead of seconds is not taken."""
    text = answer.headers.get("retry-after", "").strip()
    asked = float(text) if text.isdecimal() else 0.0
    return min(asked, LONGEST_COOL_DOWN) or COOL_DOWN
