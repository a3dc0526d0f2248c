"""What a backend is: engines as capability records, one request type in, media out.

Names are those of `diffusers` (`num_inference_steps`, `guidance_scale`, …); a provider's own words live only in its adapter.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, ClassVar

from studio.backends.capabilities import MAX_SEED, Engine, EngineState, Parameter, SizeRules
from studio.backends.errors import BackendError, RequestCanceled
from studio.backends.modes import Kind, MediaInput, Mode, PromptNeed
from studio.backends.prices import MILLICREDITS, PriceTable, Quote, QuoteLine

__all__ = [
    "MAX_SEED",
    "MILLICREDITS",
    "Backend",
    "Device",
    "Engine",
    "EngineState",
    "GeneratedMedia",
    "GenerationRequest",
    "IsCanceled",
    "Kind",
    "MediaInput",
    "Mode",
    "OnProgress",
    "OnSent",
    "OnSubmitted",
    "Outcome",
    "PaidBackend",
    "Parameter",
    "PriceTable",
    "Progress",
    "PromptNeed",
    "Quote",
    "QuoteLine",
    "SizeRules",
]


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """Everything an engine needs to make the same pictures again.

    `width` and `height` are pixels of the result. Picture i of n uses seed `seeds[i]`. `image` and `mask_image` are the bytes of
    clean files (re-encoded at upload); white in the mask is what changes. `extra` holds an engine's own parameters, `media` the bytes
    of its other input files by the name of the `MediaInput`.
    """

    engine: str
    mode: Mode
    seed: int
    prompt: str = ""
    negative_prompt: str = ""
    width: int | None = None
    height: int | None = None
    num_images: int = 1
    num_inference_steps: int | None = None
    guidance_scale: float | None = None
    scheduler: str | None = None
    strength: float | None = None
    image: bytes | None = field(default=None, repr=False)
    mask_image: bytes | None = field(default=None, repr=False)
    extra: Mapping[str, Any] = field(default_factory=dict)
    media: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    @property
    def seeds(self) -> tuple[int, ...]:
        """One seed per picture: the first, then one more each, wrapping after `MAX_SEED` (A1111's convention)."""
        return tuple((self.seed + i) % (MAX_SEED + 1) for i in range(self.num_images))

    @property
    def shape(self) -> str:
        """Requests with the same shape can run as one batch: a digest of all that their pictures have in common."""
        parts = (self.engine, self.mode, self.width, self.height, self.num_inference_steps, self.scheduler, self.guidance_scale)
        return sha256(repr((*parts, self.strength, sorted(self.extra.items()))).encode()).hexdigest()

    def file(self, name: str) -> bytes | None:
        """The bytes of an input by the name of its `MediaInput`."""
        return {"image": self.image, "mask_image": self.mask_image}.get(name) or self.media.get(name)

    def to_json(self) -> dict[str, Any]:
        """Everything but the bytes of the input files, as JSON types."""
        names = [name for name in self.__dataclass_fields__ if name not in ("image", "mask_image", "media")]
        return {name: dict(self.extra) if name == "extra" else getattr(self, name) for name in names}

    @classmethod
    def from_json(
        cls,
        data: Mapping[str, Any],
        *,
        image: bytes | None = None,
        mask_image: bytes | None = None,
        media: Mapping[str, bytes] | None = None,
    ) -> GenerationRequest:
        known = {name: data[name] for name in cls.__dataclass_fields__ if name in data}
        return cls(**{**known, "mode": Mode(data["mode"]), "image": image, "mask_image": mask_image, "media": media or {}})


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run is: `step` of `total` (steps of the whole call), with a small JPEG now and then."""

    step: int
    total: int
    preview: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class GeneratedMedia:
    """One result: a picture, a 3D model or a sound, by its `mime`. `filtered` results carry no data and are not charged.

    `provider_cost` is what the provider takes for it in millicredits, also for a filtered one. `info` says what made it (device, dtype,
    versions).
    """

    index: int
    seed: int | None
    data: bytes = field(default=b"", repr=False)
    mime: str = "image/png"
    width: int | None = None
    height: int | None = None
    filtered: bool = False
    provider_cost: int = 0
    info: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Device:
    """A GPU that a backend works on, with its bytes: `free` counts what other processes have taken, too."""

    name: str
    total: int
    free: int


OnProgress = Callable[[Progress], None]
IsCanceled = Callable[[], bool]
OnSent = Callable[[], None]
"""Called once, before the first paid call of a request leaves: from then on it may have been billed."""
OnSubmitted = Callable[[str], None]
"""Called with the provider's id of work that goes on there; `PaidBackend.resume` takes it."""
Outcome = list[GeneratedMedia] | BackendError
"""What one request of a batch came to: its media, or its own error while the others go on."""


class Backend(ABC):
    """An adapter to engines. Built once per process by the registry with its name and the `OPTIONS` of `settings.BACKENDS`."""

    paid: ClassVar[bool] = False
    """Whether calls cost money at a provider; such a backend is a `PaidBackend`."""

    def __init__(self, name: str, options: Mapping[str, Any] | None = None) -> None:
        self.name = name
        self.options = dict(options or {})

    @abstractmethod
    def engines(self) -> Sequence[Engine]:
        """List what this backend offers now. Cheap and cached: the web process asks on every page."""

    @abstractmethod
    def generate(self, request: GenerationRequest, *, on_progress: OnProgress, is_canceled: IsCanceled) -> list[GeneratedMedia]:
        """Make the pictures of one request.

        Raises `BackendError`; `RequestCanceled` within one step after `is_canceled()` turned true.
        """

    def generate_batch(
        self,
        requests: Sequence[GenerationRequest],
        *,
        on_progress: Callable[[int, Progress], None],
        is_canceled: Callable[[int], bool],
    ) -> list[Outcome]:
        """Make several requests of one shape; callbacks and results go by the request's place in the list."""
        outcomes: list[Outcome] = []
        for place, request in enumerate(requests):
            try:
                if is_canceled(place):
                    raise RequestCanceled
                media = self.generate(
                    request,
                    on_progress=lambda progress, place=place: on_progress(place, progress),  # type: ignore[misc]
                    is_canceled=lambda place=place: is_canceled(place),  # type: ignore[misc]
                )
                outcomes.append(media)
            except BackendError as error:
                outcomes.append(error)
        return outcomes

    def warm_up(self) -> None:  # noqa: B027 - most backends have nothing to load
        """Load what the first request would wait for. Called once by a worker before its first claim."""

    def devices(self) -> Sequence[Device]:
        """The GPUs that this process works on by now, in their order; quick, as each heartbeat of a worker asks. A CPU is none."""
        return ()

    def problems(self) -> Sequence[str]:
        """Sentences on what an operator has set up wrong (a missing folder, a bad price); shown by `manage.py check`."""
        return ()


def _unheard(*_: object) -> None:
    """Nobody wants to know."""


class PaidBackend(Backend):
    """A backend whose calls are billed by somebody else, so that none may go out twice for one request.

    A worker hands over one request at a time, so the `batch_limit` of its engines is 1. The callbacks of `generate` must be called on its
    own thread; when one of them raises, nothing more may go out and the error must come through.
    """

    paid = True

    @abstractmethod
    def generate(
        self,
        request: GenerationRequest,
        *,
        on_progress: OnProgress,
        is_canceled: IsCanceled,
        on_sent: OnSent = _unheard,
        on_submitted: OnSubmitted = _unheard,
    ) -> list[GeneratedMedia]:
        """As `Backend.generate`. Fewer media than were asked for may come back: the others failed, and only those here are delivered.

        What may be asked again is asked again in here: once a call is out, a `retryable` error ends the job, unless it is `CoolingDown`.
        After `on_submitted` an error that is `retryable` means: go on with `resume`, never with `generate`.
        """

    @abstractmethod
    def resume(
        self, request: GenerationRequest, provider_id: str, *, on_progress: OnProgress, is_canceled: IsCanceled
    ) -> list[GeneratedMedia]:
        """Wait for what an earlier process submitted, and fetch it. Costs nothing. Raises as `generate` does."""

    def check(self, request: GenerationRequest) -> None:
        """Look at a request with its files before anybody holds money for it: what no single setting can tell is told here.

        Raises `InvalidRequest` with `fields`. Quick, and nothing goes out.
        """

    @abstractmethod
    def balance(self) -> int:
        """Millicredits left at the provider, at most a minute old. Raises `BackendError` when they cannot be read."""
