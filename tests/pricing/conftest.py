"""Price lists as an operator would have written them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from accounts.models import User
from studio.pricing.models import PriceList
from studio.pricing.services import Draft, publish
from studio.pricing.terms import Terms

Publish = Callable[..., PriceList]


@pytest.fixture
def price_list(alice: User) -> Publish:
    """`price_list("Winter", null=Terms(margin=2000), days=-1, margin=0)`: valid from so many days from now."""

    def make(version: str = "Winter", *, days: float = 0, margin: int = 0, **terms: Terms) -> PriceList:
        moment: datetime | None = timezone.now() + timedelta(days=days) if days else None
        return publish(Draft(version, moment, margin, terms, ""), author=alice)

    return make
