"""What is different between two results: their prompts word by word, and the settings that are not the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from studio.galleries import facts
from studio.generation.models import Artifact
from studio.word_changes import Piece, words


@dataclass(frozen=True, slots=True)
class Change:
    """A setting that is not the same; empty on a side that does not have it."""

    label: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Difference:
    """From `first` to `second`. `prompt` and `negative` are empty where both say the same, `same` are the labels that agree."""

    first: Artifact
    second: Artifact
    prompt: Sequence[Piece]
    negative: Sequence[Piece]
    changes: Sequence[Change]
    same: Sequence[str]

    @property
    def has_credits(self) -> bool:
        """Whether what they cost is not the same, in millicredits."""
        return self.first.charged != self.second.charged


def difference(first: Artifact, second: Artifact) -> Difference:
    """Compare two results, whatever they are."""
    one, other = _settings(first), _settings(second)
    labels = list(dict.fromkeys([*one, *other]))
    return Difference(
        first,
        second,
        _prompts(first.prompt, second.prompt),
        _prompts(_negative(first), _negative(second)),
        [Change(label, one.get(label, ""), other.get(label, "")) for label in labels if one.get(label) != other.get(label)],
        [label for label in labels if one.get(label) == other.get(label)],
    )


def _settings(artifact: Artifact) -> dict[str, str]:
    made = artifact.get_mode_display() if artifact.mode else "outside the studio"
    return {"Mode": made, "Engine": artifact.engine_label, **{fact.label: fact.value for fact in facts.parameters(artifact)}}


def _negative(artifact: Artifact) -> str:
    return str(artifact.request.get("negative_prompt") or "")


def _prompts(before: str, after: str) -> list[Piece]:
    return [] if before == after else words(before, after)
