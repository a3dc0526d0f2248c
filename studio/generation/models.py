"""The rows a generation leaves: what was asked (Job), what came of it (Artifact), what it was given (InputFile)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q

from accounts.models import Team
from billing.models import Hold
from studio.backends.base import GenerationRequest, Kind, Mode, Quote
from studio.generation.kinds import NOUNS, POSTER_SIZES, SUFFIX, clock, kind_of
from studio.generation.querysets import ArtifactQuerySet, InputFileQuerySet, JobQuerySet, WorkerQuerySet
from studio.ids import uuid7


def modes() -> list[tuple[str, str]]:
    """Choices of a mode; a callable, so that a new mode needs no migration."""
    return [(mode.value, mode.label) for mode in Mode]


class InputFile(models.Model):
    """What somebody gave to a generation, named after its id: a picture or mask, re-encoded as PNG without EXIF, or a sound without tags.

    A picture has `width` and `height` in pixels, a sound `seconds`.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    file = models.CharField(max_length=200)
    mime = models.CharField(max_length=40, default="image/png")
    width = models.PositiveIntegerField(null=True)
    height = models.PositiveIntegerField(null=True)
    seconds = models.FloatField(null=True)
    sha256 = models.CharField(max_length=64)
    artifact = models.ForeignKey("Artifact", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = InputFileQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.mime} {self.id}"

    @property
    def length(self) -> str:
        return clock(self.seconds)


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

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="jobs")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="jobs")
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
        constraints = [models.UniqueConstraint(fields=["user", "idempotency_key"], name="job_once_per_key")]
        indexes = [
            models.Index(fields=["queue", "-priority", "id"], name="job_next", condition=Q(status="queued")),
            models.Index(fields=["team"], name="job_running_per_team", condition=Q(status="running")),
            models.Index(fields=["lease_expires_at"], name="job_lease", condition=Q(status="running")),
            models.Index(fields=["created_at"], name="job_needs_approval", condition=Q(status="approval")),
            models.Index(fields=["team", "-id"], name="job_newest_of_team"),
            models.Index(fields=["team", "fingerprint"], name="job_same_request"),
            models.Index(fields=["engine", "-id"], name="job_newest_of_engine"),
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


class Artifact(models.Model):
    """A delivered picture, 3D model or sound. Its files lie under its id in the storage; what made it is kept with it.

    `width` and `height` (pixels) are those of a picture, `seconds` the length of a sound. `info` is what the backend said of its work;
    that of a sound has its `peaks` too (`waves.py`). One from outside has no job, no `engine` and no `mode`. `tags` are the names of
    its tags, a line each, for the search; the rows are those of `galleries.Tagging`.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    is_preview: bool
    """Only where it was read `as_on_walls`, or with what else a wall shows."""
    job = models.ForeignKey(Job, on_delete=models.PROTECT, null=True, related_name="artifacts")
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="artifacts")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="artifacts")
    index = models.PositiveSmallIntegerField(default=0)
    engine = models.CharField(max_length=80, blank=True)
    engine_label = models.CharField(max_length=120)
    mode = models.CharField(max_length=40, choices=modes, blank=True)
    prompt = models.TextField(blank=True)
    tags = models.TextField(blank=True, editable=False)
    seed = models.BigIntegerField(null=True)
    mime = models.CharField(max_length=40)
    width = models.PositiveIntegerField(null=True)
    height = models.PositiveIntegerField(null=True)
    seconds = models.FloatField(null=True)
    bytes = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    thumbhash = models.CharField(max_length=60, blank=True)
    charged = models.BigIntegerField(default=0)
    info = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    objects = ArtifactQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "index"], name="artifact_once_per_place")]
        indexes = [
            models.Index(fields=["team", "-id"], name="artifact_newest", condition=Q(deleted_at=None)),
            models.Index(fields=["team", "engine", "-id"], name="artifact_by_engine", condition=Q(deleted_at=None)),
            models.Index(fields=["team", "mode", "-id"], name="artifact_by_mode", condition=Q(deleted_at=None)),
            models.Index(fields=["team", "engine", "mode", "-id"], name="artifact_by_engine_and_mode", condition=Q(deleted_at=None)),
            models.Index(fields=["team", "sha256"], name="artifact_same_file", condition=Q(deleted_at=None)),
            models.Index(fields=["team", "bytes"], name="artifact_storage"),  # what a team keeps is added up from the index alone
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"

    @property
    def kind(self) -> Kind:
        return kind_of(self.mime)

    @property
    def noun(self) -> str:
        """What people call it."""
        return NOUNS[self.kind]

    @property
    def request(self) -> dict[str, Any]:
        """How it was made, under the names of `GenerationRequest`: its job's request, else what the file from outside said of itself."""
        made: dict[str, Any] = self.job.request if self.job else self.info.get("settings", {})
        return made

    @property
    def looks(self) -> tuple[int, int]:
        """Width and height of what is shown for it, in pixels: a picture's own, else those of its drawing (`posters.py`)."""
        return (self.width, self.height) if self.width and self.height else POSTER_SIZES[self.kind]

    @property
    def length(self) -> str:
        return clock(self.seconds)

    @property
    def badge(self) -> str:
        """What a small picture of it cannot say: that it is a model, or how long one can listen."""
        return "3D" if self.kind == "model" else self.length

    @staticmethod
    def folder(artifact_id: uuid.UUID) -> str:
        """Where an artifact's files lie in the storage; known before the row is."""
        return f"artifacts/{artifact_id.hex[-2:]}/{artifact_id}"

    def variant(self, name: str) -> str:
        """Storage name of a file: `original` (as delivered), `large` (1024 px WebP at most), `thumb` (384 px WebP at most).

        The smaller two are pictures whatever the original is; a picture that is small itself has no `large` one.
        """
        suffix = SUFFIX[self.mime] if name == "original" else "webp"
        return f"{self.folder(self.id)}/{name}.{suffix}"


class Worker(models.Model):
    """A living worker process, for the operator, the health page and the state shown on an engine's chip."""

    name = models.CharField(max_length=80, primary_key=True)
    queues = models.JSONField(default=list)
    state = models.CharField(max_length=20, default="starting")
    detail = models.CharField(max_length=300, blank=True)
    engines = models.JSONField(default=dict, blank=True, help_text="What its engines elsewhere cannot do now, by their ids.")
    pid = models.PositiveIntegerField()
    host = models.CharField(max_length=120)
    memory = models.PositiveBigIntegerField(default=0, help_text="Resident bytes.")
    started_at = models.DateTimeField(auto_now_add=True)
    heartbeat_at = models.DateTimeField()

    objects = WorkerQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.name}: {self.state}"
