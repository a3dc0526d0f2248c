"""Forms of keys and endpoints. What may stand in one is checked where it is written (`accounts.keys`, `studio.webhooks.services`); here a
form reads what was typed, and says beside its field what was refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.formats import date_format

from accounts import keys
from accounts.models import ApiKey
from billing.budget_forms import LARGEST
from billing.credits import MILLICREDITS, to_millicredits
from billing.number_fields import CreditsField
from billing.plan_page import engines
from studio.webhooks.models import Endpoint, Event

NEVER, KEEP = "never", "keep"
EXPIRIES = {"7": "In 7 days", "30": "In 30 days", "90": "In 90 days", "365": "In a year", NEVER: "Never"}
"""Days, by the words of a form; a quarter is what is chosen at first."""
OVERLAPS = {"0": "Ends at once", "1": "Works for an hour", "24": "Works for a day", "168": "Works for 7 days", "720": "Works for 30 days"}
"""Hours that an old secret goes on."""


AT_FIRST = ("generate", "library:read")
"""What is ticked for a new key, where the role allows it."""


class Ticks(forms.CheckboxSelectMultiple):
    """Checkboxes of which each has a sentence: `helps` by value."""

    helps: Mapping[str, str] = {}

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        return {**super().create_option(name, value, *args, **kwargs), "help": self.helps.get(str(value), "")}


def ticks(label: str, help_text: str = "") -> Any:
    return forms.MultipleChoiceField(label=label, help_text=help_text, required=False, widget=Ticks())


def _budget(label: str) -> CreditsField:
    return CreditsField(label=label, required=False, min_value=Decimal(0), max_value=LARGEST, attrs={"placeholder": "no limit"})


class KeyForm(forms.Form):
    """`role` is that of the key's person in its team: only what it allows is offered, and what the key has already."""

    name = forms.CharField(
        label="Name",
        max_length=80,
        error_messages={"required": "Give the key a name, such as what will use it."},
        help_text="What will use it: “Web shop”, “Nightly renders”. It stands beside everything that is made with the key.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": "Web shop"}),
    )
    scopes = ticks("What it may do", "Give it as little as it needs: whoever finds the key can do all of this.")
    budget_day = _budget("Credits a day")
    budget_month = _budget("Credits a month")
    expires = forms.ChoiceField(label="Expires", choices=list(EXPIRIES.items()), initial="90")
    engines = ticks("Engines", "None ticked: every engine that the team may use, also those that come later.")
    all_teams = forms.BooleanField(
        label="Also in my other teams",
        required=False,
        help_text="A program then names the team in the header Organization. What it may do there depends on your role there. "
        "The key belongs to this team all the same: while this team is deleted, it works in none.",
    )

    def __init__(self, *args: Any, role: str, key: ApiKey | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.key = key
        scopes = self.fields["scopes"]
        held = keys.scopes_of(role)
        self.initial = _typed(key) if key else {"scopes": [one.name for one in held if one.name in AT_FIRST]}
        offered = [*held, *(one for one in keys.SCOPES if key and one.name in key.scopes and one not in held)]
        scopes.choices = [(one.name, one.label) for one in offered]  # type: ignore[attr-defined]
        scopes.widget.helps = {one.name: one.help for one in offered}
        self.fields["engines"].choices = engine_choices(key.engines if key else ())  # type: ignore[attr-defined]
        if key:
            del self.fields["all_teams"]  # a program that has the key would not know
            kept = f"As it is: {date_format(timezone.localtime(key.expires_at), 'j F Y, H:i')}" if key.expires_at else "As it is: never"
            choices = [(KEEP, kept), *((days, f"{word} from now") for days, word in EXPIRIES.items() if days != NEVER), (NEVER, "Never")]
            self.fields["expires"].choices = choices  # type: ignore[attr-defined]
            self.fields["expires"].initial = KEEP

    @property
    def wish(self) -> dict[str, Any]:
        """What `keys.make` and `keys.change` take."""
        given = self.cleaned_data
        wish = {name: given[name] for name in ("name", "scopes", "engines")}
        wish |= {name: None if given[name] is None else to_millicredits(given[name]) for name in ("budget_day", "budget_month")}
        if given["expires"] != KEEP:
            wish["expires_at"] = _end(given["expires"])
        if not self.key:
            wish["all_teams"] = given["all_teams"]
        return wish

    def refuse(self, fields: Mapping[str, str]) -> None:
        """Say beside each field what the service has against it."""
        for name, sentence in fields.items():
            known = {"expires_at": "expires"}.get(name, name)
            self.add_error(known if known in self.fields else None, sentence)


class RotateForm(forms.Form):
    """For how long the old secret of a key goes on."""

    overlap = forms.ChoiceField(
        label="The old secret",
        choices=list(OVERLAPS.items()),
        initial="24",
        error_messages={"required": "Choose how long the old secret works.", "invalid_choice": "Choose one of these times."},
    )

    @property
    def time(self) -> timedelta:
        return timedelta(hours=int(self.cleaned_data["overlap"]))


EVENT_HELP = {
    Event.JOB_SUCCEEDED: "With where to fetch its results, and what it cost.",
    Event.JOB_FAILED: "With the reason. Nothing was charged.",
    Event.JOB_CANCELED: "By a person, by a program, or because nobody approved it.",
    Event.BATCH_FINISHED: "With how many were made and how many failed.",
    Event.WALLET_LOW: "When the team’s credits fall below what is set on the wallet page.",
    Event.APPROVAL_ASKED: "Work waits until somebody who administers the team decides.",
    Event.PAYMENT_RECEIVED: "Credits were bought, or a plan was paid.",
}


class EndpointForm(forms.Form):
    url = forms.CharField(
        label="Address",
        max_length=2000,
        error_messages={"required": "Write the address of your server that is to be called."},
        help_text="Of your own server, with https://. The studio sends a POST request there and expects any answer from 200 to 299.",
        widget=forms.TextInput(
            attrs={"inputmode": "url", "autocomplete": "off", "spellcheck": "false", "placeholder": "https://example.com/atelier"}
        ),
    )
    description = forms.CharField(
        label="What it is for", max_length=120, required=False, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    events = ticks("What it hears of")

    def __init__(self, *args: Any, endpoint: Endpoint | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = ("url", "description", "events")
        self.initial = (
            {name: getattr(endpoint, name) for name in names} if endpoint else {"events": [Event.JOB_SUCCEEDED, Event.JOB_FAILED]}
        )
        self.fields["events"].choices = Event.choices  # type: ignore[attr-defined]
        self.fields["events"].widget.helps = {event.value: text for event, text in EVENT_HELP.items()}

    def clean_events(self) -> list[str]:
        given: list[str] = self.cleaned_data["events"]
        if not given:
            raise forms.ValidationError("Choose one event at least, or the endpoint hears of nothing.")
        return given

    def refuse(self, message: str, fields: Mapping[str, str]) -> None:
        for name, sentence in (fields or {"": message}).items():
            self.add_error(name if name in self.fields else None, sentence)


def engine_choices(kept: Sequence[str]) -> list[tuple[str, str]]:
    """Every engine by its id, and what a key names besides (a whole backend, a beginning) as it was written."""
    known = {names[0]: label for label, names in engines()}
    return [*known.items(), *((word, word) for word in kept if word not in known)]


def engine_labels(words: Sequence[str]) -> list[str]:
    known = {names[0]: label for label, names in engines()}
    return [known.get(word, word) for word in words]


def _end(choice: str) -> datetime | None:
    return None if choice == NEVER else timezone.now() + timedelta(days=int(choice))


def _typed(key: ApiKey) -> dict[str, Any]:
    amounts = {name: getattr(key, name) for name in ("budget_day", "budget_month")}
    budgets = {name: f"{Decimal(amount) / MILLICREDITS:f}" for name, amount in amounts.items() if amount is not None}
    return {"name": key.name, "scopes": key.scopes, "engines": key.engines, **budgets}
