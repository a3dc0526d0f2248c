"""Plans that a team pays for through a gateway: started, changed, ended, and what the gateway tells of them.

Nothing here is believed but the gateway's facts (`hear`): a page that comes back from a payment shows what they said, and waits for them.
They come in any order, late, twice or not at all. The newest one says how a subscription stands, and `canceled` is its end; an invoice that
is paid stays paid. What was missed is asked for (`look_again`). A gateway is never asked within a transaction.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.ending import ERASED
from accounts.models import Team, User
from billing.errors import PlanRefused
from billing.gateways.base import Checkout, Gateway, PlanOrder, Proration, SubscriptionOrder
from billing.gateways.errors import GatewayError, GatewayUnavailable
from billing.gateways.facts import Fact
from billing.gateways.facts import Invoice as InvoiceFact
from billing.gateways.facts import Subscription as SubscriptionFact
from billing.gateways.patience import patiently
from billing.gateways.registry import gateway as gateway_named
from billing.models import Plan, PlanPrice, Reversal, Subscription, SubscriptionInvoice, Wallet
from billing.services import payment_news, plan_letters, plan_news, plans, reversals
from billing.services.reconciling import FORGOTTEN

log = structlog.get_logger(__name__)
Status = Subscription.Status

STATUS = {"paused": Status.UNPAID}
"""A gateway's word for a status where ours is another."""
LATE = timedelta(hours=2)
"""So long after the end of a period the gateway is asked how it goes on, had it not told."""
A_SECOND = timedelta(seconds=1)
UNKNOWN = "The payment provider did not answer, so it is not known whether this was done. Look here again in a minute."
UNDO = timedelta(days=30)
"""So long after it was begun a plan that was paid beside another one is looked at, whether all is back."""


# --- starting ----------------------------------------------------------------------------------------------------------


def start(wallet: Wallet, price: PlanPrice, gateway: Gateway, *, by: User, success_url: str, cancel_url: str) -> Checkout:
    """Where the browser goes to pay for a plan. Asked for twice, it is one pay page, until that runs out; those of other plans are closed
    first, so that only one can be paid.

    Raises PlanRefused for a team that pays for a plan already, GatewayError.
    """
    plan, now = price.plan, timezone.now()
    current = plans.subscription_of(wallet)
    if current and current.gateway:
        raise PlanRefused(f"This team is on the {current.plan} plan. Change that one.")
    begun = wallet.subscriptions.filter(gateway=gateway.name, plan=plan, amount=price.amount, currency=price.currency)
    waiting = begun.filter(status=Status.INCOMPLETE, external_id=None, checkout_until__gt=now).order_by("-pk").first()
    if waiting:
        return Checkout(id="", url=waiting.checkout_url, expires_at=waiting.checkout_until)
    for other in wallet.subscriptions.begun().select_related("plan"):
        if not _close(other):
            raise PlanRefused(f"The payment for {other.plan} has just come, from another tab. Nothing more was begun.")
    known = wallet.subscriptions.filter(gateway=gateway.name).exclude(customer_id="").order_by("-pk").first()
    with transaction.atomic():
        _lock(wallet.pk)
        row = Subscription.objects.create(
            wallet=wallet, plan=plan, gateway=gateway.name, currency=price.currency, amount=price.amount, started_by=by
        )
    order = SubscriptionOrder(
        key=str(row.key),
        plan=order_of(price),
        email=by.email,
        success_url=success_url,
        cancel_url=cancel_url,
        customer_id=known.customer_id if known else "",
    )
    checkout = gateway.start_subscription(order)
    until = checkout.expires_at or now + timedelta(hours=1)
    with transaction.atomic():
        _lock(wallet.pk)
        row.checkout_id, row.checkout_url, row.checkout_until = checkout.id, checkout.url, until
        row.save(update_fields=["checkout_id", "checkout_url", "checkout_until"])
        is_last = not wallet.subscriptions.filter(status=Status.INCOMPLETE, external_id=None, pk__gt=row.pk).exists()
    if not is_last:  # begun at the same moment, before there was a pay page to close
        _close(row)
        raise PlanRefused("Another plan was begun at the same moment, in another tab. Go on there, or choose again here.")
    return checkout


def _close(row: Subscription) -> bool:
    """Let a plan that was begun be paid no longer, and forget it; False for one that was paid, which is heard. Raises GatewayError."""
    if row.checkout_id:
        fact = gateway_named(row.gateway).end_subscription_checkout(row.checkout_id)
        if fact:
            hear(fact, gateway=row.gateway)
            return False
        Subscription.objects.begun().filter(pk=row.pk, invoices=None).delete()
    return True


