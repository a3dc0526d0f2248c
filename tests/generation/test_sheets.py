"""The labelled sheet of a grid: where everything stands on it, when it is made, and that it is made once."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from PIL import Image, ImageChops

from accounts.models import Team, User
from billing.models import Plan
from studio.generation import files, services
from studio.generation.metadata.sources import texts_in
from studio.generation.models import Artifact, Batch, Job
from studio.generation.services import sheets as service
from studio.generation.sheets import MAX_PIXELS, MAX_SIDE, PAPER, PLACE, Box, Cell, Heading, Sheet, headings, plan, render
from tests.factories import make_artifact, make_job

AXES = {
    "x": {"name": "guidance_scale", "label": "Guidance", "values": ["3", "7"]},
    "y": {"name": "words", "label": "Words", "values": ["red", "blue"]},
}
COLOURS = ("#aa0000", "#00aa00", "#0000aa", "#aaaa00")


def cell(colour: str, size: tuple[int, int] = (100, 80)) -> Cell:
    return Cell(size=size, open=lambda: Image.new("RGB", size, colour))


def sheet(cells: list[Cell], *, columns: int = 2, rows: int = 2, title: str = "Guidance × Words") -> Sheet:
    across = [Heading("Guidance", str(number)) for number in range(columns)]
    return Sheet(title, "Storybook · seed 5", across, [Heading("Words", f"row {number}") for number in range(rows)], cells)


def is_paper(image: Image.Image, box: Box) -> bool:
    part = image.crop(box.corners)
    return ImageChops.difference(part, Image.new("RGB", part.size, PAPER)).getbbox() is None


def rgb(colour: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(colour[1:]))


# --- where everything stands -----------------------------------------------------------------------------------------


def test_every_picture_stands_in_its_place_at_its_own_size() -> None:
    drawn = sheet([cell(colour) for colour in COLOURS])
    where, image = plan(drawn), render(drawn)

    assert image.size == where.size
    assert [(box.width, box.height) for box in where.cells] == [(100, 80)] * 4
    for colour, box in zip(COLOURS, where.cells, strict=True):
        assert image.crop(box.corners).getcolors() == [(8000, rgb(colour))]
    left, right = where.cells[:2]
    assert (left.top, right.left) == (right.top, left.left + 100 + 4), "the gap is a third of a heading's letters, of 13 pixels"
    assert where.cells[2].left == left.left


def test_headings_stand_over_their_columns_and_beside_their_rows() -> None:
    drawn = sheet([cell(colour) for colour in COLOURS])
    where, image = plan(drawn), render(drawn)

    for box in (where.title, where.about, *where.columns, *where.rows):
        assert not is_paper(image, box)
    assert [box.left for box in where.columns] == [box.left for box in where.cells[:2]]
    assert {box.top + box.height + 4 for box in where.columns} == {where.cells[0].top}
    for row, box in enumerate(where.rows):
        first = where.cells[2 * row]
        assert box.left + box.width < first.left
        assert (box.top, box.height) == (first.top, first.height)
    edge = 26
    width, height = image.size
    for margin in (
        *(Box(0, 0, width, edge), Box(0, height - edge, width, edge)),
        *(Box(0, 0, edge, height), Box(width - edge, 0, edge, height)),
    ):
        assert is_paper(image, margin), "nothing is written into the margin"


def test_what_failed_is_a_quiet_place_with_its_reason() -> None:
    drawn = sheet([cell(COLOURS[0]), Cell("There was not enough memory."), Cell(""), cell(COLOURS[3])])
    where, image = plan(drawn), render(drawn)

    reason, silent = (image.crop(where.cells[place].corners) for place in (1, 2))
    assert silent.getcolors() == [(8000, rgb(PLACE))]
    assert reason.getpixel((0, 0)) == rgb(PLACE)
    assert len(reason.getcolors(10_000)) > 2, "its reason is written there"
    assert reason.crop((0, 0, 100, 4)).getcolors() == [(400, rgb(PLACE))]


def test_pictures_of_several_shapes_stand_in_the_middle_of_equal_cells() -> None:
    drawn = sheet([cell(COLOURS[0], (100, 40)), cell(COLOURS[1], (40, 80))], rows=0)
    where, image = plan(drawn), render(drawn)

    assert where.rows == ()
    assert [(box.width, box.height) for box in where.cells] == [(100, 80)] * 2
    wide, tall = (image.crop(box.corners) for box in where.cells)
    assert (wide.getpixel((50, 19)), wide.getpixel((0, 20)), wide.getpixel((99, 59))) == (rgb(PAPER), rgb(COLOURS[0]), rgb(COLOURS[0]))
    assert (tall.getpixel((29, 40)), tall.getpixel((30, 0)), tall.getpixel((69, 79))) == (rgb(PAPER), rgb(COLOURS[1]), rgb(COLOURS[1]))


@pytest.mark.parametrize(
    ("columns", "rows", "size"), [(10, 10, (2048, 2048)), (100, 1, (1024, 1024)), (1, 100, (512, 768)), (7, 3, (9000, 400))]
)
def test_a_large_grid_is_drawn_smaller(columns: int, rows: int, size: tuple[int, int]) -> None:
    where = plan(sheet([Cell(size=size)] * (columns * rows), columns=columns, rows=rows))

    width, height = where.size
    assert max(width, height) <= MAX_SIDE
    assert width * height <= MAX_PIXELS
    assert max(width / MAX_SIDE, height / MAX_SIDE, width * height / MAX_PIXELS) > 0.9, "and no smaller than it must"
    ratio = where.cells[0].width / where.cells[0].height
    assert ratio == pytest.approx(size[0] / size[1], rel=0.05)


def test_long_words_are_wrapped_and_end() -> None:
    words = "a very long description of what this column shows, " * 20
    drawn = Sheet(words, words, [Heading(words, words)], [Heading("", "x" * 500)], [cell(COLOURS[0])])
    where, image = plan(drawn), render(drawn)

    assert where.columns[0].height == 11 * 1.35 // 1 + 1 + 3 * 18, "one line of a label, three of a value"
    assert image.crop(where.cells[0].corners).getcolors() == [(8000, rgb(COLOURS[0]))]
    assert where.rows[0].width <= 13 * 16


def test_letters_that_no_font_has_draw_something() -> None:
    drawn = sheet([cell(COLOURS[0])], columns=1, rows=0, title="夜 \u0000\u202e ليل")
    assert not is_paper(render(drawn), plan(drawn).title)


def test_axes_give_the_headings() -> None:
    across, down = headings(AXES)
    assert across == [Heading("Guidance", "3"), Heading("Guidance", "7")]
    assert down == [Heading("Words", "red"), Heading("Words", "blue")]
    assert headings({"x": AXES["x"], "y": {"name": "", "label": "", "values": [""]}})[1] == []
    assert headings(None) == ([Heading("", "")], [])


# --- when it is made -------------------------------------------------------------------------------------------------


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What pages were told of batches and of the library."""
    heard: list[tuple[Any, ...]] = []
    monkeypatch.setattr("studio.live.events.batch_updated", lambda team_id, batch_id: heard.append(("batch", team_id, batch_id)))
    monkeypatch.setattr("studio.live.events.pictures_changed", lambda team_id, ids: heard.append(("pictures", team_id, list(ids))))
    return heard


