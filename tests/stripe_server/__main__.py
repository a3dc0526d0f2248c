"""`make stripe-standin`: the stand-in on a fixed port, until Ctrl+C."""

from __future__ import annotations

import argparse
import signal
import sys

from tests.stripe_server.standin import StandIn

PORT = 8687


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.stripe_server", description="A stand-in for Stripe: API, pay page, webhooks.")
    parser.add_argument("--port", type=int, default=PORT, help=f"port on 127.0.0.1 (default {PORT}; 0: any free one)")
    parser.add_argument("--studio", default="http://localhost:8000", help="where the studio listens (default http://localhost:8000)")
    parser.add_argument("--duplicates", type=int, default=2, help="of ten events, how many are brought twice (default 2)")
    given = parser.parse_args()
    try:
        standin = StandIn(port=given.port)
    except OSError as error:
        sys.exit(f"Cannot listen on port {given.port}: {error.strerror}. Choose another one: make stripe-standin PORT=8688")
    standin.courier.endpoint = f"{given.studio.rstrip('/')}/payments/stripe/webhook/"
    standin.courier.duplicates, standin.courier.disorder = given.duplicates, True
    print(f"The Stripe stand-in listens on {standin.url}, where a page shows its books and lets you refund, dispute and renew.")
    print("In another terminal, for a studio that uses it:")
    print(f"  STUDIO_STRIPE_API_BASE={standin.url} STUDIO_STRIPE_SECRET_KEY={standin.key} \\")
    print(f"  STUDIO_STRIPE_WEBHOOK_SECRET={standin.secret} make run")
    print("Ctrl+C stops it.", flush=True)
    with standin:
        signal.sigwait({signal.SIGINT, signal.SIGTERM})
    return 0


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    sys.exit(main())
