"""Sounds that people upload: read to the end, kept without tags, refused in words."""

import io
import struct
import wave

import pytest
from django.urls import reverse

from studio.backends.base import Mode
from studio.galleries.pages import choosing
from studio.generation import files
from studio.generation.errors import UnusableSound
from studio.generation.models import InputFile
from studio.generation.sounds import DAMAGED, MOST_TAGS, SILENT, clean_sound
from tests.factories import make_artifact
from tests.generation.conftest import HTMX, upload
from tests.generation.stability import mp3, wav

ID3 = b"ID3\x04\x00\x00" + bytes((0, 0, 2, 0)) + b"TPE1 somebody's name".ljust(256, b"\0")
ID3V1 = b"TAG" + b"a title".ljust(125, b"\0")


def chunk(name, body):
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def riff(*chunks):
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def header(kind=1, channels=1, hertz=8000, bits=16, more=b""):
    return chunk(b"fmt ", struct.pack("<HHIIHH", kind, channels, hertz, hertz * channels * bits // 8, channels * bits // 8, bits) + more)


def test_an_mp3_is_kept_as_it_is():
    sound = clean_sound(mp3(7))
    assert (sound.data, sound.mime, sound.seconds) == (mp3(7), "audio/mpeg", 6.984)


def test_tags_of_an_mp3_are_dropped():
    assert clean_sound(ID3 + mp3(7) + ID3V1) == clean_sound(mp3(7))
    assert clean_sound(ID3 + ID3 + b"\0" * 20 + mp3(7)) == clean_sound(mp3(7))


def test_a_wav_is_rewritten_without_what_came_along():
    bare = wav(2)
    assert clean_sound(bare).data == bare
    with wave.open(io.BytesIO(bare)) as sound:
        samples = sound.readframes(sound.getnframes())
    tagged = riff(chunk(b"LIST", b"INFOIART" + b"somebody"), header(bits=8), chunk(b"data", samples), chunk(b"id3 ", ID3))
    assert clean_sound(tagged).data == bare


def test_a_wav_of_a_sound_card_with_more_bits_is_plain_afterwards():
    more = struct.pack("<HHI", 22, 24, 3) + struct.pack("<H", 1) + bytes.fromhex("000000001000800000aa00389b71")
    sound = clean_sound(riff(header(0xFFFE, 2, 48000, 24, more), chunk(b"data", b"\0" * 6 * 48000)))
    with wave.open(io.BytesIO(sound.data)) as plain:
        assert plain.getparams()[:4] == (2, 3, 48000, 48000)
    assert sound.seconds == 1


def test_a_wav_that_was_written_to_a_pipe_has_no_length():
    data = wav(2)
    start = data.index(b"data") + 4
    endless = data[:start] + b"\xff\xff\xff\xff" + data[start + 4 :]
    assert clean_sound(endless) == clean_sound(data)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (ID3, SILENT),
        (ID3 * (MOST_TAGS + 1) + mp3(7), SILENT),
        (ID3 + b"no frame at all", SILENT),
        (mp3(2) + b"what is this? " * 200 + mp3(2), DAMAGED),
        (wav(2)[:-1000], DAMAGED),
        (riff(header()), SILENT),
        (riff(header(), chunk(b"data", b"")), SILENT),
        (riff(chunk(b"data", b"\0" * 100)), DAMAGED),
        (riff(header(channels=0), chunk(b"data", b"\0" * 100)), DAMAGED),
        (riff(header(hertz=0), chunk(b"data", b"\0" * 100)), DAMAGED),
        (riff(header(kind=3, bits=32), chunk(b"data", b"\0" * 100)), "unusual kind. Save it as 16-bit PCM, or as MP3."),
        (b"OggS" + b"\0" * 100, "cannot be read here. Choose an MP3 or WAV file."),
        (b"fLaC" + b"\0" * 100, "cannot be read here. Choose an MP3 or WAV file."),
    ],
)
def test_a_sound_that_cannot_be_used_is_refused_in_words(data, says):
    with pytest.raises(UnusableSound) as refused:
        clean_sound(data)
    assert says in refused.value.message


