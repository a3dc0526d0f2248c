"""From the checked fields of a request of the Stability API to what the studio is asked: the inverse of `backends/stability/translate`.

generate, v1, …   the contract's values as a `Wish` in the studio's words     prompts   weights     sizes   how large what is
fitting           a wish put to the engine that answers it                    pictures  files and masks as that takes them
wishes            `Wish`, `Ask`, `Wanted`                                     errors    why not
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from accounts.models import Team, User
from studio.api.stability.asks import control, edit, generate, others, upscale, v1
from studio.api.stability.asks.fitting import fitted
from studio.api.stability.asks.wishes import Ask, Wanted, Wish
from studio.api.stability.engines import engine_for, is_own
from studio.api.stability.errors import AskRefused, CannotDo, EngineNotFound, FieldRefused, NoEngine

__all__ = ["Ask", "AskRefused", "CannotDo", "EngineNotFound", "FieldRefused", "NoEngine", "Wanted", "ask"]

WISHES: Mapping[str, Callable[[Mapping[str, Any]], Wish]] = {
    "stable-image/generate/core": generate.core,
    "stable-image/generate/ultra": generate.ultra,
    "stable-image/generate/sd3": generate.sd3,
    "stable-image/edit/erase": edit.erase,
    "stable-image/edit/inpaint": edit.inpaint,
    "stable-image/edit/outpaint": edit.outpaint,
    "stable-image/edit/search-and-replace": edit.search_and_replace,
    "stable-image/edit/search-and-recolor": edit.search_and_recolor,
    "stable-image/edit/remove-background": edit.remove_background,
    "stable-image/edit/replace-background-and-relight": edit.replace_background,
    "stable-image/upscale/fast": upscale.fast,
    "stable-image/upscale/conservative": upscale.conservative,
    "stable-image/upscale/creative": upscale.creative,
    "stable-image/control/sketch": control.sketch,
    "stable-image/control/structure": control.structure,
    "stable-image/control/style": control.style,
    "stable-image/control/style-transfer": control.style_transfer,
    "v1/text-to-image": v1.text_to_image,
    "v1/image-to-image": v1.image_to_image,
    "v1/masking": v1.masking,
    "v1/upscale": v1.upscale,
    "3d/stable-fast-3d": others.fast_3d,
    "3d/stable-point-aware-3d": others.point_aware_3d,
    "audio/stable-audio-2/text-to-audio": others.text_to_audio,
    "audio/stable-audio-2/audio-to-audio": others.audio_to_audio,
    "audio/stable-audio-2/inpaint": others.audio_inpaint,
    "audio/stable-audio/text-to-audio": others.text_to_audio,
    "audio/stable-audio/audio-to-audio": others.audio_to_audio,
    "audio/stable-audio/inpaint": others.audio_inpaint,
}


def ask(operation: str, values: Mapping[str, Any], *, team: Team, user: User) -> Ask:
    """What to submit for a request of `operation` with these checked `values` (`operations.py` says what they are).

    Raises `NoEngine` and `EngineNotFound`, `CannotDo`, `FieldRefused`; `StorageFull` and OSError when a file cannot be stored.
    """
    asked = str(values.get("engine_id") or values.get("model") or "")
    wish = WISHES[operation](values) if operation in WISHES else None
    engine = engine_for(operation, asked, modes=wish.modes if wish else ())
    assert wish  # for what has none there is no engine either
    return fitted(wish, engine, own=is_own(engine, operation), team=team, user=user)
