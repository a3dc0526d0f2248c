"""Requests that Django itself cannot take apart: each is told in a sentence, and none as if the studio had made a mistake."""

from __future__ import annotations

import pytest

from tests.api.conftest import problem

pytestmark = pytest.mark.django_db

FORM = "multipart/form-data; boundary=x"
FILE = 'Content-Disposition: form-data; name="{name}"; filename="{file}"'
FIELD = 'Content-Disposition: form-data; name="{name}"'


def part(head: str, body: str = "a") -> str:
    return f"--x\r\n{head}\r\n\r\n{body}\r\n"


BODIES = {
    "no boundary": ("multipart/form-data", part(FILE.format(name="file", file="a.png")), "malformed_body"),
    "no text as a boundary": ("multipart/form-data; boundary=\xe9", part(FILE.format(name="file", file="a.png")), "malformed_body"),
    "a long name": (FORM, part(FILE.format(name="file", file="a" * 5000)) + "--x--\r\n", "malformed_body"),
    "no base64": (
        FORM,
        part(FILE.format(name="file", file="a.png") + "\r\nContent-Transfer-Encoding: base64", "abcde" * 5) + "--x--\r\n",
        "malformed_body",
    ),
    "many fields": (FORM, "".join(part(FIELD.format(name=f"a{n}")) for n in range(1500)) + "--x--\r\n", "too_many_fields"),
    "many files": (FORM, "".join(part(FILE.format(name=f"a{n}", file="a.png")) for n in range(300)) + "--x--\r\n", "too_many_files"),
}


@pytest.fixture
def robot(alice, rich, program):
    return program(alice)


@pytest.mark.parametrize("path", ["/api/v1/inputs", "/api/v1/library"])
@pytest.mark.parametrize("case", BODIES)
def test_a_form_that_cannot_be_read(robot, path, case):
    content_type, body, code = BODIES[case]

    told = problem(robot.client.generic("POST", path, body.encode(), content_type=content_type), 400, code)

    assert told["detail"].endswith(".")
    assert "DATA_UPLOAD" not in told["detail"]


@pytest.mark.parametrize("path", ["/jobs", "/library", "/wallet/entries"])
def test_an_address_with_too_many_fields(robot, settings, path):
    told = problem(
        robot.get(f"{path}?{'&'.join(f'a{n}=1' for n in range(settings.DATA_UPLOAD_MAX_NUMBER_FIELDS + 1))}"), 400, "too_many_fields"
    )

    assert f"{settings.DATA_UPLOAD_MAX_NUMBER_FIELDS} is the most" in told["detail"]
