"""The one settings file: everything comes from the environment, every default is the embedded mode.

Each variable is explained in `docker/env.example`; `studio.checks` refuses what makes no sense. A secret NAME may also be given as
NAME_FILE, the path of a file that holds it.
"""

from __future__ import annotations

import os
import secrets
import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from studio.environment import Environment
from studio.wiring import *  # noqa: F403

BASE_DIR = Path(__file__).resolve().parent.parent
VERSION = str(tomllib.loads((BASE_DIR / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"])
ENVIRONMENT = env = Environment()
env.read_env(env("STUDIO_ENV_FILE", default=str(BASE_DIR / ".env")))

# --- where, and under which address ---------------------------------------------------------------------------------
DATA_DIR = Path(env("STUDIO_DATA_DIR", default=str(BASE_DIR / "data"))).expanduser().resolve()
try:
    DATA_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)  # prompts, pictures and sessions are nobody else's on this machine
except OSError as error:
    raise ImproperlyConfigured(
        f"STUDIO_DATA_DIR: {DATA_DIR} cannot be made ({error.strerror}). Name a folder that may be written."
    ) from error
DEBUG = env.bool("STUDIO_DEBUG", default=False)
STUDIO_PORT = env.int("STUDIO_PORT", default=8000)
STUDIO_BIND = env("STUDIO_BIND", default="127.0.0.1")
STUDIO_URL = env("STUDIO_URL", default=f"http://localhost:{STUDIO_PORT}").rstrip("/")
BEHIND_TLS = STUDIO_URL.startswith("https://")
_host = urlsplit(STUDIO_URL).hostname or "localhost"
ALLOWED_HOSTS = env.list("STUDIO_ALLOWED_HOSTS", default=[_host, "localhost", "127.0.0.1", "[::1]"] if not BEHIND_TLS else [_host])
CSRF_TRUSTED_ORIGINS = [STUDIO_URL] if BEHIND_TLS else []
TRUSTED_PROXIES = env.int("STUDIO_TRUSTED_PROXIES", default=0)


def _secret_key() -> str:
    """The key from the environment, or one made once and kept in the data folder."""
    given = env("STUDIO_SECRET_KEY", default="")
    if given:
        return str(given)
    path = DATA_DIR / "secret_key"
    try:
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(64))
    except FileExistsError:
        pass
    key = path.read_text().strip()
    if not key:
        raise ImproperlyConfigured(f"{path} is empty. Delete it to have a new key made; people will have to sign in again.")
    return key


SECRET_KEY = _secret_key()

# --- rooms -----------------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "daphne",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "studio.staticfiles.StudioStaticFilesConfig",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.socialaccount.providers.google",
    "allauth.socialaccount.providers.github",
    "allauth.usersessions",
    "channels",
    "csp",
    "django_htmx",
    "django_structlog",
    "accounts",
    "billing",
    "studio",
    "studio.pricing",
    "studio.moderation",
    "studio.prompts",
    "studio.generation",
    "studio.costs",
    "studio.live",
    "studio.galleries",
    "studio.webhooks",
    "studio.api",
]

MIDDLEWARE = [
    "studio.middleware.ProbeMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "studio.api.middleware.ProgramMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.middleware.SessionActivityMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "studio.middleware.LogMiddleware",
    "accounts.middleware.FirstStartMiddleware",
    "accounts.middleware.SignInAgainMiddleware",
    "accounts.middleware.WayOutMiddleware",
    "accounts.middleware.TermsMiddleware",
    "accounts.middleware.TeamMiddleware",
    "studio.middleware.FullDiskMiddleware",
]

ROOT_URLCONF = "studio.urls"
ASGI_APPLICATION = "studio.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "studio.context.studio",
            ],
            "builtins": ["studio.templatetags.icons"],
        },
    }
]

# --- truth: database, cache, channel layer, files --------------------------------------------------------------------
DATABASES = {
    "default": env.database("DATABASE_URL", default={"ENGINE": "django.db.backends.sqlite3", "NAME": str(DATA_DIR / "studio.sqlite3")})
}
STUDIO_DATABASE_POOL = env.int("STUDIO_DATABASE_POOL", default=10)
_database = DATABASES["default"]
if _database["ENGINE"].endswith("sqlite3"):
    _database["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA temp_store=MEMORY; PRAGMA mmap_size=134217728;",
    }
