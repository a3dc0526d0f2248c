"""Who may ask: keys, the accounts that they belong to, and the organizations whose credits they spend."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

AUDIO_3 = "allow-access-stable-audio-3-api"
"""The flag behind which Stable Audio 3.0 lies (API.md 2.11)."""

FREE_CREDITS = Decimal(1000)


@dataclass(slots=True)
class Organization:
    id: str
    name: str
    balance: Decimal


@dataclass(slots=True)
class Account:
    """A user. The first organization is the default one."""

    id: str
    email: str
    organizations: list[Organization]
    flags: set[str] = field(default_factory=lambda: {AUDIO_3})

    def organization(self, id: str | None) -> Organization | None:
        """One of the user's own; the default one without an id; None for anybody else's."""
        return next((one for one in self.organizations if id in (None, one.id)), None)


@dataclass(slots=True)
class Key:
    secret: str
    account: Account
    revoked: bool = False

    @property
    def balance(self) -> Decimal:
        """Credits of the default organization."""
        return self.account.organizations[0].balance

    @balance.setter
    def balance(self, credits: Decimal | int | str) -> None:
        self.account.organizations[0].balance = Decimal(credits)

    def revoke(self) -> None:
        self.revoked = True


class Keys:
    """All keys that there are, by their secrets; the first one is there from the beginning."""

    def __init__(self, first: str, balance: Decimal | int | str = FREE_CREDITS) -> None:
        self._keys: dict[str, Key] = {}
        self.add(first, balance=balance)

    def __iter__(self) -> Iterator[Key]:
        return iter(tuple(self._keys.values()))

    def __getitem__(self, secret: str) -> Key:
        return self._keys[secret]

    def add(self, secret: str = "", *, balance: Decimal | int | str = FREE_CREDITS, account: Account | None = None) -> Key:
        """Make a key: of an account that there is, or of a new one with these credits."""
        number = len(self._keys) + 1
        if account is None:
            home = Organization(f"org-{number:04}", f"Organization {number}", Decimal(balance))
            account = Account(f"user-{number:04}", f"user{number}@standin.example", [home])
        key = Key(secret or f"sk-standin-{number:04}", account)
        self._keys[key.secret] = key
        return key

    def valid(self, secret: str) -> Key | None:
        """The key with this secret, unless it was revoked."""
        key = self._keys.get(secret)
        return None if key is None or key.revoked else key
