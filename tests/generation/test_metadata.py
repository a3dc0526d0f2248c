import contextlib
import io
import json

import pytest
from PIL import Image, ImageCms

from studio.backends.base import GenerationRequest, Mode
from studio.generation import glb, metadata
from studio.generation.errors import UnusableImage
from studio.generation.metadata import jpeg
from studio.generation.waves import listen
from tests.generation.pictures import picture
from tests.media import MP3, WAV, model, sound

REQUEST = GenerationRequest(
    engine="storybook",
    mode=Mode.TEXT_TO_IMAGE,
    seed=7,
    prompt="a red sailboat, watercolor",
    negative_prompt="rain",
    width=512,
    height=512,
    num_images=4,
    num_inference_steps=20,
    guidance_scale=4.0,
    scheduler="DPM++ 2M Karras",
)


def embedded(request: GenerationRequest = REQUEST, seed: int = 9) -> bytes:
    return metadata.embed(picture(), request, seed=seed, engine_label="Storybook")


def test_the_file_says_what_other_tools_read():
    info = Image.open(io.BytesIO(embedded())).info
    assert info["parameters"] == (
        "a red sailboat, watercolor\nNegative prompt: rain\n"
        "Steps: 20, Sampler: DPM++ 2M Karras, CFG scale: 4.0, Seed: 9, Size: 512x512, Model: Storybook, Version: Atelier"
    )
    assert "digitalsourcetype/trainedAlgorithmicMedia" in info["XML:com.adobe.xmp"]


def test_pixels_are_untouched():
    before, after = Image.open(io.BytesIO(picture())), Image.open(io.BytesIO(embedded()))
    assert before.tobytes() == after.tobytes()


def test_what_was_written_is_read_back_exactly():
    settings = metadata.read(io.BytesIO(embedded()))
    assert settings == {
        "engine": "storybook",
        "mode": "text-to-image",
        "seed": 9,
        "prompt": "a red sailboat, watercolor",
        "negative_prompt": "rain",
        "width": 512,
        "height": 512,
        "num_images": 1,
        "num_inference_steps": 20,
        "guidance_scale": 4.0,
        "scheduler": "DPM++ 2M Karras",
    }


@pytest.mark.parametrize("prompt", ["ein Schloß 🏰 mit Straße", "מפרשית אדומה", "line one\nline two", "Steps: 3, odd: words"])
def test_any_prompt_survives(prompt):
    request = GenerationRequest(engine="storybook", mode=Mode.TEXT_TO_IMAGE, seed=1, prompt=prompt)
    assert metadata.read(io.BytesIO(embedded(request)))["prompt"] == prompt


def test_a_file_of_another_tool_is_read():
    pairs = "Steps: 28, Sampler: Euler a, CFG scale: 6.5, Seed: 123, Size: 640x384, Model hash: 00ff"
    text = f"castle, (night:1.2)\nNegative prompt: people\n{pairs}"
    info = Image.new("RGB", (8, 8))
    buffer = io.BytesIO()
    from PIL.PngImagePlugin import PngInfo

    chunk = PngInfo()
    chunk.add_text("parameters", text)
    info.save(buffer, "PNG", pnginfo=chunk)
    assert metadata.read(io.BytesIO(buffer.getvalue())) == {
        "mode": "text-to-image",
        "prompt": "castle, (night:1.2)",
        "negative_prompt": "people",
        "num_inference_steps": 28,
        "scheduler": "Euler a",
        "guidance_scale": 6.5,
        "seed": 123,
        "width": 640,
        "height": 384,
    }


def test_a_jpeg_with_a_user_comment_is_read():
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9286] = b"UNICODE\0" + "boat\nSteps: 5, Seed: 3".encode("utf-16-be")
    settings = metadata.read(io.BytesIO(picture(format="JPEG", exif=exif)))
    assert (settings["prompt"], settings["num_inference_steps"], settings["seed"]) == ("boat", 5, 3)


@pytest.mark.parametrize(
    "text",
    [
        "{" * 10_000,
        json.dumps({"mode": "no-such-mode"}),
        json.dumps([1, 2]),
        "x" * (metadata.MAX_TEXT + 1),
        "no settings here",
        "",
    ],
)
def test_hostile_or_empty_text_is_no_settings(text):
    from PIL.PngImagePlugin import PngInfo

    chunk = PngInfo()
    chunk.add_itxt("atelier", text)
    chunk.add_itxt("parameters", text)
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "PNG", pnginfo=chunk)
    with pytest.raises(UnusableImage, match="holds no settings"):
        metadata.read(io.BytesIO(buffer.getvalue()))


def test_a_file_that_is_no_picture():
    with pytest.raises(UnusableImage, match="not a picture"):
        metadata.read(io.BytesIO(b"hello"))


# --- every kind of file ------------------------------------------------------------------------------------------------

