"""What an engine's chip says depends on whether a worker is there."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from studio.backends import registry
from studio.backends.base import EngineState
from studio.generation import services
from studio.generation.engines import available
from studio.generation.models import Worker
from studio.generation.worker.presence import Presence

pytestmark = pytest.mark.django_db


def state_with(**worker):
    if worker:
        Worker.objects.create(name="w", queues=["null"], pid=1, host="h", heartbeat_at=timezone.now(), **worker)
    [engine] = [engine for engine in available() if engine.id == "null"]
    return engine.state, engine.state_detail


def test_without_a_worker_what_is_sent_waits():
    state, detail = state_with()
    assert (state, "waits for it" in detail) == (EngineState.STARTING, True)


def test_a_ready_worker():
    assert state_with(state="ready") == (EngineState.READY, "")


def test_a_worker_that_warms_up():
    assert state_with(state="starting")[0] is EngineState.STARTING


def test_a_worker_that_could_not_start_says_why():
    assert state_with(state="broken", detail="No memory.") == (EngineState.BROKEN, "No memory.")


def test_the_operator_sees_jobs_and_workers(alice, client_of):
    alice.is_staff = alice.is_superuser = True
    alice.save()
    state_with(state="ready")
    client = client_of(alice)
    assert "ready" in client.get(reverse("admin:generation_worker_changelist")).content.decode()
    assert client.get(reverse("admin:generation_job_changelist")).status_code == 200


# --- engines elsewhere, whose worker alone hears the provider ---------------------------------------------------------


def elsewhere(**told):
    """The null engine as if it were elsewhere, and what a ready worker says of it."""
    Worker.objects.create(name="w", queues=["null"], state="ready", pid=1, host="h", heartbeat_at=timezone.now(), engines={"null": told})
    return state_with()


def test_an_engine_that_cools_down_says_for_how_long():
    until = (timezone.now() + timedelta(seconds=42)).isoformat()
    assert elsewhere(state="cooling-down", detail="Cooling down, 42 s.", until=until)[0] is EngineState.COOLING_DOWN
    [engine] = [engine for engine in available() if engine.id == "null"]
    assert 40 < engine.state_seconds <= 42


def test_a_rest_that_is_over_is_over_at_once():
    until = (timezone.now() - timedelta(seconds=1)).isoformat()
    assert elsewhere(state="cooling-down", detail="Cooling down, 42 s.", until=until) == (EngineState.READY, "")


def test_what_only_a_newer_worker_knows_keeps_nobody_from_sending(alice, client_of):
    assert elsewhere(state="on-strike", detail="Since Monday.", until=None) == (EngineState.READY, "")
    assert client_of(alice).get(reverse("create"), {"engine": "null"}).status_code == 200


def test_a_refused_key_is_told_to_everybody_and_to_the_operator(alice, client_of):
    assert elsewhere(state="no-key", detail="Not accepted.", until=None) == (EngineState.NO_KEY, "Not accepted.")
    html = client_of(alice).get(reverse("create"), {"engine": "null"}).content.decode()
    assert ("That is nothing you did" in html, "STABILITY_API_KEY" in html) == (True, False)
    alice.is_staff = alice.is_superuser = True
    alice.save()
    client = client_of(alice)
    assert "STABILITY_API_KEY" in client.get(reverse("create"), {"engine": "null"}).content.decode()
    assert "Not accepted." in client.get(reverse("admin:generation_worker_changelist")).content.decode()


def test_a_refused_key_says_when_it_is_tried_again_and_is_not_good_before_it_was(alice, client_of):
    until = timezone.now() + timedelta(seconds=90)
    assert elsewhere(state="no-key", detail="Refused.", until=until.isoformat())[0] is EngineState.NO_KEY
    html = client_of(alice).get(reverse("create"), {"engine": "null"}).content.decode()
    assert f'It is tried again by itself at <span class="num">{timezone.localtime(until):%H:%M}</span>.' in html
    Worker.objects.update(engines={"null": {"state": "no-key", "detail": "Refused.", "until": timezone.now().isoformat()}})
    assert state_with() == (EngineState.NO_KEY, "Refused.")


def test_of_several_workers_one_that_can_is_enough():
    Worker.objects.create(name="other", queues=["null"], state="ready", pid=2, host="h", heartbeat_at=timezone.now())
    assert elsewhere(state="no-key", detail="Not accepted.", until=None) == (EngineState.READY, "")


def test_a_worker_writes_what_its_engines_elsewhere_cannot_do(monkeypatch):
    engine = registry.engine("null").in_state(EngineState.COOLING_DOWN, "Cooling down, 42 s.", 42)
    monkeypatch.setattr(
        registry, "engines", lambda: [replace(engine, local=False), replace(engine, id="another", local=False, state=EngineState.READY)]
    )
    Presence(["null"]).show("ready")
    [told] = Worker.objects.get().engines.values()
    assert (told["state"], told["detail"]) == ("cooling-down", "Cooling down, 42 s.")
    assert 40 < (datetime.fromisoformat(told["until"]) - timezone.now()).total_seconds() <= 42


def test_a_page_that_stays_open_asks_how_its_engine_stands(alice, client_of):
    client = client_of(alice)
    page = client.get(reverse("create_engine"), {"engine": "null", "mode": "text-to-image"})
    assert (page.status_code, "Null (test card)" in page.content.decode(), 'id="panel"' in page.content.decode()) == (200, True, False)
    assert client.get(reverse("create_engine"), {"engine": "gone", "mode": "text-to-image"}).status_code == 204
    assert client.get(reverse("create_engine"), {"engine": "null", "mode": "image-to-3d"}).status_code == 204


def test_a_paused_engine_stays_the_one_that_create_opens_on(monkeypatch, alice, client_of):
    """Else what was meant for it would become another engine's work, and be charged."""
    card = registry.engine("null")
    engines = [replace(card, id="painter", label="Painter", queue="painter"), card]
    monkeypatch.setattr(registry, "engines", lambda: engines)
    Worker.objects.create(name="w", queues=["null", "painter"], state="ready", pid=1, host="h", heartbeat_at=timezone.now())
    client = client_of(alice)
    assert client.get(reverse("create")).context["engine"].id == "painter"
    services.pause_queue("painter", by=alice, reason="Back at five")
    page = client.get(reverse("create"))
    assert page.context["engine"].id == "painter"
    assert "Paused by the operator: Back at five. What you send waits, and goes on by itself." in page.content.decode()