def grid(team: Team, user: User, states: str = "ssfs", **fields: Any) -> Batch:
    """A grid whose jobs succeeded (s), failed (f), were canceled (c) or are queued (q)."""
    batch = Batch.objects.create(
        **{"team": team, "user": user, "idempotency_key": "grid", "kind": "grid", "title": "Guidance × Words", "axes": AXES, **fields},
        size=len(states),
    )
    ended = {"f": {"status": "failed", "error_message": "The engine failed."}, "c": {"status": "canceled"}, "q": {"status": "queued"}}
    for place, state in enumerate(states):
        job = make_artifact(team, user, seed=7).job if state == "s" else make_job(team, user)
        moment = None if state == "q" else timezone.now()
        Job.objects.filter(pk=job.pk).update(batch=batch, batch_place=place, finished_at=moment, **ended.get(state, {}))
    return batch


def test_the_sheet_lies_in_the_library_once_every_job_has_ended(
    team: Team, bob: User, told: list[Any], django_capture_on_commit_callbacks: Any
) -> None:
    batch = grid(team, bob)
    with django_capture_on_commit_callbacks(execute=True):
        assert services.draw_sheet(batch.pk)

    batch.refresh_from_db()
    found = batch.sheet
    assert found
    assert (found.job, found.team, found.user, found.charged) == (None, team, bob, 0)
    assert (found.engine_label, found.prompt, found.mime, found.info) == (
        *("Sheet", "Guidance × Words", "image/png"),
        {"batch": str(batch.pk), "sheet": True},
    )
    data = files.read(found.variant("original"))
    assert (len(data), Image.open(io.BytesIO(data)).size) == (found.bytes, (found.width, found.height))
    assert found in Artifact.objects.of_team(team).visible()
    assert told == [("batch", team.pk, batch.pk), ("pictures", team.pk, [found.pk])]


def test_the_file_says_what_it_is(team: Team, bob: User) -> None:
    batch = grid(team, bob)
    services.draw_sheet(batch.pk)
    batch.refresh_from_db()

    assert batch.sheet
    texts = texts_in(io.BytesIO(files.read(batch.sheet.variant("original"))))
    about = f"Test card · seed 7 · 64 × 64 · {timezone.localtime(batch.created_at):%d %B %Y}".replace("· 0", "· ")
    assert json.loads(texts["atelier"]) == {"sheet": {"title": "Guidance × Words", "about": about, "axes": AXES}}
    assert texts["parameters"] == f"Guidance × Words\n{about}"