def _try_to_close(row: Subscription) -> None:
    """As `_close`; without an answer the pay page ends by itself, and what is paid on it by then is heard."""
    try:
        _close(row)
    except GatewayError as error:
        log.warning("checkout_not_closed", subscription=row.pk, code=error.code)


def order_of(price: PlanPrice) -> PlanOrder:
    return PlanOrder(key=price.plan.slug, title=f"{price.plan} plan", amount=price.amount, currency=price.currency)


# --- changing ----------------------------------------------------------------------------------------------------------


def is_upgrade(current: Subscription, price: PlanPrice) -> bool:
    """To what costs more one changes now, to the rest when the period ends."""
    return price.amount > current.amount


def preview(current: Subscription, price: PlanPrice) -> Proration:
    """What an upgrade costs now. Raises PlanRefused, GatewayError."""
    _require_settled(current)
    return gateway_named(current.gateway).preview_change(current.external_id or "", order_of(price))


def upgrade(current: Subscription, price: PlanPrice, *, as_of: datetime) -> None:
    """Change now; the difference for the rest of the period is paid now, and its credits come with that payment.

    `as_of` is that of the preview that was confirmed: with the same one it is done once. Raises PlanRefused and GatewayRefused when nothing
    has changed, GatewayUnavailable when that is not known.
    """
    _require_settled(current)
    key = f"{current.key}-{price.plan.slug}-{int(as_of.timestamp())}"
    _change(current, price, key, as_of)
    try:
        _hear_invoices(current, gateway_named(current.gateway))
    except GatewayError as error:  # it is done, and what it brings is told or read later
        log.warning("subscription_not_read", subscription=current.pk, code=error.code)


@patiently()
def _change(current: Subscription, price: PlanPrice, key: str, as_of: datetime) -> None:
    """The card may be charged before the answer comes: that takes longer than a page does."""
    with _unknown_without_answer():
        fact = gateway_named(current.gateway).change_subscription(current.external_id or "", order_of(price), key=key, as_of=as_of)
    hear(fact, gateway=current.gateway)


@contextmanager
def _unknown_without_answer() -> Iterator[None]:
    try:
        yield
    except GatewayUnavailable as error:
        raise GatewayUnavailable(UNKNOWN) from error


def downgrade(current: Subscription, price: PlanPrice) -> None:
    """Change when the period ends. The gateway is told now, as of the end: what was paid for stays paid for.

    Raises as `upgrade`.
    """
    _require_paid(current)
    if current.period_end is None:
        raise PlanRefused("This plan has not begun yet. Try again in a minute.")
    _turn(current, price, next_plan=price.plan)


def keep(current: Subscription) -> None:
    """Undo a downgrade that has not come into force. Raises PlanRefused, GatewayError."""
    price = current.plan.price(current.currency)
    if price is None or price.amount != current.amount:
        raise PlanRefused(f"The {current.plan} plan is not offered at your price any more. Change to another one.")
    if current.next_plan_id is not None and current.period_end is not None:
        _turn(current, price, next_plan=None)


def _turn(current: Subscription, price: PlanPrice, *, next_plan: Plan | None) -> None:
    """Tell the gateway what to charge from the next period on. Our row says so first: the news of it may be here before the answer.

    Without an answer the row expects the smaller plan: were it done and not expected, the news of it would put the team on the smaller plan
    at once. What is told or asked for later takes it out again, if it was not done.
    """
    before, end = current.next_plan, current.period_end
    _expect(current, next_plan)
    assert end is not None
    try:
        _change(current, price, f"{current.key}-{price.plan.slug}-{uuid.uuid4().hex}", end - A_SECOND)
    except GatewayUnavailable:
        _expect(current, next_plan or before)
        raise
    except GatewayError:
        _expect(current, before)
        raise


@transaction.atomic
def _expect(current: Subscription, next_plan: Plan | None) -> None:
    _lock(current.wallet_id)
    Subscription.objects.live().filter(pk=current.pk).update(next_plan=next_plan)


def cancel(current: Subscription) -> None:
    """Let it end with the period that is paid for; at once where the last payment failed. Raises GatewayError."""
    with _unknown_without_answer():
        fact = gateway_named(current.gateway).cancel_subscription(current.external_id or "", at_period_end=not current.is_failing)
    hear(fact, gateway=current.gateway)


def resume(current: Subscription) -> None:
    """Undo a cancellation that has not come into force. Raises GatewayError."""
    with _unknown_without_answer():
        fact = gateway_named(current.gateway).resume_subscription(current.external_id or "")
    hear(fact, gateway=current.gateway)


