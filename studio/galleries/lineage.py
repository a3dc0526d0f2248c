"""The family of a picture: what it was made from, what else was made from that, and what came of it; and how to draw it as a small graph.

What another team made is never in it. What lies in the trash is named, but not shown, and only where it connects others.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from studio.backends.base import Mode
from studio.galleries.facts import measure
from studio.generation.models import Artifact
from studio.generation.querysets import ArtifactQuerySet

ANCESTORS, DEPTH, SIBLINGS, MEMBERS = 12, 6, 12, 60
"""How far up and down it goes, how many share the parent, and how many there are in all. One query for each generation."""

CELL, ROW, THUMB = 82, 106, 58
"""Pixels of the drawing: from one node to the next across and down, and the side of a thumbnail."""

_MADE = {
    Mode.TEXT_TO_IMAGE: "New settings",
    Mode.IMAGE_TO_IMAGE: "Variation",
    Mode.INPAINTING: "Edited part",
    Mode.UPSCALING: "Upscaled",
    Mode.OUTPAINTING: "Widened",
    Mode.IMAGE_TO_3D: "In 3D",
    Mode.AUDIO_TO_AUDIO: "From a sound",
}


@dataclass(frozen=True, slots=True)
class Node:
    """A member of the family. `x`, `y`: the upper left corner of its thumbnail. `number`: how the lists beside the drawing call it."""

    artifact: Artifact
    number: int
    label: str
    detail: str
    x: int
    y: int
    is_current: bool = False
    is_trashed: bool = False

    @property
    def name(self) -> str:
        """What a screen reader says, and the lists show."""
        return f"{self.label}: {self.detail}" if self.detail else self.label

    @property
    def middle(self) -> int:
        return self.x + THUMB // 2


@dataclass(frozen=True, slots=True)
class Family:
    """`edges` are drawn as paths. `is_cut`: there are more than are shown."""

    nodes: Sequence[Node]
    edges: Sequence[str]
    width: int
    height: int
    is_cut: bool
    parent: Artifact | None

    @property
    def shown(self) -> list[Node]:
        """Those that can be looked at, and so compared."""
        return [node for node in self.nodes if not node.is_trashed]

    @property
    def counterpart(self) -> Artifact | None:
        """With what the current one is compared first: its parent, else the first that came of it."""
        if self.parent is not None and self.parent.deleted_at is None:
            return self.parent
        others = [node.artifact for node in self.shown if not node.is_current]
        return others[0] if others else None

    @property
    def pair(self) -> tuple[Artifact, Artifact] | None:
        """The current one and its counterpart, the older first: what is different is said from what was to what came of it."""
        current = next((node.artifact for node in self.nodes if node.is_current), None)
        if current is None or self.counterpart is None:
            return None
        first, second = sorted((current, self.counterpart), key=lambda one: one.pk)
        return first, second


def family(artifact: Artifact) -> Family | None:
    """The family as a drawing; None for a picture that is alone. The picture must have been selected with its job."""
    parents = _ancestors(artifact)
    line = {artifact.id, *(one.id for one in parents)}
    below, is_cut = _descendants(artifact, line, MEMBERS - len(line) - SIBLINGS)
    siblings, more = _siblings(artifact, line) if parents else ([], False)
    members = _without_dead_ends([*parents, artifact, *siblings, *below], line)
    if len(members) == 1:
        return None
    return _drawn(members, artifact, is_cut or more, parents[-1] if parents else None)


def _relatives() -> ArtifactQuerySet:
    return Artifact.objects.select_related("job").defer("job__quote", "job__request")


def _ancestors(artifact: Artifact) -> list[Artifact]:
    """From the first idea down to the parent."""
    found: list[Artifact] = []
    seen = {artifact.id}
    job = artifact.job
    while job and job.parent_id and len(found) < ANCESTORS and job.parent_id not in seen:
        parent = _relatives().filter(pk=job.parent_id, team=artifact.team_id).first()
        if parent is None:
            break
        found.append(parent)
        seen.add(parent.id)
        job = parent.job
    return found[::-1]


def _siblings(artifact: Artifact, line: set[uuid.UUID]) -> tuple[list[Artifact], bool]:
    """What else was made from the parent, nearest in time first, and whether there is more of it."""
    made = _relatives().filter(job__parent=artifact.job.parent_id, team=artifact.team_id).visible().exclude(pk__in=line)  # type: ignore[union-attr]
    before = list(made.filter(pk__lt=artifact.pk).order_by("-id")[: SIBLINGS + 1])
    after = list(made.filter(pk__gt=artifact.pk).order_by("id")[: SIBLINGS + 1])
    half = SIBLINGS // 2
    kept = [*before[: max(half, SIBLINGS - len(after))], *after[: max(half, SIBLINGS - len(before))]]
    return kept, len(before) + len(after) > len(kept)


def _descendants(artifact: Artifact, line: set[uuid.UUID], limit: int) -> tuple[list[Artifact], bool]:
    """What was made from the picture, and from that, generation by generation, and whether there is more of it."""
    found: list[Artifact] = []
    seen = set(line)
    generation = [artifact.id]
    for depth in range(DEPTH + 1):
        room = limit - len(found) if depth < DEPTH else 0
        made = _relatives().filter(job__parent__in=generation, team=artifact.team_id).exclude(pk__in=seen)
        children = list(made.order_by("id")[: room + 1])
        if len(children) > room:
            return found + children[:room], True
        if not children:
            break
        found += children
        generation = [one.id for one in children]
        seen.update(generation)
    return found, False


def _without_dead_ends(members: Sequence[Artifact], kept: set[uuid.UUID]) -> list[Artifact]:
    """Leave out what is in the trash, unless something that is shown came of it."""
    needed = set(kept)
    ids = {one.id for one in members}
    parents = {one.id: _parent_id(one) for one in members}
    for one in members:
        step: uuid.UUID | None = one.id if one.deleted_at is None else None
        while step in ids and step not in needed:
            needed.add(step)  # type: ignore[arg-type]
            step = parents[step]  # type: ignore[index]
    return [one for one in members if one.id in needed]


def _parent_id(artifact: Artifact) -> uuid.UUID | None:
    return artifact.job.parent_id if artifact.job else None


# --- the drawing -----------------------------------------------------------------------------------------------------


def _drawn(members: Sequence[Artifact], current: Artifact, is_cut: bool, parent: Artifact | None) -> Family:
    """A tree from its root down, a generation in each row; a parent stands over the middle of what came of it."""
    by_id = {one.id: one for one in members}
    children: dict[uuid.UUID | None, list[uuid.UUID]] = defaultdict(list)
    root = members[0].id
    for one in sorted(members, key=lambda one: one.id):
        if one.id != root:
            children[_parent_id(one)].append(one.id)
    places = _places(root, children)
    order = sorted(places, key=lambda one: (places[one][1], places[one][0]))
    nodes = {
        one: _node(by_id[one], by_id.get(_parent_id(by_id[one])) if one != root else None, number, places[one], current)  # type: ignore[arg-type]
        for number, one in enumerate(order, 1)
    }
    edges = [_edge(nodes[one], nodes[child]) for one in order for child in children[one]]
    width = max(node.x for node in nodes.values()) + (CELL + THUMB) // 2
    height = max(node.y for node in nodes.values()) + THUMB + 24
    return Family(list(nodes.values()), edges, width, height, is_cut, parent)


def _places(root: uuid.UUID, children: dict[uuid.UUID | None, list[uuid.UUID]]) -> dict[uuid.UUID, tuple[float, int]]:
    """Column (in cells, halves allowed) and row of each. Nobody's parent is below them, for nobody is in the family twice."""
    places: dict[uuid.UUID, tuple[float, int]] = {}
    column = 0

    def put(one: uuid.UUID, row: int) -> float:
        nonlocal column
        below = [put(child, row + 1) for child in children[one]]
        if not below:
            column += 1
        places[one] = ((below[0] + below[-1]) / 2 if below else column - 1, row)
        return places[one][0]

    put(root, 0)
    return places


