"""Templates are written in one place: numbers without gaps, one version in use, and nothing that is there ever changes."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.core.files.storage import default_storage
from django.db import connection
from PIL import Image

from accounts.models import AuditEntry
from studio.prompts.content import Content
from studio.prompts.errors import ChangedMeanwhile, NothingChanged, NotYours, PutAway, Unfit, UnusableCover
from studio.prompts.models import PromptTemplate, PromptTemplateVersion, TemplateFavorite
from studio.prompts.services import templates
from tests.factories import draw
from tests.prompts.factories import content, make_template, newest

pytestmark = pytest.mark.django_db


def statuses(template):
    return list(template.versions.order_by("number").values_list("number", "status"))


def told(team):
    return list(AuditEntry.objects.of_team(team).filter(action__startswith="template.").order_by("id").values_list("action", "text"))


def test_a_template_begins_with_a_draft(alice, team):
    made = templates.create(
        team, author=alice, name="  Product \n photo ", content=content(), description="For the shop.", tags=["Shop", "shop ", "", "Photo"]
    )
    assert (made.name, made.description, made.tags, made.published, made.author) == (
        "Product photo",
        "For the shop.",
        ["shop", "photo"],
        None,
        alice,
    )
    [version] = made.versions.all()
    assert (version.number, version.status, version.author, Content.from_json(version.content)) == (1, "draft", alice, content())
    assert told(team) == [("template.created", "made the template “Product photo”")]


@pytest.mark.parametrize(
    ("given", "place", "sentence"),
    [
        ({"name": " "}, "name", "Give the template a name, so that others find it."),
        ({"name": "x" * 121}, "name", "A name has at most 120 characters; this has 121."),
        ({"description": "x" * 2001}, "description", "A description has at most 2,000 characters; this has 2,001."),
        ({"tags": ["x" * 41]}, "tags", "A tag has at most 40 characters; “xxxxxxxxxxxxxxxxxxxx…” has 41."),
        ({"tags": [str(i) for i in range(13)]}, "tags", "A template has at most 12 tags; here are 13."),
        ({"note": "x" * 301}, "note", "A note has at most 300 characters; this has 301."),
        ({"content": Content()}, "sections", "Write something into at least one section of the prompt."),
    ],
)
def test_what_does_not_fit_is_said_by_place_and_makes_nothing(alice, team, given, place, sentence):
    with pytest.raises(Unfit) as refused:
        templates.create(team, author=alice, **{"name": "Photo", "content": content(), **given})
    assert refused.value.fields == {place: sentence}
    assert (PromptTemplate.objects.count(), told(team)) == (0, [])


def test_each_save_is_the_next_version(alice, bob, team):
    made = make_template(team, alice)
    second = templates.save_version(made, author=bob, content=content("A drawing of {product}"), note=" less  light ", after=1)
    assert (second.number, second.status, second.author, second.note) == (2, "draft", bob, "less light")
    assert statuses(made) == [(1, "published"), (2, "draft")]
    assert newest(made).content["sections"][0]["text"] == "A drawing of {product}"
    assert made.versions.get(number=1).content["sections"][0]["text"] == "A photograph of {product}, {light}"


def test_the_same_again_is_no_version(alice, team):
    made = make_template(team, alice)
    with pytest.raises(NothingChanged) as refused:
        templates.save_version(made, author=alice, content=content(), after=1)
    assert refused.value.message == "Nothing has changed since version 1, so there is nothing to save."
    assert statuses(made) == [(1, "published")]


def test_what_somebody_saved_meanwhile_is_not_written_over(alice, bob, team):
    made = make_template(team, alice)
    theirs = templates.save_version(made, author=bob, content=content("theirs"), after=1)
    with pytest.raises(ChangedMeanwhile) as refused:
        templates.save_version(made, author=alice, content=content("mine"), after=1)
    assert refused.value.newest == theirs
    assert refused.value.message.startswith("Bob Member saved version 2 while you were writing.")
    assert statuses(made) == [(1, "published"), (2, "draft")]


def test_a_version_is_never_changed(alice, team):
    version = newest(make_template(team, alice))
    version.content = content("another").to_json()
    with pytest.raises(ValueError, match="not changed"):
        version.save()
    assert PromptTemplateVersion.objects.get(pk=version.pk).content == content().to_json()


def test_publishing_archives_the_one_before(alice, team):
    made = make_template(team, alice)
    second = templates.save_version(made, author=alice, content=content("another"), after=1)
    assert templates.publish(second, by=alice) is True
    assert templates.publish(second, by=alice) is False
    made.refresh_from_db()
    assert (statuses(made), made.published) == ([(1, "archived"), (2, "published")], second)
    assert templates.publish(made.versions.get(number=1), by=alice) is True
    assert statuses(made) == [(1, "published"), (2, "archived")]
    assert [action for action, _ in told(team)].count("template.published") == 3


def test_restoring_is_a_new_draft(alice, bob, team):
    made = make_template(team, alice)
    templates.save_version(made, author=alice, content=content("another"), after=1)
    first = made.versions.get(number=1)
    again = templates.restore(first, by=bob)
    assert (again.number, again.status, again.author, again.restored_from, again.content, again.note) == (
        3,
        "draft",
        bob,
        first,
        first.content,
        "As version 1",
    )
    with pytest.raises(NothingChanged):
        templates.restore(first, by=bob)
    assert statuses(made) == [(1, "published"), (2, "draft"), (3, "draft")]


def test_what_is_put_away_is_not_changed(alice, team):
    made = make_template(team, alice)
    assert (templates.archive(made, by=alice), templates.archive(made, by=alice)) == (True, False)
    for change in (
        lambda: templates.save_version(made, author=alice, content=content("x"), after=1),
        lambda: templates.publish(newest(made), by=alice),
        lambda: templates.restore(newest(made), by=alice),
    ):
        with pytest.raises(PutAway):
            change()
    assert statuses(made) == [(1, "published")]
    assert list(PromptTemplate.objects.usable()) == []
    assert (templates.bring_back(made, by=alice), templates.bring_back(made, by=alice)) == (True, False)
    assert list(PromptTemplate.objects.usable()) == [made]


def test_another_name(alice, team):
    made = make_template(team, alice)
    templates.describe(made, by=alice, name="Shop photo", description="x", tags=["b", "a"])
    made.refresh_from_db()
    assert (made.name, made.description, made.tags) == ("Shop photo", "x", ["b", "a"])
    assert told(team)[-1] == ("template.described", "renamed the template “Product photo” to “Shop photo”")
    with pytest.raises(Unfit):
        templates.describe(made, by=alice, name="", description="", tags=[])
    assert PromptTemplate.objects.get().name == "Shop photo"


def test_a_cover_is_small_and_the_one_before_goes(alice, team, django_capture_on_commit_callbacks):
    made = make_template(team, alice)
    with django_capture_on_commit_callbacks(execute=True):
        templates.set_cover(made, draw(1600, 800), by=alice)
    first = made.cover
    with default_storage.open(first) as file:
        picture = Image.open(io.BytesIO(file.read()))
    assert (picture.format, picture.size) == ("WEBP", (512, 256))
    with django_capture_on_commit_callbacks(execute=True):
        templates.set_cover(made, draw(100, 100, seed=2), by=alice)
    assert (default_storage.exists(first), default_storage.exists(made.cover)) == (False, True)
    with django_capture_on_commit_callbacks(execute=True):
        templates.set_cover(made, None, by=alice)
    assert (PromptTemplate.objects.get().cover, default_storage.listdir("covers")[1]) == ("", [])


@pytest.mark.parametrize("data", [b"", b"no picture", draw(64, 64)[:200]], ids=["empty", "words", "cut off"])
def test_what_is_no_picture_is_no_cover(alice, team, data):
    made = make_template(team, alice)
    with pytest.raises(UnusableCover):
        templates.set_cover(made, data, by=alice)
    assert PromptTemplate.objects.get().cover == ""


def test_a_cover_is_measured_before_it_is_decoded(alice, team, settings):
    settings.MAX_UPLOAD_PIXELS = 1000
    with pytest.raises(UnusableCover, match="64 × 64 pixels; 0 megapixels"):
        templates.set_cover(make_template(team, alice), draw(64, 64), by=alice)


def test_only_its_author_keeps_a_template_to_themselves(alice, bob, team):
    made = make_template(team, bob)
    with pytest.raises(NotYours):
        templates.set_visibility(made, "private", by=alice)
    assert PromptTemplate.objects.get().visibility == "team"
    templates.set_visibility(made, "private", by=bob)
    assert (list(PromptTemplate.objects.visible_to(alice)), list(PromptTemplate.objects.visible_to(bob))) == ([], [made])
    assert told(team)[-1] == ("template.shown", "keeps a template private")


def test_the_log_says_nothing_of_what_is_private(alice, team):
    made = make_template(team, alice, visibility="private")
    templates.archive(made, by=alice)
    assert told(team) == []


def test_favourites_are_a_persons_own(alice, bob, team):
    made = make_template(team, alice)
    for _ in range(2):
        templates.favor(bob, made, True)
    assert list(TemplateFavorite.objects.values_list("user", "template")) == [(bob.pk, made.pk)]
    assert [one.is_favorite for one in PromptTemplate.objects.marked_for(alice)] == [False]
    templates.favor(bob, made, False)
    assert TemplateFavorite.objects.count() == 0


def at_once(*works):
    """What each of the functions did, all of them started in one moment on a connection of its own; an error is its class."""
    barrier = Barrier(len(works))

    def one(work):
        try:
            barrier.wait()
            return work()
        except (PutAway, ChangedMeanwhile, NothingChanged) as error:
            return type(error)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        return [future.result() for future in [pool.submit(one, work) for work in works]]


@pytest.mark.django_db(transaction=True)
def test_two_who_save_at_once_get_one_version(alice, team):
    made = make_template(team, alice)
    save = lambda words: lambda: templates.save_version(made, author=alice, content=content(words), after=1).number  # noqa: E731
    done = at_once(*[save(f"a {word}") for word in ("boat", "house", "tree", "road")])
    assert sorted(map(str, done)) == sorted(["2", *3 * [str(ChangedMeanwhile)]])
    assert statuses(made) == [(1, "published"), (2, "draft")]


@pytest.mark.django_db(transaction=True)
def test_restored_at_once_they_get_numbers_of_their_own(alice, team):
    made = make_template(team, alice)
    for number, words in enumerate(("a boat", "a house"), 1):
        templates.save_version(made, author=alice, content=content(words), after=number)
    one, two = made.versions.get(number=1), made.versions.get(number=2)
    assert sorted(at_once(lambda: templates.restore(one, by=alice).number, lambda: templates.restore(two, by=alice).number)) == [4, 5]


@pytest.mark.django_db(transaction=True)
def test_published_at_once_one_is_in_use(alice, team):
    made = make_template(team, alice, is_published=False)
    for number in range(1, 4):
        templates.save_version(made, author=alice, content=content(f"a boat {number}"), after=number)
    versions = list(made.versions.order_by("number"))
    assert at_once(*[lambda one=one: templates.publish(one, by=alice) for one in versions]) == [True] * 4
    made.refresh_from_db()
    assert [status for _, status in statuses(made)].count("published") == 1
    assert (made.published.status, [status for _, status in statuses(made)].count("archived")) == ("published", 3)
