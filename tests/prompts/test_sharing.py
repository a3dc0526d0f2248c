"""Templates outside their team: the link, the file, the copy; and what comes in by files and from the starters."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from accounts.models import Team, User
from studio.prompts.access import shared_template, token_of
from studio.prompts.content import Content
from studio.prompts.exchange import Format, read, write
from studio.prompts.exchange.records import MAX_VERSIONS
from studio.prompts.models import PromptTemplate, PromptTemplateVersion, Visibility
from studio.prompts.services import copies, templates
from studio.prompts.starters import starters
from tests.conftest import make_user

Browsers = Callable[..., Client]

pytestmark = pytest.mark.django_db

MUG = {
    "sections": [
        {"name": "subject", "text": "A photograph of {product}"},
        {"name": "style", "text": "Harbour Street <b>house</b> style, {soft|hard} light", "locked": True},
    ],
    "negative": {"text": "text, people"},
    "fields": [{"name": "product", "label": "Product", "type": "text", "required": True, "default": "a mug"}],
}


def picture(width: int = 900, height: int = 600) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def mug(team: Team, alice: User) -> PromptTemplate:
    template = templates.create(team, author=alice, name="Mug on colour", content=Content.checked(MUG), tags=["shop"])
    templates.publish(template.versions.get(), by=alice)
    templates.set_cover(template, picture(), by=alice)
    template.refresh_from_db()
    return template


def link(template: PromptTemplate) -> str:
    return f"/t/{token_of(template)}/"


def opened(template: PromptTemplate, alice: User) -> str:
    templates.set_visibility(template, Visibility.LINK, by=alice)
    return link(template)


def test_the_link_shows_what_is_published_and_no_name(client: Client, mug: PromptTemplate, alice: User) -> None:
    address = opened(mug, alice)
    templates.save_version(mug, author=alice, content=Content.checked({**MUG, "negative": {"text": "SECRET"}}), after=1)

    page = client.get(address)

    body = page.content.decode()
    assert page.status_code == 200
    assert "Mug on colour" in body
    assert "{product}" in body
    assert "&lt;b&gt;house&lt;/b&gt;" in body
    assert "SECRET" not in body
    assert alice.name not in body
    assert alice.email not in body
    assert page["X-Robots-Tag"] == "noindex, nofollow, noarchive"
    assert client.get(f"{address}cover.webp")["Content-Type"] == "image/webp"


def test_a_link_ends_for_good_when_it_is_closed(client: Client, mug: PromptTemplate, alice: User) -> None:
    first = opened(mug, alice)
    templates.set_visibility(mug, Visibility.TEAM, by=alice)
    gone = [client.get(first + rest).status_code for rest in ("", "cover.webp", "template.json")]
    second = opened(mug, alice)

    assert gone == [404, 404, 404]
    assert first != second
    assert (client.get(first).status_code, client.get(second).status_code) == (404, 200)


@pytest.mark.parametrize("token", ["made-up", "made~up", "~", "a" * 3000])
def test_a_made_up_link_shows_nothing(client: Client, alice: User, token: str) -> None:
    assert client.get(f"/t/{token}/").status_code == 404


def test_what_is_put_away_is_shown_to_nobody(client: Client, mug: PromptTemplate, alice: User) -> None:
    address = opened(mug, alice)
    templates.archive(mug, by=alice)

    assert client.get(address).status_code == 404


def test_only_who_may_publish_opens_a_link(client_of: Browsers, mug: PromptTemplate, bob: User, alice: User) -> None:
    client = client_of(bob)
    refused = client.post(f"/templates/{mug.pk}/link/", {"open": "1"})
    mug.refresh_from_db()
    assert (refused.status_code, mug.visibility, mug.link_key) == (403, Visibility.TEAM, "")

    client = client_of(alice)
    client.post(f"/templates/{mug.pk}/link/", {"open": "1"})
    mug.refresh_from_db()
    assert mug.visibility == Visibility.LINK
    assert shared_template(token_of(mug)) == mug


def test_a_draft_gets_no_link(client_of: Browsers, team: Team, alice: User) -> None:
    draft = templates.create(team, author=alice, name="Draft", content=Content.checked(MUG))
    client = client_of(alice)

    client.post(f"/templates/{draft.pk}/link/", {"open": "1"})

    draft.refresh_from_db()
    assert draft.visibility == Visibility.TEAM


def test_somebody_of_another_team_takes_a_copy_with_its_cover(
    client_of: Browsers, mug: PromptTemplate, alice: User, other_team: Team
) -> None:
    address = opened(mug, alice)
    mallory = other_team.members.get()
    client = client_of(mallory)

    client.post(f"{address}take/")

    taken = PromptTemplate.objects.of_team(other_team).get()
    assert (taken.name, taken.author, taken.tags) == ("Mug on colour", mallory, ["shop"])
    assert taken.cover
    assert taken.cover != mug.cover
    assert taken.published is not None
    assert taken.published.content == Content.checked(MUG).to_json()
    assert PromptTemplate.objects.of_team(mug.team).count() == 1


def test_whoever_takes_a_copy_hears_which_lists_it_lacks(client_of: Browsers, team: Team, alice: User, other_team: Team) -> None:
    content = Content.checked({"sections": [{"name": "prompt", "text": "a __colour__ boat, __harbour__"}]})
    boat = templates.create(team, author=alice, name="Boat", content=content)
    templates.publish(boat.versions.get(), by=alice)
    address = opened(boat, alice)

    page = client_of(other_team.members.get()).post(f"{address}take/", follow=True).content.decode()

    assert "It draws from word lists that Elsewhere does not have: __harbour__." in page


def test_a_viewer_takes_no_copy(client_of: Browsers, mug: PromptTemplate, alice: User, team: Team, carol: User) -> None:
    address = opened(mug, alice)
    client = client_of(carol)

    assert client.post(f"{address}take/").status_code == 403
    assert PromptTemplate.objects.count() == 1


def test_the_file_comes_back_as_the_same_template(
    client: Client, client_of: Browsers, mug: PromptTemplate, alice: User, other_team: Team
) -> None:
    file = client.get(f"{opened(mug, alice)}template.json")
    client = client_of(other_team.members.get())

    page = client.post("/templates/import/", {"file": SimpleUploadedFile("mug.json", file.content)})

    taken = PromptTemplate.objects.of_team(other_team).get()
    assert page.status_code == 200
    assert taken.published is not None
    assert taken.published.content == Content.checked(MUG).to_json()
    assert taken.cover


def test_all_versions_travel_in_an_export(client_of: Browsers, mug: PromptTemplate, alice: User, other_team: Team) -> None:
    newer = {**MUG, "negative": {"text": "text, people, shadows"}}
    templates.publish(templates.save_version(mug, author=alice, content=Content.checked(newer), note="no shadows", after=1), by=alice)
    draft = {**MUG, "negative": {"text": "dust"}}
    templates.save_version(mug, author=alice, content=Content.checked(draft), note="no dust", after=2)
    client = client_of(alice)
    file = client.get("/templates/export/", {"format": "atelier"})
    client = client_of(other_team.members.get())

    client.post("/templates/import/", {"file": SimpleUploadedFile("all.json", file.content)})

    taken = PromptTemplate.objects.of_team(other_team).get()
    rows = list(taken.versions.order_by("number").values_list("number", "status", "note", "content"))
    assert rows == [
        (1, "archived", "", Content.checked(MUG).to_json()),
        (2, "published", "no shadows", Content.checked(newer).to_json()),
        (3, "draft", "no dust", Content.checked(draft).to_json()),
    ]


def test_what_was_never_published_comes_back_as_a_draft(client_of: Browsers, team: Team, alice: User, other_team: Team) -> None:
    made = templates.create(team, author=alice, name="Draft", content=Content.checked(MUG), note="first try")
    templates.save_version(made, author=alice, content=Content.checked({**MUG, "negative": {"text": "dust"}}), note="", after=1)
    file = client_of(alice).get("/templates/export/", {"format": "atelier"})

    client_of(other_team.members.get()).post("/templates/import/", {"file": SimpleUploadedFile("all.json", file.content)})

    taken = PromptTemplate.objects.of_team(other_team).get()
    rows = list(taken.versions.order_by("number").values_list("number", "status", "note"))
    assert (taken.published, rows) == (None, [(1, "draft", "first try"), (2, "draft", "From all.json")])


def test_a_file_from_before_notes_and_statuses_were_kept_is_read(team: Team, alice: User) -> None:
    older = {"number": 1, "note": "first", "content": Content.checked({**MUG, "negative": {"text": "dust"}}).to_json()}
    file = {"atelier": 1, "templates": [{"name": "Mug", "content": Content.checked(MUG).to_json(), "versions": [older]}]}
    [found] = read(json.dumps(file).encode())
    assert found.template is not None

    made = copies.take_in(team, found.template, by=alice, note="From mug.json")

    rows = list(made.versions.order_by("number").values_list("number", "status", "note"))
    assert rows == [(1, "draft", "first"), (2, "published", "From mug.json")]


def test_notes_and_drafts_are_told_to_nobody_outside(client: Client, mug: PromptTemplate, alice: User) -> None:
    published = templates.save_version(mug, author=alice, content=Content.checked({**MUG, "negative": {"text": "a"}}), note="NOTE", after=1)
    templates.publish(published, by=alice)
    templates.save_version(mug, author=alice, content=Content.checked({**MUG, "negative": {"text": "DRAFT"}}), after=2)
    mug.refresh_from_db()

    file = client.get(f"{opened(mug, alice)}template.json").content.decode()

    assert ("NOTE" in file, "DRAFT" in file) == (False, False)


def test_styles_of_another_tool_become_templates_and_a_bad_line_spoils_none(client_of: Browsers, team: Team, alice: User) -> None:
    csv = 'name,prompt,negative_prompt\nFilm,"35mm photo of {prompt}, grain",blurry\n"",no name,\nInk,"ink drawing",\n'
    client = client_of(alice)

    page = client.post("/templates/import/", {"file": SimpleUploadedFile("styles.csv", csv.encode())})

    assert sorted(PromptTemplate.objects.of_team(team).values_list("name", flat=True)) == ["Film", "Ink"]
    assert "2 templates made, 1 left out" in page.content.decode()
    film = PromptTemplate.objects.get(name="Film")
    assert film.published is not None
    assert [field["name"] for field in film.published.content["fields"]] == ["subject"]


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("styles.json", b"just words", "has no JSON in it"),
        ("templates.json", b"\x89PNG\r\n\x1a\n" + bytes(64), "not a text"),
        ("templates.json", json.dumps({"atelier": 9, "templates": []}).encode(), "newer Atelier"),
        ("a.json", b"", "empty"),
    ],
)
def test_a_file_that_is_no_file_of_templates(client_of: Browsers, team: Team, alice: User, name: str, data: bytes, said: str) -> None:
    client = client_of(alice)

    page = client.post("/templates/import/", {"file": SimpleUploadedFile(name, data)})

    assert page.status_code == 422
    assert said in page.content.decode()
    assert not PromptTemplate.objects.exists()


def test_an_export_leaves_out_what_others_keep_to_themselves(
    client_of: Browsers, team: Team, alice: User, bob: User, mug: PromptTemplate
) -> None:
    templates.create(team, author=bob, name="Bob's own", content=Content.checked(MUG), visibility=Visibility.PRIVATE)
    client = client_of(alice)

    names = [one["name"] for one in json.loads(client.get("/templates/export/", {"format": "atelier"}).content)["templates"]]

    assert names == ["Mug on colour"]


@pytest.mark.parametrize("query", [{"format": "zip"}, {"format": "atelier", "template": "x"}])
def test_an_export_of_nothing_that_there_is(client_of: Browsers, alice: User, mug: PromptTemplate, query: dict[str, Any]) -> None:
    client = client_of(alice)

    assert client.get("/templates/export/", query).status_code == 404


def test_many_are_exported_with_as_few_questions_as_one(
    client_of: Browsers, mug: PromptTemplate, team: Team, alice: User, django_assert_max_num_queries: Any
) -> None:
    client = client_of(alice)
    for query in ({}, {"format": "atelier"}):
        with django_assert_max_num_queries(100) as few:
            client.get("/templates/export/", query)
        copies.copy(mug, team, by=alice)
        with django_assert_max_num_queries(len(few)):
            client.get("/templates/export/", query)


def test_a_template_with_more_versions_than_a_file_may_have_comes_back(mug: PromptTemplate, team: Team, alice: User) -> None:
    first = mug.versions.get()
    later = [{**first.content, "negative": {"text": f"no {number}", "locked": False}} for number in range(2, MAX_VERSIONS + 4)]
    made = [PromptTemplateVersion(template=mug, number=number, content=content) for number, content in enumerate(later, start=2)]
    PromptTemplateVersion.objects.bulk_create(made)
    templates.publish(mug.versions.newest_first()[0], by=alice)
    mug.refresh_from_db()
    [found] = read(write(Format.ATELIER, [copies.as_record(mug)]))
    assert found.problems is None
    assert found.template is not None
    assert [one.number for one in found.template.versions] == list(range(3, MAX_VERSIONS + 3))


def test_an_import_says_which_lists_are_missing_and_which_names_are_there(client_of: Browsers, team: Team, alice: User) -> None:
    client = client_of(alice)
    csv = b"name,prompt,negative_prompt\nBoat,a __colour__ boat,\nHarbour,__pier__ and __quay__,\n"

    first = client.post("/templates/import/", {"file": SimpleUploadedFile("styles.csv", csv)}).content.decode()
    again = client.post("/templates/import/", {"file": SimpleUploadedFile("styles.csv", csv)}).content.decode()

    lacking = "Harbour Street has no word list __pier__, __quay__ yet. Make them under “Word lists”."
    assert (first.count("has no word list"), lacking in first) == (1, True)
    twice = "A template of this name was there already; this is a second one."
    assert (first.count(twice), again.count(twice)) == (0, 2)


def test_the_page_behind_a_link_names_each_field_once_with_its_type(client: Client, mug: PromptTemplate, alice: User) -> None:
    page = client.get(opened(mug, alice)).content.decode()

    assert "Skip to the template" in page
    assert 'Product, <span class="muted">text, required</span>' in page


# --- starters ----------------------------------------------------------------------------------------------------------


def test_every_starter_makes_sense_and_can_be_taken(team: Team, alice: User) -> None:
    shipped = starters()
    assert len(shipped) >= 9

    for slug in shipped:
        made = copies.starter(team, slug, by=alice)
        assert made.published is not None
        assert made.published.status == PromptTemplateVersion.Status.PUBLISHED
        assert Content.from_json(made.published.content).warnings() == {}

    assert PromptTemplate.objects.of_team(team).count() == len(shipped)


def test_a_starter_is_taken_once(client_of: Browsers, team: Team, alice: User, bob: User) -> None:
    slug = next(iter(starters()))
    client = client_of(alice)
    client.post(f"/templates/starters/{slug}/")
    first = PromptTemplate.objects.of_team(team).get()
    templates.archive(first, by=alice)

    client = client_of(bob)
    used = client.post(f"/templates/starters/{slug}/", {"use": "1"})

    assert used["Location"] == f"/create/?template={first.pk}"
    first.refresh_from_db()
    assert PromptTemplate.objects.of_team(team).count() == 1
    assert first.archived_at is None


def test_a_starter_that_somebody_keeps_to_themselves_is_theirs_and_the_team_gets_another(
    client_of: Browsers, team: Team, alice: User, bob: User
) -> None:
    slug = next(iter(starters()))
    hers = copies.starter(team, slug, by=alice)
    templates.set_visibility(hers, Visibility.PRIVATE, by=alice)
    templates.archive(hers, by=alice)
    client = client_of(bob)
    assert f"/templates/{hers.pk}/" not in client.get("/templates/starters/").content.decode()
    made = client.post(f"/templates/starters/{slug}/")
    his = PromptTemplate.objects.get(team=team, starter=slug)
    assert (made["Location"], client.get(made["Location"]).status_code) == (f"/templates/{his.pk}/", 200)
    hers.refresh_from_db()
    assert (his.author, hers.starter, hers.archived_at is None) == (bob, "", False)
    templates.set_visibility(hers, Visibility.TEAM, by=alice)
    assert PromptTemplate.objects.filter(team=team, starter=slug).get() == his


def test_no_starter_of_that_name(client_of: Browsers, team: Team, alice: User) -> None:
    client = client_of(alice)

    assert client.post("/templates/starters/nothing/").status_code == 404
    assert client.get("/templates/starters/nothing/cover.webp").status_code == 404


def test_a_copy_in_the_same_team_has_a_name_of_its_own(mug: PromptTemplate, team: Team) -> None:
    dora = make_user("Dora Draws")

    made = copies.copy(mug, team, by=dora)

    assert (made.name, made.author, made.versions.count()) == ("Mug on colour (copy)", dora, 1)