def _node(artifact: Artifact, before: Artifact | None, number: int, place: tuple[float, int], current: Artifact) -> Node:
    is_current, is_trashed = artifact.id == current.id, artifact.deleted_at is not None
    x, y = round(place[0] * CELL + (CELL - THUMB) / 2), place[1] * ROW + 6
    detail = "in the trash" if is_trashed and not is_current else change(artifact, before)
    return Node(artifact, number, _label(artifact, before), detail, x, y, is_current, is_trashed and not is_current)


def _edge(above: Node, below: Node) -> str:
    """A curve from under a parent's name to the top of a child."""
    start, end = above.y + THUMB + 22, below.y - 3
    middle = (start + end) / 2
    return f"M{above.middle} {start}C{above.middle} {middle:g} {below.middle} {middle:g} {below.middle} {end}"


def _label(artifact: Artifact, before: Artifact | None) -> str:
    """In a word or two how it was made."""
    if not artifact.mode:
        return "Sheet" if artifact.is_sheet else "Uploaded"
    mode, job = Mode(artifact.mode), artifact.job
    if before and job and job.final_of_id == before.id:
        return "Final"
    if job and job.intended:
        return "Preview"
    return _MADE.get(mode, mode.label) if before else "First idea"


def change(artifact: Artifact, before: Artifact | None) -> str:
    """In a few words what is different from the picture before; for the first one its prompt."""
    if before is None or artifact.prompt != before.prompt:
        words = " ".join(artifact.prompt[:400].split())
        return (words if len(words) <= 80 else f"{words[:79].rstrip()}…") or artifact.engine_label
    if artifact.engine != before.engine:
        return artifact.engine_label
    if artifact.seed != before.seed:
        return f"seed {artifact.seed}"
    return measure(artifact)


def relatives(members: Family | None, *others: Iterable[Artifact]) -> list[Artifact]:
    """What lies near to compare a picture with: its family, then the others, each once, without the picture itself."""
    near = [node.artifact for node in members.shown if not node.is_current] if members else []
    return list({one.id: one for one in [*near, *(one for group in others for one in group)]}.values())
