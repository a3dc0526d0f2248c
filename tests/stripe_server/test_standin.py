"""The stand-in, asked by the official library and by the studio's gateway, keeps Stripe's rules."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
import stripe

from billing.gateways.base import Order, PlanOrder, RefundOrder, SubscriptionOrder
from billing.gateways.errors import GatewayRefused
from billing.gateways.facts import Fact, Invoice, InvoicePayment, Paid, Subscription, dump, load
from billing.gateways.stripe import StripeGateway, reading
from tests.stripe_server import plans
from tests.stripe_server.shapes import DAY, MONTH
from tests.stripe_server.standin import StandIn

ORDER = Order(
    "key-1", "1,000 credits", "For Harbour Street", 1000, "usd", "alice@harbour.example", "http://studio/ok", "http://studio/back"
)
CREATOR = PlanOrder("creator", "Creator", 1000, "usd")
PRO = PlanOrder("pro", "Pro", 2500, "usd")


class Clock:
    """Stands still until it is turned on."""

    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(stripe_server: StandIn) -> Iterator[Clock]:
    before, stripe_server.clock = stripe_server.clock, Clock()
    yield stripe_server.clock
    stripe_server.clock = before


def facts(server: StandIn, since: int = 0) -> list[Fact]:
    """What the studio reads in the events that happened, in their order."""
    return [fact for event in server.events[since:] for fact in reading.event(event).facts]


# --- payments --------------------------------------------------------------------------------------------------------
def test_an_idempotency_key_gives_the_same_answer_and_only_to_the_same_question(
    stripe_server: StandIn, stripe_gateway: StripeGateway
) -> None:
    assert stripe_gateway.start(ORDER) == stripe_gateway.start(ORDER)
    assert (len(stripe_server.all("checkout.session")), stripe_server.idempotency.replayed) == (1, 1)
    with pytest.raises(GatewayRefused):
        stripe_gateway.start(
            Order("key-1", *[getattr(ORDER, name) for name in ("title", "details")], 2000, "usd", "", "http://a", "http://b")
        )


def test_the_pay_page_takes_a_checkout_once(stripe_server: StandIn, stripe_gateway: StripeGateway) -> None:
    checkout = stripe_gateway.start(ORDER)
    page = httpx.get(checkout.url, trust_env=False)
    assert [text in page.text for text in ("1,000 credits", "10.00 USD", "alice@harbour.example")] == [True] * 3
    declined = httpx.post(checkout.url, data={"do": "decline"}, trust_env=False)
    assert "Your card was declined" in declined.text
    for _ in range(2):
        done = httpx.post(checkout.url, data={"do": "approve"}, trust_env=False)
    assert len(stripe_server.all("payment_intent")) == 1
    assert (done.status_code, stripe_server.all("checkout.session")[0]["status"]) == (303, "complete")
    [payment] = stripe_server.all("payment_intent")
    paid = Paid("key-1", payment["id"], 1000, "usd")
    assert [fact for fact in facts(stripe_server) if isinstance(fact, Paid)] == [
        paid,
        Paid("key-1", payment["id"], 1000, "usd", checkout.id),
    ]
    assert [fact for fact in stripe_gateway.look_up(checkout_id=checkout.id) if isinstance(fact, Paid)] == [
        Paid("key-1", payment["id"], 1000, "usd", checkout.id),
        paid,
    ]


def test_refunds_are_counted(stripe_server: StandIn, stripe_gateway: StripeGateway) -> None:
    payment = stripe_server.pay(1000, "usd", metadata={"purchase": "key-1"})["id"]
    first = RefundOrder("refund-1", "key-1", payment, 700, "usd")
    assert stripe_gateway.refund(first) == stripe_gateway.refund(first)
    with pytest.raises(GatewayRefused):
        stripe_gateway.refund(RefundOrder("refund-2", "key-1", payment, 301, "usd"))
    stripe_gateway.refund(RefundOrder("refund-3", "key-1", payment, 300, "usd"))
    assert [one["amount"] for one in stripe_server.all("refund")] == [700, 300]


def test_who_has_no_key_is_nobody(stripe_server: StandIn) -> None:
    answer = httpx.get(f"{stripe_server.url}/v1/events", headers={"authorization": "Bearer sk_other"}, trust_env=False)
    assert (answer.status_code, answer.json()["error"]["type"]) == (401, "invalid_request_error")


def test_amounts_of_currencies_that_stripe_counts_its_own_way() -> None:
    assert (reading.theirs(1500, "isk"), reading.ours(150_000, "isk"), reading.theirs(1500, "jpy")) == (150_000, 1500, 1500)


def test_a_webhook_is_brought_until_it_is_taken(stripe_server: StandIn, stripe_gateway: StripeGateway) -> None:
    """Twice an error, then it is taken; each of them signed for the official library."""
    heard: list[stripe.Event] = []

    class Ear(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            heard.append(stripe_gateway.client.construct_event(body, self.headers["stripe-signature"], stripe_server.secret))
            self.send_response(503 if len(heard) < 3 else 200)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            """Not into the output of the tests."""

    server = http.server.HTTPServer(("127.0.0.1", 0), Ear)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    stripe_server.courier.endpoint, stripe_server.courier.pause = f"http://127.0.0.1:{server.server_port}/", 0.01
    event = stripe_server.tell("payout.paid", {"id": "po_1", "object": "payout"})
    stripe_server.courier.settle()
    server.shutdown()
    server.server_close()
    thread.join()
    assert {one.id for one in heard} == {event["id"]}
    assert stripe_server.courier.log == [(event["id"], 503), (event["id"], 503), (event["id"], 200)]


# --- subscriptions ---------------------------------------------------------------------------------------------------
@pytest.fixture
def subscribed(stripe_server: StandIn, stripe_gateway: StripeGateway, clock: Clock) -> Subscription:
    """Creator for $10.00, since now."""
    order = SubscriptionOrder("ours-1", CREATOR, "alice@harbour.example", "http://studio/ok", "http://studio/back")
    assert stripe_gateway.start_subscription(order) == stripe_gateway.start_subscription(order)
    [session] = stripe_server.all("checkout.session")
    stripe_server.approve(session["id"])
    return stripe_gateway.subscription(stripe_server.all("subscription")[0]["id"])


def test_a_subscription_begins(stripe_server: StandIn, stripe_gateway: StripeGateway, clock: Clock, subscribed: Subscription) -> None:
    assert (subscribed.key, subscribed.status, subscribed.plan, subscribed.amount) == ("ours-1", "active", "creator", 1000)
    assert subscribed.period_start == reading.moment(clock.now)
    assert subscribed.period_end == reading.moment(clock.now + MONTH)
    [invoice] = stripe_gateway.invoices(subscribed.subscription_id)
    assert (invoice.key, invoice.status, invoice.reason, invoice.plan, invoice.amount_paid) == ("ours-1", "paid", "start", "creator", 1000)
    [payment] = stripe_server.all("payment_intent")
    assert (invoice.payment_id, stripe_gateway.look_up(payment_id=payment["id"])) == (
        payment["id"],
        [InvoicePayment(invoice_id=invoice.invoice_id, payment_id=payment["id"])],
    )
    assert (invoice.period_start, invoice.period_end) == (subscribed.period_start, subscribed.period_end)
    told = facts(stripe_server)
    assert [(type(fact).__name__, getattr(fact, "status", "")) for fact in told] == [
        ("Subscription", "incomplete"),
        ("InvoicePayment", ""),
        ("Invoice", "paid"),
        ("Subscription", "active"),
    ]
    assert [load(dump(fact)) for fact in told] == told


def test_the_next_period(stripe_server: StandIn, stripe_gateway: StripeGateway, clock: Clock, subscribed: Subscription) -> None:
    clock.now += MONTH
    plans.renew(stripe_server, subscribed.subscription_id)
    invoice = stripe_gateway.invoices(subscribed.subscription_id)[-1]
    assert (invoice.reason, invoice.status, invoice.amount_paid) == ("period", "paid", 1000)
    assert invoice.period_start == subscribed.period_end


def test_a_change_costs_what_was_shown(
    stripe_server: StandIn, stripe_gateway: StripeGateway, clock: Clock, subscribed: Subscription, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After ten days of thirty: two thirds of both plans."""
    clock.now += 10 * DAY
    monkeypatch.setattr("billing.gateways.stripe.subscriptions.datetime", _At(clock))
    shown = stripe_gateway.preview_change(subscribed.subscription_id, PRO)
    assert (shown.amount, shown.currency, [line.amount for line in shown.lines]) == (1000, "usd", [-667, 1667])
    assert stripe_gateway.subscription(subscribed.subscription_id).plan == "creator"
    clock.now += 60
    for _ in range(2):
        changed = stripe_gateway.change_subscription(subscribed.subscription_id, PRO, key="change-1", as_of=shown.as_of)
    assert (changed.plan, changed.amount, changed.period_end) == ("pro", 2500, subscribed.period_end)
    invoices = stripe_gateway.invoices(subscribed.subscription_id)
    assert [(one.reason, one.amount_paid, one.plan) for one in invoices] == [("start", 1000, "creator"), ("change", 1000, "pro")]