def _require_paid(current: Subscription) -> None:
    if current.is_failing:
        raise PlanRefused("The last payment failed. Pay what is open first, then change the plan.")


def _require_settled(current: Subscription) -> None:
    """A gateway that charges the next plan from the period's end on would take it for the one that is paid for."""
    _require_paid(current)
    if current.next_plan:
        raise PlanRefused(f"A change to {current.next_plan} is waiting for the end of the month. Keep {current.plan} first, then change.")


def _lock(wallet_id: int) -> None:
    """The wallet first, as everywhere: all changes of one team's plan come one after another."""
    Wallet.objects.select_for_update(no_key=True).get(pk=wallet_id)


# --- what a gateway tells ------------------------------------------------------------------------------------------------


def write_down(gateway: str, fact: Fact) -> str:
    """`hear`, for `settings.FACT_HANDLERS`; what came of it where that is not plain."""
    return "" if hear(fact, gateway=gateway) else "It is of no plan here."


def hear(fact: Fact, *, gateway: str) -> bool:
    """Write down a fact of a subscription or its invoice, whenever and however often it comes; False when it is of none of ours."""
    if not isinstance(fact, SubscriptionFact | InvoiceFact):
        return False
    found = _of(fact, gateway)
    if found is None:
        return False
    with transaction.atomic():
        _lock(found.wallet_id)
        row = Subscription.objects.select_related("plan", "next_plan", "wallet__team").get(pk=found.pk)
        if isinstance(fact, SubscriptionFact):
            _stands(row, fact)
        else:
            _invoiced(row, fact)
    return True


def _of(fact: SubscriptionFact | InvoiceFact, gateway: str) -> Subscription | None:
    """The row that a fact is of: by the gateway's id, else by the key that we gave it."""
    ours = Subscription.objects.filter(gateway=gateway)
    found = ours.filter(external_id=fact.subscription_id).first()
    if found is None:
        try:
            # Its first news may be here twice at once: by now the other one may have written the gateway's id down.
            known = Q(external_id=None) | Q(external_id=fact.subscription_id)
            found = ours.filter(known, key=uuid.UUID(fact.key)).first()
        except ValueError:
            return None
    if found is None:
        log.warning("subscription_unknown", gateway=gateway, subscription=fact.subscription_id)
    return found


def _stands(row: Subscription, fact: SubscriptionFact) -> None:
    """Bring the row up to date with what was said of it, unless it knows something newer."""
    status = Status(STATUS.get(fact.status, fact.status))
    as_of = fact.as_of or timezone.now()
    row.external_id = row.external_id or fact.subscription_id
    if row.status != Status.CANCELED:  # nor that of a team that was erased, once it is forgotten
        row.customer_id = row.customer_id or fact.customer_id
    if row.status == Status.CANCELED:
        row.ended_at = row.ended_at or fact.ended_at
        row.end_wanted = "" if status == Status.CANCELED else row.end_wanted
    elif status == Status.CANCELED:
        row.status, row.ended_at, row.told_at = status, fact.ended_at or as_of, as_of
        row.next_plan, row.end_wanted, row.failing_since = None, "", None
    elif not plan_news.is_older(row, fact, status, as_of):
        _take_over(row, fact, status, as_of)
    row.save()


def _take_over(row: Subscription, fact: SubscriptionFact, status: Subscription.Status, as_of: datetime) -> None:
    named = Plan.objects.filter(slug=fact.plan).first()
    if named is None:
        log.warning("plan_unknown", plan=fact.plan, subscription=fact.subscription_id)
        named = row.plan
    is_new = row.status == Status.INCOMPLETE
    is_same_period = row.period_start is not None and fact.period_start == row.period_start
    if is_same_period and named == row.next_plan:
        pass  # a downgrade: the gateway knows it now, and it comes into force with the next period
    else:
        row.plan, row.next_plan = named, None
        row.amount, row.currency = fact.amount, fact.currency or row.currency
    row.period_start, row.period_end = fact.period_start or row.period_start, fact.period_end or row.period_end
    row.cancel_at_period_end = fact.cancel_at_period_end
    if fact.cancel_at_period_end and row.end_wanted == "period_end":
        row.end_wanted = ""
    failing = status in (Status.PAST_DUE, Status.UNPAID)
    if failing and row.failing_since is None:
        transaction.on_commit(lambda: plan_letters.payment_failed(row.pk))
    row.failing_since = (row.failing_since or as_of) if failing else None
    row.status, row.told_at = status, max(as_of, row.told_at or as_of)
    if row.is_live:
        _make_room(row, as_of)
        if row.is_live and row.wallet.team.deleted_at and not row.cancel_at_period_end:
            row.forget_wanted = row.wallet.team.name == ERASED
            row.end_wanted = "now" if row.forget_wanted else "period_end"
            if is_new:  # its pay page was still open when the team was deleted
                _let_go(row)
            else:
                transaction.on_commit(lambda: _tell_end(row.pk))


