"""`make stability-standin`: the stand-in on a fixed port, until Ctrl+C."""

from __future__ import annotations

import argparse
import signal
import sys

from tests.stability_server.standin import KEY, StandIn

PORT = 8686


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.stability_server", description="A stand-in for the Stability REST API.")
    parser.add_argument("--port", type=int, default=PORT, help=f"port on 127.0.0.1 (default {PORT}; 0: any free one)")
    parser.add_argument("--balance", default="10000", help="credits of the first key (default 10000)")
    parser.add_argument("--result-seconds", type=float, default=3, help="how long an asynchronous job takes (default 3)")
    given = parser.parse_args()
    try:
        standin = StandIn(port=given.port, balance=given.balance, result_seconds=given.result_seconds)
    except OSError as error:
        sys.exit(f"Cannot listen on port {given.port}: {error.strerror}. Choose another one: make stability-standin PORT=8687")
    print(f"The Stability stand-in listens on {standin.url}, where a page shows its endpoints and its books.")
    print("In another terminal, for a studio that uses it:")
    print(f"  STABILITY_API_HOST={standin.url} STABILITY_API_KEY={KEY} make run")
    print("Ctrl+C stops it.", flush=True)
    with standin:
        signal.sigwait({signal.SIGINT, signal.SIGTERM})
    return 0


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    sys.exit(main())
