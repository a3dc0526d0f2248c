"""Buying: begun by a person, and delivered only when a gateway's verified webhook, or for an invoice the operator, says that it is paid."""

from __future__ import annotations

import uuid
from contextlib import suppress
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone

from accounts import audit
from accounts.models import User
from billing.errors import NotForSale
from billing.gateways.base import Order
from billing.gateways.errors import GatewayRefused, NotKnown, NotOffered
from billing.gateways.facts import Paid
from billing.gateways.registry import gateway as gateway_of
from billing.models import PackPrice, Purchase, Wallet
from billing.services import payments
from billing.services.settling import locked

Status = Purchase.Status
TRIES = 8
"""How often an invoice number is chosen anew when somebody else took it at the same moment."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the gateway sends the browser; `{id}` stands for the purchase's."""

    success: str
    cancel: str


def start(wallet: Wallet, price: PackPrice, *, buyer: User, gateway: str, form_key: uuid.UUID, addresses: Addresses) -> Purchase:
    """Begin to buy a pack. The same form again (`form_key`) gives the same purchase and Checkout; another pack, or way to pay, chosen on it
    after a refusal is another purchase. Nothing is delivered yet.

    Raises NotForSale, GatewayUnavailable (the same form may be sent again), GatewayRefused (the purchase has failed).
    """
    try:
        way = gateway_of(gateway)
    except NotOffered as error:
        raise NotForSale(error.message) from error
    if not price.pack.is_active:
        raise NotForSale("This pack is not sold any more. Choose another one.")
    form_key = uuid.uuid5(form_key, f"{price.pk} {gateway}")
    purchase = _begin(wallet, price, buyer, gateway, form_key, numbered=way.confirms_by_hand)
    if way.confirms_by_hand or purchase.checkout_id or purchase.status != Status.OPEN:
        return purchase
    order = Order(
        key=str(purchase.pk),
        title=purchase.name,
        details=f"{purchase.credits:,} credits for {wallet.team}",
        amount=purchase.amount,
        currency=purchase.currency,
        email=buyer.email,
        success_url=addresses.success.format(id=purchase.pk),
        cancel_url=addresses.cancel.format(id=purchase.pk),
    )
    try:
        checkout = way.start(order)
    except GatewayRefused as error:
        _note_refusal(purchase, error)
        raise
    with transaction.atomic():
        purchase = locked(purchase)
        purchase.checkout_id, purchase.checkout_url, purchase.expires_at = checkout.id, checkout.url, checkout.expires_at
        purchase.save(update_fields=["checkout_id", "checkout_url", "expires_at"])
    if purchase.status == Status.CANCELED:  # while the gateway was asked
        way.end_checkout(checkout.id)
    return purchase


def _note_refusal(purchase: Purchase, error: GatewayRefused) -> None:
    with transaction.atomic():
        purchase = locked(purchase)
        if purchase.status == Status.OPEN and not purchase.checkout_id:
            purchase.status, purchase.note = Status.FAILED, error.message[:300]
            purchase.save(update_fields=["status", "note"])


def _begin(wallet: Wallet, price: PackPrice, buyer: User, gateway: str, form_key: uuid.UUID, *, numbered: bool) -> Purchase:
    for left in reversed(range(TRIES)):
        before = Purchase.objects.filter(wallet=wallet, form_key=form_key).first()
        if before is not None:
            return before
        number = (Purchase.objects.aggregate(last=Max("number"))["last"] or 1000) + 1 if numbered else None
        try:
            with transaction.atomic():
                return Purchase.objects.create(
                    wallet=wallet,
                    buyer=buyer,
                    pack=price.pack,
                    name=price.pack.name,
                    credits=price.pack.credits,
                    currency=price.currency,
                    amount=price.amount,
                    gateway=gateway,
                    form_key=form_key,
                    number=number,
                )
        except IntegrityError:
            if not left:
                raise
    raise AssertionError("unreachable")


def confirm(purchase: Purchase, *, by: User, note: str = "") -> Purchase:
    """The operator says that the money of an invoice has come: deliver. Again, it changes nothing.

    Raises NotForSale for a purchase whose gateway tells by itself.
    """
    if not purchase.number:
        raise NotForSale("This purchase is confirmed by its payment provider, and by nobody else.")
    with transaction.atomic():
        was_paid = locked(purchase).is_paid
        paid = Paid(key=str(purchase.pk), payment_id=f"invoice:{purchase.pk}", amount=purchase.amount, currency=purchase.currency)
        payments.apply(purchase.gateway, paid)
        if not was_paid:
            told = f"confirmed the payment of {purchase.reference} ({purchase.price})"
            audit.record(purchase.wallet.team, by, "credits.confirmed", told)
            Purchase.objects.filter(pk=purchase.pk).update(note=note[:300])
    purchase.refresh_from_db()
    return purchase


def cancel(purchase: Purchase, *, by: User) -> Purchase:
    """Somebody thought better of an order. Its Checkout is ended first; where the payment was faster, it counts.

    Raises GatewayUnavailable (nothing has changed), NotForSale while a payment that takes its time (a bank debit) is under way.
    """
    if purchase.status != Status.OPEN:
        return purchase
    if purchase.checkout_id:
        way = gateway_of(purchase.gateway)
        if not way.end_checkout(purchase.checkout_id):
            raise NotForSale("A payment for this order is under way, so it cannot be canceled. This page says when it has come.")
        with suppress(NotKnown):  # of a Checkout of another account nothing comes
            for fact in way.look_up(checkout_id=purchase.checkout_id):
                with suppress(payments.Waits):
                    payments.apply(purchase.gateway, fact)
    with transaction.atomic():
        purchase = locked(purchase)
        if purchase.status in (Status.OPEN, Status.EXPIRED):
            purchase.status, purchase.canceled_at = Status.CANCELED, timezone.now()
            purchase.save(update_fields=["status", "canceled_at"])
            audit.record(purchase.wallet.team, by, "credits.canceled", f"canceled the order {purchase.reference} ({purchase.price})")
    return purchase
