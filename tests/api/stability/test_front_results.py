"""How answers look: the Accept table, what is fetched later, what a filter kept back, and what clients send in all their ways."""

from __future__ import annotations

import base64
import io
import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from PIL import Image

from accounts import keys
from accounts.keys import organization_id
from accounts.models import Membership, Team
from billing.services import wallets
from studio.api.models import EngineRoute, Generation
from studio.api.stability import older, results
from studio.api.stability.contract import endpoint
from studio.generation import services
from studio.generation.models import Artifact, Job
from studio.waiting import Waiting
from tests.api.stability.front import Front, form, work
from tests.generation.conftest import media, wallet
from tests.stability_server.minimal import minimal, png, wav

CORE = endpoint("POST", "/v2beta/stable-image/generate/core")
ULTRA = endpoint("POST", "/v2beta/stable-image/generate/ultra")
FAST = endpoint("POST", "/v2beta/stable-image/upscale/fast")
CREATIVE = endpoint("POST", "/v2beta/stable-image/upscale/creative")
KEPT_ALIAS = endpoint("POST", "/v2alpha/generation/stable-image/upscale")
SOUND = endpoint("POST", "/v2beta/audio/stable-audio-2/text-to-audio")
SOUND_3 = endpoint("POST", "/v2beta/audio/stable-audio/text-to-audio")
SOLID = endpoint("POST", "/v2beta/3d/stable-fast-3d")
SDXL = endpoint("POST", "/v1/generation/{engine_id}/text-to-image")
SDXL_IMAGE = endpoint("POST", "/v1/generation/{engine_id}/image-to-image")


def opened(data: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(data))
    picture.load()
    return picture


# --- Accept ----------------------------------------------------------------------------------------------------------

ACCEPTS = [
    ("", False),
    ("image/*", False),
    ("*/*", False),
    ("image/png", False),
    ("text/html", False),
    ("application/json", True),
    ("application/json, text/plain, */*", True),
    ("application/json; type=image/png", True),
    ("image/*, application/json", False),
    ("APPLICATION/JSON", True),
]


@pytest.mark.parametrize(("accept", "is_json"), ACCEPTS)
def test_the_first_range_decides_about_a_picture(front, accept, is_json):
    answer = front.send(CORE, {"prompt": "a boat", "seed": "7"}, **({"accept": accept} if accept else {}))

    assert answer.status_code == 200
    if is_json:
        assert answer["content-type"] == "application/json; type=image/png"
        assert list(answer.told) == ["image", "seed", "finish_reason"]
        assert (answer.told["seed"], answer.told["finish_reason"]) == (7, "SUCCESS")
        assert not answer.has_header("seed")
        assert opened(base64.b64decode(answer.told["image"])).size == (1536, 1536)
    else:
        assert (answer["content-type"], answer["seed"], answer["finish-reason"]) == ("image/png", "7", "SUCCESS")
        assert opened(answer.content).size == (1536, 1536)


@pytest.mark.parametrize("accept", ["", "*/*", "application/json", "text/html"])
def test_v1_answers_json(front, accept):
    given = {"text_prompts": [{"text": "a boat"}], "width": 1024, "height": 1024, "samples": 2, "seed": 7}
    answer = front.send(SDXL, given, **({"accept": accept} if accept else {}))
    assert [(one["seed"], one["finishReason"]) for one in answer.told["artifacts"]] == [(7, "SUCCESS"), (8, "SUCCESS")]
    assert [opened(base64.b64decode(one["base64"])).size for one in answer.told["artifacts"]] == [(1024, 1024)] * 2


def test_a_file_carries_its_prompt_unless_the_client_wants_none(front):
    plain = front.send(CORE, {"prompt": "a boat", "seed": "7"})
    bare = front.send(CORE, {"prompt": "a boat", "seed": "7"}, x_atelier_strip="1")

    assert b"a boat" in plain.content
    assert b"a boat" not in bare.content
    assert opened(bare.content).tobytes() == opened(plain.content).tobytes()


def test_v1_answers_a_png(front):
    given = {"text_prompts": [{"text": "a boat"}], "width": 1024, "height": 1024, "seed": 7}
    answer = front.send(SDXL, given, accept="image/png")
    assert (answer["content-type"], answer["seed"], answer["finish-reason"]) == ("image/png", "7", "SUCCESS")
    assert opened(answer.content).format == "PNG"


