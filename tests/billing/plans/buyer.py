"""Somebody who buys plans in a browser, at the stand-in."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from django.test import Client

from billing.models import Wallet
from tests.billing.shop import bring, way_out
from tests.stripe_server.standin import StandIn

URL = "/wallet/plan/"


class Buyer:
    """Somebody who administers the team, at a browser, with all that the stand-in has told so far brought to the studio."""

    def __init__(self, sign_in: Callable[[], Client], stripe: StandIn) -> None:
        self.sign_in, self.stripe, self.told = sign_in, stripe, 0

    @property
    def browser(self) -> Client:
        """A new one each time: nobody stays signed in for a month."""
        return self.sign_in()

    def hear(self, dice: random.Random | None = None) -> None:
        """Bring the events that were not brought; with `dice` in any order, some twice."""
        new = self.stripe.events[self.told :]
        self.told = len(self.stripe.events)
        if dice:
            new = new + dice.choices(new, k=len(new) // 2)
            dice.shuffle(new)
        assert set(bring(self.stripe, new)) <= {200}

    def start(self, slug: str) -> None:
        page = way_out(self.browser.post(f"{URL}to/{slug}/", {"currency": "usd"}))
        self.stripe.approve(page.rsplit("/", 1)[1])

    def change(self, slug: str) -> Any:
        asked = self.browser.get(f"{URL}to/{slug}/", {"currency": "usd"})
        return self.browser.post(f"{URL}to/{slug}/", {"currency": "usd", "token": asked.context["token"]})

    @property
    def theirs(self) -> dict[str, Any]:
        [one] = [one for one in self.stripe.all("subscription") if one["status"] != "canceled"]
        return one


def credits(wallet: Wallet) -> int:
    wallet.refresh_from_db()
    return wallet.available // 1000
