"""The only writers of price lists. Each is one statement that names the state it starts from; the row count is the answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from studio.pricing.errors import PriceListInForce, VersionTaken
from studio.pricing.models import PriceList
from studio.pricing.terms import Terms


@dataclass(frozen=True, slots=True)
class Draft:
    """A price list as an operator writes it. `valid_from` None: at once. `margin` in hundredths of a percent."""

    version: str
    valid_from: datetime | None
    margin: int
    terms: Mapping[str, Terms]
    note: str

    def columns(self) -> dict[str, object]:
        return {
            "version": self.version,
            "valid_from": self.valid_from or timezone.now(),
            "margin": self.margin,
            "terms": {engine: terms.to_json() for engine, terms in self.terms.items()},
            "note": self.note,
        }


def publish(draft: Draft, *, author: User) -> PriceList:
    """Add a version. Raises `VersionTaken`."""
    made = PriceList(author=author, **draft.columns())
    with _version_of_its_own(draft.version):
        made.save()
    return made


def change(price_list: PriceList, draft: Draft, *, author: User) -> None:
    """Replace a version that has not begun. Raises `PriceListInForce`, `VersionTaken`; then it stays as it is."""
    waiting = PriceList.objects.waiting(timezone.now()).filter(pk=price_list.pk)
    with _version_of_its_own(draft.version):
        if not waiting.update(author=author, **draft.columns()):
            raise _begun(price_list)
    price_list.refresh_from_db()


def withdraw(price_list: PriceList) -> None:
    """Delete a version that has not begun. Raises `PriceListInForce`."""
    if not PriceList.objects.waiting(timezone.now()).filter(pk=price_list.pk).delete()[0]:
        raise _begun(price_list)


@contextmanager
def _version_of_its_own(version: str) -> Iterator[None]:
    """A savepoint that says `VersionTaken` where the database says that the name is not unique."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        raise VersionTaken(f"There is a price list “{version}” already. Choose another name.") from error


def _begun(price_list: PriceList) -> PriceListInForce:
    return PriceListInForce(f"The price list “{price_list}” has begun, so it stays as it is. Add a new one in its place.")
