"""`make bench`: run the measurements of this folder, print a table, write `var/bench.json`.

A measurement is a module here with `run() -> list[dict]`; each dict has `name`, `value` (a number), `unit`, `target` (a number, or None
when there is none) and `met` (None without a target). Each module runs in a process of its own, so that none leaves its memory
or its threads to the next.

    make bench                          everything
    make bench ARGS='ledger live'       some; the other rows of var/bench.json stay
    make bench ARGS=--markdown          only print what var/bench.json holds, as the README's table
"""

from __future__ import annotations

import argparse
import importlib
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
RESULT = ROOT / "var" / "bench.json"
FIELDS = {"name", "value", "unit", "target", "met"}
NOT_MEASUREMENTS = {"__init__", "__main__"}

Row = dict[str, Any]


def measurements() -> list[str]:
    """Names of the modules here that have a `run`, in order of the alphabet."""
    names = sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem not in NOT_MEASUREMENTS)
    return [name for name in names if "\ndef run(" in (Path(__file__).parent / f"{name}.py").read_text()]


def measure(name: str) -> list[Row]:
    """Run one module in a process of its own. Raises RuntimeError with what it said when it fails."""
    with tempfile.NamedTemporaryFile(suffix=".json") as answer:
        command = [sys.executable, "-m", "tests.bench", "--into", answer.name, name]
        done = subprocess.run(command, cwd=ROOT, check=False)
        if done.returncode:
            raise RuntimeError(f"{name} ended with status {done.returncode}")
        rows: list[Row] = json.loads(Path(answer.name).read_text())
    for row in rows:
        if set(row) != FIELDS:
            raise RuntimeError(f"{name} gave a row with {sorted(row)} instead of {sorted(FIELDS)}")
    return rows


def number(value: float | None) -> str:
    """Short, and as exact as a reader needs."""
    if value is None:
        return "–"
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def table(rows: list[Row], *, markdown: bool = False) -> str:
    """The rows as a table for a terminal, or for a README."""
    words = {True: "yes", False: "NO", None: ""}
    cells = [["what", "measured", "target", "met"]]
    for row in rows:
        unit = f" {row['unit']}" if row["unit"] else ""
        target = "–" if row["target"] is None else f"{number(row['target'])}{unit}"
        cells.append([row["name"], f"{number(row['value'])}{unit}", target, "" if row["target"] is None else words[row["met"]]])
    if markdown:
        lines = ["| " + " | ".join(line) + " |" for line in cells]
        return "\n".join([lines[0], "|" + "---|" * len(cells[0]), *lines[1:]])
    widths = [max(len(line[column]) for line in cells) for column in range(len(cells[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells]
    return "\n".join([lines[0], "-" * (sum(widths) + 6), *lines[1:]])


def merged(old: list[Row], new: list[Row]) -> list[Row]:
    """New rows in the place of old ones of the same name, the rest behind."""
    fresh = {row["name"]: row for row in new}
    kept = [fresh.pop(row["name"], row) for row in old]
    return [*kept, *fresh.values()]


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench", description="Measure what the design promises.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of: {', '.join(measurements())}; all without")
    parser.add_argument("--markdown", action="store_true", help="measure nothing, print var/bench.json as a Markdown table")
    parser.add_argument("--into", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.into:  # the child's side of `measure`
        options.into.write_text(json.dumps(importlib.import_module(f"tests.bench.{options.names[0]}").run()))
        return 0
    before: list[Row] = json.loads(RESULT.read_text()) if RESULT.is_file() else []
    if options.markdown:
        print(table(before, markdown=True))
        return 0
    unknown = set(options.names) - set(measurements())
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(measurements())}")
    rows, broken = [], []
    for name in options.names or measurements():
        started = time.monotonic()
        print(f"[bench] {name} …", file=sys.stderr, flush=True)
        try:
            rows += measure(name)
        except RuntimeError as error:
            broken.append(str(error))
        print(f"[bench] {name}: {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    result = merged(before, rows) if options.names or broken else rows
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print("\n" + table(rows))
    for one in broken:
        print(f"BROKEN: {one}", file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
