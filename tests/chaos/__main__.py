"""`make chaos`: hundreds of jobs of twenty people over several processes, while what they need is killed at random; then a verdict.

A third of the jobs comes through the API with webhooks, some are of batches, some are stopped. Everything that must be nothing is printed
as a table and written to `var/chaos.json`; the exit status is 1 when something is not.

    make chaos                              500 jobs, a seed by chance
    make chaos ARGS='--jobs 60 --seed 7'    fewer, and the same plan again

PostgreSQL is that of `DATABASE_URL`, else this machine's; the run makes a database of its own there, and starts a Redis of its own.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import random
import sys
import time
from pathlib import Path

from tests.chaos import table
from tests.chaos.run import Wish, run, say

ROOT = Path(__file__).resolve().parents[2]
RESULT = ROOT / "var" / "chaos.json"
FEWEST = 20


def read() -> Wish:
    installed = all(importlib.util.find_spec(name) for name in ("torch", "diffusers"))
    parser = argparse.ArgumentParser(prog="make chaos", description="Kill the parts of a studio at work, then read its books.")
    parser.add_argument("--jobs", type=int, default=500)
    parser.add_argument("--people", type=int, default=20)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10_000), help="of plans and chances (default: any)")
    parser.add_argument("--minutes", type=float, default=12, help="then it is over, and what is open counts as stuck (default 12)")
    parser.add_argument("--local", action=argparse.BooleanOptionalAction, default=installed, help="with the local runner")
    given = parser.parse_args()
    if given.jobs < FEWEST:
        parser.error(f"--jobs: fewer than {FEWEST} are over before anything is killed.")
    return Wish(**vars(given))


def main() -> int:
    wish = read()
    folder = ROOT / "var" / "chaos" / time.strftime(f"%Y%m%d-%H%M%S-seed-{wish.seed}")
    folder.mkdir(parents=True)
    say(f"Journal and logs: {folder}")
    result = run(wish, folder)
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print("\n" + table.drawn(result))
    return 1 if any(result["wrong"].values()) else 0


if __name__ == "__main__":
    sys.exit(main())
