"""The provider's OpenAPI files, read by the tests: what a request may look like, and what a setting may be."""

from __future__ import annotations

import io
import json
import re
import wave
from email.message import Message
from email.parser import BytesParser
from functools import cache
from pathlib import Path
from typing import Any

import httpx
from jsonschema import Draft7Validator
from PIL import Image

FILES = Path(__file__).resolve().parents[3] / "studio" / "api" / "stability"
DISAGREEMENTS = {
    # API.md 2.6: "lists `prompt` as required for erase although it has no such field; the live server does not ask for it".
    ("/v2beta/stable-image/edit/erase", "required"): ["prompt"],
}
"""Where API.md tells better than the OpenAPI files; the comments in the engines say why it was followed."""

Json = dict[str, Any]


@cache
def document(family: str) -> Json:
    found: Json = json.loads((FILES / f"openapi-{family}.json").read_text())
    return found


def family_of(path: str) -> str:
    return "v1" if path.startswith("/v1/") else "v2beta"


def template_of(path: str) -> str:
    """The path as the document writes it, for the address of a request."""
    for template in document(family_of(path))["paths"]:
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path):
            return str(template)
    raise AssertionError(f"{path} is not in the contract")


def operation(method: str, path: str) -> Json:
    found: Json = document(family_of(path))["paths"][template_of(path)][method.lower()]
    return found


def resolved(family: str, schema: Json) -> Json:
    """A schema without `$ref` and `allOf`."""
    if "$ref" in schema:
        target: Any = document(family)
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        return resolved(family, target)
    merged = {key: value for key, value in schema.items() if key != "allOf"}
    for part in schema.get("allOf", []):
        for key, value in resolved(family, part).items():
            merged[key] = {**merged.get(key, {}), **value} if key == "properties" else value
    return merged


@cache
def body_schema(path: str) -> Json:
    """The request body of a POST, with every property resolved."""
    family = family_of(path)
    [content] = operation("POST", path)["requestBody"]["content"].values()
    schema = resolved(family, content["schema"])
    required = [name for name in schema.get("required", []) if name not in DISAGREEMENTS.get((path, "required"), [])]
    return {**schema, "required": required, "properties": {name: resolved(family, one) for name, one in schema["properties"].items()}}


def problems(request: httpx.Request) -> list[str]:
    """What the contract has against a request; empty when it may be sent."""
    wanted = operation(request.method, request.url.path)
    found = _header_problems(request, wanted)
    if request.method == "GET":
        return found
    schema = body_schema(request.url.path)
    if "application/json" in wanted["requestBody"]["content"]:
        body = json.loads(request.content)
        media = "application/json"
    else:
        body, more = form(request, schema)
        found += more
        media = "multipart/form-data"
    if request.headers["content-type"].partition(";")[0] != media or "charset" in request.headers["content-type"]:
        found.append(f"content-type: {request.headers['content-type']}")
    found += [f"{name}: unknown" for name in body.keys() - schema["properties"].keys()]
    validator = body_validator(request.url.path)
    found += [f"{'.'.join(map(str, error.path))}: {error.message}" for error in validator.iter_errors(body)]
    found += [f"{name}: empty" for name, value in body.items() if value == "" and name != "prompt"]
    return found


@cache
def body_validator(path: str) -> Draft7Validator:
    """The components ride along, so that what is left of `$ref` (inside arrays) finds its place."""
    schema = body_schema(path)
    loose = {**schema, "properties": {name: _loosened(one) for name, one in schema["properties"].items()}}
    return Draft7Validator({**loose, "components": document(family_of(path))["components"]})


def _loosened(schema: Json) -> Json:
    """`sd3.5-flash` is no value of the enum, but accepted (`x-also-accepted-live`)."""
    return {**schema, "enum": schema["enum"] + schema["x-also-accepted-live"]} if "x-also-accepted-live" in schema else schema


def _header_problems(request: httpx.Request, wanted: Json) -> list[str]:
    family = family_of(request.url.path)
    parameters = [resolved(family, one) for one in wanted.get("parameters", [])]
    by_name = {one["name"].lower(): resolved(family, one["schema"]) for one in parameters if one["in"] == "header"}
    found = []
    for name, schema in by_name.items():
        value = request.headers.get(name)
        if value is not None and "enum" in schema and value not in schema["enum"]:
            found.append(f"{name}: {value}")
        if value is not None and len(value) > schema.get("maxLength", 10**6):
            found.append(f"{name}: too long")
    if not re.fullmatch(r"Bearer \S+", request.headers.get("authorization", "")):
        found.append("authorization: missing")
    ours = {name for name in request.headers if name.startswith("stability-") or name == "organization"}
    return found + [f"{name}: not of this operation" for name in ours - by_name.keys()]


def form(request: httpx.Request, schema: Json) -> tuple[Json, list[str]]:
    """The fields of a form as the schema's types (files as their names), and what is wrong with the parts."""
    body: Json = {}
    found: list[str] = []
    for part in parts(request):
        disposition = str(part["content-disposition"])
        name = str(part.get_param("name", header="content-disposition"))
        if f'name="{name}"' not in disposition:
            found.append(f"{name}: its name is not quoted")
        data = part.get_payload(decode=True)
        assert isinstance(data, bytes)
        if part.get_filename() is not None:
            body[name] = part.get_filename()
            found += [f"{name}: {one}" for one in file_problems(data, schema["properties"].get(name, {}))]
        elif match := re.fullmatch(r"text_prompts\[(\d+)]\[(text|weight)]", name):
            prompts = body.setdefault("text_prompts", [])
            if len(prompts) <= int(match[1]):
                prompts.append({})
            prompts[int(match[1])][match[2]] = float(data) if match[2] == "weight" else data.decode()
        else:
            body[name] = _typed(data.decode(), schema["properties"].get(name, {}))
    return body, found


def parts(request: httpx.Request) -> list[Message]:
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    message = BytesParser().parsebytes(head + request.content)
    assert message.is_multipart()
    found = message.get_payload()
    assert isinstance(found, list)
    return [part for part in found if isinstance(part, Message)]


def _typed(text: str, schema: Json) -> Any:
    if schema.get("type") not in ("number", "integer"):
        return text
    number = float(text)
    return int(number) if number.is_integer() else number


def file_problems(data: bytes, schema: Json) -> list[str]:
    """What the contract's own rules for pictures and sounds have against a file."""
    if rules := schema.get("x-image-rules"):
        return _picture_problems(Image.open(io.BytesIO(data)), rules)
    if (rules := schema.get("x-audio-rules")) and data[:4] == b"RIFF":
        with wave.open(io.BytesIO(data)) as sound:
            seconds = sound.getnframes() / sound.getframerate()
        return [] if rules["min_seconds"] <= seconds <= rules["max_seconds"] else [f"{seconds} s"]
    return []


def _picture_problems(picture: Image.Image, rules: Json) -> list[str]:
    width, height = picture.size
    least, most = rules.get("min_side", rules.get("min_width", 0)), rules.get("max_width", 10**9)
    checks = {
        "format": (picture.format or "").lower() in rules["formats"],
        "side": least <= min(width, height) and max(width, height) <= most,
        "pixels": rules.get("min_pixels", 0) <= width * height <= rules.get("max_pixels", 10**12),
        "ratio": "aspect_ratio_max" not in rules or max(width, height) <= 2.5 * min(width, height),
    }
    return [f"{name} of {width}x{height}" for name, good in checks.items() if not good]
