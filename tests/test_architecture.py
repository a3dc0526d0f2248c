"""The arrows of the house, read from the imports (those inside functions too), and the rules that no reader can be asked to keep.

The tables of rooms and arrows are in `arrows.py`.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.arrows import DOORBELL, EVENTS, GROUND, MAY_IMPORT, MODELS, PAGES, ROOMS, SERVICES, SOCKET, WORKER

HERE = Path(__file__).resolve()
ROOT = HERE.parents[1]
OURS = ("accounts", "billing", "studio")
TRAINING = ROOT / "studio" / "backends" / "diffusers" / "storybook" / "training"
"""Scripts that made the shipped weights: run by hand, imported by nothing."""

ONLY_FOR_CARDS = {"studio.generation.cards", "studio.live.fragments"}
"""What a worker may take from the pages and the socket: a picture of progress is rendered once, by whoever sends it."""

TORCH = {"torch", "diffusers", "transformers", "accelerate", "safetensors", "numpy", "peft", "huggingface_hub", "tokenizers"}


# --- reading the tree ------------------------------------------------------------------------------------------------


@cache
def modules() -> dict[str, Path]:
    """Every module of the product by its dotted name, but for migrations and the training scripts."""
    found: dict[str, Path] = {}
    for top in OURS:
        for path in sorted((ROOT / top).rglob("*.py")):
            if "migrations" in path.parts or path.is_relative_to(TRAINING):
                continue
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def imported(name: str) -> Iterator[tuple[str, ast.stmt]]:
    """Everything that a module imports, anywhere in it: `a.b` for `import a.b`, `a.b.c` for `from a.b import c`."""
    for node in ast.walk(tree(modules()[name])):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}:{node.lineno} imports relatively; write the whole name"
            for alias in node.names:
                yield f"{node.module}.{alias.name}", node


def module_of(target: str) -> str:
    """The module in which an imported name lies."""
    while target not in modules():
        target = target.rpartition(".")[0]
        if not target:
            return ""
    return target


def room(name: str) -> str:
    while name and name not in ROOMS:
        name = name.rpartition(".")[0]
    return ROOMS.get(name, "")


def only_for_types(path: Path) -> set[ast.stmt]:
    """Statements under `if TYPE_CHECKING:`, which never run."""
    tests = [n for n in ast.walk(tree(path)) if isinstance(n, ast.If) and isinstance(n.test, ast.Name) and n.test.id == "TYPE_CHECKING"]
    return {inner for test in tests for inner in ast.walk(test) if isinstance(inner, ast.stmt)}


def inside_functions(path: Path) -> set[ast.stmt]:
    functions = [n for n in ast.walk(tree(path)) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    return {inner for function in functions for inner in ast.walk(function) if isinstance(inner, ast.stmt)}


def where(name: str, node: ast.stmt) -> str:
    return f"{modules()[name].relative_to(ROOT)}:{node.lineno}"


# --- arrows ----------------------------------------------------------------------------------------------------------


def test_every_module_has_a_room() -> None:
    assert [name for name in modules() if name != "studio" and not room(name)] == []


def test_every_room_is_lived_in() -> None:
    """A row for a module that is gone would allow what nobody needs."""
    assert [name for name in ROOMS if name not in modules() and name != "studio.management"] == []


def test_imports_follow_the_arrows() -> None:
    wrong = []
    for name in modules():
        for target, node in imported(name):
            aim = module_of(target) if target.split(".")[0] in OURS else ""
            if not aim or aim == "studio" or node in only_for_types(modules()[name]):
                continue
            here, there = room(name), room(aim)
            if there not in (here, GROUND) and there not in MAY_IMPORT[here]:
                wrong.append(f"{where(name, node)}: {here} may not import {there} ({target})")
    assert wrong == []


def test_a_worker_takes_only_the_cards_from_the_pages() -> None:
    wrong = []
    for name in modules():
        if room(name) != WORKER:
            continue
        for target, node in imported(name):
            aim = module_of(target) if target.split(".")[0] in OURS else ""
            if room(aim) in (PAGES, SOCKET) and aim not in ONLY_FOR_CARDS:
                wrong.append(f"{where(name, node)}: {target}")
    assert wrong == []


@pytest.mark.parametrize(
    ("rooms", "forbidden", "why"),
    [
        ({SERVICES, WORKER, DOORBELL, MODELS, "backends"}, ("django.http", "django.shortcuts"), "knows no requests and no pages"),
        ({"backends"}, ("django.db", "django.core", "django.apps"), "knows no database and no app"),
        ({EVENTS, GROUND}, ("django.db",), "knows no rows"),
        ({"accounts", "billing"}, ("channels", "httpx", "PIL"), "has never heard of pictures and sockets"),
    ],
)
def test_forbidden_by_name(rooms: set[str], forbidden: tuple[str, ...], why: str) -> None:
    wrong = [
        f"{where(name, node)}: {room(name)} {why} ({target})"
        for name in modules()
        if room(name) in rooms
        for target, node in imported(name)
        if target.startswith(tuple(f"{one}." for one in forbidden)) or target in forbidden
    ]
    assert wrong == []


def test_billing_services_know_no_requests() -> None:
    wrong = [
        where(name, node)
        for name in modules()
        if name.startswith("billing.services") or name == "billing.models"
        for target, node in imported(name)
        if target.startswith(("django.http", "django.shortcuts"))
    ]
    assert wrong == []


def test_django_is_known_to_the_registry_alone_among_the_backends() -> None:
    users = {name for name in modules() if room(name) == "backends" for target, _ in imported(name) if target.split(".")[0] == "django"}
    assert users == {"studio.backends.registry"}


def test_torch_is_imported_inside_functions_of_the_diffusers_backend_only() -> None:
    wrong = []
    for name, path in modules().items():
        for target, node in imported(name):
            if target.split(".")[0] not in TORCH or node in only_for_types(path):
                continue
            if not name.startswith("studio.backends.diffusers") or node not in inside_functions(path):
                wrong.append(f"{where(name, node)}: {target}")
    assert wrong == []


def test_the_web_process_does_not_load_torch(tmp_path: Path) -> None:
    code = (
        "import sys, studio.asgi\n"
        "from django.urls import get_resolver\n"
        "from studio.backends import registry\n"
        "get_resolver().url_patterns; registry.engines()\n"
        f"print(sorted({TORCH!r} & set(sys.modules)))"
    )
    given = {"PATH": os.environ["PATH"], "STUDIO_ENV_FILE": os.devnull, "STUDIO_DATA_DIR": str(tmp_path)}
    given |= {"DJANGO_SETTINGS_MODULE": "studio.settings"}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=given, capture_output=True, text=True, timeout=120, check=False)

    assert (done.stdout, done.returncode) == ("[]\n", 0), done.stderr


def test_training_is_imported_by_nothing() -> None:
    wrong = [where(name, node) for name in modules() for target, node in imported(name) if ".storybook.training" in target]
    assert wrong == []


def test_no_django_signals() -> None:
    wrong = [
        where(name, node)
        for name in modules()
        for target, node in imported(name)
        if target.startswith("django.dispatch") or ".signals" in target
    ]
    assert wrong == []


# --- size and names --------------------------------------------------------------------------------------------------


def sources() -> list[Path]:
    return [path for top in (*OURS, "tests") for path in sorted((ROOT / top).rglob("*.py")) if "migrations" not in path.parts]


def test_no_room_without_a_noun() -> None:
    assert [str(path.relative_to(ROOT)) for path in sources() if path.stem in ("utils", "helpers")] == []


def test_no_module_is_longer_than_500_lines() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in sources()}
    assert {name: length for name, length in lengths.items() if length > 500} == {}


def test_no_function_is_longer_than_70_lines() -> None:
    long = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name} ({node.end_lineno - node.lineno + 1})"
        for path in sources()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (node.end_lineno or 0) - node.lineno >= 70
    ]
    assert long == []


def test_nothing_is_left_for_later() -> None:
    marks = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|raise NotImplementedError")
    assert [str(path.relative_to(ROOT)) for path in sources() if path != HERE and marks.search(path.read_text())] == []


def test_no_test_is_skipped_or_expected_to_fail() -> None:
    marks = re.compile(r"pytest\.mark\.(skip|skipif|xfail)\b|pytest\.(skip|xfail|importorskip)\(|assert True\b")
    assert [str(path.relative_to(ROOT)) for path in (ROOT / "tests").rglob("*.py") if path != HERE and marks.search(path.read_text())] == []


def test_no_test_stops_the_clock_of_every_thread() -> None:
    """A loop that asks for its time just then sleeps until the machine has been up as long again (`tests/clock.py` is the way)."""
    stops = re.compile(r"""\btime(, "|\.)(sleep|monotonic)",""")
    assert [str(path.relative_to(ROOT)) for path in (ROOT / "tests").rglob("*.py") if stops.search(path.read_text())] == []


# --- templates and what they load ------------------------------------------------------------------------------------


class Tags(HTMLParser):
    """Collects start tags and the text inside script and style."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        plain = re.sub(r"\{#.*?#\}|\{% comment %\}.*?\{% endcomment %\}", "", source, flags=re.DOTALL)
        plain = re.sub(r"\{\{.*?\}\}", "x", plain, flags=re.DOTALL)
        self.feed(re.sub(r"\{%.*?%\}", " ", plain, flags=re.DOTALL))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))