@pytest.mark.parametrize("output_format", ["png", "jpeg", "webp"])
def test_the_format_that_was_asked_for(front, output_format):
    answer = front.send(CORE, {"prompt": "a boat", "output_format": output_format})
    assert answer["content-type"] == f"image/{output_format}"
    assert opened(answer.content).format == output_format.upper()


@pytest.mark.parametrize("output_format", ["mp3", "wav"])
def test_a_sound(front, output_format):
    given = {"prompt": "waves", "duration": "6", "output_format": output_format}
    binary = front.send(SOUND, given, accept="audio/*")
    told = front.send(SOUND, given, accept="application/json")
    mime = {"mp3": "audio/mpeg", "wav": "audio/wav"}[output_format]
    assert (binary["content-type"], told["content-type"]) == (mime, f"application/json; type={mime}")
    assert set(told.told) == {"audio", "seed", "finish_reason"}


def test_a_solid_is_raw_whatever_is_accepted(front):
    answer = front.send(SOLID, {"image": png(), "texture_resolution": "512"}, accept="application/json, text/plain, */*")
    assert (answer["content-type"], answer.content[:4]) == ("model/gltf-binary", b"glTF")


# --- what a filter kept back -----------------------------------------------------------------------------------------


def test_a_picture_that_was_kept_back_is_a_grey_one_and_costs_nothing(front, rich):
    binary = front.post(ULTRA, prompt="blurme")
    told = front.send(ULTRA, {"prompt": "blurme", "output_format": "webp"}, accept="application/json")

    assert (binary.status_code, binary["finish-reason"]) == (200, "CONTENT_FILTERED")
    picture = opened(binary.content)
    assert picture.getcolors() == [(picture.width * picture.height, (128, 128, 128))]
    assert (told["content-type"], told.told["finish_reason"]) == ("application/json; type=image/webp", "CONTENT_FILTERED")
    assert wallet(rich) == (100_000, 0)


def test_one_of_several_that_was_kept_back(front, rich):
    answer = front.program.client.generic(
        "POST",
        SDXL.path.format(engine_id="stable-diffusion-xl-1024-v1-0"),
        b'{"text_prompts": [{"text": "a boat"}], "width": 1024, "height": 1024, "samples": 3, "seed": 5}',
        content_type="application/json",
    )
    [job] = services.claim(["stability"], "w", batch=False)
    services.succeed(job, media(1, filtered=1))
    artifacts = json.loads(answer.finish_now().content)["artifacts"]
    assert [(one["finishReason"], one["seed"]) for one in artifacts] == [("SUCCESS", 100), ("CONTENT_FILTERED", 6), ("ERROR", 7)]
    assert artifacts[2]["base64"] == ""


# --- fetched later ---------------------------------------------------------------------------------------------------


@pytest.fixture
def id(front: Front) -> str:
    answer = front.post(CREATIVE, output_format="webp")
    assert (answer.status_code, answer["content-type"]) == (200, "application/json")
    found: str = answer.told["id"]
    assert len(found) == 64
    int(found, 16)
    return found


TWINS = [
    "/v2beta/results/",
    "/v2beta/stable-image/upscale/creative/result/",
    "/v2alpha/generation/stable-image/upscale/result/",
]


@pytest.mark.parametrize("address", TWINS)
def test_a_result_at_each_of_its_addresses(front, id, address):
    waits = front.get(address + id)
    assert (waits.status_code, waits.told) == (202, {"id": id, "status": "in-progress"})
    work()
    done = front.get(address + id)
    assert (done.status_code, done["content-type"], done["finish-reason"]) == (200, "image/webp", "SUCCESS")
    told = front.get(address + id, accept="application/json; type=image/webp")
    assert told["content-type"] == "application/json; type=image/webp"
    assert base64.b64decode(told.told["image"]) == done.content
    assert Job.objects.count() == 1


def test_a_result_belongs_to_the_key_that_asked(front, id, program, alice):
    work()
    other = Front(program(alice))
    answer = other.get(TWINS[0] + id)
    assert (answer.status_code, answer.told["name"]) == (404, "generation_not_found")
    assert answer.told["errors"] == ["id: the generation either does not exist or has expired."]
    assert front.get(TWINS[0] + id).status_code == 200


