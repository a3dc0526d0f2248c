"""Every documented error comes with the documented body, in the documented order, and costs nothing."""

from __future__ import annotations

from typing import Any

import pytest

from accounts import keys
from billing.services import wallets
from billing.services.approvals import add_rule
from studio.api.models import Generation
from studio.api.stability import asks
from studio.api.stability.contract import MIB, endpoint, endpoints
from studio.api.stability.dialects import COPYRIGHTED, FLAGGED, LANGUAGE, PUBLIC_FIGURE, RATE_LIMITED
from studio.generation import services
from studio.generation.models import Job
from tests.api.stability.front import Front
from tests.generation.conftest import wallet
from tests.stability_server.minimal import png

POSTS = [one for one in endpoints() if one.method == "POST"]
V2BETA = [one for one in POSTS if one.dialect == "v2beta"]
CORE = endpoint("POST", "/v2beta/stable-image/generate/core")
ULTRA = endpoint("POST", "/v2beta/stable-image/generate/ultra")
SD3 = endpoint("POST", "/v2beta/stable-image/generate/sd3")
SOUND = endpoint("POST", "/v2beta/audio/stable-audio-2/text-to-audio")
CREATIVE = endpoint("POST", "/v2beta/stable-image/upscale/creative")
SDXL = endpoint("POST", "/v1/generation/{engine_id}/text-to-image")
SDXL_IMAGE = endpoint("POST", "/v1/generation/{engine_id}/image-to-image")
MASKING = endpoint("POST", "/v1/generation/{engine_id}/image-to-image/masking")
BAD_KEY = "authorization: invalid or missing header value"
EMPTY = "You lack sufficient credits to make this request. Please purchase more credits at http://studio.example/wallet/ and try again."
BROKEN = "An unexpected server error has occurred, please try again later."
FILTERED_WORDS = "One or more of the prompts contains filtered words."


@pytest.fixture(autouse=True)
def nothing_is_charged(front: Front, rich: Any) -> Any:
    yield
    assert wallet(rich) == (100_000, 0)


def told(answer: Any) -> tuple[int, str, list[str]]:
    """Status, name and sentences; the id is that of the request."""
    body = answer.told
    assert list(body) == (["errors", "id", "name"] if "errors" in body else ["id", "message", "name"])
    assert body["id"] in (answer["x-request-id"], "rate_limit_exceeded")
    return answer.status_code, body["name"], body.get("errors") or [body["message"]]


# --- v2beta: the form, and then the key ------------------------------------------------------------------------------


@pytest.mark.parametrize("one", V2BETA, ids=lambda one: one.path)
def test_only_forms(front, one):
    json = front.raw("POST", one.path, b"{}", content_type="application/json")
    assert told(json) == (400, "bad_request", ["content-type: must be multipart/form-data"])
    coded = front.raw("POST", one.path, b"prompt=a", content_type="application/x-www-form-urlencoded")
    assert told(coded) == (400, "bad_request", ["content-type: must be multipart/form-data"])
    assert told(front.raw("POST", one.path)) == (400, "bad_request", ["content-type: required"])


@pytest.mark.parametrize("one", V2BETA, ids=lambda one: one.path)
def test_what_is_missing_is_named_before_anybody_asks_who_it_is(front, one):
    given = {} if not one.chosen_by else {one.chosen_by: "search"}
    required = [name for name, field in one.form(given.get(one.chosen_by)).items() if field.required and name not in given]

    status, name, errors = told(front.send(one, given, authorization="Bearer sk-nobodys"))

    assert (status, name) == (400, "bad_request")
    assert set(errors) >= {f"{field}: required" for field in required}


@pytest.mark.parametrize("one", [one for one in V2BETA if 413 in one.statuses], ids=lambda one: one.path)
def test_more_than_10_mib(front, one):
    answer = front.post(one, stray=bytes(10 * MIB))
    assert told(answer) == (413, "payload_too_large", ["body: payloads cannot be larger than 10MiB in size"])


