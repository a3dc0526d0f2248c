"""`DiffusersBackend`: engines for the form, pictures for the worker.

OPTIONS (all optional):
    ENABLED       bool: False offers nothing at all
    STORYBOOK     bool: offer the built-in engine and its upscaler
    MODELS_FILE   path of the operator's TOML file (see `config`)
    DATA_DIR      folder for what the worker finds out and the web process shows, and for the previews' matrices
    MAX_LOADED    number of models in memory beside Storybook, or memory such as "12GB"
    THREADS       CPU threads; by default one a core
    HUB_ENDPOINT  address of a hub other than Hugging Face's
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from studio.backends.base import (
    Backend,
    Device,
    Engine,
    GeneratedMedia,
    GenerationRequest,
    IsCanceled,
    Mode,
    OnProgress,
    Outcome,
    Progress,
)
from studio.backends.diffusers import builtin, devices, images, loading
from studio.backends.diffusers.batches import Batch, log_failure
from studio.backends.diffusers.capabilities import Described, remote_fingerprint
from studio.backends.diffusers.catalog import Catalog
from studio.backends.diffusers.records import RUNNER, Record
from studio.backends.diffusers.requests import Picture, Settings, pictures_of, settings_of
from studio.backends.diffusers.shelf import Shelf, parse_limit
from studio.backends.diffusers.upscaler import Upscaler
from studio.backends.errors import (
    BackendError,
    EngineFailed,
    InvalidRequest,
    ModelUnusable,
    OutOfMemory,
    RequestCanceled,
)

_OPTIONS = frozenset({"ENABLED", "STORYBOOK", "MODELS_FILE", "DATA_DIR", "MAX_LOADED", "THREADS", "HUB_ENDPOINT"})


class DiffusersBackend(Backend):
    """Local models through diffusers. `engines()` never imports torch; everything else does."""

    def __init__(self, name: str, options: Mapping[str, Any] | None = None) -> None:
        super().__init__(name, options)
        data = self.options.get("DATA_DIR")
        models = self.options.get("MODELS_FILE")
        self.data_dir = Path(data) if data else None
        self._mistakes = self._check_options()
        self.catalog = Catalog(
            name,
            models_file=Path(models) if models else None,
            data_dir=self.data_dir,
            storybook=bool(self.options.get("STORYBOOK", True)),
        )
        limit = self.options.get("MAX_LOADED", 2)
        self.shelf = Shelf(2 if self._mistakes else limit, resident=frozenset({builtin.STORYBOOK_ID}))
        self._previews = ThreadPoolExecutor(max_workers=1, thread_name_prefix="previews")
        self._upscaler: Upscaler | None = None
        self._upscaler_lock = threading.Lock()

    def _check_options(self) -> tuple[str, ...]:
        known = ", ".join(sorted(_OPTIONS))
        found = [f"Unknown option {key} of the diffusers backend; known are {known}." for key in self.options.keys() - _OPTIONS]
        try:
            parse_limit(self.options.get("MAX_LOADED", 2))
        except ValueError as error:
            found.append(str(error))
        threads = self.options.get("THREADS")
        if threads is not None and (not isinstance(threads, int) or threads < 1):
            found.append(f"THREADS must be a whole number from 1, not {threads!r}.")
        return tuple(found)

    @property
    def _threads(self) -> int | None:
        threads = self.options.get("THREADS")
        return threads if isinstance(threads, int) and threads > 0 else None

    def engines(self) -> Sequence[Engine]:
        return self.catalog.engines() if self.options.get("ENABLED", True) else ()

    def devices(self) -> Sequence[Device]:
        return devices.in_use()

    def problems(self) -> Sequence[str]:
        return (*self._mistakes, *self.catalog.problems()) if self.options.get("ENABLED", True) else ()

    def generate(self, request: GenerationRequest, *, on_progress: OnProgress, is_canceled: IsCanceled) -> list[GeneratedMedia]:
        [outcome] = self.generate_batch(
            [request], on_progress=lambda place, progress: on_progress(progress), is_canceled=lambda place: is_canceled()
        )
        if isinstance(outcome, BackendError):
            raise outcome
        return outcome

    def generate_batch(
        self,
        requests: Sequence[GenerationRequest],
        *,
        on_progress: Callable[[int, Progress], None],
        is_canceled: Callable[[int], bool],
    ) -> list[Outcome]:
        """Make requests together: those with the same settings share runs of at most the engine's `batch_limit` pictures.

        One request's mistake or cancel leaves the others alone. Progress of a request counts the steps of all runs it is in.
        """
        outcomes: dict[int, Outcome] = {}
        groups: dict[tuple[str, Settings], list[Picture]] = {}
        for place, request in enumerate(requests):
            try:
                if is_canceled(place):
                    raise RequestCanceled
                described = self._described(request.engine)
                if described is None:
                    outcomes[place] = self._upscale(request, partial(on_progress, place), partial(is_canceled, place))
                    continue
                settings = settings_of(self._runnable(described), request)
                groups.setdefault((request.engine, settings), []).extend(pictures_of(place, request, settings))
            except BackendError as error:
                outcomes[place] = error
        for (engine_id, settings), pictures in groups.items():
            outcomes |= self._run(engine_id, settings, pictures, on_progress, is_canceled)
        return [outcomes[place] for place in range(len(requests))]

    def warm_up(self) -> None:
        """Import torch, load Storybook (or else the first model on this machine that works) and run it for one step.

        Models that did not load before are tried anew, so their old sentences are forgotten. Raises the first model's `BackendError` when
        there are models and none works.
        """
        devices.import_torch(self._threads)
        self.catalog.records.forget_problems()
        where = devices.place("auto", "auto")
        self.catalog.records.write(RUNNER, Record(RUNNER, device=where.device, dtype=where.dtype))
        errors = []
        for model_id in [described.config.id for described in self.catalog.described() if described.folder and not described.problem]:
            request = GenerationRequest(engine=model_id, mode=Mode.TEXT_TO_IMAGE, seed=0, num_inference_steps=1)
            try:
                self.generate(request, on_progress=lambda progress: None, is_canceled=lambda: False)
            except BackendError as error:
                errors.append(error)
            else:
                return
        if errors:
            raise errors[0]

    def _described(self, engine_id: str) -> Described | None:
        """The model of an engine; None for the upscaler, which is no diffusion model. Raises `ModelUnusable` for an unknown id."""
        if engine_id == builtin.UPSCALER_ID and self.catalog.storybook:
            return None
        described = self.catalog.find(engine_id)
        if described is None:
            raise ModelUnusable("This model is no longer offered.")
        return described

    def _runnable(self, described: Described) -> Engine:
        """The engine with everything known about it: a model that still has to be downloaded is fetched here."""
        if described.folder is None:
            described = self._fetched(described)
        return described.engine

    def _fetched(self, described: Described) -> Described:
        """Raises `ModelUnusable` when the folder is missing or broken, `EngineUnavailable` when the hub cannot be reached."""
        devices.import_torch(self._threads)
        try:
            loading.folder_of(described.config, endpoint=self.options.get("HUB_ENDPOINT"))
        except ModelUnusable as error:
            self._remember(described, problem=error.message)
            raise
        again = self.catalog.describe(described.config)
        if again.folder is None:
            raise ModelUnusable(again.engine.state_detail)
        return again

    def _run(
        self,
        engine_id: str,
        settings: Settings,
        pictures: list[Picture],
        on_progress: Callable[[int, Progress], None],
        is_canceled: Callable[[int], bool],
    ) -> dict[int, Outcome]:
        """Make pictures of one model with the same settings; the outcome of every request among them."""
        places = {picture.place for picture in pictures}
        described = self.catalog.find(engine_id)
        try:
            if described is None or described.folder is None:
                raise ModelUnusable("This model is no longer offered.")
            folder = described.folder
            config = described.config
            with self.shelf.use(
                engine_id, folder.fingerprint, lambda: loading.load(config, folder, cache=self.data_dir, threads=self._threads)
            ) as weights:
                devices.import_torch(self._threads)
                batch = Batch(weights, settings, on_progress, is_canceled, self._previews)
                batch.make(pictures)
                info = {"model": engine_id, "device": weights.placement.device, "dtype": weights.placement.dtype, **devices.versions()}
        except BackendError as error:
            if isinstance(error, ModelUnusable) and described:
                self._remember(described, problem=error.message)
            return dict.fromkeys(places, error)
        except Exception as error:  # noqa: BLE001 - torch and diffusers raise anything; a worker must go on
            log_failure(engine_id, error)
            return dict.fromkeys(places, EngineFailed())
        if batch.made:
            self._remember(described, seconds=batch.seconds / len(batch.made), device=info["device"], dtype=info["dtype"])
        return self._outcomes(batch, places, settings, info)

    def _outcomes(self, batch: Batch, places: set[int], settings: Settings, info: dict[str, Any]) -> dict[int, Outcome]:
        """Media of each request, in the order of its pictures; a canceled request gets nothing, whatever was finished before."""
        outcomes: dict[int, Outcome] = {}
        wanted = [made for made in batch.made if made.picture.place in places - batch.canceled - batch.errors.keys()]
        files = images.encode_all([made.image for made in wanted if made.image is not None])
        encoded = iter(files)
        for place in places:
            if place in batch.canceled:
                outcomes[place] = RequestCanceled()
            else:
                outcomes[place] = batch.errors.get(place, [])
        for made in wanted:
            picture = made.picture
            media = GeneratedMedia(
                index=picture.index,
                seed=picture.seed,
                data=b"" if made.image is None else next(encoded),
                width=settings.width,
                height=settings.height,
                filtered=made.image is None,
                info={**info, "steps": made.steps, "scheduler": settings.scheduler, "pictures_in_run": made.run},
            )
            outcome = outcomes[picture.place]
            assert isinstance(outcome, list)
            outcome.append(media)
        for outcome in outcomes.values():
            if isinstance(outcome, list):
                outcome.sort(key=lambda one: one.index)
        return outcomes

    def _remember(
        self, described: Described, *, problem: str = "", seconds: float | None = None, device: str = "", dtype: str = ""
    ) -> None:
        """Write what was found out, unless it is about what is known already: every write makes the web process read again."""
        fingerprint = described.folder.fingerprint if described.folder else remote_fingerprint(described.config)
        old = self.catalog.records.read(described.config.id, fingerprint)
        if seconds is not None and old.seconds_per_image:
            average = 0.7 * old.seconds_per_image + 0.3 * seconds
            if not problem and not old.problem and abs(average / old.seconds_per_image - 1) < 0.1:
                return
            seconds = average
        self.catalog.records.write(described.config.id, Record(fingerprint, problem, seconds, device, dtype))

    def _upscale(self, request: GenerationRequest, on_progress: OnProgress, is_canceled: IsCanceled) -> list[GeneratedMedia]:
        """The built-in upscaler's engine. Progress counts tiles. Raises `InvalidRequest`, `RequestCanceled`, `OutOfMemory`."""
        if request.mode is not Mode.UPSCALING or request.num_images != 1:
            raise InvalidRequest("Fast upscale enlarges one picture.")
        picture = images.read_picture(request.image)
        if picture.width * picture.height > builtin.UPSCALER_MAX_PIXELS:
            side = round(builtin.UPSCALER_MAX_PIXELS**0.5)
            raise InvalidRequest(
                f"The picture is too big to enlarge: {picture.width} × {picture.height} pixels; {side} × {side} is the limit."
            )
        devices.import_torch(self._threads)

        def on_tile(done: int, total: int) -> None:
            on_progress(Progress(done, total))
            if is_canceled():
                raise RequestCanceled

        started = time.monotonic()
        with self._upscaler_lock:
            try:
                if self._upscaler is None:
                    where = devices.place("auto", "auto")
                    self._upscaler = Upscaler(builtin.FOLDER / "upscaler", device=where.device, dtype=where.dtype)
                result = self._upscaler.picture(picture, on_tile=on_tile)
                info = {"model": request.engine, "device": self._upscaler.device, "dtype": str(self._upscaler.dtype).removeprefix("torch.")}
            except BackendError:
                raise
            except Exception as error:  # noqa: BLE001 - as above
                if devices.is_out_of_memory(error):
                    raise OutOfMemory from None
                log_failure(request.engine, error)
                raise EngineFailed from None
        info |= {**devices.versions(), "seconds": f"{time.monotonic() - started:.3f}"}
        media = GeneratedMedia(0, None, images.encode(result), width=result.width, height=result.height, info=info)
        return [media]
