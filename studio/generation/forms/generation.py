"""The form itself: drawn from an engine's record, checked against it, turned into a request."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import Http404

from accounts.models import User
from studio.backends import registry
from studio.backends.base import MAX_SEED, Engine, EngineState, GenerationRequest, MediaInput, Mode, PaidBackend, PromptNeed
from studio.backends.errors import BackendError
from studio.generation.access import artifact_for, input_for
from studio.generation.forms.fields import PromptField, Shape, count_field, parameter_field, seed_field, size_fields
from studio.generation.forms.inputs import Inputs, noun
from studio.generation.models import Artifact, InputFile
from studio.generation.modes import NOTHING, describe

UNUSABLE_STATES = (EngineState.NO_KEY, EngineState.NOT_INSTALLED, EngineState.BROKEN)
SIDES = ("left", "right", "up", "down")
"""Settings that are drawn together, round the picture."""


class GenerationForm(forms.Form):
    """What a person may ask of `engine` in `mode`. Field names are those of `GenerationRequest`, of its `extra` and its `media`.

    The field of an input holds the id of an uploaded `InputFile`; `source` is the id of something in the library to start from (lineage,
    and the first input where that is empty). `stand_in` says that this is not the engine or mode that was asked for: then it is refused.
    """

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        engine: Engine,
        mode: Mode,
        user: User,
        price_only: bool = False,
        stand_in: str = "",
        **kwargs: Any,
    ) -> None:
        initial = {"idempotency_key": secrets.token_urlsafe(24), **kwargs.pop("initial", {})}
        super().__init__(data, initial=initial, label_suffix="", **kwargs)  # type: ignore[arg-type]
        self.engine, self.mode, self.user, self.price_only, self.stand_in = engine, mode, user, price_only, stand_in
        self.inputs = Inputs(engine.inputs_for(mode))
        self.parent: Artifact | None = None
        self._draw()

    # --- drawing ---------------------------------------------------------------------------------------------------
    def _draw(self) -> None:
        engine, mode, fields = self.engine, self.mode, self.fields
        again = dict.fromkeys(("required", "max_length"), "This page has lost the key of its press. Reload it, and press again.")
        fields["idempotency_key"] = forms.CharField(max_length=64, widget=forms.HiddenInput, error_messages=again)
        fields["engine"] = forms.CharField(widget=forms.HiddenInput, initial=engine.id)
        fields["mode"] = forms.CharField(widget=forms.HiddenInput, initial=mode.value)
        need = engine.prompt_for(mode)
        if need is not PromptNeed.NONE:
            fields["prompt"] = self._prompt("Prompt", required=need is PromptNeed.REQUIRED, placeholder=describe(mode))
            if engine.negative_prompt:
                fields["negative_prompt"] = self._prompt("What to leave out", required=False)
        if engine.size:
            fields |= size_fields(engine.size)
        if engine.max_images > 1:
            nouns = f"{engine.price.noun}s"
            refusal = f"{engine.label} makes 1 to {engine.max_images} {nouns} at a time."
            fields["num_images"] = count_field(nouns.capitalize(), engine.max_images, refusal)
        if engine.max_seed is not None:
            fields["seed"] = seed_field(engine.max_seed)
        for parameter in engine.parameters_for(mode):
            fields[parameter.name] = parameter_field(parameter)
        fields["source"] = forms.UUIDField(required=False, widget=forms.HiddenInput)
        for given in self.inputs:
            fields[given.rules.name] = _input_field(given.rules)

    def _prompt(self, label: str, *, required: bool, placeholder: str = "") -> PromptField:
        return PromptField(
            label=label,
            most=self.engine.max_prompt_length,
            length=self.engine.length_of,
            required=required,
            widget=forms.Textarea(attrs={"rows": 5, "dir": "auto", "placeholder": placeholder, "data-weights": True}),
            error_messages={"required": NOTHING[self.mode.makes]},
        )

    @property
    def size_choices(self) -> list[Shape]:
        sizes = self.engine.size.choices if self.engine.size else ()
        return [Shape.of_size(*size) for size in sizes]

    @property
    def sides(self) -> list[forms.BoundField]:
        """Left, right, up and down, where an engine makes pictures larger."""
        names = {parameter.name for parameter in self.engine.parameters_for(self.mode)}
        return [self[name] for name in SIDES] if names.issuperset(SIDES) else []

    @property
    def words(self) -> list[forms.BoundField]:
        """What has to be written beside the prompt."""
        return [self[p.name] for p in self.engine.parameters_for(self.mode) if p.kind == "text" and not p.advanced]

    @property
    def shapes(self) -> list[forms.BoundField]:
        return [self[p.name] for p in self.engine.parameters_for(self.mode) if p.kind == "aspect-ratio"]

    @property
    def basic_fields(self) -> list[forms.BoundField]:
        return self._others(advanced=False)

    @property
    def advanced_fields(self) -> list[forms.BoundField]:
        return self._others(advanced=True)

    def _others(self, *, advanced: bool) -> list[forms.BoundField]:
        """The settings that have no place of their own."""
        placed = {field.name for field in (*self.sides, *self.words, *self.shapes)}
        return [self[p.name] for p in self.engine.parameters_for(self.mode) if p.advanced is advanced and p.name not in placed]

    # --- checking --------------------------------------------------------------------------------------------------
    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if self.stand_in and not self.price_only:
            raise forms.ValidationError(self.stand_in)
        if not self.price_only and self.engine.state in UNUSABLE_STATES:
            raise forms.ValidationError(f"{self.engine.label} cannot be used now. {self.engine.state_detail} Pick another engine.")
        self._clean_size(data)
        if not self.price_only:
            self._clean_inputs(data)
        self._clean_parameters(data)
        if not self.price_only and not self.errors:
            self._ask_the_backend()
        return data

    def _clean_parameters(self, data: dict[str, Any]) -> None:
        seconds = self.inputs.seconds
        for parameter in self.engine.parameters_for(self.mode):
            if parameter.name in self.errors:
                continue
            if data.get(parameter.name) in (None, ""):
                data[parameter.name] = parameter.default_for(seconds)
            elif seconds is not None and (problem := parameter.problem_beside(data[parameter.name], seconds)):
                self.add_error(parameter.name, problem)

    def _clean_size(self, data: dict[str, Any]) -> None:
        rules = self.engine.size
        if rules is None:
            return
        if rules.choices:
            if data.get("size"):
                data["width"], data["height"] = map(int, data["size"].split("x"))
            else:
                data["width"], data["height"] = rules.default
            return
        for name, value in zip(("width", "height"), rules.default, strict=True):
            if data.get(name) is None and name not in self.errors:
                data[name] = value
        if "width" not in self.errors and "height" not in self.errors and (problem := rules.problem(data["width"], data["height"])):
            self.add_error("height" if problem.startswith("Height") else "width", problem)

    def _clean_inputs(self, data: dict[str, Any]) -> None:
        for name, given in self.inputs.by_name.items():
            if data.get(name):
                try:
                    given.kept = input_for(self.user, data[name])
                except Http404:
                    self.add_error(name, "The file is gone, or is not yours. Choose it again.")
        if data.get("source"):
            try:
                self.parent = artifact_for(self.user, data["source"])
            except Http404:
                self.add_error(None, "What this starts from is gone, or is not yours. Choose it again.")
            else:
                self.inputs.start_from(self.parent, self._complain)
        first = self.inputs.first
        if self.parent is None and first and first.kept:
            self.parent = first.kept.artifact
        self.inputs.check(self._complain)

    def _complain(self, name: str, problem: str) -> None:
        """One sentence a field is enough."""
        if name not in self.errors:
            self.add_error(name, problem)

    def _ask_the_backend(self) -> None:
        """What no single field can tell: whoever bills looks at all of it together first."""
        backend = registry.backend(self.engine.backend)
        if not isinstance(backend, PaidBackend):
            return
        media = self.inputs.read(self._complain)
        if self.errors:
            return
        try:
            backend.check(self.to_request(media))
        except BackendError as error:
            self.add_refusal(error.fields, error.message)

    def add_refusal(self, fields: Mapping[str, str], message: str) -> None:
        """Put what an engine said of these settings beside them, and above the button what is about none of them."""
        elsewhere = {"width": "size", "height": "size"} if "size" in self.fields else {}
        for name, problem in fields.items():
            place = elsewhere.get(name, name)
            self.add_error(place if place in self.fields else None, problem)
        if not fields:
            self.add_error(None, message)

    # --- the request -----------------------------------------------------------------------------------------------
    def keep_inputs(self) -> dict[str, InputFile]:
        """The files to start from, by name, all of them stored; call it only on a valid form. Raises `StorageFull`, OSError."""
        return self.inputs.keep(self.user)

    def to_request(self, media: Mapping[str, bytes] | None = None) -> GenerationRequest:
        """The frozen request; call it only on a valid form. The bytes of its files are added by the worker."""
        data, others = self.cleaned_data, dict(media or {})
        own = {p.name for p in self.engine.parameters_for(self.mode)}
        known = GenerationRequest.__dataclass_fields__.keys()
        names = {"prompt", "negative_prompt", "width", "height"} | (own & known)
        values = {name: data[name] for name in names if data.get(name) not in (None, "")}
        seed, most = data.get("seed"), self.engine.max_seed
        return GenerationRequest(
            engine=self.engine.id,
            mode=self.mode,
            seed=secrets.randbelow((MAX_SEED if most is None else most) + 1) if seed is None else seed,
            num_images=data.get("num_images") or 1,
            image=others.pop("image", None),
            mask_image=others.pop("mask_image", None),
            media=others,
            extra={name: data[name] for name in own - known if data.get(name) not in (None, "")},
            **values,
        )


def _input_field(rules: MediaInput) -> forms.UUIDField:
    lost = "Paint the mask again." if rules.kind == "mask" else f"Choose the {noun(rules)} again."
    return forms.UUIDField(label=rules.label, required=False, widget=forms.HiddenInput, error_messages={"invalid": lost})
