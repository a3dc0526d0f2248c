"""What other tools write is read, whatever kind of file it is in; what somebody made to do harm does none."""

from __future__ import annotations

import io
import json
import math
import sys
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studio.backends.base import GenerationRequest
from studio.generation import metadata
from studio.generation.errors import UnusableImage
from studio.generation.metadata import reading, sources
from studio.generation.metadata.reading import atelier, samplers
from studio.generation.metadata.reading.record import MAX_PROMPT, MAX_WORDS, Record
from tests.generation import metadata_corpus as corpus
from tests.generation.conftest import upload

HOSTILE = corpus.hostile()
REFUSALS = {
    "This file holds no settings.",
    "This picture holds no settings. You can still use it as the picture to start from.",
    "This file is not a picture we can read, so there are no settings in it.",
}


def record(data: bytes) -> Record:
    return metadata.record_of(io.BytesIO(data))


def read_or_refused(data: bytes) -> tuple[Record | None, str]:
    try:
        return record(data), ""
    except UnusableImage as error:
        return None, error.message


@pytest.mark.parametrize("name", corpus.TOOLS)
def test_what_a_tool_writes_is_read(name: str) -> None:
    data, tool, model, settings = corpus.TOOLS[name]
    found = record(data)
    assert (found.tool, found.model, dict(found.settings)) == (tool, model, settings)


def test_what_has_no_name_here_is_said() -> None:
    flux = record(corpus.TOOLS["comfyui flux"][0])
    assert flux.sampler == "res_multistep"
    assert flux.sentence == (
        "Settings from a ComfyUI file: prompt, seed, size, steps, guidance. Its model was flux1-dev. "
        "Its sampler res_multistep is not known here."
    )
    assert record(corpus.TOOLS["invokeai"][0]).sentence == (
        "Settings from an InvokeAI file: prompt, negative prompt, seed, size, steps, guidance, sampler. Its model was Juggernaut XL."
    )


def test_what_is_no_setting_is_kept_as_words() -> None:
    others = dict(record(corpus.TOOLS["a1111 png"][0]).others)
    assert others == {
        "Hires strength": "0.4",
        "Model hash": "00ff",
        "VAE": "good.pt",
        "Clip skip": "2",
        "Hires upscale": "2",
        "Hires upscaler": "Latent",
        "Lora hashes": 'ink: aabb, pen: cc"dd',
        "Version": "v1.10.1",
    }
    assert dict(record(corpus.TOOLS["comfyui png"][0]).others) == {"LoRA ink": "0.8"}
    assert dict(record(corpus.TOOLS["swarmui png"][0]).others)["LoRAs"] == "ink, pen"


@pytest.mark.parametrize(
    ("sampler", "schedule", "name"),
    [
        ("Euler a", "", "Euler a"),
        ("DPM++ 2M", "Automatic", "DPM++ 2M Karras"),
        ("DPM++ 2M SDE", "Automatic", ""),
        ("DPM++ 2M Karras", "Karras", "DPM++ 2M Karras"),
        ("euler", "karras", ""),
        ("euler", "sgm_uniform", ""),
        ("k_lms", "", "LMS"),
        ("k_dpm_2_a", "", "DPM2 a"),
        ("dpmpp_sde_gpu", "karras", "DPM++ SDE Karras"),
        ("something", "karras", ""),
    ],
)
def test_samplers_have_the_names_that_they_have_here(sampler: str, schedule: str, name: str) -> None:
    assert samplers.named(sampler, schedule) == name


def test_lines_behind_the_pairs_and_lines_that_look_like_them() -> None:
    words = "Steps: 3, odd: words\nNegative prompt: x\nSteps: 5, Seed: 3, Size: 64x64\nTemplate: a {boat|ship}\nNegative Template: y"
    found = record(corpus.png(parameters=words)).settings
    assert (found["prompt"], found["negative_prompt"], found["num_inference_steps"]) == ("Steps: 3, odd: words", "x", 5)


