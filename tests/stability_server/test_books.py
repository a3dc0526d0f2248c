"""Charges equal the price table, which equals the document; nothing is spent twice, and nothing that failed is charged."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import httpx
import pytest

from studio.api.stability.contract import Endpoint, endpoint, endpoints
from tests.stability_server import StandIn, catalog
from tests.stability_server.accounts import Organization
from tests.stability_server.catalog import Operation
from tests.stability_server.minimal import minimal, png, post, send
from tests.stability_server.prices import price

SDXL = endpoint("POST", "/v1/generation/{engine_id}/text-to-image")
FLASH = endpoint("POST", "/v2beta/stable-image/generate/sd3")
SOUND = endpoint("POST", "/v2beta/audio/stable-audio-2/text-to-audio")


@pytest.mark.parametrize("one", [one for one in endpoints() if one.credits is not None], ids=lambda one: one.path)
def test_prices_are_those_of_the_document(one: Endpoint) -> None:
    by_model = one.credits if isinstance(one.credits, dict) else {None: one.credits}
    for model, credits in by_model.items():
        steps = 50
        wanted = Decimal("17") + Decimal("0.06") * steps if credits == "17 + 0.06*steps" else Decimal(str(credits))
        assert price(one.path, {"model": model, "steps": steps}) == wanted


@pytest.mark.parametrize(
    ("one", "changes", "credits"),
    [
        (SDXL, {"steps": 10}, "0.9"),
        (SDXL, {"steps": 30}, "0.9"),
        (SDXL, {"steps": 50}, "1.5"),
        (SDXL, {"steps": 50, "samples": 2}, "3.0"),
        (FLASH, {}, "6.5"),
        (FLASH, {"model": "sd3.5-flash"}, "2.5"),
        (SOUND, {"duration": "1"}, "20"),
        (SOUND, {"duration": "1", "steps": "100"}, "23"),
        (SOUND, {"duration": "1", "model": "stable-audio-2.5"}, "20"),
        (endpoint("POST", "/v2beta/stable-image/upscale/fast"), {}, "2"),
        (endpoint("POST", "/v2beta/stable-image/edit/replace-background-and-relight"), {}, "8"),
        (endpoint("POST", "/v2beta/3d/stable-point-aware-3d"), {"texture_resolution": "512"}, "4"),
    ],
)
def test_a_charge(client: httpx.Client, standin: StandIn, one: Endpoint, changes: dict[str, Any], credits: str) -> None:
    answer = post(client, one, **changes)
    [charge] = standin.books

    assert answer.status_code == 200
    assert (charge.key, charge.organization, charge.endpoint) == (standin.key, "org-0001", one.path)
    assert (charge.credits, charge.request_id) == (Decimal(credits), answer.headers["x-request-id"])
    assert standin.keys[standin.key].balance == 1000 - Decimal(credits)
    assert client.get("/v1/user/balance").json() == {"credits": float(1000 - Decimal(credits))}


@pytest.mark.parametrize("one", [FLASH, SDXL], ids=["v2beta", "v1"])
def test_a_filtered_picture_is_charged(client: httpx.Client, standin: StandIn, one: Endpoint) -> None:
    words = {"text_prompts": [{"text": "a boat blurme"}]} if one is SDXL else {"prompt": "a boat blurme"}
    answer = send(client, one, minimal(one) | words | {"seed": 5}, accept="image/png")
    plain = send(client, one, minimal(one) | {"seed": 5}, accept="image/png")

    assert (answer.status_code, answer.headers["finish-reason"]) == (200, "CONTENT_FILTERED")
    assert [charge.finish_reason for charge in standin.books] == ["CONTENT_FILTERED", "SUCCESS"]
    assert len({charge.credits for charge in standin.books}) == 1
    assert answer.content != plain.content


def test_the_last_credit_is_spent_once(client: httpx.Client, standin: StandIn) -> None:
    standin.keys[standin.key].balance = "5"
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: post(client, FLASH, model="sd3.5-flash", output_format="jpeg").status_code, range(8)))

    assert sorted(answers) == [200, 200] + [402] * 6
    assert standin.keys[standin.key].balance == 0
    assert standin.books.total() == 5


def test_another_organization_pays(client: httpx.Client, standin: StandIn) -> None:
    standin.keys[standin.key].account.organizations.append(Organization("org-second", "Second", Decimal("0.9")))
    answers = [send(client, SDXL, minimal(SDXL), organization="org-second") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 429]
    assert [(charge.organization, charge.credits) for charge in standin.books] == [("org-second", Decimal("0.9"))]
    assert standin.keys[standin.key].balance == 1000


@pytest.mark.parametrize("one", [FLASH, SDXL], ids=["v2beta", "v1"])
def test_work_that_fails_is_not_charged(client: httpx.Client, standin: StandIn, monkeypatch: pytest.MonkeyPatch, one: Endpoint) -> None:
    def fail(values: catalog.Values, seed: int) -> bytes:
        raise RuntimeError("out of paint")

    monkeypatch.setitem(catalog.OPERATIONS, one.path, Operation(fail))
    answer = post(client, one)

    assert (answer.status_code, answer.json()["name"]) == (500, "server_error" if one is SDXL else "internal_error")
    assert len(standin.books) == 0
    assert standin.keys[standin.key].balance == 1000


def test_what_was_sent_can_be_read_again(client: httpx.Client, standin: StandIn) -> None:
    post(client, endpoint("POST", "/v2beta/stable-image/upscale/fast"), output_format="webp")
    post(client, SDXL, width=64)
    fast, sdxl = standin.requests

    assert (fast.fields, fast.files["image"], fast.status) == ({"output_format": "webp"}, png(), 200)
    assert (fast.secret, fast.path) == (standin.key, "/v2beta/stable-image/upscale/fast")
    assert (sdxl.json["width"], sdxl.status, sdxl.name) == (64, 400, "invalid_height_or_width")