def test_a_cheaper_plan_leaves_something_for_the_next_invoice(
    stripe_server: StandIn, stripe_gateway: StripeGateway, clock: Clock, subscribed: Subscription
) -> None:
    clock.now += 15 * DAY
    moment = reading.moment(clock.now)
    stripe_gateway.change_subscription(subscribed.subscription_id, PRO, key="up", as_of=moment)
    stripe_gateway.change_subscription(subscribed.subscription_id, CREATOR, key="down", as_of=moment)
    plans.renew(stripe_server, subscribed.subscription_id)
    assert [one.amount_paid for one in stripe_gateway.invoices(subscribed.subscription_id)] == [1000, 750, 0, 250]


def test_a_card_that_is_declined_changes_nothing(
    stripe_server: StandIn, stripe_gateway: StripeGateway, clock: Clock, subscribed: Subscription
) -> None:
    stripe_server.failing.add(subscribed.customer_id)
    with pytest.raises(GatewayRefused, match="The card was declined"):
        stripe_gateway.change_subscription(subscribed.subscription_id, PRO, key="up", as_of=reading.moment(clock.now))
    assert stripe_gateway.subscription(subscribed.subscription_id).plan == "creator"
    assert len(stripe_gateway.invoices(subscribed.subscription_id)) == 1