else:
    _database["CONN_MAX_AGE"] = 0
    _database["ENGINE"] = "studio.postgresql"
    # What comes out of the pool may have been ended meanwhile (PostgreSQL restarted, a proxy in between): a tenth of a millisecond says so.
    _database["CONN_HEALTH_CHECKS"] = True
    _pool = {"min_size": 1, "max_size": max(1, STUDIO_DATABASE_POOL), "timeout": 20}
    # A server that vanishes without a word (failover, a cable): found out in seconds, where the system's own limits are hours.
    _silence = {"connect_timeout": 5, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 15_000}
    _database["OPTIONS"] = {**_silence, **_database.get("OPTIONS", {}), "pool": _pool}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = env("REDIS_URL", default="")
EMBEDDED = not REDIS_URL
"""True: one web process, progress over a local socket. False: Redis carries progress, cache and limits."""
WEB_PROCESSES = env.int("STUDIO_WEB_PROCESSES", default=2)
"""Web processes that `manage.py up` starts with Redis, on the same sockets."""
WORKERS: list[str] = env.list("STUDIO_WORKERS", default=[])
"""Queues that `manage.py up` starts a worker for with Redis, one each; empty: `plan.queues_to_serve`."""

if EMBEDDED:
    CHANNEL_LAYERS = {"default": {"BACKEND": "studio.live.layer.HomeLoopLayer", "CONFIG": {"capacity": 1000}}}
    CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
        "previews": {
            "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
            "LOCATION": DATA_DIR / "previews",
            "TIMEOUT": 120,
            "OPTIONS": {"MAX_ENTRIES": 2000},
        },
    }
else:
    INSTALLED_APPS.remove("daphne")  # uvicorn serves (studio/processes); Twisted is 14 MB in every process
    # Redis keeps its databases apart, but not what is published: two studios on one server must not hear each other.
    _layer = {"url": REDIS_URL, "prefix": f"atelier{urlsplit(REDIS_URL).path.replace('/', '.')}", "capacity": 1000}
    CHANNEL_LAYERS = {"default": {"BACKEND": "studio.live.redis_layer.RedisLayer", "CONFIG": _layer}}
    CACHES = {
        "default": {"BACKEND": "studio.caching.SoftRedisCache", "LOCATION": REDIS_URL, "KEY_PREFIX": "atelier"},
        "previews": {
            "BACKEND": "studio.caching.SoftRedisCache",
            "LOCATION": REDIS_URL,
            "KEY_PREFIX": "atelier-preview",
            "TIMEOUT": 120,
        },
    }

MEDIA_ROOT = DATA_DIR / "media"
MEDIA_URL = "/media/"  # nothing is served there: files go through views that ask access.py
STATIC_URL = "/static/"
STATIC_ROOT = Path(env("STUDIO_STATIC_DIR", default=str(DATA_DIR / "static"))).expanduser().resolve()
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "studio.staticfiles.ModuleManifestStorage"},
}
FILE_UPLOAD_PERMISSIONS = 0o640
DEFAULT_STORAGE = env("DEFAULT_STORAGE", default="")
"""Where pictures lie: empty for the data folder, `s3://bucket/prefix` for a bucket."""
FILES = env("STUDIO_FILES", default="stream")
"""How browsers get them: `stream` through the studio, `signed` from the bucket, `accel` from the nginx in front."""
STUDIO_S3_ENDPOINT = env("STUDIO_S3_ENDPOINT", default="").rstrip("/")
STUDIO_S3_PUBLIC_ENDPOINT = env("STUDIO_S3_PUBLIC_ENDPOINT", default="").rstrip("/")
STUDIO_S3_REGION = env("STUDIO_S3_REGION", default="us-east-1")
AWS_ACCESS_KEY_ID = env("AWS_ACCESS_KEY_ID", default="")
AWS_SECRET_ACCESS_KEY = env("AWS_SECRET_ACCESS_KEY", default="")
IN_S3 = DEFAULT_STORAGE.startswith("s3://")
S3_ORIGIN = ""
"""The server at which browsers fetch files with `STUDIO_FILES=signed`."""
if IN_S3:
    _bucket, _, _prefix = DEFAULT_STORAGE.removeprefix("s3://").partition("/")
    _place = {"bucket_name": _bucket, "location": _prefix.strip("/"), "region_name": STUDIO_S3_REGION}
    _keys = {"access_key": AWS_ACCESS_KEY_ID or None, "secret_key": AWS_SECRET_ACCESS_KEY or None}
    _endpoints = {"endpoint_url": STUDIO_S3_ENDPOINT or None, "public_endpoint_url": STUDIO_S3_PUBLIC_ENDPOINT}
    STORAGES["default"] = {"BACKEND": "studio.storage.s3.BucketStorage", "OPTIONS": {**_place, **_keys, **_endpoints}}
    _aws = f"s3.{STUDIO_S3_REGION}.amazonaws.com"
    _own = _aws if "." in _bucket else f"{_bucket}.{_aws}"  # no certificate is for a bucket's name with a point in it
    S3_ORIGIN = STUDIO_S3_PUBLIC_ENDPOINT or STUDIO_S3_ENDPOINT or f"https://{_own}"
