"""The form itself: drawn from an engine's record, checked against it, turned into a request."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from django import forms
from django.http import Http404

from accounts.models import User
from studio.backends import registry
from studio.backends.base import MAX_SEED, Engine, EngineState, GenerationRequest, MediaInput, Mode, PaidBackend, PromptNeed
from studio.backends.errors import BackendError
from studio.generation.access import artifact_for, input_for
from studio.generation.forms.fields import PromptField, Shape, count_field, parameter_field, seed_field, size_fields, too_long
from studio.generation.forms.inputs import Inputs, noun
from studio.generation.forms.wording import FIELD, SECTION, Drawn, DrawnSection, blanks, filled_in, rewordable, section_label
from studio.generation.models import Artifact, InputFile
from studio.generation.modes import NOTHING, describe
from studio.prompts import filling
from studio.prompts.content import NEGATIVE, Content, Section
from studio.prompts.filling import BadValues, Filled, Filling
from studio.prompts.models import PromptTemplateVersion

UNUSABLE_STATES = (EngineState.NO_KEY, EngineState.NOT_INSTALLED, EngineState.BROKEN)
SIDES = ("left", "right", "up", "down")
"""Settings that are drawn together, round the picture."""


class GenerationForm(forms.Form):
    """What a person may ask of `engine` in `mode`. Field names are those of `GenerationRequest`, of its `extra` and its `media`.

    The field of an input holds the id of an uploaded `InputFile`; `source` is the id of something in the library to start from (lineage,
    and the first input where that is empty). `stand_in` says that this is not the engine or mode that was asked for: then it is refused.

    With a `version` of a template its fields and sections stand in place of the prompt; `held` are settings that it does not let anybody
    change, with their values. `lists` are the wildcards of the team.
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
        version: PromptTemplateVersion | None = None,
        held: Mapping[str, Any] | None = None,
        lists: filling.Wildcards | None = None,
        **kwargs: Any,
    ) -> None:
        initial = {"idempotency_key": secrets.token_urlsafe(24), **kwargs.pop("initial", {})}
        super().__init__(data, initial=initial, label_suffix="", **kwargs)  # type: ignore[arg-type]
        self.engine, self.mode, self.user, self.price_only, self.stand_in = engine, mode, user, price_only, stand_in
        self.inputs = Inputs(engine.inputs_for(mode))
        self.parent: Artifact | None = None
        self.version, self.held, self.lists = version, dict(held or {}), {} if lists is None else lists
        self.content = Content.from_json(version.content) if version else None
        self.filling: Filling | None = None
        self.filled: Filled | None = None
        self.unreadable = ""
        self._draw()
        for name in self.held.keys() & self.fields.keys():
            self.fields[name].disabled = True
            self.initial[name] = self.held[name]

    # --- drawing ---------------------------------------------------------------------------------------------------
    def _draw(self) -> None:
        engine, mode, fields = self.engine, self.mode, self.fields
        again = dict.fromkeys(("required", "max_length"), "This page has lost the key of its press. Reload it, and press again.")
        fields["idempotency_key"] = forms.CharField(max_length=64, widget=forms.HiddenInput, error_messages=again)
        fields["engine"] = forms.CharField(widget=forms.HiddenInput, initial=engine.id)
        fields["mode"] = forms.CharField(widget=forms.HiddenInput, initial=mode.value)
        need = engine.prompt_for(mode)
        if self.content and self.version:
            fields["template"] = forms.CharField(widget=forms.HiddenInput, initial=str(self.version.pk))
            fields |= blanks(self.content)
        elif need is not PromptNeed.NONE:
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
    def drawn_fields(self) -> list[Drawn]:
        """The fields of the template, in its order."""
        return [Drawn(one, self[f"{FIELD}{one.name}"]) for one in self.content.fields] if self.content else []

    @property
    def drawn_sections(self) -> list[DrawnSection]:
        """The sections of the template that say something or may, and what it leaves out."""
        if self.content is None:
            return []
        left_out = Section(NEGATIVE, self.content.negative.text, self.content.negative.locked)
        free = rewordable(self.content)
        return [
            DrawnSection(section_label(one.name), one.text, self[f"{SECTION}{one.name}"] if one.name in free else None)
            for one in (*self.content.sections, left_out)
            if one.text or one.name in free
        ]

    @property
    def settings(self) -> list[str]:
        """The names of all settings that are no words and no files."""
        own = [name for name in ("size", "width", "height", "num_images", "seed") if name in self.fields]
        return own + [parameter.name for parameter in self.engine.parameters_for(self.mode)]

    @property
    def size_choices(self) -> list[Shape]:
        sizes = self.engine.size.choices if self.engine.size and "size" not in self.held else ()
        return [Shape.of_size(*size) for size in sizes]

    @property
    def sides(self) -> list[forms.BoundField]:
        """Left, right, up and down, where an engine makes pictures larger. Like all that is drawn, without what a template holds."""
        names = {parameter.name for parameter in self.engine.parameters_for(self.mode)}
        return [self[name] for name in SIDES] if names.issuperset(SIDES) and not self.held.keys() & set(SIDES) else []

    @property
    def words(self) -> list[forms.BoundField]:
        """What has to be written beside the prompt."""
        return [
            self[p.name] for p in self.engine.parameters_for(self.mode) if p.kind == "text" and not p.advanced and p.name not in self.held
        ]

    @property
    def shapes(self) -> list[forms.BoundField]:
        return [self[p.name] for p in self.engine.parameters_for(self.mode) if p.kind == "aspect-ratio" and p.name not in self.held]

    @property
    def basic_fields(self) -> list[forms.BoundField]:
        return self._others(advanced=False)

    @property
    def advanced_fields(self) -> list[forms.BoundField]:
        return self._others(advanced=True)

    def _others(self, *, advanced: bool) -> list[forms.BoundField]:
        """The settings that have no place of their own."""
        placed = {field.name for field in (*self.sides, *self.words, *self.shapes)} | self.held.keys()
        return [self[p.name] for p in self.engine.parameters_for(self.mode) if p.advanced is advanced and p.name not in placed]

    # --- checking --------------------------------------------------------------------------------------------------
    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        self._clean_words(data)
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

    @cached_property
    def seed(self) -> int:
        """The seed that was chosen; else one that stays the same for this form, and 0 as long as only its price is asked for."""
        chosen, most = self.cleaned_data.get("seed"), self.engine.max_seed
        if chosen is not None or self.price_only:
            return chosen or 0
        return secrets.randbelow((MAX_SEED if most is None else most) + 1)

    def _clean_words(self, data: dict[str, Any]) -> None:
        """Fill in fields, alternatives and wildcards: from here on `data` has the prompts as the engine gets them."""
        need = self.engine.prompt_for(self.mode)
        if not self.content and ("prompt" not in data or "negative_prompt" in self.errors):
            return
        try:
            if self.content:
                values, texts = filled_in(data, self.content)
                self.filling = filling.of_template(self.content, values=values, sections=texts, wildcards=self.lists)
            else:
                self.filling = filling.typed(data["prompt"], data.get("negative_prompt", ""), wildcards=self.lists)
            self.filled = self.filling.at(self.seed)
        except BadValues as error:
            self.unreadable = next(iter(error.fields.values()), "")
            for name, sentence in error.fields.items():
                self.add_error(self._place(name), sentence)
            return
        if need is PromptNeed.NONE:
            return
        data["prompt"] = self.filled.prompt.text
        if self.engine.negative_prompt:
            data["negative_prompt"] = self.filled.negative.text
        for name, resolved in (("prompt", self.filled.prompt), (NEGATIVE, self.filled.negative)):
            if problem := too_long(
                "Prompt" if name == "prompt" else "What to leave out", resolved.text, self.engine.max_prompt_length, self.engine.length_of
            ):
                self.add_error(self._place(name), problem)
        if self.content and need is PromptNeed.REQUIRED and not self.filled.prompt.text.strip():
            self.add_error(None, NOTHING[self.mode.makes])

    def as_far_as_it_goes(self) -> Filled | None:
        """The prompts with the labels of fields in place of what is missing or wrong; None when there is something else wrong."""
        if self.is_valid() or self.filled or self.content is None:
            return self.filled
        given = {
            name: self[name].value() for name in self.fields if name.startswith((FIELD, SECTION))
        }  # an error takes what was cleaned away
        values, texts = filled_in(given, self.content)
        try:
            return filling.of_template(self.content, values=values, sections=texts, wildcards=self.lists, unfinished=True).at(self.seed)
        except BadValues:
            return None

    def _place(self, name: str) -> str | None:
        """The field beside which something is said that `prompts.filling` found; None for what has no place of its own."""
        for place in (f"{FIELD}{name}", f"{SECTION}{name.removeprefix('sections.')}", {NEGATIVE: "negative_prompt"}.get(name, name)):
            if place in self.fields:
                return place
        return None

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
        """The files to start from, by name, all of them stored; call it only on a valid form. Raises `StorageFull`, `StorageFailed`."""
        return self.inputs.keep(self.user)

    def to_request(self, media: Mapping[str, bytes] | None = None) -> GenerationRequest:
        """The frozen request; call it only on a valid form. The bytes of its files are added by the worker."""
        data, others = self.cleaned_data, dict(media or {})
        own = {p.name for p in self.engine.parameters_for(self.mode)}
        known = GenerationRequest.__dataclass_fields__.keys()
        names = {"prompt", "negative_prompt", "width", "height"} | (own & known)
        values = {name: data[name] for name in names if data.get(name) not in (None, "")}
        return GenerationRequest(
            engine=self.engine.id,
            mode=self.mode,
            seed=self.seed,
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
