"""What compose.yaml gives the proxy: exactly what its configuration asks for, and no more of the studio's files than it sends."""

from __future__ import annotations

import re

import yaml

from tests.docker.proxy import ROOT, TEMPLATE


def test_the_template_asks_for_what_compose_gives() -> None:
    given = set(yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text())["services"]["proxy"]["environment"])
    assert set(re.findall(r"\$\{(\w+)\}", TEMPLATE.read_text())) == given - {"NGINX_ENVSUBST_FILTER"}


def test_media_are_where_the_proxy_looks() -> None:
    """`STUDIO_FILES=accel` names files as the storage does, and the storage lies in the volume that the proxy has."""
    services = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text())["services"]
    assert services["proxy"]["environment"]["PROXY_MEDIA"] == "/data/media"
    assert "media:/data/media:ro" in services["proxy"]["volumes"]
    assert "media:/data/media" in services["web"]["volumes"]
