"""What the document and its page say in whole sentences."""

from __future__ import annotations

from typing import Any

from accounts.errors import BadKey, NotInTeam, ScopeMissing, TermsNotAgreed

INFO: dict[str, Any] = {
    "title": "Atelier",
    "version": "1.0",
    "summary": "Pictures, 3D models and sounds by program.",
    "description": (
        "What people do in the studio a program does here: with the same engines, wallet, budgets, queue and library. "
        "Within version 1 a field may come, and none goes or changes its meaning: read what you know, and pass over what you do not."
    ),
}

TAGS: dict[str, str] = {
    "engines": "What can be asked for: every engine of the studio with its modes, settings, sizes and prices.",
    "inputs": "Files that work starts from: upload one, then name its id.",
    "quotes": "What something would cost, without doing it.",
    "jobs": "One request to an engine: submit it, wait for it or watch it, stop it, fetch what it made.",
    "batches": "Up to 500 requests under one id. What is wrong with one is said of that one, and the others are made.",
    "library": "Everything that the team made or uploaded: search, look, download, upload, tag, delete and bring back.",
    "galleries": "Sets of things in an order that somebody gave them. Showing one to the world stays with people.",
    "templates": "Prompts with fields to fill in, as the team keeps them: read their versions, run one with values.",
    "wallet": "The team's credits: what is there, what happened, what was spent on what. Nothing here moves a credit.",
    "webhooks": "Where the studio calls when something happened, signed as Standard Webhooks says, and what it has sent.",
}

ABOUT: dict[str, str] = {
    "key": (
        "`Authorization: Bearer sk-…`; the key alone is understood too. Keys are made on the page “Developers” of the studio. A key acts "
        "for its person in a team, within its scopes, and only as far as that person may go there now."
    ),
    "id": "Its id.",
    "Last-Event-ID": "The id of the last event that came: the stream goes on after it.",
    "index": "Which of the results, from 0.",
    "number": "The number of the version.",
    "variant": "The file as it is, or a smaller picture of it.",
}

EXAMPLES: dict[str, Any] = {
    "Idempotency-Key": "order-4711",
    "Last-Event-ID": "12",
    "engine_id": "storybook",
    "entry_id": "4711",
    "number": 3,
    "status": ["succeeded"],
    "engine": "storybook",
    "wait": 30,
}
"""Of parameters that have none of their own, by name."""

Code = tuple[str, str, str, dict[str, str]]
"""A code, the title that goes with its status, a sentence as it comes, and what it says of single settings."""

