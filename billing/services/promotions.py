"""Codes: made by the operator, redeemed by a team. What they bring is granted like everything else (`wallets.grant`)."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from accounts.models import User
from billing.errors import CodeRedeemed, CodeRefused, CodeTaken
from billing.models import Account, PromoCode, Redemption, Wallet
from billing.models.promotions import key_of
from billing.services import wallets

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's Base32: no I, L, O, and no U."""
LENGTH, GROUP = 12, 4
"""Of a generated code: 60 bits, `XXXX-XXXX-XXXX`."""


def generate() -> str:
    """A code that nobody guesses, in groups that can be read out."""
    letters = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    return "-".join(letters[start : start + GROUP] for start in range(0, LENGTH, GROUP))


def make_codes(*, batch: uuid.UUID, count: int = 1, own: str = "", actor: User | None = None, **terms: Any) -> Sequence[PromoCode]:
    """Make `count` codes on the same `terms` (columns of PromoCode), or one that is written as `own`. The same `batch` again gives those
    of the first time.

    Raises CodeTaken when there is a code that reads like `own`.
    """
    made = PromoCode.objects.filter(batch=batch).order_by("number")
    if found := list(made):
        return found
    try:
        with transaction.atomic():
            for number in range(count):
                code = own.strip().upper() or generate()
                PromoCode.objects.create(code=code, key=key_of(code), batch=batch, number=number, created_by=actor, **terms)
    except IntegrityError:
        if not made.exists():
            raise CodeTaken from None
    return list(made.all())


def stop(codes: Any) -> int:
    """Let nobody redeem these codes (a QuerySet) any more; returns how many could be until now."""
    stopped: int = codes.filter(stopped_at=None).update(stopped_at=timezone.now())
    return stopped


def redeem(wallet: Wallet, text: str, *, actor: User) -> Redemption:
    """Grant the team what a code brings, however it was written.

    The wallet's row is locked first, as everywhere; then the code is taken by a conditional UPDATE, so that it is redeemed as often as it
    says and no more. Whether this person has redeemed it, for whatever team, is asked after that UPDATE: until the commit its row lets
    nobody else in. Raises CodeRefused, CodeRedeemed; then nothing is left behind.
    """
    key, now = key_of(text), timezone.now()
    with transaction.atomic():
        Wallet.objects.select_for_update(no_key=True).get(pk=wallet.pk)
        promo = PromoCode.objects.filter(key=key).first() if key else None
        if promo is None:
            raise CodeRefused
        before = Redemption.objects.filter(code=promo, wallet=wallet).first()
        if before is not None:
            raise CodeRedeemed(before)
        if not _take(promo, now):
            raise CodeRefused
        elsewhere = Redemption.objects.select_related("wallet__team").filter(code=promo, actor=actor).first()
        if elsewhere is not None:
            raise CodeRedeemed(elsewhere, elsewhere.wallet.team)
        if promo.who == PromoCode.For.NEW and not _is_new(wallet):
            raise CodeRefused
        entry = wallets.grant(
            wallet,
            promo.amount,
            reference=f"code:{promo.pk}",
            description=f"Code redeemed: {promo.label}",
            source=Account.PROMOTIONS,
            expires_at=_expiry(promo, now),
            actor=actor,
        )
        return Redemption.objects.create(code=promo, wallet=wallet, entry=entry, actor=actor)


def _take(promo: PromoCode, now: datetime) -> bool:
    """The guard against one redemption too many."""
    return PromoCode.objects.redeemable(now).filter(pk=promo.pk).update(redeemed=F("redeemed") + 1) == 1


def _is_new(wallet: Wallet) -> bool:
    """Whether the team has neither bought anything nor redeemed a code."""
    return not (wallet.lots.filter(source__in=(Account.SALES, Account.PLANS)).exists() or wallet.redemptions.exists())


def _expiry(promo: PromoCode, now: datetime) -> datetime | None:
    return promo.expires_at if promo.expires_in_days is None else now + timedelta(days=promo.expires_in_days)
