"""Templates as somebody would have made them."""

from __future__ import annotations

import re
from typing import Any

from accounts.models import Team, User
from studio.prompts.content import Content
from studio.prompts.models import PromptTemplate, PromptTemplateVersion
from studio.prompts.services import templates

CONTENT: dict[str, Any] = {
    "sections": [
        {"name": "subject", "text": "A photograph of {product}, {light}", "locked": False},
        {"name": "constraints", "text": "Harbour Street house style, no text", "locked": True},
    ],
    "negative": {"text": "blurry", "locked": False},
    "fields": [
        {"name": "product", "label": "Product", "type": "text", "required": True, "default": "a mug"},
        {"name": "light", "label": "Light", "type": "choice", "choices": ["window light", "studio light"], "default": "window light"},
    ],
    "engine": "null",
    "mode": "text-to-image",
    "parameters": {"num_images": 2},
    "changeable": ["num_images"],
}


def content(text: str = "", **fields: Any) -> Content:
    """That of `CONTENT`, with another subject, and other `fields` of it."""
    sections = [dict(one) for one in CONTENT["sections"]]
    sections[0]["text"] = text or sections[0]["text"]
    return Content.checked({**CONTENT, "sections": sections, **fields})


def make_template(team: Team, author: User, *, name: str = "Product photo", is_published: bool = True, **fields: Any) -> PromptTemplate:
    """A template with one version, in use unless said otherwise."""
    made = templates.create(team, author=author, name=name, **{"content": content(), **fields})
    if is_published:
        templates.publish(newest(made), by=author)
        made.refresh_from_db()
    return made


def newest(template: PromptTemplate) -> PromptTemplateVersion:
    return template.versions.newest_first()[0]


TYPED: dict[str, Any] = {
    "after": "1",
    "section.subject.name": "subject",
    "section.subject.text": "A drawing of {product}, {light}",
    "section.constraints.name": "constraints",
    "section.constraints.text": "Harbour Street house style, no text",
    "section.constraints.locked": "on",
    "negative.text": "blurry",
    "field.0.name": "product",
    "field.0.label": "Product",
    "field.0.type": "text",
    "field.0.required": "on",
    "field.0.default": "a mug",
    "field.1.name": "light",
    "field.1.label": "Light",
    "field.1.type": "choice",
    "field.1.choices": "window light\nstudio light\n",
    "field.1.default": "window light",
    "engine": "null",
    "mode": "text-to-image",
    "setting-num_images": "2",
    "changeable": ["num_images"],
    "note": "a drawing",
}
"""The form of the editor, as a browser sends it: the next version of `make_template`'s."""


def page_of(made: PromptTemplate, path: str = "") -> str:
    return f"/templates/{made.pk}/{path}"


def said(answer: Any) -> str:
    return re.sub(r"\s+", " ", answer.content.decode())
