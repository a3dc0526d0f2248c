"""What the pages about people need and allauth's views do not pass."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from allauth.account.models import EmailAddress
from django import forms, template
from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.template import Context
from django.urls import Resolver404, resolve

from accounts import invitations, terms
from accounts.adapter import AccountAdapter
from accounts.devices import describe
from accounts.models import Invitation

register = template.Library()

PURPOSES = {
    "delete_account": "You are about to delete your account.",
    "account_email": "You are about to change your email address.",
}
"""By the name of an address."""
ABOUT_SIGNING_IN = ("account_", "mfa_", "socialaccount_")
NEW_PASSWORD = "10 characters or more"  # noqa: S105 - a hint, not a password


@register.simple_tag
def tidy(form: forms.BaseForm) -> forms.BaseForm:
    """A form of allauth's as the studio shows forms: no placeholder that repeats the label, labels written as sentences are, one line
    about what a password needs.
    """
    for field in form.fields.values():
        label = str(field.label or "")
        field.label = label[:1] + label[1:].lower()
        field.widget.attrs.pop("placeholder", None)
        if field.widget.attrs.get("autocomplete") == "new-password" and field.help_text:
            field.help_text = NEW_PASSWORD
    return form


@register.simple_tag(takes_context=True)
def purpose(context: Context) -> str:
    """For what somebody shows once more who they are: a sentence, by the page that comes next; empty when nothing is known of it."""
    request = context["request"]
    following = request.POST.get(REDIRECT_FIELD_NAME) or request.GET.get(REDIRECT_FIELD_NAME) or ""
    try:
        name = resolve(urlsplit(following).path).url_name or ""
    except (Resolver404, ValueError):
        return ""
    return PURPOSES.get(name) or ("You are about to change how you sign in." if name.startswith(ABOUT_SIGNING_IN) else "")


@register.simple_tag(takes_context=True)
def signup_is_open(context: Context) -> bool:
    """Whether the one who looks could make an account now."""
    return AccountAdapter(context["request"]).is_open_for_signup(context["request"])


@register.simple_tag
def signup_by_invitation() -> bool:
    return bool(settings.STUDIO_SIGNUP == "invitation")


@register.simple_tag(takes_context=True)
def carried_invitation(context: Context) -> Invitation | None:
    """The invitation with which this browser came, if it still works."""
    return invitations.carried(context["request"])


@register.simple_tag
def studio_has_terms() -> bool:
    """Whether there are terms to read."""
    return bool(terms.version_in_force())


@register.filter
def passages(text: Any) -> list[terms.Passage]:
    """The terms of the studio, piece by piece."""
    return terms.passages(str(text))


@register.simple_tag(takes_context=True)
def address_confirmed(context: Context) -> bool:
    """Whether the person may add passkeys and two-step sign-in: allauth wants every address confirmed."""
    return not EmailAddress.objects.filter(user=context["request"].user, verified=False).exists()


@register.simple_tag
def nothing_leaves(engines: Any) -> bool:
    """Whether every engine on offer runs here, so that no prompt or picture goes to somebody else's machine."""
    return settings.EMBEDDED and all(engine.local for engine in engines)


@register.filter
def browser(user_agent: Any) -> str:
    """“Firefox on Windows” out of a User-Agent header."""
    return describe(str(user_agent)) or "A program"
