"""Each rule of `studio.checks`: silent as shipped, one finding on nonsense, gone when mended."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as studio_settings
from django.core.checks import ERROR, WARNING, run_checks

from studio import checks
from studio.backends import registry
from studio.environment import Environment

TLS = {"STUDIO_URL": "https://studio.example", "BEHIND_TLS": True, "ALLOWED_HOSTS": ["studio.example"], "TRUSTED_PROXIES": 1}
CONSOLE = "django.core.mail.backends.console.EmailBackend"
SQLITE = {"default": {"ENGINE": "django.db.backends.sqlite3"}}
OIDC = {"STUDIO_OIDC_CLIENT_ID": "x", "STUDIO_OIDC_SECRET": "y"}
STRIPE = {"STRIPE_SECRET_KEY": "sk_test_1", "STRIPE_WEBHOOK_SECRET": "whsec_1"}
BUCKET = {"DEFAULT_STORAGE": "s3://atelier/pictures", "IN_S3": True, "STUDIO_S3_ENDPOINT": "http://127.0.0.1:9000"}
S3 = {**BUCKET, "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "S3_ORIGIN": "http://127.0.0.1:9000"}
POSTGRES = {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": "studio"}}


def found(name: str) -> list[tuple[int, str]]:
    return [(message.level, message.msg) for rule in checks.RULES if rule.name == name for message in rule.messages()]


def test_the_studio_as_shipped_has_no_finding() -> None:
    assert [message for rule in checks.RULES for message in rule.messages()] == []


@pytest.mark.parametrize(
    ("name", "level", "overrides"),
    [
        ("STUDIO_DATA_DIR", ERROR, {"DATA_DIR": Path("/proc/1")}),
        ("STUDIO_DEBUG", ERROR, {**TLS, "DEBUG": True}),
        ("STUDIO_PORT", ERROR, {"STUDIO_PORT": 65536}),
        ("STUDIO_PORT", ERROR, {"STUDIO_PORT": -1}),
        ("STUDIO_BIND", ERROR, {"STUDIO_BIND": "everywhere"}),
        ("STUDIO_URL", ERROR, {"STUDIO_URL": "studio.example", "ALLOWED_HOSTS": ["*"]}),
        ("STUDIO_URL", ERROR, {"STUDIO_URL": "http://localhost:8000/studio"}),
        ("STUDIO_URL", WARNING, {"STUDIO_URL": "http://studio.example"}),
        ("STUDIO_URL", WARNING, {"STUDIO_BIND": "0.0.0.0"}),
        ("STUDIO_ALLOWED_HOSTS", ERROR, {"ALLOWED_HOSTS": ["other.example"]}),
        ("STUDIO_ALLOWED_HOSTS", WARNING, {"ALLOWED_HOSTS": ["*"]}),
        ("STUDIO_TRUSTED_PROXIES", ERROR, {"TRUSTED_PROXIES": -1}),
        ("STUDIO_TRUSTED_PROXIES", WARNING, {**TLS, "TRUSTED_PROXIES": 0}),
        ("STUDIO_SECRET_KEY", ERROR, {"SECRET_KEY": "hunter2"}),
        ("STUDIO_SECRET_KEY", WARNING, {"EMBEDDED": False, "ENVIRONMENT": Environment({})}),
        ("STUDIO_HSTS_SECONDS", ERROR, {"STUDIO_HSTS_SECONDS": -1}),
        ("STUDIO_DATABASE_POOL", ERROR, {"STUDIO_DATABASE_POOL": 0}),
        ("REDIS_URL", ERROR, {"REDIS_URL": "localhost", "EMBEDDED": False, "DATABASES": POSTGRES}),
        ("REDIS_URL", ERROR, {"REDIS_URL": "redis://", "EMBEDDED": False, "DATABASES": POSTGRES}),
        ("REDIS_URL", ERROR, {"REDIS_URL": "redis://x:port/0", "EMBEDDED": False, "DATABASES": POSTGRES}),
        ("REDIS_URL", ERROR, {"REDIS_URL": "redis://x:6379/abc", "EMBEDDED": False, "DATABASES": POSTGRES}),
        ("REDIS_URL", ERROR, {"REDIS_URL": "rediss://:p@x/0/1", "EMBEDDED": False, "DATABASES": POSTGRES}),
        (
            "REDIS_URL",
            WARNING,
            {"REDIS_URL": "redis://x", "EMBEDDED": False, "DATABASES": SQLITE},
        ),
        ("CELERY_BROKER_URL", ERROR, {"CELERY_BROKER_URL": "redis://x", "EMBEDDED": True}),
        ("CELERY_BROKER_URL", ERROR, {"CELERY_BROKER_URL": "sqs://x", "EMBEDDED": False, "DATABASES": POSTGRES}),
        ("CELERY_BROKER_URL", ERROR, {"CELERY_BROKER_URL": "amqp://", "EMBEDDED": False, "DATABASES": POSTGRES}),
        ("CELERY_BROKER_URL", ERROR, {"CELERY_BROKER_URL": "amqps://u:p@:5671/studio", "EMBEDDED": False, "DATABASES": POSTGRES}),
        ("CELERY_BROKER_URL", ERROR, {"CELERY_BROKER_URL": "redis://x/jobs", "EMBEDDED": False, "DATABASES": POSTGRES}),
        ("STUDIO_WEB_PROCESSES", ERROR, {"WEB_PROCESSES": 0}),
        ("STUDIO_WORKERS", ERROR, {"WORKERS": ["stability", "dall-e"]}),
        ("STUDIO_WORKERS", WARNING, {"EMBEDDED": True, "ENVIRONMENT": Environment({"STUDIO_WORKERS": "stability"})}),
        ("STUDIO_WORKERS", WARNING, {"EMBEDDED": True, "ENVIRONMENT": Environment({"STUDIO_WEB_PROCESSES": "4"})}),
        ("DEFAULT_STORAGE", ERROR, {"DEFAULT_STORAGE": "gs://atelier"}),
        ("DEFAULT_STORAGE", ERROR, {"DEFAULT_STORAGE": "/srv/pictures"}),
        ("DEFAULT_STORAGE", ERROR, {**S3, "DEFAULT_STORAGE": "s3://"}),
        ("DEFAULT_STORAGE", ERROR, {**S3, "DEFAULT_STORAGE": "s3:///pictures"}),
        ("DEFAULT_STORAGE", ERROR, {**S3, "DEFAULT_STORAGE": "s3://Atelier_Bucket"}),
        ("DEFAULT_STORAGE", ERROR, {**S3, "DEFAULT_STORAGE": "s3://atelier/../others"}),
        ("AWS_ACCESS_KEY_ID", ERROR, BUCKET),
        ("AWS_ACCESS_KEY_ID", ERROR, {**S3, "AWS_SECRET_ACCESS_KEY": ""}),
        ("AWS_ACCESS_KEY_ID", ERROR, {**S3, "AWS_ACCESS_KEY_ID": ""}),
        ("AWS_SECRET_ACCESS_KEY", WARNING, {**BUCKET, "STUDIO_S3_ENDPOINT": ""}),
        ("STUDIO_S3_ENDPOINT", ERROR, {**S3, "STUDIO_S3_ENDPOINT": "s3.example.org"}),
        ("STUDIO_S3_ENDPOINT", ERROR, {**S3, "STUDIO_S3_ENDPOINT": "https://s3.example.org/atelier"}),
        ("STUDIO_S3_ENDPOINT", ERROR, {**S3, "STUDIO_S3_ENDPOINT": "http://s3.example.org:minio"}),
        ("STUDIO_S3_ENDPOINT", ERROR, {"STUDIO_S3_ENDPOINT": "https://s3.example.org"}),
        ("STUDIO_S3_PUBLIC_ENDPOINT", ERROR, {**S3, "STUDIO_S3_PUBLIC_ENDPOINT": "https://key:secret@files.example.org"}),
        ("STUDIO_S3_REGION", ERROR, {**S3, "STUDIO_S3_REGION": "Frankfurt am Main"}),
        ("STUDIO_FILES", ERROR, {"FILES": "quickly"}),
        ("STUDIO_FILES", ERROR, {"FILES": "signed"}),
        ("STUDIO_FILES", ERROR, {**S3, "FILES": "accel", "TRUSTED_PROXIES": 1}),
        ("STUDIO_FILES", WARNING, {"FILES": "accel", "TRUSTED_PROXIES": 0}),
        ("STUDIO_FILES", ERROR, {**TLS, **S3, "FILES": "signed"}),
        ("STUDIO_SIGNUP", ERROR, {"STUDIO_SIGNUP": "everybody"}),
        ("STUDIO_TEAM_GRACE_DAYS", ERROR, {"TEAM_GRACE_DAYS": 0}),
        ("STUDIO_INVITATION_DAYS", ERROR, {"STUDIO_INVITATION_DAYS": 0}),
        ("STUDIO_EMAIL_VERIFICATION", ERROR, {"ACCOUNT_EMAIL_VERIFICATION": "maybe"}),
        ("STUDIO_EMAIL_VERIFICATION", WARNING, {"ACCOUNT_EMAIL_VERIFICATION": "mandatory", "EMAIL_BACKEND": CONSOLE}),
        ("STUDIO_EMAIL_URL", WARNING, {**TLS, "EMAIL_BACKEND": CONSOLE}),
        ("STUDIO_EMAIL_FROM", ERROR, {"DEFAULT_FROM_EMAIL": "the studio"}),
        ("STUDIO_GOOGLE_SECRET", ERROR, {"ENVIRONMENT": Environment({"STUDIO_GOOGLE_CLIENT_ID": "x"})}),
        ("STUDIO_GITHUB_SECRET", ERROR, {"ENVIRONMENT": Environment({"STUDIO_GITHUB_SECRET": "x"})}),
        ("STUDIO_OIDC_URL", ERROR, {"ENVIRONMENT": Environment(OIDC)}),
        ("STUDIO_DEFAULT_PLAN", ERROR, {"DEFAULT_PLAN": "The free one"}),
        ("STUDIO_PLAN_GRACE_DAYS", ERROR, {"PLAN_GRACE": timedelta(days=-1)}),
        ("STUDIO_PLAN_GRACE_DAYS", WARNING, {"ENVIRONMENT": Environment({"STUDIO_PLAN_GRACE_DAYS": "3"})}),
        ("STUDIO_WELCOME_CREDITS", ERROR, {"WELCOME_CREDITS": -25}),
        ("STUDIO_LOCAL_MODELS", ERROR, {"ENVIRONMENT": Environment({"STUDIO_LOCAL_MODELS": "/nowhere/models.toml"})}),
        ("STUDIO_LOCAL_MODELS_LOADED", ERROR, {"BACKENDS": {"diffusers": {"OPTIONS": {"MAX_LOADED": 0}}}}),
        ("STUDIO_LOCAL_THREADS", ERROR, {"BACKENDS": {"diffusers": {"OPTIONS": {"MAX_LOADED": 1, "THREADS": -2}}}}),
        ("STUDIO_LOCAL_MEMORY_MB", ERROR, {"LOCAL_MEMORY_MB": -1}),
        ("STABILITY_API_KEY", ERROR, {"STABILITY_API_KEY": ["sk-good", "sk one"]}),
        ("STABILITY_API_KEY", ERROR, {"STABILITY_API_KEY": ["sk-first\nsk-second"]}),
        ("STABILITY_API_KEY", ERROR, {"STABILITY_API_KEY": ["sk-ключ"]}),
        ("STUDIO_STRIPE_SECRET_KEY", ERROR, {**STRIPE, "STRIPE_SECRET_KEY": "pk_test_1"}),
        ("STUDIO_STRIPE_SECRET_KEY", ERROR, {**STRIPE, "STRIPE_SECRET_KEY": "sk_live_1"}),
        ("STUDIO_STRIPE_SECRET_KEY", ERROR, {**TLS, **STRIPE, "STRIPE_SECRET_KEY": "rk_live_1", "DEBUG": True}),
        ("STUDIO_STRIPE_SECRET_KEY", WARNING, {**TLS, **STRIPE}),
        ("STUDIO_STRIPE_WEBHOOK_SECRET", ERROR, {**STRIPE, "STRIPE_WEBHOOK_SECRET": ""}),
        ("STUDIO_STRIPE_WEBHOOK_SECRET", ERROR, {**STRIPE, "STRIPE_WEBHOOK_SECRET": "we_1"}),
        ("STUDIO_STRIPE_WEBHOOK_SECRET", WARNING, {**STRIPE, "STRIPE_SECRET_KEY": ""}),
        ("STUDIO_STRIPE_API_BASE", ERROR, {**STRIPE, "STRIPE_API_BASE": "localhost"}),
        ("STUDIO_WEBHOOK_PRIVATE", ERROR, {"WEBHOOK_PRIVATE": ["hooks.internal", "10.0.0.1/8"]}),
        ("STUDIO_WEBHOOK_PRIVATE", ERROR, {"WEBHOOK_PRIVATE": ["https://hooks.internal/"]}),
        ("STUDIO_WEBHOOK_PRIVATE", WARNING, {"WEBHOOK_PRIVATE": ["169.254.0.0/16"]}),
        ("STUDIO_WEBHOOK_PRIVATE", WARNING, {"WEBHOOK_PRIVATE": ["0.0.0.0/0"]}),
        ("STUDIO_WEBHOOK_PORTS", ERROR, {"WEBHOOK_PORTS": []}),
        ("STUDIO_WEBHOOK_PORTS", ERROR, {"WEBHOOK_PORTS": ["443", "65536"]}),
        ("STUDIO_WEBHOOK_PORTS", ERROR, {"WEBHOOK_PORTS": ["https"]}),
        ("STUDIO_WEBHOOK_OFF_AFTER_DAYS", ERROR, {"WEBHOOK_OFF_AFTER_DAYS": 0}),
        ("STUDIO_STRIPE_API_BASE", ERROR, {**TLS, **STRIPE, "STRIPE_SECRET_KEY": "sk_live_1", "STRIPE_API_BASE": "http://127.0.0.1:1"}),
        ("STUDIO_CURRENCIES", ERROR, {"CURRENCIES": ["usd", "euro"]}),
        ("STUDIO_CURRENCIES", ERROR, {"CURRENCIES": []}),
        ("STABILITY_API_HOST", ERROR, {"STABILITY_API_HOST": "api.stability.ai"}),
        ("STABILITY_API_HOST", ERROR, {"STABILITY_API_HOST": "https://"}),
        ("STABILITY_API_HOST", ERROR, {"STABILITY_API_HOST": "https://api.stability.ai:https"}),
        ("STABILITY_API_HOST", ERROR, {"STABILITY_API_HOST": "https://api.stability.ai?key=x"}),
        ("STABILITY_API_HOST", ERROR, {"STABILITY_API_HOST": "http://[::1"}),
        ("STABILITY_API_HOST", WARNING, {"STABILITY_API_HOST": "http://api.stability.ai"}),
        ("STABILITY_ORGANIZATION", ERROR, {"STABILITY_ORGANIZATION": "Harbour Street"}),
        ("STUDIO_DOORBELL", ERROR, {"DOORBELL": "studio.nowhere.Doorbell"}),
        ("STUDIO_DOORBELL", ERROR, {"DOORBELL": "pathlib.Path"}),
        ("STUDIO_JOB_LEASE_SECONDS", ERROR, {"JOB_LEASE_SECONDS": 19.9, "JOB_HEARTBEAT_SECONDS": 10}),
        ("STUDIO_JOB_HEARTBEAT_SECONDS", ERROR, {"JOB_HEARTBEAT_SECONDS": 0}),
        ("STUDIO_JOB_SWEEP_SECONDS", ERROR, {"JOB_SWEEP_SECONDS": 0}),
        ("STUDIO_JOB_SECONDS", ERROR, {"JOB_SECONDS": -1}),
        ("STUDIO_STOP_SECONDS", ERROR, {"STOP_SECONDS": -1}),
        ("STUDIO_MAX_OPEN_JOBS", ERROR, {"MAX_OPEN_JOBS": 0}),
        ("STUDIO_MAX_BATCH", ERROR, {"MAX_BATCH": 0}),
        ("STUDIO_SUBMIT_RATE", ERROR, {"SUBMIT_RATE": "often"}),
        ("STUDIO_API_RATE", ERROR, {"API_RATE": "now and then"}),
        ("STUDIO_API_BURST", ERROR, {"API_BURST": "150"}),
        ("STUDIO_API_BURST_PAUSE", ERROR, {"API_BURST_PAUSE": 0}),
        ("STUDIO_API_ANSWER_SECONDS", ERROR, {"API_ANSWER_SECONDS": 0}),
        ("STUDIO_API_ANSWER_SECONDS", ERROR, {"API_ANSWER_SECONDS": 300}),
        ("STUDIO_PREVIEW_ENGINES", ERROR, {"PREVIEW_ENGINES": ["sd3.5-flash", "Stable Image Core"]}),
        ("STUDIO_MAX_UPLOAD_MB", ERROR, {"MAX_UPLOAD_BYTES": 100}),
        ("STUDIO_MAX_UPLOAD_MEGAPIXELS", ERROR, {"MAX_UPLOAD_PIXELS": 0}),
        ("STUDIO_TRASH_DAYS", ERROR, {"TRASH_DAYS": 0}),
        ("STUDIO_METRICS_TOKEN", ERROR, {"METRICS_TOKEN": "short"}),
        ("SENTRY_DSN", ERROR, {"SENTRY_DSN": "sentry.example/1"}),
        ("SENTRY_DSN", ERROR, {"SENTRY_DSN": "https://sentry.example/1"}),
        ("SENTRY_DSN", ERROR, {"SENTRY_DSN": "https://key@sentry.example/"}),
        ("STUDIO_SENTRY_ENVIRONMENT", ERROR, {"SENTRY_ENVIRONMENT": "by the sea"}),
        ("STUDIO_SENTRY_TRACES", ERROR, {"SENTRY_TRACES": 10.0}),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", ERROR, {"OTEL_ENDPOINT": "collector:4318"}),
        ("STUDIO_LOG_FORMAT", ERROR, {"LOG_FORMAT": "xml"}),
        ("STUDIO_LOG_LEVEL", ERROR, {"LOG_LEVEL": "LOUD"}),
        ("STUDIO_ENV_FILE", ERROR, {"ENVIRONMENT": Environment({"STUDIO_ENV_FILE": "/nowhere/.env"})}),
    ],
)
def test_nonsense_is_found(monkeypatch: pytest.MonkeyPatch, name: str, level: int, overrides: dict[str, Any]) -> None:
    for setting, value in overrides.items():
        monkeypatch.setattr(studio_settings, setting, value)

    assert [one for one, _ in found(name)] == [level]


@pytest.mark.parametrize(
    ("name", "overrides"),
    [
        ("STUDIO_URL", TLS),
        ("STUDIO_URL", {"STUDIO_URL": "http://192.168.1.20:8000", "ALLOWED_HOSTS": ["192.168.1.20"]}),
        ("STUDIO_URL", {"STUDIO_URL": "http://studio.lan", "STUDIO_BIND": "0.0.0.0", "ALLOWED_HOSTS": ["studio.lan"]}),
        ("STUDIO_ALLOWED_HOSTS", {"STUDIO_URL": "http://a.studio.lan", "ALLOWED_HOSTS": [".studio.lan"]}),
        ("STUDIO_BIND", {"STUDIO_BIND": "::1"}),
        ("STUDIO_WEBHOOK_PRIVATE", {"WEBHOOK_PRIVATE": ["hooks.internal", "10.0.0.0/8", "192.168.1.4", "fd00::/8"]}),
        ("STUDIO_JOB_LEASE_SECONDS", {"JOB_LEASE_SECONDS": 20, "JOB_HEARTBEAT_SECONDS": 10}),
        ("STUDIO_SUBMIT_RATE", {"SUBMIT_RATE": "5 per second"}),
        ("STUDIO_PREVIEW_ENGINES", {"PREVIEW_ENGINES": ["none"]}),
        ("STUDIO_WELCOME_CREDITS", {"WELCOME_CREDITS": 0}),
        ("STUDIO_EMAIL_FROM", {"DEFAULT_FROM_EMAIL": "studio@example.org"}),
        ("STABILITY_API_KEY", {"STABILITY_API_KEY": ["sk-first", "sk-second"]}),
        ("STABILITY_API_HOST", {"STABILITY_API_HOST": "http://127.0.0.1:8686"}),
        ("STABILITY_API_HOST", {"STABILITY_API_HOST": "https://gateway.example/stability"}),
        ("DATABASE_URL", {"DATABASES": POSTGRES}),
        ("REDIS_URL", {"REDIS_URL": "redis://:p@x:6379/12", "EMBEDDED": False, "DATABASES": POSTGRES}),
        ("REDIS_URL", {"REDIS_URL": "redis://x", "EMBEDDED": False, "DATABASES": POSTGRES}),
        ("REDIS_URL", {"REDIS_URL": "unix:///run/redis.sock?db=2", "EMBEDDED": False, "DATABASES": POSTGRES}),
        ("CELERY_BROKER_URL", {"CELERY_BROKER_URL": "amqps://u:p@x/studio", "EMBEDDED": False, "DATABASES": POSTGRES}),
        ("SENTRY_DSN", {"SENTRY_DSN": "https://key@sentry.example/prefix/12"}),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", {"OTEL_ENDPOINT": "http://collector:4318"}),
        (
            "STUDIO_OIDC_SECRET",
            {"ENVIRONMENT": Environment({**OIDC, "STUDIO_OIDC_URL": "z"})},
        ),
    ],
)
def test_sense_is_left_alone(monkeypatch: pytest.MonkeyPatch, name: str, overrides: dict[str, Any]) -> None:
    for setting, value in overrides.items():
        monkeypatch.setattr(studio_settings, setting, value)

    assert found(name) == []


def test_a_key_that_may_have_to_be_shared_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(studio_settings, "EMBEDDED", False)
    monkeypatch.setattr(studio_settings, "ENVIRONMENT", Environment({}))

    [message] = [message for rule in checks.RULES if rule.name == "STUDIO_SECRET_KEY" for message in rule.messages()]

    assert f"its key is {studio_settings.DATA_DIR / 'secret_key'}. " in str(message.hint)
    assert "every machine needs the same one" in str(message.hint)


def test_what_speaks_another_protocol_or_is_not_installed_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(studio_settings, "SENTRY_DSN", "https://key@sentry.example/1")
    monkeypatch.setattr(studio_settings, "OTEL_ENDPOINT", "http://collector:4317")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
    assert found("OTEL_EXPORTER_OTLP_ENDPOINT") == [
        (ERROR, "OTEL_EXPORTER_OTLP_PROTOCOL is “grpc”, which the studio does not speak."),
    ]

    monkeypatch.delenv("OTEL_EXPORTER_OTLP_PROTOCOL")
    monkeypatch.setattr(checks.telemetry, "find_spec", lambda name: None)
    assert found("SENTRY_DSN") == [(ERROR, "SENTRY_DSN is given, but the library for Sentry is not installed.")]
    assert [one.endswith("OpenTelemetry are not installed.") for _, one in found("OTEL_EXPORTER_OTLP_ENDPOINT")] == [True]


def test_every_finding_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(studio_settings, "STUDIO_SIGNUP", "everybody")
    monkeypatch.setattr(studio_settings, "ENVIRONMENT", Environment({"STUDIO_SINGUP": "open", "STUDIO_SECRET_KEY": "x"}))

    messages = {message.id: message.hint for message in run_checks() if str(message.id).startswith(("studio.STUDIO_", "studio.unknown"))}

    assert messages == {
        "studio.STUDIO_SIGNUP": "Choose one of: open, invitation, closed.",
        "studio.unknown": "Look for a typing error; docker/env.example has all.",
    }


def test_a_name_that_is_almost_one_of_stability_s_is_mentioned(monkeypatch: pytest.MonkeyPatch) -> None:
    """And no more: other tools have theirs."""
    monkeypatch.setattr(studio_settings, "ENVIRONMENT", Environment({"STABILITY_KEY": "sk-0123456789"}))

    messages = [message for message in run_checks() if message.id == "studio.unknown"]

    assert [(message.level, message.msg, message.hint) for message in messages] == [
        (WARNING, "STABILITY_KEY is not read by the studio.", "Its own is STABILITY_API_KEY.")
    ]


def test_a_backend_that_is_switched_off_is_not_even_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = {"BACKEND": "studio.backends.gone.GoneBackend", "OPTIONS": {"ENABLED": False}}
    monkeypatch.setattr(studio_settings, "BACKENDS", {"gone": gone})

    assert checks.backends_are_usable() == []
    assert registry.engines() == []


def test_what_a_backend_says_of_itself_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    from studio.backends.null import NullBackend

    monkeypatch.setattr(NullBackend, "problems", lambda self: ["The test card has fallen down."])

    messages = [message for message in run_checks() if message.id == "studio.null"]

    assert [(message.level, message.msg) for message in messages] == [(WARNING, "The test card has fallen down.")]


def test_a_backend_that_is_not_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(studio_settings, "BACKENDS", {"gone": {"BACKEND": "studio.backends.gone.GoneBackend"}})

    messages = checks.backends_are_usable()

    assert [(message.level, message.id) for message in messages] == [(ERROR, "studio.gone")]


def test_metrics_without_a_token_are_mentioned_to_a_deployment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [message.id for message in checks.metrics_are_reachable()] == ["studio.STUDIO_METRICS_TOKEN"]
    monkeypatch.setattr(studio_settings, "METRICS_TOKEN", "0123456789abcdef")
    assert checks.metrics_are_reachable() == []
