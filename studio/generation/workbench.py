"""What the pages of a batch have in common: the template, the engine and the settings that hold for all of it, and what it comes to."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.forms import BoundField, Select

from accounts.access import people_who_may
from accounts.models import Team, User
from billing import shop
from billing.errors import OverBudget
from billing.services import budgets, wallets
from studio.backends.base import Engine, Mode, PromptNeed
from studio.generation import approving, panel, till, usage
from studio.generation import engines as engine_list
from studio.generation.forms import GenerationForm
from studio.generation.forms.wording import Drawn
from studio.generation.panel import Panel
from studio.generation.recipes import Made, Recipe, seed_of
from studio.generation.services import Item, refused_items
from studio.generation.services.batches import BatchQuote, quote_batch
from studio.prompts.models import PromptTemplate, PromptTemplateVersion

OWN = frozenset(("num_images", "seed", "prompt", "negative_prompt"))
"""Settings that a page draws itself, or not at all."""


@dataclass(slots=True)
class Workbench:
    """The panel without its files: `engines` and `modes` are those that start from words alone."""

    user: User
    team: Team
    panel: Panel
    engines: list[Engine]
    modes: list[Mode]
    key: str
    templates: list[PromptTemplateVersion] = field(default_factory=list)
    problem: str = ""

    @property
    def form(self) -> GenerationForm:
        return self.panel.form

    @property
    def engine(self) -> Engine:
        return self.panel.engine

    @property
    def version(self) -> PromptTemplateVersion | None:
        return self.form.version

    @property
    def fields(self) -> list[Drawn]:
        return self.form.drawn_fields

    @property
    def settings(self) -> list[BoundField]:
        """What may be changed for all, but for what has a place of its own."""
        return [self.form[name] for name in self.form.settings if name not in OWN and not self.form.fields[name].disabled]

    @property
    def fixed(self) -> list[tuple[str, str]]:
        """What the template holds: label and value in words."""
        held = [self.form[name] for name in self.form.settings if self.form.fields[name].disabled]
        return [(str(one.label), words_of(one)) for one in held if one.value() not in (None, "")]

    @property
    def shared(self) -> dict[str, str]:
        """What stands in `settings`, as a page would send it."""
        return {one.name: _sent(value) for one in self.settings if (value := one.value()) is not None}

    @property
    def may_change_engine(self) -> bool:
        return self.panel.template is None or self.panel.template.may_change("engine")

    @property
    def sent(self) -> list[tuple[str, str]]:
        """Everything that stands on the page, to be sent once more by another page."""
        form = self.form
        own = [(name, form[name].value()) for name in form.fields if name != "idempotency_key"]
        return [
            (name, _sent(one)) for name, value in own for one in (value if isinstance(value, list | tuple) else [value]) if one is not None
        ]

    @property
    def count(self) -> BoundField | None:
        return self._setting("num_images")

    @property
    def seed(self) -> BoundField | None:
        return self._setting("seed")

    def _setting(self, name: str) -> BoundField | None:
        return self.form[name] if name in self.form.fields and not self.form.fields[name].disabled else None

    def recipe(self, **own: Any) -> Recipe:
        """What all have in common, as it stands on the page."""
        form = self.form
        values = {name: form[name].value() for name in form.fields if form[name].value() is not None}
        return Recipe(self.user, self.engine, self.panel.mode, {**values, **own}, form.lists, form.version, form.held)

    @property
    def common_seed(self) -> int:
        """For pages that change something else: the seed that was chosen, else one that stays with the page."""
        chosen = str(self.form["seed"].value() or "") if "seed" in self.form.fields else ""
        return int(chosen) if chosen.isdecimal() else seed_of(self.key, 0, self.engine)


def build(user: User, team: Team, query: Mapping[str, Any], *, version: PromptTemplateVersion | None = None) -> Workbench | None:
    """Draw it for an address or a form; None when the studio has no engine that starts from words.

    `version` is the template's where the page is about one. Raises Http404 for the page of a template that is not there.
    """
    engines = [engine for engine in engine_list.available() if _modes(engine)]
    if not engines:
        return None
    values = {name: value for name, value in query.items() if name not in ("use", "from", "job", "leave", "source")}
    if version:
        values["template"] = str(version.pk)
    if values.get("was_template") is not None and values["was_template"] != values.get("template", ""):
        values = _with_another(values)
    drawn = panel.build(user, values, team=team)
    if drawn is None:
        return None
    if drawn.mode not in _modes(drawn.engine):
        first = next((one for one in engines if one.id == drawn.engine.id), engines[0])
        drawn = panel.build(user, {**values, "engine": first.id, "mode": _modes(first)[0].value}, team=team)
        assert drawn
    found = Workbench(user, team, drawn, engines, _modes(drawn.engine), str(values.get("idempotency_key") or secrets.token_urlsafe(24)))
    found.templates = _templates(user, team, drawn)
    found.problem = _problem(found, values)
    _dress(found.form, values)
    return found


def _modes(engine: Engine) -> list[Mode]:
    """Those that start from words, and from no file."""
    return [
        mode
        for mode in engine.modes
        if engine.prompt_for(mode) is not PromptNeed.NONE and not any(one.required for one in engine.inputs_for(mode))
    ]


def _with_another(values: Mapping[str, Any]) -> dict[str, Any]:
    """What was typed stays when somebody picks another template; settings are as that has them."""
    kept = ("template", "table", "x", "y", "x_values", "y_values", "skip", "idempotency_key", "prompt", "negative_prompt", "seed")
    return {name: values[name] for name in kept if name in values}


def _templates(user: User, team: Team, drawn: Panel) -> list[PromptTemplateVersion]:
    """The published version of every template, and the one that is chosen if it is another."""
    rows = PromptTemplate.objects.visible_to(user).of_team(team).usable().select_related("published__template").order_by("name")
    found = [row.published for row in rows if row.published]
    own = drawn.form.version
    return [own, *found] if own and own not in found else found


def _problem(bench: Workbench, values: Mapping[str, Any]) -> str:
    """Why nothing can be made with this engine at all."""
    engine, template = bench.engine, bench.panel.template
    wanted = template.content.engine if template and not template.may_change("engine") else values.get("engine")
    if wanted and wanted != engine.id and "was" not in values:
        return f"What was chosen is not offered any more; this is {engine.label} now. Look at the settings again."
    locks = usage.locks(bench.team, [engine])
    if engine.id in locks:
        return f"{engine.label} is not part of your plan. Pick another engine."
    return ""


def _dress(form: GenerationForm, values: Mapping[str, Any]) -> None:
    """Lists to open in place of the shapes of Create, and the prompts as they were typed, however long."""
    for name, bound in form.fields.items():
        if name == "size" or hasattr(bound, "shapes"):
            bound.widget = Select(choices=bound.choices)  # type: ignore[attr-defined]
        if name in ("prompt", "negative_prompt") and name in values:
            form.initial[name] = values[name]


def _sent(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def words_of(bound: BoundField) -> str:
    """The value of a setting as people read it."""
    choices = dict(getattr(bound.field, "choices", ()))
    value = bound.value()
    return str(choices.get(value, value)) if not isinstance(value, bool) else "yes" if value else "no"


def refusals(team: Team, made: Sequence[Made]) -> dict[int, str]:
    """What the team's words and brand rules say to jobs that could be made, by their places; empty before all of them could."""
    items = [one.item for one in made if one.item]
    return refused_items(team, items) if items and len(items) == len(made) else {}


