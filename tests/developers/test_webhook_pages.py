"""Webhooks in the studio: endpoints made, changed, tested, switched and deleted, and the log of what was sent, read and sent again."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEntry, Team, User
from studio.developers import once
from studio.developers.pages import endpoints
from studio.webhooks import courier, services
from studio.webhooks.models import Delivery, Endpoint, Event
from studio.webhooks.sending import Answer
from tests.accounts.pages import Page
from tests.developers.test_key_pages import LATELY, page_of

pytestmark = pytest.mark.django_db
HOOK = "https://shop.harbour.example/atelier"
FORM = {"url": HOOK, "events": ["job.succeeded", "wallet.low"], "description": "Web shop"}
Status = Delivery.Status


@pytest.fixture
def endpoint(team: Team, alice: User) -> Endpoint:
    return services.make_endpoint(team, by=alice, url=HOOK, events=["job.succeeded"], description="Web shop")


def delivered(
    endpoint: Endpoint, status: str = Status.DELIVERED, *, answers: tuple[tuple[int | None, str], ...] = ((204, ""),)
) -> Delivery:
    """Something that was sent; `answers` are status and body of each try."""
    services.publish(endpoint.team_id, Event.JOB_SUCCEEDED, {"id": "a-job", "object": "job"})
    found = Delivery.objects.latest("id")
    now = timezone.now()
    found.log = [
        {
            "at": now.isoformat(),
            "status": code,
            "ms": 83,
            "said": said,
            "error": "" if code and code < 300 else f"It answered {code}." if code else "It could not be reached.",
        }
        for code, said in answers
    ]
    found.status, found.attempts, found.next_at = status, len(answers), now + timedelta(minutes=30)
    found.ended_at = None if status == Status.WAITING else now
    found.save()
    return found


def path_of(endpoint: Endpoint, rest: str = "") -> str:
    return f"/developers/webhooks/{endpoint.pk}/{rest}"


# --- endpoints -------------------------------------------------------------------------------------------------------


def test_an_endpoint_is_made_once_and_its_secret_is_shown(client_of: Callable[..., Client], alice: User, team: Team) -> None:
    client, ticket = client_of(alice), once.ticket()
    first, second = (client.post("/developers/webhooks/new/", {**FORM, "ticket": ticket})["Location"] for _ in range(2))
    made = Endpoint.objects.get()
    assert first == second == path_of(made, "secret/")
    assert (made.team, made.url, made.events, made.description) == (team, HOOK, ["job.succeeded", "wallet.low"], "Web shop")
    response = client.get(first)
    assert html.escape(made.secret) in response.content.decode()
    assert "no-store" in response["Cache-Control"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"url": ""}, "Write the address of your server"),
        ({"url": "http://127.0.0.1:8000/hook"}, "is not public"),
        ({"url": "ftp://shop.harbour.example/"}, "http"),
        ({"events": []}, "Choose one event at least"),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_is_kept(
    client_of: Callable[..., Client], alice: User, team: Team, changes: dict[str, object], said: str
) -> None:
    response = client_of(alice).post("/developers/webhooks/new/", {**FORM, **changes})
    assert response.status_code == 422
    page = Page(response.content.decode())
    assert said in page.text
    typed = {one.get("name"): one.get("value") for one in page.all("input")}
    assert typed["description"] == "Web shop"
    assert typed["url"] == changes.get("url", HOOK) or not typed["url"]
    assert not Endpoint.objects.exists()


def test_an_endpoint_is_changed(client_of: Callable[..., Client], alice: User, endpoint: Endpoint) -> None:
    secret = endpoint.secret
    response = client_of(alice).post(path_of(endpoint, "change/"), {**FORM, "url": "https://other.example/hook", "description": ""})
    assert response["Location"] == path_of(endpoint)
    endpoint.refresh_from_db()
    assert (endpoint.url, endpoint.description, endpoint.secret) == ("https://other.example/hook", "", secret)


def test_a_new_secret_is_made_once_and_the_old_one_goes_on(client_of: Callable[..., Client], alice: User, endpoint: Endpoint) -> None:
    client, old, ticket = client_of(alice), endpoint.secret, once.ticket()
    for _ in range(2):
        client.post(path_of(endpoint, "secret/"), {"overlap": "24", "ticket": ticket})
    endpoint.refresh_from_db()
    assert endpoint.secret != old
    assert endpoint.old_secret == old
    page = page_of(client, path_of(endpoint, "secret/"))
    assert "every call is signed with the old secret as well" in page.text
    assert html.escape(old) not in page.source


def test_switched_off_and_on_again(client_of: Callable[..., Client], alice: User, endpoint: Endpoint) -> None:
    client = client_of(alice)
    client.post(path_of(endpoint, "off/"))
    endpoint.refresh_from_db()
    assert not endpoint.is_active
    assert "It is switched off. Nothing is sent." in page_of(client, path_of(endpoint)).text
    Endpoint.objects.update(switched_off_at=timezone.now())
    assert "The studio switched it off on" in page_of(client, path_of(endpoint)).text
    client.post(path_of(endpoint, "on/"))
    endpoint.refresh_from_db()
    assert (endpoint.is_active, endpoint.switched_off_at) == (True, None)


def test_deleting_asks_first(client_of: Callable[..., Client], alice: User, endpoint: Endpoint) -> None:
    client = client_of(alice)
    services.publish(endpoint.team_id, Event.JOB_SUCCEEDED, {"id": "a-job"})
    assert "the 1 call that waits" in page_of(client, path_of(endpoint, "delete/")).text
    assert Endpoint.objects.exists()
    assert client.post(path_of(endpoint, "delete/"))["Location"] == "/developers/webhooks/"
    assert not Endpoint.objects.exists()
    assert client.post(path_of(endpoint, "delete/")).status_code == 404
    assert AuditEntry.objects.of_team(endpoint.team).first().action == "webhook.deleted"


def test_the_list_says_how_each_stands(client_of: Callable[..., Client], alice: User, endpoint: Endpoint) -> None:
    client = client_of(alice)
    delivered(endpoint)
    delivered(endpoint, Status.PARKED, answers=((500, ""),))
    services.publish(endpoint.team_id, Event.JOB_SUCCEEDED, {"id": "a-job"})
    text = page_of(client, "/developers/webhooks/").text
    row = "Web shop https://shop.harbour.example/atelier A generation is done 1 arrived, 1 waiting, 1 given up last"
    assert re.search(rf"{re.escape(row)} {LATELY} On", text)
    Endpoint.objects.update(failing_since=timezone.now() - timedelta(hours=1))
    assert "Failing" in page_of(client, "/developers/webhooks/").text


def test_an_empty_list_teaches(client_of: Callable[..., Client], alice: User, team: Team) -> None:
    page = page_of(client_of(alice), "/developers/webhooks/")
    assert "No endpoint yet" in page.text
    assert "/developers/webhooks/new/" in [one.get("href") for one in page.all("a")]


# --- the log ---------------------------------------------------------------------------------------------------------


def test_a_test_is_sent_and_looked_for(
    client_of: Callable[..., Client], alice: User, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_of(alice)
    assert client.post(path_of(endpoint, "test/"))["Location"] == path_of(endpoint)
    page = page_of(client, path_of(endpoint))
    assert "A test test" in page.text
    assert 'hx-trigger="every 2s"' in page.source, "it looks again by itself"
    monkeypatch.setattr(courier, "post", lambda url, body, headers: Answer(12, 204))
    courier.deliver(courier.take(timezone.now()))
    page = page_of(client, path_of(endpoint))
    assert "204 in 12 ms Delivered 1 try" in page.text
    assert 'hx-trigger="every 2s"' not in page.source


def test_what_is_delivered_while_the_log_is_read_is_looked_for_again(
    client_of: Callable[..., Client], alice: User, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, told = client_of(alice), endpoints._told
    client.post(path_of(endpoint, "test/"))

    def tell(delivery: Delivery) -> Any:
        Delivery.objects.filter(pk=delivery.pk).update(status=Delivery.Status.DELIVERED)
        return told(delivery)

    monkeypatch.setattr(endpoints, "_told", tell)
    assert 'hx-trigger="every 2s"' in page_of(client, path_of(endpoint)).source
    assert 'hx-trigger="every 2s"' not in page_of(client, path_of(endpoint)).source


def test_the_log_is_filtered_by_state_and_goes_on(client_of: Callable[..., Client], alice: User, endpoint: Endpoint) -> None:
    client = client_of(alice)
    for _ in range(51):
        delivered(endpoint)
    parked = delivered(endpoint, Status.PARKED, answers=((404, "Not found"),) * 3)
    text = page_of(client, path_of(endpoint)).text
    assert "All 52 Waiting 0 Delivered 51 Given up 1" in text
    assert "404 in 83 ms Not found Given up 3 tries" in text

    def rows(query: str) -> list[str]:
        return re.findall(r'"/developers/deliveries/([0-9a-f-]{36})/"', page_of(client, path_of(endpoint) + query).source)

    assert rows("?state=parked") == [str(parked.pk)]
    assert rows("?state=waiting") == []
    first = rows("")
    assert len(first) == 50
    older = rows(f"?after={first[-1]}")
    assert first + older == [str(pk) for pk in Delivery.objects.order_by("-id").values_list("pk", flat=True)]
    assert rows("?state=nonsense&after=nonsense") == first


def test_a_delivery_shows_what_was_sent_and_what_came_back(client_of: Callable[..., Client], alice: User, endpoint: Endpoint) -> None:
    found = delivered(endpoint, Status.WAITING, answers=((None, ""), (500, "<script>alert(1)</script>")))
    page = page_of(client_of(alice), f"/developers/deliveries/{found.pk}/")
    assert '"id": "a-job"' in page.text
    assert f"evt_{found.event_id.hex}" in page.text
    assert "2 tries Answered 500" in page.text
    assert "It could not be reached." in page.text
    assert "<script>alert(1)</script>" in page.text
    assert "To be tried again" in page.text


def test_a_delivery_is_sent_again(client_of: Callable[..., Client], alice: User, endpoint: Endpoint) -> None:
    client, found = client_of(alice), delivered(endpoint, Status.PARKED, answers=((500, ""),))
    event_id = found.event_id
    client.post(f"/developers/deliveries/{found.pk}/again/")
    found.refresh_from_db()
    assert (found.status, found.event_id) == (Status.WAITING, event_id)
    Delivery.objects.update(status=Status.PARKED)
    Endpoint.objects.update(is_active=False)
    response = client.post(f"/developers/deliveries/{found.pk}/again/", follow=True)
    assert "This endpoint is switched off" in response.content.decode()
    found.refresh_from_db()
    assert found.status == Status.PARKED


# --- others ----------------------------------------------------------------------------------------------------------


def test_who_may_not_administer_is_told_so_and_sees_no_link(client_of: Callable[..., Client], bob: User, endpoint: Endpoint) -> None:
    client = client_of(bob)
    assert "/developers/webhooks/" not in page_of(client, "/developers/").source
    for path in ("/developers/webhooks/", "/developers/webhooks/new/", path_of(endpoint), path_of(endpoint, "secret/")):
        assert client.get(path).status_code == 403
    assert client.post("/developers/webhooks/new/", FORM).status_code == 403
    assert Endpoint.objects.count() == 1


def test_a_stranger_finds_nothing(client_of: Callable[..., Client], mallory: User, other_team: Team, endpoint: Endpoint) -> None:
    client, found, before = client_of(mallory), delivered(endpoint), endpoint.secret
    for rest in ("", "change/", "secret/", "delete/"):
        assert client.get(path_of(endpoint, rest)).status_code == 404
    for rest in ("test/", "on/", "off/", "delete/", "change/", "secret/"):
        assert client.post(path_of(endpoint, rest), {**FORM, "overlap": "0"}).status_code == 404
    assert client.get(f"/developers/deliveries/{found.pk}/").status_code == 404
    assert client.post(f"/developers/deliveries/{found.pk}/again/").status_code == 404
    endpoint.refresh_from_db()
    assert (endpoint.secret, Delivery.objects.count()) == (before, 1)
