"""The files that a generation starts from, on the way from the form to the job."""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from accounts.models import User
from studio.backends.base import MediaInput
from studio.generation import files
from studio.generation.errors import UnusableFile
from studio.generation.images import CleanImage, mask_from
from studio.generation.kinds import NOUNS
from studio.generation.models import Artifact, InputFile
from studio.generation.sounds import CleanSound
from studio.generation.uploads import clean_file

Complain = Callable[[str, str], None]
"""Called with the name of an input and a sentence that says what is wrong with it."""


@dataclass(slots=True)
class Given:
    """One input: the row that holds its file or, until somebody presses Generate, what would be stored."""

    rules: MediaInput
    kept: InputFile | None = None
    fresh: CleanImage | CleanSound | None = None
    artifact: Artifact | None = None

    @property
    def file(self) -> InputFile | CleanImage | CleanSound | None:
        return self.fresh or self.kept

    @property
    def problem(self) -> str | None:
        """Why the engine cannot take it."""
        file = self.file
        return self.rules.problem(file.mime, width=file.width, height=file.height, seconds=file.seconds) if file else None

    def read(self) -> bytes:
        """Raises OSError when the file is gone, or cannot be read."""
        if self.fresh:
            return self.fresh.data
        assert self.kept
        return files.read(self.kept.file)


class Inputs:
    """All inputs of a form, by name, in the order of the engine's record."""

    def __init__(self, rules: tuple[MediaInput, ...]) -> None:
        self.by_name = {one.name: Given(one) for one in rules}

    def __iter__(self) -> Iterator[Given]:
        return iter(self.by_name.values())

    @property
    def first(self) -> Given | None:
        """Where a picture or sound of the library goes that somebody goes on from."""
        return next(iter(self), None)

    @property
    def seconds(self) -> float | None:
        """How long the sound is that was given, if there is one."""
        return next((given.file.seconds for given in self if given.file and given.rules.kind == "audio"), None)

    def start_from(self, artifact: Artifact, complain: Complain) -> None:
        """Take what was made as the first input; one that was used before is kept already."""
        given = self.first
        if given is None or given.kept:
            return
        given.kept = InputFile.objects.filter(artifact=artifact).first()
        if given.kept is None:
            try:
                data = files.read(artifact.variant("original"))
                given.fresh, given.artifact = clean_file(io.BytesIO(data), size=len(data)), artifact
            except OSError as error:
                complain(given.rules.name, files.told(error, f"The file of that {noun(given.rules)} is gone. Choose another one."))
            except UnusableFile as error:
                complain(given.rules.name, error.message)

    def check(self, complain: Complain) -> None:
        """Look at every file; a mask is fitted to its picture."""
        for given in self:
            if given.file is None:
                if given.rules.required:
                    complain(given.rules.name, _missing(given.rules))
            elif problem := given.problem:
                complain(given.rules.name, problem)
        mask, picture = self.by_name.get("mask_image"), self.by_name.get("image")
        if mask and mask.kept and picture and picture.file:
            self._fit(mask, (picture.file.width or 0, picture.file.height or 0), complain)

    def _fit(self, mask: Given, size: tuple[int, int], complain: Complain) -> None:
        assert mask.kept
        try:
            data = files.read(mask.kept.file)
            fitted = mask_from(CleanImage(data, mask.kept.width or 0, mask.kept.height or 0), size)
        except UnusableFile as error:
            complain(mask.rules.name, error.message)
        except OSError as error:
            complain(mask.rules.name, files.told(error, "The mask is gone. Paint it again."))
        else:
            mask.fresh = fitted if fitted.data != data else None

    def read(self, complain: Complain) -> dict[str, bytes]:
        """The bytes of all that is given, by name."""
        found = {}
        for name, given in self.by_name.items():
            if given.file is None:
                continue
            try:
                found[name] = given.read()
            except OSError as error:
                complain(name, files.told(error, f"The file of this {noun(given.rules)} is gone. Choose it again."))
        return found

    def keep(self, user: User) -> dict[str, InputFile]:
        """Store what is not stored yet; returns a row for every input that is given. Raises `StorageFull`, `StorageFailed`."""
        rows: dict[str, InputFile] = {}
        for name, given in self.by_name.items():
            if given.fresh:
                team = given.artifact.team if given.artifact else rows["image"].team  # a mask belongs to the picture it was fitted to
                given.kept, given.fresh = files.save_input(given.fresh, team=team, user=user, artifact=given.artifact), None
            if given.kept:
                rows[name] = given.kept
        return rows


def noun(rules: MediaInput) -> str:
    """What people call a file that goes there."""
    return "mask" if rules.kind == "mask" else NOUNS[rules.kind]


def _missing(rules: MediaInput) -> str:
    if rules.kind == "mask":
        return "Paint over the part that should change."
    if rules.kind == "audio":
        return "Choose a sound to start from: drop an MP3 or WAV file here, or choose one."
    if rules.name == "image":
        return "Choose a picture to start from: drop one here, paste it, or send one from the library."
    return f"Choose a picture: {rules.label}."


def as_id(value: object) -> uuid.UUID | None:
    try:
        return uuid.UUID(str(value))
    except ValueError:
        return None
