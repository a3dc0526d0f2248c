"""Where allauth asks the studio: who may sign up, what a new account gets, what a person may be called."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context as allauth_context
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django.conf import settings
from django.contrib import messages
from django.contrib.sites.requests import RequestSite
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.urls import reverse

from accounts import invitations, inviting, mails
from accounts.errors import InvitationError
from accounts.mails import mail_is_sent
from accounts.models import User
from accounts.names import tidy

BUTTONS = {
    "account/email/email_confirmation": "Confirm the address",
    "account/email/email_confirmation_signup": "Confirm the address",
    "account/email/password_reset_key": "Set a new password",
    "account/email/account_already_exists": "Set a new password",
    "account/email/unknown_account": "Make an account",
}
"""What stands on the button of a letter of allauth's: its address leads there."""


@contextmanager
def newcomer(request: HttpRequest) -> Iterator[None]:
    """One transaction for a new account and what comes with it. An invitation that stopped working undoes all and leads to its page."""
    try:
        with transaction.atomic():
            yield
    except InvitationError as error:
        token = request.session.pop(invitations.TOKEN_KEY, "")
        raise ImmediateHttpResponse(redirect("invitation", token) if token else redirect("account_signup")) from error


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    error_messages = DefaultAccountAdapter.error_messages | {
        "email_password_mismatch": "The email address or the password is wrong.",
        "too_many_login_attempts": "Too many tries with a wrong password. Wait five minutes, or ask your operator for a new one.",
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """`open`: anybody; `invitation`: who carries a link that still works; `closed`: nobody, accounts are made in the admin."""
        if settings.STUDIO_SIGNUP == "invitation":
            return invitations.carried(request) is not None
        return bool(settings.STUDIO_SIGNUP == "open")

    def is_email_verified(self, request: HttpRequest, email: str) -> bool:
        # Where addresses are never checked, nobody could confirm one, and two-step sign-in asks for a confirmed one.
        return settings.ACCOUNT_EMAIL_VERIFICATION == "none" or bool(super().is_email_verified(request, email))

    def save_user(self, request: HttpRequest, user: User, form: BaseForm, commit: bool = True) -> User:
        user.name = form.cleaned_data.get("name", "").strip() or user.name
        with newcomer(request):
            super().save_user(request, user, form, commit=commit)
            if commit:
                invitations.settle_newcomer(request, user)
        return user

    def render_mail(
        self, template_prefix: str, email: str | list[str], context: dict[str, Any], headers: dict[str, str] | None = None
    ) -> EmailMultiAlternatives:
        """Allauth's words in the studio's letter. Its links begin as people open the studio, whatever host the request named."""
        to = email if isinstance(email, str) else email[0]
        request = context.get("request")
        host = request.build_absolute_uri("/") if request else ""
        told = {
            name: mails.absolute(f"/{value.removeprefix(host)}") if host and isinstance(value, str) and value.startswith(host) else value
            for name, value in context.items()
        }
        subject, text = (render_to_string(f"{template_prefix}_{part}.txt", told, request) for part in ("subject", "message"))
        return mails.from_text(to, subject, text, button=BUTTONS.get(template_prefix, "Open"))

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Allauth sends when its rows are written. A letter that does not go out breaks no page: the person is told."""
        request = allauth_context.request
        given = {"request": request, "email": email, "current_site": RequestSite(request) if request else None, **context}
        [problem] = mails.send([self.render_mail(template_prefix, email, given)])
        if problem and request:
            messages.error(request, f"The letter to {email} could not be sent: {problem}. Try again later, or tell your operator.")

    def add_message(self, request: HttpRequest, level: int, message_template: str | None = None, *args: Any, **kwargs: Any) -> None:
        if message_template == "account/messages/email_confirmation_sent.txt" and not mail_is_sent():
            return  # it would wait in nobody's mailbox
        super().add_message(request, level, message_template, *args, **kwargs)

    def post_login(self, request: HttpRequest, user: User, **kwargs: Any) -> HttpResponse:
        """Whoever was invited by address hears of it when they sign in, with or without the letter."""
        response: HttpResponse = super().post_login(request, user, **kwargs)
        if waiting := inviting.waiting_for(user).first():
            by = f"{waiting.invited_by} invites you" if waiting.invited_by else "You are invited"
            messages.info(request, f"{by} to {waiting.team}. The invitation is on your account page.")
        return response

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("account")

    def get_logout_redirect_url(self, request: HttpRequest) -> str:
        return reverse("account_login")


class SocialAccountAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        """As without a provider; and an invitation that names an address wants that address, confirmed by the provider."""
        if not super().is_open_for_signup(request, sociallogin):
            return False
        invitation = invitations.carried(request)
        if settings.STUDIO_SIGNUP == "open" or invitation is None or not invitation.email:
            return True
        return any(address.verified and address.email.lower() == invitation.email for address in sociallogin.email_addresses)

    def populate_user(self, request: HttpRequest, sociallogin: Any, data: dict[str, Any]) -> User:
        user: User = super().populate_user(request, sociallogin, data)
        given = data.get("name") or " ".join(filter(None, (data.get("first_name"), data.get("last_name"))))
        user.name = (tidy(given) or user.email.partition("@")[0])[: User._meta.get_field("name").max_length]
        return user

    def get_signup_form_initial_data(self, sociallogin: Any) -> dict[str, Any]:
        return {**super().get_signup_form_initial_data(sociallogin), "name": sociallogin.user.name}

    def save_user(self, request: HttpRequest, sociallogin: Any, form: BaseForm | None = None) -> User:
        with newcomer(request):
            user: User = super().save_user(request, sociallogin, form)
            if form is None:  # else the account adapter has done it
                invitations.settle_newcomer(request, user)
        return user
