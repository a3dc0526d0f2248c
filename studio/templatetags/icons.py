"""`{% icon "star" %}`, in every template without a `{% load %}`: a drawing of `img/icons.svg`."""

from __future__ import annotations

from functools import cache

from django import template
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag
@cache
def icon(name: str, size: str = "") -> SafeString:
    """As words say beside it what is meant, nobody is read it. `size`: classes of `studio.css`, such as `small` or `large`.

    A page has sixty: each is put together once.
    """
    return format_html(
        '<svg class="{}" aria-hidden="true" focusable="false"><use href="{}#{}"/></svg>', f"i {size}".strip(), static("img/icons.svg"), name
    )
