"""Bodies that mean no good: never a 5xx, never anything that the documents do not know, and nothing is made of them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studio.api.stability.contract import endpoint, endpoints
from studio.generation.models import Job
from tests.api.stability.front import Front, form
from tests.stability_server.minimal import minimal, png

FORMS = [one for one in endpoints() if one.content_type == "multipart/form-data"]
NAMES = sorted({name for one in FORMS for form in one.forms.values() for name in form} | {"", "none", "text_prompts[0][text]"})
INPAINT = endpoint("POST", "/v2beta/stable-image/edit/inpaint")
PATIENT = settings(max_examples=60, suppress_health_check=list(HealthCheck))

ODD_PLACES = [b"form-data", b"", b"form-data; name*=utf-8''%ff%00", b"form-data; name*0*=a; name*9" + b"9" * 5000 + b"*=b", b'x; name="']
DISPOSITION = st.one_of(
    st.sampled_from(NAMES).map(lambda name: f'form-data; name="{name}"'.encode()),
    st.sampled_from(NAMES).map(lambda name: f"form-data; name={name}; filename=".encode()),
    st.sampled_from(ODD_PLACES),
    st.binary(max_size=60),
)
HEADERS = st.sampled_from([b"", b"Content-Type: image/png\r\n", b"Content-Transfer-Encoding: base64\r\n", b"\xff\xfe: \x00\r\n", b": \r\n"])
ODD_TEXTS = [b"1e999", b"nan", b"-0", b"9" * 5000, b"\x00", b"\xed\xa0\x80", "١".encode(), b"true", b"{}", b"a boat"]
ODD_FILES = [
    *(png()[:60], png()[:-30], b"\x89PNG\r\n\x1a\n" + b"\xff" * 40, b"RIFF\x00\x00\x00\x00WEBPVP8 "),
    *(b"\xff\xd8\xff\xe0", b"GIF89a", b"ID3", b"RIFF\xff\xff\xff\xffWAVEfmt "),
]
DATA = st.one_of(st.binary(max_size=200), st.sampled_from(ODD_TEXTS), st.sampled_from(ODD_FILES))
PARTS = st.lists(st.tuples(DISPOSITION, HEADERS, DATA), max_size=6)
ENDINGS = st.sampled_from([b"--b--\r\n", b"--b--", b"--b", b"", b"--b\r\n", b"\r\n--b--"])
TYPES = st.sampled_from(
    ["multipart/form-data; boundary=b"] * 5
    + ["multipart/form-data", "multipart/form-data; boundary=", 'multipart/form-data; boundary="b', "multipart/mixed; boundary=b"]
    + ["multipart/form-data; boundary*=utf-8''%ed%a0%80", "a/b/c;;;=", "MULTIPART/FORM-DATA; BOUNDARY=b"]
)


def body_of(parts: list[tuple[bytes, bytes, bytes]], ending: bytes) -> bytes:
    pieces = (b"--b\r\nContent-Disposition: " + place + b"\r\n" + headers + b"\r\n" + data + b"\r\n" for place, headers, data in parts)
    return b"".join(pieces) + ending


@PATIENT
@given(one=st.sampled_from(FORMS), parts=PARTS, ending=ENDINGS, content_type=TYPES)
def test_any_multipart_of_a_stranger(front: Front, one: Any, parts: Any, ending: bytes, content_type: str) -> None:
    path = one.path.format(engine_id="stable-diffusion-xl-1024-v1-0")
    answer = front.raw("POST", path, body_of(parts, ending), content_type=content_type, authorization="Bearer sk-nobodys")
    assert answer.status_code in (400, 401)


@PATIENT
@given(one=st.sampled_from(FORMS), parts=PARTS, ending=ENDINGS)
def test_any_multipart_of_somebody(front: Front, one: Any, parts: Any, ending: bytes) -> None:
    """Odd parts beside a request that would do: what is made of it is made, or refused in words."""
    good, content_type = form(one, minimal(one))
    border = content_type.partition("boundary=")[2].encode()
    odd = body_of(parts, b"").replace(b"--b\r\n", b"--" + border + b"\r\n")
    path = one.path.format(engine_id="stable-diffusion-xl-1024-v1-0")
    response = front.program.client.generic("POST", path, odd + good, content_type=content_type)
    assert response.status_code in (200, 202, 400, 402, 403, 413, 422, 429)


@pytest.mark.parametrize(
    "image",
    [png()[:-40], png()[:200], b"\x89PNG\r\n\x1a\n" + b"\xff" * 60, b"RIFF\x10\x00\x00\x00WEBPVP8L", b"\xff\xd8\xff\xe0\x00\x10JFIF"],
)
def test_a_picture_that_breaks_off(front, image):
    """Its size is looked at before the key, its pixels after."""
    answer = front.post(INPAINT, image=image)
    assert answer.status_code == 400
    assert answer.told["errors"][0].startswith("image: ")
    assert Job.objects.count() == 0


def test_a_body_of_a_hundred_thousand_parts(front):
    body = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' * 100_000 + b"--b--"
    answer = front.raw("POST", INPAINT.path, body, content_type="multipart/form-data; boundary=b")
    assert answer.told["errors"] == ["body: multipart/form-data has too many parts"]


def test_a_part_whose_headers_are_a_megabyte(front):
    """The parser of mails would take half an hour over ten of them, for a stranger."""
    body = b'--b\r\nContent-Disposition: form-data; name="a"' + b";a" * 500_000 + b"\r\n\r\n1\r\n--b--"
    answer = front.raw("POST", INPAINT.path, body, content_type="multipart/form-data; boundary=b", authorization="Bearer sk-nobodys")
    assert answer.status_code == 400
    assert answer.told["errors"] == ["body: the headers of a part in multipart/form-data are too long"]


def test_a_text_with_a_nul(front):
    assert front.post(INPAINT, prompt="a \x00 b").told["errors"] == ["prompt: must be text"]
