"""A plan has what was asked for, and the same seed has the same plan."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from tests.chaos import asks, killers
from tests.chaos.asks import PROGRAMS, Ask

ENGINES = ["null", "stable-image-core"]


def planned(seed: int = 1, jobs: int = 500, local: int = 6) -> list[Ask]:
    return asks.plan(random.Random(seed), jobs=jobs, people=20, engines=ENGINES, local=local)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("jobs", [20, 61, 500])
def test_exactly_so_many_jobs_a_third_of_them_by_programs(seed: int, jobs: int) -> None:
    plan = planned(seed, jobs)
    assert asks.jobs_of(plan) == jobs
    assert asks.jobs_of(one for one in plan if one.way in PROGRAMS) == jobs // 3
    assert [one.engine for one in plan].count("storybook") == 6
    assert sorted(plan, key=lambda one: one.at) == plan


def test_a_whole_run_has_everything() -> None:
    plan = planned()
    ways = Counter(one.way for one in plan)
    assert set(ways) == set(asks.WAYS)
    assert {one.engine for one in plan} == {*ENGINES, "storybook"}
    assert {one.person for one in plan} == set(range(20))
    assert any(one.stops for one in plan)
    assert len({tag for one in plan for tag in one.tags}) == 500
    assert all(asks.TAG.search(prompt) for one in plan for prompt in one.prompts)


def test_the_same_seed_has_the_same_plan() -> None:
    assert planned(3) == planned(3) != planned(4)


def test_each_kind_of_kill_happens_also_in_a_small_run() -> None:
    small = killers.plan(random.Random(1), jobs=40, kinds=killers.KINDS)
    assert Counter(one.kind for one in small) == dict.fromkeys(killers.KINDS, 1)
    whole = killers.plan(random.Random(1), jobs=500, kinds=killers.KINDS)
    assert Counter(one.kind for one in whole) == killers.KINDS
    assert [one.at for one in whole] == sorted(one.at for one in whole)
    assert killers.plan(random.Random(1), jobs=500, kinds=killers.KINDS) == whole
