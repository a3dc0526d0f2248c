"""Files from outside: into the library, onto every page that shows them, and out again without a word in them."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from accounts import audit
from accounts.models import AuditEntry, Team, User
from billing.models import LedgerEntry
from billing.services import wallets
from studio.galleries import taking_in
from studio.galleries.tiles import alt
from studio.generation import throttle
from studio.generation.models import Artifact
from tests.factories import draw, make_artifact
from tests.generation import metadata_corpus as corpus
from tests.generation.pictures import animated, claims_to_be, picture, with_exif
from tests.media import GLB, MP3, WAV, model, sound

URL = "/library/upload/"
JSON = {"HTTP_ACCEPT": "application/json"}
PLAIN = picture((90, 60))
HOSTILE = corpus.hostile()


@pytest.fixture(autouse=True)
def nobody_was_fast() -> None:
    throttle.limiter().storage.reset()


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, list[Any]]]:
    """Which pictures of which team pages were told to look at again."""
    heard: list[tuple[int, list[Any]]] = []
    monkeypatch.setattr("studio.live.events.pictures_changed", lambda team_id, ids: heard.append((team_id, list(ids))))
    return heard


@pytest.fixture
def bobs(bob: User, team: Team, client_of: Callable[..., Client]) -> Client:
    return client_of(bob)


def lines(team: Team) -> list[tuple[str, str]]:
    """What the team's log says of uploads."""
    return list(AuditEntry.objects.filter(team=team, action="pictures.uploaded").order_by("id").values_list("actor_name", "text"))


def bring(browser: Client, data: bytes, name: str = "a picture.png", **headers: str) -> Any:
    return browser.post(URL, {"file": SimpleUploadedFile(name, data)}, **(headers or JSON))


def brought(browser: Client, data: bytes, name: str = "a picture.png") -> Artifact:
    answer = bring(browser, data, name)
    assert answer.status_code == 201, answer.content
    return Artifact.objects.get(pk=answer.json()["id"])


def stored(artifact: Artifact, variant: str = "original") -> bytes:
    with default_storage.open(artifact.variant(variant)) as file:
        return file.read()


def files_there(settings: Any) -> list[str]:
    return [path.name for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]


# --- in --------------------------------------------------------------------------------------------------------------


def test_a_picture_comes_in_as_it_is(bobs: Client, bob: User, team: Team, told: list[Any], django_capture_on_commit_callbacks: Any) -> None:
    data = corpus.TOOLS["comfyui png"][0]
    with django_capture_on_commit_callbacks(execute=True):
        answer = bring(bobs, data, "fox.png").json()
    artifact = Artifact.objects.get()
    assert answer == {
        "id": str(artifact.pk),
        "url": f"/pictures/{artifact.pk}/",
        "thumb": f"/pictures/{artifact.pk}/thumb",
        "alt": "a red fox in snow",
        "is_new": True,
        "said": "Uploaded, with the settings that ComfyUI wrote.",
    }
    assert (artifact.job, artifact.engine, artifact.mode, artifact.charged) == (None, "", "", 0)
    assert (artifact.team, artifact.user, artifact.engine_label) == (team, bob, "ComfyUI")
    assert (artifact.prompt, artifact.seed) == ("a red fox in snow", 2**53 + 7)
    assert (artifact.width, artifact.height, artifact.mime, artifact.bytes) == (16, 16, "image/png", len(data))
    assert artifact.info["settings"] == corpus.COMFY_SETTINGS
    assert artifact.info["source"] == {"name": "fox.png", "tool": "ComfyUI", "said": {"Model": "dream_v8", "LoRA ink": "0.8"}}
    assert stored(artifact) == data
    assert artifact.sha256 == hashlib.sha256(data).hexdigest()
    assert artifact.thumbhash
    assert Image.open(io.BytesIO(stored(artifact, "thumb"))).format == "WEBP"
    assert told == [(team.pk, [artifact.pk])]