def test_a_payment_that_fails_is_tried_again_until_the_end(
    stripe_server: StandIn, stripe_gateway: StripeGateway, clock: Clock, subscribed: Subscription
) -> None:
    before = len(stripe_server.events)
    stripe_server.failing.add(subscribed.customer_id)
    plans.renew(stripe_server, subscribed.subscription_id)
    for _ in range(plans.TRIES):
        clock.now += DAY
        plans.retry(stripe_server, subscribed.subscription_id)
    told = [fact for fact in facts(stripe_server, before) if isinstance(fact, Subscription)]
    assert [fact.status for fact in told] == ["active", "past_due", "canceled"]
    attempts = [(fact.attempts, fact.status) for fact in facts(stripe_server, before) if isinstance(fact, Invoice)]
    assert attempts == [(1, "open"), (2, "open"), (3, "open"), (4, "open"), (4, "uncollectible")]


def test_a_new_card_pays_what_failed(stripe_server: StandIn, stripe_gateway: StripeGateway, clock: Clock, subscribed: Subscription) -> None:
    stripe_server.failing.add(subscribed.customer_id)
    plans.renew(stripe_server, subscribed.subscription_id)
    assert stripe_gateway.subscription(subscribed.subscription_id).status == "past_due"
    page = stripe_gateway.payment_page(subscribed.customer_id, return_url="http://studio/plan")
    done = httpx.post(page, data={"do": "good"}, trust_env=False)
    assert (done.status_code, done.headers["location"]) == (303, "http://studio/plan")
    assert stripe_gateway.subscription(subscribed.subscription_id).status == "active"
    assert stripe_gateway.invoices(subscribed.subscription_id)[-1].status == "paid"


def test_a_cancellation_comes_with_the_end_of_the_period(
    stripe_server: StandIn, stripe_gateway: StripeGateway, clock: Clock, subscribed: Subscription
) -> None:
    assert stripe_gateway.cancel_subscription(subscribed.subscription_id).cancel_at_period_end
    assert not stripe_gateway.resume_subscription(subscribed.subscription_id).cancel_at_period_end
    stripe_gateway.cancel_subscription(subscribed.subscription_id)
    clock.now += MONTH
    plans.renew(stripe_server, subscribed.subscription_id)
    ended = stripe_gateway.subscription(subscribed.subscription_id)
    assert (ended.status, ended.ended_at, ended.cancel_at_period_end) == ("canceled", subscribed.period_end, True)
    assert len(stripe_gateway.invoices(subscribed.subscription_id)) == 1


def test_a_cancellation_at_once(stripe_gateway: StripeGateway, clock: Clock, subscribed: Subscription) -> None:
    assert stripe_gateway.cancel_subscription(subscribed.subscription_id, at_period_end=False).status == "canceled"


class _At:
    """Stands in for `datetime` where the gateway asks for now."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock

    def now(self, zone: Any) -> Any:
        found = reading.moment(self.clock())
        assert found
        return found + timedelta(0)
