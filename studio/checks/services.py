"""Rules for what the studio talks to, and for who may come: database, Redis, mail, sign-in, welcome credits."""

from __future__ import annotations

import re
from importlib.util import find_spec
from urllib.parse import urlsplit

from django.conf import settings

from accounts.mails import mail_is_sent
from studio.checks.rule import Finding, Rule, at_least, one_of


def _database() -> Finding | None:
    engine = settings.DATABASES["default"]["ENGINE"]
    if engine.endswith("postgresql") and not (find_spec("psycopg") and find_spec("psycopg_pool")):
        return "DATABASE_URL asks for PostgreSQL, whose driver is not installed.", "Install requirements/scaled.txt (make run does)."
    return None


def _names_host(url: str) -> bool:
    """Whether an address says which computer is meant: without one, the clients silently ask this machine."""
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, half an IPv6 address
        return False


def _is_redis(url: str) -> bool:
    return url.startswith("unix://") or (url.startswith(("redis://", "rediss://")) and _names_host(url))


def _numbers_database(url: str) -> bool:
    """Whether the path of an address of Redis is a database's number: with another word, the client silently takes database 0."""
    return url.startswith("unix://") or re.fullmatch(r"/?\d*/?", urlsplit(url).path, re.ASCII) is not None


def _redis() -> Finding | None:
    if settings.EMBEDDED:
        return None
    if not _is_redis(settings.REDIS_URL):
        return "REDIS_URL is not an address of Redis.", "Write it like redis://host:6379/0, or leave it out for one machine."
    if not _numbers_database(settings.REDIS_URL):
        return (
            "REDIS_URL ends in something that is no number of a database.",
            "Write it like redis://host:6379/0: databases are numbered from 0 on.",
        )
    if not all(find_spec(name) for name in ("redis", "celery", "uvicorn")):
        return (
            "REDIS_URL is given, but the libraries of that mode are not installed.",
            "Install requirements/scaled.txt (make run does).",
        )
    return None


def _redis_with_sqlite() -> Finding | None:
    if settings.EMBEDDED or not settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
        return None
    return (
        "REDIS_URL is given, but the database is SQLite, which only the processes of one machine can share.",
        "Give DATABASE_URL an address of PostgreSQL too, or leave REDIS_URL out.",
    )


def _broker() -> Finding | None:
    if settings.EMBEDDED:
        if not settings.CELERY_BROKER_URL:
            return None
        return (
            "CELERY_BROKER_URL is given without REDIS_URL: a broker carries rings only, and Redis what pages on other machines hear.",
            "Give REDIS_URL too, or leave both out for one machine.",
        )
    url, write = settings.CELERY_BROKER_URL, "Write it like {}, or leave it out to use the Redis of REDIS_URL."
    if url == settings.REDIS_URL:
        return None  # it was left out
    if not (_is_redis(url) or (url.startswith(("amqp://", "amqps://")) and _names_host(url))):
        return "CELERY_BROKER_URL is no address of Redis or RabbitMQ.", write.format("amqp://user:password@host:5672/studio")
    if not url.startswith("amqp") and not _numbers_database(url):
        return "CELERY_BROKER_URL ends in something that is no number of a database.", write.format("redis://host:6379/1")
    return None


def _workers() -> Finding | None:
    if unknown := sorted(set(settings.WORKERS) - set(settings.BACKENDS)):
        return f"STUDIO_WORKERS names “{unknown[0][:40]}”, which is no queue.", f"Choose from: {', '.join(settings.BACKENDS)}."
    return None


def _processes_without_redis() -> Finding | None:
    for name in ("STUDIO_WEB_PROCESSES", "STUDIO_WORKERS"):
        if settings.EMBEDDED and settings.ENVIRONMENT.given(name):
            return f"{name} is given without REDIS_URL, and so it means nothing.", "Give REDIS_URL and DATABASE_URL too, or leave it out."
    return None


def _mail() -> Finding | None:
    if not mail_is_sent() and settings.BEHIND_TLS:
        return (
            "No mail is sent: password resets, confirmations and invitations are only written to the log.",
            "Set STUDIO_EMAIL_URL to the mail server, like smtp+tls://user:password@host:587.",
        )
    return None


def _verification_needs_mail() -> Finding | None:
    if settings.ACCOUNT_EMAIL_VERIFICATION == "mandatory" and not mail_is_sent():
        return (
            "STUDIO_EMAIL_VERIFICATION is mandatory, but mails are only written to the log: nobody new could sign in.",
            "Set STUDIO_EMAIL_URL to the mail server, or STUDIO_EMAIL_VERIFICATION to optional.",
        )
    return None


