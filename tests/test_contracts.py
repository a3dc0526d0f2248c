"""What rooms, pages, deployments and bookmarks rely on, and what therefore does not change without a word in the CHANGELOG."""

from __future__ import annotations

import os
import re
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.core.management import get_commands
from django.urls import resolve, reverse

ROOT = Path(__file__).resolve().parents[1]
ID = "0199f0a0-0000-7000-8000-000000000001"
CORES, SPREAD = os.sysconf("SC_NPROCESSORS_ONLN"), "--maxprocesses=4 --dist=loadfile --no-loadscope-reorder"

ADDRESSES: dict[str, tuple[str, dict[str, Any]]] = {
    "home": ("/", {}),
    "welcome": ("/welcome/", {}),
    "create": ("/create/", {}),
    "create_form": ("/create/form/", {}),
    "create_quote": ("/create/quote/", {}),
    "create_templates": ("/create/templates/", {}),
    "prompt_history": ("/create/history/", {}),
    "job": (f"/jobs/{ID}/", {"job_id": ID}),
    "job_stage": (f"/jobs/{ID}/stage/", {"job_id": ID}),
    "job_cancel": (f"/jobs/{ID}/cancel/", {"job_id": ID}),
    "job_retry": (f"/jobs/{ID}/retry/", {"job_id": ID}),
    "job_preview": (f"/jobs/{ID}/preview/7.jpg", {"job_id": ID, "step": 7}),
    "input_upload": ("/inputs/", {}),
    "input_file": (f"/inputs/{ID}/", {"input_id": ID}),
    "input_read": ("/inputs/read/", {}),
    "library": ("/library/", {}),
    "picture": (f"/pictures/{ID}/", {"artifact_id": ID}),
    "picture_file": (f"/pictures/{ID}/thumb", {"artifact_id": ID, "variant": "thumb"}),
    "picture_download": (f"/pictures/{ID}/download/", {"artifact_id": ID}),
    "picture_delete": (f"/pictures/{ID}/delete/", {"artifact_id": ID}),
    "picture_restore": (f"/pictures/{ID}/restore/", {"artifact_id": ID}),
    "galleries": ("/galleries/", {}),
    "gallery": (f"/galleries/{ID}/", {"gallery_id": ID}),
    "review": ("/review/", {}),
    "shared": ("/s/a-token/", {"token": "a-token"}),
    "shared_picture": (f"/s/a-token/{ID}/", {"token": "a-token", "artifact_id": ID}),
    "shared_file": (f"/s/a-token/{ID}/large", {"token": "a-token", "artifact_id": ID, "variant": "large"}),
    "public_gallery": (f"/public/{ID}/", {"gallery_id": ID}),
    "public_picture": (f"/public/{ID}/{ID}/", {"gallery_id": ID, "artifact_id": ID}),
    "public_file": (f"/public/{ID}/{ID}/large", {"gallery_id": ID, "artifact_id": ID, "variant": "large"}),
    "picture_mark": (f"/pictures/{ID}/mark/", {"artifact_id": ID}),
    "picture_difference_choice": (f"/pictures/{ID}/difference/", {"artifact_id": ID}),
    "picture_difference": (f"/pictures/{ID}/difference/{ID}/", {"artifact_id": ID, "other_id": ID}),
    "picture_compare_choice": (f"/pictures/{ID}/compare/", {"artifact_id": ID}),
    "picture_compare": (f"/pictures/{ID}/compare/{ID}/", {"artifact_id": ID, "other_id": ID}),
    "picture_talk": (f"/pictures/{ID}/talk/", {"artifact_id": ID}),
    "comment_change": (f"/comments/{ID}/", {"comment_id": ID}),
    "comment_delete": (f"/comments/{ID}/delete/", {"comment_id": ID}),
    "notices": ("/notices/", {}),
    "notices_read": ("/notices/read/", {}),
    "notice_open": (f"/notices/{ID}/", {"notice_id": ID}),
    "wallet": ("/wallet/", {}),
    "budgets": ("/wallet/budgets/", {}),
    "budget_request": ("/wallet/budgets/requests/7/", {"request_id": 7}),
    "account": ("/account/", {}),
    "invitation": ("/invitations/a-token/", {"token": "a-token"}),
    "account_login": ("/accounts/login/", {}),
    "admin:index": ("/admin/", {}),
}

