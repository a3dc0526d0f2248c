from tests.stripe_server.fixtures import running_stripe, stripe_gateway, stripe_server

__all__ = ["running_stripe", "stripe_gateway", "stripe_server"]
