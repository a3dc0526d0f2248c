"""Rows as the studio itself would have left them: a job with its hold and ledger, pictures, models and sounds with their files."""

from __future__ import annotations

import hashlib
import io
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from django.utils import timezone
from PIL import Image, ImageDraw

from accounts.models import Team, User
from billing.models import Hold
from billing.services import wallets
from studio.backends.base import GenerationRequest, Mode, Quote, QuoteLine
from studio.generation import files, metadata
from studio.generation.kinds import kind_of
from studio.generation.models import Artifact, Batch, InputFile, Job
from studio.generation.results import examine
from studio.ids import uuid7
from studio.prompts.models import PromptTemplateVersion
from tests.media import model, sound

PRICE = 1000
"""Millicredits that a picture of these factories costs."""


def draw(width: int = 64, height: int = 64, seed: int = 1, mime: str = "image/png") -> bytes:
    """A picture file: a sun over hills, coloured by the seed."""
    return _drawn(width, height, seed % 997, mime)


@lru_cache(maxsize=64)
def _drawn(width: int, height: int, seed: int, mime: str) -> bytes:
    sky, sun, hill = [
        ((seed * a) % 200 + 40, (seed * b) % 180 + 50, (seed * c) % 190 + 45) for a, b, c in ((37, 91, 53), (71, 29, 13), (17, 43, 67))
    ]
    image = Image.new("RGB", (width, height), sky)
    pen = ImageDraw.Draw(image)
    x, y, r = width * (20 + seed % 60) // 100, height * 30 // 100, min(width, height) // 6
    pen.ellipse((x - r, y - r, x + r, y + r), fill=sun)
    pen.ellipse((-width // 2, height * 60 // 100, width, height * 2), fill=hill)
    buffer = io.BytesIO()
    image.save(buffer, {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP"}[mime])
    return buffer.getvalue()


def id_at(moment: datetime) -> uuid.UUID:
    """An id as if it had been made then."""
    fresh = uuid7().int
    return uuid.UUID(int=(int(moment.timestamp() * 1000) << 80) | (fresh & ((1 << 80) - 1)))


def make_job(
    team: Team,
    user: User,
    *,
    status: str = Job.Status.QUEUED,
    parent: Artifact | None = None,
    image: InputFile | None = None,
    made_at: datetime | None = None,
    engine_label: str = "Test card",
    queue: str = "null",
    approval: str = "",
    **request: Any,
) -> Job:
    """A job with an active hold; `request` are fields of `GenerationRequest`. The team is granted what it lacks."""
    settings = {"engine": "null", "mode": Mode.TEXT_TO_IMAGE, "seed": 7, "prompt": "a red sailboat", "width": 64, "height": 64}
    asked = GenerationRequest(**{**settings, "num_inference_steps": 20, "guidance_scale": 5.0, **request})
    count = asked.num_images
    quote = Quote(count * PRICE, (QuoteLine("pictures" if count > 1 else "picture", count, PRICE, count * PRICE),), "test-1", count)
    job_id = id_at(made_at or timezone.now())
    wallet = wallets.wallet_of(team)
    if wallet.available < quote.amount:
        wallets.grant(wallet, 100 * quote.amount, reference=f"test:{job_id}", description="For a test")
    job = Job.objects.create(
        id=job_id,
        team=team,
        user=user,
        status=status,
        idempotency_key=job_id.hex,
        engine=asked.engine,
        engine_label=engine_label,
        queue=queue,
        mode=asked.mode,
        prompt=asked.prompt,
        num_images=count,
        request=asked.to_json(),
        shape=asked.shape,
        quote=quote.to_json(),
        approval=approval,
        parent=parent,
        image=image,
        hold=wallets.place_hold(
            wallet,
            quote.amount,
            reference=f"job:{job_id}",
            description=f"{count} × {engine_label}",
            product=engine_label,
            operation=Mode(asked.mode).label,
        ),
    )
    if made_at:
        Job.objects.filter(pk=job.pk).update(created_at=made_at)
        job.refresh_from_db()
    return job


def make_batch(
    team: Team,
    user: User,
    rows: int = 3,
    *,
    kind: str = "table",
    title: str = "Boats of all colours",
    versions: Sequence[PromptTemplateVersion] = (),
    **fields: Any,
) -> Batch:
    """A batch of jobs as `make_job` makes them; `fields` are its arguments. With `versions` of a template each makes a column."""
    axes = {"x": {"name": "version", "label": "Version", "values": [str(one.number) for one in versions]}} if versions else None
    version = versions[-1] if versions else None
    key = uuid7().hex
    batch = Batch.objects.create(
        team=team, user=user, kind=kind, title=title, size=rows, idempotency_key=key, axes=axes, template_version=version
    )
    for place in range(rows):
        job = make_job(team, user, **{"prompt": f"boat {place + 1}", **fields})
        its = versions[place % len(versions)] if versions else None
        Job.objects.filter(pk=job.pk).update(batch=batch, batch_place=place, template_version=its)
    return batch


def make_artifacts(
    team: Team, user: User, count: int = 1, *, mime: str = "image/png", made_at: datetime | None = None, **fields: Any
) -> list[Artifact]:
    """The results of one succeeded job, charged and stored; `fields` are those of `make_job`, and `info`, `ids`, `files=False`."""
    moment = made_at or timezone.now()
    info: dict[str, Any] = fields.pop("info", {"device": "cpu", "dtype": "float32"})
    ids: Sequence[uuid.UUID] | None = fields.pop("ids", None)
    store: bool = fields.pop("files", True)
    job = make_job(team, user, made_at=moment, **{"num_images": count, **fields})
    request = job.to_request()
    pictures = []
    for index in range(count):
        seed = request.seeds[index]
        data = metadata.embed(_made(mime, request, seed), request, seed=seed, engine_label=job.engine_label)
        result = examine(data, mime, poster=lambda: files.read(job.image.file) if job.image else None)
        picture = Artifact(
            id=ids[index] if ids else id_at(moment),
            job=job,
            team=team,
            user=user,
            index=index,
            engine=job.engine,
            engine_label=job.engine_label,
            mode=job.mode,
            prompt=job.prompt,
            seed=seed,
            mime=mime,
            width=result.width,
            height=result.height,
            seconds=result.seconds,
            bytes=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
            thumbhash=result.variants.thumbhash,
            charged=PRICE,
            info={**info, **result.info},
        )
        if store:
            files.save_artifact(picture.id, mime, data, result.variants.files)
        picture.save(force_insert=True)
        pictures.append(picture)
    wallets.capture(Hold.objects.get(pk=job.hold_id), count * PRICE)
    Job.objects.filter(pk=job.pk).update(
        status=Job.Status.SUCCEEDED,
        delivered=count,
        attempt=1,
        started_at=moment,
        finished_at=moment + timedelta(seconds=3.1),
        created_at=moment,
    )
    Artifact.objects.filter(job=job).update(created_at=moment)
    job.refresh_from_db()
    for picture in pictures:
        picture.job, picture.created_at = job, moment
    return pictures


def _made(mime: str, request: GenerationRequest, seed: int) -> bytes:
    """A file of that type; a picture of the size that was asked for, a sound of `duration` seconds."""
    if kind_of(mime) == "model":
        return model(seed)
    if kind_of(mime) == "audio":
        return sound(request.extra.get("duration", 2), seed, mime)
    return draw(request.width or 64, request.height or 64, seed, mime)


def make_artifact(team: Team, user: User, **fields: Any) -> Artifact:
    """One result with a job of its own; see `make_artifacts`."""
    return make_artifacts(team, user, 1, **fields)[0]
