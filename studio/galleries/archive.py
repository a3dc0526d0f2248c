"""Many pictures in one download: the originals, and a list of how each was made, for programs (JSON) and for tables (CSV)."""

from __future__ import annotations

import csv
import io
import json
import uuid
from collections.abc import Iterator, Sequence
from typing import Any

import structlog

from billing.credits import credits
from studio.galleries.facts import name_outside
from studio.galleries.files import let_go
from studio.galleries.zips import PIECE, File, safe_name
from studio.generation.kinds import SUFFIX
from studio.generation.models import Artifact
from studio.storage import pieces

log = structlog.get_logger(__name__)

MOST = 5000
"""Pictures in one download."""
BATCH = 100
COLUMNS = (
    *("file", "id", "kind", "name", "prompt", "negative_prompt", "engine", "mode", "seed", "width", "height", "seconds"),
    *("tags", "made_by", "made_at", "credits", "bytes", "sha256"),
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that a spreadsheet would run."""


def contents(ids: Sequence[uuid.UUID], *, folder: str = "") -> Iterator[File]:
    """The files of a zip: each picture of `ids` that is there, in their order, then `metadata.json` and `metadata.csv`.

    Raises OSError when the storage fails: a zip that ends in the middle is seen to be broken, one without a picture is not.
    """
    told: list[dict[str, Any]] = []
    for start in range(0, len(ids), BATCH):
        batch = ids[start : start + BATCH]
        rows = Artifact.objects.select_related("job", "user").in_bulk(batch)
        let_go()
        for artifact in (rows[one] for one in batch if one in rows):
            record = describe(artifact)
            told.append(record)
            try:
                original = pieces(artifact.variant("original"), PIECE)
            except FileNotFoundError:
                log.warning("original_missing", artifact=str(artifact.id))
                continue
            name = safe_name(_name(artifact, len(told)))
            record["file"] = f"{folder}{name}"
            yield File(name, original, folder, artifact.created_at)
    yield File("metadata.json", [json.dumps(told, ensure_ascii=False, indent=1).encode()], folder)
    yield File("metadata.csv", [as_csv(told, COLUMNS)], folder)


def describe(artifact: Artifact) -> dict[str, Any]:
    """How it was made, in plain values. `file` is empty for one whose file is lost."""
    request = artifact.request
    return {
        "file": "",
        "id": str(artifact.id),
        "kind": artifact.kind,
        "name": name_outside(artifact),
        "prompt": artifact.prompt,
        "negative_prompt": request.get("negative_prompt", ""),
        "engine": artifact.engine_label,
        "mode": artifact.mode,
        "seed": artifact.seed,
        "width": artifact.width,
        "height": artifact.height,
        "seconds": artifact.seconds,
        "tags": artifact.tags.split("\n") if artifact.tags else [],
        "made_by": str(artifact.user) if artifact.user else "",
        "made_at": artifact.created_at.isoformat(),
        "credits": credits(artifact.charged),
        "bytes": artifact.bytes,
        "sha256": artifact.sha256,
        "settings": request,
    }


def as_csv(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> bytes:
    """A table that a spreadsheet opens: UTF-8 with its mark, lists joined, and nothing in it that would be run as a formula."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(columns)
    writer.writerows([_cell(row[column]) for column in columns] for row in rows)
    return b"\xef\xbb\xbf" + buffer.getvalue().encode()


def _cell(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)
    is_number = isinstance(value, int | float)
    return f"'{text}" if text.startswith(_FORMULA) and not is_number else text


def _name(artifact: Artifact, number: int) -> str:
    """A number, so that they stay in their order, then the first words of the prompt, else how the file was called outside."""
    words = " ".join((artifact.prompt or name_outside(artifact).rpartition(".")[0])[:200].split())[:60]
    return f"{number:04d} {words or artifact.noun} {artifact.id.hex[-6:]}.{SUFFIX[artifact.mime]}"