def test_a_result_is_there_for_the_key_that_took_its_place(front, id, alice, bob):
    work()
    made = keys.rotate(front.program.key, by=alice)
    assert front.get(TWINS[0] + id, authorization=f"Bearer {made.secret}").status_code == 200
    newest = keys.rotate(made.key, by=alice)
    assert front.get(TWINS[0] + id, authorization=f"Bearer {newest.secret}").status_code == 200
    assert front.get(TWINS[0] + id).status_code == 200, "with the old secret as well, while it holds"
    other = keys.make(front.program.key.team, bob, name="Bob's", scopes=["generate"])
    assert front.get(TWINS[0] + id, authorization=f"Bearer {other.secret}").status_code == 404


def test_what_the_new_secret_asked_for_is_there_for_the_old_one_while_it_holds(front, alice, program):
    made = keys.rotate(front.program.key, by=alice)
    id = front.send(CREATIVE, minimal(CREATIVE), authorization=f"Bearer {made.secret}").told["id"]
    work()
    assert front.get(TWINS[0] + id).status_code == 200
    assert Front(program(alice)).get(TWINS[0] + id).status_code == 404


def test_a_result_of_a_team_that_its_person_has_left(front, program, bob, rich):
    own = Team.objects.get(is_personal=True, memberships__user=bob)
    roaming = Front(program(bob, own, all_teams=True))
    there = {"organization": organization_id(rich)}
    id = roaming.send(CREATIVE, minimal(CREATIVE), **there).told["id"]
    work()
    assert roaming.get(TWINS[0] + id).status_code == 200
    Membership.objects.filter(user=bob, team=rich).delete()
    assert roaming.get(TWINS[0] + id).status_code == 404


def test_a_result_is_kept_for_a_day(front, id):
    work()
    Job.objects.update(finished_at=timezone.now() - timedelta(hours=23, minutes=59))
    assert front.get(TWINS[0] + id).status_code == 200
    assert results.forget() == 0
    Job.objects.update(finished_at=timezone.now() - timedelta(hours=24))
    assert front.get(TWINS[0] + id).status_code == 404
    Generation.objects.update(created_at=timezone.now() - timedelta(hours=24, minutes=5))
    assert results.forget() == 1
    assert (Generation.objects.count(), Artifact.objects.count()) == (0, 1)


def test_a_result_that_was_deleted_in_the_library(front, id):
    work()
    Artifact.objects.update(deleted_at=timezone.now())
    assert front.get(TWINS[0] + id).status_code == 404


def test_a_result_that_came_to_nothing(front, id):
    [job] = services.claim(["stability"], "w", batch=False)
    services.fail(job, "result_unknown")
    answer = front.get(TWINS[0] + id)
    assert (answer.status_code, answer.told["name"]) == (500, "internal_error")


def test_pictures_and_sounds_have_addresses_of_their_own(front, id):
    assert front.get("/v2beta/audio/results/" + id).status_code == 404
    sound = front.post(SOUND_3, duration="6").told["id"]
    assert front.get("/v2beta/results/" + sound).status_code == 404
    assert front.get("/v2beta/audio/results/" + sound).status_code == 202


def test_a_revoked_key_gets_nothing_any_more(front, id, alice):
    keys.revoke(front.program.key, by=alice)
    assert front.get(TWINS[0] + id).status_code == 401


def test_an_async_submit_that_is_refused_leaves_nothing(front, program, mallory, other_team):
    wallets.place_hold(wallets.wallet_of(other_team), wallets.wallet_of(other_team).available, reference="t", description="All of it")
    assert Front(program(mallory, other_team)).post(CREATIVE).status_code == 402
    assert (Generation.objects.count(), Job.objects.count()) == (0, 0)


# --- who waits and who hangs up --------------------------------------------------------------------------------------


def test_an_answer_that_takes_too_long(front):
    body, content_type = form(CORE, {"prompt": "a boat"})
    answer = front.program.client.generic("POST", CORE.path, body, content_type=content_type)
    assert isinstance(answer, Waiting)
    late = answer.finish_now()
    assert late.status_code == 400  # a client would send again what is answered 500, and pay twice
    assert b"The work goes on, and the result will be in the studio's library: do not ask again." in late.content
    assert late["x-request-id"]
    work()
    assert Job.objects.get().status == Job.Status.SUCCEEDED
    assert Artifact.objects.count() == 1


