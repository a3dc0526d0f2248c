"""Pictures as bytes: what people upload is checked and re-encoded, what engines deliver gets its smaller variants."""

from __future__ import annotations

import base64
import hashlib
import io
import warnings
from dataclasses import dataclass
from typing import IO, ClassVar

from django.conf import settings
from PIL import Image, ImageCms, ImageOps
from thumbhash import rgba_to_thumb_hash

from studio.generation.errors import UnusableImage

UPLOAD_FORMATS = ("PNG", "JPEG", "WEBP", "AVIF", "GIF", "BMP", "TIFF")
ORIENTATION = 0x0112
"""The EXIF tag that says how a picture has to be turned."""
LARGE, THUMB = 1024, 384
"""Longest side, in pixels, of the two smaller variants."""

DAMAGED = "This picture is damaged: its data ends early or makes no sense. Choose another copy of it."

Image.MAX_IMAGE_PIXELS = None  # every open here looks at the size itself, against the operator's limit, before any pixel is decoded


@dataclass(frozen=True, slots=True)
class CleanImage:
    """A picture that is safe to keep: PNG bytes, upright, RGB, RGBA or L, without EXIF or anything else that came along."""

    data: bytes
    width: int
    height: int
    mime: ClassVar[str] = "image/png"
    seconds: ClassVar[float | None] = None

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


@dataclass(frozen=True, slots=True)
class Variants:
    """Smaller versions of a delivered picture: WebP bytes by variant name, and a base64 ThumbHash (about 25 bytes)."""

    files: dict[str, bytes]
    thumbhash: str


@dataclass(frozen=True, slots=True)
class Opened:
    """An uploaded picture that was looked at and decoded: its `pixels` upright and plain, and how the file keeps them."""

    pixels: Image.Image
    format: str
    is_turned: bool
    """Whether the file says that it has to be turned to stand upright."""


def clean_upload(file: IO[bytes], *, size: int | None = None) -> CleanImage:
    """Check and re-encode an uploaded picture; `size` is its length in bytes when known.

    Raises `UnusableImage` with a sentence that says what is wrong and what to do.
    """
    plain = open_upload(file, size=size).pixels
    buffer = io.BytesIO()
    plain.save(buffer, "PNG", compress_level=3)
    return CleanImage(buffer.getvalue(), *plain.size)


def open_upload(file: IO[bytes], *, size: int | None = None) -> Opened:
    """Check and decode an uploaded picture. Raises like `clean_upload`."""
    if size is not None and size > settings.MAX_UPLOAD_BYTES:
        raise UnusableImage(f"This file has {size / 2**20:.0f} MB; {settings.MAX_UPLOAD_BYTES // 2**20} MB is the most. Save it smaller.")
    if size == 0:
        raise UnusableImage("This file is empty. Choose another one.")
    try:
        image: Image.Image = Image.open(file, formats=UPLOAD_FORMATS)
    except (OSError, ValueError, SyntaxError, OverflowError) as error:
        raise UnusableImage("This file is not a picture we can read. Choose a PNG, JPEG, WebP or AVIF file.") from error
    _check(image)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a damaged EXIF block is not our business: it is dropped
            is_turned = image.getexif().get(ORIENTATION, 1) != 1
            return Opened(_in_srgb(ImageOps.exif_transpose(image)), image.format or "", is_turned)
    except Exception as error:
        raise UnusableImage(DAMAGED) from error


def _check(image: Image.Image) -> None:
    """Size and frames, before any pixel is decoded. Raises `UnusableImage`."""
    width, height = image.size
    if width * height > settings.MAX_UPLOAD_PIXELS:
        most = settings.MAX_UPLOAD_PIXELS // 1_000_000
        raise UnusableImage(f"This picture has {width:,} × {height:,} pixels; {most} megapixels is the most. Make it smaller first.")
    if min(width, height) < 8:
        raise UnusableImage(f"This picture has only {width} × {height} pixels. Choose one of at least 8 × 8.")
    try:
        # Phones put a second picture behind a JPEG (MPO, a depth map for instance): the first one is the picture.
        frames = 1 if image.format == "MPO" else getattr(image, "n_frames", 1)
    except Exception as error:  # a decoder raises whatever it stumbles over, an IndexError as likely as an OSError
        raise UnusableImage(DAMAGED) from error
    if frames > 1:
        raise UnusableImage(f"This file is animated ({frames} frames). Save one frame as a picture and choose that.")


