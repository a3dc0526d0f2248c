"""The proxy's part in sending files: what the studio's answer names is sent with its headers, and to nobody who asks by address."""

from __future__ import annotations

import ast
import socket
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from tests.docker.proxy import Proxy

PICTURE = bytes(range(256)) * 40
ETAG = '"0123456789abcdef-original"'
MODIFIED = "Fri, 27 Nov 2026 10:00:00 GMT"
SANDBOX = "sandbox; default-src 'none'; media-src 'self'"


class Studio(BaseHTTPRequestHandler):
    """Answers as the studio does with STUDIO_FILES=accel, and says what it was told."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path.startswith("/pictures/"):
            self.send_response(200)
            self.send_header("X-Accel-Redirect", f"/protected/artifacts/{self.path.rpartition('/')[2]}")
            self.send_header("Content-Type", "image/png")
            self.send_header("Content-Disposition", 'inline; filename="boat.png"')
            self.send_header("Cache-Control", "private, max-age=31536000, immutable")
            self.send_header("ETag", ETAG)
            self.send_header("Last-Modified", MODIFIED)
            self.send_header("Content-Security-Policy", SANDBOX)
            self.send_header("X-Content-Type-Options", "nosniff")
            body = b""
        else:
            self.send_response(200)
            body = repr(sorted((name.lower(), value) for name, value in self.headers.items())).encode()
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: object) -> None:
        pass


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    folder = tmp_path_factory.mktemp("proxy")
    (folder / "media" / "artifacts").mkdir(parents=True)
    (folder / "media" / "artifacts" / "boat.png").write_bytes(PICTURE)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Studio)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with Proxy(folder, f"127.0.0.1:{server.server_port}") as one:
        yield one
    server.shutdown()
    server.server_close()


@pytest.fixture
def browser(proxy: Proxy) -> Iterator[httpx.Client]:
    """One that trusts the certificate which the trial's script has made."""
    trusting = ssl.create_default_context(cafile=str(proxy.certificate))
    with httpx.Client(base_url=proxy.url, verify=trusting, timeout=30) as one:
        yield one


def test_nginx_likes_the_configuration(proxy: Proxy) -> None:
    assert "test is successful" in proxy.check()


def test_a_file_is_sent_with_the_headers_of_the_studio_s_answer(browser: httpx.Client) -> None:
    answer = browser.get("/pictures/boat.png")

    assert answer.status_code == 200
    assert answer.content == PICTURE
    told = {name: answer.headers[name] for name in ("Content-Type", "Content-Disposition", "Cache-Control", "ETag", "Last-Modified")}
    assert told == {
        "Content-Type": "image/png",
        "Content-Disposition": 'inline; filename="boat.png"',
        "Cache-Control": "private, max-age=31536000, immutable",
        "ETag": ETAG,
        "Last-Modified": MODIFIED,
    }
    assert answer.headers["Content-Security-Policy"] == SANDBOX
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "X-Accel-Redirect" not in answer.headers


def test_a_part_of_a_file(browser: httpx.Client) -> None:
    part = browser.get("/pictures/boat.png", headers={"Range": "bytes=100-299", "If-Range": ETAG})
    other = browser.get("/pictures/boat.png", headers={"Range": "bytes=100-299", "If-Range": '"another"'})

    assert (part.status_code, part.content) == (206, PICTURE[100:300])
    assert part.headers["Content-Range"] == f"bytes 100-299/{len(PICTURE)}"
    assert (other.status_code, other.content) == (200, PICTURE)


def test_nobody_gets_a_file_by_its_place(browser: httpx.Client) -> None:
    assert browser.get("/protected/artifacts/boat.png").status_code == 404
    assert browser.get("/protected/").status_code == 404


def test_a_file_that_is_gone_is_not_found(browser: httpx.Client) -> None:
    assert browser.get("/pictures/lost.png").status_code == 404


def test_the_studio_is_told_who_asked_and_how(browser: httpx.Client, proxy: Proxy) -> None:
    told = dict(ast.literal_eval(browser.get("/", headers={"X-Forwarded-For": "6.6.6.6", "X-Forwarded-Proto": "http"}).text))

    assert told["host"] == f"localhost:{proxy.https_port}"
    assert told["x-forwarded-proto"] == "https"
    assert told["x-forwarded-for"] == "6.6.6.6, 127.0.0.1"  # the studio believes the last one


def test_plain_http_leads_to_tls(proxy: Proxy) -> None:
    answer = httpx.post(f"{proxy.plain}/create/?view=1", content=b"x")

    assert (answer.status_code, answer.headers["Location"]) == (308, f"{proxy.url}/create/?view=1")
    assert httpx.get(f"{proxy.plain}/healthz").text == "ok\n"


def test_plain_http_leads_to_the_usual_port_without_naming_it(tmp_path: Path) -> None:
    with Proxy(tmp_path, "127.0.0.1:9", public_port=443) as proxy:
        assert httpx.get(f"{proxy.plain}/create/").headers["Location"] == "https://localhost/create/"


def test_http_2_is_offered(proxy: Proxy) -> None:
    context = ssl.create_default_context(cafile=str(proxy.certificate))
    context.set_alpn_protocols(["h2", "http/1.1"])
    with socket.create_connection(("127.0.0.1", proxy.https_port)) as line, context.wrap_socket(line, server_hostname="localhost") as tls:
        assert tls.selected_alpn_protocol() == "h2"
        assert tls.version() == "TLSv1.3"


def test_the_log_holds_no_query(browser: httpx.Client, proxy: Proxy) -> None:
    browser.get("/library/?q=a-secret-word")

    lines = (proxy.folder / "access.log").read_text()
    assert " /library/ 200 " in lines
    assert "a-secret-word" not in lines


def test_a_certificate_that_is_there_stays(proxy: Proxy) -> None:
    before = proxy.certificate.read_bytes()

    Proxy(proxy.folder, "127.0.0.1:1")

    assert proxy.certificate.read_bytes() == before
    assert (proxy.folder / "studio.key").stat().st_mode & 0o077 == 0


def test_a_cache_of_static_files_asks_the_studio_once(browser: httpx.Client) -> None:
    first = browser.get("/static/app.css", headers={"X-Test": "one"}).text
    second = browser.get("/static/app.css", headers={"X-Test": "two"}).text

    assert "('x-test', 'one')" in first
    assert second == first