# --- the closing checklist of API.md 4 -------------------------------------------------------------------------------


def multipart(*parts: bytes) -> bytes:
    return b"".join(b"--b\r\n" + part + b"\r\n" for part in parts) + b"--b--\r\n"


@pytest.mark.parametrize(
    "part",
    [
        b'Content-Disposition: form-data; name="none"; filename="none"\r\n\r\n',
        b'Content-Disposition: form-data; name="none"; filename="upload"\r\nContent-Type: application/octet-stream\r\n\r\n',
        b'Content-Disposition: form-data; name="none"\r\n\r\n',
        b'Content-Disposition: form-data; name="stray"\r\n\r\nwhatever',
        b'Content-Disposition: form-data; name="style_preset"\r\n\r\n',
        b'Content-Disposition: form-data; name="seed"; filename=""\r\n\r\n',
        b"Content-Disposition: form-data; name=seed\r\n\r\n7",
        b"content-disposition:form-data;name=negative_prompt\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nrain",
    ],
)
def test_what_clients_put_beside_it(front, part):
    """The "none" part, unknown fields, empty optional ones, names without quotes."""
    body = multipart(part, b"Content-Disposition: form-data; name=prompt\r\n\r\na boat")
    answer = front.raw("POST", CORE.path, body, content_type="multipart/form-data; boundary=b")
    assert answer.status_code == 200
    assert Job.objects.get().prompt == "a boat"


@pytest.mark.parametrize("kind", [b"", b"Content-Type: application/octet-stream\r\n", b"Content-Type: text/plain\r\n"])
@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP"])
def test_files_are_sniffed(front, kind, format):
    buffer = io.BytesIO()
    opened(png()).save(buffer, format)
    head = b'Content-Disposition: form-data; name="image"; filename="x"\r\n' + kind + b"\r\n"
    answer = front.raw("POST", FAST.path, multipart(head + buffer.getvalue()), content_type="multipart/form-data; boundary=b")
    assert answer.status_code == 200
    assert opened(answer.content).size == (512, 384)


@pytest.mark.parametrize("authorization", ["{}", "Bearer {}", "bearer {}", "  BEARER   {} "])
def test_the_bare_key_will_do(front, authorization):
    assert front.get("/v1/user/balance", authorization=authorization.format(front.program.secret)).told == {"credits": 100.0}


def test_cookies_let_nobody_in(front, client_of, alice):
    answer = client_of(alice).get("/v1/user/balance")
    assert (answer.status_code, answer.json()["message"]) == (401, "missing authorization header")


def test_the_diagnostic_headers(front):
    assert front.send(CORE, {"prompt": "a boat"}, stability_client_id="x" * 256, stability_client_user_id="u").status_code == 200
    answer = front.send(CORE, {"prompt": "a boat"}, stability_client_version="x" * 257)
    assert answer.told["errors"] == ["stability-client-version: must be at most 256 characters long"]


def test_weighted_prompts_of_v1_as_parts(front):
    """Indices need not follow each other, and what comes last counts; npm stability-ai sends a `mode`, which is none."""
    fields = {
        "text_prompts[5][text]": "a boat",
        "text_prompts[5][weight]": "1",
        "text_prompts[9][text]": "rain",
        "text_prompts[9][weight]": "-1",
        "mode": "image-to-image",
        "samples": "1",
    }
    parts = [f'Content-Disposition: form-data; name="{name}"\r\n\r\n{text}'.encode() for name, text in fields.items()]
    file = b'Content-Disposition: form-data; name="init_image"; filename="x"\r\n\r\n' + png(1024, 1024)
    path = SDXL_IMAGE.path.format(engine_id="stable-diffusion-xl-1024-v1-0")
    answer = front.raw("POST", path, multipart(*parts, file), content_type="multipart/form-data; boundary=b")
    assert answer.status_code == 200
    request = Job.objects.get().request
    assert (request["prompt"], request["negative_prompt"]) == ("a boat", "rain")


def test_json_with_a_charset_and_with_nothing_in_it(front):
    body = b'{"text_prompts": [{"text": "a boat", "weight": null}], "width": 1024, "height": 1024, "style_preset": "", "sampler": null}'
    path = SDXL.path.format(engine_id="stable-diffusion-xl-1024-v1-0")
    assert front.raw("POST", path, body, content_type="application/json; charset=UTF-8").status_code == 200


