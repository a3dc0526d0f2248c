"""Models and sounds in the library: their tiles, their pages, their files, and what can be made of them."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.test import Client

from accounts.models import Team, User
from studio.backends.base import Mode
from studio.backends.stability.engines import catalogue
from studio.galleries import library
from studio.generation.models import Artifact
from studio.generation.onward import onward
from tests.factories import make_artifact, make_artifacts
from tests.media import GLB, MP3, WAV

AUDIO = {"mode": Mode.TEXT_TO_AUDIO, "width": None, "height": None}
MODEL = {"mime": GLB, "mode": Mode.IMAGE_TO_3D, "width": None, "height": None, "prompt": ""}
ENGINES = [record.engine for record in catalogue("stability").values()]


@pytest.fixture
def browser(alice: User, team: Team, client_of: Callable[..., Client]) -> Client:
    return client_of(alice)


def words(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


# --- files -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mime", "fields", "name"),
    [
        (MP3, AUDIO, "rain-on-a-roof-{}.mp3"),
        (WAV, AUDIO, "rain-on-a-roof-{}.wav"),
        (GLB, {**MODEL, "prompt": "rain on a roof"}, "rain-on-a-roof-{}.glb"),
        (GLB, MODEL, "model-{}.glb"),
        (MP3, {**AUDIO, "prompt": ""}, "sound-{}.mp3"),
    ],
)
def test_the_original_comes_as_what_it_is(browser: Client, alice: User, team: Team, mime: str, fields: dict[str, Any], name: str) -> None:
    made = make_artifact(team, alice, **{"prompt": "rain on a roof", "mime": mime, **fields})
    response = browser.get(f"/pictures/{made.id}/original")
    with default_storage.open(made.variant("original")) as file:
        assert response.content == file.read()
    assert response["Content-Type"] == mime
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"] == "sandbox; default-src 'none'; media-src 'self'"
    assert response["Content-Disposition"].startswith(f'inline; filename="{name.format(made.id.hex[-6:])}"; ')
    saved = browser.get(f"/pictures/{made.id}/download/")
    assert saved["Content-Disposition"].startswith(f'attachment; filename="{name.format(made.id.hex[-6:])}"; ')


@pytest.mark.parametrize("fields", [{**AUDIO, "mime": MP3}, MODEL])
def test_what_stands_for_it_is_a_picture(browser: Client, alice: User, team: Team, fields: dict[str, Any]) -> None:
    made = make_artifact(team, alice, **fields)
    for variant in ("large", "thumb"):
        response = browser.get(f"/pictures/{made.id}/{variant}")
        with default_storage.open(made.variant(variant)) as file:
            assert response.content == file.read()
        assert response["Content-Type"] == "image/webp"
        assert "sandbox" not in response["Content-Security-Policy"]


def test_a_player_may_start_in_the_middle(browser: Client, alice: User, team: Team) -> None:
    made = make_artifact(team, alice, mime=WAV, **AUDIO)
    response = browser.get(f"/pictures/{made.id}/original", headers={"Range": "bytes=1000-"})
    with default_storage.open(made.variant("original")) as file:
        assert response.content == file.read()[1000:]
    assert (response.status_code, response["Content-Range"]) == (206, f"bytes 1000-{made.bytes - 1}/{made.bytes}")


def test_a_stranger_hears_nothing(mallory: User, alice: User, team: Team, client_of: Callable[..., Client]) -> None:
    made = make_artifact(team, alice, mime=MP3, **AUDIO)
    for path in ("", "original", "large", "thumb", "download/"):
        assert client_of(mallory).get(f"/pictures/{made.id}/{path}").status_code == 404


# --- pages -----------------------------------------------------------------------------------------------------------


def test_the_page_of_a_sound(browser: Client, alice: User, team: Team) -> None:
    made = make_artifact(team, alice, mime=MP3, prompt="rain", info={"provider": "Stability"}, extra={"duration": 2, "steps": 8}, **AUDIO)
    page = browser.get(f"/pictures/{made.id}/").content.decode()
    assert f'<audio controls src="/pictures/{made.id}/original"></audio>' in page
    [peaks] = re.findall(r'data-peaks="([0-9,]+)"', page)
    assert [int(peak) for peak in peaks.split(",")] == made.info["peaks"]
    assert 'aria-label="Sound, 0:02: rain"' in page
    shown = words(page)
    assert "Length 0:02 Seed 7" in shown
    assert "Steps 8 Made by" in shown, "the length that was asked for is not said twice"
    assert "File MP3, " in shown
    assert "Provider Stability" in shown
    assert "Peaks" not in shown
    assert "× " not in shown.split("Made by")[0]
    assert "Delete the sound, with a way back" in shown


def test_the_page_of_a_model(browser: Client, alice: User, team: Team) -> None:
    made = make_artifact(team, alice, **MODEL)
    page = browser.get(f"/pictures/{made.id}/").content.decode()
    assert f'<model-view id="model-{made.id}" class="shown" data-src="/pictures/{made.id}/original"' in page
    assert f'<img src="/pictures/{made.id}/large" alt="3D model: 3D, Test card"' in page
    shown = words(page)
    assert "Mesh 144 triangles" in shown
    assert "File GLB, " in shown
    assert re.findall("Triangles|Vertices", shown) == []


def test_a_sound_goes_into_the_trash_and_out_of_it(browser: Client, alice: User, team: Team) -> None:
    made = make_artifact(team, alice, mime=MP3, **AUDIO)
    page = browser.post(f"/pictures/{made.id}/delete/", HTTP_HX_REQUEST="true").content.decode()
    assert "Sound deleted." in page
    assert Artifact.objects.visible().count() == 0
    page = browser.post(f"/pictures/{made.id}/restore/", HTTP_HX_REQUEST="true").content.decode()
    assert "Sound restored." in page
    assert Artifact.objects.visible().get() == made


def test_tiles_say_what_their_picture_cannot(browser: Client, alice: User, team: Team) -> None:
    make_artifact(team, alice, prompt="a boat")
    make_artifact(team, alice, **MODEL)
    make_artifact(team, alice, mime=MP3, prompt="rain", extra={"duration": 75}, **AUDIO)
    page = browser.get("/library/").content.decode()
    assert re.findall(r'class="badge num" aria-hidden="true">([^<]+)<', page) == ["1:15", "3D"]
    assert re.findall(r'data-ratio="(-?\d+)".*?alt="([^"]*)"', page) == [
        ("12", "Sound, 1:15: rain"),
        ("0", "3D model: 3D, Test card"),
        ("0", "a boat"),
    ]


def test_the_library_counts_in_the_words_of_what_is_there(browser: Client, alice: User, team: Team) -> None:
    def counted(query: str = "") -> str:
        return re.findall(r'<p id="library-count"[^>]*>([^<]+)<', browser.get(f"/library/{query}").content.decode())[0]

    make_artifacts(team, alice, 2, mime=MP3, prompt="rain", **AUDIO)
    assert counted() == "2 sounds"
    make_artifact(team, alice, **MODEL)
    assert counted() == "3 items"
    assert counted("?mode=image-to-3d") == "1 model"
    assert counted("?mode=text-to-audio") == "2 sounds"
    assert counted("?q=rain") == "2 items"
    assert library.noun([]) == "picture"


def test_a_model_knows_the_picture_that_it_comes_from(browser: Client, alice: User, team: Team) -> None:
    picture = make_artifact(team, alice, prompt="a chair")
    model = make_artifact(team, alice, **{**MODEL, "prompt": "a chair"}, parent=picture)
    assert "In 3D: 144 triangles" in words(browser.get(f"/pictures/{picture.id}/").content.decode())
    assert 'aria-label="2, In 3D: 144 triangles, this model"' in browser.get(f"/pictures/{model.id}/").content.decode()


# --- on the stage ----------------------------------------------------------------------------------------------------


def test_the_stage_plays_a_sound_and_turns_a_model(browser: Client, alice: User, team: Team) -> None:
    sound, other = make_artifacts(team, alice, 2, mime=WAV, prompt="rain", **AUDIO)
    model = make_artifact(team, alice, **MODEL)
    stage = browser.get(f"/jobs/{sound.job_id}/stage/?selected={other.id}", HTTP_HX_REQUEST="true").content.decode()
    assert re.findall(r'<audio-player id="sound-([0-9a-f-]+)"', stage) == [str(other.id)]
    assert re.findall(r'aria-label="(Sound \d of \d)"', stage) == ["Sound 1 of 2", "Sound 2 of 2"]
    assert 'aria-label="With this sound"' in stage
    stage = browser.get(f"/jobs/{model.job_id}/stage/", HTTP_HX_REQUEST="true").content.decode()
    assert re.findall(r'<model-view id="model-([0-9a-f-]+)"', stage) == [str(model.id)]
    assert "width='10240' height='10240'" in stage
    card = browser.get(f"/jobs/{sound.job_id}/", HTTP_HX_REQUEST="true").content.decode()
    assert re.findall(r'aria-label="(Show [^"]+)"', card) == ["Show sound 1, 0:02", "Show sound 2, 0:02"]


# --- what can be made of it --------------------------------------------------------------------------------------------


def ways(artifact: Artifact) -> tuple[list[str], list[str]]:
    found = onward(artifact, ENGINES)
    return [way.query for way in found.usual], [way.query for way in found.more]


def test_ways_on_from_a_picture(alice: User, team: Team) -> None:
    usual, more = ways(make_artifact(team, alice, files=False, width=1024, height=1024))
    assert usual == ["use=image", "use=mask", "use=upscale"]
    assert more == [
        f"use=image&mode={mode}"
        for mode in (
            *("outpainting", "erase", "search-and-replace", "search-and-recolor", "remove-background", "replace-background-and-relight"),
            *("sketch", "structure", "style", "style-transfer", "image-to-3d"),
        )
    ]


def test_no_way_leads_where_the_picture_would_be_refused(alice: User, team: Team) -> None:
    usual, more = ways(make_artifact(team, alice, files=False, width=3000, height=512))
    assert "use=image&mode=sketch" not in more, "longer than 2.5 times its width"
    assert "use=upscale" not in usual, "more pixels than any engine enlarges"


def test_ways_on_from_a_sound_and_a_model(alice: User, team: Team) -> None:
    long = make_artifact(team, alice, mime=WAV, extra={"duration": 7}, **AUDIO)
    short = make_artifact(team, alice, mime=WAV, extra={"duration": 3}, **AUDIO)
    assert ways(long) == (["use=image&mode=audio-to-audio"], ["use=image&mode=audio-inpainting"])
    assert ways(short) == ([], []), "engines want six seconds at least"
    assert ways(make_artifact(team, alice, **MODEL)) == ([], [])


def test_a_result_without_a_seed_does_not_offer_one(browser: Client, alice: User, team: Team) -> None:
    made = make_artifact(team, alice)
    Artifact.objects.filter(pk=made.pk).update(seed=None)
    for address in (f"/pictures/{made.id}/", f"/jobs/{made.job_id}/stage/"):
        page = browser.get(address, HTTP_HX_REQUEST="true").content.decode()
        assert re.findall(r"&amp;use=(\w+)", page)[:2] == ["all", "remix"]
        assert "use=seed" not in page
