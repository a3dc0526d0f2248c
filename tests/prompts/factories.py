"""Templates as somebody would have made them."""

from __future__ import annotations

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
