"""What the foot of the panel says before the press: the price in lines, what it leaves, what is missing and who can help, what the same
would cost on this machine, and how to try it for less."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.html import format_html

from accounts.access import allows, people_who_may
from accounts.models import Team, User
from billing import shop
from billing.credits import credits, noun
from billing.services import budgets, wallets
from studio.backends.base import Engine, GenerationRequest, Mode, Quote
from studio.generation import approving, finals, offers
from studio.generation.fitting import USABLE, fit, ratio_of
from studio.generation.forms import quotable
from studio.generation.measures import Clock, about
from studio.generation.models import InputFile
from studio.generation.panel import Panel, engines_for


@dataclass(frozen=True, slots=True)
class Here:
    """An engine of this machine that can do the same for less. `size` is said where it is not the one that was asked for, `takes` is how
    long it takes with what waits before it, or empty where nobody knows."""

    engine: Engine
    quote: Quote
    size: str
    chosen_size: str
    takes: str


def price(team: Team, drawn: Panel) -> dict[str, Any]:
    """Everything that `_price.html` reads. The form must be one that can be priced (`price_only`).

    `refused`: pressing would be; then only what fits into the balance and the budgets is offered beside it.
    """
    request = quotable(drawn.form)
    quote = drawn.engine.quote(request)
    wallet = wallets.wallet_of(team)
    available = wallet.available
    missing = max(0, quote.amount - available)
    meters = budgets.meters_of(wallet, drawn.form.user)
    over = None if missing else budgets.refusal(meters, quote.amount)
    room = min([available, *(meter.left for meter in meters)])
    files, engines = given(drawn), engines_for(team, drawn)
    other, preview = here(request, drawn, engines, files, quote), trial(team, request, drawn)
    varies = drawn.form.filling is not None and drawn.form.filling.varies
    pictures, mode = request.num_images, drawn.mode.value
    approval = approving.why(wallet, drawn.form.user, amount=quote.amount, pictures=pictures, engine=drawn.engine.id, mode=mode)
    help_from = way_out(drawn.form.user, team, quote.amount) if missing else ""
    leads = bool(missing) and allows(drawn.form.user, team, "administer")
    return {
        "quote": quote,
        "included": included(drawn.engine, drawn.mode, quote),
        "available": available,
        "after": available - quote.amount,
        "missing": missing,
        "way_out": help_from,
        "over": over,
        "refused": bool(missing or over),
        "may_buy": bool(missing) and leads and shop.is_open() and "href" not in help_from,
        "askable": people_who_may(team, "administer") if missing and not leads else [],
        "same": offers.known(team, drawn.form),
        "approval": approval,
        "deciders": approving.named(approving.deciders(team, drawn.form.user)) if approval else "",
        "here": other if other and other.quote.amount <= room else None,
        "too_dear_here": bool(other and other.quote.amount > room),
        "looks_here": not drawn.engine.local and any(_is_here(one, drawn.mode) for one in engines),
        "preview": preview if preview and preview.quote.amount <= room and not (varies and pictures > 1) else None,
    }


def trial(team: Team, request: GenerationRequest, drawn: Panel) -> finals.Way | None:
    """How what the panel asks for is tried before it is made, if there is a way that costs less."""
    return finals.cheaper(request, drawn.engine, engines_for(team, drawn), given(drawn), drawn.form.held)


def _is_here(engine: Engine, mode: Mode) -> bool:
    return engine.local and engine.state in USABLE and engine.supports(mode)


def given(drawn: Panel) -> dict[str, InputFile]:
    """The files in the panel's slots, by the names of their inputs."""
    slots = [*drawn.slots, *([drawn.mask] if drawn.mask else [])]
    return {slot.rules.name: slot.file for slot in slots if slot.file}


def included(engine: Engine, mode: Mode, quote: Quote) -> str:
    """What the price does not depend on, in words; empty where that would say nothing."""
    names = {one.name for one in engine.parameters_for(mode)}
    parts = ["in every shape"] if engine.size or any(one.kind == "aspect-ratio" for one in engine.parameters_for(mode)) else []
    if "num_inference_steps" in names and len(quote.lines) == 1:
        parts.append(f"with up to {engine.price.included_steps} steps" if engine.price.per_extra_step else "with any number of steps")
    return f"The same {' and '.join(parts)}" if parts else ""


def way_out(user: User, team: Team, needed: int) -> str:
    """Who has too few credits in this team may have enough in another, or may buy or grant them."""
    for other in Team.objects.of(user).exclude(pk=team.pk):
        available = wallets.wallet_of(other).available
        if available >= needed and allows(user, other, "generate"):
            name = "Your own team" if other.is_personal else f"Your team {other}"
            return f"{name} has {credits(available)} {noun(available)}: switch to it at the top of the page."
    if user.is_staff:
        return "As an operator you grant credits in the admin, under Wallets."
    may_buy = shop.is_open() and allows(user, team, "administer")
    return format_html('<a class="link" href="{}">Buy credits</a>', reverse("buy")) if may_buy else ""


def here(request: GenerationRequest, drawn: Panel, engines: Sequence[Engine], files: Mapping[str, InputFile], quote: Quote) -> Here | None:
    """The local engine that does the same for least; None where the chosen one is local itself, or none costs less."""
    if drawn.engine.local:
        return None
    found = []
    for other in engines:
        fitted = fit(request, drawn.engine, other, files) if other.local else None
        if fitted and (its := other.quote(fitted)).amount < quote.amount:
            found.append((its.amount, other, fitted, its))
    if not found:
        return None
    _, other, fitted, its = min(found, key=lambda one: one[0])
    clock = Clock()
    needed = clock.seconds(fitted)
    wait = clock.wait(other.queue) if needed is not None else None
    takes = about(needed + wait) if needed is not None and wait is not None else ""
    is_said = fitted.width and (fitted.width, fitted.height) != (request.width, request.height) and ratio_of(request, drawn.engine)
    size = f"{fitted.width} × {fitted.height}" if is_said else ""
    return Here(other, its, size, f"{fitted.width}x{fitted.height}" if fitted.width else "", takes)
