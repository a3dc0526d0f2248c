"""Which engine of the studio answers what a client of the Stability API asks for.

The operator's table (`EngineRoute`) counts first: a row for the engine that was named, then one for the operation. Without one it is the
Stability engine of the same operation where that backend is switched on, and else what this machine can do itself. Names of operations are
those of `operations.py`: paths without their version, v1's as `v1/text-to-image`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from studio.api.models import EngineRoute
from studio.api.stability.errors import EngineNotFound, NoEngine
from studio.backends.base import Engine, EngineState, Mode
from studio.backends.diffusers.builtin import STORYBOOK_ID
from studio.backends.stability.engines.sdxl import ENGINE_ID as SDXL
from studio.generation.engines import available

NULL = "null"
"""The engine of tests and benches: it answers where somebody names it, and never by itself."""
UNUSABLE = (EngineState.NO_KEY, EngineState.NOT_INSTALLED, EngineState.BROKEN)
TEXT, IMAGE, INPAINT = Mode.TEXT_TO_IMAGE, Mode.IMAGE_TO_IMAGE, Mode.INPAINTING


@dataclass(frozen=True, slots=True)
class Service:
    """An operation of the contract: what it is called in a sentence, the `modes` that are it, and the Stability engines that do it, the
    best first. `models` are engines that a client may name there."""

    does: str
    modes: tuple[Mode, ...]
    own: tuple[str, ...]
    models: tuple[str, ...] = ()


SD35 = ("sd3.5-large", "sd3.5-large-turbo", "sd3.5-medium", "sd3.5-flash")
AUDIO_2 = ("stable-audio-2", "stable-audio-2.5")
ENLARGE, HEAR, CHANGE_SOUND = "enlarges a picture", "makes sounds from words", "changes a sound"

SERVICES: Mapping[str, Service] = {
    "stable-image/generate/core": Service("makes pictures from words", (TEXT,), ("stable-image-core",)),
    "stable-image/generate/ultra": Service("makes pictures", (TEXT, IMAGE), ("stable-image-ultra",)),
    "stable-image/generate/sd3": Service("makes pictures", (TEXT, IMAGE), SD35, SD35),
    # What is taken out, and what lies beyond the edges, can be made anew as what is painted over is.
    "stable-image/edit/erase": Service("erases", (Mode.ERASE, INPAINT), ("stable-image-erase",)),
    "stable-image/edit/inpaint": Service("inpaints", (INPAINT,), ("stable-image-inpaint",)),
    "stable-image/edit/outpaint": Service("outpaints", (Mode.OUTPAINTING, INPAINT), ("stable-image-outpaint",)),
    "stable-image/edit/search-and-replace": Service(
        "finds things in a picture by their names", (Mode.SEARCH_AND_REPLACE,), ("stable-image-search-and-replace",)
    ),
    "stable-image/edit/search-and-recolor": Service(
        "finds things in a picture by their names", (Mode.SEARCH_AND_RECOLOR,), ("stable-image-search-and-recolor",)
    ),
    "stable-image/edit/remove-background": Service("removes backgrounds", (Mode.REMOVE_BACKGROUND,), ("stable-image-remove-background",)),
    "stable-image/edit/replace-background-and-relight": Service(
        "replaces backgrounds", (Mode.REPLACE_BACKGROUND,), ("stable-image-replace-background-and-relight",)
    ),
    "stable-image/upscale/fast": Service(ENLARGE, (Mode.UPSCALING,), ("stable-image-upscale-fast",)),
    "stable-image/upscale/conservative": Service(
        "enlarges a picture by a prompt", (Mode.UPSCALING,), ("stable-image-upscale-conservative",)
    ),
    "stable-image/upscale/creative": Service("enlarges a picture by a prompt", (Mode.UPSCALING,), ("stable-image-upscale-creative",)),
    "stable-image/control/sketch": Service("draws after a sketch", (Mode.SKETCH,), ("stable-image-sketch",)),
    "stable-image/control/structure": Service("keeps the structure of a picture", (Mode.STRUCTURE,), ("stable-image-structure",)),
    "stable-image/control/style": Service("draws in the style of a picture", (Mode.STYLE,), ("stable-image-style",)),
    "stable-image/control/style-transfer": Service(
        "redraws one picture in the style of another", (Mode.STYLE_TRANSFER,), ("stable-image-style-transfer",)
    ),
    "v1/text-to-image": Service("makes pictures from words", (TEXT,), (SDXL, "sd3.5-medium")),
    "v1/image-to-image": Service("makes pictures from pictures", (IMAGE,), (SDXL, "sd3.5-medium")),
    "v1/masking": Service("inpaints", (INPAINT,), (SDXL, "stable-image-inpaint")),
    "v1/upscale": Service(ENLARGE, (Mode.UPSCALING,), ("stable-image-upscale-fast",)),
    "3d/stable-fast-3d": Service("makes 3D models", (Mode.IMAGE_TO_3D,), ("stable-fast-3d",)),
    "3d/stable-point-aware-3d": Service("makes 3D models", (Mode.IMAGE_TO_3D,), ("stable-point-aware-3d",)),
    "audio/stable-audio-2/text-to-audio": Service(HEAR, (Mode.TEXT_TO_AUDIO,), AUDIO_2, AUDIO_2),
    "audio/stable-audio-2/audio-to-audio": Service(CHANGE_SOUND, (Mode.AUDIO_TO_AUDIO,), AUDIO_2, AUDIO_2),
    "audio/stable-audio-2/inpaint": Service(CHANGE_SOUND, (Mode.AUDIO_INPAINTING,), ("stable-audio-2.5",)),
    "audio/stable-audio/text-to-audio": Service(HEAR, (Mode.TEXT_TO_AUDIO,), ("stable-audio-3",), ("stable-audio-3",)),
    "audio/stable-audio/audio-to-audio": Service(CHANGE_SOUND, (Mode.AUDIO_TO_AUDIO,), ("stable-audio-3",), ("stable-audio-3",)),
    "audio/stable-audio/inpaint": Service(CHANGE_SOUND, (Mode.AUDIO_INPAINTING,), ("stable-audio-3",), ("stable-audio-3",)),
}
"""Every POST of the contract that is still answered (API.md 1.4, 2.5 to 2.11)."""

BY_ITSELF = frozenset(SERVICES) - {"stable-image/upscale/conservative", "stable-image/upscale/creative"}
"""What a local engine may answer unasked. Those two redraw a picture by a prompt, which one that only enlarges does not."""
NO_VIDEO = "No engine of this studio makes videos: Stability switched that service off on 24 July 2025."


@dataclass(frozen=True, slots=True)
class Named:
    """An engine that clients of v1 name (API.md 1.2). Those that are switched off at Stability still have to run here."""

    id: str
    name: str
    description: str
    operations: frozenset[str] = field(default=frozenset({"v1/text-to-image", "v1/image-to-image", "v1/masking"}))


UPSCALES = frozenset({"v1/upscale"})
NAMED: tuple[Named, ...] = (
    Named(SDXL, "Stable Diffusion XL v1.0", "Stability-AI Stable Diffusion XL v1.0"),
    Named("stable-diffusion-xl-1024-v0-9", "Stable Diffusion XL v0.9", "Stability-AI Stable Diffusion XL v0.9"),
    Named("stable-diffusion-v1-6", "Stable Diffusion v1.6", "Stability-AI Stable Diffusion v1.6"),
    Named("stable-diffusion-xl-beta-v2-2-2", "Stable Diffusion v2.2.2-XL Beta", "Stability-AI Stable Diffusion XL Beta v2.2.2"),
    Named("stable-diffusion-v1-5", "Stable Diffusion v1.5", "Stability-AI Stable Diffusion v1.5"),
    Named("stable-diffusion-512-v2-0", "Stable Diffusion v2.0", "Stability-AI Stable Diffusion v2.0"),
    Named("stable-diffusion-512-v2-1", "Stable Diffusion v2.1", "Stability-AI Stable Diffusion v2.1"),
    Named("stable-diffusion-768-v2-0", "Stable Diffusion v2.0-768", "Stability-AI Stable Diffusion 768 v2.0"),
    Named("stable-diffusion-768-v2-1", "Stable Diffusion v2.1-768", "Stability-AI Stable Diffusion 768 v2.1"),
    Named("stable-inpainting-512-v2-0", "Stable Diffusion Inpainting v2.0", "Stability-AI Stable Diffusion Inpainting v2.0"),
    Named("esrgan-v1-x2plus", "Real-ESRGAN x2", "Real-ESRGAN_x2plus upscaler model", UPSCALES),
    Named("stable-diffusion-x4-latent-upscaler", "Stable Diffusion x4 Latent Upscaler", "Stable Diffusion x4 latent upscaler", UPSCALES),
)
_BY_ID = {one.id: one for one in NAMED}


def engine_for(operation: str, asked: str = "", *, modes: Sequence[Mode] = ()) -> Engine:
    """The engine that answers, as it stands now and at today's price; `modes` where only some of the operation's will do.

    `asked` is the engine that the client named: v1's path, or `model` of a form. Raises `EngineNotFound` for one that v1 does not know,
    `NoEngine` with a sentence where nothing here can do it.
    """
    return Table().engine_for(operation, asked, modes=modes)


def is_own(engine: Engine, operation: str) -> bool:
    """Whether it is what Stability itself answers the operation with, so that the request is passed on as it is.

    Others of `own` stand in for what Stability has switched off, v1's upscale with all of its engines among that.
    """
    service = SERVICES[operation]
    return not engine.local and operation != "v1/upscale" and engine.id in (service.models or service.own[:1])


def operations_of(asked: str) -> list[str]:
    """The operations that a row of the operator's table is about: one by its path, several by an engine that clients name there."""
    if asked in SERVICES:
        return [asked]
    named = _BY_ID.get(asked)
    return [name for name, service in SERVICES.items() if asked in service.models or (named and name in named.operations)]


