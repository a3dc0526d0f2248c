"""How often engines fail and how long they take: what is counted, and that no more rows are read than that takes."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from studio.generation.models import Job
from studio.operator import rates
from tests.operator.conftest import ended

DAY = 86_400


def test_percentiles_are_nearest_rank():
    assert rates.percentiles([3.0]) == [3.0, 3.0, 3.0]
    assert rates.percentiles(list(range(100, 0, -1))) == [50, 95, 99]
    assert rates.percentiles([1, 2, 3, 4]) == [2, 4, 4]


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=300))
def test_so_many_percent_do_not_exceed_a_percentile_and_fewer_do_not_exceed_what_is_below(values):
    for point, found in zip(rates.POINTS, rates.percentiles(values), strict=True):
        assert found in values
        assert sum(value <= found for value in values) * 100 >= point * len(values)
        assert sum(value < found for value in values) * 100 < point * len(values)


@pytest.mark.django_db
def test_failures_are_counted_by_hour_and_day_and_code(team, bob):
    for ago in (60, 7200, DAY + 60):
        ended(team, bob, ago=ago)
        ended(team, bob, ago=ago, code="timeout")
    ended(team, bob, ago=7200, code="rate_limited")
    ended(team, bob, ago=7200, code="rate_limited")
    Job.objects.filter(pk=ended(team, bob).pk).update(status=Job.Status.CANCELED)
    [one] = rates.failures()
    assert (one.label, one.all.hour, one.all.day, one.failed.hour, one.failed.day) == ("Null (test card)", 2, 6, 1, 4)
    assert (one.hour_percent, one.day_percent) == (50.0, pytest.approx(100 * 4 / 6))
    assert {code: (told.hour, told.day) for code, told in one.codes.items()} == {"rate_limited": (0, 2), "timeout": (1, 2)}
    assert list(one.codes) == ["rate_limited", "timeout"]


@pytest.mark.django_db
def test_times_are_those_of_results_of_a_day_by_engine(team, bob):
    for seconds in range(1, 21):
        ended(team, bob, ago=60 + seconds, wait=seconds, run=10 * seconds)
    ended(team, bob, ago=DAY + 60, wait=900, run=900)
    ended(team, bob, code="timeout", wait=900, run=900)
    ended(team, bob, engine="gone", wait=3, run=4)
    told = {one.label: (one.count, [round(x) for x in one.wait], [round(x) for x in one.run]) for one in rates.latencies()}
    assert told == {"Null (test card)": (20, [10, 19, 20], [100, 190, 200]), "gone": (1, [3] * 3, [4] * 3)}


@pytest.mark.django_db
def test_no_more_than_the_newest_of_each_engine_are_read(team, bob, monkeypatch):
    monkeypatch.setattr(rates, "SAMPLE", 3)
    for number in range(6):
        ended(team, bob, ago=60 + number, run=number + 1)
    ended(team, bob, ago=DAY - 60, engine="rare", run=40)
    with CaptureQueriesContext(
        connection,
    ) as asked:
        told = {one.label: (one.count, round(one.run[2])) for one in rates.latencies()}
    assert told == {"Null (test card)": (3, 3), "rare": (1, 40)}
    assert len(asked) == 1
