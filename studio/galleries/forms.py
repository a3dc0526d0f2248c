"""What people type about galleries, inside a team and outside of it."""

from __future__ import annotations

from typing import Any

from django import forms

from accounts.models import Team
from accounts.names import tidy
from studio.galleries.models import Gallery, Report, Visibility

DAYS = (("1", "A day"), ("7", "A week"), ("30", "30 days"), ("", "No end"))
PASSWORD_LENGTH = 6
"""Characters that a link's password has at least: it is said on the phone, and wrong tries are few."""


class GalleryForm(forms.ModelForm):  # type: ignore[type-arg]
    """What a gallery is called, and what is said of it."""

    class Meta:
        model = Gallery
        fields = ("name", "description")
        widgets = {
            "name": forms.TextInput(attrs={"autocomplete": "off", "dir": "auto"}),
            "description": forms.Textarea(attrs={"rows": 3, "dir": "auto"}),
        }
        error_messages = {"name": {"required": "Give it a name.", "max_length": "Shorten the name to 120 characters."}}

    def clean_name(self) -> str:
        name = tidy(str(self.cleaned_data["name"]))
        if not name:
            raise forms.ValidationError("Give it a name.")
        return name


def visibilities(team: Team, current: str = "") -> list[tuple[Visibility, str, str]]:
    """Whom a gallery of this team can be shown to: the choice, how it is called, what it means. Somebody alone has no team to hide from."""
    alone = team.is_personal
    choices = [
        (
            Visibility.PRIVATE,
            "Only me",
            f"Nobody else finds it, in {team.name} neither, until you leave it. The pictures stay in the library.",
        ),
        (Visibility.TEAM, "Only me" if alone else "The team", "For you alone." if alone else f"Everybody in {team.name} sees it."),
        (
            Visibility.LINK,
            "Whoever has a link",
            "Whoever you send a link to, without an account. Links can end, and ask for a password.",
        ),
        (Visibility.PUBLIC, "Everybody", "At an address that stays the same. Search engines may find it."),
    ]
    return [choice for choice in choices if not alone or choice[0] != Visibility.PRIVATE or current == Visibility.PRIVATE]


class VisibilityForm(forms.Form):
    visibility = forms.ChoiceField(choices=Visibility.choices, error_messages={"invalid_choice": "Choose who sees it."})


class NewGalleryForm(GalleryForm):
    """A new gallery is for its maker or for the team; showing it to others is a step of its own."""

    private = forms.BooleanField(label="Only I see it", required=False)

    def __init__(self, *args: Any, team: Team, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if team.is_personal:
            del self.fields["private"]

    @property
    def visibility(self) -> Visibility:
        return Visibility.PRIVATE if self.cleaned_data.get("private") else Visibility.TEAM


class LinkForm(forms.Form):
    """A link to send to people."""

    days = forms.ChoiceField(label="It works for", choices=DAYS, required=False, initial="30")
    password = forms.CharField(
        label="Password",
        required=False,
        strip=True,
        min_length=PASSWORD_LENGTH,
        max_length=100,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "placeholder": "None"}),
        error_messages={"min_length": f"Use {PASSWORD_LENGTH} characters or more, or leave it empty."},
    )
    shows_prompts = forms.BooleanField(label="Show the prompts", required=False)

    @property
    def lifetime(self) -> int | None:
        return int(self.cleaned_data["days"]) if self.cleaned_data["days"] else None


class UnlockForm(forms.Form):
    password = forms.CharField(
        label="Password",
        max_length=100,
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "autofocus": True}),
        error_messages={"required": "Type the password that came with the link."},
    )


class ReportForm(forms.Form):
    """What somebody outside says against a picture. `website` is a field that only programs fill in."""

    reason = forms.ChoiceField(
        label="What is wrong with it?",
        choices=Report.Reason.choices,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose what is wrong."},
    )
    text = forms.CharField(
        label="What should we know?",
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 4, "dir": "auto"}),
    )
    email = forms.EmailField(
        label="Your email",
        required=False,
        help_text="Only if you want an answer.",
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
        error_messages={"invalid": "This does not look like an email address."},
    )
    website = forms.CharField(required=False, widget=forms.TextInput(attrs={"tabindex": "-1", "autocomplete": "off"}))