SOUND = GenerationRequest(
    engine="stable-audio-2.5", mode=Mode.TEXT_TO_AUDIO, seed=3, prompt='rain & "wind" <ö> 雨', extra={"duration": 12, "steps": 8}
)
ALPHA = {"mode": "RGBA", "color": (10, 20, 30, 90)}
FILES = {
    "png": picture(),
    "jpeg": picture(format="JPEG", quality=90),
    "webp": picture(format="WEBP"),
    "lossless webp": picture(format="WEBP", lossless=True),
    "lossless webp with alpha": picture(format="WEBP", lossless=True, **ALPHA),
    "webp with alpha": picture(format="WEBP", **ALPHA),
    "webp with a profile": picture(format="WEBP", icc_profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()),
    "model": model(),
    "wav": sound(0.5, mime=WAV),
    "mp3": sound(0.5, mime=MP3),
    "mp3 with a tag": b"ID3\x04\0\0\0\0\0\x0fTSSE\0\0\0\x05\0\0\x03Lavf" + sound(0.5, mime=MP3),
    "mp3 with an old tag": b"ID3\x03\0\0\0\0\0\x0fTSSE\0\0\0\x05\0\0\0Lavf" + sound(0.5, mime=MP3),
}


def written(name: str) -> bytes:
    return metadata.embed(FILES[name], SOUND, seed=3, engine_label="Stable Audio 2.5")


@pytest.mark.parametrize("name", FILES)
def test_every_kind_of_file_says_how_it_was_made(name):
    assert metadata.read(io.BytesIO(written(name))) == {
        "engine": "stable-audio-2.5",
        "mode": "text-to-audio",
        "seed": 3,
        "prompt": 'rain & "wind" <ö> 雨',
        "negative_prompt": "",
        "num_images": 1,
        "duration": 12,
        "steps": 8,
    }


@pytest.mark.parametrize("name", [name for name in FILES if "webp" in name or name == "jpeg"])
def test_no_pixel_of_a_picture_changes(name):
    before, after = Image.open(io.BytesIO(FILES[name])), Image.open(io.BytesIO(written(name)))
    assert (after.format, after.size, after.mode) == (before.format, before.size, before.mode)
    assert after.tobytes() == before.tobytes()
    assert after.info.get("icc_profile") == before.info.get("icc_profile")
    assert b"trainedAlgorithmicMedia" in after.info["xmp"]
    assert jpeg.user_comment(after.getexif().get_ifd(0x8769)[0x9286]).startswith('rain & "wind" <ö> 雨\nSeed: 3, Model: Stable Audio 2.5')


@pytest.mark.parametrize("name", [name for name in FILES if "mp3" in name or name == "wav"])
def test_no_sample_of_a_sound_changes(name):
    assert listen(written(name)) == listen(FILES[name])
    assert FILES[name][-800:] in written(name)


def test_no_surface_of_a_model_changes():
    before, after = glb.unpack(FILES["model"]), glb.unpack(written("model"))
    extras = after[0]["asset"].pop("extras")
    assert after == before
    assert extras["DigitalSourceType"] == metadata.DIGITAL_SOURCE_TYPE
    assert glb.examine(written("model")) == glb.examine(FILES["model"])


@pytest.mark.parametrize("name", ["jpeg", "webp", "wav"])
def test_a_file_that_says_so_already_is_left_alone(name):
    assert metadata.embed(written(name), REQUEST, seed=9, engine_label="Storybook") == written(name)


def test_a_prompt_too_long_for_a_segment_leaves_a_picture_that_can_be_read():
    request = GenerationRequest(engine="e", mode=Mode.TEXT_TO_IMAGE, seed=1, prompt="雨" * 40_000)
    data = metadata.embed(FILES["jpeg"], request, seed=1, engine_label="E")
    assert Image.open(io.BytesIO(data)).tobytes() == Image.open(io.BytesIO(FILES["jpeg"])).tobytes()


@pytest.mark.parametrize("name", FILES)
def test_a_file_cut_anywhere_is_no_reason_to_fall_over(name):
    data = written(name)
    found = set()
    for length in {*range(16, 64), *range(64, len(data), max(1, len(data) // 40))}:
        try:
            found.add(metadata.read(io.BytesIO(data[:length]))["mode"])
        except UnusableImage as error:
            found.add(error.message)
    assert found <= {
        "text-to-audio",
        "This file holds no settings.",
        "This picture holds no settings. You can still use it as the picture to start from.",
        "This file is not a picture we can read, so there are no settings in it.",
    }


@pytest.mark.parametrize("name", ["model", "wav", "mp3"])
def test_no_more_of_a_file_is_read_than_an_upload_may_have(name, settings):
    settings.MAX_UPLOAD_BYTES = 1000
    sizes = []

    class Watched(io.BytesIO):
        def read(self, size=-1):
            sizes.append(size)
            return super().read(size)

    with contextlib.suppress(UnusableImage):
        metadata.read(Watched(written(name)))
    assert sizes == [16, 1000]


@pytest.mark.parametrize(
    "data",
    [b"glTF" + bytes(30), b"RIFF\xff\xff\xff\xffWAVE" + b"\xff" * 40, b"ID3\x04\0\0\x7f\x7f\x7f\x7f" + b"T" * 40, b"\xff\xfb" + bytes(40)],
)
def test_a_sound_or_model_without_settings(data):
    with pytest.raises(UnusableImage, match=r"^This file holds no settings\.$"):
        metadata.read(io.BytesIO(data))
