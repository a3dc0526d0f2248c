"""Requests of several people in one run: each gets what it would have got alone, and can be stopped alone."""

from __future__ import annotations

from pathlib import Path

import numpy
import pytest
from PIL import Image

from studio.backends.base import GenerationRequest, Mode
from studio.backends.diffusers import DiffusersBackend, builtin, devices
from studio.backends.errors import InvalidRequest, RequestCanceled
from tests.backends.conftest import Watcher, difference, generate, generate_batch, picture, png, request

ROUNDING = 1
MEAN_GAP = 1.0
NEARLY_ALL, NEARLY_ALL_GAP = 99, 12
"""What `batches` promises, in levels of 255: between a run of eight and eight runs no value differs by more than ROUNDING in float32. In
half precision, where kernels may round otherwise for a larger batch, values differ by MEAN_GAP on average and NEARLY_ALL of 100 by the last
at most: an edge may move by a pixel, and nothing else may."""


def eight() -> list[GenerationRequest]:
    negatives = ("", "snow", "people, text", "")
    return [
        request(prompt, seed=100 * place, negative_prompt=negatives[place % 4], num_inference_steps=12)
        for place, prompt in enumerate(builtin.STORYBOOK.examples)
    ]


def together_and_alone(runner: DiffusersBackend) -> list[tuple[Image.Image, Image.Image]]:
    together = generate_batch(runner, eight())
    assert [media.info["pictures_in_run"] for [media] in together] == [8] * 8
    alone = [generate(runner, wanted)[0] for wanted in eight()]
    assert [media.info["pictures_in_run"] for media in alone] == [1] * 8
    return [(picture(one), picture(other)) for [one], other in zip(together, alone, strict=True)]


def test_a_picture_made_in_a_run_of_eight_is_the_one_made_alone(runner: DiffusersBackend) -> None:
    for one, other in together_and_alone(runner):
        gap = numpy.abs(numpy.asarray(one, int) - numpy.asarray(other, int))
        assert gap.mean() <= MEAN_GAP
        assert numpy.percentile(gap, NEARLY_ALL) <= NEARLY_ALL_GAP


def test_in_float32_it_is_the_same_to_the_last_level(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "cpu_has_bfloat16", lambda: False)
    backend = DiffusersBackend("diffusers", {"DATA_DIR": tmp_path})
    for one, other in together_and_alone(backend):
        assert difference(one, other)[0] <= ROUNDING


def test_input_pictures_and_masks_go_with_their_requests(runner: DiffusersBackend) -> None:
    red, blue = (png(Image.new("RGB", (512, 512), colour)) for colour in ("#d02020", "#2020d0"))
    wanted = [request("hills", mode=Mode.IMAGE_TO_IMAGE, image=image, strength=0.1, num_inference_steps=10) for image in (red, blue)]
    [[reddish], [bluish]] = generate_batch(runner, wanted)
    for media, request_alone in ((reddish, wanted[0]), (bluish, wanted[1])):
        assert difference(picture(media), picture(generate(runner, request_alone)[0]))[1] <= MEAN_GAP
    red_pixel, blue_pixel = picture(reddish).getpixel((256, 256)), picture(bluish).getpixel((256, 256))
    assert isinstance(red_pixel, tuple)
    assert isinstance(blue_pixel, tuple)
    assert red_pixel[0] > red_pixel[2] + 80
    assert blue_pixel[2] > blue_pixel[0] + 80


def test_more_pictures_than_one_run_takes(runner: DiffusersBackend) -> None:
    watcher = Watcher()
    wanted = [request(num_images=count, num_inference_steps=2) for count in (5, 4, 3)]
    made = runner.generate_batch(wanted, on_progress=watcher.on_progress, is_canceled=watcher.is_canceled)
    assert [[media.info["pictures_in_run"] for media in one] for one in made] == [[8] * 5, [4] * 4, [8] * 3]
    assert [[media.seed for media in one] for one in made] == [[7, 8, 9, 10, 11], [7, 8, 9, 10], [7, 8, 9]]
    assert {place: [(p.step, p.total) for p in seen] for place, seen in watcher.seen.items()} == {
        place: [(1, 2), (2, 2)] for place in range(3)
    }


