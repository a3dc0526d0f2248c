"""How a request is written in curl, Python and JavaScript, with this studio's address."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from pprint import pformat
from typing import Any, NamedTuple
from urllib.parse import urlencode

LANGUAGES = (("curl", "curl"), ("python", "Python"), ("javascript", "JavaScript"))
FILE = "boat.png"
SHOWN = 2
"""Parameters of an address that an example has, beside those that it needs."""
_LEAVE = {"cursor", "limit", "wait"}


class Sample(NamedTuple):
    """`language` is one of `LANGUAGES`, by its first name."""

    language: str
    title: str
    code: str


def of(base: str, method: str, path: str, parameters: Sequence[dict[str, Any]], media: str, body: Any) -> list[Sample]:
    """One for each language. `body` is an example of what is sent; of a form its fields."""
    address = path
    query: dict[str, Any] = {}
    for one in parameters:
        if one.get("in") == "path":
            address = address.replace(f"{{{one['name']}}}", str(one["example"]))
        elif one.get("in") == "query" and (one.get("required") or (one["name"] not in _LEAVE and len(query) < SHOWN)):
            example = one.get("example")
            if example not in (None, "", False, []):
                query[one["name"]] = example[0] if isinstance(example, list) else "true" if example is True else example
    url = f"{base}{address}{'?' + urlencode(query) if query else ''}"
    fields = {name: value for name, value in (body or {}).items() if value not in (None, "", [], {})} if isinstance(body, dict) else {}
    once = any(one.get("name") == "Idempotency-Key" for one in parameters)
    write = (_curl, _python, _javascript)
    return [Sample(name, title, draw(method, url, media, fields, once)) for (name, title), draw in zip(LANGUAGES, write, strict=True)]


def start(base: str) -> list[Sample]:
    """The very first request that somebody tries."""
    return of(base, "GET", "/api/v1/engines", (), "", None)


def _curl(method: str, url: str, media: str, body: dict[str, Any], once: bool) -> str:
    lines = [f"curl {'' if method == 'GET' else f'-X {method} '}{shlex.quote(url)}", '-H "Authorization: Bearer $ATELIER_KEY"']
    if once:
        lines.append('-H "Idempotency-Key: $(uuidgen)"')
    if media == "multipart/form-data":
        lines += [f"-F file=@{FILE}", *(f"-F {shlex.quote(f'{name}={_first(value)}')}" for name, value in body.items() if name != "file")]
    elif media:
        lines += ["-H 'Content-Type: application/json'", f"-d {shlex.quote(_json(body))}"]
    return " \\\n  ".join(lines)


def _python(method: str, url: str, media: str, body: dict[str, Any], once: bool) -> str:
    lines = ["import os", *(["import uuid"] if once else []), "", "import requests", ""]
    extra = ', "Idempotency-Key": str(uuid.uuid4())' if once else ""
    lines.append(f"answer = requests.{method.lower()}(")
    lines.append(f"    {json.dumps(url)},")
    lines.append(f'    headers={{"Authorization": f"Bearer {{os.environ[\'ATELIER_KEY\']}}"{extra}}},')
    if media == "multipart/form-data":
        lines.append(f'    files={{"file": open("{FILE}", "rb")}},')
        if others := {name: value for name, value in body.items() if name != "file"}:
            lines.append(f"    data={others!r},")
    elif media:
        lines.append(f"    json={pformat(body, width=72, sort_dicts=False).replace(chr(10), chr(10) + ' ' * 9)},")
    return "\n".join([*lines, ")", "answer.raise_for_status()", "print(answer.json())"])


def _javascript(method: str, url: str, media: str, body: dict[str, Any], once: bool) -> str:
    head = ["Authorization: `Bearer ${process.env.ATELIER_KEY}`"]
    before: list[str] = []
    sent = ""
    if once:
        head.append('"Idempotency-Key": crypto.randomUUID()')
    if media == "multipart/form-data":
        before = ["const form = new FormData();", f'form.append("file", await fs.openAsBlob("{FILE}"), "{FILE}");']
        before += [f"form.append({json.dumps(name)}, {json.dumps(str(_first(value)))});" for name, value in body.items() if name != "file"]
        before.insert(0, 'import fs from "node:fs";\n')
        sent = "  body: form,\n"
    elif media:
        head.append('"Content-Type": "application/json"')
        sent = f"  body: JSON.stringify({_json(body)}),\n"
    way = "" if method == "GET" else f'  method: "{method}",\n'
    lines = [*before, f"const answer = await fetch({json.dumps(url)}, {{\n{way}  headers: {{ {', '.join(head)} }},\n{sent}}});"]
    return "\n".join([*lines, "if (!answer.ok) throw new Error((await answer.json()).detail);", "console.log(await answer.json());"])


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list) and value else value


def _json(body: dict[str, Any]) -> str:
    """On a few lines, the parts of its parts on one."""
    lines = ",\n".join(f"    {json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}" for name, value in body.items())
    return f"{{\n{lines}\n  }}" if body else "{}"