_shown_from = [S3_ORIGIN] if IN_S3 and FILES == "signed" else []

# --- people ----------------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator", "OPTIONS": {"user_attributes": ["name", "email"]}},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "create"
STUDIO_SIGNUP = env("STUDIO_SIGNUP", default="invitation")
"""Who may make an account after the owner: `open`, `invitation` or `closed`."""
STUDIO_INVITATION_DAYS = env.int("STUDIO_INVITATION_DAYS", default=14)
"""How long an invitation link can be used."""
TEAM_GRACE_DAYS = env.int("STUDIO_TEAM_GRACE_DAYS", default=30)
"""How long a deleted team can be brought back by its owner."""
OPEN_BEFORE_TERMS = (
    *("terms", "account_logout", "your_data", "export", "delete_account", "account_deleted"),
    *("account_reauthenticate", "mfa_reauthenticate", "mfa_reauthenticate_webauthn"),
)
"""Names of the pages that somebody may open who has not agreed to the terms."""
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
SOCIALACCOUNT_ADAPTER = "accounts.adapter.SocialAccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_SIGNUP_FORM_CLASS = "accounts.forms.SignupDetails"
ACCOUNT_EMAIL_VERIFICATION = env("STUDIO_EMAIL_VERIFICATION", default="optional")
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
# A try counts until its password was looked at: of a whole team that signs in from one office at once, none shall be turned away.
ACCOUNT_RATE_LIMITS = {"login_failed": "30/m/ip,5/300s/key"}
ACCOUNT_USER_DISPLAY = str
ACCOUNT_CHANGE_EMAIL = True  # one address a person: a new one replaces it once it is confirmed
ACCOUNT_REAUTHENTICATION_REQUIRED = True  # a browser that was left open cannot move the account to another address
ACCOUNT_EMAIL_NOTIFICATIONS = True  # a letter for every change to how somebody signs in
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if BEHIND_TLS else "http"
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXIES  # else everybody behind a proxy shares one login limit
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not BEHIND_TLS
MFA_TOTP_ISSUER = "Atelier"
MFA_TOTP_TOLERANCE = 1  # a code typed as its half minute ends, and a phone whose clock is a little off (RFC 6238, 5.2)
MFA_FORMS = {"add_webauthn": "accounts.passkeys.AddPasskeyForm", "edit_webauthn": "accounts.passkeys.RenamePasskeyForm"}
USERSESSIONS_TRACK_ACTIVITY = True
SOCIALACCOUNT_PROVIDERS: dict[str, dict[str, object]] = {}
for _provider, _id, _secret in (
    ("google", env("STUDIO_GOOGLE_CLIENT_ID", default=""), env("STUDIO_GOOGLE_SECRET", default="")),
    ("github", env("STUDIO_GITHUB_CLIENT_ID", default=""), env("STUDIO_GITHUB_SECRET", default="")),
):
    if _id:
        SOCIALACCOUNT_PROVIDERS[_provider] = {"APPS": [{"client_id": _id, "secret": _secret, "key": ""}], "EMAIL_AUTHENTICATION": False}
STUDIO_OIDC_URL = env("STUDIO_OIDC_URL", default="")
_oidc = {
    "provider_id": "oidc",
    "name": env("STUDIO_OIDC_NAME", default="Single sign-on"),
    "client_id": env("STUDIO_OIDC_CLIENT_ID", default=""),
    "secret": env("STUDIO_OIDC_SECRET", default=""),
    "settings": {"server_url": STUDIO_OIDC_URL},
}
if _oidc["client_id"]:
    SOCIALACCOUNT_PROVIDERS["openid_connect"] = {"APPS": [_oidc]}