def _mail_from() -> Finding | None:
    if re.fullmatch(r"[^<>\n]*<[^<>@\s]+@[^<>@\s]+>|[^<>@\s]+@[^<>@\s]+", settings.DEFAULT_FROM_EMAIL):
        return None
    return "STUDIO_EMAIL_FROM is not a mail address.", "Write it like Atelier <studio@example.org>."


def _default_plan() -> Finding | None:
    if re.fullmatch(r"[a-z0-9_-]{1,40}", settings.DEFAULT_PLAN):
        return None
    return "STUDIO_DEFAULT_PLAN is no short name of a plan.", "Write it as it stands in the admin, under Plans: studio, free, …"


def _plans_for_nothing() -> Finding | None:
    if settings.DEFAULT_PLAN == "studio" and settings.ENVIRONMENT.given("STUDIO_PLAN_GRACE_DAYS"):
        return (
            "STUDIO_PLAN_GRACE_DAYS is given, but no plans are offered: STUDIO_DEFAULT_PLAN is studio, which has no limits.",
            "Set STUDIO_DEFAULT_PLAN to free to offer the plans beside it, or leave the days out.",
        )
    return None


def _pair(provider: str, other: str) -> Rule:
    """A provider's client id is nothing without its `other` half, nor the other way round."""

    def find() -> Finding | None:
        first, second = f"STUDIO_{provider}_CLIENT_ID", f"STUDIO_{provider}_{other}"
        id_given, other_given = bool(settings.ENVIRONMENT.given(first)), bool(settings.ENVIRONMENT.given(second))
        if id_given == other_given:
            return None
        have, lack = (first, second) if id_given else (second, first)
        return (
            f"{have} is given without {lack}.",
            f"Give both, as the provider shows them, or neither; {second} may come from {second}_FILE.",
        )

    return Rule(f"STUDIO_{provider}_{other}", find)


RULES: tuple[Rule, ...] = (
    Rule("DATABASE_URL", _database),
    at_least("STUDIO_DATABASE_POOL", lambda: settings.STUDIO_DATABASE_POOL, 1, "Connections of a process to PostgreSQL"),
    Rule("REDIS_URL", _redis),
    Rule("REDIS_URL", _redis_with_sqlite, warning=True),
    Rule("CELERY_BROKER_URL", _broker),
    at_least("STUDIO_WEB_PROCESSES", lambda: settings.WEB_PROCESSES, 1, "Web processes of a machine"),
    Rule("STUDIO_WORKERS", _workers),
    Rule("STUDIO_WORKERS", _processes_without_redis, warning=True),
    one_of("STUDIO_SIGNUP", lambda: settings.STUDIO_SIGNUP, ("open", "invitation", "closed")),
    at_least("STUDIO_TEAM_GRACE_DAYS", lambda: settings.TEAM_GRACE_DAYS, 1, "Days that a deleted team can be brought back"),
    at_least("STUDIO_INVITATION_DAYS", lambda: settings.STUDIO_INVITATION_DAYS, 1, "Days that an invitation can be used"),
    one_of("STUDIO_EMAIL_VERIFICATION", lambda: settings.ACCOUNT_EMAIL_VERIFICATION, ("mandatory", "optional", "none")),
    Rule("STUDIO_EMAIL_VERIFICATION", _verification_needs_mail, warning=True),
    Rule("STUDIO_EMAIL_URL", _mail, warning=True),
    Rule("STUDIO_EMAIL_FROM", _mail_from),
    _pair("GOOGLE", "SECRET"),
    _pair("GITHUB", "SECRET"),
    _pair("OIDC", "SECRET"),
    _pair("OIDC", "URL"),
    at_least("STUDIO_RESULT_CACHE_HOURS", lambda: settings.RESULT_CACHE_HOURS, 0, "Hours that a result is offered again"),
    at_least("STUDIO_PROVIDER_LOW_CREDITS", lambda: settings.PROVIDER_LOW_CREDITS, 0, "Credits left at a provider"),
    at_least("STUDIO_PROVIDER_DRIFT_CREDITS", lambda: settings.PROVIDER_DRIFT_CREDITS, 0, "Credits that no job explains"),
    Rule("STUDIO_DEFAULT_PLAN", _default_plan),
    Rule("STUDIO_PLAN_GRACE_DAYS", _plans_for_nothing, warning=True),
    at_least("STUDIO_PLAN_GRACE_DAYS", lambda: settings.PLAN_GRACE.days, 0, "Days that a plan stays in force that is not paid"),
    at_least("STUDIO_WELCOME_CREDITS", lambda: settings.WELCOME_CREDITS, 0, "Credits that a new person is given"),
)