@pytest.mark.parametrize("number", ["9" * 24, "-" + "9" * 24, "1e999", "nan", "inf", "0.5.5", "9" * 5000])
@pytest.mark.parametrize(
    ("label", "names"),
    [("Steps", {"num_inference_steps"}), ("CFG scale", {"guidance_scale"}), ("Seed", {"seed"}), ("Size", {"width", "height"})],
)
def test_a_number_that_makes_no_sense_takes_nothing_else_along(label: str, names: set[str], number: str) -> None:
    pairs = {"Steps": "30", "CFG scale": "7", "Seed": "42", "Size": "512x768"}
    pairs[label] = f"{number}x{number}" if label == "Size" else number
    text = "a lighthouse\nNegative prompt: blurry\n" + ", ".join(f"{name}: {value}" for name, value in pairs.items())
    everything = {"prompt": "a lighthouse", "negative_prompt": "blurry", "num_inference_steps": 30, "guidance_scale": 7.0, "seed": 42}
    expected = {name: value for name, value in {**everything, "width": 512, "height": 768}.items() if name not in names}
    assert dict(record(corpus.png(parameters=text)).settings) == {"mode": "text-to-image", **expected}


def test_a_number_of_any_length_in_a_structure_takes_nothing_else_along() -> None:
    text = f'{{"app_version": "6.0", "positive_prompt": "a lighthouse", "seed": 42, "steps": {"9" * 5000}}}'
    found = reading.read({"invokeai_metadata": text})
    assert found is not None
    assert (found.settings["prompt"], found.settings["seed"], found.settings.get("num_inference_steps")) == ("a lighthouse", 42, None)


def test_a_prompt_about_steps_is_no_list_of_settings() -> None:
    assert reading.read({"parameters": "Steps: 3 of them, colour: blue"}) is None


def test_a_strength_without_a_second_pass_is_that_of_a_picture_to_start_from() -> None:
    assert record(corpus.png(parameters="a\nSteps: 5, Seed: 3, Denoising strength: 0.6")).settings["strength"] == 0.6


def test_a_comment_in_xmp_is_read() -> None:
    packet = (
        "<x:xmpmeta><rdf:Description><exif:UserComment><rdf:Alt><rdf:li xml:lang='x-default'>a &lt;b&gt; boat&#10;Steps: 4, Seed: 2"
        "</rdf:li></rdf:Alt></exif:UserComment></rdf:Description></x:xmpmeta>"
    )
    assert record(corpus.png(corpus.text("XML:com.adobe.xmp", packet))).settings["prompt"] == "a <b> boat"


# --- harm ------------------------------------------------------------------------------------------------------------


def assert_fit_to_keep(found: Record) -> None:
    """Bounded, of plain types, and text that every database and every page can hold."""
    assert json.dumps(dict(found.settings), allow_nan=False)
    for name, value in found.settings.items():
        assert isinstance(value, str | int | float), name
        assert len(value) <= MAX_PROMPT if isinstance(value, str) else math.isfinite(value) and abs(value) < 2**63
    for name in ("prompt", "negative_prompt", "engine", "scheduler"):
        assert isinstance(found.settings.get(name, ""), str)
    for name in ("seed", "width", "height", "num_inference_steps"):
        assert isinstance(found.settings.get(name, 0), int)
        assert found.settings.get(name, 0) >= 0
    said = [found.tool, found.model, found.sampler, found.sentence, *(word for pair in found.others for word in pair)]
    texts = [*said, *(value for value in found.settings.values() if isinstance(value, str))]
    for text in texts:
        assert not {"\0", "\x1b"} & set(text)
        assert text.encode("utf-8").decode("utf-8") == text
    assert len(found.others) <= 24
    assert all(len(word) <= MAX_WORDS for word in (found.model, found.sampler, *(value for _, value in found.others)))


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_read_or_refused_and_nothing_else(name: str) -> None:
    found, said = read_or_refused(HOSTILE[name])
    if found:
        assert_fit_to_keep(found)
    else:
        assert said in REFUSALS


