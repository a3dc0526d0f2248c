"""Files that a program sends first, and names afterwards."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from studio.api.v1.schemas import InputOut
from studio.generation.models import InputFile, Job
from tests.api.conftest import Program, problem
from tests.api.test_jobs import BOAT

pytestmark = pytest.mark.django_db


def png(size: tuple[int, int] = (64, 48), colour: str = "red") -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, "PNG")
    return file.getvalue()


def upload(robot: Program, data: bytes, **fields: Any) -> Any:
    return robot.post("/inputs", {"file": SimpleUploadedFile("a.png", data), **fields}, multipart=True)


@pytest.fixture
def robot(alice, rich, program):
    return program(alice)


def test_a_picture_is_kept_once_and_used(robot):
    first, again = upload(robot, png()), upload(robot, png())

    told = first.json()
    assert (first.status_code, again.json()) == (201, told)
    assert (told["mime"], told["width"], told["height"]) == ("image/png", 64, 48)
    assert set(told) == set(InputOut.model_fields)
    assert robot.get(f"/inputs/{told['id']}").json() == told
    made = robot.post("/jobs?wait=1", {**BOAT, "mode": "image-to-image", "inputs": {"image": told["id"]}}).json()
    assert made["status"] == "succeeded"
    assert str(Job.objects.get().image_id) == told["id"]


@pytest.mark.parametrize(
    ("data", "fields", "code"),
    [
        (b"nothing", {}, "unusable_image"),
        (b"", {}, "unusable_image"),
        (png()[:60], {}, "unusable_image"),
        (png(), {"kind": "audio"}, "unusable_sound"),
    ],
)
def test_what_is_no_picture_is_refused_in_a_sentence(robot, data, fields, code):
    problem(upload(robot, data, **fields), 422, code)
    assert not InputFile.objects.exists()


def test_no_file_is_said_by_its_name(robot):
    assert "file" in problem(robot.post("/inputs", {}, multipart=True), 422, "invalid")["errors"]


def test_a_file_that_is_too_large(robot, settings):
    settings.MAX_UPLOAD_BYTES = 50

    assert "MB" in problem(upload(robot, png()), 422, "unusable_image")["detail"]


def test_files_of_others_are_not_there(robot, mallory, other_team, program):
    told = upload(robot, png()).json()
    stranger = program(mallory)

    problem(stranger.get(f"/inputs/{told['id']}"), 404, "not_found")
    refused = problem(stranger.post("/jobs", {**BOAT, "mode": "image-to-image", "inputs": {"image": told["id"]}}), 422, "fields_refused")
    assert set(refused["errors"]) == {"inputs.image"}


def test_a_key_that_may_only_look_uploads_nothing(alice, program):
    problem(upload(program(alice, scopes=("library:read",)), png()), 403, "scope_missing")