def modes_of(asked: str) -> list[Mode]:
    """What an engine that answers it must do, one of these at least."""
    return list(dict.fromkeys(mode for name in operations_of(asked) for mode in SERVICES[name].modes))


class Table:
    """The operator's rows and the engines, read once for as many questions as there are."""

    def __init__(self) -> None:
        self.engines = available()
        self.routes = dict(EngineRoute.objects.values_list("asked", "engine"))

    def engine_for(self, operation: str, asked: str = "", *, modes: Sequence[Mode] = ()) -> Engine:
        service = SERVICES.get(operation)
        if service is None:
            raise NoEngine(NO_VIDEO if "video" in operation else "No engine of this studio does this.")
        wanted = tuple(modes) or service.modes
        for name in (asked, operation):
            if name and name in self.routes:
                return self._routed(self.routes[name], service, wanted)
        if operation.startswith("v1/") and asked and not self._is_named(asked, operation):
            return self._engine_of_v1(asked, wanted)
        candidates = chain(self._own(service, asked), self._local(wanted) if operation in BY_ITSELF else ())
        return _first(candidates, service, wanted)

    def _routed(self, engine_id: str, service: Service, modes: Sequence[Mode]) -> Engine:
        if not engine_id:
            raise NoEngine("The operator of this studio does not offer this.")
        found = next((one for one in self.engines if one.id == engine_id), None)
        if found is None:
            raise NoEngine(f"The engine “{engine_id}”, which answers this here, is not offered at the moment.")
        return _first((found,), service, modes)

    def _is_named(self, asked: str, operation: str) -> bool:
        named = _BY_ID.get(asked)
        if named and operation not in named.operations:
            raise NoEngine(f"{named.name} does not do this. Ask for another engine.")
        return named is not None

    def _engine_of_v1(self, asked: str, modes: Sequence[Mode]) -> Engine:
        """An engine of the studio by its own name, which the list of engines tells."""
        found = next((one for one in self.engines if one.id == asked and _does(one, modes)), None)
        if found is None:
            raise EngineNotFound(asked)
        return found

    def _own(self, service: Service, asked: str) -> Iterable[Engine]:
        """The Stability engines of the operation; only the one that was named where clients may name one."""
        names = (asked,) if asked in service.models else service.own[:1] if service.models else service.own
        return (one for name in names for one in self.engines if one.id == name and not one.local)

    def _local(self, modes: Sequence[Mode]) -> Iterable[Engine]:
        """What this machine does itself: the operator's own models, who did not install them for nothing, and then Storybook."""
        able = [one for one in self.engines if one.local and one.id != NULL and _does(one, modes)]
        return sorted(able, key=lambda one: (one.state in UNUSABLE, one.id.startswith(STORYBOOK_ID)))