@pytest.mark.parametrize("engine", ["stable-diffusion-v1-5", "stable-diffusion-512-v2-1"])
def test_old_engines_are_answered_by_another(front, engine):
    given = {"text_prompts": [{"text": "a boat"}], "width": 512, "height": 512}
    answer = front.send(SDXL, given, engine)
    assert answer.status_code == 200
    assert opened(base64.b64decode(answer.told["artifacts"][0]["base64"])).size == (512, 512)


def test_the_upscale_of_old_programs(front):
    body, content_type = form(older.upscale(), {"image": png(), "width": "512"})
    path = older.UPSCALE.format(engine_id="esrgan-v1-x2plus")
    answer = front.raw("POST", path, body, content_type=content_type)
    assert answer.status_code == 200
    assert opened(base64.b64decode(answer.told["artifacts"][0]["base64"])).width == 512
    body, content_type = form(older.upscale(), {"image": png(), "width": "512", "height": "512"})
    assert front.raw("POST", path, body, content_type=content_type).status_code == 400


# --- account ---------------------------------------------------------------------------------------------------------


def test_the_account(front, alice, rich):
    account = front.get("/v1/user/account").told
    assert account["email"] == alice.email
    assert account["id"].startswith("user-")
    assert account["organizations"] == [{"id": organization_id(rich), "name": "Harbour Street", "role": "OWNER", "is_default": True}]
    assert front.get("/v1/user/account", organization="org-nobodys").told == account


def test_the_account_names_the_teams_that_the_key_may_act_in(front, program, alice, rich):
    everywhere = Front(program(alice, all_teams=True))
    organizations = everywhere.get("/v1/user/account").told["organizations"]
    assert len(organizations) == 2
    assert [one["id"] for one in organizations if one["is_default"]] == [organization_id(rich)]


def test_the_balance_is_that_of_the_team_that_is_named(front, program, alice, rich):
    wallets.place_hold(wallets.wallet_of(rich), 500, reference="test", description="Held")
    everywhere = Front(program(alice, all_teams=True))
    assert everywhere.get("/v1/user/balance").told == {"credits": 99.5}
    home = next(one for one in everywhere.get("/v1/user/account").told["organizations"] if not one["is_default"])
    assert everywhere.get("/v1/user/balance", organization=home["id"]).told["credits"] != 99.5
    assert front.get("/v1/user/balance", organization=home["id"]).status_code == 401


def test_the_engines(front):
    engines = {one["id"]: one for one in front.get("/v1/engines/list").told}
    assert engines["stable-diffusion-xl-1024-v1-0"]["type"] == "PICTURE"
    assert "stable-diffusion-v1-5" in engines


def test_a_viewer_may_read_the_account_and_make_nothing(front, program, carol, rich):
    viewer = Front(program(carol, rich))
    assert viewer.get("/v1/user/balance").told == {"credits": 100.0}
    assert viewer.post(CORE).status_code == 401
    assert Job.objects.count() == 0


# --- done here -------------------------------------------------------------------------------------------------------


def test_the_operators_table_says_who_answers(front):
    EngineRoute.objects.create(asked="stable-image/generate/core", engine="null")
    answer = front.send(CORE, {"prompt": "a boat", "aspect_ratio": "16:9"})
    assert Job.objects.get().engine == "null"
    assert answer["x-atelier-engine"] == "null"
    assert opened(answer.content).size == (2016, 1152)
    assert answer["x-atelier-resampled"]


def test_sounds_of_the_right_length_only(front):
    given: dict[str, Any] = {"prompt": "waves", "audio": wav(5)}
    answer = front.send(endpoint("POST", "/v2beta/audio/stable-audio-2/audio-to-audio"), given)
    assert answer.told["errors"] == ["audio: must be between 6 and 190 seconds long, but is 5.00"]


def test_a_submit_that_the_provider_moderates(front):
    """Seen when it is fetched, for the submit was answered before; the address of results declares no 403."""
    id = front.post(CREATIVE, prompt="an unseemly boat").told["id"]
    work()
    answer = front.get("/v2beta/results/" + id)
    assert (answer.status_code, answer.told["name"]) == (400, "content_moderation")
