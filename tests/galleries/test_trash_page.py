"""The trash: what is in it and until when, out of it again, and away for good."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.conf import settings
from django.core.files.storage import default_storage
from django.test import Client

from accounts.models import AuditEntry, Team, User
from billing.models import LedgerEntry
from studio.galleries import services, trashing
from studio.generation.models import Artifact
from tests.factories import make_artifact

NOW = datetime(2026, 3, 5, 15, 0, tzinfo=UTC)
HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def thursday_afternoon() -> object:
    with time_machine.travel(NOW, tick=False):
        yield


def listed(page: str) -> list[str]:
    return re.findall(r'id="p-([^"]+)"', page)


def erase(client: Client, *pictures: Artifact) -> object:
    return client.post("/library/bulk/erase/", {"ids": [str(one.pk) for one in pictures]}, headers=HTMX)


def test_what_is_in_it_by_whom_and_until_when(
    team: Team, alice: User, bob: User, other_team: Team, mallory: User, client_of: Callable[..., Client]
) -> None:
    old, recent, kept = (make_artifact(team, alice, files=False, prompt=f"a boat {n}") for n in range(3))
    services.trash(make_artifact(other_team, mallory, files=False), by=mallory)
    with time_machine.travel(NOW - timedelta(days=2), tick=False):
        services.trash(recent, by=bob)
    services.trash(old, by=None)
    page = client_of(bob).get("/library/trash/").content.decode()
    assert listed(page) == [str(old.pk), str(recent.pk)]
    assert "Deleted by Bob, <time" in page
    assert f'Goes for good <time datetime="{(NOW + timedelta(days=settings.TRASH_DAYS - 2)).isoformat()}">2 April 2026</time>' in page
    assert "stays here for 30 days" in page
    assert str(kept.pk) not in page
    assert 'href="/library/trash/"' in client_of(bob).get("/library/").content.decode()


def test_it_goes_on_on_another_page(team: Team, alice: User, client_of: Callable[..., Client], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trashing, "PAGE", 2)
    made = [make_artifact(team, alice, files=False) for _ in range(5)]
    for one in made:
        services.trash(one, by=alice)
    browser, address, seen = client_of(alice), "/library/trash/", []
    while address:
        page = browser.get(address).content.decode()
        seen += listed(page)
        following = re.search(r'href="(/library/trash/\?before=\d+)"', page)
        address = following[1] if following else ""
    assert seen == [str(one.pk) for one in reversed(made)]
    assert "The trash is empty" not in browser.get("/library/trash/?before=nonsense").content.decode()


def test_an_empty_one_says_so(team: Team, alice: User, client_of: Callable[..., Client]) -> None:
    page = client_of(alice).get("/library/trash/").content.decode()
    assert "The trash is empty" in page
    assert "trash/empty" not in page


def test_who_sees_it_and_who_empties_it(
    team: Team, alice: User, bob: User, carol: User, mallory: User, client_of: Callable[..., Client]
) -> None:
    picture = make_artifact(team, alice)
    services.trash(picture, by=alice)
    assert client_of(carol).get("/library/trash/").status_code == 403
    assert str(picture.pk) not in client_of(mallory).get("/library/trash/").content.decode()
    assert Client().get("/library/trash/").status_code == 302
    assert "/library/trash/empty/" not in client_of(bob).get("/library/trash/").content.decode()
    for who, status in ((bob, 403), (carol, 403), (mallory, 302)):
        assert client_of(who).post("/library/trash/empty/").status_code == status
    assert client_of(alice).get("/library/trash/empty/").status_code == 405
    assert Artifact.objects.filter(pk=picture.pk).exists()
    assert default_storage.exists(picture.variant("original"))


def test_emptying_takes_this_team_s_trash_and_nothing_else(
    team: Team, alice: User, mallory: User, other_team: Team, client_of: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trashing, "BATCH", 2)
    kept, *doomed = [make_artifact(team, alice) for _ in range(4)]
    elsewhere = make_artifact(other_team, mallory)
    for one in (*doomed, elsewhere):
        services.trash(one, by=None)
    books = list(LedgerEntry.objects.order_by("id").values_list("kind", "amount", "held"))
    browser = client_of(alice)
    answer = browser.post("/library/trash/empty/")
    assert answer["Location"] == "/library/trash/"
    assert "3 items deleted for good." in browser.get("/library/trash/").content.decode()
    assert set(Artifact.objects.values_list("pk", flat=True)) == {kept.pk, elsewhere.pk}
    assert [default_storage.exists(one.variant("original")) for one in (kept, elsewhere, *doomed)] == [True, True, False, False, False]
    assert list(LedgerEntry.objects.order_by("id").values_list("kind", "amount", "held")) == books
    assert AuditEntry.objects.filter(action="trash.emptied").get().text == "emptied the trash: 3 items deleted for good"
    browser.post("/library/trash/empty/")
    assert "The trash was empty already." in browser.get("/library/trash/").content.decode()


def test_for_good_by_an_admin_or_by_whoever_made_it(team: Team, alice: User, bob: User, client_of: Callable[..., Client]) -> None:
    hers, his = make_artifact(team, alice), make_artifact(team, bob)
    alive = make_artifact(team, bob)
    for one in (hers, his):
        services.trash(one, by=bob)
    creator = client_of(bob)
    refused = erase(creator, hers, his)
    assert refused.status_code == 403  # type: ignore[attr-defined]
    assert "Only an admin of the team can delete for good what others made." in refused.content.decode()  # type: ignore[attr-defined]
    assert Artifact.objects.count() == 3
    assert b"Picture deleted for good." in erase(creator, his, alive).content  # type: ignore[attr-defined]
    assert set(Artifact.objects.values_list("pk", flat=True)) == {hers.pk, alive.pk}, "what is not in the trash is not deleted for good"
    assert not default_storage.exists(his.variant("original"))
    assert b"They were not in the trash any more." in erase(creator, alive).content  # type: ignore[attr-defined]
    erase(client_of(alice), hers)
    assert set(Artifact.objects.values_list("pk", flat=True)) == {alive.pk}
    lines = AuditEntry.objects.exclude(action="team.made").order_by("id")
    assert list(lines.values_list("actor_name", "text")) == [
        ("Bob Member", "deleted 1 item for good"),
        ("Alice Harbour", "deleted 1 item for good"),
    ]