def _does(engine: Engine, modes: Sequence[Mode]) -> bool:
    return any(engine.supports(mode) for mode in modes)


def _first(candidates: Iterable[Engine], service: Service, modes: Sequence[Mode]) -> Engine:
    """Raises `NoEngine`, saying what is the matter with the first where none can be used."""
    found = list(candidates)
    able = [one for one in found if _does(one, modes)]
    for engine in able:
        if engine.state not in UNUSABLE:
            return engine
    if able:
        raise NoEngine(f"{able[0].label} cannot be used now. {able[0].state_detail}".strip())
    if found:
        raise NoEngine(f"{found[0].label}, which answers this here, does not do that. Ask the operator of this studio for another engine.")
    raise NoEngine(f"No engine of this studio {service.does}. Ask its operator for one.")


def engines_listed() -> list[dict[str, str]]:
    """What `/v1/engines/list` tells (API.md 1.1): the engines that v1's paths may name, each with what answers it here."""
    table = Table()
    listed = []
    for named in NAMED:
        operation = "v1/upscale" if named.operations is UPSCALES else "v1/text-to-image"
        try:
            engine = table.engine_for(operation, named.id)
        except NoEngine:
            continue
        answered = "" if is_own(engine, operation) and named.id == engine.id else f" (answered by {engine.label})"
        listed.append({"id": named.id, "name": named.name, "description": named.description + answered, "type": "PICTURE"})
    modes = {mode for operation in ("v1/text-to-image", "v1/image-to-image", "v1/masking") for mode in SERVICES[operation].modes}
    known = {one["id"] for one in listed}
    for engine in table.engines:
        if engine.local and engine.state not in UNUSABLE and engine.id not in known and modes & set(engine.modes):
            listed.append({"id": engine.id, "name": engine.label, "description": engine.description, "type": "PICTURE"})
    return listed