def test_everything_that_is_wrong_is_said_at_once(front):
    answer = front.post(SD3, aspect_ratio="7:5", seed="many", model="sd9", cfg_scale="99", output_format="gif")
    assert told(answer)[2] == [
        "seed: must be a number",
        "aspect_ratio: must be one of '21:9' | '16:9' | '3:2' | '5:4' | '1:1' | '4:5' | '2:3' | '9:16' | '9:21'",
        "model: must be one of 'sd3.5-large' | 'sd3.5-large-turbo' | 'sd3.5-medium' | 'sd3.5-flash'",
        "output_format: must be one of 'png' | 'jpeg' | 'webp'",
        "cfg_scale: must be less than or equal to 10",
    ]


def test_what_one_field_says_about_another(front):
    answer = front.post(SD3, mode="image-to-image", image=png(), strength="0.5", aspect_ratio="1:1")
    assert told(answer)[2] == ["aspect_ratio: not allowed when 'mode' is set to 'image-to-image'"]


@pytest.mark.parametrize("authorization", ["", "Bearer ", "Bearer sk-wrong", "sk-wrong", "Basic abc", "Bearer ключ"])
@pytest.mark.parametrize("one", [CORE, SOUND], ids=lambda one: one.path)
def test_a_wrong_key_of_v2beta(front, one, authorization):
    answer = front.send(one, {"prompt": "a boat"}, authorization=authorization.encode().decode("latin-1"))
    assert told(answer) == (401, "unauthorized", [BAD_KEY])
    assert Job.objects.count() == 0


def test_a_key_that_was_revoked_lets_nobody_in(front, alice):
    keys.revoke(front.program.key, by=alice)
    assert told(front.post(CORE)) == (401, "unauthorized", [BAD_KEY])


@pytest.mark.parametrize("length", [0, 63, 65, 200])
def test_an_address_that_is_no_id(front, length):
    assert front.get(f"/v2beta/results/{'a' * length}").status_code == (400 if length else 404)


# --- who, and what they have -----------------------------------------------------------------------------------------


def test_a_key_that_may_not_generate(front, program, alice):
    reader = Front(program(alice, scopes=("library:read",)))
    status, name, [text] = told(reader.post(CORE))
    assert (status, name) == (401, "unauthorized")
    assert text.startswith("authorization: This API key does not have the scope “generate”.")
    status, name, [text] = told(reader.post(SDXL))
    assert (status, name) == (403, "permission_denied")
    assert text.startswith("You do not have permission to access this resource. This API key does not have the scope “generate”.")


def test_a_key_that_is_not_for_this_engine(front, program, alice):
    narrow = Front(program(alice, engines=["storybook-1"]))
    assert told(narrow.post(CORE))[:2] == (401, "unauthorized")
    assert told(narrow.post(SDXL))[:2] == (403, "permission_denied")
    assert Job.objects.count() == 0


def test_an_empty_wallet(front, program, bob, other_team, mallory, settings):
    settings.STUDIO_URL = "http://studio.example"
    poor = Front(program(mallory, other_team))
    available = wallets.wallet_of(other_team).available
    wallets.place_hold(wallets.wallet_of(other_team), available, reference="test", description="All of it")

    status, name, errors = told(poor.post(CORE))
    assert (status, name, errors[0]) == (402, "payment_required", EMPTY)
    assert errors[1].startswith("This costs 3 credits and 0 are available.")
    status, name, [text] = told(poor.post(SDXL))
    assert (status, name) == (429, "insufficient_balance")
    assert text.startswith(
        "Your organization does not have enough balance to request this action (need $0.009, have $0 in active grants, $0 in balance). "
        "This costs 0.9 credits and 0 are available."
    )
    assert Job.objects.count() == 0


def test_a_budget_that_is_used_up(front, program, alice):
    frugal = Front(program(alice, budget_day=1000))
    status, name, [text] = told(frugal.post(CORE))
    assert (status, name) == (402, "payment_required")
    assert "1 credit" in text
    assert told(frugal.post(SDXL, samples=2))[:2] == (429, "insufficient_balance")
    assert Job.objects.count() == 0


def test_as_many_open_as_may_be(front, settings):
    settings.MAX_OPEN_JOBS = 0
    for one in (CORE, SDXL):
        answer = front.post(one)
        assert told(answer)[:2] == (429, "rate_limit_exceeded")
        assert answer["retry-after"] == "5"
        assert "Wait for one to finish" in told(answer)[2][0]