def _make_room(row: Subscription, now: datetime) -> None:
    """A plan that is paid for takes the place of one that the operator gave.

    Of two that are paid for, from two pay pages that were open at once, the one that was begun last stays: it is what the team chose last,
    and so it is whichever is heard of first. The other one is canceled at its gateway, and what was paid for it goes back.
    """
    for other in Subscription.objects.live().filter(wallet=row.wallet_id).exclude(pk=row.pk):
        if not other.gateway:
            plans.end(other, now)
            continue
        _let_go(min(row, other, key=lambda one: one.pk))


def _let_go(row: Subscription) -> None:
    """End what was paid for without need, and let the money go back."""
    row.status, row.next_plan, row.failing_since = Status.CANCELED, None, None
    row.end_wanted, row.is_double = "now", True
    row.save()
    transaction.on_commit(lambda: _undo(row.pk))


def _undo(pk: int) -> None:
    """Cancel it at the gateway, and let go back what was paid for it; what does not answer is asked again within the hour."""
    _tell_end(pk)
    row = Subscription.objects.get(pk=pk)
    paid = row.invoices.filter(status=SubscriptionInvoice.Status.PAID, amount_paid__gt=0)
    try:
        if not paid.exists() or paid.filter(payment_id=None).exists():
            _hear_invoices(row, gateway_named(row.gateway))
        for invoice in paid.exclude(payment_id=None):
            reversals.give_back(invoice)
    except GatewayError as error:
        log.warning("plan_not_given_back_yet", subscription=pk, code=error.code)


def _invoiced(row: Subscription, fact: InvoiceFact) -> None:
    """Keep an invoice as the newest fact has it, and grant what it brings once it is paid."""
    as_of = fact.as_of or timezone.now()
    plan = Plan.objects.filter(slug=fact.plan).first() or row.plan
    invoice = SubscriptionInvoice.objects.filter(external_id=fact.invoice_id).first()
    if invoice and fact.payment_id and invoice.subscription_id == row.pk:
        reversals.paid_with(invoice, fact.payment_id)
    if invoice is None:
        invoice = SubscriptionInvoice(subscription=row, external_id=fact.invoice_id, plan=plan, credits=plan.credits)
    elif invoice.subscription_id != row.pk or not plan_news.is_news(invoice, fact, as_of):
        return
    if invoice.plan_id != plan.pk:
        invoice.credits = plan.credits
    before, invoice.plan, invoice.reason, invoice.status, invoice.told_at = invoice.status, plan, fact.reason, fact.status, as_of
    invoice.amount_due, invoice.amount_paid, invoice.currency = fact.amount_due, fact.amount_paid, fact.currency
    invoice.period_start, invoice.period_end = fact.period_start, fact.period_end
    invoice.number, invoice.url = fact.number[:80], fact.url
    invoice.attempts, invoice.next_attempt_at = fact.attempts, fact.next_attempt_at
    invoice.save()
    if fact.payment_id:
        reversals.paid_with(invoice, fact.payment_id)
    if row.external_id is None:
        row.external_id = fact.subscription_id
        row.save(update_fields=["external_id"])
    payment_news.invoiced(row.wallet, invoice, plans.grant_due(row, invoice), before=before)
    reversals.settle(invoice)
    if row.is_double and fact.status == "paid" and fact.amount_paid:
        transaction.on_commit(lambda: _undo(row.pk))


# --- what was not told ---------------------------------------------------------------------------------------------------


def look_again(row: Subscription) -> None:
    """Ask the gateway how a subscription and its invoices stand, and write that down. Raises GatewayError."""
    if not row.external_id:
        return
    gateway = gateway_named(row.gateway)
    hear(gateway.subscription(row.external_id), gateway=row.gateway)
    _hear_invoices(row, gateway)


def _hear_invoices(row: Subscription, gateway: Gateway) -> None:
    for fact in gateway.invoices(row.external_id or ""):
        hear(fact, gateway=row.gateway)


