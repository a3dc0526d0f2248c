"""What the worker found out about models, as small files that the web process reads: how fast they are, why one does not load.

A record holds for one fingerprint of a model; when the folder changes it is void. Files are replaced whole, so a reader never sees half
a record, and a broken one counts as none.
"""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

RUNNER = ".runner"
"""Name of the record that is about the worker and no model; ids cannot begin with a dot."""


@dataclass(frozen=True, slots=True)
class Record:
    """`seconds_per_image` is a moving average of runs in this worker; `problem` the sentence of the last failed load, or ""."""

    fingerprint: str = ""
    problem: str = ""
    seconds_per_image: float | None = None
    device: str = ""
    dtype: str = ""


class Records:
    """A folder of records, one file a model. Without a folder (None) nothing is kept."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder / "models" if folder else None

    def stamp(self) -> int:
        """Changes whenever a record is written; 0 when there are none."""
        try:
            return os.stat(self.folder).st_mtime_ns if self.folder else 0
        except OSError:
            return 0

    def runner(self) -> Record | None:
        """What a worker wrote when it was warm: that there is one, and where it runs models. None when no worker ever was."""
        record = self.read(RUNNER, RUNNER)
        return record if record.fingerprint else None

    def read(self, model_id: str, fingerprint: str) -> Record:
        """The record of a model as it is now; an empty one when there is none, or it was made for other files."""
        if self.folder:
            try:
                record = Record(**json.loads((self.folder / f"{model_id}.json").read_text("utf-8")))
            except (OSError, ValueError, TypeError):
                return Record()
            if record.fingerprint == fingerprint:
                return record
        return Record()

    def write(self, model_id: str, record: Record) -> None:
        """Replace a model's record. A full or read-only disk is no reason to fail a picture, so it is passed over."""
        if not self.folder:
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self.folder, suffix=".part")
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(asdict(record), file)
            os.replace(name, self.folder / f"{model_id}.json")
        except OSError:
            return

    def forget_problems(self) -> None:
        """A worker that starts tries every model anew."""
        if not self.folder or not self.folder.is_dir():
            return
        for file in self.folder.glob("*.json"):
            try:
                record = Record(**json.loads(file.read_text("utf-8")))
            except (OSError, ValueError, TypeError):
                continue
            if record.problem:
                file.unlink(missing_ok=True)
