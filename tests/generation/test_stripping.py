"""Files without a word in them, and files from outside without the place where they were taken; not a pixel, sample or surface changes."""

from __future__ import annotations

import io
import json
import zlib
from typing import Any

import pytest
from PIL import Image, ImageCms

from studio.backends.base import GenerationRequest, Mode
from studio.generation import glb, metadata
from studio.generation.errors import BrokenResult, UnusableImage
from studio.generation.metadata import riff
from studio.generation.stripping import strip, without_place
from studio.generation.waves import listen
from tests.generation import metadata_corpus as corpus
from tests.generation.pictures import picture, with_exif
from tests.media import GLB, MP3, WAV, model, sound

REQUEST = GenerationRequest(engine="e", mode=Mode.TEXT_TO_IMAGE, seed=1, prompt="a secret boat", width=64, height=48)
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
SECRETS = (b"secret", b"atelier", b"parameters", b"trainedAlgorithmicMedia", b"Exif", b"Lavf", b"blabla", b"xpacket")


def noisy(format: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.effect_noise((64, 48), 90).convert("RGB").save(buffer, format, **options)
    return buffer.getvalue()


def told(data: bytes) -> bytes:
    return metadata.embed(data, REQUEST, seed=1, engine_label="A secret engine")


PICTURES: dict[str, tuple[bytes, str]] = {
    "png": (told(noisy("PNG")), "image/png"),
    "png with alpha": (told(picture(mode="RGBA", color=(1, 2, 3, 90))), "image/png"),
    "png of a palette": (told(picture(mode="P", color=3, transparency=3)), "image/png"),
    "png with a profile": (told(noisy("PNG", icc_profile=PROFILE, dpi=(300, 300))), "image/png"),
    "png with everything": (
        corpus.png(text_before := corpus.packed("blabla", b"secret"), behind=text_before, Comment="secret"),
        "image/png",
    ),
    "jpeg": (told(noisy("JPEG")), "image/jpeg"),
    "jpeg, progressive": (told(noisy("JPEG", progressive=True, quality=95)), "image/jpeg"),
    "jpeg with a comment": (noisy("JPEG", comment=b"secret", exif=b"Exif\0\0MM\0*secret"), "image/jpeg"),
    "jpeg with a profile": (told(noisy("JPEG", icc_profile=PROFILE)), "image/jpeg"),
    "jpeg, cmyk": (picture(mode="CMYK", color=(1, 2, 3, 4), format="JPEG", comment=b"secret"), "image/jpeg"),
    "jpeg with restarts": (noisy("JPEG", restart_marker_blocks=1, comment=b"secret"), "image/jpeg"),
    "jpeg with more behind it": (noisy("JPEG") + b"secret" + noisy("JPEG"), "image/jpeg"),
    "webp": (told(noisy("WEBP")), "image/webp"),
    "webp, lossless with alpha": (told(picture(mode="RGBA", color=(1, 2, 3, 90), format="WEBP", lossless=True)), "image/webp"),
    "webp with a profile": (told(noisy("WEBP", icc_profile=PROFILE)), "image/webp"),
    "webp that says nothing": (noisy("WEBP"), "image/webp"),
}


@pytest.mark.parametrize("name", PICTURES)
def test_of_a_picture_only_the_picture_is_left(name: str) -> None:
    data, mime = PICTURES[name]
    bare = strip(data, mime)
    before, after = Image.open(io.BytesIO(data)), Image.open(io.BytesIO(bare))
    assert (after.format, after.size, after.mode) == (before.format, before.size, before.mode)
    assert after.tobytes() == before.tobytes()
    assert after.info.get("icc_profile") == before.info.get("icc_profile")
    assert after.info.get("transparency") == before.info.get("transparency")
    assert not {"exif", "xmp", "comment", "parameters", "atelier", "blabla", "Comment", "XML:com.adobe.xmp"} & after.info.keys()
    assert not [word for word in SECRETS if word in bare]
    assert len(bare) <= len(data)
    assert strip(bare, mime) == bare
    with pytest.raises(UnusableImage, match="holds no settings"):
        metadata.read(io.BytesIO(bare))


@pytest.mark.parametrize("mime", [MP3, WAV])
def test_of_a_sound_only_the_sound_is_left(mime: str) -> None:
    plain = sound(0.5, mime=mime)
    bare = strip(told(plain), mime)
    assert listen(bare) == listen(plain)
    assert not [word for word in SECRETS if word in bare]
    if mime == WAV:
        assert [name for name, _ in riff.unpack(bare)] == [b"fmt ", b"data"]
    else:
        assert bare == strip(plain, mime)
        assert not bare.startswith(b"ID3")


def test_of_a_model_only_the_surfaces_are_left() -> None:
    document, rest = glb.unpack(told(model()))
    document["nodes"][0]["extras"] = {"author": "secret"}
    document |= {"extensionsUsed": ["KHR_xmp_json_ld"], "extensions": {"KHR_xmp_json_ld": {"packets": ["secret"]}}}
    bare = strip(glb.pack(document, rest + b"\x08\0\0\0MOREsecrets!"), GLB)
    left, kept = glb.unpack(bare)
    assert left["asset"] == {"version": "2.0"}
    assert kept == rest
    assert left["meshes"] == document["meshes"]
    assert b"secret" not in bare
    assert b"xmp" not in bare
    assert glb.examine(bare) == glb.examine(model())


@pytest.mark.parametrize(
    ("data", "mime"), [*((PICTURES[name][0][:-30], PICTURES[name][1]) for name in ("png", "webp")), (b"glTF", GLB), (b"", MP3)]
)
def test_what_ends_early_is_refused(data: bytes, mime: str) -> None:
    with pytest.raises(BrokenResult):
        strip(data, mime)


def test_a_model_that_can_be_read_but_not_written_is_refused() -> None:
    """JSON may hold half a surrogate pair, UTF-8 may not."""
    document, rest = glb.unpack(model())
    head = json.dumps(document)[:-1] + ', "note": "\\ud800"}'
    chunk = head.encode() + b" " * (-len(head) % 4)
    whole = glb.HEADER.pack(glb.MAGIC, 2, glb.HEADER.size + glb.CHUNK.size + len(chunk) + len(rest)) + glb.CHUNK.pack(len(chunk), glb.JSON)
    with pytest.raises(BrokenResult):
        strip(whole + chunk + rest, GLB)


def test_a_file_of_millions_of_pieces_is_not_taken_apart() -> None:
    data = noisy("WEBP")
    assert strip(data, "image/webp")
    many = data + (b"none" + bytes(4)) * riff.MOST
    assert riff.unpack(many) == []
    with pytest.raises(BrokenResult):
        strip(many, "image/webp")


def test_only_adobe_s_own_segment_is_taken_for_it() -> None:
    data = noisy("JPEG")
    assert b"secret" not in strip(data[:2] + b"\xff\xee" + (8).to_bytes(2, "big") + b"secret" + data[2:], "image/jpeg")


# --- the place -------------------------------------------------------------------------------------------------------


def place(data: bytes) -> dict[int, Any]:
    return dict(Image.open(io.BytesIO(data)).getexif().get_ifd(0x8825))


@pytest.mark.parametrize(("format", "mime"), [("JPEG", "image/jpeg"), ("WEBP", "image/webp"), ("PNG", "image/png")])
def test_a_place_is_taken_out_and_settings_stay(format: str, mime: str) -> None:
    data = corpus.jpeg_at_a_place(format=format)
    kept = without_place(data, mime)
    assert place(data)
    assert place(kept) == {}
    assert b"Camera maker" not in kept
    assert Image.open(io.BytesIO(kept)).tobytes() == Image.open(io.BytesIO(data)).tobytes()
    if format != "PNG":
        assert metadata.read(io.BytesIO(kept)) == corpus.A1111_SETTINGS


def test_a_place_goes_with_all_that_a_camera_said() -> None:
    kept = without_place(with_exif(), "image/jpeg")
    assert dict(Image.open(io.BytesIO(kept)).getexif()) == {}


@pytest.mark.parametrize("name", PICTURES)
def test_what_names_no_place_is_kept_byte_for_byte(name: str) -> None:
    data, mime = PICTURES[name]
    if name == "jpeg with more behind it":  # who knows what it says
        assert without_place(data, mime) == data[: data.index(b"secret")]
    else:
        assert without_place(data, mime) == data


def test_places_in_other_corners_are_found() -> None:
    xmp = '<x:xmpmeta><rdf:Description exif:GPSLatitude="52,31N"/></x:xmpmeta>'
    raw = corpus.packed("Raw profile type exif", b"\nexif\n 4\n4d4d")
    kept = without_place(corpus.png(raw, corpus.text("XML:com.adobe.xmp", xmp), parameters=corpus.A1111), "image/png")
    assert b"GPS" not in kept
    assert b"Raw profile" not in kept
    assert metadata.read(io.BytesIO(kept)) == corpus.A1111_SETTINGS
    squeezed = zlib.compress(xmp.encode())
    for kind, between in ((b"iTXt", b"\0\1\0\0\0"), (b"zTXt", b"\0\0")):  # as ExifTool writes it when it is asked to
        hidden = corpus.png(corpus.chunk(kind, b"XML:com.adobe.xmp" + between + squeezed), parameters=corpus.A1111)
        assert without_place(hidden, "image/png") == corpus.png(parameters=corpus.A1111)
    jpeg = noisy("JPEG", xmp=xmp.encode())
    assert b"GPS" in jpeg
    assert b"GPS" not in without_place(jpeg, "image/jpeg")
    webp = noisy("WEBP", xmp=xmp.encode())
    assert b"GPS" not in without_place(webp, "image/webp")


def test_a_model_may_not_need_other_files() -> None:
    document, rest = glb.unpack(model())
    assert not glb.needs_others(model())
    document["images"] = [{"uri": "https://elsewhere.example/spy.png"}]
    assert glb.needs_others(glb.pack(document, rest))
    document["images"] = [{"uri": "data:image/png;base64,"}]
    assert not glb.needs_others(glb.pack(document, rest))


@pytest.mark.parametrize("count", [float("inf"), 1.5, "3", -3, 2**40, None])
def test_a_model_that_counts_nonsense_is_broken(count: Any) -> None:
    document, rest = glb.unpack(model())
    for accessor in document["accessors"]:
        accessor["count"] = count
    words = json.dumps(document)
    with pytest.raises(BrokenResult):
        glb.examine(glb.pack(json.loads(words), rest))
