"""The rooms of the house, and which may import which: the tables of `test_architecture.py`.

Who needs a new arrow adds it to `MAY_IMPORT`, where a reviewer sees it, and to ARCHITECTURE.md.
"""

from __future__ import annotations

MODELS = "generation models"
PICTURES = "generation"
PROMPTS = "prompts"
PROMPT_LANGUAGE = "prompt language"
PROMPT_MODELS = "prompt models"
PROMPT_PAGES = "prompt pages"
PRICING = "pricing"
COSTS = "costs"
MODERATION = "moderation"
SERVICES = "generation services"
DOORBELL = "generation doorbell"
WORKER = "generation worker"
PAGES = "generation pages"
EVENTS = "live events"
SOCKET = "live socket"
GROUND = "ground"
DATABASE = "database"
APPROVALS = "approvals"
PREPARED = "prepared reads"
WEBHOOKS = "webhooks"
API = "api"
DEVELOPERS = "developers' pages"
OPERATOR = "operator's pages"
GALLERY_MODELS = "gallery models"
PRIVACY = "privacy"
SHELF = "gallery reads"
NOTICES = "notices"
PROCESSES = "processes"
ENTRANCE = "entrance"

ROOMS: dict[str, str] = {
    "accounts": "accounts",
    "billing": "billing",
    "studio.backends": "backends",
    "studio.pricing": PRICING,
    "studio.costs": COSTS,
    "studio.moderation": MODERATION,
    "studio.prompts": PROMPTS,
    "studio.prompts.language": PROMPT_LANGUAGE,
    "studio.prompts.models": PROMPT_MODELS,
    "studio.prompts.querysets": PROMPT_MODELS,
    "studio.prompts.pages": PROMPT_PAGES,
    "studio.prompts.urls": PROMPT_PAGES,
    "studio.generation": PICTURES,
    "studio.generation.kinds": MODELS,
    "studio.generation.models": MODELS,
    "studio.generation.querysets": MODELS,
    "studio.generation.services": SERVICES,
    "studio.generation.dispatch": DOORBELL,
    "studio.generation.worker": WORKER,
    "studio.generation.management": WORKER,
    "studio.generation.forms": PAGES,
    "studio.generation.panel": PAGES,
    "studio.generation.cards": PAGES,
    "studio.generation.feed": PAGES,
    "studio.generation.tallies": PAGES,
    "studio.generation.grids": PAGES,
    "studio.generation.offers": PAGES,
    "studio.generation.recipes": PAGES,
    "studio.generation.tables": PAGES,
    "studio.generation.workbench": PAGES,
    "studio.generation.till": PAGES,
    "studio.generation.templated": PAGES,
    "studio.generation.wording": PAGES,
    "studio.generation.several": PAGES,
    "studio.generation.templatetags": PAGES,
    "studio.generation.views": PAGES,
    "studio.generation.urls": PAGES,
    "studio.live": EVENTS,
    "studio.live.listeners": "live listeners",
    "studio.live.consumers": SOCKET,
    "studio.live.fragments": SOCKET,
    "studio.live.viewers": SOCKET,
    "studio.live.shared": SOCKET,
    "studio.live.threads": "waiting",
    "studio.live.routing": SOCKET,
    "studio.live.body_limit": GROUND,
    "studio.live.origin": GROUND,
    "studio.galleries": "galleries",
    "studio.galleries.models": GALLERY_MODELS,
    "studio.approvals": APPROVALS,
    "studio.privacy": PRIVACY,
    "studio.galleries.shelf": SHELF,
    "studio.galleries.notices": NOTICES,
    "studio.webhooks": WEBHOOKS,
    "studio.webhooks.admin": "webhook listeners",
    "studio.webhooks.listeners": "webhook listeners",
    "studio.api": API,
    "studio.developers": DEVELOPERS,
    "studio.operator": OPERATOR,
    "studio.waiting": "waiting",
    "studio.celery": DOORBELL,
    "studio.processes": PROCESSES,
    "studio.processes.places": GROUND,
    "studio.processes.locks": GROUND,
    "studio.ids": GROUND,
    "studio.word_changes": GROUND,
    "studio.environment": GROUND,
    "studio.outages": GROUND,
    "studio.postgresql": DATABASE,
    "studio.caching": GROUND,
    "studio.prepared": PREPARED,
    "studio.logs": GROUND,
    "studio.telemetry": GROUND,
    "studio.staticfiles": GROUND,
    "studio.storage": GROUND,
    "studio.settings": ENTRANCE,
    "studio.wiring": GROUND,
    "studio.apps": ENTRANCE,
    "studio.backup": ENTRANCE,
    "studio.asgi": ENTRANCE,
    "studio.checks": ENTRANCE,
    "studio.context": ENTRANCE,
    "studio.health": ENTRANCE,
    "studio.metrics": ENTRANCE,
    "studio.middleware": ENTRANCE,
    "studio.templatetags": GROUND,
    "studio.urls": ENTRANCE,
    "studio.management": ENTRANCE,
}
"""Module (with all below it) -> the room it belongs to; the longest name counts."""

