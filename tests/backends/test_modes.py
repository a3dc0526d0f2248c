"""What all backends share: modes, their inputs, requests with more than pictures, prices."""

from __future__ import annotations

import json

import pytest

from studio.backends.base import Engine, GenerationRequest, MediaInput, Mode, PriceTable, PromptNeed, QuoteLine


def engine(**more: object) -> Engine:
    return Engine("e", "E", "b", "q", (Mode.TEXT_TO_IMAGE,), PriceTable("1", 1000), **more)  # type: ignore[arg-type]


def test_every_mode_says_what_it_is_called_needs_and_makes() -> None:
    assert len({mode.label for mode in Mode}) == len(Mode)
    assert {mode for mode in Mode if mode.makes != "image"} == {
        Mode.IMAGE_TO_3D,
        Mode.TEXT_TO_AUDIO,
        Mode.AUDIO_TO_AUDIO,
        Mode.AUDIO_INPAINTING,
    }
    assert {mode for mode in Mode if not mode.needs_image} == {
        Mode.TEXT_TO_IMAGE,
        Mode.TEXT_TO_AUDIO,
        Mode.AUDIO_TO_AUDIO,
        Mode.AUDIO_INPAINTING,
    }
    assert [mode.value for mode in Mode if mode.needs_mask] == ["inpainting", "erase"]


@pytest.mark.parametrize(
    ("mode", "names"),
    [
        (Mode.TEXT_TO_IMAGE, []),
        (Mode.UPSCALING, ["image"]),
        (Mode.INPAINTING, ["image", "mask_image"]),
        (Mode.AUDIO_TO_AUDIO, ["audio"]),
    ],
)
def test_an_engine_without_rules_takes_the_usual_inputs(mode: Mode, names: list[str]) -> None:
    assert [one.name for one in engine().inputs_for(mode)] == names


def test_an_engine_s_own_rules_count() -> None:
    own = MediaInput("image", "Picture", min_side=64, modes=frozenset({Mode.UPSCALING}))
    strict = engine(inputs=(own,), prompt=PromptNeed.REQUIRED)

    assert strict.inputs_for(Mode.UPSCALING) == (own,)
    assert [one.min_side for one in strict.inputs_for(Mode.IMAGE_TO_IMAGE)] == [None]
    assert (engine().prompt_for(Mode.UPSCALING), strict.prompt_for(Mode.UPSCALING)) == (PromptNeed.NONE, PromptNeed.REQUIRED)


def test_a_request_keeps_its_files_out_of_its_row() -> None:
    request = GenerationRequest("e", Mode.STYLE_TRANSFER, 1, image=b"picture", media={"style_image": b"of paint"}, extra={"fidelity": 0.5})

    row = json.loads(json.dumps(request.to_json()))

    assert row.keys() & {"image", "mask_image", "media"} == set()
    assert GenerationRequest.from_json(row, image=b"picture", media={"style_image": b"of paint"}) == request
    assert [request.file(name) for name in ("image", "mask_image", "style_image", "audio")] == [b"picture", None, b"of paint", None]
    assert "of paint" not in repr(request)


def test_a_price_says_what_it_is_for_and_counts_the_usual_steps() -> None:
    table = PriceTable("1", 17_000, per_extra_step=60, default_steps=50, noun="track")

    quote = table.quote(GenerationRequest("e", Mode.TEXT_TO_AUDIO, 1, num_images=2))

    assert quote.amount == 40_000
    assert quote.lines == (QuoteLine("tracks", 2, 17_000, 34_000), QuoteLine("steps", 100, 60, 6000))