@pytest.mark.parametrize("part", range(1, 20))
def test_a_sound_cut_off_anywhere(part):
    """A WAV says how long it should be; an MP3 is as long as its whole frames."""
    with pytest.raises(UnusableSound):
        clean_sound(wav(2)[: 16 + len(wav(2)) * part // 21])
    assert 0 < clean_sound(mp3(2)[: len(mp3(2)) * part // 20]).seconds < 1.968


# --- through the front door ---------------------------------------------------------------------------------------------

pytestmark = pytest.mark.django_db


def test_an_uploaded_sound_can_be_heard(alices):
    answer = upload(alices, ID3 + mp3(7), "tune.mp3")
    body = answer.json()
    assert (answer.status_code, body["mime"], body["width"], body["height"], body["seconds"]) == (201, "audio/mpeg", None, None, 6.984)
    heard = alices.get(body["url"])
    assert (heard["Content-Type"], heard.content) == ("audio/mpeg", mp3(7))
    row = InputFile.objects.get()
    assert (row.file.endswith(f"{row.pk}.mp3"), files.read(row.file)) == (True, mp3(7))


def test_the_same_sound_twice_is_kept_once(alices):
    assert upload(alices, wav(), "a.wav").json()["id"] == upload(alices, wav(), "b.wav").json()["id"]


def test_a_sound_that_is_too_large_is_refused(alices, settings):
    settings.MAX_UPLOAD_BYTES = 1024 * 1024
    answer = upload(alices, wav(140, 8000), "long.wav")
    assert (answer.status_code, answer.json()["error"]) == (
        422,
        "This file has 1.1 MB; 1 MB is the most. Save it as MP3, or make it shorter.",
    )
    assert not InputFile.objects.exists()


def test_a_name_says_nothing(alices):
    assert upload(alices, mp3(7), "picture.png").json()["mime"] == "audio/mpeg"


# --- from the library ---------------------------------------------------------------------------------------------------


def test_something_of_the_library_becomes_an_input(done, alices):
    artifact = done.artifacts.first()
    address = reverse("input_from_library", args=[artifact.pk])
    first = alices.post(address, HTTP_ACCEPT="application/json").json()
    assert (first["width"], first["height"], InputFile.objects.get().artifact) == (64, 64, artifact)
    assert alices.post(address, HTTP_ACCEPT="application/json").json() == first, "kept once"


def test_without_javascript_it_leads_back_to_create(done, alices):
    artifact = done.artifacts.first()
    chosen = {"slot": "image", "engine": "null", "mode": "image-to-image"}
    page = alices.get(reverse("input_choose"), chosen)
    assert reverse("input_from_library", args=[artifact.pk]) in page.content.decode()
    answer = alices.post(reverse("input_from_library", args=[artifact.pk]), chosen)
    assert answer["Location"] == f"{reverse('create')}?engine=null&mode=image-to-image&image={InputFile.objects.get().pk}"


def chosen_from(client, **query):
    return [one.pk for one in client.get(reverse("input_choose"), query, **HTMX).context["artifacts"]]


def test_what_fits_is_listed_newest_first_and_page_by_page(alices, alice, rich, monkeypatch):
    monkeypatch.setattr(choosing, "PAGE", 2)
    made = [
        make_artifact(rich, alice, mode=mode, mime=mime, extra=extra, files=False).pk
        for mode, mime, extra in (
            (Mode.TEXT_TO_AUDIO, "audio/mpeg", {"duration": 1}),
            (Mode.TEXT_TO_IMAGE, "image/png", {}),
            (Mode.AUDIO_TO_AUDIO, "audio/wav", {"duration": 1}),
            (Mode.UPSCALING, "image/png", {}),
            (Mode.TEXT_TO_AUDIO, "audio/mpeg", {"duration": 1}),
            (Mode.TEXT_TO_IMAGE, "image/png", {}),
        )
    ]
    assert chosen_from(alices, engine="null", slot="audio") == [made[4], made[2]]
    assert chosen_from(alices, engine="null", slot="audio", before=made[2]) == [made[0]]
    assert chosen_from(alices, engine="null", slot="image") == [made[5], made[3]]
    assert chosen_from(alices, engine="null", slot="image", before=made[3]) == [made[1]]


def test_what_fits_is_searched_by_its_words(alices, alice, rich, monkeypatch):
    monkeypatch.setattr(choosing, "PAGE", 1)
    boats = [make_artifact(rich, alice, prompt=f"a red boat {number}", files=False).pk for number in range(2)]
    make_artifact(rich, alice, prompt="a castle", files=False)
    assert chosen_from(alices, engine="null", slot="image", q="red boa") == [boats[1]]
    page = alices.get(reverse("input_choose"), {"slot": "image", "q": "red boa"}, **HTMX).content.decode()
    assert f"&amp;q=red%20boa&amp;before={boats[1]}" in page
    assert chosen_from(alices, engine="null", slot="image", q="red boa", before=boats[1]) == [boats[0]]
    nothing = alices.get(reverse("input_choose"), {"slot": "image", "q": "red whale"}).content.decode()
    assert "Nothing here has all these words." in nothing
    assert 'value="red whale"' in nothing
    assert 'name="slot" value="image"' in nothing


def test_strangers_choose_nothing_of_ours(done, client_of, mallory, other_team):
    client = client_of(mallory)
    assert client.post(reverse("input_from_library", args=[done.artifacts.first().pk])).status_code == 404
    assert str(done.artifacts.first().pk) not in client.get(reverse("input_choose"), {"slot": "image"}, **HTMX).content.decode()
    assert not InputFile.objects.exists()


def test_viewers_choose_nothing(done, client_of, carol):
    client = client_of(carol)
    assert client.post(reverse("input_from_library", args=[done.artifacts.first().pk])).status_code == 403
    assert client.get(reverse("input_choose"), {"slot": "image"}).status_code == 403
    assert not InputFile.objects.exists()


def test_taking_from_the_library_is_limited_as_uploads_are(alices, done, settings):
    settings.SUBMIT_RATE = "1/minute"
    first, second = done.artifacts.order_by("index")
    answers = [
        alices.post(reverse("input_from_library", args=[one.pk]), headers={"Accept": "application/json"}) for one in (first, second, first)
    ]
    assert [answer.status_code for answer in answers] == [201, 429, 201], "what was taken before costs nothing to take again"
    assert InputFile.objects.count() == 1
