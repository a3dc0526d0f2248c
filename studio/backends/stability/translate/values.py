"""A request made complete with the engine's defaults and checked, so that nothing leaves that the provider must refuse."""

from __future__ import annotations

from typing import Any

from studio.backends import weights
from studio.backends.base import Engine, GenerationRequest, Parameter, PromptNeed
from studio.backends.errors import InvalidRequest

Values = dict[str, Any]


def checked(engine: Engine, request: GenerationRequest) -> Values:
    """The value of every parameter of the mode, None where the provider decides. Raises `InvalidRequest` with a sentence per field."""
    if not engine.supports(request.mode):
        raise InvalidRequest(f"{engine.label} does not do “{request.mode.label}”.")
    parameters = engine.parameters_for(request.mode)
    values = {parameter.name: _value(request, parameter) for parameter in parameters}
    problems = {parameter.name: _problem(parameter, values[parameter.name]) for parameter in parameters}
    problems |= dict.fromkeys(request.extra.keys() - values.keys(), "This engine has no such setting.")
    problems |= _prompt_problems(engine, request)
    problems |= {
        one.name: f"Choose a file: {one.label}." for one in engine.inputs_for(request.mode) if one.required and not request.file(one.name)
    }
    if not 1 <= request.num_images <= engine.max_images:
        problems["num_images"] = f"{engine.label} makes 1 to {engine.max_images} at once, not {request.num_images}."
    if engine.size:
        width, height = request.width or engine.size.default[0], request.height or engine.size.default[1]
        problems["width"] = engine.size.problem(width, height)
    fields = {name: problem for name, problem in problems.items() if problem}
    if fields:
        raise InvalidRequest(" ".join(fields.values()), fields=fields)
    return values


def _value(request: GenerationRequest, parameter: Parameter) -> Any:
    own = parameter.name in GenerationRequest.__dataclass_fields__
    value = getattr(request, parameter.name) if own else request.extra.get(parameter.name)
    if parameter.kind == "text" and value:
        return weights.plain(str(value))  # words to look for, which are documented to have no weights
    return parameter.default if value in (None, "") else value


def _problem(parameter: Parameter, value: Any) -> str | None:
    if value is None:
        return f"{parameter.label} must not be empty." if parameter.required else None
    if parameter.choices:
        return None if value in parameter.choices else f"{parameter.label} must be one of {', '.join(parameter.choices)}."
    if parameter.kind == "text":
        return _length_problem(parameter.label, len(str(value)), parameter.max_length)
    if parameter.kind == "boolean":
        return None if isinstance(value, bool) else f"{parameter.label} must be yes or no."
    if not isinstance(value, int | float) or isinstance(value, bool) or (parameter.kind == "integer" and value != int(value)):
        return f"{parameter.label} must be a {'whole number' if parameter.kind == 'integer' else 'number'}."
    if parameter.minimum is None or parameter.maximum is None or parameter.minimum <= value <= parameter.maximum:
        return None
    return f"{parameter.label} must be from {parameter.minimum:g} to {parameter.maximum:g}, not {value:g}."


def _length_problem(label: str, length: int, most: int | None) -> str | None:
    if most is None or length <= most:
        return None
    return f"{label} may have at most {most:,} characters; this has {length:,}."


def _prompt_problems(engine: Engine, request: GenerationRequest) -> dict[str, str | None]:
    need = engine.prompt_for(request.mode)
    problems = {
        "prompt": _length_problem("Prompt", engine.length_of(request.prompt), engine.max_prompt_length),
        "negative_prompt": _length_problem("What to leave out", engine.length_of(request.negative_prompt), engine.max_prompt_length),
    }
    if need is PromptNeed.REQUIRED and not request.prompt.strip():
        problems["prompt"] = "Write what it should be."
    if need is PromptNeed.NONE and request.prompt:
        problems["prompt"] = f"{engine.label} takes no prompt."
    if request.negative_prompt and not engine.negative_prompt:
        problems["negative_prompt"] = f"{engine.label} cannot leave things out."
    return problems
