"""The page of the API: everything of the document, found by words, with examples that can be run as they stand."""

from __future__ import annotations

import ast
import json
import re
import shlex
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.test import Client

from accounts.models import Team, User
from studio.api import samples
from studio.api.docs import book
from studio.api.document import document, operations
from studio.api.templatetags.api_docs import coded

BASE = "http://testserver"
Makes = Callable[..., Any]


def words_of(curl: str) -> tuple[str, str, str]:
    """Method, address and body of a command."""
    words = shlex.split(curl.replace("\\\n", " "))
    assert words[0] == "curl"
    method = words[words.index("-X") + 1] if "-X" in words else "GET"
    body = words[words.index("-d") + 1] if "-d" in words else ""
    return method, next(word for word in words if word.startswith("http")), body


@pytest.mark.django_db
def test_it_shows_every_operation_object_and_problem(client: Client, alice: User) -> None:
    """To anybody, at an address of its own each."""
    html = client.get("/api/v1/docs").content.decode()
    told = document(BASE)
    for one in operations(told):
        assert f'<article class="operation" id="{one["operationId"]}"' in html
        assert f'href="#{one["operationId"]}"' in html
    for name in told["components"]["schemas"]:
        assert f'id="object-{name}"' in html
    for name in ("insufficient_credits", "scope_missing", "idempotency_conflict"):
        assert f"<code>{name}</code>" in html
    ids = re.findall(r'\sid="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', html)) <= set(ids)


@pytest.mark.django_db
def test_it_is_the_studio_around_it_for_whoever_is_signed_in(client: Client, alice: User) -> None:
    """With their theme; somebody else may sign in from here. Nothing of a team is in the page."""
    assert "Sign in" in client.get("/api/v1/docs").content.decode()
    client.cookies["theme"] = "light"
    assert 'data-theme="light"' in client.get("/api/v1/docs").content.decode()
    User.objects.filter(pk=alice.pk).update(theme="dark")
    client.force_login(alice)
    answer = client.get("/api/v1/docs")
    html = answer.content.decode()
    assert 'data-theme="dark"' in html
    assert "/library/" in html
    assert "script-src 'self'" in answer["Content-Security-Policy"]


@pytest.mark.django_db
def test_it_is_searched_without_a_script(client: Client, alice: User) -> None:
    def shown(query: str) -> list[str]:
        return re.findall(r'<article class="operation" id="([^"]+)"', client.get("/api/v1/docs", {"q": query}).content.decode())

    assert shown("post trash") == ["library_trash_several"]
    assert shown("wallet usage") == ["wallet_usage"]
    assert set(shown("webhooks")) == {one.id for chapter in book(BASE).chapters for one in chapter.operations if "webhooks" in one.words}
    assert shown("nothing like it") == []
    page = client.get("/api/v1/docs", {"q": "<b>nothing"}).content.decode()
    assert "&lt;b&gt;nothing" in page
    assert "<b>nothing" not in page


def test_samples_name_this_studio_and_can_be_read() -> None:
    """Every curl command is one, every Python program compiles, and all three send what the document has as its example."""
    told = document(BASE)
    bodies = {
        one["operationId"]: media["example"]
        for one in operations(told)
        for kind, media in one.get("requestBody", {}).get("content", {}).items()
        if kind == "application/json"
    }
    shown = [one for chapter in book(BASE).chapters for one in chapter.operations]
    assert len(shown) == len(list(operations(told)))
    for one in shown:
        assert [sample.language for sample in one.samples] == ["curl", "python", "javascript"]
        curl, python, javascript = (sample.code for sample in one.samples)
        method, address, body = words_of(curl)
        assert (method, address.startswith(f"{BASE}/api/v1/")) == (one.method, True)
        assert "{" not in address
        assert {address} == {found for code in (python, javascript) for found in re.findall(r'"(http://testserver[^"]+)"', code)}
        call = next(node for node in ast.walk(ast.parse(python)) if isinstance(node, ast.Call) and "requests." in ast.unparse(node.func))
        assert ast.unparse(call.func) == f"requests.{method.lower()}"
        if one.id in bodies:
            sent = {name: value for name, value in bodies[one.id].items() if value not in (None, "", [], {})}
            assert json.loads(body) == sent
            assert next(ast.literal_eval(word.value) for word in call.keywords if word.arg == "json") == sent
            assert json.loads(re.search(r"JSON\.stringify\((\{.*\})\),", javascript, re.DOTALL)[1]) == sent  # type: ignore[index]


@pytest.mark.django_db
def test_samples_work_as_they_stand(alice: User, team: Team, program: Makes) -> None:
    """Whatever needs no id of something else answers with what was asked for."""
    robot, tried = program(alice), []
    for chapter in book(BASE).chapters:
        for one in chapter.operations:
            method, address, _ = words_of(one.samples[0].code)
            if method == "GET" and "{" not in one.path:
                answer = robot.get(address.removeprefix(BASE))
                assert answer.status_code == 200, (address, answer.content)
                tried.append(one.id)
    assert {"library_search", "galleries", "templates", "wallet", "wallet_entries", "wallet_usage", "webhooks", "list_jobs"} <= set(tried)


def test_a_sample_quotes_whatever_is_in_it() -> None:
    parameters = [{"name": "q", "in": "query", "required": True, "example": "it's $HOME & more"}]
    curl, python, _ = samples.of(BASE, "POST", "/api/v1/x", parameters, "application/json", {"text": 'it\'s "quoted" `here`'})
    assert words_of(curl.code)[2] == '{\n    "text": "it\'s \\"quoted\\" `here`"\n  }'
    assert "%24HOME+%26+more" in words_of(curl.code)[1]
    ast.parse(python.code)


def test_code_in_words_is_marked_and_nothing_else() -> None:
    assert coded("send `items` & <b>") == "send <code>items</code> &amp; &lt;b&gt;"
    assert unescape(coded("`a`")) == "<code>a</code>"