def test_the_rate_of_the_contract(front, settings, time_machine):
    settings.API_BURST = "2/10 seconds"
    time_machine.move_to("2026-11-27T12:00:00Z", tick=False)
    path = "/v2beta/results/" + "0" * 64
    first = front.get(path)
    assert (first.status_code, first["x-ratelimit-limit"], first["x-ratelimit-remaining"]) == (404, "2", "1")
    front.get(path)

    answer = front.get(path)

    assert told(answer) == (429, "rate_limit_exceeded", [RATE_LIMITED])
    assert answer.told["id"] == "rate_limit_exceeded"
    assert answer["retry-after"] == "60"
    assert answer["ratelimit-remaining"] == "0"
    time_machine.move_to("2026-11-27T12:00:59Z", tick=False)
    assert told(front.post(CORE))[0] == 429
    assert told(front.post(SDXL))[1:] == ("rate_limit_exceeded", [RATE_LIMITED])
    time_machine.move_to("2026-11-27T12:01:01Z", tick=False)
    if not settings.REDIS_URL:  # which has a clock of its own
        assert front.get(path).status_code == 404


# --- words, approval -------------------------------------------------------------------------------------------------


def test_words_that_the_studio_does_not_take(front):
    status, name, errors = told(front.post(CORE, prompt="a nude"))
    assert (status, name, errors[0]) == (403, "content_moderation", FLAGGED[1])
    assert "nude" in errors[1]
    status, name, [text] = told(front.post(SDXL, text_prompts=[{"text": "a nude"}]))
    assert (status, name) == (400, "invalid_prompts")
    assert text.startswith(FILTERED_WORDS + " ")
    assert Job.objects.count() == 0


@pytest.mark.parametrize(
    ("one", "prompt", "status", "name", "text"),
    [
        (CORE, "an unseemly boat", 403, *FLAGGED),
        (CORE, "парусник в море", 422, *LANGUAGE),
        (ULTRA, "a Celebrity at sea", 422, *PUBLIC_FIGURE),
        (SOUND, "a copyrighted song", 422, *COPYRIGHTED),
    ],
)
def test_what_the_provider_refuses(front, one, prompt, status, name, text):
    answer = front.post(one, prompt=prompt)
    assert told(answer)[:2] == (status, name)
    assert told(answer)[2][0] == text
    assert Job.objects.get().status == Job.Status.FAILED


def test_what_the_provider_refuses_in_v1(front):
    assert told(front.post(SDXL, text_prompts=[{"text": "an unseemly boat"}]))[:2] == (400, "invalid_prompts")


def test_what_needs_approval_is_refused_where_the_answer_is_the_result(front, rich, bob, program):
    add_rule(wallets.wallet_of(rich), kind="pictures", threshold=0, by=bob, for_everybody=True)
    status, name, [text] = told(front.post(CORE))
    assert (status, name) == (403, "content_moderation")
    assert text.startswith("In this studio it needs somebody's approval, and no answer waits for that: ")
    assert told(front.post(SDXL))[:2] == (400, "invalid_prompts")
    assert Job.objects.count() == 0


def test_what_needs_approval_is_in_progress_where_it_is_fetched_later(front, rich, alice, bob):
    add_rule(wallets.wallet_of(rich), kind="pictures", threshold=0, by=bob, for_everybody=True)
    id = front.post(CREATIVE).told["id"]
    job = Job.objects.get()
    assert job.status == Job.Status.NEEDS_APPROVAL
    assert front.get(f"/v2beta/results/{id}").status_code == 202

    services.decline(job, by=alice, reason="Too dear")

    answer = front.get(f"/v2beta/results/{id}")
    assert told(answer) == (400, "content_moderation", ["Too dear"])


# --- the work --------------------------------------------------------------------------------------------------------


def test_work_that_fails(front):
    front.works = False

    def fail(job_status: Any) -> None:
        [job] = services.claim(["stability"], "w", batch=False)
        services.fail(job, "engine_unavailable", "It is away.")

    front.finish = lambda answer: (fail(answer), answer.finish_now())[1]  # type: ignore[method-assign]
    status, name, errors = told(front.post(CORE))
    assert (status, name, errors[0]) == (500, "internal_error", BROKEN)
    assert "could not be reached" in errors[1]
    status, name, [text] = told(front.post(SDXL))
    assert (status, name) == (500, "server_error")
    assert text.startswith("An unexpected server error occurred, please try again. The engine could not be reached")


