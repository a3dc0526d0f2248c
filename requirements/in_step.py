"""Say whether requirements/*.txt were made from the dependencies that pyproject.toml names today. Run by `make check`; needs no package."""

from __future__ import annotations

import hashlib
import json
import sys
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent


def fingerprint() -> str:
    """A hash of what pyproject.toml asks for, so that a change of its tools' settings asks for no new lock."""
    project = tomllib.loads((HERE.parent / "pyproject.toml").read_text())["project"]
    asked = [project["requires-python"], project["dependencies"], project["optional-dependencies"]]
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def main() -> int:
    if "--print" in sys.argv:
        print(fingerprint())
        return 0
    stale = [path.name for path in sorted(HERE.glob("*.txt")) if not path.read_text().split("\n", 1)[0].endswith(fingerprint())]
    if stale:
        print(f"{', '.join(stale)}: not made from today's pyproject.toml. Run `make lock` and commit the files.", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
