"""What can go wrong with a price list.

PricingError                 code, message for the operator
├── PriceListInForce         price_list_in_force     it has begun: nobody changes what somebody may have been quoted
└── VersionTaken             version_taken           there is a list of that name already
"""

from __future__ import annotations


class PricingError(Exception):
    code = "pricing"

    def __init__(self, message: str) -> None:
        self.message = message
        super().__init__(message)


class PriceListInForce(PricingError):
    code = "price_list_in_force"


class VersionTaken(PricingError):
    code = "version_taken"
