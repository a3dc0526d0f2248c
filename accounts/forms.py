"""What people type about themselves and their teams."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from allauth.core import context
from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from accounts import invitations, terms
from accounts.models import AuditEntry, Role, Team, User
from accounts.names import OneLineField, tidy

NOT_THERE = "Nothing like that is in the log."


class NameField(OneLineField):
    """A person's name, as they want to be called."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            **{
                "label": "Your name",
                "max_length": 120,
                "widget": forms.TextInput(attrs={"autocomplete": "name"}),
                "error_messages": {"required": "Tell us what to call you."},
                **kwargs,
            }
        )


class WelcomeForm(forms.Form):
    """The first account of a studio."""

    name = NameField()
    email = forms.EmailField(
        label="Email",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "username"}),
        error_messages={"required": "You sign in with this address.", "invalid": "This does not look like an email address."},
    )
    password = forms.CharField(
        label="Password",
        strip=False,
        max_length=1024,
        help_text="10 characters or more",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        error_messages={"required": "Choose a password."},
    )

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).lower()

    def clean(self) -> dict[str, Any] | None:
        data = super().clean()
        if self.cleaned_data.get("password"):
            person = User(name=self.cleaned_data.get("name", ""), email=self.cleaned_data.get("email", ""))
            try:
                validate_password(self.cleaned_data["password"], person)
            except ValidationError as error:
                self.add_error("password", error)
        return data


class TermsField(forms.BooleanField):
    """Yes to the terms of the studio."""

    def __init__(self) -> None:
        super().__init__(
            label="I agree to the terms of this studio",
            help_text=format_html('<a class="link" href="{}" target="_blank">Read them on a page of their own</a>', reverse("terms")),
            error_messages={"required": "Read the terms, and agree to them to make an account."},
        )


class SignupDetails(forms.Form):
    """What sign-up asks besides address and password; allauth builds its own forms, also the one after a social login, on top of it."""

    field_order = ("name", "email", "password1")
    name = NameField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.terms = terms.in_force()
        if self.terms:
            # The version is in the name: who has read an older one finds the box empty, and the newer text beside it.
            self.fields[f"terms_{self.terms.version}"] = TermsField()

    def clean(self) -> dict[str, Any] | None:
        data = super().clean()
        invitation = invitations.carried(context.request)
        email = self.cleaned_data.get("email", "")
        if invitation and invitation.email and email and email.lower() != invitation.email:
            self.add_error("email", f"The invitation is for {invitation.email}. Sign up with that address, or ask for another invitation.")
        return data

    def signup(self, request: HttpRequest, user: User) -> None:
        """What allauth calls with the new account. The adapter has done the rest."""
        if self.terms:
            terms.agree(user, self.terms)


class ProfileForm(forms.Form):
    name = NameField()


class TeamForm(forms.Form):
    name = OneLineField(
        label="Name of the team",
        max_length=120,
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
        error_messages={"required": "Give the team a name."},
    )


class RoleForm(forms.Form):
    """Another role for a member; that of the owner is handed over."""

    role = forms.ChoiceField(choices=[(role.value, role.label) for role in Role if role != Role.OWNER])


class MemberChoice(forms.ModelChoiceField):  # type: ignore[type-arg]
    """A member of a team, by name and address: two may have the same name."""

    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.name} ({obj.email})" if obj.name else str(obj.email)


class HandOverForm(forms.Form):
    """Who owns the team from now on: one of the others in it."""

    person = MemberChoice(
        queryset=User.objects.none(),
        label="The new owner",
        empty_label="Choose somebody",
        error_messages={"required": "Choose who shall own the team.", "invalid_choice": "This person is not in the team any more."},
    )
    sure = forms.BooleanField(label="I know that I cannot take this back", error_messages={"required": "Tick this if you are sure."})

    def __init__(self, *args: Any, team: Team, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["person"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = team.members.filter(is_active=True).exclude(pk=by.pk).order_by("name", "id")


class DeleteTeamForm(forms.Form):
    """The team's name, typed: nobody deletes a team by a slip, or another one than they think."""

    name = forms.CharField(
        label="Name of the team",
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        error_messages={"required": "Type the name of the team."},
    )

    def __init__(self, *args: Any, team: Team, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.team = team

    def clean_name(self) -> str:
        typed = str(self.cleaned_data["name"])
        if tidy(typed).casefold() != tidy(self.team.name).casefold():
            raise ValidationError(f"This is not its name. Type {self.team.name}.")
        return typed


class LogForm(forms.Form):
    """What of a team's log is asked for. Its choices are those that find something."""

    person = MemberChoice(
        queryset=User.objects.none(), label="Who", required=False, empty_label="Everybody", error_messages={"invalid_choice": NOT_THERE}
    )
    kind = forms.ChoiceField(label="What", required=False, error_messages={"invalid_choice": NOT_THERE})
    before = forms.IntegerField(required=False, min_value=1, max_value=2**63 - 1, widget=forms.HiddenInput())

    def __init__(self, *args: Any, team: Team, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        entries = AuditEntry.objects.of_team(team)
        people, kinds = self.fields["person"], self.fields["kind"]
        assert isinstance(people, forms.ModelChoiceField)
        assert isinstance(kinds, forms.ChoiceField)
        people.queryset = User.objects.filter(pk__in=entries.order_by().values("actor")).order_by("name", "id")
        kinds.choices = [("", "Everything"), *((kind, kind.replace("_", " ").capitalize()) for kind in entries.kinds())]

    @property
    def asked(self) -> dict[str, Any]:
        """What `AuditQuerySet.matching` takes; nothing of what was not understood."""
        self.is_valid()
        data = self.cleaned_data
        return {"person": data.get("person"), "kind": data.get("kind", "")}

    @property
    def before_id(self) -> int | None:
        self.is_valid()
        found: int | None = self.cleaned_data.get("before")
        return found

    def query(self, **more: int) -> str:
        """The end of an address that asks for the same."""
        person, kind = self.asked["person"], self.asked["kind"]
        given = {"person": person.pk if person else "", "kind": kind, **more}
        return urlencode({name: value for name, value in given.items() if value})
