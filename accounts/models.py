"""Who you are: a person, the teams they work in, and with which role."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractUser, UserManager
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone

from accounts.key_secrets import random_id
from accounts.names import matches_any
from accounts.querysets import ApiKeyQuerySet, AuditQuerySet, InvitationQuerySet, MembershipQuerySet, TeamQuerySet


class EmailUserManager(UserManager["User"]):
    """Makes people by e-mail address; there are no user names."""

    def _create(self, email: str, password: str | None, **fields: Any) -> User:
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:  # type: ignore[override]
        return self._create(email, password, **fields)

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:  # type: ignore[override]
        return self._create(email, password, **{"is_staff": True, "is_superuser": True, **fields})


class Theme(models.TextChoices):
    SYSTEM = "", "As the device"
    LIGHT = "light", "Light"
    DARK = "dark", "Dark"


class User(AbstractUser):
    """A person, known by e-mail address. `is_superuser` is an operator of the studio, `is_owner` the one who opened it."""

    username = None  # type: ignore[assignment]
    first_name = None  # type: ignore[assignment]
    last_name = None  # type: ignore[assignment]
    name = models.CharField("name", max_length=120)
    email = models.EmailField("e-mail address", unique=True, error_messages={"unique": "There is already an account with this address."})
    theme = models.CharField(max_length=5, choices=Theme.choices, default=Theme.SYSTEM, blank=True)
    is_owner = models.BooleanField(default=False, editable=False, help_text="Made by the first start. At most one person.")

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    objects: ClassVar[EmailUserManager] = EmailUserManager()  # type: ignore[assignment]

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("email"), name="user_email_once_whatever_the_case"),
            # What makes the first start race-safe: of two people who open the studio at once the second is refused by the database.
            models.UniqueConstraint(fields=["is_owner"], condition=Q(is_owner=True), name="user_one_owner"),
        ]

    def __str__(self) -> str:
        return self.name or self.email

    def get_full_name(self) -> str:
        return self.name

    def get_short_name(self) -> str:
        return self.name.split()[0] if self.name.strip() else self.email

    @property
    def initials(self) -> str:
        words = self.name.split() or [self.email]
        return "".join(word[0] for word in (words[0], *words[1:][-1:])).upper()


class Role(models.TextChoices):
    """What a member may do is decided in `access.py`, not here."""

    OWNER = "owner", "Owner"
    ADMIN = "admin", "Admin"
    CREATOR = "creator", "Creator"
    VIEWER = "viewer", "Viewer"


def team_public_id() -> str:
    """What a team that is made now is called outside the studio."""
    return random_id(20)


class Team(models.Model):
    """Everything made in the studio belongs to a team; each person has one of their own.

    Programs know it by its `public_id` (`keys.organization_id`): the row's number would tell how many teams there are.
    """

    name = models.CharField(max_length=120)
    public_id = models.CharField(max_length=20, unique=True, default=team_public_id, editable=False)
    is_personal = models.BooleanField(default=False)
    members = models.ManyToManyField(User, through="Membership", related_name="teams")
    created_at = models.DateTimeField(auto_now_add=True)
    deleted_at = models.DateTimeField(
        null=True, blank=True, help_text="When somebody asked for its deletion; it goes for good some days later."
    )

    objects = TeamQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name

    @property
    def gone_on(self) -> datetime | None:
        """Until when a deleted team can be brought back; None for one that was not deleted."""
        return self.deleted_at and self.deleted_at + timedelta(days=settings.TEAM_GRACE_DAYS)


class Membership(models.Model):
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.CREATOR)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["team", "user"], name="member_once_in_a_team")]

    def __str__(self) -> str:
        return f"{self.user} in {self.team} as {self.role}"


def invitation_expiry() -> datetime:
    """The moment until which an invitation that is made now can be accepted."""
    return timezone.now() + timedelta(days=settings.STUDIO_INVITATION_DAYS)


class Invitation(models.Model):
    """A link that lets people into a team. Only a hash of its token is kept: nobody can read a working link out of the database.

    `max_uses`: how many people it lets in; None for as many as come. `accepted_at` is when the last of them used it up.
    """

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="invitations")
    email = models.EmailField("e-mail address", blank=True, help_text="If given, only this person can accept.")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.CREATOR)
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    invited_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    message = models.CharField(max_length=500, blank=True, help_text="What whoever invites writes in the e-mail.")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(default=invitation_expiry)
    revoked_at = models.DateTimeField(null=True, blank=True)
    max_uses = models.PositiveIntegerField(null=True, blank=True, default=1)
    uses = models.PositiveIntegerField(default=0, editable=False)
    sent_at = models.DateTimeField(null=True, blank=True, editable=False, help_text="When its e-mail went out last.")
    accepted_at = models.DateTimeField(null=True, blank=True)
    accepted_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")

    objects = InvitationQuerySet.as_manager()

    class Meta:
        constraints = [models.CheckConstraint(condition=~Q(role=Role.OWNER), name="invitation_never_makes_an_owner")]
        indexes = [models.Index(fields=["team", "-id"], name="invitation_newest_of_team")]

    def __str__(self) -> str:
        return f"Invitation to {self.team} as {self.get_role_display()}"


class Removal(models.Model):
    """Somebody was taken out of a team: no link that was made before lets them in again. Gone once they are back."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="removals")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="removals")
    removed_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["team", "user"], name="removed_once_from_a_team")]

    def __str__(self) -> str:
        return f"{self.user} was removed from {self.team}"


