"""Left and right: the words name a side, and the object stands there."""

from __future__ import annotations

import numpy
import pytest
from PIL import Image

from studio.backends.diffusers.layout import side_of
from tests.backends.conftest import difference, generate_batch, picture, request

PROMPTS = (
    "a red house {}, in a meadow, sunny day",
    "a yellow tent {}, under the northern lights",
    "a red car {} in the forest",
    "a purple castle {} in the desert",
)


@pytest.mark.parametrize(
    ("prompt", "side"),
    [
        ("a house on the LEFT", "left"),
        ("right side: a dog", "right"),
        ("a house", None),
        ("left, then right", None),
        ("a copyrighted cleft", None),
    ],
)
def test_the_side_is_a_word_of_the_prompt(prompt, side):
    assert side_of(prompt) == side


def where(picture: Image.Image, hue: tuple[int, int]) -> float:
    """The middle of everything strongly coloured in a range of hues (Pillow's 0–255), as a share of the width."""
    pixels = numpy.asarray(picture.convert("HSV")).astype(int)
    low, high = hue
    near = (pixels[..., 0] - low) % 256 <= (high - low) % 256
    found = near & (pixels[..., 1] > 110) & (pixels[..., 2] > 90)
    found[: found.shape[0] // 3] = False  # the sky may hold a sun
    return float(numpy.nonzero(found)[1].mean() / found.shape[1])


HUES = {"red": (245, 12), "yellow": (28, 45), "purple": (180, 215)}


def test_objects_stand_on_the_side_that_the_prompt_names(runner):
    """At least 7 of 8 pictures, and left is left of right for every prompt. (Without the lean: no better than a coin.)"""
    wanted = [request(words.format(f"on the {side}"), seed=20 + n) for n, words in enumerate(PROMPTS) for side in ("left", "right")]
    pictures = [picture(media) for [media] in generate_batch(runner, wanted)]
    obeyed = 0
    for words, left, right in zip(PROMPTS, pictures[::2], pictures[1::2], strict=True):
        hue = next(span for name, span in HUES.items() if name in words)
        places = where(left, hue), where(right, hue)
        assert places[0] < places[1], words
        obeyed += (places[0] < 0.47) + (places[1] > 0.53)
    assert obeyed >= 7


def test_a_neighbour_in_the_batch_does_not_move_what_names_no_side(runner):
    plain = request("a red house on the hills", seed=5)
    [alone] = generate_batch(runner, [plain])
    together = generate_batch(runner, [plain, request("a red house on the left", seed=5)])
    assert difference(picture(alone[0]), picture(together[0][0]))[1] < 1
