"""A server that takes what is sent to Sentry (envelopes) and to a collector of OpenTelemetry (OTLP over HTTP), and keeps it."""

from __future__ import annotations

import gzip
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

import brotli
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

UNPACK = {"gzip": gzip.decompress, "br": brotli.decompress}


class Taker:
    """`bodies` are all that came, unpacked, by path; `headers` what stood before them."""

    def __init__(self) -> None:
        self.bodies: dict[str, list[bytes]] = {}
        self.headers: list[bytes] = []
        taker = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                packed = self.headers.get("Content-Encoding", "")
                body = UNPACK[packed](body) if packed else body
                taker.headers.append(str(self.headers).encode())
                taker.bodies.setdefault(self.path, []).append(body)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def __enter__(self) -> Taker:
        self.thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server.server_port}"

    def _of(self, path: str) -> list[bytes]:
        return self.bodies.get(path, [])

    def events(self) -> list[dict[str, Any]]:
        """The events of all envelopes, of whatever type: a line of JSON says how long the next item is."""
        found = []
        for body in self._of("/api/1/envelope/"):
            rest = body.partition(b"\n")[2]
            while rest.strip():
                line, _, rest = rest.partition(b"\n")
                header = json.loads(line)
                length = header.get("length", len(rest.partition(b"\n")[0]))
                found.append({"kind": header["type"], **json.loads(rest[:length])})
                rest = rest[length:].lstrip(b"\n")
        return found

    def spans(self) -> list[Any]:
        found = []
        for body in self._of("/v1/traces"):
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                found += [span for scope in resource.scope_spans for span in scope.spans]
        return found
