"""How people outside a team see a gallery, and what they say when they should not have."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from studio.galleries.models.galleries import Gallery
from studio.generation.models import Artifact
from studio.ids import uuid7


class ShareLink(models.Model):
    """An address at which a gallery is seen without an account. Its token is signed, not stored: whoever reads the database has no link."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    gallery = models.ForeignKey(Gallery, on_delete=models.CASCADE, related_name="links")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    password = models.CharField(max_length=128, blank=True, help_text="Hashed, as Django hashes passwords. Empty: none is asked for.")
    shows_prompts = models.BooleanField(default=False)
    views = models.PositiveBigIntegerField(default=0, editable=False)

    def __str__(self) -> str:
        return f"Link to {self.gallery}"


class Report(models.Model):
    """Somebody outside says that something should not be on show."""

    class Reason(models.TextChoices):
        MINE = "mine", "It is mine, or shows me"
        HARM = "harm", "It is cruel, hateful or sexual"
        LAW = "law", "It is against the law"
        OTHER = "other", "Something else"

    gallery = models.ForeignKey(Gallery, on_delete=models.CASCADE, related_name="reports")
    artifact = models.ForeignKey(Artifact, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    reason = models.CharField(max_length=10, choices=Reason.choices)
    text = models.TextField(blank=True, max_length=2000)
    email = models.EmailField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    handled_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    handled_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=300, blank=True)

    class Meta:
        indexes = [models.Index(fields=["gallery", "handled_at"], name="report_open_of_gallery")]

    def __str__(self) -> str:
        return f"Report on {self.gallery}: {self.get_reason_display()}"
