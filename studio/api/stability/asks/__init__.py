"""From the checked fields of a request of the Stability API to what the studio is asked: the inverse of `backends/stability/translate`.

generate, v1, …   the contract's values as a `Wish` in the studio's words     prompts   weights     sizes   how large what is
fitting           a wish put to the engine that answers it                    pictures  files and masks as that takes them
wishes            `Wish`, `Ask`, `Wanted`                                     errors    why not
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from accounts.models import Team, User
from studio.api.stability.asks import generate, v1
from studio.api.stability.asks.fitting import fitted
from studio.api.stability.asks.wishes import Ask, Wanted, Wish
from studio.api.stability.engines import engine_for, is_own
from studio.api.stability.errors import AskRefused, CannotDo, EngineNotFound, FieldRefused, NoEngine

__all__ = ["Ask", "AskRefused", "CannotDo", "EngineNotFound", "FieldRefused", "NoEngine", "Wanted", "ask"]

WISHES: Mapping[str, Callable[[Mapping[str, Any]], Wish]] = {
    "stable-image/generate/core": generate.core,
    "stable-image/generate/ultra": generate.ultra,
    "stable-image/generate/sd3": generate.sd3,
    "v1/text-to-image": v1.text_to_image,
    "v1/image-to-image": v1.image_to_image,
    "v1/masking": v1.masking,
    "v1/upscale": v1.upscale,
}


def ask(operation: str, values: Mapping[str, Any], *, team: Team, user: User) -> Ask:
    """What to submit for a request of `operation` with these checked `values` (`operations.py` says what they are).

    Raises `NoEngine` and `EngineNotFound`, `CannotDo`, `FieldRefused`; `StorageFull` and OSError when a file cannot be stored.
    """
    asked = str(values.get("engine_id") or values.get("model") or "")
    if operation not in WISHES:
        engine_for(operation, asked)
        raise NoEngine("No engine of this studio does this.")
    wish = WISHES[operation](values)
    engine = engine_for(operation, asked, modes=wish.modes)
    return fitted(wish, engine, own=is_own(engine, operation), team=team, user=user)