STOPPED = (400, "bad_request", ["This was stopped in the studio. Nothing was charged."])


@pytest.mark.parametrize("one", [CORE, SDXL], ids=["v2beta", "v1"])
def test_work_that_was_stopped_is_not_to_be_tried_again(front, one):
    front.finish = lambda answer: (services.cancel(Job.objects.get()), answer.finish_now())[1]  # type: ignore[method-assign]
    assert told(front.post(one)) == STOPPED


def test_work_whose_team_is_gone(front):
    def gone(answer: Any) -> Any:
        services.cancel(Job.objects.get())
        Job.objects.all().delete()
        return answer.finish_now()

    front.finish = gone  # type: ignore[method-assign]
    assert told(front.post(CORE)) == STOPPED


def test_work_that_was_stopped_and_is_fetched_later(front):
    id = front.post(CREATIVE).told["id"]
    services.cancel(Job.objects.get())
    assert told(front.get(f"/v2beta/results/{id}")) == STOPPED


def test_our_own_mistake(front, monkeypatch):
    def stumble(*args: Any, **how: Any) -> None:
        raise RuntimeError("a secret")

    monkeypatch.setattr(asks, "ask", stumble)
    assert told(front.post(CORE)) == (500, "internal_error", [BROKEN])
    assert told(front.post(SDXL)) == (500, "server_error", ["An unexpected server error occurred, please try again."])


def test_what_no_engine_can_do_is_never_faked(front, settings):
    """Without a provider, the drawing engine alone is left, and nobody named it."""
    settings.BACKENDS = {"null": settings.BACKENDS["null"]}
    status, name, [text] = told(front.post(CREATIVE))
    assert (status, name) == (400, "bad_request")
    assert text.startswith("No engine of this studio enlarges a picture by a prompt.")
    assert Generation.objects.count() == 0
    assert told(front.post(SDXL))[:2] == (400, "bad_request")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/v2beta/image-to-video", 404),
        ("POST", "/v2alpha/generation/image-to-video", 404),
        ("GET", "/v2beta/image-to-video/result/" + "0" * 64, 404),
        ("GET", "/v2beta/", 404),
        ("POST", "/v1/engines/nothing", 404),
        ("GET", CORE.path, 405),
        ("DELETE", "/v1/user/balance", 405),
        ("OPTIONS", CORE.path, 405),
    ],
)
def test_what_is_not_there(front, method, path, status):
    answer = front.raw(method, path)
    assert told(answer)[:2] == (status, "not_found" if status == 404 else "method_not_allowed")
    if status == 405:
        assert answer["allow"] == ("POST" if path == CORE.path else "GET")


# --- v1 --------------------------------------------------------------------------------------------------------------


def test_v1_without_a_key(front):
    for answer in (front.send(SDXL, {}, authorization=""), front.get("/v1/user/balance", authorization="")):
        assert told(answer) == (401, "unauthorized", ["missing authorization header"])


def test_v1_does_not_repeat_a_wrong_key(front):
    answer = front.send(SDXL, {}, authorization="Bearer sk-somebodys-secret")
    assert told(answer) == (
        401,
        "unauthorized",
        ["Incorrect API key provided. Keys are made on the developers' page of this studio."],
    )
    assert "somebodys" not in answer.content.decode()


def test_v1_asks_for_the_key_then_the_organization_then_the_engine_then_the_fields(front):
    bad = {"text_prompts": []}
    elsewhere = front.send(SDXL, bad, "no-such-engine", organization="org-nobodys")
    assert told(elsewhere)[:2] == (403, "permission_denied")
    assert told(front.send(SDXL, bad, "no-such-engine")) == (
        404,
        "not_found",
        ["The specified engine (ID no-such-engine) was not found."],
    )
    assert told(front.send(SDXL, bad))[:2] == (400, "bad_request")


