"""The null engine: a test card at once, as slow or as broken as a test asks."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from studio.backends.base import GenerationRequest, Mode, Progress
from studio.backends.errors import OutOfMemory, RequestCanceled
from studio.backends.null import MODES, NullBackend
from tests.backends.conftest import Watcher, difference, generate, picture


def wanted(**settings: object) -> GenerationRequest:
    return GenerationRequest(**{"engine": "null", "mode": Mode.TEXT_TO_IMAGE, "seed": 3, "prompt": "a red boat", **settings})  # type: ignore[arg-type]


def null(**options: object) -> NullBackend:
    return NullBackend("null", {"ENABLED": True, **options})


def test_it_is_offered_only_when_the_operator_says_so() -> None:
    assert NullBackend("null", {}).engines() == ()
    [engine] = null().engines()
    assert (engine.id, engine.label, engine.queue, engine.price.per_image) == ("null", "Null (test card)", "null", 1000)
    assert engine.modes == (Mode.TEXT_TO_IMAGE, Mode.IMAGE_TO_IMAGE, Mode.INPAINTING, Mode.UPSCALING)


def test_the_same_seed_gives_the_same_card_and_another_seed_or_prompt_another() -> None:
    cards = [generate(null(), request)[0].data for request in (wanted(), wanted(), wanted(seed=4), wanted(prompt="a blue boat"))]
    assert cards[0] == cards[1]
    assert len(set(cards)) == 3


def test_a_card_has_the_asked_size_and_seed() -> None:
    made = generate(null(), wanted(width=640, height=384, num_images=2))
    assert [(media.index, media.seed, media.width, media.height) for media in made] == [(0, 3, 640, 384), (1, 4, 640, 384)]
    assert [picture(media).size for media in made] == [(640, 384)] * 2
    assert difference(picture(made[0]), picture(made[1]))[0] > 0


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_gives_a_card(mode: Mode) -> None:
    [media] = generate(null(), wanted(mode=mode, image=b"anything", mask_image=b"anything"))
    assert Image.open(io.BytesIO(media.data)).format == "PNG"


def test_it_can_take_steps_show_previews_and_be_stopped() -> None:
    told: list[Progress] = []
    null(STEPS=3).generate(wanted(), on_progress=told.append, is_canceled=lambda: False)
    assert [(progress.step, progress.total) for progress in told] == [(1, 3), (2, 3), (3, 3)]
    assert all(progress.preview and Image.open(io.BytesIO(progress.preview)).format == "JPEG" for progress in told)
    watcher = Watcher(cancel={0}, after=1)
    outcomes = null(STEPS=50).generate_batch([wanted(), wanted(seed=9)], on_progress=watcher.on_progress, is_canceled=watcher.is_canceled)
    assert isinstance(outcomes[0], RequestCanceled)
    assert isinstance(outcomes[1], list)
    assert [len(watcher.seen[place]) for place in (0, 1)] == [1, 50]


def test_it_can_hold_pictures_back_and_fail() -> None:
    made = generate(null(FILTERED=1), wanted(num_images=3))
    assert [(media.filtered, bool(media.data)) for media in made] == [(False, True), (False, True), (True, False)]
    with pytest.raises(OutOfMemory):
        generate(null(ERROR="out_of_memory"), wanted())
