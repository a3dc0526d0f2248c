"""A model as an `Engine`: what the form is drawn from. No torch: everything comes from the operator's file and the folder's json."""

from __future__ import annotations

from dataclasses import dataclass, replace

from studio.backends.base import Engine, EngineState, Mode, Parameter, PriceTable, SizeRules
from studio.backends.diffusers import builtin, hub, schedulers
from studio.backends.diffusers.config import MAX_STEPS, ModelConfig
from studio.backends.diffusers.folders import Folder, FolderProblem, inspect
from studio.backends.diffusers.records import Records
from studio.backends.diffusers.upscaler import inspect_upscaler

MAX_IMAGES = 8


@dataclass(frozen=True, slots=True)
class Described:
    """One model: its engine, its folder when there is one, and what is wrong in a sentence for the operator."""

    config: ModelConfig
    engine: Engine
    folder: Folder | None = None
    problem: str = ""


def describe(config: ModelConfig, backend: str, records: Records) -> Described:
    """Read a model's folder and make its engine; a model that cannot run gets an engine in a state that says why."""
    where = config.hub_id or str(config.folder)
    bare = _bare(config, backend)
    if config.mistake:
        return Described(config, bare.in_state(EngineState.BROKEN, f"This model is not set up right: {config.mistake}"))
    path = hub.cached(config.hub_id, config.revision) if config.hub_id else config.folder
    record = records.read(config.id, remote_fingerprint(config)) if config.hub_id else None
    if record and record.problem:
        return Described(config, bare.in_state(EngineState.BROKEN, record.problem), problem=f"{record.problem} ({where})")
    if path is None:
        if hub.offline():
            detail = "This model is not downloaded yet, and downloads are switched off (HF_HUB_OFFLINE)."
            return Described(config, bare.in_state(EngineState.NOT_INSTALLED, detail), problem=f"{detail} ({where})")
        return Described(config, bare.in_state(EngineState.STARTING, "This model will be downloaded on first use."))
    try:
        folder = inspect(path)
        if config.upscaler:
            inspect_upscaler(config.upscaler)
    except FolderProblem as problem:
        if config.hub_id and problem.incomplete and not hub.offline():
            return Described(config, bare.in_state(EngineState.STARTING, "The rest of this model will be downloaded on first use."))
        state = EngineState.NOT_INSTALLED if problem.missing else EngineState.BROKEN
        return Described(config, bare.in_state(state, problem.sentence), problem=f"{problem.sentence} ({where})")
    return _described(config, folder, backend, records, where)


def _described(config: ModelConfig, folder: Folder, backend: str, records: Records, where: str) -> Described:
    """The engine of a model whose folder is in order."""
    engine = _engine(config, folder, backend)
    if mistake := _default_mistake(config, engine):
        broken = engine.in_state(EngineState.BROKEN, f"This model is not set up right: {mistake}")
        return Described(config, broken, folder, f"{mistake} ({where})")
    record = records.read(config.id, folder.fingerprint)
    if record.problem:
        return Described(config, engine.in_state(EngineState.BROKEN, record.problem), folder, f"{record.problem} ({where})")
    if record.seconds_per_image:
        engine = replace(engine, seconds_per_image=record.seconds_per_image)
    return Described(config, engine, folder)


def remote_fingerprint(config: ModelConfig) -> str:
    """What a record of a hub model that never arrived is kept under."""
    return f"{config.hub_id}@{config.revision}"


def _bare(config: ModelConfig, backend: str) -> Engine:
    """What can be said of a model whose folder cannot be read."""
    return Engine(
        id=config.id,
        label=config.label,
        backend=backend,
        queue=backend,
        modes=(Mode.TEXT_TO_IMAGE,),
        price=PriceTable(builtin.PRICE_VERSION, per_image=config.price),
        description=config.description,
        max_images=MAX_IMAGES,
        batch_limit=config.batch_limit,
        local=True,
        examples=config.examples,
    )


def _engine(config: ModelConfig, folder: Folder, backend: str) -> Engine:
    family = folder.family
    modes = [Mode.TEXT_TO_IMAGE]
    if family.image_to_image and folder.plain:
        modes.append(Mode.IMAGE_TO_IMAGE)
    if family.inpainting and folder.plain:
        modes.append(Mode.INPAINTING)
    return Engine(
        id=config.id,
        label=config.label,
        backend=backend,
        queue=backend,
        modes=tuple(modes),
        price=PriceTable(builtin.PRICE_VERSION, per_image=config.price),
        description=config.description,
        parameters=_parameters(config, folder),
        size=builtin.SIZES if config.upscaler else _sizes(config, folder),
        max_images=MAX_IMAGES,
        negative_prompt=family.negative_prompt,
        batch_limit=config.batch_limit,
        local=True,
        examples=config.examples,
        knows=builtin.KNOWS if config.id == builtin.STORYBOOK_ID else "",
        weights="embeddings" if family.weighs else "",
        english_only=config.id == builtin.STORYBOOK_ID,
    )


def _parameters(config: ModelConfig, folder: Folder) -> tuple[Parameter, ...]:
    family = folder.family
    names = schedulers.choices(family.prediction, folder.scheduler, cls=family.text_to_image)
    return (
        Parameter(
            "num_inference_steps",
            "Steps",
            "integer",
            config.num_inference_steps or family.steps,
            minimum=1,
            maximum=MAX_STEPS,
            step=1,
            help="More steps take longer and give finer pictures, up to a point.",
        ),
        Parameter(
            "guidance_scale",
            "Guidance",
            "float",
            family.guidance_scale if config.guidance_scale is None else config.guidance_scale,
            minimum=0,
            maximum=30,
            step=0.5,
            help="How closely the picture follows the prompt. High values look harsh.",
        ),
        Parameter(
            "scheduler", "Sampler", "choice", config.scheduler or names[0], choices=names, help="How the picture is found from noise."
        ),
        _strength(Mode.IMAGE_TO_IMAGE, 0.6, "How much may change: low keeps the picture, high follows the prompt."),
        _strength(Mode.INPAINTING, 1.0, "How much may change under the mask: low keeps what was there."),
    )


def _strength(mode: Mode, default: float, help_text: str) -> Parameter:
    return Parameter(
        "strength",
        "Strength",
        "float",
        default,
        minimum=0.05,
        maximum=1.0,
        step=0.05,
        help=help_text,
        modes=frozenset({mode}),
        advanced=False,
    )


def _sizes(config: ModelConfig, folder: Folder) -> SizeRules:
    """Half to twice the native size on the model's grid; farther off the pictures fall apart."""
    grid = folder.grid
    low = max(grid, min(folder.native) // 2 // grid * grid)
    high = max(folder.native) * 2
    width, height = config.width or folder.native[0], config.height or folder.native[1]
    area = folder.native[0] * folder.native[1]
    return SizeRules(default=(width, height), multiple_of=grid, minimum=low, maximum=high, max_pixels=4 * area)


def _default_mistake(config: ModelConfig, engine: Engine) -> str:
    """A default that the model cannot take, as a sentence, or ""."""
    for parameter in engine.parameters:
        if parameter.kind == "choice" and parameter.default not in parameter.choices:
            return f"its default scheduler “{parameter.default}” is none of {', '.join(parameter.choices)}."
        if parameter.maximum is not None and parameter.default > parameter.maximum:
            return f"its default {parameter.name} is more than {parameter.maximum:g}."
    assert engine.size is not None
    return engine.size.problem(*engine.size.default) or ""
