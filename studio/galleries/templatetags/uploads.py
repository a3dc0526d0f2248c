"""`{% load uploads %}`: what the upload's controls say of its limits."""

from __future__ import annotations

from django import template
from django.conf import settings

register = template.Library()


@register.simple_tag
def largest_upload() -> int:
    """Bytes that a file may have."""
    return int(settings.MAX_UPLOAD_BYTES)


@register.simple_tag
def most_files() -> int:
    """Files that one form may bring."""
    return int(settings.DATA_UPLOAD_MAX_NUMBER_FILES)
