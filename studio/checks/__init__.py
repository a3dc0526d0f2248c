"""What an operator can set up wrong: a rule for each variable, each with a sentence on what to do.

`manage.py` runs them before every command, so the studio does not start on nonsense. The id of a finding is `studio.<variable>`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Info, Warning, register

from studio.backends import registry
from studio.checks import address, engines, files, moderation, payments, services, stability, telemetry, webhooks
from studio.checks.rule import Rule

RULES: tuple[Rule, ...] = (
    *address.RULES,
    *services.RULES,
    *files.RULES,
    *engines.RULES,
    *stability.RULES,
    *moderation.RULES,
    *payments.RULES,
    *webhooks.RULES,
    *telemetry.RULES,
)

CHECKED_WHEN_READ = frozenset(
    {
        "STUDIO_GOOGLE_CLIENT_ID",
        "STUDIO_GITHUB_CLIENT_ID",
        "STUDIO_OIDC_CLIENT_ID",
        "STUDIO_OIDC_NAME",
        "STUDIO_LOCAL_RUNNER",
        "STUDIO_STORYBOOK",
        "STUDIO_NULL_ENGINE",
        "STUDIO_CHARGE_FILTERED",
        "STUDIO_INVOICES",
        "STUDIO_INVOICE_INSTRUCTIONS",
        "STUDIO_WORD_FILTER",
        "STUDIO_IMAGE_CLASSIFIER_LABELS",
        "STUDIO_TIME_ZONE",
        "STUDIO_HSTS_SUBDOMAINS",
        "STUDIO_STATIC_DIR",
    }
)
"""Variables without a rule here: `studio.environment` refuses what they cannot hold, or any text will do, or a pair's rule names them."""


@register
def environment_is_understood(**kwargs: Any) -> list[CheckMessage]:
    """Values that could not be read, and variables that the studio does not know."""
    environment = settings.ENVIRONMENT
    found: list[CheckMessage] = [
        Error(sentence, hint="docker/env.example explains every variable.", id=f"studio.{name}")
        for name, sentence in environment.problems.items()
    ]
    for name in environment.unknown("STUDIO_"):
        found.append(
            Error(
                f"{name} is not a setting of the studio.", hint="Look for a typing error; docker/env.example has all.", id="studio.unknown"
            )
        )
    for name in environment.unknown("STABILITY_"):  # other tools have theirs
        found.append(Warning(f"{name} is not read by the studio.", hint="Its own is STABILITY_API_KEY.", id="studio.unknown"))
    return found


@register
def settings_make_sense(**kwargs: Any) -> list[CheckMessage]:
    """One pass over `RULES`."""
    return [message for rule in RULES for message in rule.messages()]


@register
def backends_are_usable(**kwargs: Any) -> list[CheckMessage]:
    """What each backend says of itself; the studio starts all the same, because other engines may work."""
    found: list[CheckMessage] = []
    for name in registry.enabled():
        try:
            problems = registry.backend(name).problems()
        except ImportError as error:
            found.append(
                Error(f"Backend {name} cannot be imported: {error}.", hint="Mend its entry in settings.BACKENDS.", id=f"studio.{name}")
            )
            continue
        found += [Warning(problem, id=f"studio.{name}") for problem in problems]
    return found


@register(deploy=True)
def metrics_are_reachable(**kwargs: Any) -> list[CheckMessage]:
    if settings.METRICS_TOKEN:
        return []
    return [
        Info("/metrics answers this machine only.", hint="Set STUDIO_METRICS_TOKEN to let Prometheus in.", id="studio.STUDIO_METRICS_TOKEN")
    ]


@register(deploy=True)
def files_can_be_written(**kwargs: Any) -> list[CheckMessage]:
    """The folder of the pictures, when files lie in a folder."""
    if settings.IN_S3:
        return []
    location = settings.MEDIA_ROOT
    folder = Path(location)
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    if os.access(folder, os.W_OK | os.X_OK):
        return []
    return [
        Error(f"Pictures cannot be written to {location}.", hint="Give the folder to the user that runs the studio.", id="studio.media")
    ]
