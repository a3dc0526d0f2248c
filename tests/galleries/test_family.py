"""The family of a picture as a drawing: who is in it, in which order, and what of it is named only."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import Client

from accounts.models import Team, User
from studio.backends.base import Mode
from studio.galleries import lineage
from studio.generation.models import Artifact, Job
from tests.factories import make_artifact, make_artifacts

NOW = datetime(2026, 3, 5, 15, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def thursday_afternoon() -> object:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def made(team: Team, alice: User) -> Callable[..., Artifact]:
    """`made(parent=…)`: a picture, each an hour after the one before."""
    count = iter(range(1, 1000))

    def make(parent: Artifact | None = None, **fields: object) -> Artifact:
        return make_artifact(team, alice, files=False, parent=parent, made_at=NOW - timedelta(hours=900 - next(count)), **fields)

    return make


def family(artifact: Artifact) -> lineage.Family:
    found = lineage.family(Artifact.objects.select_related("job").get(pk=artifact.pk))
    assert found
    return found


def rows(artifact: Artifact) -> list[list[str]]:
    """The names of the nodes, generation by generation, from left to right."""
    found: dict[int, list[str]] = {}
    for node in family(artifact).nodes:
        found.setdefault(node.y, []).append(f"{node.name}{'*' if node.is_current else ''}")
    return [found[y] for y in sorted(found)]


def test_from_the_first_idea_to_what_came_of_it(made: Callable[..., Artifact]) -> None:
    first = made(prompt="first idea")
    second = made(first, prompt="second", mode=Mode.IMAGE_TO_IMAGE)
    third = made(second, prompt="second", seed=99, mode=Mode.INPAINTING)
    large = made(second, prompt="", mode=Mode.UPSCALING)
    assert rows(second) == [
        ["First idea: first idea"],
        ["Variation: second*"],
        ["Edited part: seed 99", "Upscaled: Test card"],
    ]
    assert rows(third)[2] == ["Edited part: seed 99*", "Upscaled: Test card"]
    assert rows(large)[2] == ["Edited part: seed 99", "Upscaled: Test card*"]
    assert [node.number for node in family(second).nodes] == [1, 2, 3, 4]
    assert rows(first) == [["First idea: first idea*"], ["Variation: second"], rows(second)[2]]


def test_a_parent_stands_over_the_middle_of_what_came_of_it(made: Callable[..., Artifact]) -> None:
    first = made()
    for _ in range(3):
        made(first)
    parent, *children = family(first).nodes
    assert [child.x - children[0].x for child in children] == [0, lineage.CELL, 2 * lineage.CELL]
    assert parent.x == children[1].x
    assert len(family(first).edges) == 3
    assert (family(first).width, family(first).height) == (3 * lineage.CELL, lineage.ROW + 6 + lineage.THUMB + 24)


def test_who_is_alone_has_no_family(team: Team, alice: User) -> None:
    alone, *_ = make_artifacts(team, alice, 4, files=False)
    assert lineage.family(alone) is None


def test_one_from_outside_can_be_the_first(made: Callable[..., Artifact], team: Team) -> None:
    outside = made(prompt="brought along")
    Artifact.objects.filter(pk=outside.pk).update(job=None, engine="", mode="", engine_label="Uploaded")
    child = made(outside, prompt="made of it", mode=Mode.IMAGE_TO_IMAGE)
    assert rows(child) == [["Uploaded: brought along"], ["Variation: made of it*"]]
    outside.refresh_from_db()
    assert rows(outside) == [["Uploaded: brought along*"], ["Variation: made of it"]]


def test_the_trash_is_named_where_it_connects_others(made: Callable[..., Artifact]) -> None:
    first = made(prompt="first")
    second = made(first, prompt="a secret that was thrown away")
    third = made(second, prompt="third")
    loose = made(second, prompt="another secret")
    Artifact.objects.filter(pk__in=[second.pk, loose.pk]).update(deleted_at=NOW)
    assert rows(third) == [["First idea: first"], ["New settings: in the trash"], ["New settings: third*"]]
    assert rows(first) == [["First idea: first*"], ["New settings: in the trash"], ["New settings: third"]]
    assert [node.artifact.pk for node in family(third).shown] == [first.pk, third.pk]
    assert family(third).counterpart == first
    Artifact.objects.filter(pk=third.pk).update(deleted_at=NOW)
    assert lineage.family(Artifact.objects.select_related("job").get(pk=first.pk)) is None


def test_it_does_not_reach_into_another_team(made: Callable[..., Artifact], other_team: Team, mallory: User) -> None:
    hers = make_artifact(other_team, mallory, files=False, prompt="secret")
    ours = made(hers)
    make_artifact(other_team, mallory, files=False, parent=ours, prompt="another secret")
    assert lineage.family(ours) is None


def test_a_loop_of_parents_ends(made: Callable[..., Artifact]) -> None:
    one = made()
    two = made(one)
    Job.objects.filter(pk=one.job_id).update(parent=two)
    for artifact in (one, two):
        assert len(family(artifact).nodes) == 2


def test_a_large_family_is_cut_and_asked_for_a_generation_at_a_time(
    made: Callable[..., Artifact], django_assert_num_queries: object
) -> None:
    first = made()
    middle = made(first)
    for _ in range(20):
        made(first)
    generation = [middle]
    for _ in range(3):
        generation = [made(parent) for parent in generation for _ in range(4)]
    artifact = Artifact.objects.select_related("job").get(pk=middle.pk)
    with django_assert_num_queries(1 + 3 + 2):  # type: ignore[operator]
        found = lineage.family(artifact)
    assert found
    assert found.is_cut
    assert len(found.nodes) == lineage.MEMBERS
    assert sum(node.y == lineage.ROW + 6 for node in found.nodes) == 1 + lineage.SIBLINGS
    assert artifact in [node.artifact for node in found.nodes if node.is_current]


def test_the_drawing_leads_to_each_and_marks_the_current(
    made: Callable[..., Artifact], alice: User, client_of: Callable[..., Client]
) -> None:
    first = made(prompt="<b>first</b>")
    second = made(first, prompt="second")
    page = client_of(alice).get(f"/pictures/{second.pk}/").content.decode()
    drawing = page[page.index('<svg class="lineage-graph"') : page.index("</svg>", page.index("lineage-graph"))]
    assert re.findall(r'<a class="lineage-node" href="/pictures/([^/]+)/"', drawing) == [str(first.pk), str(second.pk)]
    assert re.findall(r'data-node="([^"]+)"[^>]*aria-current="true"', drawing) == [str(second.pk)]
    assert "First idea: &lt;b&gt;first&lt;/b&gt;" in drawing
    assert "<b>first" not in page
    assert "style=" not in drawing