EMAIL_CONFIG = env.mail("STUDIO_EMAIL_URL", default={"EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend"})
EMAIL_TIMEOUT = 10  # seconds: a mail server that does not answer must not hold a page
vars().update(EMAIL_CONFIG)
MFA_ALLOW_UNVERIFIED_EMAIL = EMAIL_CONFIG["EMAIL_BACKEND"].endswith("console.EmailBackend")  # nobody gets a letter to confirm it with
DEFAULT_FROM_EMAIL = env("STUDIO_EMAIL_FROM", default=f"Atelier <studio@{_host}>")

# --- money -----------------------------------------------------------------------------------------------------------
WELCOME_CREDITS = env.int("STUDIO_WELCOME_CREDITS", default=25)
CHARGE_FILTERED = env.bool("STUDIO_CHARGE_FILTERED", default=False)
"""Whether a team is charged for a picture that the provider filtered, and bills."""
PROVIDER_LOW_CREDITS = env.int("STUDIO_PROVIDER_LOW_CREDITS", default=500)
"""Credits left at a provider below which the operator is warned."""
PROVIDER_DRIFT_CREDITS = env.int("STUDIO_PROVIDER_DRIFT_CREDITS", default=100)
"""Credits that a provider may have taken beyond what the jobs explain before that is an alarm."""
CURRENCIES: list[str] = [code.lower() for code in env.list("STUDIO_CURRENCIES", default=["usd", "eur", "gbp"])]
"""ISO 4217, the one that is offered first before the others; of those, a pack is sold in which it has a price in."""
STRIPE_SECRET_KEY = env("STUDIO_STRIPE_SECRET_KEY", default="")
STRIPE_WEBHOOK_SECRET = env("STUDIO_STRIPE_WEBHOOK_SECRET", default="")
STRIPE_API_BASE = env("STUDIO_STRIPE_API_BASE", default="").rstrip("/")
"""Another server that speaks Stripe's API, for tests; empty: Stripe."""
INVOICE_INSTRUCTIONS = env("STUDIO_INVOICE_INSTRUCTIONS", default="").replace("\\n", "\n")
_invoices = not STRIPE_SECRET_KEY or bool(INVOICE_INSTRUCTIONS)
INVOICES = env.bool("STUDIO_INVOICES", default=_invoices)
"""Whether packs are sold by invoice or bank transfer, which the operator confirms."""
GATEWAYS: dict[str, dict[str, Any]] = {}
"""Ways to be paid, as they are offered: {name: {"BACKEND": dotted path, "OPTIONS": …}}."""
if STRIPE_SECRET_KEY:
    _stripe = {"secret_key": STRIPE_SECRET_KEY, "webhook_secret": STRIPE_WEBHOOK_SECRET, "api_base": STRIPE_API_BASE}
    GATEWAYS["stripe"] = {"BACKEND": "billing.gateways.stripe.StripeGateway", "OPTIONS": _stripe}
if INVOICES:
    GATEWAYS["manual"] = {"BACKEND": "billing.gateways.manual.ManualGateway", "OPTIONS": {"instructions": INVOICE_INSTRUCTIONS}}
RESULT_CACHE_HOURS = env.int("STUDIO_RESULT_CACHE_HOURS", default=24)
"""How long the result of a paid engine is offered to its team for the same request, for nothing; 0: never."""
WORD_FILTER = env.bool("STUDIO_WORD_FILTER", default=True)
WORD_LIST = env("STUDIO_WORD_LIST", default="")
"""A file in the form of `studio/moderation/words.txt` that takes its place; empty: that one."""
IMAGE_CLASSIFIER = env("STUDIO_IMAGE_CLASSIFIER", default="")
"""Folder of a classifier that looks at pictures before they are shown outside; empty: people alone do."""
IMAGE_CLASSIFIER_LABELS = env.list("STUDIO_IMAGE_CLASSIFIER_LABELS", default=["nsfw", "porn", "hentai", "sexy", "unsafe"])
IMAGE_CLASSIFIER_THRESHOLD = env.float("STUDIO_IMAGE_CLASSIFIER_THRESHOLD", default=0.5)
DEFAULT_PLAN = env("STUDIO_DEFAULT_PLAN", default="studio")
"""The plan (its slug) of every team that has no subscription. The one called "studio" has no limits but the studio's own."""
PLAN_GRACE = timedelta(days=env.int("STUDIO_PLAN_GRACE_DAYS", default=7))
"""How long a plan stays in force whose payment failed."""