def test_of_two_texts_with_one_name_the_first_counts() -> None:
    assert record(HOSTILE["two of each"]).settings == corpus.A1111_SETTINGS


def test_text_that_is_longer_than_anybody_looks_at_is_no_settings() -> None:
    for name in ("ten megabytes of text", "ten megabytes that end like settings", "a bomb, zTXt", "a bomb, iTXt"):
        with pytest.raises(UnusableImage, match="holds no settings"):
            record(HOSTILE[name])


def test_many_small_bombs_are_not_all_set_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two kilobytes inflate to two megabytes, and an upload has room for twelve thousand of them."""
    inflated = sources._inflated
    looked_at: list[bytes] = []
    monkeypatch.setattr(sources, "_inflated", lambda data: looked_at.append(data) or inflated(data))
    bomb = zlib.compress(b"x" * 2_000_000, 9)
    bombs = [corpus.chunk(b"zTXt", b"k%d\0\0" % number + bomb) for number in range(300)]
    with pytest.raises(UnusableImage, match="holds no settings"):
        record(corpus.png(*bombs, parameters=corpus.A1111))
    assert len(looked_at) == sources.MAX_TEXTS


def work(read: Callable[[], Any]) -> int:
    """How many lines of the readers ran: the same on every machine, at every load."""
    lines = 0

    def trace(frame: Any, event: str, _: Any) -> Any:
        nonlocal lines
        if "/metadata/" not in frame.f_code.co_filename:
            return None
        lines += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        read()
    finally:
        sys.settrace(before)
    return lines


GROWING: dict[str, Callable[[int], dict[str, str]]] = {
    "pairs": lambda n: {"parameters": "a\nSteps: 1, " + ", ".join(f"k{one}: v" for one in range(n))},
    "lines": lambda n: {"parameters": "a\n" * n + "Steps: 1, Seed: 2"},
    "quotes": lambda n: {"parameters": "a\nSteps: 1, " + 'a: "' * n},
    "colons": lambda n: {"parameters": "a\nSteps: 1" + ":" * n},
    "negatives": lambda n: {"parameters": "Negative prompt: \n" * n + "Steps: 1, Seed: 2"},
    "a tangle": lambda n: {"prompt": corpus.tangle(n // 8)},
    "a chain": lambda n: {"prompt": json.dumps(chain(n))},
    "samplers": lambda n: {"prompt": json.dumps({str(one): corpus.COMFY["3"] for one in range(n)})},
    "drawn nodes": lambda n: {"workflow": json.dumps({"nodes": corpus.COMFY_WORKFLOW["nodes"] * (n // 8), "links": []})},
    "brackets": lambda n: {"Dream": '"' + "[a]" * n + '" -s 1'},
    "parts of a prompt": lambda n: {"sd-metadata": json.dumps({"image": {"prompt": [{"prompt": "a"}] * n, "seed": 1}})},
}


def chain(length: int) -> dict[str, Any]:
    nodes = {str(one): corpus.node("Combine", conditioning=[str(one + 1), 0]) for one in range(length)}
    return nodes | {"s": corpus.node("KSampler", seed=1, steps=2, positive=["0", 0], negative=["1", 0])}


@pytest.mark.parametrize("name", GROWING)
def test_twice_the_text_is_at_most_twice_the_work(name: str) -> None:
    once, twice = (GROWING[name](size) for size in (800, 1600))
    less, more = work(lambda: reading.read(once)), work(lambda: reading.read(twice))
    assert 0 < more <= 2.2 * less + 200


PIECES = ["Steps: ", "Negative prompt:", '"', ":", ",", "\n", "Seed", " 1", "[", "]", "{", "}", "\\", "-s "]
KEYS = [
    *("1", "2", "class_type", "inputs", "positive", "seed", "steps", "text", "image", "model", "mode", "nodes", "links", "id"),
    *("sui_image_params", "prompt", "Base Model", "loras", "resolution"),
]
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["1", "2", "KSampler"])
TREES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4), max_leaves=12
)
PLACES = ["parameters", "prompt", "workflow", "UserComment", "invokeai_metadata", "sd-metadata", "Dream", "atelier", "Comment"]
TEXTS = st.dictionaries(
    st.sampled_from(PLACES),
    st.text(max_size=100) | st.lists(st.sampled_from(PIECES), max_size=40).map("".join) | TREES.map(json.dumps),
    max_size=2,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(TEXTS)
def test_no_text_makes_a_reader_fall_over(texts: dict[str, str]) -> None:
    found = reading.read(texts | {"Software": "NovelAI", "fooocus_scheme": "fooocus"})
    if found:
        assert_fit_to_keep(found)


@settings(deadline=None)
@given(st.binary(max_size=300), st.sampled_from([b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR" + bytes(17), b"\xff\xd8\xff\xe1\0\x40Exif\0\0", b""]))
def test_no_bytes_make_a_reader_fall_over(data: bytes, head: bytes) -> None:
    found, said = read_or_refused(head + data)
    if found:
        assert_fit_to_keep(found)
    else:
        assert said in REFUSALS


# --- through the front door ------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_dropped_file_says_which_tool_wrote_it(alices: Client) -> None:
    answer = upload(alices, corpus.TOOLS["comfyui flux"][0], url="input_read").json()
    assert answer["tool"] == "ComfyUI"
    assert answer["said"].startswith("Settings from a ComfyUI file: prompt, seed, size")
    page = alices.get(answer["url"])
    assert page.status_code == 200
    assert page.context["form"].initial["prompt"] == "a lighthouse, storm"


@pytest.mark.django_db
@pytest.mark.parametrize("name", [name for name in HOSTILE if "html" in name])
def test_words_of_a_file_are_never_html(alices: Client, name: str) -> None:
    answer = upload(alices, HOSTILE[name], url="input_read")
    assert answer["Content-Type"] == "application/json"
    if answer.status_code == 200:
        page = alices.get(answer.json()["url"]).content.decode()
        assert "<img src=x" not in page
        assert "<script>alert" not in page


@pytest.mark.django_db
def test_a_prompt_too_long_for_an_address_is_cut_and_that_is_said(alices: Client) -> None:
    answer = upload(alices, corpus.png(parameters="雨" * 9_000 + "\nSteps: 5, Seed: 3"), url="input_read").json()
    assert len(answer["url"]) < 13_000
    assert answer["said"].endswith("Its prompt is too long for the panel, and was cut.")
    assert answer["settings"]["prompt"] == "雨" * 9_000
    assert alices.get(answer["url"]).status_code == 200


@pytest.mark.django_db
def test_settings_cannot_name_what_an_address_means(alices: Client) -> None:
    own = {"from": "x", "use": "all", "job": "1", "source": "2", "image": "3", "Not a name": 1, "duration": 4, "extra": "5", "prompt": 6}
    data = corpus.png(atelier=json.dumps({"mode": "text-to-image", "prompt": "a", "seed": 1, "extra": own}))
    assert upload(alices, data, url="input_read").json()["settings"] == {"mode": "text-to-image", "prompt": "a", "seed": 1, "duration": 4}


def test_the_address_of_reading_is_known() -> None:
    assert reverse("input_read") == "/inputs/read/"


def test_every_setting_of_a_request_has_a_type() -> None:
    """A new field of `GenerationRequest` has to be read back too."""
    fields = set(GenerationRequest.__dataclass_fields__) - {"image", "mask_image", "media", "extra"}
    assert {*atelier._TEXTS, *atelier._WHOLE, *atelier._REAL} == fields
