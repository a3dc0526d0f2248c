"""What is looked at before Django sees a request to the own API."""

from __future__ import annotations

import json

from studio.live.body_limit import Headers, Limit, Refused, most

OWN = "/api/v1/"


def body_limit(path: str) -> Limit | None:
    """One of `settings.BODY_LIMITS`: as large as an upload, and a problem where it is larger."""
    return Limit(most(), _refused) if path.startswith(OWN) else None


def _refused(headers: Headers) -> Refused:
    detail = f"The request is too large: {most() >> 20} MiB is the most. Upload files at /api/v1/inputs, one at a time."
    code = "too_large"
    told = {
        "type": f"urn:atelier:problem:{code}",
        "title": "Request Entity Too Large",
        "status": 413,
        "detail": detail,
        "code": code,
        "errors": {},
    }
    return Refused(b"application/problem+json", json.dumps(told).encode())
