"""Faults on demand: what a client has to live with, when a test asks for it.

    standin.faults.add("status=503", times=3)                                   the next three requests
    standin.faults.add("drop-mid-body", path="/v2beta/stable-image/*")          the next one there
    client.post(…, headers={"standin-fault": "delay=2"})                        this request
    a prompt with "standin:truncated" in it                                     every request with this prompt

| fault | what happens | charged |
|---|---|---|
| `delay=SECONDS` | the answer is ready, charged, and comes that much later | as without |
| `hold` | the answer is ready, charged, and comes when a test says `standin.faults.release()` | as without |
| `drop` | the connection is closed before anything is done | no |
| `drop-after` | everything is done, then the connection is closed without a byte | yes |
| `drop-mid-body` | half of the body comes, then the connection is closed | yes |
| `status=500…504` | an error in the dialect's own shape | no |
| `html=502` | an error as HTML, as from an edge in front of the API | no |
| `rate-limited=60` | 429 with `Retry-After` of that many seconds | no |
| `rate-limited` | 429 without `Retry-After` | no |
| `refuse=public_figure` | the refusal of that name: see `dialects.MODERATIONS` | no |
| `filtered` | `CONTENT_FILTERED`, and a blurred picture | yes |
| `truncated` | only half of the picture, in a response that is complete | yes |
| `wrong-type` | the result, but `Content-Type: text/html` | yes |
"""

from __future__ import annotations

import fnmatch
import re
import threading
from dataclasses import dataclass

from studio.api.stability.dialects import MODERATIONS
from tests.stability_server.requests import Request

BEFORE = {"drop", "status", "html", "rate-limited", "refuse"}
"""Faults that come instead of the work."""

AFTER = {"delay", "hold", "drop-after", "drop-mid-body", "filtered", "truncated", "wrong-type"}
"""Faults of an answer that was worked for."""

PATIENCE = 90
"""Seconds for which an answer is held at most."""
HEADER = "standin-fault"
IN_PROMPT = re.compile(rb"standin:([a-z-]+(?:=\w+)?)")


@dataclass(slots=True)
class Fault:
    """`kind=value` for requests whose path matches (as in a shell), so many times; `key` limits it to one key's requests."""

    kind: str
    value: str = ""
    path: str = "/v*"
    times: int = 1
    key: str = ""

    @classmethod
    def read(cls, text: str, **where: object) -> Fault:
        """Raises ValueError on what is no fault, with what would be."""
        kind, _, value = text.partition("=")
        fault = cls(kind, value, **where)  # type: ignore[arg-type]
        if kind not in BEFORE | AFTER:
            raise ValueError(f"{kind!r} is no fault; there are {', '.join(sorted(BEFORE | AFTER))}")
        if kind == "refuse" and value not in MODERATIONS:
            raise ValueError(f"refuse={value}: there are {', '.join(MODERATIONS)}")
        if kind in ("status", "html") and not 500 <= int(value or 0) <= 599:
            raise ValueError(f"{kind}={value}: a status from 500 to 599 is needed")
        if kind == "delay":
            float(value)
        return fault

    def meets(self, request: Request) -> bool:
        return fnmatch.fnmatchcase(request.path, self.path) and self.key in ("", request.secret)

    def summary(self) -> dict[str, object]:
        text = f"{self.kind}={self.value}" if self.value else self.kind
        return {"fault": text, "path": self.path, "times": self.times, "key": self.key}


NONE = Fault("")


class Faults:
    """What is still to go wrong, in the order in which it was asked for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[Fault] = []
        self._go = threading.Event()

    def add(self, text: str, *, path: str = "/v*", times: int = 1, key: str = "") -> None:
        """Let the next `times` requests of this path (and key) go wrong. Raises ValueError on what is no fault."""
        fault = Fault.read(text, path=path, times=times, key=key)
        if fault.kind == "hold":
            self._go.clear()
        with self._lock:
            self._waiting.append(fault)

    def release(self) -> None:
        """Let the answers go that are held."""
        self._go.set()

    def wait(self) -> None:
        """For that; a test that fails before it lets nobody wait for ever."""
        self._go.wait(PATIENCE)

    def clear(self) -> None:
        with self._lock:
            self._waiting.clear()
        self.release()

    def waiting(self) -> list[Fault]:
        with self._lock:
            return list(self._waiting)

    def take(self, request: Request) -> Fault:
        """The fault of a request: its own, or the first that waits for one like it; `NONE` most of the time."""
        asked = request.headers.get(HEADER) or ((found := IN_PROMPT.search(request.body)) and found[1].decode())
        if asked:
            return Fault.read(asked)
        with self._lock:
            for fault in self._waiting:
                if fault.meets(request):
                    fault.times -= 1
                    if not fault.times:
                        self._waiting.remove(fault)
                    return fault
        return NONE
