"""One request as the stand-in keeps it, for tests that compare what a client sends with the contract."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from studio.api.stability import messages


@dataclass(slots=True)
class Request(messages.Request):
    """`at` is when it came, by the stand-in's clock; `status` and `name` (of an error) are those of the answer, 0 while there is none."""

    at: float = 0
    status: int = 0
    name: str = ""

    def summary(self) -> dict[str, Any]:
        """What the control routes tell; the key is shortened."""
        return {
            "at": round(self.at, 3),
            "method": self.method,
            "path": self.path,
            "key": self.secret[:12],
            "bytes": self.size,
            "request_id": self.request_id,
            "status": self.status,
            "name": self.name,
        }
