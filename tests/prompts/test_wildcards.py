"""Lists of words: those that ship, a team's own before them, and what is no list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry, Team, User
from studio.moderation.rules import matches
from studio.moderation.words import studio_words
from studio.prompts.errors import Unfit
from studio.prompts.language import is_wildcard_name, lines, parse, resolve
from studio.prompts.models import Wildcard
from studio.prompts.services.wildcards import MOST, MOST_LINES, change_list, delete_list, make_list
from studio.prompts.wildcards import circle, is_name, lists, shipped
from tests.factories import draw

ClientOf = Callable[..., Client]


# --- what ships ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(shipped()))
def test_a_shipped_list_is_fit_for_everybody(name: str) -> None:
    text = shipped()[name]
    words = lines(text)
    assert is_name(name)
    assert is_wildcard_name(name)
    assert text.startswith("# ")
    assert 20 <= len(words) <= 60
    assert len({word.casefold() for word in words}) == len(words)
    assert [word for word in words if matches(word, studio_words())] == []
    assert [word for word in words if parse(word).wildcards or parse(word).has_alternatives] == []


def test_the_lists_for_the_engine_that_ships_hold_only_what_it_knows() -> None:
    """Words of a caption of `storybook/training/captions.py`, which needs numpy and is read as text."""
    from tests.browser.running import ROOT

    known = (ROOT / "studio/backends/diffusers/storybook/training/captions.py").read_text("utf-8")
    names = [name for name in shipped() if name.startswith("storybook-")]
    assert names == ["storybook-colour", "storybook-place", "storybook-style", "storybook-thing", "storybook-time"]
    assert [word for name in names for word in lines(shipped()[name]) if f'"{word}"' not in known] == []


def test_a_name_in_a_prompt_draws_a_line_of_it(team: Team) -> None:
    drawn = resolve(parse("a __storybook-colour__ boat"), values={}, seed=7, wildcards=lists(team)).text
    assert drawn.removeprefix("a ").removesuffix(" boat") in lists(team)["storybook-colour"]


# --- a team's own ----------------------------------------------------------------------------------------------------


def test_a_list_of_the_teams_own_goes_before_the_one_that_ships(
    bob: User, team: Team, other_team: Team, django_assert_num_queries: Any
) -> None:
    make_list(team, name="colour", text="# ours\nbrick\n\n brick red \n", by=bob)
    with django_assert_num_queries(1):
        found = lists(team)
    assert found["colour"] == ("brick", "brick red")
    assert "scarlet" in lists(other_team)["colour"]
    assert found.keys() == shipped().keys()
    assert delete_list(Wildcard.objects.get(), by=bob)
    assert lists(team) == lists(other_team)


@pytest.mark.parametrize(
    ("name", "text", "fields"),
    [
        ("", "red", {"name": "Write a name of small letters and digits, with a single - or _ between them."}),
        ("My Räume!", "red", {"name": "Write a name of small letters and digits, with a single - or _ between them, such as my-raume."}),
        ("a__b", "red", {"name": "Write a name of small letters and digits, with a single - or _ between them, such as a-b."}),
        ("a" * 61, "red", {"name": "Shorten the name to 60 characters; it has 61."}),
        ("a", " \n# red\n", {"lines": "Write at least one line that is no remark."}),
        ("a", "ok\n" + "x" * 301, {"lines": "Line 2 has 301 characters; 300 are allowed. Shorten it."}),
        (
            "a",
            "\n".join(map(str, range(MOST_LINES + 1))),
            {"lines": "A list has 2,000 lines at most; this has 2,001. Make two lists of it."},
        ),
        ("a", "__a__ red", {"lines": "These lists draw from each other without an end: __a__ → __a__. Take one of the names out."}),
    ],
)
def test_what_is_no_list_is_not_kept(name: str, text: str, fields: dict[str, str], bob: User, team: Team) -> None:
    with pytest.raises(Unfit) as unfit:
        make_list(team, name=name, text=text, by=bob)
    assert unfit.value.fields == fields
    assert not Wildcard.objects.exists()


def test_a_line_that_cannot_be_drawn_is_named(bob: User, team: Team) -> None:
    with pytest.raises(Unfit) as unfit:
        make_list(team, name="a", text="red\n# why\n{9$$a|b}", by=bob)
    assert unfit.value.fields["lines"].startswith("Line 3: ")


def test_names_are_taken_as_people_write_them(bob: User, team: Team) -> None:
    assert make_list(team, name=" __Boat-2_x__ ", text="dinghy", by=bob).name == "boat-2_x"


def test_lists_that_draw_from_each_other_without_an_end_are_refused_when_the_last_is_saved(bob: User, team: Team) -> None:
    make_list(team, name="a", text="a __b__", by=bob)
    c = make_list(team, name="c", text="plain", by=bob)
    make_list(team, name="b", text="{one|a __c__}", by=bob)
    with pytest.raises(Unfit) as unfit:
        change_list(c, name="c", text="plain\n__a__", by=bob)
    assert unfit.value.fields == {
        "lines": "These lists draw from each other without an end: __c__ → __a__ → __b__ → __c__. Take one of the names out."
    }
    assert Wildcard.objects.get(name="c").lines == "plain"


def test_a_circle_among_others_is_not_blamed_on_a_list_outside_of_it() -> None:
    others = {"a": "__b__", "b": "__a__"}
    assert circle("x", "__a__", others) == ()
    assert circle("a", "__b__", others) == ("a", "b", "a")
    assert circle("a", r"\__b__ __gone__", others) == ()


def test_one_name_is_one_list(bob: User, team: Team, other_team: Team) -> None:
    make_list(team, name="boat", text="dinghy", by=bob)
    other = make_list(team, name="ship", text="brig", by=bob)
    make_list(other_team, name="boat", text="raft", by=bob)
    for write in (lambda: make_list(team, name="boat", text="raft", by=bob), lambda: change_list(other, name="boat", text="raft", by=bob)):
        with pytest.raises(Unfit) as unfit:
            write()
        assert unfit.value.fields == {"name": "This team has a list __boat__ already. Change that one, or choose another name."}
    assert lists(team)["boat"] == ("dinghy",)
    assert lists(team)["ship"] == ("brig",)


def test_there_is_an_end_to_lists(bob: User, team: Team) -> None:
    Wildcard.objects.bulk_create(Wildcard(team=team, name=f"list-{n}", lines="a") for n in range(MOST))
    with pytest.raises(Unfit, match="A team has 200 word lists at most"):
        make_list(team, name="one-more", text="a", by=bob)
    assert Wildcard.objects.count() == MOST


def test_the_lists_of_a_team_have_a_length_together(bob: User, team: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studio.prompts.services.wildcards.MOST_TOGETHER", 10)
    boat = make_list(team, name="boat", text="dinghy", by=bob)
    with pytest.raises(Unfit) as refused:
        make_list(team, name="sail", text="canvas", by=bob)
    assert "10 characters together at most, and 4 are left; this has 6." in refused.value.fields["lines"]
    change_list(boat, name="boat", text="ten signs!", by=bob)
    with pytest.raises(Unfit):
        change_list(boat, name="boat", text="eleven here", by=bob)
    assert list(Wildcard.objects.values_list("name", "lines")) == [("boat", "ten signs!")]


def test_the_log_says_who_changed_which_list(bob: User, team: Team) -> None:
    made = make_list(team, name="boat", text="dinghy", by=bob)
    change_list(made, name="boat", text="dinghy", by=bob)  # nothing is different
    changed = change_list(made, name="ship", text="dinghy", by=bob)
    assert delete_list(changed, by=bob)
    assert not delete_list(made, by=bob)
    with pytest.raises(Unfit, match="Somebody deleted this list while you were writing"):
        change_list(Wildcard(pk=10**6, team=team, name="boat"), name="boat", text="raft", by=bob)
    log = AuditEntry.objects.filter(team=team, action__startswith="word_list.").order_by("pk")
    assert list(log.values_list("text", flat=True)) == [
        "made the word list __boat__",
        "changed the word list __boat__, and calls it __ship__",
        "deleted the word list __ship__",
    ]


# --- the pages -------------------------------------------------------------------------------------------------------


def test_somebody_makes_changes_and_deletes_a_list(bob: User, team: Team, client_of: ClientOf) -> None:
    client = client_of(bob)
    start = client.get(reverse("wildcard_new"), {"from": "colour"}).content.decode()
    assert 'value="colour"' in start
    assert "scarlet" in start
    page = client.post(reverse("wildcard_new"), {"name": "colour", "lines": "# Ours.\r\nbrick\r\n__nope__"}, follow=True).content.decode()
    assert "__colour__ is saved, with 2 lines. There is no list __nope__ yet" in page
    assert "in place of the studio’s" in page
    assert 'data-copy="__colour__"' in page
    address = reverse("wildcard", args=["colour"])
    assert "# Ours.\nbrick\n__nope__</textarea>" in client.get(address).content.decode()
    client.post(address, {"name": "colour", "lines": "brick"})
    assert Wildcard.objects.get().lines == "brick"
    page = client.post(reverse("wildcard_delete", args=["colour"]), follow=True).content.decode()
    assert "The list __colour__ is gone. The studio’s own list of this name is used again." in page
    assert not Wildcard.objects.exists()


def test_whoever_looks_reads_the_lists_and_writes_none(carol: User, team: Team, client_of: ClientOf) -> None:
    Wildcard.objects.create(team=team, name="boat", lines="<b>dinghy</b>")
    client = client_of(carol)
    page = client.get(reverse("wildcards")).content.decode()
    assert "&lt;b&gt;dinghy&lt;/b&gt;" in page
    assert reverse("wildcard_new") not in page
    assert "textarea" not in client.get(reverse("wildcard", args=["boat"])).content.decode()
    assert "scarlet" in client.get(reverse("wildcard", args=["colour"])).content.decode()
    assert client.post(reverse("wildcard", args=["boat"]), {"name": "boat", "lines": "raft"}).status_code == 403
    assert client.post(reverse("wildcard_delete", args=["boat"])).status_code == 403
    assert Wildcard.objects.get().lines == "<b>dinghy</b>"


def test_a_list_that_ships_cannot_be_changed_or_deleted_itself(bob: User, team: Team, client_of: ClientOf) -> None:
    client = client_of(bob)
    assert client.post(reverse("wildcard", args=["colour"]), {"name": "colour", "lines": "x"}).status_code == 404
    assert client.post(reverse("wildcard_delete", args=["colour"])).status_code == 404
    assert client.get(reverse("wildcard", args=["nothing"])).status_code == 404
    assert not Wildcard.objects.exists()


def send(client: Client, data: bytes, filename: str = "Boats.TXT", **fields: str) -> Any:
    return client.post(reverse("wildcard_new"), {"name": "", "lines": "", **fields, "file": SimpleUploadedFile(filename, data)})


def test_a_text_file_is_a_list_with_the_name_of_the_file(bob: User, team: Team, client_of: ClientOf) -> None:
    assert send(client_of(bob), "\ufeff# Boats\r\ndinghy\r\nJolle für zwei\r\n".encode()).status_code == 302
    made = Wildcard.objects.get()
    assert (made.name, made.lines) == ("boats", "# Boats\ndinghy\nJolle für zwei")


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (draw(), "This is no text in UTF-8."),
        ("rêve".encode("latin-1"), "This is no text in UTF-8."),
        ("dinghy".encode("utf-16"), "This is no text in UTF-8."),
        (b"dinghy\0raft", "This file is not plain text."),
        (b"", "Write at least one line that is no remark."),
        (b"x" * 2_500_000, "This file is larger than 2 MB"),
    ],
    ids=["a picture", "Latin-1", "UTF-16", "a NUL", "nothing", "too large"],
)
def test_what_is_no_text_is_refused(data: bytes, sentence: str, bob: User, team: Team, client_of: ClientOf) -> None:
    response = send(client_of(bob), data, name="boats", lines="typed before")
    assert response.status_code == 422
    assert sentence in response.content.decode()
    assert not Wildcard.objects.exists()


def test_what_a_refused_file_says_stands_where_one_types(bob: User, team: Team, client_of: ClientOf) -> None:
    response = send(client_of(bob), b"dinghy\n{9$$a|b}\n", "my boats.txt")
    page = response.content.decode()
    assert response.status_code == 422
    assert "dinghy\n{9$$a|b}</textarea>" in page
    assert 'value="my boats"' in page
    assert "Line 2: " in page
    assert "such as my-boats." in page
    assert not Wildcard.objects.exists()
