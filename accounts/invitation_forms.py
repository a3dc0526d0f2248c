"""What somebody types to let people into their team."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from accounts import inviting
from accounts.models import Invitation, Membership, Role, Team, User

MOST = 50
"""Addresses that one form takes."""
PEOPLE = ((1, "One person"), (5, "5 people"), (25, "25 people"), (0, "Any number"))
DAYS = (1, 7, 14, 30)
_ADDRESS_IN_TEXT = re.compile(r"://|\bwww\.|\w\.[a-z]{2,}/", re.I)
"""What programs for mail make a link of: with `://` or `www.`, or a name with a path behind it."""


class RoleField(forms.ChoiceField):
    """Everything but owner: nobody is invited to be that."""

    def __init__(self) -> None:
        super().__init__(label="Role", choices=[(role.value, role.label) for role in Role if role != Role.OWNER], initial=Role.CREATOR)


class DaysField(forms.TypedChoiceField):
    """For how long an invitation is good; what the studio has as its usual is among the choices."""

    def __init__(self) -> None:
        super().__init__(label="Works for", coerce=int, choices=self._days, initial=lambda: settings.STUDIO_INVITATION_DAYS)

    @staticmethod
    def _days() -> list[tuple[int, str]]:
        return [(days, "1 day" if days == 1 else f"{days} days") for days in sorted({*DAYS, settings.STUDIO_INVITATION_DAYS})]


def addresses(text: str) -> list[str]:
    """What stands between commas, semicolons, spaces and line ends, in lower case and once each; of `Dan <dan@…>` the address."""
    pieces: list[str] = []
    for part in re.split(r"[,;\n\r]+", text):
        named = re.search(r"<([^<>]*)>\s*$", part)
        pieces += [named[1].strip()] if named else part.split()
    return list(dict.fromkeys(piece.lower() for piece in pieces if piece))


class MailInvitationForm(forms.Form):
    """Invitations by e-mail. All addresses are right, or none is invited."""

    prefix = "mail"
    emails = forms.CharField(
        label="Email addresses",
        max_length=MOST * 255,
        help_text="One or several, separated by commas or on lines of their own.",
        widget=forms.Textarea(attrs={"rows": 2, "autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}),
        error_messages={"required": "Write whom you invite, or make a link below."},
    )
    role = RoleField()
    days = DaysField()
    message = forms.CharField(
        label="A few words",
        required=False,
        max_length=Invitation._meta.get_field("message").max_length,
        help_text="They stand in the letter, under your name.",
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def __init__(self, *args: Any, team: Team, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.team, self.user = team, user

    def clean_emails(self) -> list[str]:
        found = addresses(self.cleaned_data["emails"])
        if not found:
            raise ValidationError(self.fields["emails"].error_messages["required"])
        if len(found) > MOST:
            raise ValidationError(f"These are {len(found)} addresses; {MOST} at a time, please.")
        wrong = [address for address in found if not _is_address(address)]
        members = _named(Membership.objects.filter(team=self.team, user__email__in=found), "user__email")
        invited = _named(Invitation.objects.open().filter(team=self.team, email__in=found).exclude(email=""), "email")
        problems = [
            *([f"{_list(wrong)} {_verb(wrong, 'does', 'do')} not look like {_verb(wrong, 'an address', 'addresses')}."] if wrong else []),
            *([f"{_list(members)} {_verb(members, 'is', 'are')} in {self.team} already."] if members else []),
            *([f"{_list(invited)} {_verb(invited, 'is', 'are')} invited already: see the open invitations below."] if invited else []),
        ]
        if not problems and len(found) > (left := inviting.letters_left(self.user)):
            problems = [f"You have sent many letters today: {left} more can go out before tomorrow. A link lets in any number of people."]
        if problems:
            raise ValidationError(problems)
        return found

    def clean_message(self) -> str:
        message = str(self.cleaned_data["message"])
        if _ADDRESS_IN_TEXT.search(message):
            raise ValidationError(
                "Leave web addresses out: letters with strange links end as spam. The link into the team is in it anyway."
            )
        return message

    def clean(self) -> dict[str, Any] | None:
        """Names stand in the letter, and in its subject, before every word of a message."""
        for what, name in (("the team", self.team.name), ("your account", self.user.name)):
            if _ADDRESS_IN_TEXT.search(name):
                self.add_error("emails", f"The name of {what} looks like a web address. Change it first: such letters end as spam.")
        return super().clean()


class LinkInvitationForm(forms.Form):
    """A link, for whoever gets it."""

    prefix = "link"
    people = forms.TypedChoiceField(label="Lets in", coerce=int, choices=PEOPLE)
    role = RoleField()
    days = DaysField()


def _is_address(text: str) -> bool:
    try:
        validate_email(text)
    except ValidationError:
        return False
    return len(text) <= 254


def _named(rows: Any, field: str) -> list[str]:
    return list(rows.order_by(field).values_list(field, flat=True).distinct())


def _list(words: list[str]) -> str:
    shown = [f"“{word[:60]}”" for word in words[:5]]
    if len(words) > 5:
        shown.append(f"{len(words) - 5} more")
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def _verb(words: list[str], one: str, several: str) -> str:
    return one if len(words) == 1 else several
