"""The operator's report: charged beside cost, by day, engine and team; on a page and as a file."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Team, User
from studio.costs import report
from studio.generation.models import Job
from tests.factories import make_artifacts, make_job

pytestmark = pytest.mark.django_db
ADDRESS = "/admin/costs/costreport/"
NOVEMBER = (date(2026, 11, 1), date(2026, 11, 30))


def moment(day: int, hour: int = 12) -> datetime:
    return datetime(2026, 11, day, hour, tzinfo=timezone.get_current_timezone())


@pytest.fixture
def month(alice: User, team: Team, mallory: User, other_team: Team) -> None:
    """Two teams, two engines, two days: pictures at 1 credit, whose costs are 0.6 and 0."""
    for day, who, where, engine, count in (
        (3, alice, team, "core", 2),
        (3, alice, team, "core", 1),
        (3, mallory, other_team, "core", 1),
        (4, alice, team, "core", 1),
        (4, alice, team, "null", 2),
    ):
        [first, *_] = make_artifacts(
            team=where, user=who, count=count, made_at=moment(day), engine=engine, engine_label=engine, files=False
        )
        Job.objects.filter(pk=first.job_id).update(provider_cost=600 * count if engine == "core" else 0)
    lost = make_job(team, alice, engine="core", engine_label="core", made_at=moment(4))
    Job.objects.filter(pk=lost.pk).update(status="failed", sent_at=moment(4), finished_at=moment(4))
    make_job(team, alice, engine="core")  # waits


def rows(lines: list[report.Line]) -> list[tuple[Any, ...]]:
    return [(line.day.day, line.engine, line.team, line.jobs, line.delivered, line.charged, line.cost, line.margin) for line in lines]


def test_by_day_engine_and_team(month: None) -> None:
    lines = report.lines(*NOVEMBER)
    assert rows(lines) == [
        (4, "core", "Harbour Street", 2, 1, 1000, 600, 400),
        (4, "null", "Harbour Street", 1, 2, 2000, 0, 2000),
        (3, "core", "Elsewhere", 1, 1, 1000, 600, 400),
        (3, "core", "Harbour Street", 2, 3, 3000, 1800, 1200),
    ]
    assert [line.unknown for line in lines] == [1, 0, 0, 0]
    everything = report.total(lines)
    assert (everything.jobs, everything.delivered, everything.charged, everything.cost, everything.margin, everything.unknown) == (
        *(6, 7, 7000, 3000),
        *(4000, 1),
    )


def test_both_days_are_included_in_the_studio_s_time_zone(month: None, settings: Any) -> None:
    assert {line.day.day for line in report.lines(date(2026, 11, 3), date(2026, 11, 3))} == {3}
    with timezone.override("Pacific/Kiritimati"):  # UTC+14: noon of the 3rd is the 4th there
        assert {line.day.day for line in report.lines(*NOVEMBER)} == {4, 5}


def test_what_was_refunded_is_not_charged(month: None) -> None:
    from billing.services.wallets import refund

    job = Job.objects.filter(engine="null").get()
    refund(job.hold, 500, reference="r", description="Sorry")
    [line] = [line for line in report.lines(*NOVEMBER) if line.engine == "null"]
    assert line.charged == 1500


def words(answer: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", unescape(answer.content.decode())).split())


def test_the_page(month: None, desk: Client) -> None:
    page = desk.get(ADDRESS, {"first": "2026-11-01", "last": "2026-11-30"})
    assert page.status_code == 200
    assert "2026-11-03 core Harbour Street 2 3 0 3 1.8 +1.2" in words(page)
    assert "30 days 6 7 0 7 3 +4 1" in words(page)
    assert "Of a job of unknown cost a request went out" in words(page)
    assert "No job ended on these days." in words(desk.get(ADDRESS, {"first": "2026-01-01", "last": "2026-01-02"}))


def test_without_days_it_is_the_last_thirty(desk: Client) -> None:
    form = desk.get(ADDRESS).context["form"]
    today = timezone.localdate()
    assert (form.cleaned_data["first"], form.cleaned_data["last"]) == (today - timedelta(days=29), today)


@pytest.mark.parametrize(
    ("first", "last", "sentence"),
    [
        ("2026-11-02", "2026-11-01", "The first day is after the last. Choose an earlier one."),
        ("2024-11-02", "2026-11-01", "That is more than a year. Choose fewer days."),
        ("soon", "2026-11-01", "Enter a valid date."),
        ("9999-12-31", "9999-12-31", "That day is too far away. Choose an earlier one."),
    ],
)
def test_days_that_make_no_sense(desk: Client, first: str, last: str, sentence: str) -> None:
    for format in ("", "csv"):
        page = desk.get(ADDRESS, {"first": first, "last": last, "format": format})
        assert page.status_code == 422
        assert sentence in words(page)


def test_the_download(month: None, desk: Client, team: Team) -> None:
    Team.objects.filter(pk=team.pk).update(name="=HYPERLINK(1)")
    answer = desk.get(ADDRESS, {"first": "2026-11-03", "last": "2026-11-30", "format": "csv"})
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"] == 'attachment; filename="atelier-costs-2026-11-03-2026-11-30.csv"'
    head, *found = csv.reader(io.StringIO(answer.content.decode()))
    assert tuple(head) == report.HEAD
    assert found[0] == ["2026-11-04", "core", "'=HYPERLINK(1)", "2", "1", "0", "1.000", "0.600", "0.400", "1"]
    assert len(found) == 4


def test_what_does_not_fit_on_the_page_is_in_the_download(month: None, desk: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("studio.costs.admin.MOST", 3)
    page = desk.get(ADDRESS, {"first": "2026-11-01", "last": "2026-11-30"})
    assert "These are the newest 3 of 4 lines; the download has all." in words(page)
    assert "30 days 6 7 0 7 3 +4 1" in words(page)


@pytest.mark.parametrize("address", [ADDRESS, f"{ADDRESS}?format=csv", "/admin/costs/balancesnapshot/"])
@pytest.mark.parametrize("who", ["alice", "carol", "mallory"])
def test_nobody_but_the_operator_reads_it(who: str, address: str, client_of: Callable[..., Client], month: None, request: Any) -> None:
    answer = client_of(request.getfixturevalue(who)).get(address)
    assert answer.status_code == 302
    assert "Harbour" not in answer.content.decode()


def test_no_page_of_a_single_job_is_behind_it(month: None, desk: Client) -> None:
    job = Job.objects.latest("id")
    for page in ("change", "history"):
        assert desk.get(f"{ADDRESS}{job.pk}/{page}/").status_code == 403


def test_staff_without_the_right_get_403(carol: User, client_of: Callable[..., Client], month: None) -> None:
    User.objects.filter(pk=carol.pk).update(is_staff=True)
    for address in (ADDRESS, f"{ADDRESS}?format=csv", "/admin/costs/balancesnapshot/"):
        assert client_of(carol).get(address).status_code == 403