@patiently()
def hourly() -> None:
    """For whatever has a clock: ends that a gateway was not told of, and what it should have told by now."""
    for pk in Subscription.objects.exclude(end_wanted="").values_list("pk", flat=True).order_by("pk"):
        _tell_end(pk)
    _tidy()
    for pk in Subscription.objects.filter(forget_wanted=True).values_list("pk", flat=True).order_by("pk"):
        _forget(pk)
    late = Q(status__in=Subscription.LIVE, period_end__lt=timezone.now() - LATE)
    failing = Q(status__in=(Status.PAST_DUE, Status.UNPAID))
    silent = Q(status=Status.INCOMPLETE, external_id__isnull=False)
    turning = Q(status__in=Subscription.LIVE, next_plan__isnull=False)  # perhaps without an answer
    for row in Subscription.objects.filter(late | failing | silent | turning).exclude(gateway="").order_by("pk"):
        try:
            look_again(row)
        except GatewayError as error:
            log.warning("subscription_not_read", subscription=row.pk, code=error.code)


def _tidy() -> None:
    """Forget what was begun and came to nothing, and give back what was paid twice and is not back yet."""
    now = timezone.now()
    for row in Subscription.objects.begun().filter(checkout_until__lte=now).exclude(gateway="").order_by("pk"):
        _try_to_close(row)
    # What never had a pay page; and of those from before their ids were kept, none can be paid for so long.
    Subscription.objects.begun().filter(checkout_id="", created_at__lt=now - FORGOTTEN, invoices=None).exclude(gateway="").delete()
    under_way = Q(invoices__reversals__status=Reversal.Status.PENDING, invoices__reversals__external_id=None)
    paid_in_vain = Subscription.objects.filter(Q(created_at__gt=now - UNDO) | under_way, is_double=True)
    for pk in paid_in_vain.values_list("pk", flat=True).distinct().order_by("pk"):
        _undo(pk)


def stop_team(team: Team) -> None:
    """What a team pays for ends with the period. Within the transaction that deletes it (`settings.TEAM_STOPPERS`)."""
    for wallet_id in Wallet.objects.filter(team=team).values_list("pk", flat=True):
        _lock(wallet_id)  # or news that are written down at this moment would put the row back as they found it
    for row in Subscription.objects.live().filter(wallet__team=team, cancel_at_period_end=False):
        if not row.gateway:
            Subscription.objects.filter(pk=row.pk).update(cancel_at_period_end=True)
            continue
        Subscription.objects.filter(pk=row.pk).update(end_wanted="now" if row.is_failing else "period_end")
        transaction.on_commit(lambda pk=row.pk: _tell_end(pk))  # type: ignore[misc]
    for row in Subscription.objects.begun().filter(wallet__team=team).exclude(gateway=""):
        transaction.on_commit(lambda row=row: _try_to_close(row))  # type: ignore[misc]


def erase_team(team: Team) -> None:
    """One of `settings.TEAM_ERASERS`: what is still paid for ends now, and the gateway forgets the customer; within the hour, where it does
    not answer."""
    rows = Subscription.objects.filter(wallet__team=team).exclude(gateway="")
    with transaction.atomic():
        for wallet_id in Wallet.objects.filter(team=team).values_list("pk", flat=True):
            _lock(wallet_id)
        rows.filter(status__in=Subscription.LIVE).update(end_wanted="now")
        rows.exclude(customer_id="").update(forget_wanted=True)
    for pk in rows.filter(forget_wanted=True).values_list("pk", flat=True).order_by("pk"):
        _forget(pk)


def _forget(pk: int) -> None:
    """Let the gateway forget a customer, once it knows that nothing is to be paid any more."""
    _tell_end(pk)
    row = Subscription.objects.get(pk=pk)
    same = Subscription.objects.filter(gateway=row.gateway, customer_id=row.customer_id)
    if not row.forget_wanted or same.exclude(end_wanted="").exists():
        return
    try:
        gateway_named(row.gateway).forget_customer(row.customer_id)
    except GatewayError as error:
        log.warning("customer_not_forgotten", subscription=pk, code=error.code)
        return
    same.update(customer_id="", forget_wanted=False)


def _tell_end(pk: int) -> None:
    """Tell the gateway of an end that it does not know; should it not answer, it is told within the hour."""
    row = Subscription.objects.exclude(end_wanted="").filter(pk=pk).first()
    if row is None or not row.external_id:
        return
    at_period_end = row.end_wanted == "period_end"
    try:
        gateway = gateway_named(row.gateway)  # which may not be offered any more
        fact = gateway.subscription(row.external_id)
        if fact.status != "canceled" and not (at_period_end and fact.cancel_at_period_end):
            fact = gateway.cancel_subscription(row.external_id, at_period_end=at_period_end)
    except GatewayError as error:
        log.warning("subscription_not_ended", subscription=row.pk, code=error.code)
        return
    hear(fact, gateway=row.gateway)
    Subscription.objects.filter(pk=pk, end_wanted=row.end_wanted).update(end_wanted="")
