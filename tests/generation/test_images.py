import io

import pytest
from PIL import Image

from studio.generation.errors import UnusableImage
from studio.generation.images import CleanImage, clean_upload, decoded, mask_from, variants_of
from tests.generation.pictures import animated, claims_to_be, picture, with_exif


def cleaned(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(clean_upload(io.BytesIO(data), size=len(data)).data))


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "BMP", "TIFF", "AVIF"])
def test_every_accepted_format_becomes_png(format):
    image = cleaned(picture(format=format))
    assert (image.format, image.mode, image.size) == ("PNG", "RGB", (64, 48))
    assert all(abs(a - b) < 12 for a, b in zip(image.getpixel((10, 10)), (200, 30, 30), strict=True))


@pytest.mark.parametrize(
    ("mode", "color", "expected"),
    [
        ("CMYK", (0, 255, 255, 0), "RGB"),
        ("L", 90, "L"),
        ("1", 1, "L"),
        ("P", 0, "RGB"),
        ("LA", (90, 128), "RGBA"),
        ("RGBA", (1, 2, 3, 4), "RGBA"),
    ],
)
def test_every_pixel_mode_becomes_one_of_three(mode, color, expected):
    data = picture(mode=mode, color=color, format="TIFF" if mode in ("CMYK", "LA") else "PNG")
    assert cleaned(data).mode == expected


def test_cmyk_keeps_its_colour():
    red = cleaned(picture(mode="CMYK", color=(0, 255, 255, 0), format="JPEG")).getpixel((5, 5))
    assert red[0] > 200
    assert max(red[1:]) < 60


def test_sixteen_bit_grey_keeps_its_brightness():
    buffer = io.BytesIO()
    Image.new("I;16", (16, 16), 32768).save(buffer, "PNG")
    image = cleaned(buffer.getvalue())
    assert image.mode == "L"
    assert image.getpixel((3, 3)) == 128


def test_a_phones_jpeg_with_a_second_picture_behind_it_is_one_picture():
    buffer = io.BytesIO()
    first, second = Image.new("RGB", (64, 48), (200, 30, 30)), Image.new("L", (32, 24), 90)
    first.save(buffer, "MPO", save_all=True, append_images=[second.convert("RGB")])
    assert getattr(Image.open(io.BytesIO(buffer.getvalue())), "n_frames", 1) == 2
    image = cleaned(buffer.getvalue())
    assert (image.format, image.size) == ("PNG", (64, 48))
    assert image.getpixel((10, 10))[0] > 180


@pytest.mark.parametrize("format", ["GIF", "TIFF", "WEBP", "PNG"])
def test_an_animation_cut_off_anywhere_is_refused_with_a_sentence(format):
    buffer = io.BytesIO()
    frames = [Image.effect_noise((40, 30), 60 + n).convert("RGB") for n in range(3)]
    frames[0].save(buffer, format, save_all=True, append_images=frames[1:])
    data = buffer.getvalue()
    for part in range(1, 20):
        with pytest.raises(UnusableImage):
            clean_upload(io.BytesIO(data[: len(data) * part // 20]))


def test_exif_rotation_is_applied_and_everything_else_is_stripped():
    image = cleaned(with_exif())
    assert image.size == (40, 60)
    assert image.getpixel((20, 5))[0] > 200, "the left half, red, is on top after the turn"
    assert image.getpixel((20, 55))[2] > 200
    assert dict(image.getexif()) == {}
    assert set(image.info) == set()


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b"just some text, not a picture at all", "not a picture we can read"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a picture we can read"),
        (picture((400, 400), format="PNG")[:300], "damaged"),
        (picture((400, 400), format="JPEG")[:700], "damaged"),
        (animated(), "animated (3 frames)"),
        (claims_to_be(30_000, 30_000), "30,000 × 30,000"),
        (claims_to_be(6_000, 8_000), "damaged"),
        (picture((4, 40)), "only 4 × 40"),
    ],
    ids=["empty", "text", "svg", "truncated-png", "truncated-jpeg", "animated", "bomb", "lying-header", "tiny"],
)
def test_bad_uploads_are_refused_with_a_reason(data, says):
    with pytest.raises(UnusableImage, match=r".") as caught:
        clean_upload(io.BytesIO(data), size=len(data))
    assert says in caught.value.message


def test_a_file_above_the_limit_is_refused_unread(settings):
    settings.MAX_UPLOAD_BYTES = 1024 * 1024
    with pytest.raises(UnusableImage) as caught:
        clean_upload(io.BytesIO(b"never read"), size=3 * 1024 * 1024)
    assert caught.value.message == "This file has 3 MB; 1 MB is the most. Save it smaller."


def test_mask_is_fitted_to_the_picture_and_transparent_means_keep():
    painted = Image.new("RGBA", (10, 10), (255, 255, 255, 0))
    painted.paste((255, 255, 255, 255), (0, 0, 5, 10))
    buffer = io.BytesIO()
    painted.save(buffer, "PNG")
    mask = Image.open(io.BytesIO(mask_from(CleanImage(buffer.getvalue(), 10, 10), (100, 100)).data))
    assert (mask.mode, mask.size) == ("L", (100, 100))
    assert mask.getpixel((5, 50)) == 255
    assert mask.getpixel((95, 50)) == 0


def test_an_unpainted_mask_is_refused():
    with pytest.raises(UnusableImage, match="Nothing is painted"):
        mask_from(CleanImage(picture((8, 8), 0, "L"), 8, 8), (8, 8))


def test_variants_are_small_enough_and_keep_the_shape():
    variants = variants_of(decoded(picture((3000, 1500))))
    sizes = {name: Image.open(io.BytesIO(data)).size for name, data in variants.files.items()}
    assert sizes == {"large": (1024, 512), "thumb": (384, 192)}
    assert 20 <= len(variants.thumbhash) <= 60


def test_a_small_picture_gets_no_large_variant():
    variants = variants_of(decoded(picture((512, 512))))
    assert {name: Image.open(io.BytesIO(data)).size for name, data in variants.files.items()} == {"thumb": (384, 384)}


def test_what_shines_through_has_a_likeness_too():
    variants = variants_of(decoded(picture((640, 480), (200, 30, 30, 0), "RGBA")))
    assert Image.open(io.BytesIO(variants.files["thumb"])).mode == "RGBA"
    assert 20 <= len(variants.thumbhash) <= 60