# --- what it comes to ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Total:
    """Amounts in millicredits. `refused` says that a press would be, as far as is known here."""

    quote: BatchQuote
    jobs: int
    available: int
    missing: int
    fits: int
    way_out: str
    may_buy: bool
    askable: Sequence[User]
    over: OverBudget | None
    approval: str
    deciders: str

    @property
    def after(self) -> int:
        return self.available - self.quote.amount

    @property
    def refused(self) -> bool:
        return bool(self.missing or self.over)


def total(user: User, team: Team, made: Iterable[Made]) -> Total | None:
    """What all of it costs, and what the wallet has for it; None for nothing."""
    items: list[Item] = [one.item for one in made if one.item]
    if not items:
        return None
    quote = quote_batch(items)
    wallet = wallets.wallet_of(team)
    missing = max(0, quote.amount - wallet.available)
    help_from = till.way_out(user, team, quote.amount) if missing else ""
    leads = user in people_who_may(team, "administer")
    subjects = list(dict.fromkeys((item.request.engine, item.request.mode.value) for item in items))
    approval = approving.why_all(wallet, user, amount=quote.amount, pictures=quote.pictures, subjects=subjects)
    return Total(
        quote=quote,
        jobs=len(items),
        available=wallet.available,
        missing=missing,
        fits=quote.fits(wallet.available),
        way_out=help_from,
        may_buy=bool(missing) and leads and shop.is_open() and "href" not in help_from,
        askable=people_who_may(team, "administer") if missing and not leads else [],
        over=None if missing else budgets.refusal(budgets.meters_of(wallet, user), quote.amount),
        approval=approval,
        deciders=approving.named(approving.deciders(team, user)) if approval else "",
    )
