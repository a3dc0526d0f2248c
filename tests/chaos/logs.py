"""What the studio's processes said that went wrong: which errors, how often, and which of them have nothing to do with what was killed."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable

EXPECTED = re.compile(
    r"OperationalError|InterfaceError|AdminShutdown|PoolTimeout"  # the database's connections were cut
    r"|Connection\w*Error|TimeoutError|BrokenPipeError|ConnectionInterrupted"  # Redis was killed, or whoever was talked to
    r"|CancelledError|ClientDisconnect"  # a web process was told to end, or a person was gone
)
"""Errors that follow from a kill, by the name of the last one in a traceback."""

_LAST = re.compile(
    r"^(?!DETAIL|HINT|CONTEXT|QUERY)([\w.]+(?:Error|Exception|Shutdown|Timeout|Interrupted|Interrupt|Exit|Refused|Lost|Disconnect\w*|\w+))(?::|$)"
)
_DEADLOCK = "DeadlockDetected"
"""An OperationalError to Django, and of nobody's making but ours."""
_BEGIN = "Traceback (most recent call last)"


def errors(lines: Iterable[str]) -> Counter[str]:
    """How often each error was logged with its traceback, by its name: of the studio's own lines and of what Python wrote by itself."""
    found = Counter[str]()
    inside = False
    for line in lines:
        if "{" in line and (event := _event(line[line.index("{") :])):
            inside = False
            if _BEGIN in (told := str(event.get("exception") or event.get("crash") or "")):
                found[_name(told.splitlines())] += 1
            continue
        text = line.split("| ", 1)[-1]
        if _BEGIN in text:
            inside = True
        elif inside and text and not text[0].isspace() and (last := _LAST.match(text)):
            found[last[1]] += 1
            inside = False
    return found


def surprises(found: Counter[str]) -> dict[str, int]:
    return {name: times for name, times in found.items() if not EXPECTED.search(name)}


def _event(text: str) -> dict[str, object]:
    try:
        told = json.loads(text)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _name(traceback: list[str]) -> str:
    if any(_DEADLOCK in line for line in traceback):
        return _DEADLOCK
    named = [last[1] for line in traceback if line and not line[0].isspace() and (last := _LAST.match(line))]
    return named[-1] if named else "an error without a name"
