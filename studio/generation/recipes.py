"""What all jobs of a batch have in common, and one of them made of it: its prompts, its request, its price, or what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from typing import Any

from accounts.models import User
from studio.backends.base import MAX_SEED, Engine, GenerationRequest, Mode, Quote
from studio.generation import several
from studio.generation.forms import GenerationForm
from studio.generation.services import Item
from studio.prompts.content import Content
from studio.prompts.filling import Filled, Wildcards
from studio.prompts.models import PromptTemplateVersion


@dataclass(frozen=True, slots=True)
class Made:
    """One job as it would be: `item` and its price; else sentences by what they are about, fields of `GenerationForm`."""

    problems: Mapping[str, str]
    filled: Filled | None = None
    item: Item | None = None
    quote: Quote | None = None

    @property
    def request(self) -> GenerationRequest | None:
        return self.item.request if self.item else None


@dataclass(frozen=True)
class Recipe:
    """`values` are what a `GenerationForm` was sent; `held` the settings that a template does not let anybody change."""

    user: User
    engine: Engine
    mode: Mode
    values: Mapping[str, Any]
    lists: Wildcards
    version: PromptTemplateVersion | None = None
    held: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def content(self) -> Content | None:
        return Content.from_json(self.version.content) if self.version else None

    def make(self, own: Mapping[str, Any]) -> Made:
        """One job, with what is its `own` in place of what all have."""
        data = {**self.values, **own, "engine": self.engine.id, "mode": self.mode.value, "idempotency_key": "one of a batch"}
        form = GenerationForm(
            data, engine=self.engine, mode=self.mode, user=self.user, version=self.version, held=self.held, lists=self.lists
        )
        if not form.is_valid() or form.filled is None:
            return Made({name: str(errors[0]) for name, errors in form.errors.items()}, form.filled)
        request = form.to_request()
        return Made({}, form.filled, Item(request, **several.remembered(form)), self.engine.quote(request))


def seed_of(key: str, place: int, engine: Engine) -> int:
    """A seed of its own for each place of a batch, the same whenever it is looked at: drawn from the key of its page."""
    drawn = blake2b(f"{key}\n{place}".encode(), digest_size=8, person=b"atelier batch").digest()
    most = MAX_SEED if engine.max_seed is None else engine.max_seed
    return int.from_bytes(drawn, "big") % (most + 1)


def digest(made: Iterable[Made]) -> str:
    """Of everything that would be made and what it costs: what somebody looked at is what they press."""
    whole = blake2b(digest_size=16)
    for one in made:
        if one.request and one.quote:
            whole.update(repr((sorted(one.request.to_json().items(), key=str), one.quote.amount, one.quote.price_version)).encode())
    return whole.hexdigest()
