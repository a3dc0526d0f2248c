"""A wish put to the engine that answers it: its own settings, a size that it makes, files that it takes, and what has to be left out."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from accounts.models import Team, User
from studio.api.stability.asks import masks, pictures
from studio.api.stability.asks.pictures import frame
from studio.api.stability.asks.sizes import Size, nearest, nearest_ratio
from studio.api.stability.asks.wishes import MIME, Ask, Mask, Wanted, Wish
from studio.api.stability.errors import CannotDo, FieldRefused
from studio.backends import registry
from studio.backends.base import MAX_SEED, Engine, GenerationRequest, Mode, PaidBackend, Parameter, PromptNeed
from studio.backends.errors import BackendError
from studio.generation import files
from studio.generation.errors import UnusableSound
from studio.generation.images import CleanImage
from studio.generation.sounds import CleanSound, clean_sound

TUNED = ("guidance_scale", "num_inference_steps")
"""Settings whose best value depends on the model: the contract's default of another model says nothing about this one."""
SILENT = ("output_format", "aspect_ratio")
"""Settings that are kept even where the engine does not know them: the answer is put into that format and shape."""
SIDES = ("left", "right", "up", "down")
DONE_HERE = (*SIDES, "creativity")
"""Settings of outpaint that are seen to here where it is done as inpainting."""
LEAST_CHANGE = 0.3
"""Strength for a creativity of 0: less leaves the drawn-out edges of the picture as they are."""
ERASED = 0.5
"""Strength for what is taken out: its surroundings are there already, and more would put something else in its place."""
HALF = 128
"""Local engines change what is at least half white."""
MOST_PIXELS = 25_000_000
"""Of a picture that is put together here: 75 MB in memory, several times over."""
LONGEST = {"image/webp": 16_383, "image/jpeg": 65_500}
"""Pixels of a side that the format (WebP) and the library that writes it (libjpeg) can hold."""
SURROUNDINGS = "the background, nothing else"
"""What a paid engine is told that wants words, where the contract has none: erase, and outpaint without a prompt. A local one does best
without any: it goes on with what it sees."""

File = CleanImage | CleanSound


@dataclass(slots=True)
class Fitted:
    """What is known so far of the request."""

    settings: dict[str, Any] = field(default_factory=dict)
    ignored: list[str] = field(default_factory=list)
    files: dict[str, File] = field(default_factory=dict)
    size: Size | None = None
    keeps: bool = False


def fitted(wish: Wish, engine: Engine, *, own: bool, team: Team, user: User) -> Ask:
    """Everything that `submit` takes, with the files stored; `own`: it goes to the very service that it was meant for.

    Raises `FieldRefused`, `CannotDo`; `StorageFull`, OSError when a file cannot be stored.
    """
    mode = next(mode for mode in wish.modes if engine.supports(mode))
    found = Fitted()
    _fit_settings(found, wish, engine, mode, own=own)
    _fit_files(found, wish, engine, mode, own=own)
    prompt, negative = _words(found, wish, engine, mode)
    request = GenerationRequest(
        engine=engine.id,
        mode=mode,
        seed=_seed(wish.seed, engine),
        prompt=prompt,
        negative_prompt=negative,
        width=found.size[0] if found.size else None,
        height=found.size[1] if found.size else None,
        num_images=_samples(wish, engine),
        **_arguments(found.settings),
    )
    _ask_the_backend(wish, engine, request, found.files)
    wanted = _wanted(found, wish, engine, own=own)
    return Ask(request, {name: files.save_input(file, team=team, user=user) for name, file in found.files.items()}, wanted)


# --- settings --------------------------------------------------------------------------------------------------------


def _fit_settings(found: Fitted, wish: Wish, engine: Engine, mode: Mode, *, own: bool) -> None:
    rules = {one.name: one for one in engine.parameters_for(mode)}
    redrawn = mode is Mode.INPAINTING and wish.modes[0] is Mode.OUTPAINTING
    for name, value in wish.settings.items():
        if redrawn and name in DONE_HERE:
            continue
        is_usual = name in wish.usual and value == wish.usual[name]
        if is_usual and name in TUNED and not own:
            continue
        taken = _taken(rules[name], value) if name in rules else None
        if taken is not None:
            found.settings[name] = taken
        elif not is_usual and name not in SILENT:
            found.ignored.append(wish.name(name))
    shapes = rules.get("aspect_ratio")
    if shapes and wish.size and found.settings.get("aspect_ratio") is None:
        found.settings["aspect_ratio"] = nearest_ratio(shapes.choices, wish.size)


