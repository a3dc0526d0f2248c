"""One variable connects Stability's engines; without it there are none, and with it the key is in nothing that anybody reads."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as studio_settings
from django.test import Client

from accounts.models import User
from studio.backends import registry
from studio.processes import plan
from tests.studio.test_environment import ROOT, run_manage

CANARY = "sk-canary-0123456789abcdefghijklmnop"
OTHER = "sk-second-0123456789abcdefghijklmnop"
READ = "from django.conf import settings as s; import json; print(json.dumps(s.BACKENDS['stability']['OPTIONS']))"


def options(data_dir: Path, **variables: str) -> dict[str, Any]:
    done = run_manage("shell", "-v0", "--no-imports", "-c", READ, data_dir=data_dir, **variables)
    assert (done.returncode, done.stderr) == (0, "")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As with STABILITY_API_KEY in the environment; nothing answers there."""
    entry = studio_settings.BACKENDS["stability"]
    given = {**entry["OPTIONS"], "ENABLED": True, "API_KEYS": [CANARY], "API_HOST": "http://127.0.0.1:9"}
    monkeypatch.setattr(studio_settings, "BACKENDS", {**studio_settings.BACKENDS, "stability": {**entry, "OPTIONS": given}})
    registry.backend.cache_clear()
    yield
    registry.backend.cache_clear()


def test_keys_come_from_the_variable_or_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text(f"{CANARY}, {OTHER},\n")

    without = options(tmp_path / "data")
    one = options(tmp_path / "data", STABILITY_API_KEY=CANARY)
    given = {"STABILITY_API_HOST": "http://127.0.0.1:8686/", "STABILITY_ORGANIZATION": "org-1"}
    all_of_it = options(tmp_path / "data", STABILITY_API_KEY_FILE=str(tmp_path / "keys"), **given)

    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    usual = {"API_HOST": "https://api.stability.ai", "ORGANIZATION": "", "REDIS_URL": "", "CLIENT_VERSION": version}
    assert without == {**usual, "ENABLED": False, "API_KEYS": []}
    assert one == {**usual, "ENABLED": True, "API_KEYS": [CANARY]}
    assert all_of_it == {
        **usual,
        "ENABLED": True,
        "API_KEYS": [CANARY, OTHER],
        "API_HOST": "http://127.0.0.1:8686",
        "ORGANIZATION": "org-1",
    }


def test_calls_are_counted_in_redis_when_there_is_one(tmp_path: Path) -> None:
    given = {"REDIS_URL": "redis://127.0.0.1:6379/9", "STUDIO_SECRET_KEY": "x" * 50, "DATABASE_URL": "postgres://u@127.0.0.1/x"}

    assert options(tmp_path, STABILITY_API_KEY=CANARY, **given)["REDIS_URL"] == "redis://127.0.0.1:6379/9"


def test_what_check_says_holds_no_key(tmp_path: Path) -> None:
    good = run_manage("check", data_dir=tmp_path, STABILITY_API_KEY=f"{CANARY},{OTHER}")
    bad = run_manage("check", data_dir=tmp_path, STABILITY_API_KEY=f"{OTHER},{CANARY} {OTHER}", STABILITY_KEY=CANARY)

    assert (good.returncode, good.stderr) == (0, "")
    assert bad.returncode == 1
    assert "(studio.STABILITY_API_KEY) STABILITY_API_KEY: 1 of 2 holds characters that no key has." in bad.stderr
    assert "(studio.unknown) STABILITY_KEY is not read by the studio." in bad.stderr
    assert not re.search("canary|sk-second|0123456789", good.stdout + bad.stdout + bad.stderr)


def test_without_a_key_no_page_names_stability(alice: User, client_of: Any) -> None:
    client: Client = client_of(alice)
    for address in ("/create/", "/wallet/", "/library/"):
        page = client.get(address).content.decode()
        assert not re.search("Stability|Stable (Image|Diffusion|Audio)", page, re.IGNORECASE), address


def test_with_a_key_its_engines_are_on_create_with_their_prices(connected: None, alice: User, client_of: Any) -> None:
    create = client_of(alice).get("/create/?engine=stable-image-core").content.decode()
    wallet = client_of(alice).get("/wallet/").content.decode()

    assert "Stable Image Core" in create
    assert "Stable Image Core" in wallet
    assert CANARY not in create + wallet


def test_no_page_of_an_operator_shows_the_key(connected: None, alice: User, client_of: Any) -> None:
    User.objects.filter(pk=alice.pk).update(is_staff=True, is_superuser=True)
    client: Client = client_of(alice)
    index = client.get("/admin/").content.decode()
    addresses = {"/admin/", "/metrics", "/readyz", *re.findall(r'href="(/admin/[a-z]+/[a-z]+/)"', index)}
    pages = {address: client.get(address).content.decode() for address in addresses}

    assert len(pages) > 10
    assert [address for address, page in pages.items() if "canary" in page] == []


def test_an_error_page_for_developers_shows_no_key(connected: None, settings: Any, db: None) -> None:
    from django.views.debug import SafeExceptionReporterFilter

    shown = str(SafeExceptionReporterFilter().get_safe_settings()["BACKENDS"])

    assert "stable-image" not in shown
    assert "canary" not in shown
    assert "canary" not in repr(registry.backend("stability")) + str(vars(registry.backend("stability")._keys))


def test_up_starts_a_worker_for_it_and_none_without_a_key(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:

    null_off = {**studio_settings.BACKENDS, "null": {"BACKEND": "x", "OPTIONS": {"ENABLED": False}}}
    monkeypatch.setattr(studio_settings, "BACKENDS", null_off)
    monkeypatch.setattr(plan, "can_run_models", lambda: False)
    with socket.create_server(("127.0.0.1", 0)) as one:
        assert [program.name for program in plan.embedded([one], registry.enabled())] == ["web"]
        request.getfixturevalue("connected")
        programs = plan.embedded([one], registry.enabled())

    assert [(program.name, program.arguments[1:]) for program in programs[1:]] == [("remote", ("worker", "--queue", "stability"))]


def test_neither_import_nor_check_nor_the_list_of_engines_waits_for_the_network(tmp_path: Path) -> None:
    code = (
        "import socket\n"
        "def refuse(*words, **named): raise AssertionError('the network was asked')\n"
        "socket.getaddrinfo = socket.socket.connect = refuse\n"
        "import django; django.setup()\n"
        "from django.core.management import call_command; call_command('check')\n"
        "from studio.backends import registry\n"
        "import studio.asgi, studio.generation.worker.process\n"
        "registry.backend('stability')._start = lambda read: None\n"
        "print(len([one for one in registry.engines() if one.queue == 'stability']))\n"
    )
    given = {
        "STUDIO_DATA_DIR": str(tmp_path),
        "STUDIO_ENV_FILE": "/dev/null",
        "STABILITY_API_KEY": CANARY,
        "DJANGO_SETTINGS_MODULE": "studio.settings",
    }
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=given, capture_output=True, text=True, timeout=120, check=False)

    assert (done.returncode, done.stdout.splitlines()[-1:]) == (0, ["26"]), done.stderr
