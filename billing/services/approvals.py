"""What needs approval in a team, and the rules that say so."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.module_loading import import_string

from accounts import audit
from accounts.access import allows
from accounts.models import Team, User
from billing.errors import RuleExists, TooManyRules
from billing.models import ApprovalRule, Wallet

MOST = 30
"""Rules of a team: more than anybody keeps in mind."""

Kind = ApprovalRule.Kind


@dataclass(frozen=True, slots=True)
class Subject:
    """Something that a rule may name: `product` or `operation` (or both) as whoever asks writes them, and what people call it."""

    group: str
    product: str
    operation: str
    name: str

    @property
    def key(self) -> str:
        return f"{self.product}|{self.operation}"


def needed(wallet: Wallet, actor: User, *, amount: int, pictures: int, subjects: Collection[tuple[str, str]]) -> str:
    """Why this needs approval, as words that go on after "because of" or a colon: "more than 50 credits, more than 20 pictures"; else "".

    `amount` in millicredits; `subjects` are the products it is for, each with its operation.
    """
    rules = wallet.approval_rules.in_force().order_by("kind", "threshold", "pk")
    asking = [
        rule
        for rule in rules
        if any(rule.asks(amount=amount, pictures=pictures, product=product, operation=operation) for product, operation in subjects)
    ]
    if asking and not all(rule.for_everybody for rule in asking) and allows(actor, wallet.team, "administer"):
        asking = [rule for rule in asking if rule.for_everybody]
    told: dict[str, str] = {}
    for rule in asking:
        # Of two limits of one kind the higher one says it all.
        told[rule.kind if rule.kind != Kind.SUBJECT else f"{rule.product}|{rule.operation}"] = rule.words
    return ", ".join(told.values())[:300]


def rules_of(wallet: Wallet) -> list[ApprovalRule]:
    """All rules of a team in the order in which they are read."""
    return list(wallet.approval_rules.select_related("created_by").order_by("kind", "threshold", "subject", "pk"))


def subjects() -> list[Subject]:
    """What a rule may name now (`settings.APPROVAL_SUBJECTS`, a dotted path to a function that yields the fields of a `Subject`)."""
    found: Iterable[tuple[str, str, str, str]] = import_string(settings.APPROVAL_SUBJECTS)() if settings.APPROVAL_SUBJECTS else ()
    return [Subject(*one) for one in found]


def add_rule(
    wallet: Wallet, *, kind: str, by: User, threshold: int = 0, subject: Subject | None = None, for_everybody: bool = False
) -> ApprovalRule:
    """`threshold` in millicredits for credits. Raises RuleExists, TooManyRules."""
    rule = ApprovalRule(wallet=wallet, kind=kind, threshold=threshold, for_everybody=for_everybody, created_by=by)
    if subject:
        rule.product, rule.operation, rule.subject = subject.product, subject.operation, subject.name[:160]
    try:
        with transaction.atomic():
            Wallet.objects.select_for_update(no_key=True).get(pk=wallet.pk)
            if wallet.approval_rules.count() >= MOST:
                raise TooManyRules(f"A team has {MOST} rules at most. Delete one that nobody needs.")
            rule.save(force_insert=True)
            whom = " of anybody" if for_everybody else ""
            audit.record(wallet.team, by, "rule.added", f"made a rule: {rule.words}{whom} needs approval")
    except IntegrityError:
        raise RuleExists(f"There is a rule for {rule.words} already: switch it on, or delete it first.") from None
    return rule


def switch_rule(rule: ApprovalRule, *, on: bool, by: User) -> bool:
    """False when it was so before. What waits already goes on waiting."""
    with transaction.atomic():
        if not ApprovalRule.objects.filter(pk=rule.pk, is_active=not on).update(is_active=on):
            return False
        audit.record(rule.wallet.team, by, "rule.switched", f"switched the rule for {rule.words} {'on' if on else 'off'}")
    return True


def delete_rule(rule: ApprovalRule, *, by: User) -> bool:
    """False when it was gone before. What waits already goes on waiting."""
    with transaction.atomic():
        if not ApprovalRule.objects.filter(pk=rule.pk).delete()[0]:
            return False
        audit.record(rule.wallet.team, by, "rule.deleted", f"deleted the rule for {rule.words}")
    return True


def erase_team(team: Team) -> None:
    """One of `settings.TEAM_ERASERS`."""
    ApprovalRule.objects.of_team(team).delete()
