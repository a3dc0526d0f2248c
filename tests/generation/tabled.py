"""A template with fields of several types, for tests of what is made with it many times over."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from accounts.models import Team, User
from studio.prompts.content import Content
from studio.prompts.models import PromptTemplate, PromptTemplateVersion

CONTENT: dict[str, Any] = {
    "sections": [
        {"name": "subject", "text": "a photograph of {product} on {colour} cloth{people}", "locked": False},
        {"name": "style", "text": "studio light", "locked": True},
    ],
    "negative": {"text": "blurry", "locked": True},
    "fields": [
        {"name": "product", "label": "Product", "required": True},
        {"name": "colour", "label": "Cloth", "type": "choice", "choices": ["red", "blue"], "default": "red"},
        {"name": "people", "label": "With people", "type": "yes_no", "yes": ", with people", "no": ""},
    ],
    "engine": "null",
    "mode": "text-to-image",
    "parameters": {"num_inference_steps": 12},
    "changeable": ["seed", "num_images", "size"],
}


def make_versions(
    team: Team, author: User, *, name: str = "Product photo", versions: int = 1, **content: Any
) -> list[PromptTemplateVersion]:
    """Its versions, the oldest first; the last is published. Those before it say `in version n` as well."""
    template = PromptTemplate.objects.create(team=team, author=author, name=name, changed_at=timezone.now())
    found = []
    for number in range(1, versions + 1):
        data = {**CONTENT, **content}
        if number < versions:
            data["negative"] = {"text": f"blurry, as in version {number}", "locked": True}
        status = "published" if number == versions else "archived"
        kept = Content.from_json(data).to_json()
        found.append(PromptTemplateVersion.objects.create(template=template, number=number, author=author, content=kept, status=status))
    template.published = found[-1]
    template.save()
    return found