def test_its_cells_are_the_jobs(team: Team, bob: User) -> None:
    batch = grid(team, bob, "sfc")
    Artifact.objects.filter(job__batch_place=0).update(deleted_at=timezone.now())
    drawn = service.sheet_of(batch, list(batch.jobs.with_pictures().order_by("batch_place")))

    assert [one.said for one in drawn.cells] == ["Deleted", "The engine failed.", "Stopped", "Not made"]


@pytest.mark.parametrize("states", ["sssq", "q"])
def test_there_is_none_while_a_job_is_open(team: Team, bob: User, states: str) -> None:
    batch = grid(team, bob, states)
    assert not services.draw_sheet(batch.pk)
    services.draw_due_sheets()
    assert not Artifact.objects.filter(job=None).exists()


def test_there_is_none_of_a_table_and_none_of_nothing(team: Team, bob: User) -> None:
    table, failed = grid(team, bob, kind="table"), grid(team, bob, "fc", idempotency_key="failed")
    services.draw_due_sheets()

    assert not Artifact.objects.filter(job=None).exists()
    for batch in (table, failed):
        batch.refresh_from_db()
    assert (table.sheet_made_at, failed.sheet_made_at is not None) == (None, True), "nobody looks at the grid again"


def test_a_chore_draws_what_a_killed_worker_left(team: Team, bob: User) -> None:
    batch = grid(team, bob)
    services.draw_due_sheets()
    batch.refresh_from_db()
    assert batch.sheet


def test_one_that_was_deleted_does_not_come_back(team: Team, bob: User) -> None:
    batch = grid(team, bob)
    services.draw_sheet(batch.pk)
    Artifact.objects.filter(job=None).delete()
    services.draw_due_sheets()
    batch.refresh_from_db()
    assert (batch.sheet, Artifact.objects.filter(job=None).count()) == (None, 0)


def test_without_room_it_is_tried_again_for_a_day(team: Team, bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = grid(team, bob)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(files, "save_artifact", full)
        services.draw_due_sheets()
    assert not Artifact.objects.filter(job=None).exists()
    services.draw_due_sheets()
    batch.refresh_from_db()
    assert batch.sheet

    late = grid(team, bob, idempotency_key="late")
    Job.objects.filter(batch=late).update(finished_at=timezone.now() - timedelta(days=1, minutes=1))
    services.draw_due_sheets()
    late.refresh_from_db()
    assert late.sheet is None


def test_a_full_library_has_no_place_for_it(team: Team, bob: User) -> None:
    batch = grid(team, bob)
    Plan.objects.update(storage=1)
    services.draw_due_sheets()
    batch.refresh_from_db()
    assert (batch.sheet, batch.sheet_made_at is not None, Artifact.objects.filter(job=None).count()) == (None, True, 0)


def test_a_picture_whose_file_is_gone_keeps_nobody_from_the_others(team: Team, bob: User) -> None:
    batch = grid(team, bob)
    lost = Artifact.objects.filter(job__batch_place=0).get()
    files.delete_artifacts([lost.pk])
    assert services.draw_sheet(batch.pk)
    cells = service.sheet_of(batch, list(batch.jobs.with_pictures().order_by("batch_place"))).cells
    assert [(cells[place].said, cells[place].open() is None) for place in (0, 1)] == [
        ("The file is gone", True),
        ("The file is gone", False),
    ]


@pytest.mark.django_db(transaction=True)
def test_two_workers_make_one_sheet(team: Team, bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = grid(team, bob)
    both_drew = threading.Barrier(2, timeout=20)
    kept, drawn = service._keep, []

    def wait_for_the_other(batch: Batch, artifact: Artifact | None) -> bool:
        both_drew.wait()
        return kept(batch, artifact)

    monkeypatch.setattr(service, "_keep", wait_for_the_other)

    def work() -> None:
        drawn.append(services.draw_sheet(batch.pk))
        connection.close()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)

    assert sorted(drawn) == [False, True]
    [sheet_row] = Artifact.objects.filter(job=None)
    batch.refresh_from_db()
    assert batch.sheet_id == sheet_row.pk
    originals = list(Path(default_storage.location).rglob("original.png"))
    assert len(originals) == 4, "three pictures and one sheet: the other's files are gone"


def test_its_page_says_what_it_is_and_leads_to_the_grid(team: Team, bob: User, client_of: Callable[..., Client]) -> None:
    batch = grid(team, bob)
    services.draw_sheet(batch.pk)
    batch.refresh_from_db()
    page = client_of(bob).get(reverse("picture", args=[batch.sheet_id])).content.decode()

    assert "Sheet of a grid" in page
    assert f'href="{reverse("batch", args=[batch.pk])}"' in page
    assert "Uploaded" not in page
