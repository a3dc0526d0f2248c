"""The forms by which a rule is made: one for each kind, so that each is one sentence and needs no script."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import forms

from billing.credits import to_millicredits
from billing.models import ApprovalRule
from billing.number_fields import CountField, CreditsField
from billing.services.approvals import subjects

Kind = ApprovalRule.Kind


class RuleForm(forms.Form):
    """`rule` of the cleaned form is what `add_rule` takes."""

    kind = ""
    before, after, button = "Ask when somebody wants more than", "", "Add"

    for_everybody = forms.BooleanField(label="Also those who decide", required=False)

    def __init__(self, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(data, prefix=self.kind)
        self.order_fields(["threshold", "subject", "for_everybody"])

    @property
    def choice(self) -> forms.BoundField:
        return self["subject" if self.kind == Kind.SUBJECT else "threshold"]

    @property
    def rule(self) -> dict[str, Any]:
        return {"kind": self.kind, "threshold": self.cleaned_data["threshold"], "for_everybody": self.cleaned_data["for_everybody"]}


class CreditsRuleForm(RuleForm):
    kind = Kind.CREDITS
    after = "credits at once"

    threshold = CreditsField(
        label="Credits",
        min_value=Decimal(0),
        max_value=Decimal(1_000_000),
        initial=50,
        error_messages={"required": "Say how many credits."},
    )

    @property
    def rule(self) -> dict[str, Any]:
        return super().rule | {"threshold": to_millicredits(self.cleaned_data["threshold"])}


class PicturesRuleForm(RuleForm):
    kind = Kind.PICTURES
    after = "pictures at once"

    threshold = CountField(label="Pictures", min_value=0, max_value=1000, initial=20, error_messages={"required": "Say how many pictures."})


class SubjectRuleForm(RuleForm):
    kind = Kind.SUBJECT
    before, after = "Ask whenever somebody uses", ""

    subject = forms.ChoiceField(
        label="Engine or mode",
        error_messages={"required": "Choose an engine or a mode.", "invalid_choice": "This is not offered any more. Choose another."},
    )

    def __init__(self, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(data)
        self.subjects = {one.key: one for one in subjects()}
        groups: dict[str, list[tuple[str, str]]] = {}
        for one in self.subjects.values():
            groups.setdefault(one.group, []).append((one.key, one.name))
        self.fields["subject"].choices = [("", "Choose"), *groups.items()]  # type: ignore[attr-defined]

    @property
    def rule(self) -> dict[str, Any]:
        chosen = self.subjects[self.cleaned_data["subject"]]
        return {"kind": self.kind, "subject": chosen, "for_everybody": self.cleaned_data["for_everybody"]}


FORMS: tuple[type[RuleForm], ...] = (CreditsRuleForm, PicturesRuleForm, SubjectRuleForm)


def forms_for(data: Mapping[str, Any] | None) -> list[RuleForm]:
    """All of them; the one that `data["kind"]` names is bound to it."""
    return [form(data) if data is not None and data.get("kind") == form.kind else form() for form in FORMS]