@pytest.mark.parametrize(
    ("one", "changes", "name", "text"),
    [
        (SDXL, {"text_prompts": None}, "bad_request", "text_prompts: is required"),
        (SDXL, {"text_prompts": []}, "bad_request", "text_prompts: must contain at least 1 item"),
        (SDXL, {"text_prompts": [{"weight": 1}]}, "bad_request", "text_prompts[0][text]: is required"),
        (SDXL, {"steps": 9}, "bad_request", "steps: must be greater than or equal to 10"),
        (SDXL, {"width": 1000}, "invalid_height_or_width", "width: must be a multiple of 64"),
        (SDXL, {"width": 512, "height": 512}, "invalid_sdxl_v1_dimensions", None),
        (SDXL_IMAGE, {"init_image": None}, "bad_request", "init_image: is required"),
        (SDXL_IMAGE, {"init_image": b"GIF89a"}, "invalid_mime_type", "init_image: must be a jpeg, png or webp image"),
        (SDXL_IMAGE, {"init_image": png(450, 672)}, "invalid_sdxl_v1_dimensions", None),
        (SDXL_IMAGE, {"init_image": png(1024, 1024) + bytes(5 * MIB)}, "invalid_file_size", "init_image: must be at most 5MiB in size"),
        (MASKING, {"mask_source": "MASK_IMAGE_WHITE"}, "invalid_mask_image", None),
        (
            MASKING,
            {"mask_source": "MASK_IMAGE_BLACK", "mask_image": png()},
            "invalid_image_dimensions",
            "The dimensions of the provided `init_image` and `mask_image` do not match",
        ),
    ],
)
def test_what_v1_says_of_fields(front, one, changes, name, text):
    answer = front.post(one, **changes)
    assert told(answer)[:2] == (400, name)
    assert text in (None, answer.told["message"])


def test_v1_names_the_sizes_of_sdxl(front):
    assert front.post(SDXL, width=512, height=512).told["message"] == (
        "for stable-diffusion-xl-1024-v0-9 and stable-diffusion-xl-1024-v1-0 the allowed dimensions are 1024x1024, 1152x896, 1216x832, "
        "1344x768, 1536x640, 640x1536, 768x1344, 832x1216, 896x1152, but we received 512x512"
    )


def test_v1_has_the_engines_of_the_studio_asked_for_no_more_than_it_answers(front):
    """Whatever they draw is answered at the size that was asked for: it has to fit into memory."""
    given = {"text_prompts": [{"text": "a"}], "width": 2048, "height": 2048 + 64}
    refusal = "Incorrect number of pixels specified: null takes 4,194,304 at most, but we received 4,325,376"
    assert told(front.send(SDXL, given, "null")) == (400, "invalid_pixel_count", [refusal])
    assert not Job.objects.exists()


def test_v1_gives_several_as_json_alone(front):
    answer = front.send(SDXL, {"text_prompts": [{"text": "a"}], "width": 1024, "height": 1024, "samples": 2}, accept="image/png")
    assert told(answer)[:2] == (400, "invalid_samples")


NO_JSON = [
    b"",
    b"[]",
    b"{",
    b"[" * 100_000,
    b'{"seed": NaN}',
    b'{"seed": 1e999}',
    b"\xff",
    b'"a"',
    b'{"text_prompts": [{"text": "\\ud800"}]}',
]


@pytest.mark.parametrize("body", NO_JSON)
def test_v1_json_that_is_none(front, body):
    answer = front.raw("POST", SDXL.path.format(engine_id="stable-diffusion-xl-1024-v1-0"), body, content_type="application/json")
    assert told(answer)[:2] == (400, "bad_request")


@pytest.mark.parametrize(
    "changes",
    [
        {"text_prompts": [{"text": "a \x00 b"}]},
        {"text_prompts": [{"text": ["a"]}]},
        {"text_prompts": [{"text": "a", "weight": {"b": 1}}]},
        {"text_prompts": [["a"]]},
        {"text_prompts": {"text": "a"}},
        {"seed": 10**300},
        {"seed": True},
        {"width": 10**30 * 64},
        {"sampler": {"a": 1}},
    ],
)
def test_v1_values_that_make_no_sense(front, changes):
    assert told(front.post(SDXL, **changes))[0] == 400
