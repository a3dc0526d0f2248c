"""What goes wrong when a test asks for it, and what it costs."""

from __future__ import annotations

import base64
import io
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from PIL import Image

from studio.api.stability.contract import Endpoint, endpoint
from tests.stability_server import StandIn
from tests.stability_server.minimal import minimal, post, send

FLASH = endpoint("POST", "/v2beta/stable-image/generate/sd3")
SDXL = endpoint("POST", "/v1/generation/{engine_id}/text-to-image")
RELIGHT = endpoint("POST", "/v2beta/stable-image/edit/replace-background-and-relight")


@pytest.mark.parametrize(("fault", "charges"), [("drop", 0), ("drop-after", 1), ("drop-mid-body", 1)])
@pytest.mark.parametrize("one", [FLASH, SDXL], ids=["v2beta", "v1"])
def test_the_connection_is_lost(client: httpx.Client, standin: StandIn, one: Endpoint, fault: str, charges: int) -> None:
    standin.faults.add(fault)
    with pytest.raises(httpx.RemoteProtocolError) as lost:
        post(client, one)

    assert ("without sending complete message body" in str(lost.value)) == (fault == "drop-mid-body")
    assert len(standin.books) == charges
    assert post(client, one).status_code == 200


def test_a_burst_of_503_ends(client: httpx.Client, standin: StandIn) -> None:
    standin.faults.add("status=503", times=3, path="/v2beta/stable-image/*")
    answers = [post(client, FLASH) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [503, 503, 503, 200]
    assert answers[0].json()["name"] == "service_unavailable"
    assert len(standin.books) == 1
    assert standin.faults.waiting() == []


def test_an_error_that_is_no_json(client: httpx.Client, standin: StandIn) -> None:
    standin.faults.add("html=502")
    answer = post(client, FLASH)

    assert (answer.status_code, answer.headers["content-type"]) == (502, "text/html; charset=utf-8")
    with pytest.raises(ValueError, match="Expecting value"):
        answer.json()
    assert len(standin.books) == 0


@pytest.mark.parametrize(("fault", "after"), [("rate-limited=7", "7"), ("rate-limited", None)])
def test_429_with_and_without_retry_after(client: httpx.Client, standin: StandIn, fault: str, after: str | None) -> None:
    standin.faults.add(fault)
    answer = post(client, FLASH)

    assert (answer.status_code, answer.json()["name"], answer.headers.get("retry-after")) == (429, "rate_limit_exceeded", after)
    assert post(client, FLASH).status_code == 200


@pytest.mark.parametrize("accept", ["image/png", "application/json"])
@pytest.mark.parametrize("one", [FLASH, SDXL], ids=["v2beta", "v1"])
def test_a_truncated_picture(client: httpx.Client, standin: StandIn, one: Endpoint, accept: str) -> None:
    standin.faults.add("truncated")
    answer = send(client, one, minimal(one), accept=accept)
    content = answer.json() if accept == "application/json" else {}
    data = base64.b64decode(content.get("image") or content["artifacts"][0]["base64"]) if content else answer.content

    assert answer.status_code == 200
    with pytest.raises(OSError, match="truncated"):
        Image.open(io.BytesIO(data)).load()
    assert len(standin.books) == 1


def test_a_wrong_content_type(client: httpx.Client, standin: StandIn) -> None:
    standin.faults.add("wrong-type")
    answer = post(client, FLASH)

    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert Image.open(io.BytesIO(answer.content)).size == (1024, 1024)


def test_an_answer_is_held_until_it_is_let_go(client: httpx.Client, standin: StandIn) -> None:
    standin.faults.add("hold")
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(post, client, FLASH)
        while not standin.books:
            assert not asked.done()
        assert not asked.done()
        standin.faults.release()
        assert asked.result().status_code == 200


def test_a_delay_keeps_the_client_waiting_and_is_charged(client: httpx.Client, standin: StandIn) -> None:
    standin.faults.add("delay=0.3")
    with pytest.raises(httpx.ReadTimeout):
        client.get("/v1/user/balance", timeout=httpx.Timeout(30, read=0.1))
    standin.faults.add("delay=0.2")
    started = time.monotonic()
    answer = post(client, FLASH)

    assert time.monotonic() - started >= 0.2
    assert (answer.status_code, len(standin.books)) == (200, 1)


def test_a_fault_in_a_header_or_in_the_prompt_is_of_one_request(client: httpx.Client, standin: StandIn) -> None:
    answers = [
        send(client, FLASH, minimal(FLASH), standin_fault="status=504"),
        post(client, FLASH, prompt="a boat standin:filtered"),
        post(client, FLASH),
    ]

    assert [answer.status_code for answer in answers] == [504, 200, 200]
    assert [answer.headers.get("finish-reason") for answer in answers] == [None, "CONTENT_FILTERED", "SUCCESS"]


def test_faults_wait_for_their_path_and_key(client: httpx.Client, standin: StandIn) -> None:
    other = standin.keys.add().secret
    standin.faults.add("status=500", path="/v2beta/results/*")
    standin.faults.add("status=502", key=other)
    id = post(client, RELIGHT).json()["id"]
    answers = [client.get(f"/v2beta/results/{id}").status_code for _ in range(2)]
    theirs = client.get("/v1/user/balance", headers={"authorization": f"Bearer {other}"})

    assert answers == [500, 200]
    assert theirs.status_code == 502
    assert standin.books.total() == 8


@pytest.mark.parametrize("fault", ["nonsense", "status=200", "status", "refuse=nothing", "delay=long"])
def test_what_is_no_fault_is_said_at_once(client: httpx.Client, standin: StandIn, fault: str) -> None:
    with pytest.raises(ValueError, match=r"there are|status from 500|could not convert"):
        standin.faults.add(fault)

    answer = send(client, FLASH, minimal(FLASH), standin_fault=fault)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "text/plain; charset=utf-8")
    assert len(standin.books) == 0


def test_a_server_that_stops_does_not_wait_for_a_delay() -> None:
    with StandIn() as standin:
        standin.faults.add("delay=3600")
        with pytest.raises(httpx.ReadTimeout):
            httpx.get(standin.url + "/v1/user/balance", timeout=httpx.Timeout(30, read=0.1), trust_env=False)

    with pytest.raises(httpx.ConnectError):
        httpx.get(standin.url, trust_env=False)