@pytest.mark.parametrize(
    ("data", "mime", "label"),
    [
        (draw(1600, 900), "image/png", "Uploaded"),
        (picture(format="JPEG"), "image/jpeg", "Uploaded"),
        (picture(format="WEBP"), "image/webp", "Uploaded"),
        (picture(format="AVIF"), "image/png", "Uploaded"),
        (picture(format="GIF"), "image/png", "Uploaded"),
        (picture(mode="CMYK", color=(9, 9, 9, 9), format="JPEG"), "image/jpeg", "Uploaded"),
        (picture(mode="L", color=9), "image/png", "Uploaded"),
        (picture(mode="RGBA", color=(9, 9, 9, 9)), "image/png", "Uploaded"),
        (picture(mode="I;16", color=900), "image/png", "Uploaded"),
        (model(), GLB, "Uploaded"),
        (sound(0.5), MP3, "Uploaded"),
        (sound(0.5, mime=WAV), WAV, "Uploaded"),
    ],
    ids=["png", "jpeg", "webp", "avif", "gif", "cmyk", "grey", "alpha", "grey of 16 bits", "model", "mp3", "wav"],
)
def test_every_kind_of_file_is_shown_everywhere(bobs: Client, data: bytes, mime: str, label: str) -> None:
    artifact = brought(bobs, data, "mine.bin")
    assert (artifact.mime, artifact.engine_label) == (mime, label)
    for address in ("/library/", f"/pictures/{artifact.pk}/", "/inputs/choose/?slot=image", "/create/"):
        assert bobs.get(address).status_code == 200, address
    for variant in ("original", "large", "thumb"):
        assert bobs.get(f"/pictures/{artifact.pk}/{variant}").status_code == 200
    page = bobs.get(f"/pictures/{artifact.pk}/").content.decode()
    assert "Uploaded by" in page
    assert "Charged" not in page
    assert f'alt="Uploaded {artifact.noun}"' in bobs.get("/library/").content.decode().replace("3D model: ", "").replace(
        "Sound, 0:00: ", ""
    )


def test_a_picture_is_brought_upright_and_without_its_place(bobs: Client) -> None:
    artifact = brought(bobs, with_exif(), "phone.jpg")
    kept = Image.open(io.BytesIO(stored(artifact)))
    assert (kept.format, kept.size, dict(kept.getexif())) == ("JPEG", (40, 60), {})
    assert (artifact.width, artifact.height) == (40, 60)
    top, bottom = kept.getpixel((20, 5)), kept.getpixel((20, 55))
    assert top[0] > 200 > 60 > top[2]
    assert bottom[2] > 200 > 60 > bottom[0]


def test_settings_stay_when_a_place_goes(bobs: Client) -> None:
    artifact = brought(bobs, corpus.jpeg_at_a_place())
    assert artifact.info["settings"] == corpus.A1111_SETTINGS
    exif = Image.open(io.BytesIO(stored(artifact))).getexif()
    assert not exif.get_ifd(0x8825)
    assert exif.get_ifd(0x8769)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"text named png", "not a picture we can read"),
        (b"", "empty"),
        (animated(), "animated (3 frames)"),
        (claims_to_be(30_000, 30_000), "megapixels is the most"),
        (picture((4, 4)), "at least 8 × 8"),
        (draw(256, 256)[:-400], "damaged"),
        (model()[:-40], "only a part"),
        (b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0" + bytes(20), "samples of an unusual kind"),
        (sound(0.5, mime=WAV)[:-500], "damaged"),
        (b"ID3\x04\0\0\0\0\0\x0fTSSE\0\0\0\x05\0\0\x03Lavf" + bytes(100), "no sound"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "not a picture we can read"),
    ],
    ids=["text", "empty", "animated", "huge", "tiny", "cut off", "a part of a model", "odd wav", "cut off wav", "silent mp3", "svg"],
)
def test_what_cannot_be_kept_is_refused_in_words(bobs: Client, settings: Any, data: bytes, says: str) -> None:
    answer = bring(bobs, data) if data else bobs.post(URL, {"file": SimpleUploadedFile("a.png", data)}, **JSON)
    assert answer.status_code == 422
    assert says in answer.json()["error"]
    assert not Artifact.objects.exists()
    assert files_there(settings) == []


def test_a_file_too_large_is_refused(bobs: Client, settings: Any) -> None:
    settings.MAX_UPLOAD_BYTES = 1000
    answer = bring(bobs, draw(256, 256))
    assert (answer.status_code, "is the most. Save it smaller." in answer.json()["error"]) == (422, True)
    assert not Artifact.objects.exists()


@pytest.mark.parametrize(
    "name", [name for name in HOSTILE if "cut at" not in name and (", " not in name or "html" in name or "nul" in name)]
)
def test_hostile_settings_are_kept_as_text_or_not_at_all(bobs: Client, name: str) -> None:
    answer = bring(bobs, HOSTILE[name], f"{corpus.HTML}.png")
    if answer.status_code == 422:
        assert answer.json()["code"] == "unusable_image"
        assert not Artifact.objects.exists()
        return
    artifact = Artifact.objects.get()
    assert json.dumps(artifact.info, allow_nan=False)
    for address in (f"/pictures/{artifact.pk}/", "/library/", "/inputs/choose/?slot=image", f"/create/?from={artifact.pk}&use=all"):
        page = bobs.get(address)
        assert page.status_code == 200
        assert "<img src=x" not in page.content.decode()
        assert "<script>alert" not in page.content.decode()


