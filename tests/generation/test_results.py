"""Results of every kind: read once, kept with the pictures that stand for them, refused when they are broken."""

from __future__ import annotations

import hashlib
import io
import struct

import pytest
from django.core.files.storage import default_storage
from PIL import Image

from billing.services import wallets
from studio.backends.base import GeneratedMedia, Mode
from studio.generation import files, glb, services
from studio.generation.errors import BrokenResult
from studio.generation.models import Artifact, Job
from studio.generation.results import examine
from tests.factories import draw
from tests.generation.conftest import price_of_one, wallet
from tests.media import GLB, MP3, WAV, model, sound


def settle(job: Job, data: bytes, mime: str) -> bool:
    [job] = services.claim(["null"], "w", batch=False)
    return services.succeed(job, [GeneratedMedia(0, 7, data, mime=mime, info={"provider": "Stability"})])


def stored(artifact: Artifact) -> dict[str, tuple[int, int]]:
    """Format and size of the two smaller files."""
    sizes = {}
    for name in ("large", "thumb"):
        with Image.open(io.BytesIO(files.read(artifact.variant(name)))) as picture:
            assert picture.format == "WEBP"
            sizes[name] = picture.size
    return sizes


@pytest.mark.parametrize(("mime", "length"), [(MP3, 1.992), (WAV, 2.0)])
def test_a_sound_is_kept_with_its_length_its_peaks_and_a_drawing(make_job, alice, rich, mime, length):
    make_job(alice, rich, mode=Mode.TEXT_TO_AUDIO, prompt="rain on a roof")
    assert settle(Job.objects.get(), sound(2, mime=mime), mime) is True
    artifact = Artifact.objects.get()
    assert (artifact.kind, artifact.noun, artifact.mime) == ("audio", "sound", mime)
    assert (artifact.width, artifact.height, artifact.seconds) == (None, None, length)
    assert artifact.looks == (1024, 512)
    assert stored(artifact) == {"large": (1024, 512), "thumb": (384, 192)}
    assert artifact.info["provider"] == "Stability"
    assert len(artifact.info["peaks"]) == 192
    assert max(artifact.info["peaks"]) == 100
    assert min(artifact.info["peaks"]) >= 0
    original = files.read(artifact.variant("original"))
    assert (artifact.bytes, artifact.sha256) == (len(original), hashlib.sha256(original).hexdigest())
    assert examine(original, mime).seconds == length
    assert wallet(rich) == (100_000 - price_of_one(), 0)


