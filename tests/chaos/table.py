"""The result of a run as a table for a terminal."""

from __future__ import annotations

from typing import Any

SHOWN = 5
"""Sentences of each check that are printed; the file has more."""


def drawn(result: dict[str, Any]) -> str:
    lines = [
        f"{result['jobs']} jobs of {result['people']} people in {result['seconds']} s, seed {result['seed']}",
        "",
        *_columns([("must be nothing", "found"), *((name, count) for name, count in result["wrong"].items())]),
        "",
        *_columns([("what was done", "times"), *result["kills"].items()]),
        "",
    ]
    for name, title in (
        ("ways", "jobs by how they were asked for"),
        ("ended", "jobs by how they ended"),
        ("attempts", "jobs by attempts"),
        ("trouble", "what clients met, and asked again"),
        ("provider", "what the provider did"),
        ("receiver", "what the receiver did"),
        ("errors", "errors in the logs"),
    ):
        told = sorted(result[name].items(), key=lambda one: (-one[1], one[0]))
        lines.append(f"{title}: {', '.join(f'{count} {key}' for key, count in told) or 'none'}")
    for name, sentences in result["sentences"].items():
        lines += ["", f"{name}:", *(f"  {one}" for one in sentences[:SHOWN])]
        if len(sentences) > SHOWN:
            lines.append(f"  … and {len(sentences) - SHOWN} more in var/chaos.json")
    verdict = "NOT GOOD" if any(result["wrong"].values()) else "Good"
    return "\n".join([*lines, "", f"{verdict}. Journal and logs: {result['folder']}"])


def _columns(rows: list[tuple[str, Any]]) -> list[str]:
    width = max(len(name) for name, _ in rows)
    lines = [f"{name.ljust(width)}  {value}" for name, value in rows]
    return [lines[0], "-" * (width + 8), *lines[1:]]
