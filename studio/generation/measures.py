"""How long work takes here, as it was measured: what a local engine needs for a request, and what waits before it.

Nothing is guessed: without a job of the same engine, mode, size and steps in the last weeks, nobody knows.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from statistics import median
from typing import Any

from django.utils import timezone

from studio.backends.base import GenerationRequest
from studio.generation.models import Job, Worker
from studio.ids import uuid7_at

RECENT = timedelta(days=30)
LOOKED_AT = 50
"""The newest jobs of an engine among which those of the same kind are looked for."""
MOST_AHEAD = 50
"""Jobs that wait or run; of more than these nobody says how long it takes."""

Kind = tuple[str, str, Any, Any, Any]


def kind_of(request: dict[str, Any]) -> Kind:
    """What decides how long one picture takes."""
    return (request.get("engine", ""), request.get("mode", ""), *(request.get(name) for name in ("width", "height", "num_inference_steps")))


class Clock:
    """Reads each engine's past once."""

    def __init__(self, now: datetime | None = None) -> None:
        self.now = now or timezone.now()
        self._past: dict[str, list[tuple[Kind, int, float]]] = {}

    def seconds(self, request: GenerationRequest) -> float | None:
        """How long the engine needs for it, once it begins: as long as the same number of pictures took, in the middle; else in
        proportion. None: never done lately."""
        return self._seconds(kind_of(request.to_json()), request.num_images)

    def _seconds(self, kind: Kind, number: int) -> float | None:
        done = [(count, seconds) for its, count, seconds in self._of(kind[0]) if its == kind]
        same = [seconds for count, seconds in done if count == number]
        if same:
            return median(same)
        return number * median(seconds / count for count, seconds in done) if done else None

    def _of(self, engine: str) -> list[tuple[Kind, int, float]]:
        if engine not in self._past:
            since = uuid7_at(self.now - RECENT)
            done = Job.objects.filter(engine=engine, pk__gte=since, status=Job.Status.SUCCEEDED, started_at__isnull=False)
            rows = done.order_by("-id").values_list("request", "num_images", "started_at", "finished_at")[:LOOKED_AT]
            self._past[engine] = [
                (kind_of(request), number, (end - start).total_seconds()) for request, number, start, end in rows if start and end
            ]
        return self._past[engine]

    def wait(self, queue: str) -> float | None:
        """Seconds until a worker of the queue comes to what is sent now. None where nobody knows, or no worker is there."""
        workers = sum(queue in queues for queues in Worker.objects.alive().filter(state="ready").values_list("queues", flat=True))
        ahead = list(Job.objects.open().filter(queue=queue).values_list("request", "num_images", "started_at", "status")[: MOST_AHEAD + 1])
        if not workers or len(ahead) > MOST_AHEAD:
            return None
        total = 0.0
        for request, number, started, status in ahead:
            needed = self._seconds(kind_of(request), number)
            if needed is None:
                return None
            spent = (self.now - started).total_seconds() if started and status == Job.Status.RUNNING else 0
            total += max(0.0, needed - spent)
        return total / workers


def about(seconds: float) -> str:
    """As a person says it: "3 s", "20 s", "a minute", "2 minutes", "an hour"."""
    if seconds < 55:
        return f"{max(1, seconds):.0f} s" if seconds < 15 else f"{5 * round(seconds / 5)} s"
    if seconds < 90:
        return "a minute"
    if seconds < 55 * 60:
        minutes = round(seconds / 60)
        return f"{minutes if minutes < 15 else 5 * round(minutes / 5)} minutes"
    hours = round(seconds / 3600)
    return "an hour" if hours < 2 else f"{hours} hours"
