"""The rows a generation leaves: what was asked (Job, Batch), what came of it (Artifact), what it was given (InputFile)."""

from studio.generation.models.artifacts import Artifact
from studio.generation.models.batches import Batch
from studio.generation.models.choices import modes
from studio.generation.models.inputs import InputFile
from studio.generation.models.jobs import Job, JobInput
from studio.generation.models.workers import PausedQueue, Worker

__all__ = ["Artifact", "Batch", "InputFile", "Job", "JobInput", "PausedQueue", "Worker", "modes"]
