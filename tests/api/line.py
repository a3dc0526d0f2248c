"""A request on a line of its own to the whole ASGI application: read as it comes, and hung up at will."""

from __future__ import annotations

import json
from typing import Any

from asgiref.testing import ApplicationCommunicator

PATIENCE = 90
"""Seconds until a test gives up on what must come."""


class Line:
    """`Line(robot, "/jobs/…/events")`; `answer` waits for all of it, `until` for a text in it."""

    def __init__(self, robot: Any, path: str, method: str = "GET", data: Any = None, **headers: str) -> None:
        from studio.asgi import application

        address, _, query = (path if path.startswith(("/api/", "/v")) else f"/api/v1{path}").partition("?")
        told = {"host": "localhost", "authorization": f"Bearer {robot.secret}", "content-type": "application/json", **headers}
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": address,
            "query_string": query.encode(),
            "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in told.items()],
            "client": ("127.0.0.1", 1),
            "server": ("localhost", 80),
        }
        self.line = ApplicationCommunicator(application, scope)
        self.body = json.dumps(data).encode() if data is not None else b""
        self.status = 0
        self.headers: dict[str, str] = {}
        self.text = ""

    async def open(self) -> Line:
        await self.line.send_input({"type": "http.request", "body": self.body, "more_body": False})
        return self

    async def _read(self) -> bool:
        """Whether more comes."""
        told = await self.line.receive_output(PATIENCE)
        if told["type"] == "http.response.start":
            self.status = told["status"]
            self.headers = {name.decode().lower(): value.decode() for name, value in told["headers"]}
            return True
        self.text += told.get("body", b"").decode("utf-8", "replace")
        return bool(told.get("more_body"))

    async def until(self, text: str) -> str:
        """All that has come, once `text` is in it."""
        while text not in self.text:
            assert await self._read() or text in self.text, self.text
        return self.text

    async def answer(self) -> Any:
        """The JSON, when all has come."""
        while await self._read():
            pass
        await self.line.wait(PATIENCE)
        return json.loads(self.text) if self.text else None

    async def hang_up(self) -> None:
        await self.line.send_input({"type": "http.disconnect"})
        await self.line.wait(PATIENCE)


def events_of(text: str) -> list[tuple[str, str, Any]]:
    """Server-sent events as (id, event, data)."""
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if "event" in fields:
            found.append((fields["id"], fields["event"], json.loads(fields["data"])))
    return found
