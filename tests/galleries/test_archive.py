"""Many pictures in one download."""

from __future__ import annotations

import csv
import io
import json
import uuid
import zipfile
from collections.abc import Callable
from pathlib import PurePosixPath, PureWindowsPath

import pytest
from asgiref.sync import async_to_sync
from django.core.files.storage import default_storage
from django.db import connection
from django.http import StreamingHttpResponse
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import Team, User
from studio.galleries.archive import contents
from studio.galleries.services import trash
from studio.galleries.zips import PIECE, File, safe_name, zipped
from studio.generation import files
from studio.generation.models import Artifact
from tests.factories import make_artifact

ClientOf = Callable[..., Client]


async def _whole(response: StreamingHttpResponse) -> bytes:
    return b"".join([piece async for piece in aiter(response)])


def download(client: Client, *ids: uuid.UUID) -> zipfile.ZipFile:
    response = client.post(reverse("pictures_zip"), {"ids": [str(ids[0]), ",".join(map(str, ids[1:]))]})
    assert response.status_code == 200
    assert response["Content-Type"] == "application/zip"
    assert response["Content-Disposition"].startswith('attachment; filename="atelier-')
    archive = zipfile.ZipFile(io.BytesIO(async_to_sync(_whole)(response)))
    assert archive.testzip() is None
    return archive


def table(archive: zipfile.ZipFile) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(archive.read("metadata.csv").decode("utf-8-sig"))))


@pytest.mark.django_db(transaction=True)
def test_a_slow_download_keeps_no_connection_from_others(alice: User, team: Team) -> None:
    """The pool of a web process has ten."""
    picture = make_artifact(team, alice)
    taken = next(contents([picture.pk]))
    assert connection.connection is None
    assert b"".join(taken.pieces) == files.read(picture.variant("original"))


def test_the_originals_come_in_order_with_how_they_were_made(bob: User, team: Team, client_of: ClientOf) -> None:
    boat, hill = make_artifact(team, bob, prompt="a red boat"), make_artifact(team, bob, prompt='../../hills: at "dawn"', seed=9)
    Artifact.objects.filter(pk=boat.pk).update(tags="sea\nlate summer")
    archive = download(client_of(bob), hill.pk, boat.pk)
    names = archive.namelist()
    assert names == [
        f"0001 hills at dawn {hill.pk.hex[-6:]}.png",
        f"0002 a red boat {boat.pk.hex[-6:]}.png",
        "metadata.json",
        "metadata.csv",
    ]
    assert archive.read(names[1]) == files.read(boat.variant("original"))
    first, second = json.loads(archive.read("metadata.json"))
    assert (first["file"], first["prompt"], first["seed"]) == (names[0], '../../hills: at "dawn"', hill.seed)
    assert (second["tags"], second["made_by"], second["settings"]["prompt"]) == (["sea", "late summer"], "Bob Member", "a red boat")
    assert [(row["file"], row["tags"]) for row in table(archive)] == [(names[0], ""), (names[1], "sea, late summer")]


def test_what_was_uploaded_without_a_prompt_keeps_its_name(bob: User, team: Team, client_of: ClientOf) -> None:
    outside, told, bare = (make_artifact(team, bob, prompt=prompt) for prompt in ("", "a red boat", ""))
    for one in (outside, told):
        Artifact.objects.filter(pk=one.pk).update(job=None, info={"source": {"name": "../Holiday snap: 7.PNG"}})
    archive = download(client_of(bob), outside.pk, told.pk, bare.pk)
    assert archive.namelist()[:3] == [
        f"0001 Holiday snap 7 {outside.pk.hex[-6:]}.png",
        f"0002 a red boat {told.pk.hex[-6:]}.png",
        f"0003 picture {bare.pk.hex[-6:]}.png",
    ]
    records = json.loads(archive.read("metadata.json"))
    assert [one["name"] for one in records] == ["../Holiday snap: 7.PNG"] * 2 + [""]


def test_a_spreadsheet_runs_nothing(bob: User, team: Team, client_of: ClientOf) -> None:
    picture = make_artifact(team, bob, prompt='=HYPERLINK("https://evil.example")')
    [row] = table(download(client_of(bob), picture.pk))
    assert row["prompt"] == '\'=HYPERLINK("https://evil.example")'


def test_others_pictures_and_those_in_the_trash_stay_out(
    bob: User, mallory: User, team: Team, other_team: Team, client_of: ClientOf
) -> None:
    mine, gone, theirs = (make_artifact(team, bob), make_artifact(team, bob), make_artifact(other_team, mallory))
    trash(gone)
    assert len(download(client_of(bob), mine.pk, gone.pk, theirs.pk).namelist()) == 3
    response = client_of(bob).post(reverse("pictures_zip"), {"ids": [str(theirs.pk)]})
    assert response.status_code == 422
    assert "None of these pictures is there any more." in response.content.decode()


@pytest.mark.parametrize("ids", [[], ["nonsense"], [",".join(str(uuid.UUID(int=n)) for n in range(5001))]])
def test_nothing_nonsense_and_too_much_are_refused(ids: list[str], bob: User, team: Team, client_of: ClientOf) -> None:
    response = client_of(bob).post(reverse("pictures_zip"), {"ids": ids})
    assert response.status_code == 422
    assert "Choose between one and 5,000 pictures to download." in response.content.decode()


def test_a_lost_file_is_told_and_the_others_come(bob: User, team: Team, client_of: ClientOf) -> None:
    lost, kept = make_artifact(team, bob), make_artifact(team, bob)
    default_storage.delete(lost.variant("original"))
    archive = download(client_of(bob), lost.pk, kept.pk)
    assert len(archive.namelist()) == 3
    assert [bool(row["file"]) for row in table(archive)] == [False, True]


def test_whoever_looks_may_download_and_a_stranger_may_not(carol: User, team: Team, alice: User, client_of: ClientOf) -> None:
    picture = make_artifact(team, alice)
    assert len(download(client_of(carol), picture.pk).namelist()) == 3
    assert Client().post(reverse("pictures_zip"), {"ids": [str(picture.pk)]}).status_code == 302


@given(st.text(max_size=200))
def test_a_name_is_a_file_in_its_folder_everywhere(name: str) -> None:
    safe = safe_name(name)
    for flavour in (PurePosixPath, PureWindowsPath):
        path = flavour(safe)
        assert len(path.parts) == 1
        assert not path.is_absolute()
    assert not safe.startswith((".", " "))
    assert not safe.endswith((".", " "))
    assert safe.isprintable()


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/passwd", "etc passwd"),
        ("C:\\windows\\x.png", "C windows x.png"),
        ("con.png", "file con.png"),
        ("", "file"),
        ("....", "file"),
        ("a\u202egnp.exe", "a gnp.exe"),
        ("x" * 300 + ".png", "x" * 80 + ".png"),
    ],
)
def test_names_that_would_escape(name: str, safe: str) -> None:
    assert safe_name(name) == safe


def test_two_of_one_name_are_both_there() -> None:
    data = b"".join(zipped([File("a.txt", [b"1"]), File("A.txt", [b"2"]), File("a.txt", [b"3"], "in/")]))
    archive = zipfile.ZipFile(io.BytesIO(data))
    assert {name: archive.read(name) for name in archive.namelist()} == {"a.txt": b"1", "A (2).txt": b"2", "in/a.txt": b"3"}


def test_no_more_than_a_piece_is_in_memory() -> None:
    pieces = [len(piece) for piece in zipped([File("big.bin", (b"x" * PIECE for _ in range(20)))])]
    assert len(pieces) == 21
    assert max(pieces) < 2 * PIECE
