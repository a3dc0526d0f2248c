"""Versions of a template: in use, brought back, side by side, and what came of each."""

from __future__ import annotations

import pytest

from studio.galleries import curating
from studio.galleries.models import Mark
from studio.generation.models import Artifact, Job
from studio.prompts.models import PromptTemplateVersion
from studio.prompts.pages import figures
from studio.prompts.services import templates
from tests.factories import make_artifacts
from tests.prompts.factories import content, make_template, newest, page_of, said

pytestmark = pytest.mark.django_db


# --- versions --------------------------------------------------------------------------------------------------------
def test_publish_and_restore(alice, team, client_of):
    made = make_template(team, alice)
    templates.save_version(made, author=alice, content=content("another"), after=1)
    client = client_of(alice)
    assert client.post(page_of(made, "versions/2/publish/"))["Location"] == page_of(made)
    made.refresh_from_db()
    assert made.published.number == 2
    client.post(page_of(made, "versions/1/restore/"))
    assert (newest(made).number, newest(made).restored_from.number) == (3, 1)
    client.post(page_of(made, "versions/1/restore/"))
    assert made.versions.count() == 3
    assert client.get(page_of(made, "versions/9/")).status_code == 404
    assert client.post(page_of(made, "versions/9/publish/")).status_code == 404


def test_two_versions_side_by_side(alice, team, client_of):
    made = make_template(team, alice)
    fields = [{**one, "required": False} if one["name"] == "product" else one for one in newest(made).content["fields"]]
    fields.append({"name": "mood", "type": "text"})
    templates.save_version(
        made, author=alice, content=content("A drawing of {product}", fields=fields, parameters={"num_images": 4}), after=1
    )
    answer = client_of(alice).get(page_of(made, "diff/"))
    difference = answer.context["difference"]
    [text] = difference.texts
    assert [(one.kind, one.text) for one in text.before] == [
        ("same", "A "),
        ("del", "photograph"),
        ("same", " of {product"),
        ("del", "}, {light"),
        ("same", "}"),
    ]
    assert [(one.kind, one.text) for one in text.after] == [("same", "A "), ("ins", "drawing"), ("same", " of {product"), ("same", "}")]
    assert [(row.label, row.verb) for row in difference.fields] == [("product", "changed"), ("mood", "added")]
    assert [(row.label, row.before, row.after) for row in difference.settings] == [("Pictures", "2", "4")]
    assert difference.same == ["Constraints", "What to leave out"]
    same = client_of(alice).get(page_of(made, "diff/?from=2&to=2"))
    assert "Both say the same." in said(same)
    for query in ("?from=9", "?to=x", "?from=²"):
        assert client_of(alice).get(page_of(made, f"diff/{query}")).status_code == 404


def test_what_came_of_each_version(alice, bob, team, client_of, django_assert_num_queries):
    """Made and charged as the jobs say; kept: somebody's favourite or in a gallery, once, and not in the trash."""
    made = make_template(team, alice)
    second = templates.save_version(made, author=alice, content=content("another"), after=1)
    third = templates.save_version(made, author=alice, content=content("a third"), after=2)
    first = made.versions.get(number=1)
    pictures: list[Artifact] = []
    for version, count in ((first, 4), (first, 2), (second, 3)):
        found = make_artifacts(team, alice, count)
        Job.objects.filter(pk=found[0].job_id).update(template_version=version)
        pictures += found
    for person in (alice, bob):  # two people love one picture: it is kept once
        Mark.objects.create(team=team, user=person, artifact=pictures[0], is_favourite=True)
    Mark.objects.create(team=team, user=bob, artifact=pictures[2], rating=5)
    gallery = curating.create(team, by=alice, name="Best")
    curating.add(gallery, [pictures[0], pictures[1]], by=alice)
    gone = curating.create(team, by=alice, name="Gone")
    curating.add(gone, [pictures[3]], by=alice)
    curating.delete(gone, by=alice)
    Mark.objects.create(team=team, user=bob, artifact=pictures[6], is_favourite=True)
    Artifact.objects.filter(pk=pictures[6].pk).update(deleted_at=pictures[6].created_at)
    versions = list(PromptTemplateVersion.objects.order_by("number"))
    with django_assert_num_queries(2):
        found = figures.of_versions(versions)
    assert [found[one.pk] for one in (first, second, third)] == [
        figures.Figures(made=6, kept=2, charged=6000),
        figures.Figures(made=3, kept=0, charged=3000),
        figures.Figures(),
    ]
    assert (found[first.pk].percent, found[first.pk].each, found[second.pk].each, found[third.pk].rate) == (33, 3000, None, None)
    page = said(client_of(alice).get(page_of(made)))
    assert '<td class="right num">6</td><td class="right num">33 %</td><td class="right num">3</td>' in page
