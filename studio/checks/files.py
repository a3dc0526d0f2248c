"""Rules for where pictures lie, and for how browsers get them. Nothing here asks the store: `/readyz` does."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib.util import find_spec
from urllib.parse import urlsplit

from django.conf import settings

from studio.checks.rule import Finding, Rule, one_of

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_LIKE = "Write it like s3://bucket or s3://bucket/prefix, or leave it out to keep pictures in the data folder."


def _storage() -> Finding | None:
    given = settings.DEFAULT_STORAGE
    if not given:
        return None
    if not settings.IN_S3:
        return f"DEFAULT_STORAGE is “{given.partition('@')[0][:40]}”, which is no storage that the studio knows.", _LIKE
    bucket, _, prefix = given.removeprefix("s3://").partition("/")
    if not bucket:
        return "DEFAULT_STORAGE names no bucket.", _LIKE
    if not _BUCKET.fullmatch(bucket):
        return f"DEFAULT_STORAGE: “{bucket[:70]}” cannot be the name of a bucket.", f"It has small letters, digits, “-” and “.”. {_LIKE}"
    if not re.fullmatch(r"[\w!.()'/-]*", prefix, re.ASCII) or ".." in prefix.split("/") or "//" in prefix:
        return "DEFAULT_STORAGE: what stands behind the bucket cannot begin a name.", f"Use letters, digits, “-”, “_” and “/”. {_LIKE}"
    return None


def _library() -> Finding | None:
    if settings.IN_S3 and not (find_spec("storages") and find_spec("boto3")):
        return "DEFAULT_STORAGE asks for a bucket, but the library for S3 is not installed.", "Install requirements/scaled.txt."
    return None


def _keys() -> Finding | None:
    """At AWS a machine may have a role, and needs none."""
    if settings.IN_S3 and bool(settings.AWS_ACCESS_KEY_ID) != bool(settings.AWS_SECRET_ACCESS_KEY):
        have, lack = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
        have, lack = (have, lack) if settings.AWS_ACCESS_KEY_ID else (lack, have)
        return (
            f"{have} is given without {lack}.",
            "Give both, as the store shows them; AWS_SECRET_ACCESS_KEY_FILE may name a file.",
        )
    if settings.IN_S3 and settings.STUDIO_S3_ENDPOINT and not settings.AWS_ACCESS_KEY_ID:
        return (
            "DEFAULT_STORAGE asks for a bucket of a store that is not AWS, and there is no key for it.",
            "Give AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, as the store shows them.",
        )
    return None


def _role() -> Finding | None:
    if settings.IN_S3 and not settings.STUDIO_S3_ENDPOINT and not (settings.AWS_ACCESS_KEY_ID or settings.AWS_SECRET_ACCESS_KEY):
        return (
            "DEFAULT_STORAGE asks for a bucket at AWS, and there is no key: the role of this machine has to let it in.",
            "Give the machine such a role, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
        )
    return None


def _address(name: str) -> Callable[[], Finding | None]:
    def find() -> Finding | None:
        given = getattr(settings, name)
        if not given:
            return None
        try:
            parts = urlsplit(given)
            has_host = bool(parts.hostname) and (parts.port is None or parts.port > 0)
        except ValueError:
            has_host = False
        if not has_host or parts.scheme not in ("http", "https") or parts.path or parts.query or parts.username:
            return f"{name} is not the address of a server.", "Write it like https://s3.example.org:9000: no bucket, path or key in it."
        if not settings.IN_S3:
            return f"{name} is given, but pictures lie in the data folder.", "Set DEFAULT_STORAGE to s3://bucket too, or leave it out."
        return None

    return find


def _region() -> Finding | None:
    if re.fullmatch(r"[a-z0-9-]{2,40}", settings.STUDIO_S3_REGION):
        return None
    return "STUDIO_S3_REGION is no name of a region.", "Write it as the store calls it, like eu-central-1."


def _ways() -> Finding | None:
    if settings.FILES == "signed" and not settings.IN_S3:
        return (
            "STUDIO_FILES is signed, but pictures lie in the data folder, which signs no addresses.",
            "Set DEFAULT_STORAGE to s3://bucket, or STUDIO_FILES to stream.",
        )
    if settings.FILES == "accel" and settings.IN_S3:
        return (
            "STUDIO_FILES is accel, but pictures lie in a bucket, where nginx does not find them.",
            "Set STUDIO_FILES to signed or stream.",
        )
    return None


def _proxy() -> Finding | None:
    """Without nginx, an answer is an empty file."""
    if settings.FILES == "accel" and settings.TRUSTED_PROXIES < 1:
        return (
            "STUDIO_FILES is accel, but STUDIO_TRUSTED_PROXIES says that no nginx stands in front: browsers would get empty files.",
            "Put nginx in front as docker/env.example says and set STUDIO_TRUSTED_PROXIES to 1, or STUDIO_FILES to stream.",
        )
    return None


def _mixed() -> Finding | None:
    """A page over TLS shows no pictures from a server without."""
    if settings.FILES == "signed" and settings.BEHIND_TLS and settings.S3_ORIGIN.startswith("http://"):
        return (
            f"STUDIO_FILES is signed, and browsers would be sent to {settings.S3_ORIGIN}, which has no TLS.",
            "Set STUDIO_S3_PUBLIC_ENDPOINT to an https:// address of the store, or STUDIO_FILES to stream.",
        )
    return None


RULES: tuple[Rule, ...] = (
    Rule("DEFAULT_STORAGE", _storage),
    Rule("DEFAULT_STORAGE", _library),
    Rule("AWS_ACCESS_KEY_ID", _keys),
    Rule("AWS_SECRET_ACCESS_KEY", _role, warning=True),
    Rule("STUDIO_S3_ENDPOINT", _address("STUDIO_S3_ENDPOINT")),
    Rule("STUDIO_S3_PUBLIC_ENDPOINT", _address("STUDIO_S3_PUBLIC_ENDPOINT")),
    Rule("STUDIO_S3_REGION", _region),
    one_of("STUDIO_FILES", lambda: settings.FILES, ("stream", "signed", "accel")),
    Rule("STUDIO_FILES", _ways),
    Rule("STUDIO_FILES", _proxy, warning=True),
    Rule("STUDIO_FILES", _mixed),
)