PROBLEMS: dict[str, tuple[str, list[Code]]] = {
    "400": (
        "The request cannot be read.",
        [
            ("unreadable", "Bad Request", "The body is no JSON that can be read.", {}),
            (
                "malformed_body",
                "Bad Request",
                "The form cannot be read. Send multipart/form-data with its boundary, as a library for it does, and short file names.",
                {},
            ),
            (
                "too_many_fields",
                "Bad Request",
                "The request has too many fields: 600 is the most, in the address and in a form.",
                {},
            ),
            ("too_many_files", "Bad Request", "The form has too many files: 20 is the most. Upload them one at a time.", {}),
            (
                "bad_idempotency_key",
                "Bad Request",
                "Idempotency-Key has 1 to 255 printable ASCII characters, none of them a space at an end.",
                {},
            ),
        ],
    ),
    "401": (
        "No key came, or it is not one that works: unknown, expired or revoked.",
        [("bad_key", "Unauthorized", BadKey.message, {})],
    ),
    "402": (
        "The credits do not suffice, or a budget does not. Nothing was made or charged.",
        [
            (
                "insufficient_credits",
                "Payment Required",
                "This costs 8 credits and 2 are available: 6 are missing. Add credits to the wallet.",
                {},
            ),
            ("over_budget", "Payment Required", "This would go over the budget of the key: 12 of 20 credits are left today.", {}),
        ],
    ),
    "403": (
        "The key, its person's role or the team's plan does not allow it.",
        [
            ("scope_missing", "Forbidden", str(ScopeMissing("generate")), {}),
            ("not_in_team", "Forbidden", NotInTeam.message, {}),
            ("terms_not_agreed", "Forbidden", TermsNotAgreed.message, {}),
            ("plan_limit", "Forbidden", "Stable Image Ultra is not part of the Free plan. Pick another engine.", {}),
            ("forbidden", "Forbidden", "As viewer of Harbour Street you cannot do this.", {}),
        ],
    ),
    "404": (
        "There is no such thing, or it is not for this key: both are answered alike.",
        [("not_found", "Not Found", "There is nothing here, or nothing that this key may see.", {})],
    ),
    "405": (
        "Not this method; `Allow` says which.",
        [("method_not_allowed", "Method Not Allowed", "PUT is not possible here; Allow says what is.", {})],
    ),
    "409": (
        "It makes sense, but not as things stand now.",
        [
            (
                "idempotency_conflict",
                "Conflict",
                "This Idempotency-Key came with another request before. Use a new one for a new request.",
                {},
            ),
            ("asked_for_twice", "Conflict", "Somebody else has asked for the same and waits for it too.", {}),
            ("endpoint_off", "Conflict", "This endpoint is switched off. Switch it on, then send this again.", {}),
        ],
    ),
    "413": (
        "The request is too large.",
        [("too_large", "Request Entity Too Large", "The request is too large. Upload files at /api/v1/inputs, one at a time.", {})],
    ),
    "416": (
        "`Range` lies outside the file.",
        [
            (
                "no_such_range",
                "Requested Range Not Satisfiable",
                "Range asks for what lies outside the file; Content-Range says how long it is.",
                {},
            )
        ],
    ),
    "422": (
        "Something in it is wrong; `errors` says what, by name. Nothing was made or charged.",
        [
            (
                "invalid",
                "Unprocessable Entity",
                "The request cannot be read. What is wrong stands in “errors”.",
                {"limit": "Input should be less than or equal to 100."},
            ),
            (
                "unknown_parameter",
                "Unprocessable Entity",
                "There is no parameter “stauts” here. “status” is one.",
                {"stauts": "There is no parameter “stauts” here. “status” is one."},
            ),
            (
                "fields_refused",
                "Unprocessable Entity",
                "“Light” has no choice “candle”. Take one of: window light, studio light.",
                {"values.light": "“Light” has no choice “candle”. Take one of: window light, studio light."},
            ),
            (
                "unusable_image",
                "Unprocessable Entity",
                "This file is not a picture we can read. Choose a PNG, JPEG or WebP file.",
                {},
            ),
            (
                "words_refused",
                "Unprocessable Entity",
                "“weapon” is not allowed in prompts here.",
                {"prompt": "“weapon” is not allowed in prompts here."},
            ),
        ],
    ),
    "429": (
        "Too many requests, or too many jobs at once; `Retry-After` says when to come again.",
        [
            ("too_many_requests", "Too Many Requests", "This key has sent too many requests. Try again in 12 s.", {}),
            ("too_many_open_jobs", "Too Many Requests", "You have 20 generations waiting or running. Wait for one to finish.", {}),
            ("plan_limit", "Too Many Requests", "The Free plan runs one job of a team at once. Wait for one to finish.", {}),
        ],
    ),
    "500": (
        "The studio made a mistake; its operator finds it in the log.",
        [("internal", "Internal Server Error", "The studio made a mistake. It is in the log; ask your operator.", {})],
    ),
    "503": (
        "The studio is not there at the moment, or nobody has opened it yet.",
        [("not_open_yet", "Service Unavailable", "This studio has nobody yet: open it in a browser, and make a key there.", {})],
    ),
    "507": (
        "There is no room left to store anything. Nothing was charged.",
        [("storage_full", "Insufficient Storage", "The studio has no room left. Nothing was charged. Ask your operator to make room.", {})],
    ),
}

TITLES = {
    "engines": "Engines",
    "inputs": "Input files",
    "quotes": "Prices",
    "jobs": "Jobs",
    "batches": "Batches",
    "library": "Library",
    "galleries": "Galleries",
    "templates": "Templates",
    "wallet": "Wallet",
    "webhooks": "Webhooks",
}
