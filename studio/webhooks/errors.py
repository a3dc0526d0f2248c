"""What can go wrong with a team's endpoints, and how it is said.

WebhookError                 code, message for a person, `fields`: what to say beside each field of a form
├── EndpointRefused          endpoint_refused     an address, an event or a text that cannot be taken; or too many endpoints
├── EndpointOff              endpoint_off         something is to be sent again to an endpoint that is switched off
└── AddressRefused           address_refused      an address that the studio does not send to; also met at a send, where it is a line of
                                                  the log
"""

from __future__ import annotations

from collections.abc import Mapping


class WebhookError(Exception):
    code = "webhook"

    def __init__(self, message: str, fields: Mapping[str, str] | None = None) -> None:
        self.message = message
        self.fields = dict(fields or {})
        super().__init__(message)


class EndpointRefused(WebhookError):
    code = "endpoint_refused"


class EndpointOff(WebhookError):
    code = "endpoint_off"

    def __init__(self) -> None:
        super().__init__("This endpoint is switched off. Switch it on, then send this again.")


class AddressRefused(WebhookError):
    code = "address_refused"