MAY_IMPORT: dict[str, set[str]] = {
    GROUND: set(),
    DATABASE: set(),
    PREPARED: set(),
    "accounts": set(),
    "billing": {"accounts"},
    "backends": set(),
    PROMPT_LANGUAGE: {"backends"},
    PROMPT_MODELS: {"accounts"},
    PROMPTS: {"accounts", "backends", MODERATION, PROMPT_LANGUAGE, PROMPT_MODELS},
    PROMPT_PAGES: {"accounts", "billing", "backends", PRICING, PROMPTS, PROMPT_LANGUAGE, PROMPT_MODELS, MODELS}
    | {PICTURES, SERVICES, PAGES, GALLERY_MODELS},
    MODELS: {"accounts", "billing", "backends", PROMPT_MODELS},
    PRICING: {"accounts", "billing", "backends"},
    PICTURES: {"accounts", "billing", "backends", PRICING, MODELS},
    MODERATION: {"accounts", "backends", MODELS},
    COSTS: {"accounts", "billing", "backends", MODELS},
    EVENTS: set(),
    DOORBELL: set(),
    SERVICES: {
        "accounts",
        "billing",
        "backends",
        PRICING,
        MODERATION,
        MODELS,
        PROMPT_MODELS,
        PROMPTS,
        PICTURES,
        EVENTS,
        DOORBELL,
        WEBHOOKS,
    },
    PAGES: {"accounts", "billing", "backends", PRICING, MODELS, PROMPT_LANGUAGE, PROMPT_MODELS, PROMPTS, PICTURES, SERVICES},
    "live listeners": {"billing", EVENTS},
    SOCKET: {"accounts", "billing", MODELS, PICTURES, PAGES, EVENTS, NOTICES, GALLERY_MODELS, "waiting"},
    WORKER: {"backends", MODELS, PICTURES, SERVICES, PAGES, DOORBELL, EVENTS, SOCKET, PROCESSES, WEBHOOKS},
    GALLERY_MODELS: {"accounts", MODELS},
    SHELF: {"accounts", MODELS, GALLERY_MODELS, PREPARED},
    NOTICES: {"accounts", MODELS, GALLERY_MODELS, EVENTS, PREPARED},
    "galleries": {"accounts", "billing", "backends", MODERATION, MODELS, PICTURES, GALLERY_MODELS, NOTICES, SHELF, EVENTS},
    APPROVALS: {"accounts", "billing", MODELS, PICTURES, SERVICES, PAGES, NOTICES},
    PRIVACY: {"accounts", "billing", MODELS, SERVICES, GALLERY_MODELS, "galleries", PROMPTS, PROMPT_MODELS, WEBHOOKS},
    "waiting": set(),
    WEBHOOKS: {"accounts", DOORBELL},
    "webhook listeners": {"accounts", "billing", MODELS, PICTURES, SERVICES, WEBHOOKS},
    API: {
        "accounts",
        "billing",
        "backends",
        PRICING,
        MODERATION,
        MODELS,
        PICTURES,
        SERVICES,
        PAGES,
        PROMPTS,
        PROMPT_LANGUAGE,
        PROMPT_MODELS,
        GALLERY_MODELS,
        SHELF,
        "galleries",
        EVENTS,
        WEBHOOKS,
        "waiting",
    },
    DEVELOPERS: {"accounts", "billing", "backends", PRICING, MODELS, PICTURES, WEBHOOKS},
    OPERATOR: {"accounts", "billing", "backends", MODELS, PICTURES, SERVICES},
    PROCESSES: {ENTRANCE, EVENTS, SOCKET},
    ENTRANCE: {"accounts", "billing", "backends", COSTS, MODERATION, MODELS, PICTURES, NOTICES, SHELF, SOCKET, PREPARED}
    | {WEBHOOKS, "waiting"},
}
"""Room -> the rooms it may import. Its own and the ground are always allowed."""