def test_the_waveform_shows_where_a_sound_is_loud():
    """Half a second of silence behind one of a tone: peaks fall to nothing."""
    tone = sound(0.5, mime=WAV)
    quiet = bytearray(tone + bytes(len(tone) - 44))
    struct.pack_into("<I", quiet, 4, len(quiet) - 8)
    struct.pack_into("<I", quiet, 40, len(quiet) - 44)
    heard = examine(bytes(quiet), WAV)
    assert heard.seconds == 1.0
    peaks = heard.info["peaks"]
    assert max(peaks[: len(peaks) // 2]) == 100
    assert set(peaks[len(peaks) // 2 + 1 :]) == {0}


def test_silence_is_a_sound_too():
    silent = bytearray(sound(0.5, mime=WAV))
    silent[44:] = bytes(len(silent) - 44)
    assert set(examine(bytes(silent), WAV).info["peaks"]) == {0}


def test_a_model_is_kept_with_the_picture_it_was_made_from(make_job, alice, rich):
    given = files.save_input(files.CleanImage(draw(600, 400), 600, 400), team=rich, user=alice)
    job = make_job(alice, rich, mode=Mode.IMAGE_TO_3D, prompt="")
    Job.objects.filter(pk=job.pk).update(image=given)
    assert settle(job, model(), GLB) is True
    artifact = Artifact.objects.get()
    assert (artifact.kind, artifact.noun) == ("model", "model")
    assert (artifact.width, artifact.height, artifact.seconds) == (None, None, None)
    assert stored(artifact) == {"large": (400, 400), "thumb": (384, 384)}
    assert artifact.info == {"provider": "Stability", "triangles": 144, "vertices": 91}
    poster = Image.open(io.BytesIO(files.read(artifact.variant("large")))).convert("RGB")
    original = Image.open(io.BytesIO(draw(600, 400))).convert("RGB")
    near = [abs(a - b) for a, b in zip(poster.getpixel((200, 20)), original.getpixel((300, 20)), strict=True)]
    assert max(near) < 12, "the middle of the picture it was made from"
    assert glb.unpack(files.read(artifact.variant("original")))[0]["meshes"]


def test_a_model_whose_picture_is_gone_gets_a_card(make_job, alice, rich):
    given = files.save_input(files.CleanImage(draw(600, 400), 600, 400), team=rich, user=alice)
    job = make_job(alice, rich, mode=Mode.IMAGE_TO_3D, prompt="")
    Job.objects.filter(pk=job.pk).update(image=given)
    default_storage.delete(given.file)
    assert settle(job, model(), GLB) is True
    assert stored(Artifact.objects.get()) == {"large": (1024, 1024), "thumb": (384, 384)}


def without(document_change) -> bytes:
    document, rest = glb.unpack(model())
    document_change(document)
    return glb.pack(document, rest)


BROKEN = {
    "a picture cut short": (draw(400, 400)[:900], "image/png"),
    "a picture that is none": (b"<html>", "image/webp"),
    "a sound that is none": (b"RIFF0000WAVE" + bytes(50), WAV),
    "an MP3 that is none": (b"\xff\xfb" + bytes(500), MP3),
    "a sound without samples": (sound(1, mime=WAV)[:44], WAV),
    "nothing": (b"", MP3),
    "a model cut short": (model()[:-40], GLB),
    "a model's head alone": (model()[:16], GLB),
    "a model that is none": (b"glTF" + bytes(60), GLB),
    "a model without a surface": (without(lambda d: d.update(meshes=[])), GLB),
    "a model that lost its data": (glb.pack(glb.unpack(model())[0], b""), GLB),
    "a model that refers to nothing": (without(lambda d: d.update(accessors=[])), GLB),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_cannot_be_read_is_refused_and_nothing_is_charged(make_job, alice, rich, what):
    data, mime = BROKEN[what]
    make_job(alice, rich)
    assert settle(Job.objects.get(), data, mime) is False
    job = Job.objects.get()
    assert (job.status, job.error_code, job.delivered) == (Job.Status.FAILED, "result_broken", 0)
    assert job.error_message == "What the engine delivered cannot be read. Try again; if it happens again, tell your operator."
    assert Artifact.objects.count() == 0
    assert not default_storage.exists("artifacts") or default_storage.listdir("artifacts")[0] == []
    assert wallet(rich) == (100_000, 0)


def test_one_broken_result_of_a_batch_leaves_no_half_of_it(make_job, alice, rich):
    make_job(alice, rich, num_images=2)
    [job] = services.claim(["null"], "w", batch=False)
    made = [GeneratedMedia(0, 1, draw(), width=64, height=64), GeneratedMedia(1, 2, draw()[:200], width=64, height=64)]
    assert services.succeed(job, made) is False
    assert (Artifact.objects.count(), wallets.wallet_of(rich).balance) == (0, 100_000)


def test_the_size_of_a_picture_is_that_of_its_pixels(make_job, alice, rich):
    """Whatever the engine said of it."""
    make_job(alice, rich)
    assert settle(Job.objects.get(), draw(96, 48), "image/png") is True
    artifact = Artifact.objects.get()
    assert (artifact.kind, artifact.width, artifact.height, artifact.seconds, artifact.looks) == ("image", 96, 48, None, (96, 48))


def test_a_model_must_say_what_it_is():
    with pytest.raises(BrokenResult):
        examine(without(lambda d: d.pop("asset")), GLB)
