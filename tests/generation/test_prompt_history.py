"""What somebody wrote before: their own, in this team, as typed, each once; and the templates that they pick from."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from studio.generation.models import Job
from studio.prompts.content import Content
from studio.prompts.services import templates
from tests import factories
from tests.generation.conftest import HTMX

pytestmark = pytest.mark.django_db


def written(client, **query) -> list[str]:
    return [one.prompt for one in client.get(reverse("prompt_history"), query, **HTMX).context["prompts"]]


def test_prompts_come_back_as_they_were_typed_the_newest_first_each_once(alices, alice, rich):
    for prompt in ("a boat", "a castle", "a boat"):
        factories.make_job(rich, alice, prompt=prompt)
    drawn = factories.make_job(rich, alice, prompt="a red kite")
    Job.objects.filter(pk=drawn.pk).update(written={"prompt": "a {red|blue} kite", "negative_prompt": ""})
    assert written(alices) == ["a {red|blue} kite", "a boat", "a castle"]


def test_only_one_s_own_of_this_team(client_of, alices, alice, bob, carol, mallory, rich, other_team):
    factories.make_job(rich, bob, prompt="bob's secret")
    own = alice.memberships.get(team__is_personal=True).team
    factories.make_job(own, alice, prompt="at home")
    assert written(alices) == []
    assert written(client_of(bob)) == ["bob's secret"]
    assert written(client_of(alice, own)) == ["at home"]
    assert written(client_of(mallory)) == []
    assert client_of(carol).get(reverse("prompt_history")).status_code == 403


def test_a_search_has_all_words_in_what_was_typed_or_came_out(alices, alice, rich):
    factories.make_job(rich, alice, prompt="a boat at sea")
    drawn = factories.make_job(rich, alice, prompt="a kite at sea")
    Job.objects.filter(pk=drawn.pk).update(written={"prompt": "a {kite|bird} at sea", "negative_prompt": ""})
    assert written(alices, q="sea boat") == ["a boat at sea"]
    assert written(alices, q="bird") == written(alices, q="kite") == ["a {kite|bird} at sea"]
    assert written(alices, q="train") == []


def test_what_a_template_wrote_is_not_in_it(alices, alice, rich):
    job = factories.make_job(rich, alice, prompt="by a template")
    Job.objects.filter(pk=job.pk).update(template_values={"fields": {}, "sections": {}})
    assert written(alices) == []


def test_it_takes_as_many_queries_for_many_as_for_one(alices, alice, rich):
    factories.make_job(rich, alice, prompt="first")
    written(alices)  # the first request of a browser asks for more
    with CaptureQueriesContext(connection) as few:
        written(alices)
    for number in range(12):
        factories.make_job(rich, alice, prompt=f"prompt {number}")
    with CaptureQueriesContext(connection) as many:
        assert len(written(alices)) == 13
    assert len(many) == len(few)


def test_what_no_database_keeps_is_looked_for_nowhere(alices, alice, rich):
    factories.make_job(rich, alice, prompt="a red kite")
    publish(rich, alice, "Red kite")
    assert written(alices, q="red\0kite") == ["a red kite"]
    assert picked(alices, q="red\0kite")["others"] == ["Red kite"]


def test_without_javascript_it_is_a_page_that_leads_back(alices, alice, rich):
    job = factories.make_job(rich, alice, prompt="a <b>boat</b>", seed=3)
    html = alices.get(reverse("prompt_history")).content.decode()
    assert "a &lt;b&gt;boat&lt;/b&gt;" in html
    assert f"/create/?job={job.pk}&amp;use=settings" in html
    assert alices.get(reverse("create"), {"job": job.pk, "use": "settings"}).context["form"]["prompt"].value() == "a <b>boat</b>"


# --- templates to pick from --------------------------------------------------------------------------------------------


def publish(team, author, name, *, visibility="team", tags=()):
    content = Content.checked({"sections": [{"name": "prompt", "text": name}]})
    template = templates.create(team, author=author, name=name, content=content, visibility=visibility, tags=tags)
    templates.publish(template.versions.get(), by=author)
    return template


def picked(client, **query) -> dict[str, list[str]]:
    context = client.get(reverse("create_templates"), query, **HTMX).context
    return {name: [str(one) for one in context[name]] for name in ("favorites", "recent", "others")}


def test_favourites_and_those_used_last_come_first(alices, alice, bob, rich):
    portrait, logo, _ = [publish(rich, alice, name) for name in ("Portrait", "Logo", "Icon")]
    templates.create(rich, author=alice, name="Draft", content=Content.checked({"sections": [{"name": "prompt", "text": "x"}]}))
    publish(rich, bob, "Bob's own", visibility="private")
    templates.archive(publish(rich, alice, "Old"), by=alice)
    templates.favor(alice, portrait, True)
    job = factories.make_job(rich, alice)
    Job.objects.filter(pk=job.pk).update(template_version=logo.versions.get())
    assert picked(alices) == {"favorites": ["Portrait"], "recent": ["Logo"], "others": ["Icon", "Logo"]}
    assert picked(alices, q="logo") == {"favorites": [], "recent": [], "others": ["Logo"]}
    assert picked(alices, q="nothing")["others"] == []


def test_one_used_last_is_there_however_many_are_changed_since(alices, alice, rich, monkeypatch):
    monkeypatch.setattr("studio.generation.views.templates.SHOWN", 1)
    old, *_ = [publish(rich, alice, name) for name in ("Old", "New", "Newer")]
    job = factories.make_job(rich, alice)
    Job.objects.filter(pk=job.pk).update(template_version=old.versions.get())
    assert picked(alices) == {"favorites": [], "recent": ["Old"], "others": ["Newer"]}
    templates.archive(old, by=alice)
    assert picked(alices)["recent"] == []


def test_without_javascript_one_picks_on_the_page_of_templates(alices):
    response = alices.get(reverse("create_templates"))
    assert (response.status_code, response["Location"]) == (302, reverse("templates"))