def test_requests_of_other_shapes_and_wrong_ones_do_not_disturb(runner: DiffusersBackend) -> None:
    wanted = [request(num_inference_steps=2), request(num_inference_steps=3), request(width=77), request(num_inference_steps=2, seed=8)]
    first, second, wrong, fourth = generate_batch(runner, wanted)
    assert [media.info["steps"] for [media] in (first, second, fourth)] == [2, 3, 2]
    assert [media.info["pictures_in_run"] for [media] in (first, second, fourth)] == [2, 1, 2]
    assert isinstance(wrong, InvalidRequest)


def test_a_cancel_stops_within_one_step(runner: DiffusersBackend) -> None:
    watcher = Watcher(cancel={0}, after=3)
    [outcome] = runner.generate_batch([request(num_inference_steps=50)], on_progress=watcher.on_progress, is_canceled=watcher.is_canceled)
    assert isinstance(outcome, RequestCanceled)
    assert [progress.step for progress in watcher.seen[0]] == [1, 2, 3]


def test_a_cancel_before_the_start_runs_nothing(runner: DiffusersBackend) -> None:
    watcher = Watcher(cancel={0}, after=0)
    with pytest.raises(RequestCanceled):
        runner.generate(request(), on_progress=lambda p: watcher.on_progress(0, p), is_canceled=lambda: watcher.is_canceled(0))
    assert watcher.seen == {}


@pytest.mark.parametrize("asked", [2, 3])
def test_a_cancel_after_loading_or_after_reading_the_prompt_runs_no_step(runner: DiffusersBackend, asked: int) -> None:
    """It is asked when the request comes (1), when the model is there (2), and when the prompt is encoded (3)."""
    questions = 0
    told = []

    def is_canceled() -> bool:
        nonlocal questions
        questions += 1
        return questions >= asked

    with pytest.raises(RequestCanceled):
        runner.generate(request(), on_progress=told.append, is_canceled=is_canceled)
    assert questions == asked
    assert told == []


def test_a_canceled_request_leaves_the_others_of_its_run_alone(runner: DiffusersBackend) -> None:
    watcher = Watcher(cancel={1}, after=2)
    wanted = [request("a red house", seed=1), request("a blue boat", seed=2), request("a green tree", seed=3)]
    first, canceled, third = runner.generate_batch(wanted, on_progress=watcher.on_progress, is_canceled=watcher.is_canceled)
    assert isinstance(canceled, RequestCanceled)
    assert [len(watcher.seen[place]) for place in range(3)] == [6, 2, 6]
    for outcome, alone in ((first, wanted[0]), (third, wanted[2])):
        assert isinstance(outcome, list)
        assert difference(picture(outcome[0]), picture(generate(runner, alone)[0]))[1] <= MEAN_GAP


def test_a_run_ends_when_everybody_in_it_has_canceled(runner: DiffusersBackend) -> None:
    watcher = Watcher(cancel={0, 1}, after=2)
    outcomes = runner.generate_batch(
        [request(num_inference_steps=30), request(num_inference_steps=30, seed=2)],
        on_progress=watcher.on_progress,
        is_canceled=watcher.is_canceled,
    )
    assert [type(outcome) for outcome in outcomes] == [RequestCanceled, RequestCanceled]
    assert [len(watcher.seen[place]) for place in (0, 1)] == [2, 2]


def test_after_a_cancel_the_same_model_draws_as_before(runner: DiffusersBackend) -> None:
    before = generate(runner, request())
    watcher = Watcher(cancel={0}, after=2)
    runner.generate_batch([request()], on_progress=watcher.on_progress, is_canceled=watcher.is_canceled)
    assert generate(runner, request())[0].data == before[0].data
