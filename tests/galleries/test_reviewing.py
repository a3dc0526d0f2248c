"""The review of what leaves a team, and the reports of those who see it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import AuditEntry, Membership, Role, Team, User
from studio.galleries import curating, publishing, reviewing, shelf, trashing
from studio.galleries.errors import Handled
from studio.galleries.models import Gallery, GalleryItem, Notice, Report, Review, Visibility
from studio.galleries.services import trash
from studio.generation.models import Artifact
from tests.factories import make_artifact, make_artifacts

pytestmark = pytest.mark.usefixtures("fresh_limits")
HTMX = {"HX-Request": "true"}
Clients = Callable[..., Client]


@pytest.fixture
def pictures(team: Team, bob: User) -> list[Artifact]:
    return make_artifacts(team, bob, 3, prompt="a secret lighthouse")


@pytest.fixture
def gallery(team: Team, bob: User, pictures: list[Artifact]) -> Gallery:
    """Of bob, who may not publish, shown to everybody: all of it waits."""
    made = curating.create(team, by=bob, name="Coastal nights")
    curating.add(made, pictures, by=bob)
    publishing.show_to(made, Visibility.PUBLIC, by=bob)
    Notice.objects.all().delete()
    return made


@pytest.fixture
def browser(alice: User, team: Team, client_of: Clients) -> Client:
    return client_of(alice)


def reviews(gallery: Gallery) -> list[str]:
    return list(gallery.items.order_by("position").values_list("review", flat=True))


def item(gallery: Gallery, place: int) -> GalleryItem:
    return gallery.items.order_by("position")[place]


def sent(**fields: Any) -> dict[str, Any]:
    return {"reason": "mine", "text": "That is my house.", "email": "", "website": "", **fields}


# --- the queue ---------------------------------------------------------------------------------------------------------


def test_the_queue_shows_what_waits_by_gallery(gallery: Gallery, team: Team, bob: User, browser: Client) -> None:
    hidden = curating.create(team, by=bob, name="Not shown")
    curating.add(hidden, make_artifacts(team, bob, 1, files=False), by=bob)
    text = browser.get("/review/").content.decode()
    assert text.count("data-review-item") == 3
    assert "Coastal nights" in text
    assert "a secret lighthouse" in text
    assert "Bob Member" in text
    assert "Not shown" not in text


def test_a_picture_is_approved_and_its_maker_hears_of_it(gallery: Gallery, alice: User, bob: User, browser: Client) -> None:
    answer = browser.post("/review/decide/", {"approve": item(gallery, 0).pk}, headers=HTMX)
    assert answer.content.decode().count("data-review-item") == 2
    assert re.search(r'id="nav-review"[^>]*hx-swap-oob="true"[^>]*>Review <span class="badge num">2<', answer.content.decode())
    assert "1 approved. People outside see it now." in answer.content.decode()
    assert reviews(gallery) == ["approved", "waiting", "waiting"]
    assert Client().get(f"/public/{gallery.pk}/").content.decode().count('class="picture tile"') == 1
    notice = Notice.objects.get()
    assert (notice.user, notice.actor, notice.kind, notice.gallery) == (bob, alice, "decision", gallery)
    assert notice.text == "Alice Harbour approved a picture of yours in “Coastal nights”. People outside see it now."
    assert AuditEntry.objects.filter(action="review.approved", text="approved a picture in “Coastal nights”").exists()


def test_several_are_approved_at_once(gallery: Gallery, browser: Client) -> None:
    chosen = [item(gallery, 0).pk, item(gallery, 2).pk]
    assert browser.post("/review/decide/", {"approve": "chosen", "item": chosen})["Location"] == "/review/"
    assert reviews(gallery) == ["approved", "waiting", "approved"]
    assert Notice.objects.get().text == "Alice Harbour approved 2 pictures of yours in “Coastal nights”. People outside see them now."


def test_a_rejection_says_why(gallery: Gallery, bob: User, browser: Client, client_of: Clients) -> None:
    chosen = item(gallery, 1).pk
    wrong = browser.post("/review/decide/", {"reject": "chosen", "item": chosen, "gallery": gallery.pk, "reason": " "}, headers=HTMX)
    assert wrong.status_code == 422
    assert "Say why, so that they know what to change." in wrong.content.decode()
    assert f'name="item" value="{chosen}" checked' in wrong.content.decode(), "what was chosen stays chosen"
    assert reviews(gallery) == ["waiting"] * 3
    browser.post("/review/decide/", {"reject": "chosen", "item": chosen, "gallery": gallery.pk, "reason": "It shows\na logo."})
    assert reviews(gallery) == ["waiting", "rejected", "waiting"]
    assert Notice.objects.get(user=bob).text == "Alice Harbour rejected a picture of yours in “Coastal nights”: It shows a logo."
    assert 'title="It shows a logo."' in client_of(bob).get(f"/galleries/{gallery.pk}/").content.decode()
    assert AuditEntry.objects.filter(action="review.rejected", text__endswith="in “Coastal nights”: It shows a logo.").exists()


def test_choosing_nothing_decides_nothing(gallery: Gallery, browser: Client) -> None:
    for decision in ({"approve": "chosen"}, {"reject": "chosen", "reason": "No."}, {"approve": "nonsense"}):
        assert "Nothing was chosen." in browser.post("/review/decide/", decision, headers=HTMX).content.decode()
    assert reviews(gallery) == ["waiting"] * 3
    assert not Notice.objects.exists()


def test_who_left_the_team_is_not_told(gallery: Gallery, bob: User, browser: Client) -> None:
    Membership.objects.filter(user=bob).exclude(team__is_personal=True).delete()
    browser.post("/review/decide/", {"approve": item(gallery, 0).pk})
    assert reviews(gallery) == ["approved", "waiting", "waiting"]
    assert not Notice.objects.filter(user=bob).exists()


def test_what_is_decided_already_is_not_told_again(gallery: Gallery, alice: User) -> None:
    items = list(gallery.items.select_related("gallery__team", "artifact"))
    assert reviewing.approve(items, by=alice) == 3
    assert reviewing.approve(items, by=alice) == 0
    assert Notice.objects.count() == 1


def test_a_picture_is_approved_from_its_gallery(gallery: Gallery, browser: Client) -> None:
    back = f"/galleries/{gallery.pk}/"
    assert browser.post("/review/decide/", {"approve": item(gallery, 0).pk, "back": back})["Location"] == back
    for foreign in ("//evil.example/", "https://evil.example/", "/galleries/\\evil"):
        assert browser.post("/review/decide/", {"approve": item(gallery, 1).pk, "back": foreign})["Location"] == "/review/"


@pytest.mark.parametrize("who", ["bob", "carol", "mallory"])
def test_only_who_may_publish_reviews(who: str, gallery: Gallery, request: pytest.FixtureRequest, client_of: Clients) -> None:
    person = request.getfixturevalue(who)
    report = publishing.report(gallery, None, reason="other", text="", email="")
    client = client_of(person)
    denied = 200 if who == "mallory" else 403  # mallory reviews in a team of her own, where nothing of this is
    assert client.get("/review/").status_code == denied
    assert b"Coastal" not in client.get("/review/").content
    for decision in ({"approve": item(gallery, 0).pk}, {"reject": item(gallery, 0).pk, "reason": "No."}):
        client.post("/review/decide/", decision)
    assert client.post(f"/review/reports/{report.pk}/", {"do": "down"}).status_code == (404 if who == "mallory" else 403)
    assert reviews(gallery) == ["waiting"] * 3
    report.refresh_from_db()
    assert report.handled_at is None


def test_a_badge_counts_what_waits_for_those_who_review(
    gallery: Gallery, pictures: list[Artifact], alice: User, bob: User, team: Team, other_team: Team, client_of: Clients
) -> None:
    publishing.report(gallery, None, reason="other", text="", email="")
    assert shelf.number_to_review(team) == 4
    trash(pictures[0])
    assert shelf.number_to_review(team) == 3
    assert shelf.number_to_review(other_team) == 0
    assert 'Review <span class="badge num">3</span>' in client_of(alice).get("/library/").content.decode()
    assert 'href="/review/"' not in client_of(bob).get("/library/").content.decode()


def test_the_queue_asks_the_same_however_much_waits(
    gallery: Gallery, team: Team, bob: User, browser: Client, django_assert_max_num_queries: Callable[..., object]
) -> None:
    def queries() -> int:
        with django_assert_max_num_queries(40) as seen:  # type: ignore[attr-defined]
            browser.get("/review/")
        return len(seen)

    queries()  # what is done once for a session
    first = queries()
    for number in range(3):
        more = curating.create(team, by=bob, name=f"Set {number}")
        curating.add(more, make_artifacts(team, bob, 3, files=False), by=bob)
        publishing.show_to(more, Visibility.LINK, by=bob)
    assert queries() == first


def test_admins_review_too(gallery: Gallery, team: Team, carol: User, client_of: Clients) -> None:
    Membership.objects.filter(team=team, user=carol).update(role=Role.ADMIN)
    client_of(carol).post("/review/decide/", {"approve": item(gallery, 0).pk})
    assert reviews(gallery) == ["approved", "waiting", "waiting"]


# --- reports -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def shown(gallery: Gallery, alice: User) -> Gallery:
    reviewing.approve(list(gallery.items.select_related("gallery__team", "artifact")), by=alice)
    Notice.objects.all().delete()
    return gallery


def test_somebody_outside_reports_a_picture(shown: Gallery, pictures: list[Artifact], alice: User, browser: Client) -> None:
    path = f"/public/{shown.pk}/report/?picture={pictures[1].pk}"
    visitor = Client(enforce_csrf_checks=True)
    assert f'href="{path}"' in visitor.get(f"/public/{shown.pk}/{pictures[1].pk}/").content.decode()
    form = visitor.get(path).content.decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', form)[1]  # type: ignore[index]
    thanks = visitor.post(path, sent(csrfmiddlewaretoken=token, email="keeper@example.org"))
    assert "Thank you" in thanks.content.decode()
    report = Report.objects.get()
    assert (report.gallery, report.artifact, report.reason) == (shown, pictures[1], "mine")
    assert (report.text, report.email) == ("That is my house.", "keeper@example.org")
    assert list(Notice.objects.values_list("user", "actor", "kind")) == [(alice.pk, None, "report")]
    queue = browser.get("/review/").content.decode()
    assert "That is my house." in queue
    assert "keeper@example.org" in queue


def test_a_report_without_a_reason_keeps_what_was_typed(shown: Gallery) -> None:
    answer = Client().post(f"/public/{shown.pk}/report/", sent(reason="", email="nonsense"))
    assert answer.status_code == 422
    for words in ("Choose what is wrong.", "This does not look like an email address.", "That is my house."):
        assert words in answer.content.decode()
    assert not Report.objects.exists()


def test_programs_are_thanked_and_not_heard(shown: Gallery) -> None:
    assert "Thank you" in Client().post(f"/public/{shown.pk}/report/", sent(website="https://spam.example")).content.decode()
    assert not Report.objects.exists()
    assert not Notice.objects.exists()


def test_reports_are_few(shown: Gallery) -> None:
    statuses = [Client().post(f"/public/{shown.pk}/report/", sent()).status_code for _ in range(7)]
    assert statuses == [200] * 5 + [429] * 2
    assert Report.objects.count() == 5


def test_only_what_is_shown_can_be_reported(shown: Gallery, team: Team, bob: User, pictures: list[Artifact], alice: User) -> None:
    other = make_artifact(team, bob, files=False)
    for picture in (other.pk, "nonsense"):
        assert Client().post(f"/public/{shown.pk}/report/?picture={picture}", sent()).status_code == 404
    shown.items.update(review=Review.WAITING)
    assert Client().post(f"/public/{shown.pk}/report/", sent()).status_code == 404
    publishing.show_to(shown, Visibility.TEAM, by=alice)
    assert Client().post(f"/public/{shown.pk}/report/", sent()).status_code == 404
    assert not Report.objects.exists()


def test_a_reported_picture_is_taken_down(shown: Gallery, pictures: list[Artifact], alice: User, bob: User, browser: Client) -> None:
    report = publishing.report(shown, shown.items.get(artifact=pictures[1]), reason="law", text="", email="")
    answer = browser.post(f"/review/reports/{report.pk}/", {"do": "down", "words": "Asked Bob to redo it."}, headers=HTMX)
    assert "It is off every page that people outside see." in answer.content.decode()
    assert "Taken down. Asked Bob to redo it." in answer.content.decode()
    report.refresh_from_db()
    assert (report.handled_by, report.outcome) == (alice, "Taken down. Asked Bob to redo it.")
    assert reviews(shown) == ["approved", "rejected", "approved"]
    assert Client().get(f"/public/{shown.pk}/{pictures[1].pk}/large").status_code == 404
    assert "rejected a picture of yours" in Notice.objects.get(user=bob).text  # who added it and owns the gallery hears of it once
    assert AuditEntry.objects.filter(action="report.handled").count() == 1


def test_the_gallery_s_owner_hears_of_a_picture_that_somebody_else_added(shown: Gallery, alice: User, bob: User, carol: User) -> None:
    Membership.objects.filter(team=shown.team, user=carol).update(role=Role.CREATOR)
    shown.items.update(added_by=carol)
    report = publishing.report(shown, item(shown, 0), reason="law", text="", email="")
    Notice.objects.all().delete()
    reviewing.take_down(report, words="It shows a licence plate.", by=alice)
    assert Notice.objects.get(user=carol).text.startswith("Alice Harbour rejected a picture of yours in “Coastal nights”")
    notice = Notice.objects.get(user=bob)
    assert notice.text == "Alice Harbour took a picture down from “Coastal nights” after a report: It shows a licence plate."
    assert (notice.kind, notice.gallery, notice.artifact, notice.actor) == ("decision", shown, report.artifact, alice)


def test_a_picture_that_is_taken_down_is_off_every_page_outside(
    shown: Gallery, pictures: list[Artifact], alice: User, bob: User, team: Team
) -> None:
    by_link = curating.create(team, by=alice, name="For a client", visibility=Visibility.LINK)
    inside, gone = (curating.create(team, by=alice, name=name) for name in ("Ours", "Thrown away"))
    for one in (by_link, inside, gone):
        curating.add(one, pictures, by=alice)
    publishing.show_to(gone, Visibility.PUBLIC, by=alice)
    curating.delete(gone, by=alice)
    link = publishing.token_of(publishing.make_link(by_link, by=alice, days=None))
    AuditEntry.objects.all().delete()
    report = publishing.report(shown, shown.items.get(artifact=pictures[1]), reason="law", text="", email="")
    reviewing.take_down(report, by=alice)
    assert Client().get(f"/public/{shown.pk}/{pictures[1].pk}/large").status_code == 404
    assert Client().get(f"/s/{link}/{pictures[1].pk}/large").status_code == 404
    assert Client().get(f"/s/{link}/{pictures[0].pk}/large").status_code == 200
    # Neither does it come back with a gallery that is shown or brought back later.
    assert [reviews(one) for one in (shown, by_link, inside, gone)] == [["approved", "rejected", "approved"]] * 4
    assert GalleryItem.objects.filter(review=Review.REJECTED).values_list("reason", flat=True).distinct().get() == (
        f"Reported: {report.get_reason_display().lower()}."
    )
    said = list(AuditEntry.objects.order_by("id").values_list("action", "text"))
    assert said[0] == ("report.handled", "handled a report on “Coastal nights”, off 1 other gallery too: Taken down.")
    because = f": Reported: {report.get_reason_display().lower()}."
    assert said[1:] == [("review.rejected", f"rejected a picture in “{name}”{because}") for name in ("Coastal nights", "For a client")]
    assert Notice.objects.filter(user=bob, kind="decision").count() == 1


def test_taking_down_is_all_or_nothing(
    shown: Gallery, pictures: list[Artifact], alice: User, team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = curating.create(team, by=alice, name="For a client", visibility=Visibility.LINK)
    curating.add(other, pictures, by=alice)
    report = publishing.report(shown, shown.items.get(artifact=pictures[1]), reason="law", text="", email="")

    def fail(*args: Any, **more: Any) -> None:
        raise ConnectionError

    monkeypatch.setattr(reviewing, "notify", fail)
    shown.items.update(added_by=User.objects.get(email="bob@harbour.example"))
    with pytest.raises(ConnectionError):
        reviewing.take_down(report, by=alice)
    assert [reviews(one) for one in (shown, other)] == [["approved"] * 3] * 2
    assert Report.objects.filter(handled_at=None).count() == 1


def test_a_report_on_a_picture_that_is_gone_takes_no_gallery_down(shown: Gallery, pictures: list[Artifact], alice: User) -> None:
    report = publishing.report(shown, shown.items.get(artifact=pictures[1]), reason="law", text="", email="")
    trash(pictures[1])
    trashing.erase([pictures[1]])
    report = Report.objects.select_related("gallery__team").get(pk=report.pk)
    assert report.outcome == "What was reported has been deleted."
    with pytest.raises(Handled):
        reviewing.take_down(report, by=alice)
    shown.refresh_from_db()
    assert shown.visibility == Visibility.PUBLIC


def test_a_reported_gallery_is_taken_down(shown: Gallery, alice: User, bob: User, browser: Client) -> None:
    report = publishing.report(shown, None, reason="harm", text="", email="")
    browser.post(f"/review/reports/{report.pk}/", {"do": "down"})
    shown.refresh_from_db()
    assert shown.visibility == Visibility.TEAM
    assert Client().get(f"/public/{shown.pk}/").status_code == 404
    notice = Notice.objects.get(user=bob)
    assert notice.text == "Alice Harbour took “Coastal nights” down after a report: only the team sees it now."
    assert (notice.kind, notice.gallery, notice.artifact, notice.actor) == ("decision", shown, None, alice)


def test_who_owned_the_gallery_and_left_hears_nothing(shown: Gallery, alice: User, bob: User) -> None:
    report = publishing.report(shown, None, reason="harm", text="", email="")
    Membership.objects.filter(team=shown.team, user=bob).delete()
    reviewing.take_down(report, by=alice)
    assert not Notice.objects.filter(user=bob).exists()


def test_a_report_is_dismissed_once(shown: Gallery, alice: User, browser: Client) -> None:
    report = publishing.report(shown, None, reason="other", text="", email="")
    browser.post(f"/review/reports/{report.pk}/", {"do": "dismiss"})
    report.refresh_from_db()
    assert report.outcome == "Dismissed."
    late = browser.post(f"/review/reports/{report.pk}/", {"do": "down"}, headers=HTMX)
    assert late.status_code == 422
    assert "Somebody else has handled this report meanwhile." in late.content.decode()
    with pytest.raises(Handled):
        reviewing.take_down(report, by=alice)
    shown.refresh_from_db()
    assert shown.visibility == Visibility.PUBLIC
    assert reviews(shown) == ["approved"] * 3
