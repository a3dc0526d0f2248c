"""What people say about a picture: who may, what becomes of it, whom it mentions, and who is told."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import Client

from accounts.models import AuditEntry, Membership, Role, Team, User
from studio.galleries import talking
from studio.galleries.mentions import People
from studio.galleries.models import Comment, Notice
from studio.galleries.remarks import rich
from studio.generation.models import Artifact
from tests.factories import make_artifact

NOW = datetime(2026, 3, 5, 15, 0, tzinfo=UTC)
HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[time_machine.Traveller]:
    """A second passes before each thing that is said: ids of one millisecond have no order."""
    say = talking.say
    with time_machine.travel(NOW, tick=False) as traveller:

        def say_later(artifact: Artifact, user: User, text: str) -> Comment:
            traveller.shift(timedelta(seconds=1))
            return say(artifact, user, text)

        monkeypatch.setattr(talking, "say", say_later)
        yield traveller


@pytest.fixture
def picture(team: Team, alice: User) -> Artifact:
    return make_artifact(team, alice, files=False, prompt="a red sailboat")


def called(*names: str) -> list[User]:
    return [User(pk=place, name=name, email=f"{place}@harbour.example") for place, name in enumerate(names, 1)]


# --- mentions --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("@Ann Marie look", ["Ann Marie"]),
        ("@Ann look", []),
        ("@Ann Lee look", ["Ann Lee"]),
        ("@ann   marie, @BEN!", ["Ann Marie", "Ben Ö"]),
        ("@Ben's and @ben.", ["Ben Ö"]),
        ("@Bens", []),
        ("mail ben@Ben.example and x@Ann Marie", []),
        ("(@Ben) “@Ben Ö”", ["Ben Ö"]),
        ("@ben o\u0308", ["Ben Ö"]),
        ("@Łukasz\n@O'Neil", ["Łukasz", "O'Neil"]),
        ("@.* @a|b @", []),
        ("@Sam Twin", ["Sam Twin", "Sam Twin"]),
        ("@Sam", []),
    ],
)
def test_names_are_found_longest_first_and_whole(text: str, expected: list[str]) -> None:
    people = People.of(called("Ann Marie", "Ann Lee", "Ben Ö", "Łukasz", "O'Neil", "Sam Twin", "Sam Twin", ""))
    import unicodedata

    assert [person.name for person in people.mentioned(unicodedata.normalize("NFC", text))] == expected


def test_a_first_name_that_is_somebody_s_whole_name_means_them() -> None:
    people = People.of(called("Ann", "Ann Lee"))
    assert [person.name for person in people.mentioned("@Ann and @Ann Lee")] == ["Ann", "Ann Lee"]
    assert people.unclear("@Ann") == {}


@pytest.mark.parametrize("text", ["@Jörg Strauß", "@jörg STRAUSS", "@Jörg strauss", "@JÖRG STRAUẞ"])
def test_a_name_is_found_as_it_is_written_and_in_other_cases(text: str) -> None:
    """Folded, “ß” is “ss”: an expression that ignores case does not know that."""
    assert [person.name for person in People.of(called("Jörg Strauß", "Jörg Ost")).mentioned(text)] == ["Jörg Strauß"]


def test_a_first_name_that_several_have_is_told() -> None:
    people = People.of(called("Ann Marie", "Ann Lee"))
    assert {name: [one.name for one in those] for name, those in people.unclear("@ann, @Ann Lee").items()} == {
        "ann": ["Ann Marie", "Ann Lee"]
    }
    assert People.of([]).split("@Ann") == [("@Ann", ())]


def test_what_is_said_is_text_with_links_that_vouch_for_nothing() -> None:
    people = People.of(called("<b>Bo</b>"))
    said = rich("<script>x</script> https://a.example/x?y=1&z=(2). (http://b.example) javascript:x https:// @<b>Bo</b>!", people)
    rel = 'rel="nofollow noopener noreferrer ugc"'
    assert said == (
        "&lt;script&gt;x&lt;/script&gt; "
        f'<a href="https://a.example/x?y=1&amp;z=(2)" {rel}>https://a.example/x?y=1&amp;z=(2)</a>. '
        f'(<a href="http://b.example" {rel}>http://b.example</a>) javascript:x https:// '
        '<b class="mention">@&lt;b&gt;Bo&lt;/b&gt;</b>!'
    )


# --- saying, changing, taking back -----------------------------------------------------------------------------------


def test_everybody_who_sees_it_may_say_something(picture: Artifact, carol: User, client_of: Callable[..., Client]) -> None:
    browser = client_of(carol)
    answer = browser.post(f"/pictures/{picture.pk}/talk/", {"text": "  Lovely.\r\nReally.  "})
    comment = Comment.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, f"/pictures/{picture.pk}/#comment-{comment.pk}")
    assert (comment.user, comment.text, comment.artifact) == (carol, "Lovely.\nReally.", picture)
    for path in ("", "talk/"):
        page = browser.get(f"/pictures/{picture.pk}/{path}").content.decode()
        assert f'id="comment-{comment.pk}"' in page
        assert "Lovely.\nReally." in page


def test_the_talk_is_in_its_order_and_htmx_gets_list_and_form(
    picture: Artifact, alice: User, bob: User, client_of: Callable[..., Client]
) -> None:
    talking.say(picture, bob, "first")
    answer = client_of(alice).post(f"/pictures/{picture.pk}/talk/", {"text": "second"}, headers=HTMX).content.decode()
    assert answer.index('id="talk-form"') < answer.index('<hx-partial hx-target="#talk-list"')
    assert re.findall(r'class="comment-text" dir="auto">(\w+)<', answer) == ["first", "second"]
    assert "<html" not in answer
    listed = client_of(alice).get(f"/pictures/{picture.pk}/talk/", headers=HTMX).content.decode()
    assert 'id="talk-list"' in listed
    assert 'id="talk-form"' not in listed


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("  \n ", "Write something first."), ("x" * 4001, "That is 4001 characters; a comment has 4000 at most.")],
)
def test_what_cannot_be_said_stays_in_the_field(
    picture: Artifact, alice: User, client_of: Callable[..., Client], text: str, sentence: str
) -> None:
    browser = client_of(alice)
    for headers in ({}, HTMX):
        answer = browser.post(f"/pictures/{picture.pk}/talk/", {"text": text}, headers=headers)
        assert answer.status_code == 422
        assert sentence in answer.content.decode()
        assert text.strip() in answer.content.decode()
    assert not Comment.objects.exists()


def test_nobody_floods_a_talk(picture: Artifact, alice: User, client_of: Callable[..., Client], clock: time_machine.Traveller) -> None:
    for n in range(talking.PER_MINUTE):
        talking.say(picture, alice, str(n))
    browser = client_of(alice)
    refused = browser.post(f"/pictures/{picture.pk}/talk/", {"text": "one more"}, headers=HTMX)
    assert refused.status_code == 422
    assert "That was a lot in one minute." in refused.content.decode()
    assert ">one more</textarea>" in refused.content.decode()
    assert Comment.objects.count() == talking.PER_MINUTE
    clock.shift(timedelta(minutes=1))
    assert browser.post(f"/pictures/{picture.pk}/talk/", {"text": "one more"}).status_code == 302


def test_one_s_own_words_can_be_changed_for_a_while(
    picture: Artifact, bob: User, client_of: Callable[..., Client], clock: time_machine.Traveller
) -> None:
    comment = talking.say(picture, bob, "a typpo")
    browser, path = client_of(bob), f"/comments/{comment.pk}/"
    assert browser.post(path, {"text": ""}, headers=HTMX).status_code == 422
    answer = browser.post(path, {"text": "a typo"})
    assert (answer.status_code, answer["Location"]) == (302, f"/pictures/{picture.pk}/#comment-{comment.pk}")
    comment.refresh_from_db()
    assert (comment.text, comment.edited_at) == ("a typo", NOW + timedelta(seconds=1))
    clock.shift(talking.CHANGEABLE)
    late = browser.post(path, {"text": "history"}, headers=HTMX)
    assert late.status_code == 422
    assert "more than 15 minutes ago" in late.content.decode()
    assert ">history</textarea>" in late.content.decode()
    comment.refresh_from_db()
    assert comment.text == "a typo"
    assert 'class="comment-edit"' not in browser.get(f"/pictures/{picture.pk}/").content.decode()


def test_nobody_changes_another_s_words(picture: Artifact, alice: User, bob: User, mallory: User, client_of: Callable[..., Client]) -> None:
    comment = talking.say(picture, bob, "mine")
    answers = [client_of(who).post(f"/comments/{comment.pk}/", {"text": "yours"}).status_code for who in (alice, mallory)]
    assert [*answers, Client().post(f"/comments/{comment.pk}/", {"text": "x"}).status_code] == [403, 404, 302]
    comment.refresh_from_db()
    assert (comment.text, comment.edited_at) == ("mine", None)


def test_one_s_own_words_can_be_taken_back(picture: Artifact, bob: User, client_of: Callable[..., Client]) -> None:
    comment = talking.say(picture, bob, "hasty")
    talking.say(picture, bob, "later")
    answer = client_of(bob).post(f"/comments/{comment.pk}/delete/", headers=HTMX)
    assert "This was deleted." in answer.content.decode()
    assert "hasty" not in answer.content.decode()
    comment.refresh_from_db()
    assert (comment.text, comment.deleted_at) == ("", NOW + timedelta(seconds=2))
    assert not AuditEntry.objects.exclude(action="team.made").exists()
    assert client_of(bob).post(f"/comments/{comment.pk}/delete/").status_code == 404
    assert client_of(bob).post(f"/comments/{comment.pk}/", {"text": "again"}).status_code == 404


def test_who_administers_deletes_and_it_is_on_record(
    picture: Artifact, alice: User, bob: User, carol: User, mallory: User, client_of: Callable[..., Client]
) -> None:
    comment = talking.say(picture, bob, "rude")
    path = f"/comments/{comment.pk}/delete/"
    assert [client_of(who).post(path).status_code for who in (carol, mallory)] == [403, 404]
    assert Client().post(path).status_code == 302
    comment.refresh_from_db()
    assert (comment.text, comment.deleted_at) == ("rude", None)
    assert client_of(alice).post(path)["Location"] == f"/pictures/{picture.pk}/#talk"
    entry = AuditEntry.objects.get(action="comment.deleted")
    assert (entry.actor, entry.action, entry.text) == (alice, "comment.deleted", "deleted what Bob Member said about a picture")


def test_strangers_hear_nothing(picture: Artifact, alice: User, mallory: User, client_of: Callable[..., Client]) -> None:
    talking.say(picture, alice, "a secret")
    stranger, path = client_of(mallory), f"/pictures/{picture.pk}/talk/"
    assert [stranger.get(path).status_code, stranger.post(path, {"text": "x"}).status_code] == [404, 404]
    assert [Client().get(path).status_code, Client().post(path, {"text": "x"}).status_code] == [302, 302]
    assert Comment.objects.count() == 1


def test_in_the_trash_nothing_more_is_said(picture: Artifact, alice: User, carol: User, client_of: Callable[..., Client]) -> None:
    comment = talking.say(picture, alice, "before")
    Artifact.objects.filter(pk=picture.pk).update(deleted_at=NOW)
    browser, path = client_of(alice), f"/pictures/{picture.pk}/talk/"
    assert "before" in browser.get(path).content.decode()
    assert 'id="talk-form"' not in browser.get(path).content.decode()
    assert browser.post(path, {"text": "after"}).status_code == 404
    assert browser.post(f"/comments/{comment.pk}/delete/").status_code == 404
    assert client_of(carol).get(path).status_code == 404
    assert Comment.objects.filter(deleted_at=None).count() == 1


def test_the_number_of_queries_does_not_grow_with_the_talk(
    picture: Artifact,
    alice: User,
    bob: User,
    client_of: Callable[..., Client],
    django_assert_num_queries: object,
    clock: time_machine.Traveller,
) -> None:
    browser = client_of(alice)
    path = f"/pictures/{picture.pk}/talk/"
    talking.say(picture, bob, "one")
    browser.get(path)
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as few:
        browser.get(path)
    for n in range(10):
        talking.say(picture, (alice, bob)[n % 2], f"@Alice {n}")
    browser.get(path)
    with CaptureQueriesContext(connection) as many:
        browser.get(path)
    assert len(many) == len(few)


# --- who is told -----------------------------------------------------------------------------------------------------


def told(user: User) -> list[tuple[str, str]]:
    return [(one.kind, one.text) for one in Notice.objects.filter(user=user).order_by("id")]


def test_whom_it_concerns_is_told_once(picture: Artifact, alice: User, bob: User, carol: User, mallory: User) -> None:
    talking.say(picture, carol, "I like it, @Mallory Stranger.")
    assert told(alice) == [("comment", "Carol Viewer said something about your picture “a red sailboat”.")]
    talking.say(picture, bob, "Me too, @Alice. And @bob member, @Alice!")
    assert told(alice)[1:] == [("mention", "Bob Member mentioned you in the talk about “a red sailboat”.")]
    assert told(carol) == [("comment", "Bob Member said something about “a red sailboat”.")]
    assert told(bob) == told(mallory) == []


def test_a_burst_is_one_notice_until_it_is_read(
    picture: Artifact, alice: User, bob: User, carol: User, client_of: Callable[..., Client]
) -> None:
    first = talking.say(picture, bob, "one")
    talking.say(picture, carol, "two")
    talking.say(picture, bob, "three")
    notice = Notice.objects.get(user=alice)
    assert notice.text == "3 new comments on your picture “a red sailboat”, the last by Bob Member."
    assert notice.comment_id == first.pk
    client_of(alice).get(f"/pictures/{picture.pk}/")
    talking.say(picture, carol, "four")
    assert told(alice)[1:] == [("comment", "Carol Viewer said something about your picture “a red sailboat”.")]


def test_a_mention_that_comes_with_a_change_is_told(
    picture: Artifact, alice: User, bob: User, carol: User, clock: time_machine.Traveller
) -> None:
    comment = talking.say(picture, bob, "@Carol look")
    clock.shift(timedelta(seconds=1))
    talking.change(comment, "@Carol and @Alice look")
    assert [kind for kind, _ in told(carol)] == ["mention"]
    assert [kind for kind, _ in told(alice)] == ["comment", "mention"]


def test_what_was_taken_back_before_it_was_read_is_no_news(picture: Artifact, alice: User, bob: User, carol: User) -> None:
    comment = talking.say(picture, bob, "@Carol look")
    assert talking.take_back(comment, by=bob)
    assert told(carol) == told(alice) == []
    assert not talking.take_back(comment, by=bob)


def test_who_has_left_is_not_told(picture: Artifact, alice: User, bob: User, carol: User) -> None:
    talking.say(picture, bob, "one")
    Membership.objects.filter(user=bob).exclude(role=Role.OWNER).delete()
    talking.say(picture, carol, "@Bob Member?")
    assert told(bob) == []


def test_a_name_that_could_be_two_is_said_to_whoever_wrote_it(
    picture: Artifact, alice: User, bob: User, carol: User, client_of: Callable[..., Client]
) -> None:
    User.objects.filter(pk=carol.pk).update(name="Bob Viewer")
    sentence = "“@bob” could be Bob Member or Bob Viewer: nobody was told. Write the whole name."
    answer = client_of(alice).post(f"/pictures/{picture.pk}/talk/", {"text": "@bob, look"}, headers=HTMX)
    assert sentence in answer.content.decode()
    answer = client_of(alice).post(f"/pictures/{picture.pk}/talk/", {"text": "@bob, look"}, follow=True)
    assert sentence in answer.content.decode()
    assert not Notice.objects.exists()


# --- the bell --------------------------------------------------------------------------------------------------------


def bell(page: str) -> str:
    return re.findall(r'id="bell"[^>]*data-unread="(\d+)"', page)[0]


def test_the_bell_counts_and_the_list_leads_to_the_place(
    picture: Artifact, alice: User, bob: User, client_of: Callable[..., Client]
) -> None:
    comment = talking.say(picture, bob, "@Alice look")
    browser = client_of(alice)
    page = browser.get("/notices/").content.decode()
    notice = Notice.objects.get()
    assert bell(page) == "1"
    assert "Bob Member mentioned you in the talk about “a red sailboat”." in page
    assert f'href="/notices/{notice.pk}/"' in page
    assert bell(client_of(bob).get("/notices/").content.decode()) == "0"
    answer = browser.get(f"/notices/{notice.pk}/")
    assert (answer.status_code, answer["Location"]) == (302, f"/pictures/{picture.pk}/#comment-{comment.pk}")
    notice.refresh_from_db()
    assert notice.read_at == NOW + timedelta(seconds=1)
    assert bell(browser.get("/notices/").content.decode()) == "0"


def test_one_or_all_are_marked_as_read(picture: Artifact, alice: User, bob: User, client_of: Callable[..., Client]) -> None:
    for n in range(3):
        talking.say(picture, bob, f"@Alice {n}")
    browser = client_of(alice)
    first = Notice.objects.order_by("id").first()
    assert first
    assert browser.post("/notices/read/", {"notice": str(first.pk)})["Location"] == "/notices/"
    assert bell(browser.get("/notices/").content.decode()) == "2"
    browser.post("/notices/read/")
    page = browser.get("/notices/").content.decode()
    assert bell(page) == "0"
    assert "Mark all as read" not in page


def test_notices_are_one_s_own(picture: Artifact, alice: User, bob: User, mallory: User, client_of: Callable[..., Client]) -> None:
    talking.say(picture, bob, "@Alice look")
    notice = Notice.objects.get()
    for who in (bob, mallory):
        browser = client_of(who)
        assert browser.get(f"/notices/{notice.pk}/").status_code == 404
        assert browser.post("/notices/read/", {"notice": str(notice.pk)}).status_code == 404
        assert browser.post("/notices/read/", {"notice": "nonsense"}).status_code == 404
        assert browser.post("/notices/read/").status_code == 302
        assert "sailboat" not in browser.get("/notices/").content.decode()
    for path in ("/notices/", f"/notices/{notice.pk}/"):
        assert Client().get(path).status_code == 302
    assert Client().post("/notices/read/").status_code == 302
    notice.refresh_from_db()
    assert notice.read_at is None


def test_who_left_the_team_has_no_notices_of_it(
    picture: Artifact, alice: User, bob: User, carol: User, client_of: Callable[..., Client]
) -> None:
    talking.say(picture, alice, "@Bob look")
    Membership.objects.filter(user=bob, team=picture.team).delete()
    page = client_of(bob).get("/notices/").content.decode()
    assert bell(page) == "0"
    assert "sailboat" not in page
    assert client_of(bob).get(f"/notices/{Notice.objects.get(user=bob).pk}/").status_code == 404


def test_a_place_that_is_gone_is_said_so(picture: Artifact, alice: User, carol: User, client_of: Callable[..., Client]) -> None:
    talking.say(picture, alice, "@Carol look")
    Artifact.objects.filter(pk=picture.pk).update(deleted_at=NOW)
    answer = client_of(carol).get(f"/notices/{Notice.objects.get().pk}/", follow=True)
    assert answer.redirect_chain == [("/notices/", 302)]
    assert "That is not here any more." in answer.content.decode()
    assert f"/pictures/{picture.pk}/thumb" not in answer.content.decode()


def test_a_notice_of_a_gallery_that_is_gone_says_so(team: Team, alice: User, bob: User, client_of: Callable[..., Client]) -> None:
    from studio.galleries import curating
    from studio.galleries.notices import notify

    gallery = curating.create(team, by=bob, name="Boats")
    [notice] = notify([alice], team=team, actor=bob, kind="review", text="They wait for a review.", gallery=gallery)
    assert client_of(alice).get(f"/notices/{notice.pk}/").url == f"/galleries/{gallery.pk}/"
    curating.delete(gallery, by=bob)
    answer = client_of(alice).get(f"/notices/{notice.pk}/", follow=True)
    assert answer.redirect_chain == [("/notices/", 302)]
    assert "That is not here any more." in answer.content.decode()


def test_old_notices_are_on_further_pages(
    picture: Artifact, alice: User, bob: User, client_of: Callable[..., Client], clock: time_machine.Traveller
) -> None:
    from studio.galleries.notices import notify

    for n in range(45):
        clock.shift(timedelta(seconds=1))
        notify([alice], team=picture.team, actor=bob, kind="review", text=f"Notice number {n}.")
    browser = client_of(alice)
    first = browser.get("/notices/").content.decode()
    assert re.findall(r"Notice number (\d+)\.<", first) == [str(n) for n in range(44, 4, -1)]
    [older] = re.findall(r'href="(/notices/\?before=[^"]+)"', first)
    assert re.findall(r"Notice number (\d+)\.<", browser.get(older).content.decode()) == [str(n) for n in range(4, -1, -1)]
    assert browser.get("/notices/?before=nonsense").status_code == 200
    assert browser.get(f"/notices/{Notice.objects.first().pk}/")["Location"] == "/notices/"  # type: ignore[union-attr]
