"""The table of `test_access_matrix`: what each operation of the own API takes, and of whom it is answered.

`scopes`: any one is enough; none: a good key is. `who` has a letter for each of owner, admin, creator and viewer of the team, with every
scope that a key of theirs can have: `+` is let in, `F` told no (403), `0` finds nothing (404). `{word}` in path and body is the id of a
thing of the team that the creator made (`test_access_matrix.world`).
"""

from __future__ import annotations

from typing import Any, NamedTuple

GENERATE, READ, WRITE, TEMPLATES, BILLING, WEBHOOKS = "generate", "library:read", "library:write", "templates", "billing:read", "webhooks"
EVERYBODY, MAKERS, KEEPERS, ITS_PERSON = "++++", "+++F", "++FF", "00+0"


class Row(NamedTuple):
    """`body`: JSON; with `file`, a form with a picture. `both`: a scope that is asked for besides one of `scopes`."""

    method: str
    path: str
    scopes: tuple[str, ...]
    who: str
    body: Any = None
    file: bool = False
    both: str = ""


SEEN = (GENERATE, READ)
BOAT = {"engine": "null", "prompt": "a boat", "width": 64, "height": 64}
ROWS = (
    Row("GET", "/engines", (), EVERYBODY),
    Row("GET", "/engines/null", (), EVERYBODY),
    Row("POST", "/inputs", (GENERATE,), MAKERS, file=True),
    Row("GET", "/inputs/{input}", (GENERATE,), "00+F"),
    Row("POST", "/quotes", (GENERATE,), MAKERS, BOAT),
    Row("POST", "/jobs", (GENERATE,), MAKERS, BOAT),
    Row("GET", "/jobs", SEEN, EVERYBODY),
    Row("GET", "/jobs/{job}", SEEN, EVERYBODY),
    Row("GET", "/jobs/{job}/events", SEEN, EVERYBODY),
    Row("POST", "/jobs/{job}/cancel", (GENERATE,), MAKERS),
    Row("POST", "/jobs/{done}/retry", (GENERATE,), MAKERS),
    Row("GET", "/jobs/{done}/results/0", SEEN, EVERYBODY),
    Row("POST", "/jobs/{done}/results/0/final", (GENERATE,), MAKERS),
    Row("POST", "/batches", (GENERATE,), MAKERS, {"items": [BOAT]}),
    Row("GET", "/batches", SEEN, EVERYBODY),
    Row("GET", "/batches/{batch}", SEEN, EVERYBODY),
    Row("GET", "/batches/{batch}/items", SEEN, EVERYBODY),
    Row("POST", "/batches/{batch}/pause", (GENERATE,), MAKERS),
    Row("POST", "/batches/{batch}/resume", (GENERATE,), MAKERS),
    Row("POST", "/batches/{batch}/cancel", (GENERATE,), MAKERS),
    Row("POST", "/batches/{batch}/retry", (GENERATE,), MAKERS),
    Row("GET", "/library", (READ,), EVERYBODY),
    Row("POST", "/library", (WRITE,), MAKERS, file=True),
    Row("GET", "/library/tags", (READ,), EVERYBODY),
    Row("POST", "/library/tags", (WRITE,), MAKERS, {"ids": ["{item}"], "add": ["boats"]}),
    Row("GET", "/library/trash", (WRITE,), MAKERS),
    Row("POST", "/library/trash", (WRITE,), MAKERS, {"ids": ["{item}"]}),
    Row("POST", "/library/restore", (WRITE,), MAKERS, {"ids": ["{trashed}"]}),
    Row("GET", "/library/{item}", (READ,), EVERYBODY),
    Row("DELETE", "/library/{item}", (WRITE,), MAKERS),
    Row("GET", "/library/{item}/files/original", (READ,), EVERYBODY),
    Row("POST", "/library/{item}/tags", (WRITE,), MAKERS, {"add": ["boats"]}),
    Row("POST", "/library/{trashed}/restore", (WRITE,), MAKERS),
    Row("GET", "/galleries", (READ,), EVERYBODY),
    Row("POST", "/galleries", (WRITE,), MAKERS, {"name": "Boats"}),
    Row("GET", "/galleries/{gallery}", (READ,), EVERYBODY),
    Row("GET", "/galleries/{private}", (READ,), ITS_PERSON),
    Row("PATCH", "/galleries/{gallery}", (WRITE,), MAKERS, {"name": "Ships"}),
    Row("DELETE", "/galleries/{gallery}", (WRITE,), MAKERS),
    Row("POST", "/galleries/{away}/restore", (WRITE,), MAKERS),
    Row("GET", "/galleries/{gallery}/items", (READ,), EVERYBODY),
    Row("POST", "/galleries/{gallery}/items", (WRITE,), MAKERS, {"ids": ["{item}"]}),
    Row("POST", "/galleries/{gallery}/items/remove", (WRITE,), MAKERS, {"ids": ["{item}"]}),
    Row("GET", "/wallet", (BILLING,), EVERYBODY),
    Row("GET", "/wallet/entries", (BILLING,), EVERYBODY),
    Row("GET", "/wallet/entries/{entry}", (BILLING,), EVERYBODY),
    Row("GET", "/wallet/usage", (BILLING,), EVERYBODY),
    Row("GET", "/templates", (TEMPLATES,), EVERYBODY),
    Row("GET", "/templates/{template}", (TEMPLATES,), EVERYBODY),
    Row("GET", "/templates/{template}/versions", (TEMPLATES,), EVERYBODY),
    Row("GET", "/templates/{template}/versions/1", (TEMPLATES,), EVERYBODY),
    Row("POST", "/templates/{template}/runs", (TEMPLATES,), MAKERS, {"values": {"product": "a teapot"}}, both=GENERATE),
    Row("GET", "/webhooks", (WEBHOOKS,), KEEPERS),
    Row("POST", "/webhooks", (WEBHOOKS,), KEEPERS, {"url": "https://93.184.215.14/hooks", "events": ["job.failed"]}),
    Row("GET", "/webhooks/{endpoint}", (WEBHOOKS,), KEEPERS),
    Row("PATCH", "/webhooks/{endpoint}", (WEBHOOKS,), KEEPERS, {"description": "The shop"}),
    Row("DELETE", "/webhooks/{endpoint}", (WEBHOOKS,), KEEPERS),
    Row("POST", "/webhooks/{endpoint}/secret", (WEBHOOKS,), KEEPERS, {"overlap_hours": 0}),
    Row("POST", "/webhooks/{endpoint}/test", (WEBHOOKS,), KEEPERS),
    Row("GET", "/webhooks/{endpoint}/deliveries", (WEBHOOKS,), KEEPERS),
    Row("GET", "/webhooks/deliveries/{delivery}", (WEBHOOKS,), KEEPERS),
    Row("POST", "/webhooks/deliveries/{delivery}/redeliver", (WEBHOOKS,), KEEPERS),
)
NAMED = (
    Row("POST", "/jobs", (GENERATE,), "", {**BOAT, "mode": "image-to-image", "inputs": {"image": "{input}"}}),
    Row("POST", "/jobs", (GENERATE,), "", {**BOAT, "mode": "image-to-image", "source": "{item}"}),
    Row("POST", "/quotes", (GENERATE,), "", {**BOAT, "mode": "image-to-image", "source": "{item}"}),
    Row("POST", "/batches", (GENERATE,), "", {"items": [{**BOAT, "mode": "image-to-image", "source": "{item}"}]}),
    Row("GET", "/library?gallery={gallery}", (READ,), ""),
)
"""Further requests that name things of a team."""
