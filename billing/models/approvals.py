"""Rules of a team: what somebody who administers it has to approve before it is made."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.models import Team
from billing.credits import credits, noun
from billing.models.wallets import Wallet


class ApprovalRuleQuerySet(models.QuerySet["ApprovalRule"]):
    def in_force(self) -> ApprovalRuleQuerySet:
        return self.filter(is_active=True)

    def of_team(self, team: Team) -> ApprovalRuleQuerySet:
        return self.filter(wallet__team=team)


class ApprovalRule(models.Model):
    """What needs approval: more than `threshold` millicredits or pictures at once, or a `product` or an `operation`.

    The last two are words of whoever asks (for the studio: an engine's id, a mode); `subject` is what people call them, kept so that the
    rule can be read when they are gone. Empty ones match everything. Members who administer the team are exempt unless `for_everybody`.
    """

    class Kind(models.TextChoices):
        CREDITS = "credits", "More than so many credits"
        PICTURES = "pictures", "More than so many pictures"
        SUBJECT = "subject", "An engine or a mode"

    wallet = models.ForeignKey(Wallet, on_delete=models.PROTECT, related_name="approval_rules")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    threshold = models.BigIntegerField(default=0)
    product = models.CharField(max_length=120, blank=True)
    operation = models.CharField(max_length=40, blank=True)
    subject = models.CharField(max_length=160, blank=True)
    for_everybody = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ApprovalRuleQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["wallet", "kind", "threshold", "product", "operation"], name="approval_rule_once"),
            models.CheckConstraint(
                condition=Q(kind__in=("credits", "pictures"), threshold__gte=0, product="", operation="")
                | (Q(kind="subject", threshold=0) & ~Q(product="", operation="")),
                name="approval_rule_says_one_thing",
            ),
        ]

    def __str__(self) -> str:
        return self.words

    @property
    def words(self) -> str:
        """What it asks about: "more than 50 credits", "any picture", "the engine Creative Upscale", "the mode Inpainting"."""
        if self.kind == self.Kind.SUBJECT:
            return f"the {'engine' if self.product else 'mode'} {self.subject}"
        if not self.threshold:
            return "anything that costs credits" if self.kind == self.Kind.CREDITS else "any picture"
        if self.kind == self.Kind.CREDITS:
            return f"more than {credits(self.threshold)} {noun(self.threshold)}"
        return f"more than {self.threshold} picture{'' if self.threshold == 1 else 's'}"

    def asks(self, *, amount: int, pictures: int, product: str, operation: str) -> bool:
        """Whether this is something that it asks about; `amount` in millicredits."""
        if self.kind == self.Kind.CREDITS:
            return amount > self.threshold
        if self.kind == self.Kind.PICTURES:
            return pictures > self.threshold
        return self.product in ("", product) and self.operation in ("", operation)
