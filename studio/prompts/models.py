"""A team's craft as rows: templates and their versions, lists of words to draw from, and what prompts of the team must be like."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.models import Team, User
from studio.ids import uuid7
from studio.prompts.querysets import PromptTemplateQuerySet, PromptTemplateVersionQuerySet


class Visibility(models.TextChoices):
    """Who sees a template. One with a public link is seen by the team, too."""

    PRIVATE = "private", "Only me"
    TEAM = "team", "The team"
    LINK = "link", "Whoever has the link"


class PromptTemplate(models.Model):
    """What a team calls its template. What it says is in its versions; `published` is the one in use, `cover` a file of the storage."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="prompt_templates")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="prompt_templates")
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True, max_length=2000)
    tags = models.JSONField(default=list, blank=True, help_text="Names in small letters, in the order somebody gave them.")
    cover = models.CharField(max_length=200, blank=True)
    visibility = models.CharField(max_length=10, choices=Visibility.choices, default=Visibility.TEAM)
    link_key = models.CharField(max_length=22, blank=True, help_text="What its public link is made of; a new one ends the links before.")
    published = models.ForeignKey("PromptTemplateVersion", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    starter = models.SlugField(max_length=60, blank=True, help_text="Which of the templates that come with the studio it was made from.")
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField()
    archived_at = models.DateTimeField(null=True, blank=True)

    objects = PromptTemplateQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["team", "starter"], condition=~Q(starter=""), name="starter_once_in_a_team"),
        ]
        indexes = [models.Index(fields=["team", "-changed_at"], name="template_latest_of_team")]

    def __str__(self) -> str:
        return self.name

    def is_kept_from(self, user: User) -> bool:
        """Whether somebody of the team does not get to know of it: its author keeps it to themselves."""
        return self.visibility == Visibility.PRIVATE and self.author_id != user.pk

    @property
    def initials(self) -> str:
        """Two letters of the name, for where there is no cover."""
        return "".join(word[0] for word in self.name.split() if word[0].isalnum())[:2].upper() or "?"

    @property
    def shade(self) -> int:
        """Which of the six colours of the editor that is drawn in."""
        return self.id.int % 6 + 1

    @property
    def cover_key(self) -> str:
        """Changes with every cover, so that browsers may keep one for good."""
        return self.cover.rpartition("/")[2].partition(".")[0]


class PromptTemplateVersion(models.Model):
    """One save of a template. `content` (`content.Content` as JSON) is never changed; only its `status` is."""

    class Status(models.TextChoices):
        DRAFT = "draft", "Draft"
        PUBLISHED = "published", "Published"
        ARCHIVED = "archived", "Archived"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    template = models.ForeignKey(PromptTemplate, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    note = models.CharField(max_length=300, blank=True)
    content = models.JSONField()
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.DRAFT)
    restored_from = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = PromptTemplateVersionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["template", "number"], name="version_once_in_a_template"),
            models.UniqueConstraint(fields=["template"], condition=Q(status="published"), name="one_published_version"),
        ]

    def __str__(self) -> str:
        return f"version {self.number}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Raises ValueError for a version that is there: what is in use, and what pictures were made with, stays as it is."""
        if not self._state.adding:
            raise ValueError("A version is not changed; save a new one.")
        super().save(*args, **kwargs)


class TemplateFavorite(models.Model):
    """Somebody keeps a template at hand."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    template = models.ForeignKey(PromptTemplate, on_delete=models.CASCADE, related_name="favorites")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "template"], name="favorite_once")]

    def __str__(self) -> str:
        return f"{self.user} · {self.template}"


class Wildcard(models.Model):
    """A team's list of words, one a line, that `__name__` in a prompt draws from."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="wildcards")
    name = models.CharField(max_length=60)
    lines = models.TextField()
    changed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["team", "name"], name="wildcard_once_in_a_team")]

    def __str__(self) -> str:
        return f"__{self.name}__"


class BrandRule(models.Model):
    """What prompts or pictures of a team must be like, or must not; a refusal names it.

    `words` are entries as in the team's word list, one a line. Sizes are pixels; `ratios` are shapes like 4:5.
    """

    class Kind(models.TextChoices):
        BANNED = "banned", "Words that prompts must not have"
        REQUIRED = "required", "Words of which prompts must have one"
        SIZE = "size", "Sizes and shapes"

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="brand_rules")
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    words = models.TextField(blank=True)
    minimum = models.PositiveIntegerField(null=True, blank=True, help_text="Pixels of the shorter side, at least.")
    maximum = models.PositiveIntegerField(null=True, blank=True, help_text="Pixels of the longer side, at most.")
    ratios = models.JSONField(default=list, blank=True, help_text="The shapes that are allowed; empty: any.")
    advice = models.CharField(max_length=200, blank=True, help_text="What to do instead, for whoever is refused.")
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["team", "name"], name="brand_rule_once_in_a_team")]

    def __str__(self) -> str:
        return self.name
