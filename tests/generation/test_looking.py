"""Create for somebody who may look, but not make."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.urls import reverse

from accounts.models import Membership, Role
from billing.services import wallets
from studio.generation.models import Job
from tests.factories import make_artifact

pytestmark = pytest.mark.django_db
HTMX = {"HTTP_HX_REQUEST": "true"}


def words(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", "", html)).split())


def test_a_viewer_is_told_the_role_and_whom_to_ask(client_of: Any, carol: Any, alice: Any, team: Any) -> None:
    page = client_of(carol).get(reverse("create"))
    assert page.status_code == 200
    assert (
        "As a viewer of Harbour Street you see everything it makes; to make pictures here, ask Alice Harbour for the role of creator."
        in words(page.content.decode())
    )
    assert f'href="{reverse("library")}"' in page.content.decode()


def test_there_is_no_form_that_would_refuse(client_of: Any, carol: Any) -> None:
    html = client_of(carol).get(reverse("create")).content.decode()
    assert [name for name in ('id="panel"', 'name="prompt"', 'id="generate"', "data-drop-veil") if name in html] == []


@pytest.mark.parametrize(
    ("others", "asked"),
    [
        ([("bob", Role.ADMIN)], "ask Alice Harbour or Bob Member for the role of creator"),
        ([("bob", Role.CREATOR)], "ask Alice Harbour for the role of creator"),
    ],
)
def test_those_are_named_who_give_roles(client_of: Any, carol: Any, bob: Any, team: Any, others: Any, asked: str) -> None:
    for _name, role in others:
        Membership.objects.filter(user=bob, team=team).update(role=role)
    assert asked in words(client_of(carol).get(reverse("create")).content.decode())


def test_the_newest_work_of_the_team_is_on_the_stage(client_of: Any, carol: Any, alice: Any, team: Any) -> None:
    picture = make_artifact(team, alice, prompt="a harbour at noon")
    page = client_of(carol).get(reverse("create"))
    assert page.context["job"] == picture.job
    assert f'id="stage-{picture.job_id}"' in page.content.decode()


def test_a_team_of_ones_own_is_one_press_away(client_of: Any, carol: Any) -> None:
    client = client_of(carol)
    own = carol.teams.get(is_personal=True)
    assert f'name="team" value="{own.pk}"' in client.get(reverse("create")).content.decode()
    there = client.post(reverse("team_switch"), {"team": own.pk, "next": reverse("create")}, follow=True)
    assert there.context["can_generate"] is True
    assert 'id="generate"' in there.content.decode()


@pytest.mark.parametrize(("name", "method"), [("create_form", "get"), ("create_quote", "post")])
def test_the_panel_and_its_price_are_refused(client_of: Any, carol: Any, team: Any, name: str, method: str) -> None:
    before = wallets.wallet_of(team).balance
    answer = getattr(client_of(carol), method)(reverse(name), {"engine": "null", "mode": "text-to-image", "prompt": "a boat"}, **HTMX)
    assert answer.status_code == 403
    assert (Job.objects.count(), wallets.wallet_of(team).balance) == (0, before)