def test_a_file_that_names_a_request_s_own_fields_as_an_engine_s_is_kept(bobs: Client) -> None:
    own = {"prompt": 5, "extra": "x", "width": "wide", "duration": 4}
    artifact = brought(bobs, corpus.png(atelier=json.dumps({"mode": "text-to-image", "seed": 1, "extra": own})))
    assert artifact.info["settings"] == {"mode": "text-to-image", "seed": 1, "duration": 4}
    assert bobs.get(f"/create/?from={artifact.pk}&use=all").status_code == 200


# --- once, and by whom -----------------------------------------------------------------------------------------------


def test_the_same_file_twice_is_one(bobs: Client, alice: User, client_of: Callable[..., Client], settings: Any) -> None:
    artifact = brought(bobs, PLAIN)
    before = files_there(settings)
    answer = bring(client_of(alice), PLAIN, "another name.png")
    assert answer.status_code == 200
    assert answer.json()["id"] == str(artifact.pk)
    assert (answer.json()["is_new"], answer.json()["said"]) == (False, "Is in the library already.")
    assert Artifact.objects.count() == 1
    assert files_there(settings) == before


def test_what_was_made_here_is_known_when_it_comes_back(bobs: Client, alice: User, team: Team) -> None:
    made = make_artifact(team, alice)
    assert bring(bobs, stored(made)).json()["id"] == str(made.pk)
    assert Artifact.objects.count() == 1


def test_another_team_has_its_own(bobs: Client, mallory: User, other_team: Team, client_of: Callable[..., Client]) -> None:
    first = brought(bobs, PLAIN)
    second = brought(client_of(mallory, other_team), PLAIN)
    assert (first.team, second.team) != (second.team, first.team)
    assert first.sha256 == second.sha256


def test_what_is_in_the_trash_comes_in_anew(bobs: Client) -> None:
    first = brought(bobs, PLAIN)
    assert bobs.post(f"/pictures/{first.pk}/delete/").status_code == 302
    assert brought(bobs, PLAIN).pk != first.pk


