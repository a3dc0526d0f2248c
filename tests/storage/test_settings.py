"""From the environment to a bucket: what `DEFAULT_STORAGE` makes of the settings, without asking the store."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.studio.test_environment import run_manage

KEYS = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "example"}
TELL = (
    "import json; from django.conf import settings as s; from django.core.files.storage import default_storage as d;"
    "print(json.dumps([d.url('one.png').split('?')[0], s.S3_ORIGIN,"
    " *(s.CONTENT_SECURITY_POLICY['DIRECTIVES'][n][1:] for n in ('img-src', 'media-src', 'connect-src'))]))"
)


@pytest.mark.parametrize(
    ("given", "address", "origin"),
    [
        (
            {"STUDIO_S3_ENDPOINT": "http://127.0.0.1:9/", "STUDIO_S3_PUBLIC_ENDPOINT": "https://files.example.org"},
            "https://files.example.org/atelier/a/b/one.png",
            "https://files.example.org",
        ),
        (
            {"STUDIO_S3_REGION": "eu-central-1"},
            "https://atelier.s3.eu-central-1.amazonaws.com/a/b/one.png",
            "https://atelier.s3.eu-central-1.amazonaws.com",
        ),
    ],
)
def test_pages_may_show_what_lies_in_the_bucket_and_nothing_else(tmp_path: Path, given: dict[str, str], address: str, origin: str) -> None:
    way = {"DEFAULT_STORAGE": "s3://atelier/a/b/", "STUDIO_FILES": "signed", **KEYS, **given}
    done = run_manage("shell", "--no-imports", "-c", TELL, data_dir=tmp_path, **way)

    assert done.returncode == 0, done.stderr
    url, told, images, media, connect = json.loads(done.stdout)
    assert (url, told) == (address, origin)
    assert (images, media) == (["blob:", "data:", origin], [origin])
    assert [one for one in connect if not one.startswith("ws")] == []
    assert "AKIAEXAMPLE" not in done.stderr
