"""The files of docker/kubernetes, read."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).resolve().parents[2] / "docker" / "kubernetes"


@cache
def documents() -> tuple[dict[str, Any], ...]:
    """Everything that kustomization.yaml lists, in its order."""
    return tuple(found for name in kustomization()["resources"] for found in yaml.safe_load_all((FOLDER / name).read_text()))


def kustomization() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
    return found


def of_kind(*kinds: str) -> dict[str, dict[str, Any]]:
    return {one["metadata"]["name"]: one for one in documents() if one["kind"] in kinds}


def pods() -> dict[str, dict[str, Any]]:
    """The pod template of everything that runs, by its name."""
    found = {name: one["spec"]["template"] for name, one in of_kind("Deployment", "Job").items()}
    return found | {name: one["spec"]["jobTemplate"]["spec"]["template"] for name, one in of_kind("CronJob").items()}