# --- webhooks --------------------------------------------------------------------------------------------------------
WEBHOOK_PRIVATE: list[str] = env.list("STUDIO_WEBHOOK_PRIVATE", default=[])
"""Names of computers, addresses and networks that webhooks may be sent to although they are not public, and without TLS."""
WEBHOOK_PORTS: list[str] = env.list("STUDIO_WEBHOOK_PORTS", default=["443", "8443"])
"""Ports of public servers that webhooks are sent to."""
WEBHOOK_OFF_AFTER_DAYS = env.int("STUDIO_WEBHOOK_OFF_AFTER_DAYS", default=5)
"""An endpoint that took nothing for so long is switched off."""

# --- engines ---------------------------------------------------------------------------------------------------------
STABILITY_API_KEY: list[str] = env.list("STABILITY_API_KEY", default=[])
STABILITY_API_HOST = env("STABILITY_API_HOST", default="https://api.stability.ai").rstrip("/")
STABILITY_ORGANIZATION = env("STABILITY_ORGANIZATION", default="")
BACKENDS: dict[str, dict[str, Any]] = {
    "diffusers": {
        "BACKEND": "studio.backends.diffusers.DiffusersBackend",
        "OPTIONS": {
            "ENABLED": env.bool("STUDIO_LOCAL_RUNNER", default=True),
            "STORYBOOK": env.bool("STUDIO_STORYBOOK", default=True),
            "MODELS_FILE": Path(env("STUDIO_LOCAL_MODELS", default=str(DATA_DIR / "models.toml"))),
            "DATA_DIR": DATA_DIR / "diffusers",
            "MAX_LOADED": env("STUDIO_LOCAL_MODELS_LOADED", default="2"),
            "THREADS": env.int("STUDIO_LOCAL_THREADS", default=0) or None,
        },
    },
    "stability": {
        "BACKEND": "studio.backends.stability.StabilityBackend",
        "OPTIONS": {
            "ENABLED": bool(STABILITY_API_KEY),
            "API_KEYS": STABILITY_API_KEY,
            "API_HOST": STABILITY_API_HOST,
            "ORGANIZATION": STABILITY_ORGANIZATION,
            "REDIS_URL": REDIS_URL,
            # No USER_ID: who of the team asked for a picture is none of the provider's business.
            "CLIENT_VERSION": VERSION,
        },
    },
    "null": {"BACKEND": "studio.backends.null.NullBackend", "OPTIONS": {"ENABLED": env.bool("STUDIO_NULL_ENGINE", default=False)}},
}