def _taken(rules: Parameter, value: Any) -> Any:
    """The value as the engine takes it, at the end of its range where that is narrower than the contract's; None where it cannot."""
    if rules.choices:
        return value if value in rules.choices else None
    if rules.kind in ("integer", "float"):
        least, most = rules.minimum, rules.maximum
        within = max(value if least is None else least, min(value if most is None else most, value))
        return round(within) if rules.kind == "integer" else float(within)
    return value


def _arguments(settings: Mapping[str, Any]) -> dict[str, Any]:
    own = GenerationRequest.__dataclass_fields__.keys()
    extra = {name: value for name, value in settings.items() if name not in own}
    return {**{name: value for name, value in settings.items() if name in own}, "extra": extra}


def _seed(seed: int, engine: Engine) -> int:
    """0 is a random one (API.md 4.5): it is drawn here, so that the library knows it."""
    most = MAX_SEED if engine.max_seed is None else engine.max_seed
    return seed % (most + 1) or secrets.randbelow(most) + 1


def _samples(wish: Wish, engine: Engine) -> int:
    if wish.samples > engine.max_images:
        problem = f"{engine.label}, which answers this here, makes at most {engine.max_images} at once, not {wish.samples}"
        raise FieldRefused(wish.name("num_images"), problem)
    return wish.samples


def _words(found: Fitted, wish: Wish, engine: Engine, mode: Mode) -> tuple[str, str]:
    """The prompts that leave."""
    need, prompt, negative = engine.prompt_for(mode), wish.prompt, wish.negative
    if need is PromptNeed.NONE and prompt:
        found.ignored.append(wish.name("prompt"))
        prompt = ""
    if need is PromptNeed.REQUIRED and not prompt.strip() and not engine.local:
        prompt = SURROUNDINGS
    if negative and (need is PromptNeed.NONE or not engine.negative_prompt):
        found.ignored.append(wish.name("negative_prompt"))
        negative = ""
    for name, text in (("prompt", prompt), ("negative_prompt", negative)):
        if (length := engine.length_of(text)) > engine.max_prompt_length:
            problem = f"{engine.label}, which answers this here, takes at most {engine.max_prompt_length:,} characters, not {length:,}"
            raise FieldRefused(wish.name(name), problem)
    return prompt, negative


# --- files -----------------------------------------------------------------------------------------------------------


def _fit_files(found: Fitted, wish: Wish, engine: Engine, mode: Mode, *, own: bool) -> None:
    rules = {one.name: one for one in engine.inputs_for(mode)}
    if wish.image is None:
        found.size = nearest(engine.size, wish.size or engine.size.default) if engine.size else None
    else:
        _fit_picture(found, wish, engine, mode, own=own)
    for name, data in wish.files.items():
        if name not in rules:
            found.ignored.append(wish.name(name))
        elif rules[name].kind == "audio":
            found.files[name] = _sound(wish.name(name), data)
        else:
            found.files[name] = pictures.cleaned(pictures.opened(data, wish.name(name)))
    for name, file in list(found.files.items()):
        if isinstance(file, CleanImage) and name != "mask_image":
            file = found.files[name] = pictures.within(rules[name], file)
        if problem := rules[name].problem(file.mime, width=file.width, height=file.height, seconds=file.seconds):
            raise CannotDo(f"{engine.label}, which answers this here, cannot take {wish.name(name)}: {problem}")


def _fit_picture(found: Fitted, wish: Wish, engine: Engine, mode: Mode, *, own: bool) -> None:
    """The picture to start from, with the mask over it."""
    assert wish.image is not None
    picture = pictures.opened(wish.image, wish.name("image"))
    if mode in (Mode.INPAINTING, Mode.ERASE):
        _fit_masked(found, wish, engine, mode, picture, own=own)
        return
    if engine.size:
        assert wish.size
        found.size = nearest(engine.size, wish.size)
        picture = pictures.in_frame(pictures.in_shape(picture, wish.size), found.size)
    found.files["image"] = pictures.cleaned(picture)


