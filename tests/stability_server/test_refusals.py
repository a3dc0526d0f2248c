"""Every documented error appears with the documented body, in the documented order, and costs nothing."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from studio.api.stability.contract import MIB, Document, Endpoint, endpoint, endpoints
from tests.stability_server import ManualClock, StandIn
from tests.stability_server.accounts import AUDIO_3, Organization
from tests.stability_server.minimal import minimal, post, send

POSTS = [one for one in endpoints() if one.method == "POST"]
CORE = endpoint("POST", "/v2beta/stable-image/generate/core")
ULTRA = endpoint("POST", "/v2beta/stable-image/generate/ultra")
SOUND = endpoint("POST", "/v2beta/audio/stable-audio-2/text-to-audio")
SDXL = endpoint("POST", "/v1/generation/{engine_id}/text-to-image")
RESULT = "/v2beta/results/" + "0" * 64

RESPONSES = Document("openapi-v2beta.json").content["components"]["responses"]
MODERATED = Document("openapi-v2beta.json").content["components"]["schemas"]["ContentModerationResponse"]["example"]


def example(name: str, which: str = "") -> dict[str, Any]:
    content = RESPONSES[name]["content"]["application/json"]
    return content["examples"][which]["value"] if which else content["example"]


def told(answer: httpx.Response) -> tuple[int, Any]:
    """Status and body; the id is that of the request, in each dialect."""
    content = answer.json()
    assert content.pop("id") == answer.headers["x-request-id"]
    assert answer.headers["content-type"] == "application/json"
    return answer.status_code, content


def without_id(content: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in content.items() if name != "id"}


@pytest.fixture(autouse=True)
def nothing_is_charged(standin: StandIn) -> Any:
    yield
    assert len(standin.books) == 0
    assert standin.keys[standin.key].balance in (0, 1000)


# --- v2beta ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("one", [one for one in POSTS if 403 in one.statuses and one.dialect == "v2beta"], ids=lambda one: one.path)
def test_403_is_moderation(client: httpx.Client, standin: StandIn, one: Endpoint) -> None:
    standin.faults.add("refuse=content_moderation")

    assert told(post(client, one)) == (403, without_id(MODERATED))


@pytest.mark.parametrize("one", [one for one in POSTS if 413 in one.statuses], ids=lambda one: one.path)
def test_413_above_10_mib(client: httpx.Client, standin: StandIn, one: Endpoint) -> None:
    answer = post(client, one, stray=bytes(10 * MIB))

    assert told(answer) == (413, without_id(example("PayloadTooLarge")))


def test_core_and_audio_declare_no_413() -> None:
    assert CORE.max_bytes is None
    assert endpoint("POST", "/v2beta/audio/stable-audio-2/inpaint").max_bytes == 50 * MIB
    assert endpoint("POST", "/v2beta/audio/stable-audio/inpaint").max_bytes == 100 * MIB


@pytest.mark.parametrize(
    ("one", "prompt", "status", "body"),
    [
        (CORE, "nsfw things", 403, without_id(MODERATED)),
        (CORE, "парусник в море", 422, without_id(example("ImageClassificationFailed", "Invalid Language"))),
        (ULTRA, "a Celebrity at sea", 422, without_id(example("ImageClassificationFailed", "Public Figure Detected"))),
        (SOUND, "波の音", 422, without_id(example("AudioClassificationFailed", "Invalid Language"))),
        (SOUND, "a copyrighted song", 422, without_id(example("AudioClassificationFailed", "Copyrighted Content Detected"))),
    ],
)
def test_words_that_moderation_finds(client: httpx.Client, one: Endpoint, prompt: str, status: int, body: dict[str, Any]) -> None:
    assert told(post(client, one, prompt=prompt)) == (status, body)


@pytest.mark.parametrize(
    ("headers", "content", "error"),
    [
        ({"content-type": "application/json"}, b'{"prompt": "a boat"}', "content-type: must be multipart/form-data"),
        ({"content-type": "application/x-www-form-urlencoded"}, b"prompt=a+boat", "content-type: must be multipart/form-data"),
        ({}, b"prompt", "content-type: required"),
        ({"content-type": "multipart/form-data"}, b"--x\r\n", "content-type: multipart boundary is missing"),
        ({"content-type": "multipart/form-data; boundary=y"}, b"--x\r\n", "body: malformed multipart/form-data"),
    ],
)
def test_other_content_types(client: httpx.Client, headers: dict[str, str], content: bytes, error: str) -> None:
    assert told(client.post(CORE.path, content=content, headers=headers)) == (400, {"name": "bad_request", "errors": [error]})


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer sk-of-nobody", "sk-of-nobody"])
def test_401(client: httpx.Client, authorization: str) -> None:
    answer = send(client, CORE, minimal(CORE), authorization=authorization)

    assert told(answer) == (401, {"name": "unauthorized", "errors": ["authorization: invalid or missing header value"]})


def test_a_revoked_key(client: httpx.Client, standin: StandIn) -> None:
    standin.keys[standin.key].revoke()

    assert [post(client, CORE).status_code, client.get(RESULT).status_code, client.get("/v1/user/balance").status_code] == [401] * 3


def test_402(client: httpx.Client, standin: StandIn) -> None:
    standin.keys[standin.key].balance = 0
    text = "You lack sufficient credits to make this request. Please purchase more credits at "
    text += "https://platform.stability.ai/account/credits and try again."

    assert told(post(client, CORE)) == (402, {"name": "payment_required", "errors": [text]})


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("GET", RESULT, "generation_not_found"),
        ("GET", "/v2beta/audio/results/" + "0" * 64, "generation_not_found"),
        ("GET", "/v2beta/stable-image/upscale/creative/result/" + "0" * 64, "generation_not_found"),
        ("POST", "/v2beta/image-to-video", "not_found"),
        ("GET", CORE.path, "not_found"),
    ],
)
def test_404(client: httpx.Client, method: str, path: str, name: str) -> None:
    status, content = told(client.request(method, path))

    assert (status, content["name"]) == (404, name)
    assert name == "not_found" or content == without_id(example("GenerationNotFound"))


def test_an_id_has_64_characters(client: httpx.Client) -> None:
    assert told(client.get("/v2beta/results/short")) == (400, {"name": "bad_request", "errors": ["id: must be 64 characters long"]})


def test_audio_3_lies_behind_a_flag(client: httpx.Client, standin: StandIn) -> None:
    standin.keys[standin.key].account.flags.discard(AUDIO_3)

    assert told(post(client, endpoint("POST", "/v2beta/audio/stable-audio/text-to-audio")))[1]["name"] == "not_found"


@pytest.mark.parametrize("one", [one for one in endpoints() if one.dialect == "v2beta"], ids=lambda one: f"{one.method} {one.path}")
def test_500(client: httpx.Client, standin: StandIn, one: Endpoint) -> None:
    standin.faults.add("status=500")
    answer = post(client, one) if one.method == "POST" else client.get(one.path.format(id="0" * 64))

    assert told(answer) == (500, without_id(example("InternalError")))


# --- v1 --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/v1/user/account", "/v1/user/balance", "/v1/engines/list", SDXL.path])
def test_v1_401_tells_what_was_wrong_and_echoes_the_key(client: httpx.Client, path: str) -> None:
    method = "POST" if path == SDXL.path else "GET"
    missing = client.request(method, path, headers={"authorization": ""})
    wrong = client.request(method, path, headers={"authorization": "Bearer sk-secret"})
    text = "Incorrect API key provided: sk-secret. You can find your API key at https://stability.ai."

    assert told(missing) == (401, {"name": "unauthorized", "message": "missing authorization header"})
    assert told(wrong) == (401, {"name": "unauthorized", "message": text})


def test_v1_403_for_an_organization_of_others(client: httpx.Client, standin: StandIn) -> None:
    standin.keys.add()
    text = "You do not have permission to access this resource"

    for answer in (client.get("/v1/user/balance", headers={"organization": "org-0002"}), send(client, SDXL, {}, organization="org-0002")):
        assert told(answer) == (403, {"name": "permission_denied", "message": text})


def test_v1_404_for_engines_that_are_not_there(client: httpx.Client) -> None:
    answer = client.post("/v1/generation/some-fake-engine/text-to-image", json={})

    assert told(answer) == (404, {"name": "not_found", "message": "The specified engine (ID some-fake-engine) was not found."})
    assert told(client.get("/v1/nothing"))[0] == 404


def test_v1_400_for_filtered_words(client: httpx.Client) -> None:
    answer = post(client, SDXL, text_prompts=[{"text": "a boat"}, {"text": "nsfw", "weight": -1}])

    assert told(answer) == (400, {"name": "invalid_prompts", "message": "One or more of the prompts contains filtered words."})


def test_v1_429_for_an_empty_purse(client: httpx.Client, standin: StandIn) -> None:
    standin.keys[standin.key].balance = 0
    text = "Your organization does not have enough balance to request this action (need $0.009, have $0 in active grants, $0 in balance)."
    answer = post(client, SDXL)

    assert told(answer) == (429, {"name": "insufficient_balance", "message": text})
    assert "retry-after" not in answer.headers


@pytest.mark.parametrize(
    ("content_type", "content", "message"),
    [
        ("multipart/form-data; boundary=x", b"", "content-type: must be application/json"),
        ("application/json", b"{", "body: must be valid JSON"),
        ("application/json; charset=UTF-8", b"[]", "body: must be an object"),
    ],
)
def test_v1_400_for_what_is_no_json_object(client: httpx.Client, content_type: str, content: bytes, message: str) -> None:
    path = SDXL.path.format(engine_id="stable-diffusion-xl-1024-v1-0")
    answer = client.post(path, content=content, headers={"content-type": content_type})

    assert told(answer) == (400, {"name": "bad_request", "message": message})


def test_v1_500(client: httpx.Client, standin: StandIn) -> None:
    standin.faults.add("status=500")
    text = "An unexpected server error occurred, please try again."

    assert told(client.get("/v1/user/balance")) == (500, {"name": "server_error", "message": text})


# --- the order -------------------------------------------------------------------------------------------------------


def test_each_check_comes_before_the_next(client: httpx.Client, standin: StandIn) -> None:
    """One request with everything wrong; each step mends what the answer before complained about."""
    standin.keys[standin.key].balance = 0
    standin.limiter.requests = 0
    files: list[tuple[str, Any]] = [("prompt", (None, "nsfw")), ("strength", (None, "2")), ("stray", ("stray", bytes(10 * MIB)))]
    mine, nobody = {}, {"authorization": "Bearer sk-of-nobody"}
    heard = [client.post(ULTRA.path, content=b"x", headers=mine)]
    heard.append(client.post(ULTRA.path, content=b"x", headers=nobody))
    heard.append(client.post(ULTRA.path, files=files, headers=nobody))
    files.pop()
    heard.append(client.post(ULTRA.path, files=files, headers=nobody))
    files.pop()
    heard.append(client.post(ULTRA.path, files=[*files, ("none", ("none", b""))], headers=nobody))
    standin.reset()
    standin.keys[standin.key].balance = 0
    heard.append(client.post(ULTRA.path, files=files, headers=mine))
    heard.append(client.post(ULTRA.path, files=[("prompt", (None, "a boat"))], headers=mine))

    assert [answer.status_code for answer in heard] == [429, 400, 413, 400, 401, 403, 402]


# --- the rate limit --------------------------------------------------------------------------------------------------


def test_150_requests_in_10_seconds_and_then_a_minute_out(client: httpx.Client, standin: StandIn) -> None:
    standin.clock = clock = ManualClock()
    within = [client.get("/v1/user/balance").status_code for _ in range(150)]
    clock.advance(9.9)
    answer, v1 = client.get(RESULT), client.get("/v1/user/balance")
    limited = {**example("RateLimited")}

    assert set(within) == {200}
    assert (answer.status_code, answer.json()) == (429, limited)
    assert answer.headers["retry-after"] == "60"
    assert told(v1) == (429, {"name": "rate_limit_exceeded", "message": limited["errors"][0]})

    clock.advance(59.5)
    assert (client.get(RESULT).status_code, client.get(RESULT).headers["retry-after"]) == (429, "1")
    clock.advance(0.5)
    assert client.get(RESULT).status_code == 404


def test_the_window_slides(client: httpx.Client, standin: StandIn) -> None:
    standin.clock = clock = ManualClock()
    for _ in range(10):
        assert {client.get("/v1/user/balance").status_code for _ in range(15)} == {200}
        clock.advance(1)

    assert {client.get("/v1/user/balance").status_code for _ in range(15)} == {200}
    assert client.get("/v1/user/balance").status_code == 429


def test_each_key_has_its_own_limit_and_a_wrong_key_none(client: httpx.Client, standin: StandIn) -> None:
    standin.clock = ManualClock()
    standin.limiter.requests = 1
    other = standin.keys.add().secret
    keys = [standin.key, standin.key, other, other, "sk-of-nobody", "sk-of-nobody"]
    answers = [client.get("/v1/user/balance", headers={"authorization": f"Bearer {key}"}).status_code for key in keys]

    assert answers == [200, 429, 200, 429, 401, 401]


def test_organizations_have_purses_of_their_own(client: httpx.Client, standin: StandIn) -> None:
    second = Organization("org-second", "Second", standin.keys[standin.key].balance * 2)
    standin.keys[standin.key].account.organizations.append(second)

    assert client.get("/v1/user/balance", headers={"organization": "org-second"}).json() == {"credits": 2000.0}
    assert [one["is_default"] for one in client.get("/v1/user/account").json()["organizations"]] == [True, False]
