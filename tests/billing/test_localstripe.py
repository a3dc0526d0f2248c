"""A second opinion: the official library and our gateway against a fake of Stripe that nobody here wrote: localstripe, as a process.

What it lacks, so that nothing of it is tried here: Checkout, Prices, disputes, the `types` of a list of events, `refund.*` and
`charge.refunded`, idempotency keys (two refunds for one key), and a second try of a webhook. All of that is tried at our own stand-in.
"""

from __future__ import annotations

import queue
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import httpx
import pytest
import stripe
from django.test import Client

from accounts.models import User
from billing import ledger
from billing.gateways import registry
from billing.gateways.base import Order, RefundOrder
from billing.gateways.errors import BadSignature, GatewayRefused, GatewayUnavailable
from billing.gateways.facts import Paid
from billing.gateways.stripe import StripeGateway
from billing.models import GatewayEvent, Purchase, Wallet
from tests.billing import shop
from tests.billing.conftest import CREDIT

pytestmark = pytest.mark.django_db
SECRET = "whsec_second_opinion"
PATIENCE = 60


def free_port() -> int:
    with socket.socket(socket.AF_INET6) as one:
        one.bind(("::", 0))
        return int(one.getsockname()[1])


@pytest.fixture(scope="module")
def localstripe(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its address. It keeps its books in the folder for temporary files, and here in one of its own."""
    port, folder = free_port(), tmp_path_factory.mktemp("localstripe")
    command = [sys.executable, "-u", "-c", "from localstripe.server import start; start()", "--port", str(port), "--from-scratch"]
    process = subprocess.Popen(
        command, cwd=folder, env={"TMPDIR": str(folder)}, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout
    assert "Running on" in process.stdout.readline()
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(PATIENCE)


@pytest.fixture
def deliveries(localstripe: str) -> Iterator[queue.Queue[tuple[bytes, dict[str, str]]]]:
    """(body, headers) of the webhooks that it sends."""
    heard: queue.Queue[tuple[bytes, dict[str, str]]] = queue.Queue()

    class Ear(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.put((self.rfile.read(int(self.headers["content-length"])), dict(self.headers)))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            """Not into the output of the tests."""

    server = HTTPServer(("127.0.0.1", 0), Ear)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    told = {"url": f"http://127.0.0.1:{server.server_port}/", "secret": SECRET}
    httpx.post(f"{localstripe}/_config/webhooks/studio", json=told, trust_env=False).raise_for_status()
    yield heard
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def gateway(localstripe: str, settings: pytest.FixtureRequest) -> Iterator[StripeGateway]:
    options = {"secret_key": "sk_test_1", "webhook_secret": SECRET, "api_base": localstripe}
    settings.GATEWAYS = {"stripe": {"BACKEND": "billing.gateways.stripe.StripeGateway", "OPTIONS": options}}  # type: ignore[attr-defined]
    registry.gateway.cache_clear()
    found = registry.gateway("stripe")
    assert isinstance(found, StripeGateway)
    yield found
    registry.gateway.cache_clear()


def pay(client: stripe.StripeClient, purchase: Purchase) -> stripe.PaymentIntent:
    """What the pages of Checkout would do; the card's number is Stripe's for tests."""
    customer = client.v1.customers.create({"email": "alice@harbour.example"})
    card = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2035, "cvc": "123"}
    method = client.v1.payment_methods.create({"type": "card", "card": card})  # type: ignore[typeddict-item]
    client.v1.payment_methods.attach(method.id, {"customer": customer.id})
    order = {"amount": purchase.amount, "currency": purchase.currency, "metadata": {"purchase": str(purchase.pk)}}
    return client.v1.payment_intents.create({**order, "customer": customer.id, "payment_method": method.id, "confirm": True})  # type: ignore[typeddict-item]


def a_purchase(wallet: Wallet, buyer: User) -> Purchase:
    """Without a Checkout, which localstripe does not have."""
    price = shop.price()
    bought = {"name": price.pack.name, "credits": price.pack.credits, "currency": price.currency, "amount": price.amount}
    return Purchase.objects.create(wallet=wallet, buyer=buyer, gateway="stripe", form_key="00000000-0000-0000-0000-000000000001", **bought)


def test_a_payment_and_a_refund(
    gateway: StripeGateway, deliveries: queue.Queue[tuple[bytes, dict[str, str]]], alice: User, wallet: Wallet
) -> None:
    purchase = a_purchase(wallet, alice)
    payment = pay(gateway.client, purchase)
    events = {}
    while "payment_intent.succeeded" not in events:
        body, headers = deliveries.get(timeout=PATIENCE)
        event = gateway.read_webhook(body, headers)
        events[event.type] = event
        with pytest.raises(BadSignature):
            gateway.read_webhook(body.replace(b"1000", b"9000") + b" ", headers)
        for _ in range(2):
            answer = Client().post(
                shop.WEBHOOK, body, content_type="application/json", headers={"Stripe-Signature": headers["Stripe-Signature"]}
            )
            assert answer.status_code == 200
    assert events["payment_intent.succeeded"].facts == (Paid(key=str(purchase.pk), payment_id=payment.id, amount=1000, currency="usd"),)
    purchase.refresh_from_db()
    wallet.refresh_from_db()
    assert (purchase.status, purchase.payment_id, wallet.balance) == ("paid", payment.id, 1010 * CREDIT)
    assert GatewayEvent.objects.count() == len(events)

    order = RefundOrder(key=str(purchase.pk), payment_key=str(purchase.pk), payment_id=payment.id, amount=400, currency="usd")
    refund = gateway.refund(order)
    assert (refund.payment_id, refund.amount, refund.status, refund.own_key) == (payment.id, 400, "succeeded", order.key)
    assert list(ledger.disagreements()) == []


def test_what_it_does_not_know_is_a_refusal(gateway: StripeGateway) -> None:
    order = Order("key", "1,000 credits", "", 1000, "usd", "", "http://studio.example/", "http://studio.example/")
    with pytest.raises(GatewayRefused):
        gateway.start(order)
    assert gateway.look_up(payment_id="pi_unknown") == []


def test_where_nobody_listens_nothing_is_known() -> None:
    nobody = StripeGateway(secret_key="sk_test_1", webhook_secret=SECRET, api_base=f"http://127.0.0.1:{free_port()}")
    with pytest.raises(GatewayUnavailable):
        nobody.look_up(payment_id="pi_1")
