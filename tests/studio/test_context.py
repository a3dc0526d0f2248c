"""What every page may show, and that nobody pays for what a page does not show."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.template import engines
from django.test import RequestFactory

from accounts.models import Team, User
from studio.context import studio
from studio.generation.models import Job
from tests.factories import make_job


def request_of(user: Any, team: Team | None = None, **cookies: str) -> Any:
    request = RequestFactory().get("/")
    request.user, request.team = user, team  # type: ignore[attr-defined]
    request.COOKIES.update(cookies)
    return request


def render(text: str, request: Any) -> str:
    return str(engines["django"].from_string(text).render({}, request)).strip()


def test_nothing_is_read_until_it_is_shown(alice: User, team: Team, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        assert set(studio(request_of(alice, team))) >= {"team", "teams", "wallet", "open_jobs", "engines", "theme"}


def test_what_is_shown_twice_is_read_once(alice: User, team: Team, django_assert_num_queries: Any) -> None:
    request = request_of(alice, team)
    text = "{{ open_jobs }} {{ open_jobs }} {% for one in teams %}{{ one.name }}, {% endfor %}{{ teams|length }} {{ wallet.balance }}"
    text += " {{ wallet.held }}"
    with django_assert_num_queries(3):
        shown = render(text, request)
    assert shown == "0 0 Alice Harbour, Harbour Street, 2 0 0"


def test_open_jobs_are_the_team_s(alice: User, team: Team, other_team: Team, mallory: User) -> None:
    make_job(team, alice)
    make_job(team, alice, status=Job.Status.RUNNING)
    done = make_job(team, alice)
    Job.objects.filter(pk=done.pk).update(status=Job.Status.FAILED)
    make_job(other_team, mallory)

    assert render("{{ open_jobs }}", request_of(alice, team)) == "2"


def test_nobody_has_nothing(db: None, django_assert_num_queries: Any) -> None:
    text = "{{ team }}|{{ wallet }}|{{ open_jobs }}|{{ teams|length }}"
    with django_assert_num_queries(0):
        assert render(text, request_of(AnonymousUser())) == "None|None|0|0"
