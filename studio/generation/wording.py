"""What the panel shows of the words before the press: how they come out, in how many ways they may, and what all of those would cost;
and which settings a template holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from django import forms
from django.conf import settings

from studio.generation.forms import GenerationForm, quotable
from studio.generation.forms.wording import Drawn
from studio.generation.panel import Panel
from studio.prompts.colouring import Stretch, resolved
from studio.prompts.filling import COUNTLESS


@dataclass(frozen=True, slots=True)
class Words:
    """`prompt` and `negative` as they come out, coloured. No `combinations`: they cannot be counted yet. `each` is the price of one
    picture in millicredits; `seed` is what they were drawn with, or None where each press draws another. `problem` says why nothing
    comes out.
    """

    prompt: Sequence[Stretch] = ()
    negative: Sequence[Stretch] = ()
    varies: bool = False
    combinations: int = 1
    each: int = 0
    pictures: int = 1
    seed: int | None = None
    problem: str = ""
    fields: Sequence[Drawn] = ()

    @property
    def is_countless(self) -> bool:
        return self.combinations >= COUNTLESS

    @property
    def most(self) -> int:
        """How many can be made with one press."""
        return int(settings.MAX_BATCH)

    @property
    def offers_all(self) -> bool:
        return self.varies and 1 < self.combinations <= self.most

    @property
    def all(self) -> int:
        """The price of all combinations, one picture each, in millicredits."""
        return self.each * self.combinations


def words_of(drawn: Panel) -> Words | None:
    """Of a panel whose form can be priced (`panel.priced`); None where what leaves is what was typed."""
    form = drawn.form
    request = quotable(form)
    filled, filling = form.as_far_as_it_goes(), form.filling
    if filled is None:
        return Words(problem=form.unreadable) if form.unreadable else None
    parts = (*filled.prompt.parts, *filled.negative.parts)
    varies = filling.varies if filling else any(part.kind in ("alternative", "wildcard") for part in parts)
    if form.content is None and not varies:
        return None
    fields = form.content.fields if form.content else ()
    return Words(
        prompt=resolved(filled.prompt.parts, fields),
        negative=resolved(filled.negative.parts, fields) if form.engine.negative_prompt else (),
        varies=varies,
        combinations=filling.combinations if filling else 0,
        each=form.engine.quote(replace(request, num_images=1)).amount if varies else 0,
        pictures=request.num_images,
        seed=form.cleaned_data.get("seed"),
        fields=form.drawn_fields,
    )


def fixed(drawn: Panel) -> list[tuple[str, str]]:
    """The settings that the template sets and nobody may change: each label with its value in words."""
    template, form = drawn.template, drawn.form
    if template is None:
        return []
    found = []
    if not template.may_change("engine"):
        found.append(("Engine", drawn.engine.label))
    if not template.may_change("mode"):
        found.append(("Mode", drawn.mode.label))
    for name in form.held:
        if name in form.fields and template.sets(name):
            found.append((str(form.fields[name].label), _in_words(form, name)))
    return found


def _in_words(form: GenerationForm, name: str) -> str:
    field, value = form.fields[name], form.held[name]
    if isinstance(field, forms.ChoiceField):
        return next((str(words) for choice, words in field.widget.choices if str(choice) == str(value)), str(value))
    if isinstance(field, forms.BooleanField):
        return "yes" if value else "no"
    return str(value)