# --- the queue -------------------------------------------------------------------------------------------------------
CELERY_BROKER_URL = env("CELERY_BROKER_URL", default=REDIS_URL)
"""What carries rings and chores between machines: Redis or RabbitMQ; `studio/celery.py` has everything else that Celery is told."""
DOORBELL = env("STUDIO_DOORBELL", default=f"studio.generation.dispatch.{'local.LocalDoorbell' if EMBEDDED else 'broker.BrokerDoorbell'}")
JOB_LEASE_SECONDS = env.float("STUDIO_JOB_LEASE_SECONDS", default=30)
JOB_HEARTBEAT_SECONDS = env.float("STUDIO_JOB_HEARTBEAT_SECONDS", default=10)
WORKER_HUNG_SECONDS = max(120.0, 4 * JOB_HEARTBEAT_SECONDS)
"""A worker that has not written a heartbeat for so long, while the database answers, is ended by `manage.py up` and started anew."""
JOB_SWEEP_SECONDS = env.float("STUDIO_JOB_SWEEP_SECONDS", default=5)
JOB_MAX_ATTEMPTS = 3
JOB_SECONDS = env.float("STUDIO_JOB_SECONDS", default=3600)
"""How long one attempt at a job may take; then it is stopped, and failed. 0: as long as it likes."""
STOP_SECONDS = env.float("STUDIO_STOP_SECONDS", default=25)
"""How long a worker that is told to stop waits for a paid call that is out. A local run is given back to the queue at once."""
LOCAL_MEMORY_MB = env.int("STUDIO_LOCAL_MEMORY_MB", default=0)
"""Resident memory at which the local worker ends after its job, to be started anew; 0: no limit."""
MAX_OPEN_JOBS = env.int("STUDIO_MAX_OPEN_JOBS", default=50)
"""Waiting and running jobs that one person may have at a time, beside those of batches."""
MAX_BATCH = env.int("STUDIO_MAX_BATCH", default=500)
"""Rows that a batch may have, and rows of batches that one person may have waiting and running at a time."""
PREVIEW_ENGINES: list[str] = env.list("STUDIO_PREVIEW_ENGINES", default=["sd3.5-flash", "stable-image-core"])
"""Engines that show cheaply what another will make; of those that can, the one that costs least is offered. Names that no engine has are
passed over."""
SUBMIT_RATE = env("STUDIO_SUBMIT_RATE", default="60/minute")
API_PATHS = ("/api/v1/", "/v1/", "/v2beta/", "/v2alpha/")
"""Where programs ask: no sessions, no cookies, no redirects there."""
API_RATE = env("STUDIO_API_RATE", default="600/minute")
"""Requests of one key, where the plan of its team does not say how many it may send."""
API_BURST = env("STUDIO_API_BURST", default="150/10 seconds")
"""Requests of one key on the paths of the Stability API; then it is refused for `API_BURST_PAUSE` seconds (API.md 1.6)."""
API_BURST_PAUSE = env.int("STUDIO_API_BURST_PAUSE", default=60)
API_ANSWER_SECONDS = env.int("STUDIO_API_ANSWER_SECONDS", default=240)
"""So long a program that asked on those paths waits for the result; then it is told that the work goes on. The web process ends a request
after 300 s."""
MAX_UPLOAD_BYTES = env.int("STUDIO_MAX_UPLOAD_MB", default=25) * 1024 * 1024
MAX_UPLOAD_PIXELS = env.int("STUDIO_MAX_UPLOAD_MEGAPIXELS", default=50) * 1_000_000
TRASH_DAYS = env.int("STUDIO_TRASH_DAYS", default=30)
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 600  # 500 chosen pictures, and what is to be done with them
DATA_UPLOAD_MAX_NUMBER_FILES = 20

# --- security --------------------------------------------------------------------------------------------------------
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = BEHIND_TLS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_SSL_REDIRECT = BEHIND_TLS
STUDIO_HSTS_SECONDS = env.int("STUDIO_HSTS_SECONDS", default=31_536_000)
SECURE_HSTS_SECONDS = STUDIO_HSTS_SECONDS if BEHIND_TLS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = env.bool("STUDIO_HSTS_SUBDOMAINS", default=True) and BEHIND_TLS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"
_socket = STUDIO_URL.replace("http", "ws", 1)
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "font-src": [SELF],
        "img-src": [SELF, "blob:", "data:", *_shown_from],
        "media-src": [SELF, *_shown_from],
        "connect-src": [SELF, _socket],
        "form-action": [SELF],  # Checkout is reached over a page of our own (accounts.middleware.WayOutMiddleware)
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "manifest-src": [SELF],
    }
}
PERMISSIONS_POLICY: dict[str, list[str]] = {
    name: [] for name in ("camera", "microphone", "geolocation", "payment", "usb", "display-capture", "browsing-topics")
}
METRICS_TOKEN = env("STUDIO_METRICS_TOKEN", default="")

# --- errors and traces (studio/telemetry) ----------------------------------------------------------------------------
SENTRY_DSN = env("SENTRY_DSN", default="")
SENTRY_ENVIRONMENT = env("STUDIO_SENTRY_ENVIRONMENT", default="production")
SENTRY_TRACES = env.float("STUDIO_SENTRY_TRACES", default=0)
"""The part of all requests whose times are told to Sentry, from 0 to 1."""
OTEL_ENDPOINT = env("OTEL_EXPORTER_OTLP_ENDPOINT", default="")
"""Address of a collector; how it is spoken to is read by the library from the other variables of the standard (`OTEL_…`)."""

# --- language, time, logs --------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
USE_I18N = True
TIME_ZONE = env.zone("STUDIO_TIME_ZONE", default="UTC")
USE_TZ = True
LOG_FORMAT = env("STUDIO_LOG_FORMAT", default="line")
LOG_LEVEL = env("STUDIO_LOG_LEVEL", default="INFO")
LOGGING_CONFIG = "studio.logs.configure"
LOGGING: dict[str, object] = {"level": LOG_LEVEL, "format": LOG_FORMAT}
DJANGO_STRUCTLOG_STATUS_START_LOG_LEVEL = 10  # DEBUG: one line a request, when it is answered
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False
