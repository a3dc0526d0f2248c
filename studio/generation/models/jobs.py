"""What was asked for: a press on Generate (Job), and what it starts from."""

from __future__ import annotations

from collections.abc import Mapping

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.models import ApiKey, Team
from billing.models import Hold
from studio.backends.base import GenerationRequest, Kind, Mode, Quote
from studio.generation.kinds import NOUNS, POSTER_SIZES
from studio.generation.models.choices import modes
from studio.generation.models.inputs import InputFile
from studio.generation.querysets import JobQuerySet
from studio.ids import uuid7
from studio.prompts.models import PromptTemplateVersion


class Job(models.Model):
    """One press on Generate. The row is the queue and the truth; every write of a worker names the `attempt` it holds."""

    class Status(models.TextChoices):
        NEEDS_APPROVAL = "approval", "Needs approval"
        QUEUED = "queued", "Waiting"
        RUNNING = "running", "Running"
        SUCCEEDED = "succeeded", "Done"
        FAILED = "failed", "Failed"
        CANCELED = "canceled", "Stopped"

    class Verdict(models.TextChoices):
        APPROVED = "approved", "Approved"
        DECLINED = "declined", "Declined"
        LAPSED = "lapsed", "Lapsed"

    OPEN = (Status.NEEDS_APPROVAL, Status.QUEUED, Status.RUNNING)
    """Not over: credits are held."""
    WAITING = (Status.NEEDS_APPROVAL, Status.QUEUED)
    """Not begun: stopped at once."""
    IN_PROGRESS = (Status.QUEUED, Status.RUNNING)
    """Nobody has to do anything for it to go on."""

    running_in_team: int
    at_once: int | None
    """Only where it was read as `claimable` or `in_line`."""
    held_up: bool
    """Only where it was read as `in_line`."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="jobs")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="jobs")
    api_key = models.ForeignKey(  # `job_newest_of_key` finds them, and has no row for all that people ask for
        ApiKey,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        db_index=False,
        related_name="jobs",
        help_text="What a program asked with.",
    )
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.QUEUED)
    idempotency_key = models.CharField(max_length=64)

    engine = models.CharField(max_length=80)
    engine_label = models.CharField(max_length=120)
    queue = models.CharField(max_length=40)
    mode = models.CharField(max_length=40, choices=modes)
    prompt = models.TextField(blank=True)
    num_images = models.PositiveSmallIntegerField(default=1)
    delivered = models.PositiveSmallIntegerField(default=0, help_text="Pictures that came out and were charged for.")
    filtered = models.PositiveSmallIntegerField(default=0, help_text="Pictures that a content filter kept back.")
    filtered_charged = models.PositiveSmallIntegerField(default=0, help_text="Those of them that were charged for all the same.")
    provider_cost = models.BigIntegerField(
        null=True, blank=True, help_text="Millicredits that the provider took, also for what it filtered; unknown while empty."
    )
    request = models.JSONField()
    shape = models.CharField(max_length=64)
    fingerprint = models.CharField(max_length=64, blank=True, help_text="What is the same for the same request to a paid engine.")
    joined = models.BooleanField(default=False, help_text="Somebody asked for the same while it was under way, and got this job.")
    image = models.ForeignKey(InputFile, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    mask_image = models.ForeignKey(InputFile, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    parent = models.ForeignKey("Artifact", on_delete=models.SET_NULL, null=True, blank=True, related_name="children")
    retry_of = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="retries")

    intended = models.JSONField(null=True, blank=True, help_text="Of a preview: the request that its final shall be made with.")
    template_version = models.ForeignKey(
        PromptTemplateVersion, on_delete=models.SET_NULL, null=True, blank=True, related_name="jobs", help_text="What it was written with."
    )
    template_values = models.JSONField(
        null=True, blank=True, help_text="What was filled into the template: its `fields`, and `sections` in other words."
    )
    written = models.JSONField(null=True, blank=True, help_text="The prompts as they were typed, where the request has others.")
    batch = models.ForeignKey("Batch", on_delete=models.SET_NULL, null=True, blank=True, related_name="jobs")
    batch_place = models.PositiveIntegerField(null=True, blank=True, help_text="Which of its batch it is, from 0.")
    final_of = models.ForeignKey(
        "Artifact",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="finals",
        help_text="The preview that this is the final of.",
    )

    quote = models.JSONField()
    hold = models.OneToOneField(Hold, on_delete=models.PROTECT, related_name="job")

    approval = models.CharField(max_length=300, blank=True, help_text="Why it needs or needed approval; empty when it never did.")
    verdict = models.CharField(max_length=10, choices=Verdict.choices, blank=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    decision = models.CharField(max_length=300, blank=True, help_text="Why it was declined or lapsed.")

    priority = models.SmallIntegerField(default=0)
    moved_up_at = models.DateTimeField(null=True, blank=True, help_text="When the operator moved it to the front of its queue.")
    attempt = models.PositiveSmallIntegerField(default=0)
    run_after = models.DateTimeField(null=True, blank=True)
    worker = models.CharField(max_length=80, blank=True)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    provider_id = models.CharField(max_length=200, blank=True, help_text="What a provider calls the work that it does for this job.")
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    step = models.PositiveSmallIntegerField(default=0)
    total_steps = models.PositiveSmallIntegerField(default=0)

    error_code = models.CharField(max_length=40, blank=True)
    error_message = models.CharField(max_length=500, blank=True)
    error_fields = models.JSONField(default=dict, blank=True, help_text="What the engine said of single settings, by their names.")
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "idempotency_key"], name="job_once_per_key"),
            models.UniqueConstraint(fields=["batch", "batch_place"], condition=Q(batch__isnull=False), name="job_once_per_place"),
        ]
        indexes = [
            models.Index(fields=["queue", "-priority", "id"], name="job_next", condition=Q(status="queued")),
            # Two for `lanes.heads`: each waiting job is in one of them.
            models.Index(
                fields=["queue", "team", "-priority", "id"], name="job_next_single", condition=Q(status="queued", batch__isnull=True)
            ),
            models.Index(
                fields=["queue", "batch", "-priority", "id"], name="job_next_of_batch", condition=Q(status="queued", batch__isnull=False)
            ),
            models.Index(fields=["moved_up_at"], name="job_moved_up", condition=Q(status="queued", moved_up_at__isnull=False)),
            models.Index(fields=["team"], name="job_running_per_team", condition=Q(status="running")),
            models.Index(fields=["lease_expires_at"], name="job_lease", condition=Q(status="running")),
            models.Index(fields=["finished_at"], name="job_ended", condition=Q(finished_at__isnull=False)),
            models.Index(fields=["created_at"], name="job_needs_approval", condition=Q(status="approval")),
            models.Index(fields=["team", "-id"], name="job_newest_of_team"),
            models.Index(fields=["team", "fingerprint"], name="job_same_request"),
            models.Index(fields=["engine", "-id"], name="job_newest_of_engine"),
            models.Index(fields=["api_key", "-id"], name="job_newest_of_key", condition=Q(api_key__isnull=False)),
            models.Index(fields=["template_version", "-id"], name="job_newest_of_version", condition=Q(template_version__isnull=False)),
            models.Index(fields=["team", "final_of"], name="job_final", condition=Q(final_of__isnull=False)),
            # Not partial ones: SQLite does not see that an IN over bound values implies the condition.
            models.Index(fields=["team", "status"], name="job_status_of_team"),
            models.Index(fields=["user", "status"], name="job_status_of_person"),
        ]

    def __str__(self) -> str:
        return f"{self.mode} {self.id} {self.status}"

    @property
    def is_open(self) -> bool:
        return self.status in self.OPEN

    @property
    def makes(self) -> Kind:
        return Mode(self.mode).makes

    @property
    def noun(self) -> str:
        """What people call one of its results."""
        return NOUNS[self.makes]

    @property
    def looks(self) -> tuple[int, int]:
        """Width over height of what is waited for, as two numbers: as it was asked for, else that of the picture it starts from."""
        if self.makes != "image":
            return POSTER_SIZES[self.makes]
        width, height = self.request.get("width"), self.request.get("height")
        if not (width and height) and self.image:
            width, height = self.image.width, self.image.height
        return (width or 512, height or 512)

    @property
    def is_repeatable(self) -> bool:
        """Whether no paid request of this attempt went out, or what it asked for can be fetched (`JobQuerySet.repeatable`)."""
        return self.sent_at is None or bool(self.provider_id)

    @property
    def has_attempts_left(self) -> bool:
        """What a provider was given to do gets as many attempts again, to be fetched: that costs nothing, and it may be paid for."""
        return self.attempt < settings.JOB_MAX_ATTEMPTS * (2 if self.provider_id else 1)

    @property
    def price(self) -> Quote:
        """The quote that the job was given, in millicredits."""
        return Quote.from_json(self.quote)

    @property
    def given(self) -> dict[str, InputFile | None]:
        """The files that the job starts from, by the names of their `MediaInput`s; None for one that is gone."""
        own = {name: file for name, file in (("image", self.image), ("mask_image", self.mask_image)) if file}
        return {**own, **{one.name: one.file for one in self.inputs.all()}}

    def to_request(self, media: Mapping[str, bytes] | None = None) -> GenerationRequest:
        """What is asked of the engine; `media` are the bytes of the files that it starts from, by name."""
        others = dict(media or {})
        image, mask_image = others.pop("image", None), others.pop("mask_image", None)
        return GenerationRequest.from_json(self.request, image=image, mask_image=mask_image, media=others)


class JobInput(models.Model):
    """A file that a job starts from, beside `Job.image` and `Job.mask_image`, under the name of its `MediaInput`."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="inputs")
    name = models.CharField(max_length=40)
    file = models.ForeignKey(InputFile, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "name"], name="job_input_once_per_name")]

    def __str__(self) -> str:
        return f"{self.name} of {self.job_id}"