def templates() -> list[Path]:
    return sorted((ROOT / "templates").rglob("*.html"))


MAIL_LAYOUT = ROOT / "templates" / "mail" / "layout.html"


@pytest.mark.parametrize("path", templates(), ids=lambda path: str(path.relative_to(ROOT / "templates")))
def test_a_template_keeps_the_content_security_policy(path: Path) -> None:
    """No script, style or handler of its own, and nothing from another host: the policy would block it, in silence.

    The layout of mails has a style of its own: no policy of ours reaches a program for mail, and it reads no file of ours.
    """
    wrong = []
    for tag, attributes in Tags(path.read_text()).tags:
        if (tag == "style" and path != MAIL_LAYOUT) or (
            tag == "script" and not attributes.get("src") and attributes.get("type") != "application/json"
        ):
            wrong.append(f"<{tag}> with its own content")
        wrong += [f"<{tag} {name}=…>" for name in attributes if name == "style" or re.fullmatch(r"on[a-z]+", name)]
        wrong += [f"<{tag} {name}=…>" for name in attributes if name.startswith("hx-on")]
        for name in ("src", "srcset", "href", "action", "formaction", "poster", "data", "hx-get", "hx-post", "hx-ws:connect"):
            address = attributes.get(name, "")
            if not address.startswith("data:image/") and re.search(r"(https?|wss?):|^//|javascript:", address):
                wrong.append(f"<{tag} {name}={address}>")
    assert wrong == []


def test_a_page_takes_nothing_from_the_mails() -> None:
    """Else the style of their layout would stand in a page, where the policy blocks it."""
    taken = re.compile(r"""["']mail/""")
    assert MAIL_LAYOUT.exists()
    assert [str(path) for path in templates() if path.parent != MAIL_LAYOUT.parent and taken.search(path.read_text())] == []


def test_styles_and_scripts_load_nothing_from_another_host() -> None:
    host = r"\s*\(?\s*[\"'`]?(https?:)?//"
    places = (r"\burl\(" + host, r"@import" + host, r"\b(from|import)" + host, r"\bfetch\(" + host)
    foreign = re.compile("|".join(places))
    files = [*(ROOT / "static" / "css").rglob("*.css"), *(ROOT / "static" / "js").rglob("*.js")]
    assert files
    assert [str(path.relative_to(ROOT)) for path in files if foreign.search(path.read_text())] == []
