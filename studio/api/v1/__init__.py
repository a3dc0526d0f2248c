"""The studio's own API, version 1. Within it a field may come, and none goes.

jobs     one request: submit, look, wait, watch, cancel, fetch        quotes   what it would cost
batches  many requests under one id                                   engines  what can be asked for
inputs   the files that work starts from
"""

from __future__ import annotations

from importlib import import_module

from ninja import NinjaAPI

from studio.api import known, problems

api = NinjaAPI(
    title="Atelier",
    version="1.0",
    urls_namespace="v1",
    description="Pictures, models and sounds by program: the same engines, wallet, budgets, queue and library that people have.",
    docs_url=None,
    openapi_url=None,  # `studio.api.docs` has both
)
problems.install(api)
api.add_decorator(known.noted, mode="view")

ROUTERS = ("engines", "inputs", "quotes", "jobs", "batches", "library", "galleries", "templates", "wallet", "webhooks")
"""A module here each, with its `router`."""

for name in ROUTERS:
    api.add_router("", import_module(f"{__name__}.{name}").router, tags=[name])
