"""The studio's words as the provider's, where they are not the same."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import Any

import pytest
from PIL import Image

from studio.backends import errors
from studio.backends.base import GenerationRequest, Mode
from studio.backends.stability.calls import Call
from studio.backends.stability.engines import catalogue
from studio.backends.stability.translate import calls_of
from studio.backends.stability.translate.pictures import picture_file
from studio.backends.stability.translate.prompts import weighted
from tests.backends.stability.conftest import MASK, PICTURE, png, wanted, wav

SDXL = "stable-diffusion-xl-1024-v1-0"
RELIGHT = "stable-image-replace-background-and-relight"


def call_of(request: GenerationRequest) -> Call:
    [call] = calls_of(catalogue("stability")[request.engine], request)
    return call


def sent(request: GenerationRequest) -> dict[str, str]:
    return dict(call_of(request).fields)


def refused(request: GenerationRequest) -> dict[str, str]:
    with pytest.raises(errors.InvalidRequest) as told:
        calls_of(catalogue("stability")[request.engine], request)
    assert all(one in told.value.message for one in told.value.fields.values())
    return told.value.fields


# --- prompts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prompt", "negative", "expected"),
    [
        ("a red boat", "", [("a red boat", 1)]),
        ("a red (boat:0.8) at sea", "", [("a red at sea", 1), ("boat", 0.8)]),
        ("(boat:0.8)", "", [("boat", 0.8)]),
        ("boat, (fog:.5), (gulls:1.5), dawn", "", [("boat, dawn", 1), ("fog", 0.5), ("gulls", 1.5)]),
        ("boat", "rain, (people:0.5)", [("boat", 1), ("rain", -1), ("people", -0.5)]),
        ("boat (fog:-0.5)", "", [("boat", 1), ("fog", -0.5)]),
        ("boat (fog:0)", "", [("boat", 1)]),
        (r"boat \(wooden:0.8\)", "", [("boat (wooden:0.8)", 1)]),
        ("a clock (10:30), ratio (16:9)", "", [("a clock (10:30), ratio (16:9)", 1)]),
        ("sale (save:50)", "", [("sale (save:50)", 1)]),
        ("a (small) boat (", "", [("a (small) boat (", 1)]),
        ("ein Schiff, (Möwen über dem Wasser:0.7)", "", [("ein Schiff", 1), ("Möwen über dem Wasser", 0.7)]),
        ("", "", []),
    ],
)
def test_weights_become_prompts_of_their_own(prompt: str, negative: str, expected: list[tuple[str, float]]) -> None:
    assert weighted(prompt, negative) == expected


def test_v1_gets_a_list_and_v2beta_one_text() -> None:
    prompt, negative = "a (boat:0.8)", "(rain:1.5)"

    v1 = call_of(wanted(SDXL, prompt=prompt, negative_prompt=negative)).json
    form = sent(wanted(SDXL, Mode.IMAGE_TO_IMAGE, prompt=prompt))
    v2beta = sent(wanted("stable-image-core", prompt=prompt, negative_prompt=negative))

    assert v1 is not None
    assert v1["text_prompts"] == [{"text": "a", "weight": 1}, {"text": "boat", "weight": 0.8}, {"text": "rain", "weight": -1.5}]
    assert {name: value for name, value in form.items() if name.startswith("text_prompts")} == {
        "text_prompts[0][text]": "a",
        "text_prompts[0][weight]": "1.0",
        "text_prompts[1][text]": "boat",
        "text_prompts[1][weight]": "0.8",
    }
    assert (v2beta["prompt"], v2beta["negative_prompt"]) == (prompt, "rain")
    assert "negative_prompt" not in v1


@pytest.mark.parametrize(
    ("engine", "mode", "sent_prompt"),
    [
        ("stable-image-core", Mode.TEXT_TO_IMAGE, "(a:0.67) boat (at sea [calm]:0.67)"),
        ("sd3.5-large", Mode.TEXT_TO_IMAGE, "(a:0.67) boat (at sea [calm]:0.67)"),
        ("stable-image-sketch", Mode.SKETCH, "(a:0.67) boat (at sea [calm]:0.67)"),
        ("stable-image-outpaint", Mode.OUTPAINTING, "a boat at sea (calm)"),
        ("stable-image-style-transfer", Mode.STYLE_TRANSFER, "a boat at sea (calm)"),
        (RELIGHT, Mode.REPLACE_BACKGROUND, "a boat at sea (calm)"),
        ("stable-audio-2", Mode.TEXT_TO_AUDIO, "a boat at sea (calm)"),
    ],
)
def test_weights_go_where_they_are_documented(engine: str, mode: Mode, sent_prompt: str) -> None:
    extra = {"left": 10} if mode is Mode.OUTPAINTING else {}
    fields = sent(wanted(engine, mode, prompt=r"a (boat:1.5) at sea \(calm\)", extra=extra))
    assert fields["background_prompt" if engine == RELIGHT else "prompt"] == sent_prompt


def test_what_to_look_for_has_no_weights() -> None:
    replace = wanted("stable-image-search-and-replace", Mode.SEARCH_AND_REPLACE, extra={"search_prompt": r"the (red:1.2) boat \(left\)"})
    recolor = wanted("stable-image-search-and-recolor", Mode.SEARCH_AND_RECOLOR, extra={"select_prompt": "(sails:0.5)"})
    light = wanted(RELIGHT, Mode.REPLACE_BACKGROUND, extra={"foreground_prompt": "(a cup:1.4)"})
    assert sent(replace)["search_prompt"] == "the red boat (left)"
    assert sent(recolor)["select_prompt"] == "sails"
    assert sent(light)["foreground_prompt"] == "a cup"


def test_a_limit_counts_what_leaves() -> None:
    core = "a (cat:1.25) " + "b" * 9_982
    assert len(sent(wanted("stable-image-core", prompt=core))["prompt"]) == 10_000
    assert refused(wanted("stable-image-core", prompt=core + "b")) == {
        "prompt": "Prompt may have at most 10,000 characters; this has 10,001."
    }
    assert len(sent(wanted("stable-audio-2", Mode.TEXT_TO_AUDIO, prompt="(a:1.25)" + "b" * 9_999))["prompt"]) == 10_000
    two = f"{'a' * 2000} ({'b' * 2000}:0.5)"
    sdxl = call_of(wanted(SDXL, prompt=two)).json
    assert sdxl is not None
    assert [len(one["text"]) for one in sdxl["text_prompts"]] == [2000, 2000]
    assert refused(wanted(SDXL, prompt=f"a{two}")) == {"prompt": "Prompt may have at most 2,000 characters; this has 2,001."}


@pytest.mark.parametrize("prompt", ["(boat:-1)", "(boat:0)", ", ,"])
def test_v1_needs_something_to_show(prompt: str) -> None:
    assert refused(wanted(SDXL, prompt=prompt)) == {"prompt": "Write what the picture should show."}


# --- v1 --------------------------------------------------------------------------------------------------------------


def test_v1_has_everything_in_one_body() -> None:
    request = wanted(
        SDXL,
        num_images=3,
        seed=2**32 - 1,
        width=1536,
        height=640,
        num_inference_steps=40,
        guidance_scale=9,
        scheduler="DPM++ 2M",
        extra={"style_preset": "origami", "clip_guidance_preset": "FAST_BLUE"},
    )

    assert call_of(request).json == {
        "text_prompts": [{"text": "a red boat", "weight": 1.0}],
        "width": 1536,
        "height": 640,
        "samples": 3,
        "seed": 2**32 - 1,
        "steps": 40,
        "cfg_scale": 9,
        "sampler": "K_DPMPP_2M",
        "style_preset": "origami",
        "clip_guidance_preset": "FAST_BLUE",
    }


def test_what_is_left_to_v1_is_not_sent() -> None:
    body = call_of(wanted(SDXL)).json

    assert body is not None
    assert body.keys() & {"sampler", "style_preset"} == set()
    assert json.dumps(body)


def test_strength_is_the_other_way_round_in_v1() -> None:
    default = sent(wanted(SDXL, Mode.IMAGE_TO_IMAGE))
    strong = sent(wanted(SDXL, Mode.IMAGE_TO_IMAGE, strength=0.9))
    schedule = sent(wanted(SDXL, Mode.IMAGE_TO_IMAGE, strength=0.9, extra={"step_schedule_end": 0.2}))

    assert (default["init_image_mode"], default["image_strength"]) == ("IMAGE_STRENGTH", "0.35")
    assert strong["image_strength"] == "0.1"
    assert (schedule["init_image_mode"], schedule["step_schedule_start"], schedule["step_schedule_end"]) == ("STEP_SCHEDULE", "0.9", "0.2")
    assert "image_strength" not in schedule


def test_v1_gets_picture_and_mask_at_the_size_of_the_result() -> None:
    """Scaled and cropped alike, though the mask had another size than the picture."""
    picture = Image.new("RGB", (600, 400), "red")
    picture.paste("blue", (300, 0, 600, 400))
    mask = Image.new("L", (300, 200), 0)
    mask.paste(255, (150, 0, 300, 200))
    files = call_of(wanted(SDXL, Mode.INPAINTING, image=encoded(picture), mask_image=encoded(mask), width=1024, height=1024)).files

    made = {file.name: Image.open(io.BytesIO(file.data)) for file in files}
    assert {name: (image.size, image.mode) for name, image in made.items()} == {
        "init_image": ((1024, 1024), "RGB"),
        "mask_image": ((1024, 1024), "L"),
    }
    blue = [made["init_image"].getpixel((x, 500))[2] > 128 for x in range(0, 1024, 100)]
    white = [made["mask_image"].getpixel((x, 500)) > 128 for x in range(0, 1024, 100)]
    assert blue == white == [False] * 6 + [True] * 5


def encoded(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def test_v1_takes_a_mask_or_what_is_transparent() -> None:
    clear = png(1024, 1024, "RGBA", (1, 2, 3, 0))

    assert sent(wanted(SDXL, Mode.INPAINTING))["mask_source"] == "MASK_IMAGE_WHITE"
    assert sent(wanted(SDXL, Mode.INPAINTING, image=clear, mask_image=None))["mask_source"] == "INIT_IMAGE_ALPHA"
    assert refused(wanted(SDXL, Mode.INPAINTING, mask_image=None)) == {"mask_image": "Paint over the part that should change."}


# --- v2beta ----------------------------------------------------------------------------------------------------------


def test_an_aspect_ratio_is_not_sent_where_it_is_refused() -> None:
    """`stability/API.md` 4.7."""
    text = sent(wanted("sd3.5-flash"))
    image = sent(wanted("sd3.5-flash", Mode.IMAGE_TO_IMAGE))

    assert (text["mode"], text["model"], text["aspect_ratio"], text.get("strength")) == ("text-to-image", "sd3.5-flash", "1:1", None)
    assert (image["mode"], image["strength"], image.get("aspect_ratio")) == ("image-to-image", "0.6", None)
    assert text["cfg_scale"] == "1"


def test_seeds_of_several_pictures_go_up_and_wrap() -> None:
    record = catalogue("stability")["stable-image-core"]
    seeds = [dict(call.fields)["seed"] for call in calls_of(record, wanted(seed=4294967293, num_images=4))]

    assert seeds == ["4294967293", "4294967294", "0", "0"]  # ours goes to 4294967295, which wraps to 0; then ours wraps


def test_engines_without_a_seed_get_none() -> None:
    for engine in ("stable-image-remove-background", "stable-image-upscale-fast", "stable-fast-3d"):
        assert "seed" not in sent(wanted(engine))


def test_relighting_has_words_of_its_own() -> None:
    bare = sent(wanted(RELIGHT, prompt="a beach", extra={"keep_original_background": True, "foreground_prompt": "a dog"}))
    lit = sent(wanted(RELIGHT, extra={"light_source_direction": "above", "light_source_strength": 0.7}))
    by_picture = call_of(wanted(RELIGHT, prompt="", media={"background_reference": PICTURE, "light_reference": PICTURE}))

    assert (bare["background_prompt"], bare["foreground_prompt"], bare["keep_original_background"]) == ("a beach", "a dog", "true")
    assert bare.keys() & {"prompt", "light_source_strength", "light_source_direction"} == set()
    assert (lit["light_source_direction"], lit["light_source_strength"]) == ("above", "0.7")
    assert {file.name for file in by_picture.files} == {"subject_image", "background_reference", "light_reference"}
    assert dict(by_picture.fields)["light_source_strength"] == "0.3"
    assert "background_prompt" not in dict(by_picture.fields)
    assert refused(wanted(RELIGHT, prompt="")) == {"prompt": "Describe the new background, or choose a picture of it."}


@pytest.mark.parametrize("engine", ["stable-image-inpaint", "stable-image-erase"])
def test_what_is_transparent_is_a_mask(engine: str) -> None:
    assert {file.name for file in call_of(wanted(engine)).files} == {"image", "mask"}
    assert {file.name for file in call_of(wanted(engine, image=png(64, 64, "RGBA", (0, 0, 0, 0)), mask_image=None)).files} == {"image"}
    for opaque in (PICTURE, png(64, 64, "RGBA", (0, 0, 0, 255))):
        assert refused(wanted(engine, image=opaque, mask_image=None)) == {"mask_image": "Paint over the part that should change."}


def test_numbers_are_written_as_people_do() -> None:
    fields = sent(wanted("stable-image-outpaint", extra={"creativity": 0.1 + 0.2, "left": 2000}))

    assert (fields["creativity"], fields["left"], fields["right"]) == ("0.3", "2000", "0")


# --- what is refused before it is sent -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_of", "fields"),
    [
        ({"prompt": " "}, {"prompt": "Write what it should be."}),
        ({"prompt": "x" * 10_001}, {"prompt": "Prompt may have at most 10,000 characters; this has 10,001."}),
        ({"num_images": 5}, {"num_images": "Stable Image Core makes 1 to 4 at once, not 5."}),
        ({"extra": {"aspect_ratio": "7:5"}}, {"aspect_ratio": "Shape must be one of 21:9, 16:9, 3:2, 5:4, 1:1, 4:5, 2:3, 9:16, 9:21."}),
        ({"extra": {"steps": 9}}, {"steps": "This engine has no such setting."}),
        ({"engine": "sd3.5-large", "guidance_scale": 11}, {"guidance_scale": "Guidance must be from 1 to 10, not 11."}),
        ({"engine": "sd3.5-large", "guidance_scale": "4"}, {"guidance_scale": "Guidance must be a number."}),
        ({"engine": SDXL, "num_inference_steps": 30.5}, {"num_inference_steps": "Steps must be a whole number."}),
        ({"engine": "stable-image-erase", "prompt": "a boat"}, {"prompt": "Erase takes no prompt."}),
        ({"engine": "stable-image-erase", "negative_prompt": "a boat"}, {"negative_prompt": "Erase cannot leave things out."}),
        ({"engine": "stable-image-erase", "image": None}, {"image": "Choose a file: Picture."}),
        ({"engine": "stable-image-outpaint", "extra": {"left": 0, "up": 0}}, {"left": "Say how many pixels to add, on one side at least."}),
        ({"engine": "stable-image-search-and-replace", "extra": {"search_prompt": ""}}, {"search_prompt": "Look for must not be empty."}),
        (
            {"engine": "stable-image-search-and-replace", "extra": {"search_prompt": "x" * 10_001}},
            {"search_prompt": "Look for may have at most 10,000 characters; this has 10,001."},
        ),
        ({"engine": "stable-image-style-transfer", "media": {"style_image": b""}}, {"style_image": "Choose a file: Style."}),
        (
            {"engine": RELIGHT, "extra": {"keep_original_background": "no"}},
            {"keep_original_background": "Keep the background, change only the light must be yes or no."},
        ),
        (
            {"engine": "stable-audio-2.5", "mode": Mode.AUDIO_INPAINTING, "extra": {"mask_start": 60, "mask_end": 60}},
            {"mask_end": "The part that changes must end after it begins."},
        ),
    ],
)
def test_a_setting_that_cannot_be_is_refused_beside_its_field(request_of: dict[str, Any], fields: dict[str, str]) -> None:
    assert refused(wanted(**request_of)) == fields


def test_a_size_that_v1_does_not_make_is_refused() -> None:
    fields = refused(wanted(SDXL, width=512, height=512))

    assert fields.keys() == {"width"}
    assert fields["width"].endswith("not 512 × 512.")


@pytest.mark.parametrize(
    ("engine", "image", "said"),
    [
        ("stable-image-structure", png(63, 200), "Each side must have at least 64 pixels; this one has 63 × 200."),
        ("stable-image-structure", png(64, 200), "The longer side may be at most 2.5 times the shorter one; this one has 64 × 200."),
        ("stable-image-erase", png(4096, 2305, "L"), "The picture may have at most 9,437,184 pixels; this one has 4096 × 2305."),
        ("stable-image-upscale-fast", png(1537, 64), "Each side may have at most 1,536 pixels; this one has 1537 × 64."),
        ("stable-image-upscale-fast", png(32, 31), "Each side must have at least 32 pixels; this one has 32 × 31."),
        ("stable-image-structure", b"no picture", "This cannot be read as a picture."),
    ],
)
def test_a_picture_that_the_endpoint_does_not_take_is_refused(engine: str, image: bytes, said: str) -> None:
    assert refused(wanted(engine, image=image)) == {"image": said}


def test_a_picture_of_another_kind_is_refused() -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64)).save(buffer, "BMP")

    assert refused(wanted("stable-image-structure", image=buffer.getvalue())) == {"image": "Use a PNG, JPEG or WebP file."}


@pytest.mark.parametrize(
    ("sound", "said"),
    [
        (wav(5), "The sound must last from 6 to 190 seconds; this one lasts 5.0."),
        (wav(191), "The sound must last from 6 to 190 seconds; this one lasts 191.0."),
        (b"OggS....", "Use an MP3 or WAV file."),
        (b"RIFF\0\0\0\0WAVE", "This cannot be read as a sound."),
    ],
)
def test_a_sound_that_the_endpoint_does_not_take_is_refused(sound: bytes, said: str) -> None:
    assert refused(wanted("stable-audio-2", Mode.AUDIO_TO_AUDIO, media={"audio": sound})) == {"audio": said}


def test_a_large_init_image_is_packed_to_what_v1_takes() -> None:
    grain = encoded(Image.merge("RGB", [Image.effect_noise((1024, 1024), 90) for _ in range(3)]))
    rules = replace(catalogue("stability")[SDXL].engine.inputs[0], max_bytes=2_500_000)

    file = picture_file(rules, grain, "init_image")

    assert len(grain) > 2_500_000 >= len(file.data)
    assert (file.mime, file.filename) == ("image/jpeg", "init_image.jpeg")
    assert picture_file(replace(rules, max_bytes=5_000_000), grain, "init_image").data == grain


def test_a_transparent_picture_stays_transparent_when_it_is_packed() -> None:
    grain = Image.merge("RGBA", [Image.effect_noise((512, 512), 90) for _ in range(4)])
    rules = replace(catalogue("stability")[SDXL].engine.inputs[0], max_bytes=900_000)

    file = picture_file(rules, encoded(grain), "init_image")

    assert file.mime == "image/webp"
    assert Image.open(io.BytesIO(file.data)).mode == "RGBA"


def test_mask_and_picture_are_not_mixed_up() -> None:
    assert {file.name: file.data for file in call_of(wanted("stable-image-inpaint")).files} == {"image": PICTURE, "mask": MASK}