FRAGMENTS: dict[str, str] = {
    "generation/_job_card.html": "job-{{ job.id }}",
    "generation/_job_progress.html": "job-{{ job.id }}-progress",
    "generation/_stage.html": "stage",
    "generation/_stage_body.html": "stage-{{ job.id }}",
    "generation/_stage_progress.html": "stage-{{ job.id }}-progress",
    "generation/_feed.html": "feed",
    "generation/_panel.html": "panel",
    "generation/_price.html": "price",
    "billing/_balance.html": "balance",
    "_running.html": "running",
    "_bell.html": "bell",
    "galleries/_mark.html": "mark",
    "galleries/_difference.html": "difference",
    "galleries/_talk_list.html": "talk-list",
    "galleries/_talk_form.html": "talk-form",
    "galleries/_talk_pulse.html": "talk-pulse-{{ artifact_id }}",
    "galleries/_compare_found.html": "compare-found",
}
"""Template -> the id of its one root element: page, view and socket put it into each other's places by it."""

COMMANDS = {"up", "web", "worker", "verify_ledger", "reconcile_provider"}


@pytest.mark.parametrize("name", ADDRESSES)
def test_an_address_stays(name: str) -> None:
    address, words = ADDRESSES[name]

    assert reverse(name, kwargs=words) == address
    assert resolve(address).view_name == name


def test_the_operator_s_commands_stay() -> None:
    assert set(get_commands()) >= COMMANDS


class Roots(HTMLParser):
    """The start tags at the top level of a fragment."""

    VOID = frozenset({"input", "img", "br", "hr", "link", "meta", "source", "col", "wbr", "use", "path", "circle", "rect"})

    def __init__(self, source: str) -> None:
        super().__init__()
        self.depth = 0
        self.roots: list[dict[str, str | None]] = []
        plain = re.sub(r"\{#.*?#\}|\{% comment %\}.*?\{% endcomment %\}", "", source, flags=re.DOTALL)
        self.feed(re.sub(r"\{%.*?%\}", "", plain, flags=re.DOTALL))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self.depth == 0:
            self.roots.append(dict(attrs))
        if tag not in self.VOID:
            self.depth += 1

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self.depth == 0:
            self.roots.append(dict(attrs))

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            self.depth -= 1


@pytest.mark.parametrize("name", FRAGMENTS)
def test_a_fragment_has_one_root_that_is_known_by_its_id(name: str) -> None:
    roots = Roots((ROOT / "templates" / name).read_text()).roots

    assert [re.sub(r"\{\{ *| *\}\}", "", str(root.get("id"))) for root in roots] == [re.sub(r"\{\{ *| *\}\}", "", FRAGMENTS[name])]


# --- the image -------------------------------------------------------------------------------------------------------


def compose() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text())
    return found


def branches() -> dict[str, str]:
    """The entrypoint's words and what each of them runs."""
    script = (ROOT / "docker" / "entrypoint").read_text()
    return dict(re.findall(r"^(\w+)\) #.*?\n(.*?)^  ;;", script, re.DOTALL | re.MULTILINE))


def ours() -> dict[str, dict[str, Any]]:
    """The services that run our image."""
    image = f"atelier:{settings.VERSION}"
    return {name: service for name, service in compose()["services"].items() if service["image"] == image}


def test_every_service_of_ours_runs_a_command_that_exists() -> None:
    words = {name: service["command"] for name, service in ours().items() if "entrypoint" not in service}

    assert words == {
        "migrate": ["migrate"],
        "web": ["web"],
        "worker-stability": ["worker", "stability"],
        "worker-diffusers": ["worker", "diffusers"],
        "worker-diffusers-cpu": ["worker", "diffusers"],
        "beat": ["beat"],
    }
    assert {one[0] for one in words.values()} | {"up", "manage"} == set(branches())
    assert {one[1] for one in words.values() if len(one) > 1} <= set(settings.BACKENDS)
    scripts = {service["entrypoint"][0] for service in ours().values() if "entrypoint" in service}
    assert {name for name in scripts if not (ROOT / "docker" / name).is_file()} == {"mkdir"}


def test_every_service_is_pinned_hardened_and_watched() -> None:
    services = compose()["services"]

    assert [name for name, one in services.items() if not re.search(r":v?\d+\.\d+", one["image"])] == []
    assert [name for name, one in services.items() if "no-new-privileges:true" not in one["security_opt"]] == []
    assert [name for name, one in services.items() if not one.get("read_only")] == ["db"]  # it changes to its own user itself
    watched = [name for name, one in services.items() if one.get("restart") == "unless-stopped"]
    # The site's own look is the image's.
    assert [name for name in watched if "healthcheck" not in services[name]] == ["web"]
    ends = [name for name, one in services.items() if one.get("restart") == "no"]
    assert sorted(ends + watched) == sorted(services)