def _in_srgb(image: Image.Image) -> Image.Image:
    """The pixels alone, as RGB, RGBA or L, with an embedded colour profile applied."""
    image.load()
    profile = image.info.get("icc_profile")
    alpha = image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info
    if profile and not alpha and image.mode in ("RGB", "CMYK"):
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
            if converted is not None:
                image = converted
        except (ImageCms.PyCMSError, OSError, ValueError):
            pass  # a broken profile: the numbers as they are
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):  # Pillow would clip 16-bit grey instead of scaling it
        image = image.convert("I").point(lambda value: value / 256).convert("L")
    target = "RGBA" if alpha else "L" if image.mode in ("1", "L") else "RGB"
    converted_image = image.convert(target)
    plain = Image.new(target, converted_image.size)
    plain.paste(converted_image)
    return plain


def mask_from(image: CleanImage, size: tuple[int, int]) -> CleanImage:
    """A painted mask as greyscale at `size` (pixels): white changes, black stays; transparent counts as black.

    Raises `UnusableImage` when nothing is painted.
    """
    picture: Image.Image = Image.open(io.BytesIO(image.data))
    if picture.mode == "RGBA":
        black = Image.new("RGBA", picture.size, (0, 0, 0, 255))
        picture = Image.alpha_composite(black, picture)
    grey = picture.convert("L")
    if grey.size != size:
        grey = grey.resize(size, Image.Resampling.BILINEAR)
    if not grey.getbbox():
        raise UnusableImage("Nothing is painted yet. Paint over the part that should change.")
    buffer = io.BytesIO()
    grey.save(buffer, "PNG", compress_level=3)
    return CleanImage(buffer.getvalue(), *grey.size)


def decoded(data: bytes) -> Image.Image:
    """A picture of any format Pillow reads, as RGB or RGBA."""
    image: Image.Image = Image.open(io.BytesIO(data))
    return image.convert("RGBA" if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info else "RGB")


def variants_of(image: Image.Image, *, always_large: bool = False) -> Variants:
    """Make the smaller files of a picture; `always_large`: a `large` one even where the picture itself is small enough to stand in."""
    files: dict[str, bytes] = {}
    if always_large or max(image.size) > LARGE:
        image = _fit(image, LARGE)
        files["large"] = _webp(image, quality=86)
    thumb = _fit(image, THUMB)
    files["thumb"] = _webp(thumb, quality=80)
    return Variants(files, _thumbhash(thumb))


def _fit(image: Image.Image, longest: int) -> Image.Image:
    if max(image.size) <= longest:
        return image
    scale = longest / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    # As sharp as Lanczos to the eye when a picture shrinks, in half the time.
    return image.resize(size, Image.Resampling.HAMMING, reducing_gap=2.0)


def _webp(image: Image.Image, *, quality: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=quality, method=1)
    return buffer.getvalue()


def _thumbhash(image: Image.Image) -> str:
    """A likeness in some 25 bytes, as base64. What shines through is grey in it: the library (0.1.2) fails on transparency."""
    tiny = image.copy()
    tiny.thumbnail((16, 16), Image.Resampling.BOX)
    tiny = Image.alpha_composite(Image.new("RGBA", tiny.size, (128, 128, 128, 255)), tiny.convert("RGBA"))
    return base64.b64encode(bytes(rgba_to_thumb_hash(tiny.width, tiny.height, list(tiny.tobytes())))).decode()