class AuditEntry(models.Model):
    """Who did what in a team: a line of its log, written with the change and then left alone, but for one that counts (`audit.count`).

    `action` is a code such as `member.removed`.

    `text` is what was done, as a sentence goes on after the name ("removed Bob Member from the team"); `actor_name` outlives the account.
    """

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="audit")
    actor = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    actor_name = models.CharField(max_length=120)
    action = models.CharField(max_length=40)
    text = models.CharField(max_length=300)
    api_key = models.ForeignKey("ApiKey", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    via = models.CharField(max_length=80, blank=True, help_text="The name of the key that a program did it with.")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = AuditQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["team", "-id"], name="audit_newest_of_team")]

    def __str__(self) -> str:
        return f"{self.actor_name} {self.text}"


class ApiKey(models.Model):
    """What a program signs in with: it acts for a person in a team, within its `scopes` and what the person may do there (`keys.py`).

    Only a hash of the secret is kept; `public_id` is the part of it by which it is looked up and by which people tell keys apart.
    `budget_day` and `budget_month` are millicredits, None for none of its own; `engines` are in the words of a plan's, empty for all.
    One that works in `all_teams` of the person does so where a request names another one; else its own team is the only one.
    Keys that replace each other are a line: one program with several secrets, and one budget. `origin` is the first of it.
    """

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="api_keys")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=80)
    public_id = models.CharField(max_length=8, unique=True, editable=False)
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    scopes = models.JSONField(default=list)
    all_teams = models.BooleanField(default=False)
    engines = models.JSONField(default=list, blank=True)
    budget_day = models.BigIntegerField(null=True, blank=True)
    budget_month = models.BigIntegerField(null=True, blank=True)
    replaces = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="replaced_by")
    origin = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True, editable=False, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(budget_day=None) | Q(budget_day__gte=0), name="api_key_day_not_negative"),
            models.CheckConstraint(condition=Q(budget_month=None) | Q(budget_month__gte=0), name="api_key_month_not_negative"),
        ]
        indexes = [models.Index(fields=["team", "-id"], name="api_key_newest_of_team")]

    def __str__(self) -> str:
        return f"{self.name} (sk-{self.public_id}…)"

    @property
    def is_over(self) -> bool:
        """Revoked or expired: no program gets in with it any more."""
        return self.revoked_at is not None or (self.expires_at is not None and self.expires_at <= timezone.now())

    @property
    def first_id(self) -> int:
        """The first key of its line, by which what all of them do together is known."""
        return self.origin_id or self.pk

    def allows(self, names: Iterable[str]) -> bool:
        """Whether an engine may be used that goes by any of these `names`."""
        return not self.engines or any(matches_any(self.engines, name) for name in names)


class Terms(models.Model):
    """A version of what people agree to before they work in the studio. One that is in force is never changed: the next one replaces it."""

    version = models.PositiveIntegerField(unique=True, editable=False)
    text = models.TextField(help_text="Plain paragraphs; a line that starts with # is a heading.")
    summary = models.CharField("what is new", max_length=300, blank=True)
    published_at = models.DateTimeField(null=True, blank=True, help_text="From when people are asked. Empty: a draft.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "terms"

    def __str__(self) -> str:
        return f"Terms, version {self.version}"


class Agreement(models.Model):
    """A person said yes to a version of the terms."""

    terms = models.ForeignKey(Terms, on_delete=models.PROTECT, related_name="agreements")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="agreements")
    agreed_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["terms", "user"], name="agreed_once_to_a_version")]

    def __str__(self) -> str:
        return f"{self.user} agreed to {self.terms}"
