"""Static files as a deployment serves them: collected, named after their content, compressed, and kept by browsers for ever."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as studio_settings
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.files.storage import storages
from django.core.management import call_command
from django.test import Client, override_settings
from django.utils.functional import empty

from accounts.models import User
from studio.staticfiles import ModuleManifestStorage
from studio.templatetags.icons import icon

HASHED = re.compile(r"/static/(.+)\.[0-9a-f]{12}\.(\w+)$")


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everything under static/, as `collectstatic` leaves it."""
    root = tmp_path_factory.mktemp("static")
    finders = ["django.contrib.staticfiles.finders.FileSystemFinder"]  # without the admin's hundred files
    kinds = {**studio_settings.STORAGES, "staticfiles": {"BACKEND": "studio.staticfiles.ModuleManifestStorage"}}
    with override_settings(STATIC_ROOT=root, STATICFILES_FINDERS=finders, STORAGES=kinds):
        call_command("collectstatic", interactive=False, verbosity=0)
    return root


@pytest.fixture
def served(collected: Path, settings: Any) -> ModuleManifestStorage:
    settings.STATIC_ROOT = collected
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": "studio.staticfiles.ModuleManifestStorage"}}
    storage = storages["staticfiles"]
    assert isinstance(storage, ModuleManifestStorage)
    return storage


def test_a_file_is_served_under_its_hash_compressed_and_for_ever(served: ModuleManifestStorage, db: None) -> None:
    address = served.url("css/studio.css")
    assert HASHED.match(address)

    response = Client().get(address, headers={"Accept-Encoding": "gzip"})
    body = b"".join(response.streaming_content)  # type: ignore[attr-defined]

    assert response.status_code == 200
    assert response["Content-Encoding"] == "gzip"
    assert response["Cache-Control"] == "max-age=315360000, public, immutable"
    assert gzip.decompress(body) == Path(served.path(address.removeprefix("/static/"))).read_bytes()


def test_modules_import_modules_by_their_hashed_names(served: ModuleManifestStorage, collected: Path) -> None:
    """An unhashed import inside a hashed module would leave the browser with yesterday's half."""
    unhashed = []
    for name, stored in served.hashed_files.items():
        if name.endswith(".js") and name.startswith("js/"):
            source = (collected / stored).read_text()
            imports = re.findall(r"""(?:^|[;\s}])(?:import|from)\s*["'](\.[^"']+)["']""", source)
            unhashed += [f"{name}: {one}" for one in imports if not re.search(r"\.[0-9a-f]{12}\.js$", one)]
    assert unhashed == []
    assert any(name.startswith("js/") for name in served.hashed_files)


def test_a_page_names_hashed_files_that_are_there(served: ModuleManifestStorage, collected: Path, alice: User, client_of: Any) -> None:
    staticfiles_storage._wrapped = served  # type: ignore[attr-defined]
    icon.cache_clear()
    try:
        html = client_of(alice).get("/wallet/").content.decode()
    finally:
        staticfiles_storage._wrapped = empty  # type: ignore[attr-defined]
        icon.cache_clear()

    addresses = re.findall(r"/static/[^\"'#?) ]+", html)
    assert len(addresses) > 5
    assert [address for address in addresses if not HASHED.match(address)] == []
    assert [address for address in addresses if not (collected / address.removeprefix("/static/")).is_file()] == []


def test_without_a_manifest_files_keep_their_names(settings: Any, tmp_path: Path) -> None:
    settings.STATIC_ROOT = tmp_path

    assert ModuleManifestStorage().url("css/studio.css") == "/static/css/studio.css"