def _fit_masked(found: Fitted, wish: Wish, engine: Engine, mode: Mode, picture: Image.Image, *, own: bool) -> None:
    """A picture of which a part changes, and the mask of that. Both are kept whole: the answer is put together from them."""
    found.size = nearest(engine.size, picture.size) if engine.size else None
    if own and found.size in (None, picture.size) and wish.mask and wish.mask.data is None and masks.is_clear(picture):
        _grow(found, wish, engine, mode)
        found.files["image"] = pictures.cleaned(picture)
        return
    picture, mask = _marked(found, wish, engine, mode, picture)
    if engine.local and not any(mask.histogram()[HALF:]):
        raise FieldRefused(wish.mask.field_name if wish.mask else "mask", masks.NOTHING)
    if engine.size:
        found.size = nearest(engine.size, picture.size)
        whole = frame(picture.size, found.size)
        if whole[0] * whole[1] > MOST_PIXELS:
            raise CannotDo(
                f"{engine.label}, which answers this here, cannot take a picture of {picture.width} × {picture.height} pixels: it is too "
                "large, or too long for its width. Make it smaller."
            )
        picture, mask = pictures.in_middle(picture, whole), masks.in_middle(mask, whole)
    found.keeps = not own or found.size not in (None, wish.size)
    found.files |= {"image": pictures.cleaned(picture), "mask_image": pictures.cleaned(mask)}


def _marked(found: Fitted, wish: Wish, engine: Engine, mode: Mode, picture: Image.Image) -> tuple[Image.Image, Image.Image]:
    """The picture as the engine is to see it, and what of it changes."""
    if wish.mask is None:  # outpaint, done as inpainting
        margins = tuple(int(wish.settings[side]) for side in SIDES)
        left, right, up, down = margins
        width, height = picture.width + left + right, picture.height + up + down
        if width * height > MOST_PIXELS:
            raise CannotDo(f"{width} × {height} pixels are more than this studio makes. Ask for {MOST_PIXELS:,} at most.")
        _change(found, engine, mode, LEAST_CHANGE + (1 - LEAST_CHANGE) * float(wish.settings["creativity"]))
        plain = masks.filled(picture, masks.mask_of(Mask(None, "alpha"), picture)) if picture.mode == "RGBA" else picture.convert("RGB")
        return pictures.drawn_out(plain, (left, right, up, down)), masks.beyond(picture.size, (left, right, up, down))
    mask = masks.mask_of(wish.mask, picture)
    if not _grow(found, wish, engine, mode):
        mask = masks.grown(mask, wish.mask.grow)
    if mode is Mode.INPAINTING and wish.modes[0] is Mode.ERASE:
        _change(found, engine, mode, ERASED)
        return masks.filled(picture, mask), mask
    by_alpha = wish.mask.data is None or wish.mask.clear == "alpha"
    return (masks.filled(picture, mask) if by_alpha else picture), mask


def _change(found: Fitted, engine: Engine, mode: Mode, strength: float) -> None:
    """How much of what was put there first may change, where an engine can be told."""
    rules = next((one for one in engine.parameters_for(mode) if one.name == "strength"), None)
    if rules:
        found.settings["strength"] = _taken(rules, round(strength, 3))


def _grow(found: Fitted, wish: Wish, engine: Engine, mode: Mode) -> bool:
    """Leave it to the engine to make the mask larger; False where it does not do that."""
    rules = next((one for one in engine.parameters_for(mode) if one.name == "grow_mask"), None)
    if rules and wish.mask:
        found.settings["grow_mask"] = _taken(rules, wish.mask.grow)
    return rules is not None


def _sound(name: str, data: bytes) -> CleanSound:
    try:
        return clean_sound(data)
    except UnusableSound as error:
        raise FieldRefused(name, error.message) from None


def _ask_the_backend(wish: Wish, engine: Engine, request: GenerationRequest, given: Mapping[str, File]) -> None:
    """Whoever bills looks at all of it together, before anybody holds money for it."""
    backend = registry.backend(engine.backend)
    if not isinstance(backend, PaidBackend):
        return
    data = {name: file.data for name, file in given.items()}
    whole = GenerationRequest.from_json(
        request.to_json(), image=data.pop("image", None), mask_image=data.pop("mask_image", None), media=data
    )
    try:
        backend.check(whole)
    except BackendError as error:
        for name, problem in error.fields.items():
            raise FieldRefused(wish.name(name), problem) from None
        raise CannotDo(error.message) from None


def _wanted(found: Fitted, wish: Wish, engine: Engine, *, own: bool) -> Wanted:
    """The provider's own answer is handed on as it comes, unless its size had to be another one."""
    as_it_comes = own and (engine.size is None or found.size == wish.size)
    if wish.mime not in MIME.values():
        return Wanted(None, wish.mime, tuple(found.ignored))
    longest, most = max(wish.size or (0,)), LONGEST.get(wish.mime, MOST_PIXELS)
    if not as_it_comes and longest > most:
        raise CannotDo(
            f"A side of {longest:,} pixels is more than {wish.mime} can hold ({most:,}). Ask for png, or make the picture smaller."
        )
    return Wanted(None if as_it_comes else wish.size, wish.mime, tuple(found.ignored), found.keeps)
