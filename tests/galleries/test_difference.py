"""What is different between two results, and the page that shows both."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import Team, User
from studio.backends.base import Mode
from studio.galleries.difference import difference
from studio.generation.models import Artifact
from studio.word_changes import WORDS, words
from tests.factories import make_artifact, make_artifacts

NOBODY = "01920000-0000-7000-8000-000000000000"


def marked(before: str, after: str) -> str:
    """`[-gone-]` and `{+new+}` as diffs of words are often written."""
    return "".join({"same": "{}", "del": "[-{}-]", "ins": "{{+{}+}}"}[piece.kind].format(piece.text) for piece in words(before, after))


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("", "", ""),
        ("", "a boat", "{+a boat+}"),
        ("a boat", "", "[-a boat-]"),
        ("a red boat", "a blue boat", "a [-red-]{+blue+} boat"),
        ("a boat", "a boat at night", "a boat{+ at night+}"),
        ("an old boat, sea", "a new ship, sea", "[-an old boat-]{+a new ship+}, sea"),
        ("boat", "boats", "[-boat-]{+boats+}"),
        ("ein Boot", "ein grünes Boot 🦊", "ein {+grünes +}Boot{+ 🦊+}"),
        ("one two three four", "one 2 three 4", "one [-two-]{+2+} three [-four-]{+4+}"),
    ],
)
def test_prompts_are_compared_word_by_word(before: str, after: str, expected: str) -> None:
    assert marked(before, after) == expected


def test_nothing_of_either_text_is_lost() -> None:
    before, after = "a b c " * 900 + "end", "a c b " * 900 + "the end"
    pieces = words(before, after)
    assert "".join(piece.text for piece in pieces if piece.kind != "ins") == before
    assert "".join(piece.text for piece in pieces if piece.kind != "del") == after


def test_a_text_of_any_length_has_few_pieces_that_are_compared() -> None:
    before, after = " ".join(str(n) for n in range(20_000)), " ".join(str(n) for n in range(20_000, 0, -1))
    assert len(words(before, after)) < 2 * WORDS


def test_changed_settings_are_a_table(team: Team, alice: User) -> None:
    first = make_artifact(team, alice, files=False, prompt="a boat", seed=88, num_inference_steps=20)
    second = make_artifact(
        team, alice, files=False, prompt="a boat", seed=89, parent=first, mode=Mode.IMAGE_TO_IMAGE, strength=0.6, num_inference_steps=24
    )
    Artifact.objects.filter(pk=second.pk).update(charged=2500)
    second.refresh_from_db()
    found = difference(first, second)
    assert (found.prompt, found.negative) == ([], [])
    assert [(change.label, change.before, change.after) for change in found.changes] == [
        ("Mode", "Text", "Image"),
        ("Seed", "88", "89"),
        ("Steps", "20", "24"),
        ("Strength", "", "0.6"),
    ]
    assert found.same == ["Engine", "Size", "Guidance"]
    assert found.has_credits


def test_the_page_and_its_fragment(team: Team, alice: User, client_of: Callable[..., Client]) -> None:
    first = make_artifact(team, alice, files=False, prompt="a <b>red</b> boat", negative_prompt="people")
    second = make_artifact(team, alice, files=False, prompt="a blue boat", seed=9)
    browser = client_of(alice)
    page = browser.get(f"/pictures/{first.pk}/difference/{second.pk}/")
    part = browser.get(f"/pictures/{first.pk}/difference/{second.pk}/", headers={"HX-Request": "true"})
    assert (page.status_code, part.status_code) == (200, 200)
    assert page["Vary"].count("HX-Request") == 1
    assert part.content.decode().startswith('\n<div id="difference"') or part.content.decode().lstrip().startswith('<div id="difference"')
    for text in (page.content.decode(), part.content.decode()):
        assert "<del>&lt;b&gt;red&lt;/b&gt;</del><ins>blue</ins> boat" in text
        assert "<del>people</del>" in text
        assert f'href="/pictures/{first.pk}/compare/{second.pk}/"' in text
    assert "<html" not in part.content.decode()
    same = browser.get(f"/pictures/{first.pk}/difference/{first.pk}/").content.decode()
    assert "This is one and the same." in same


def test_two_that_the_form_names(team: Team, alice: User, client_of: Callable[..., Client]) -> None:
    one, other = make_artifacts(team, alice, 2, files=False)
    browser = client_of(alice)
    answer = browser.get(f"/pictures/{one.pk}/difference/", {"from": str(other.pk), "to": str(one.pk)})
    assert (answer.status_code, answer["Location"]) == (302, f"/pictures/{other.pk}/difference/{one.pk}/")
    for query in ({}, {"from": "nonsense", "to": str(one.pk)}, {"from": str(one.pk)}):
        assert browser.get(f"/pictures/{one.pk}/difference/", query)["Location"] == f"/pictures/{one.pk}/"
    assert browser.get(f"/pictures/{one.pk}/difference/", {"from": NOBODY, "to": str(one.pk)}).status_code == 404


def test_the_page_of_a_picture_compares_it_with_its_parent(team: Team, alice: User, client_of: Callable[..., Client]) -> None:
    first = make_artifact(team, alice, files=False, prompt="a red boat")
    second = make_artifact(team, alice, files=False, prompt="a blue boat", parent=first, mode=Mode.IMAGE_TO_IMAGE)
    page = client_of(alice).get(f"/pictures/{second.pk}/").content.decode()
    assert "a <del>red</del><ins>blue</ins> boat" in page
    assert re.findall(r'<option value="([^"]+)" selected>', page) == [str(first.pk), str(second.pk)]


def test_the_page_of_a_parent_too_goes_from_the_older_to_the_newer(team: Team, alice: User, client_of: Callable[..., Client]) -> None:
    first = make_artifact(team, alice, files=False, prompt="a red boat")
    second = make_artifact(team, alice, files=False, prompt="a blue boat", parent=first, mode=Mode.IMAGE_TO_IMAGE)
    page = client_of(alice).get(f"/pictures/{first.pk}/").content.decode()
    assert "a <del>red</del><ins>blue</ins> boat" in page
    assert re.findall(r'<option value="([^"]+)" selected>', page) == [str(first.pk), str(second.pk)]


def test_compare_shows_both_side_by_side_and_offers_others(team: Team, alice: User, client_of: Callable[..., Client]) -> None:
    first, mate = make_artifacts(team, alice, 2, files=False, prompt="first")
    second = make_artifact(team, alice, files=False, prompt="second", parent=first, mode=Mode.IMAGE_TO_IMAGE, width=128)
    page = client_of(alice).get(f"/pictures/{first.pk}/compare/{second.pk}/").content.decode()
    assert re.findall(r'<img src="/pictures/([^/]+)/original"', page) == [str(first.pk), str(second.pk)]
    assert 'data-shows="sides"' in page
    assert 'role="slider"' in page
    assert f'href="/pictures/{second.pk}/compare/{first.pk}/"' in page
    others = page[page.index('class="compare-others"') : page.index("</nav>", page.index("compare-others"))]
    assert re.findall(rf'href="/pictures/{first.pk}/compare/([^/]+)/"', others) == [str(second.pk), str(mate.pk)]


def test_what_is_no_picture_is_not_laid_on_one(team: Team, alice: User, client_of: Callable[..., Client]) -> None:
    picture = make_artifact(team, alice, files=False)
    sound = make_artifact(team, alice, mime="audio/mpeg", mode=Mode.TEXT_TO_AUDIO, width=None, height=None)
    browser = client_of(alice)
    page = browser.get(f"/pictures/{picture.pk}/compare/{sound.pk}/").content.decode()
    assert "Only pictures lie on each other" in page
    assert 'role="slider"' not in page
    assert "/original" not in page
    assert "Only pictures lie on each other" in browser.get(f"/pictures/{sound.pk}/compare/").content.decode()
    assert "data-compare-key" not in browser.get(f"/pictures/{sound.pk}/").content.decode()


def test_the_chooser_offers_family_newest_and_what_a_search_finds(team: Team, alice: User, client_of: Callable[..., Client]) -> None:
    first = make_artifact(team, alice, files=False, prompt="a lighthouse")
    second = make_artifact(team, alice, files=False, prompt="a windmill", parent=first, mode=Mode.IMAGE_TO_IMAGE)
    loose = make_artifact(team, alice, files=False, prompt="a sailboat")
    make_artifact(team, alice, mime="audio/mpeg", prompt="a sound of waves", mode=Mode.TEXT_TO_AUDIO, width=None, height=None)
    browser = client_of(alice)

    def offered(query: dict[str, str], **headers: str) -> list[str]:
        page = browser.get(f"/pictures/{first.pk}/compare/", query, headers=headers).content.decode()
        return re.findall(rf'href="/pictures/{first.pk}/compare/([^/]+)/"', page)

    assert offered({}) == [str(second.pk), str(loose.pk), str(second.pk)]
    assert offered({"q": "sailboat"}) == [str(loose.pk)]
    assert offered({"q": "sailboat"}, **{"HX-Request": "true"}) == [str(loose.pk)]
    assert offered({"q": "waves"}) == []
    answer = browser.get(f"/pictures/{first.pk}/compare/", {"with": str(loose.pk)})
    assert answer["Location"] == f"/pictures/{first.pk}/compare/{loose.pk}/"


def test_strangers_compare_nothing(
    team: Team, alice: User, carol: User, mallory: User, other_team: Team, client_of: Callable[..., Client]
) -> None:
    one, other = make_artifacts(team, alice, 2, files=False)
    hers = make_artifact(other_team, mallory, files=False)
    paths = [f"/pictures/{one.pk}/{what}/{which}" for what in ("difference", "compare") for which in ("", f"{other.pk}/", f"{hers.pk}/")]
    paths += [f"/pictures/{hers.pk}/{what}/{one.pk}/" for what in ("difference", "compare")]
    stranger, viewer = client_of(mallory), client_of(carol)
    assert [stranger.get(path).status_code for path in paths] == [404] * 8
    assert [viewer.get(path).status_code for path in paths] == [302, 200, 404, 200, 200, 404, 404, 404]
    assert [Client().get(path).status_code for path in paths] == [302] * 8
    assert client_of(alice).get(f"/pictures/{one.pk}/compare/", {"with": str(hers.pk)}).status_code == 404


def test_the_trash_is_compared_by_those_who_may_edit(team: Team, alice: User, carol: User, client_of: Callable[..., Client]) -> None:
    from django.utils import timezone

    one, gone = make_artifacts(team, alice, 2, files=False)
    Artifact.objects.filter(pk=gone.pk).update(deleted_at=timezone.now())
    for what in ("difference", "compare"):
        path = f"/pictures/{one.pk}/{what}/{gone.pk}/"
        assert (client_of(alice).get(path).status_code, client_of(carol).get(path).status_code) == (200, 404)
