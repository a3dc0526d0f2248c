"""The receiver counts what it took, knows a wrong signature, and refuses no event twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from standardwebhooks import Webhook

from studio.webhooks.signing import new_secret
from tests.chaos import receiver as room
from tests.chaos.asks import Journal
from tests.chaos.receiver import Arrival, Receiver
from tests.clock import set_clock


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    journal = Journal(tmp_path / "journal.jsonl")
    one = Receiver(1, journal)
    one.secrets["7"] = new_secret()
    yield one
    one.close()
    journal.close()


def send(receiver: Receiver, event_id: str = "evt_1", *, secret: str = "") -> int:
    body = json.dumps({"id": event_id, "type": "job.succeeded", "data": {"id": "a job"}})
    now = datetime.now(UTC)
    signature = Webhook(secret or receiver.secrets["7"]).sign(event_id, now, body)
    headers = {"webhook-id": event_id, "webhook-timestamp": str(int(now.timestamp())), "webhook-signature": signature}
    return httpx.post(receiver.url("7"), content=body, headers=headers).status_code


def always(monkeypatch: pytest.MonkeyPatch, mood: str) -> None:
    monkeypatch.setattr(room, "MOODS", ((mood, 1.0),))


def test_what_it_took_is_known_by_its_signature(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    always(monkeypatch, "took it")
    assert send(receiver) == 204
    assert send(receiver, "evt_2", secret=new_secret()) == 204
    assert receiver.arrivals == [Arrival("evt_1", "job.succeeded", "a job", True), Arrival("evt_2", "job.succeeded", "a job", False)]


def test_an_event_is_refused_once(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    always(monkeypatch, "answered 500")
    assert [send(receiver), send(receiver), send(receiver, "evt_2")] == [500, 204, 500]
    assert [one.event_id for one in receiver.arrivals] == ["evt_1"]


def test_one_that_hung_up_took_nothing(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    always(monkeypatch, "hung up")
    with pytest.raises(httpx.RemoteProtocolError):
        send(receiver)
    assert receiver.arrivals == []


def test_it_is_down_for_a_moment_and_comes_back_under_its_address(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    always(monkeypatch, "took it")
    refused: list[type[Exception]] = []

    def meanwhile(_seconds: float) -> None:
        with pytest.raises(httpx.ConnectError) as told:
            send(receiver)
        refused.append(told.type)

    set_clock(monkeypatch, room, sleep=meanwhile)
    receiver.go_down()
    assert refused == [httpx.ConnectError]
    assert send(receiver) == 204
