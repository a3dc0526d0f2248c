"""What can go wrong between the studio and whoever takes the money.

GatewayError (BillingError)  `message` is a sentence for the person who asked
├── GatewayUnavailable       gateway_unavailable   no answer, or a passing error: nothing is known; ask again, it counts once
├── GatewayRefused           gateway_refused       a definite no
│   └── KeyRefused           gateway_key_refused   the operator has to mend the key first
├── NotKnown                 not_known             a Checkout that the provider has never heard of, or has forgotten
├── NotOffered               not_offered           this gateway cannot do that, or there is none of that name
└── BadSignature             bad_signature         a delivery that is forged, changed, stale, or makes no sense
"""

from __future__ import annotations

from billing.errors import BillingError


class GatewayError(BillingError):
    code = "gateway"


class GatewayUnavailable(GatewayError):
    code = "gateway_unavailable"

    def __init__(self, message: str = "The payment provider does not answer. Nothing was charged; try again in a minute.") -> None:
        super().__init__(message)


class GatewayRefused(GatewayError):
    code = "gateway_refused"


class NotKnown(GatewayError):
    code = "not_known"

    def __init__(self, message: str = "The payment provider does not know this Checkout.") -> None:
        super().__init__(message)


class KeyRefused(GatewayRefused):
    code = "gateway_key_refused"


class NotOffered(GatewayError):
    code = "not_offered"


class BadSignature(GatewayError):
    code = "bad_signature"

    def __init__(self, message: str = "The signature does not belong to this body.") -> None:
        super().__init__(message)