def test_nothing_of_ours_starts_before_the_tables_are_there() -> None:
    long = {name: service for name, service in ours().items() if service["restart"] != "no"}

    assert len(long) == 5
    for service in long.values():
        assert service["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
        assert int(service["stop_grace_period"].removesuffix("s")) > settings.STOP_SECONDS + 10


def test_the_entrypoint_runs_commands_that_exist() -> None:
    asked = {word for body in branches().values() for word in re.findall(r"manage\.py (\w+)", body)}

    assert asked >= {"up", "web", "worker", "beat", "prepare_database"}
    assert asked <= set(get_commands())


def test_compose_sets_only_what_the_studio_knows() -> None:
    given = {name for service in ours().values() for name in service.get("environment", {})}

    assert given >= {"DATABASE_URL", "REDIS_URL", "STUDIO_DATA_DIR", "STUDIO_BIND", "STUDIO_PORT", "STUDIO_TRUSTED_PROXIES", "STUDIO_FILES"}
    assert given <= settings.ENVIRONMENT.names


def test_whatever_compose_asks_for_is_explained() -> None:
    asked = set(re.findall(r"\$\{(\w+)", (ROOT / "docker" / "compose.yaml").read_text()))
    explained = set(re.findall(r"^# ?([A-Z][A-Z0-9_]+)=", (ROOT / "docker" / "env.example").read_text(), re.MULTILINE))

    assert asked - explained == set()
    # .env is handed to the studio too, which stops at names of its own kind that it does not know.
    assert {name for name in asked - settings.ENVIRONMENT.names if name.startswith("STUDIO_")} == set()


def test_the_image_holds_all_that_the_studio_needs() -> None:
    """`.dockerignore` lets in what it names, and the Dockerfile copies it."""
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copies = re.findall(r"^COPY (?!--from)(.*) \S+$", (ROOT / "docker" / "Dockerfile").read_text(), re.MULTILINE)
    copied = {word.rstrip("/") for words in copies for word in words.split()}

    assert copied == let_in
    assert {name for name in let_in if not (ROOT / name).exists()} == set()
    assert {"accounts", "billing", "studio", "static", "templates", "manage.py"} <= let_in


def test_the_entrypoint_refuses_a_word_that_it_does_not_know() -> None:
    done = subprocess.run(["sh", str(ROOT / "docker" / "entrypoint"), "wbe"], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Unknown command 'wbe'. Choose one of: up, ")
    assert set(branches()) <= set(re.findall(r"\w+", done.stderr))


# --- the commands of a person ----------------------------------------------------------------------------------------


def test_make_names_every_command_of_the_readme() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    asked = set(re.findall(r"`make ([a-z-]+)", (ROOT / "README.md").read_text() + (ROOT / "CONTRIBUTING.md").read_text()))

    assert {"run", "test", "test-browser", "check", "bench", "format", "worker", "screenshots", "lock", "clean"} <= targets
    assert {"run", "test", "check", "bench"} <= asked <= targets


def test_locks_hold_hashes_and_no_address() -> None:
    for name in ("core", "local", "scaled", "dev"):
        lock = (ROOT / "requirements" / f"{name}.txt").read_text()
        pins = re.findall(r"^[a-z0-9][a-z0-9._-]*==", lock, re.MULTILINE)
        assert "://" not in lock
        assert len(pins) > 40
        assert lock.count("--hash=sha256:") >= len(pins)
        assert not re.search(r"^(torch|nvidia-|cuda-|triton)", lock, re.MULTILINE)


@pytest.mark.parametrize("name", ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"])
def test_a_document_links_to_what_is_there(name: str) -> None:
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", (ROOT / name).read_text())

    assert [link for link in links if "://" not in link and not (ROOT / link).exists()] == []


@pytest.mark.parametrize(
    ("words", "runs"),
    [
        (["run"], "manage.py up"),
        (["run", "PORT=0"], "manage.py up --port 0"),
        (["scaled", "PORT=0", "ARGS=--web 4"], "-m studio.processes.services up --port 0 --web 4"),
        (["restart"], "-m studio.processes.services restart"),
        (["worker"], "manage.py worker --queue diffusers"),
        (["worker", "QUEUE=null other", "ARGS=--threads 2"], "manage.py worker --queue null --queue other --threads 2"),
        (
            ["test", "ARGS=tests/billing -x"],
            f'-m pytest -m "not browser" --numprocesses={CORES + 1} {SPREAD} tests/billing -x',
        ),
        (["test", "WORKERS=0"], f'-m pytest -m "not browser" --numprocesses=0 {SPREAD}'),
    ],
)
def test_make_hands_on_what_it_is_given(words: list[str], runs: str) -> None:
    clean = {"PATH": os.environ["PATH"]}  # this very run may have been started by make, with words of its own
    done = subprocess.run(["make", "--no-print-directory", "-n", *words], cwd=ROOT, env=clean, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].strip().endswith(f".venv/bin/python {runs}")
