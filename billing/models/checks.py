"""When the books were last looked through, and what was found. Only `billing.nightly` writes these rows."""

from __future__ import annotations

from django.db import models


class LedgerCheckQuerySet(models.QuerySet["LedgerCheck"]):
    def last_done(self) -> LedgerCheck | None:
        """The newest that came to its end."""
        return self.exclude(finished_at=None).order_by("-day").first()


class LedgerCheck(models.Model):
    """One look through all books, at most one a day of the studio's time zone.

    `found` is the number of disagreements, `sentences` tells the first of them, a line each; `finished_at` stays empty when it was broken
    off.
    """

    day = models.DateField(unique=True)
    started_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    found = models.PositiveIntegerField(default=0)
    sentences = models.TextField(blank=True)

    objects = LedgerCheckQuerySet.as_manager()

    class Meta:
        verbose_name = "check of the books"
        verbose_name_plural = "checks of the books"

    def __str__(self) -> str:
        return f"{self.day}: {self.verdict}"

    @property
    def verdict(self) -> str:
        """In words."""
        if self.finished_at is None:
            return "not finished"
        if not self.found:
            return "the books agree"
        return f"{self.found} {'disagreement' if self.found == 1 else 'disagreements'}"