def test_two_at_the_same_moment_are_one(bobs: Client, bob: User, team: Team, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other one comes in while the files of this one are written."""
    real = taking_in.files.save_artifact
    others: list[taking_in.Taken] = []

    def meanwhile(artifact_id: uuid.UUID, *rest: Any) -> None:
        real(artifact_id, *rest)
        if not others:
            others.append(taking_in.Taken(Artifact(), False))
            others[0] = taking_in.take_in(PLAIN, name="b.png", team=team, user=bob)

    monkeypatch.setattr(taking_in.files, "save_artifact", meanwhile)
    answer = bring(bobs, PLAIN)
    assert (answer.status_code, answer.json()["id"]) == (200, str(others[0].artifact.pk))
    assert Artifact.objects.count() == 1
    assert len(files_there(settings)) == 2


def test_only_those_who_create_and_edit_bring_files(
    carol: User, mallory: User, team: Team, client_of: Callable[..., Client], settings: Any
) -> None:
    viewer = client_of(carol)
    assert bring(viewer, PLAIN).status_code == 403
    assert viewer.get(URL).status_code == 403
    assert "library/upload" not in viewer.get("/library/").content.decode()
    stranger = Client()
    assert bring(stranger, PLAIN).status_code in (302, 401)
    assert not Artifact.objects.exists()
    assert files_there(settings) == []


def test_who_brings_too_many_is_asked_to_wait(bobs: Client, settings: Any) -> None:
    settings.SUBMIT_RATE = "2/minute"
    assert [bring(bobs, picture(color=(one, 2, 3))).status_code for one in range(3)] == [201, 201, 429]
    answer = bring(bobs, PLAIN)
    assert int(answer["Retry-After"]) > 0
    assert answer.json()["error"].startswith("That was a lot at once. Try again in ")
    assert Artifact.objects.count() == 2


def test_a_full_disk_is_said_and_leaves_nothing(bobs: Client, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = default_storage.save, []

    def full(name: str, content: Any, **more: Any) -> str:
        calls.append(name)
        if len(calls) > 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        return str(real(name, content, **more))

    monkeypatch.setattr(default_storage._wrapped if hasattr(default_storage, "_wrapped") else default_storage, "save", full)
    answer = bring(bobs, PLAIN)
    assert (answer.status_code, answer.json()["code"]) == (507, "storage_full")
    assert not Artifact.objects.exists()
    assert files_there(settings) == []


def test_nothing_is_charged_and_the_books_agree(bobs: Client, team: Team, capsys: pytest.CaptureFixture[str]) -> None:
    wallets.grant(wallets.wallet_of(team), 5_000, reference="test", description="For the test")
    before = LedgerEntry.objects.count()
    brought(bobs, PLAIN)
    assert LedgerEntry.objects.count() == before
    assert wallets.wallet_of(team).available == 5_000
    call_command("verify_ledger")


# --- onward ----------------------------------------------------------------------------------------------------------


def test_search_finds_the_words_in_the_file(bobs: Client) -> None:
    artifact = brought(bobs, corpus.TOOLS["swarmui png"][0])
    assert str(artifact.pk) in bobs.get("/library/?q=whale").content.decode()
    assert str(artifact.pk) not in bobs.get("/library/?q=fox").content.decode()


def test_its_settings_can_be_used_again(bobs: Client) -> None:
    artifact = brought(bobs, corpus.TOOLS["a1111 png"][0])
    page = bobs.get(f"/pictures/{artifact.pk}/").content.decode()
    for use in ("all", "remix", "seed", "image", "mask"):
        assert f"?from={artifact.pk}&amp;use={use}" in page
    initial = bobs.get(f"/create/?from={artifact.pk}&use=all").context["form"].initial
    assert (initial["prompt"], initial["seed"]) == (corpus.A1111_SETTINGS["prompt"], 123)
    assert "seed" not in bobs.get(f"/create/?from={artifact.pk}&use=remix").context["form"].initial
    assert bobs.get(f"/create/?from={artifact.pk}&use=image").context["source"] == artifact


def test_what_says_nothing_can_be_started_from_and_no_more(bobs: Client) -> None:
    artifact = brought(bobs, PLAIN)
    page = bobs.get(f"/pictures/{artifact.pk}/").content.decode()
    assert f"?from={artifact.pk}&amp;use=image" in page
    assert "use=all" not in page
    assert "use=remix" not in page
    assert bobs.get(f"/create/?from={artifact.pk}&use=all").status_code == 200


def test_it_can_be_chosen_as_an_input(bobs: Client) -> None:
    artifact = brought(bobs, PLAIN)
    tune = brought(bobs, sound(0.5), "tune.mp3")
    pictures = bobs.get("/inputs/choose/?slot=image").content.decode()
    assert (str(artifact.pk) in pictures, str(tune.pk) in pictures) == (True, False)
    sounds = bobs.get("/library/?kind=sound").content.decode()
    assert (str(artifact.pk) in sounds, str(tune.pk) in sounds) == (False, True)
    assert f'aria-label="{alt(artifact)}"' in pictures
    assert bobs.post(reverse("input_from_library", args=[artifact.pk]), **JSON).status_code == 201


def test_it_says_what_the_file_said(bobs: Client) -> None:
    page = bobs.get(f"/pictures/{brought(bobs, corpus.TOOLS['a1111 png'][0], 'castle.png').pk}/").content.decode()
    for said in ("castle.png", "Written by", "A1111", "dream_v8", "DPM++ 2M Karras", "Hires upscaler", "without", "Uploaded by"):
        assert said in page
    assert "not here any more" not in page


def test_it_is_named_after_its_prompt_else_after_itself(bobs: Client) -> None:
    fox = brought(bobs, corpus.TOOLS["comfyui png"][0])
    plain = brought(bobs, PLAIN, "..\\..\\Holiday snap.PNG")
    assert "a-red-fox-in-snow-" in bobs.get(f"/pictures/{fox.pk}/download/")["Content-Disposition"]
    assert bobs.get(f"/pictures/{plain.pk}/download/")["Content-Disposition"].startswith('attachment; filename="holiday-snap-')
    assert plain.info["source"] == {"name": "Holiday snap.PNG"}


def test_its_own_name_is_said_on_its_page_without_what_turns_writing(bobs: Client) -> None:
    plain = brought(bobs, PLAIN, "../roll 7/Har\u202ebour\x07 <b>\u2066 snap.PNG")
    name = plain.info["source"]["name"]
    assert name == "Harbour <b> snap.PNG"
    page = bobs.get(f"/pictures/{plain.pk}/").content.decode()
    seen = page[: page.index("facts-technical")]
    assert "<dt>Name</dt><dd" in seen
    assert seen.count("Harbour &lt;b&gt; snap.PNG") == 2  # in the title of the page, and in the list
    assert "snap.PNG" not in page[page.index("facts-technical") :]
    assert len(brought(bobs, picture((60, 90)), "x" * 400 + ".png").info["source"]["name"]) == 120


# --- the plain form --------------------------------------------------------------------------------------------------


def several(browser: Client, *files: tuple[str, bytes]) -> Any:
    return browser.post(URL, {"file": [SimpleUploadedFile(name, data) for name, data in files]})


def test_a_plain_form_brings_several(bobs: Client) -> None:
    answer = several(bobs, ("a.png", PLAIN), ("b.png", picture(color=(1, 2, 3))), ("c.png", PLAIN))
    assert (answer.status_code, answer["Location"]) == (302, "/library/")
    assert "2 files uploaded. 1 was in the library already." in bobs.get("/library/").content.decode()
    assert Artifact.objects.count() == 2


def test_a_plain_form_says_of_each_what_became_of_it(bobs: Client) -> None:
    answer = several(bobs, ("good.png", PLAIN), (f"{corpus.HTML}.png", b"text"))
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "is in the library now" in page
    assert "This file is not a picture we can read" in page
    assert "<img src=x" not in page
    assert Artifact.objects.count() == 1


def test_a_plain_form_without_a_file_says_so(bobs: Client) -> None:
    answer = bobs.post(URL, {})
    assert (answer.status_code, "No file came with this. Choose one." in answer.content.decode()) == (422, True)
    assert bobs.post(URL, {}, **JSON).json() == {"error": "No file came with this. Choose one.", "code": "no_file"}


# --- out, without a word ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mime", ["image/png", "image/jpeg", "image/webp", GLB, MP3, WAV])
def test_a_download_without_settings(
    bobs: Client, carol: User, alice: User, team: Team, client_of: Callable[..., Client], mime: str
) -> None:
    fields = {"mode": "text-to-audio", "extra": {"duration": 1}} if mime in (MP3, WAV) else {}
    artifact = make_artifact(team, alice, mime=mime, prompt="a secret boat", **fields)
    assert b"secret" in stored(artifact)
    answer = client_of(carol).get(f"/pictures/{artifact.pk}/download/?strip=1")
    assert answer.status_code == 200
    assert (answer["Content-Type"], answer["Cache-Control"], answer["X-Content-Type-Options"]) == (mime, "private, no-store", "nosniff")
    assert answer["Content-Disposition"].startswith("attachment; ")
    assert b"secret" not in answer.content
    assert b"atelier" not in answer.content
    if mime.startswith("image/"):
        before, after = Image.open(io.BytesIO(stored(artifact))), Image.open(io.BytesIO(answer.content))
        assert after.tobytes() == before.tobytes()
    assert f"/pictures/{artifact.pk}/download/?strip=1" in bobs.get(f"/pictures/{artifact.pk}/").content.decode()
    assert b"secret" in b"".join(bobs.get(f"/pictures/{artifact.pk}/download/"))


def test_a_download_without_settings_is_for_the_team(alice: User, team: Team, mallory: User, client_of: Callable[..., Client]) -> None:
    artifact = make_artifact(team, alice)
    assert client_of(mallory).get(f"/pictures/{artifact.pk}/download/?strip=1").status_code == 404
    default_storage.delete(artifact.variant("original"))
    assert client_of(alice).get(f"/pictures/{artifact.pk}/download/?strip=1").status_code == 404


# --- the log ---------------------------------------------------------------------------------------------------------
def test_an_upload_of_many_is_one_line_of_the_log(bobs: Client, alice: User, team: Team, client_of: Callable[..., Client]) -> None:
    bring(bobs, b"no picture at all")
    assert lines(team) == []
    for width in (90, 91, 90, 92):  # the third is there already
        bring(bobs, picture((width, 60)))
    bring(client_of(alice), picture((93, 60)))
    assert lines(team) == [("Bob Member", "uploaded files into the library: 3"), ("Alice Harbour", "uploaded files into the library: 1")]
    with time_machine.travel(timezone.now() + audit.SAME_ACT, tick=False):
        bring(bobs, picture((94, 60)))
    assert lines(team)[2:] == [("Bob Member", "uploaded files into the library: 1")]
