"""A real nginx with the studio's own configuration, on free ports of this machine."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "docker" / "nginx" / "studio.conf.template"
AROUND = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
worker_processes 1;
{user}
events {{ worker_connections 256; }}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/studio.conf;
}}
"""


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def nginx() -> str:
    """The path of an nginx. Raises CalledProcessError when there is none and none can be installed."""
    return subprocess.run([ROOT / "requirements" / "nginx"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def rendered(values: dict[str, str], version: tuple[int, ...]) -> str:
    """The template as nginx's image fills it in. Before 1.25.1 HTTP/2 was a word of `listen`."""
    text = re.sub(r"\$\{(PROXY_\w+)\}", lambda found: values[found[1]], TEMPLATE.read_text())
    assert "${" not in text
    if version < (1, 25, 1):
        text = text.replace(" ssl;\n    http2 on;", " ssl http2;")
    return text


class Proxy:
    """`with Proxy(folder, "127.0.0.1:8000") as proxy`: TLS at `proxy.url`, plain at `proxy.plain`."""

    def __init__(self, folder: Path, upstream: str, *, media: Path | None = None, public_port: int = 0) -> None:
        """`public_port`: by which people come, where that is not the one on which it listens."""
        self.folder = folder
        self.program = nginx()
        self.http_port, self.https_port = free_port(), free_port()
        self.certificate = folder / "studio.crt"
        said = subprocess.run([self.program, "-v"], capture_output=True, text=True, check=True).stderr
        self.version = tuple(int(part) for part in re.search(r"nginx/([0-9.]+)", said)[1].split("."))
        values = {
            "PROXY_HTTP_PORT": f"127.0.0.1:{self.http_port}",
            "PROXY_HTTPS_PORT": f"127.0.0.1:{self.https_port}",
            "PROXY_PUBLIC_PORT": str(public_port or self.https_port),
            "PROXY_UPSTREAM": upstream,
            "PROXY_RESOLVER": "127.0.0.1",
            "PROXY_CERTIFICATES": str(folder),
            "PROXY_CACHE": str(folder / "cache"),
            "PROXY_MEDIA": str(media or folder / "media"),
            "PROXY_BODY_MB": "64",
        }
        subprocess.run(
            [sys.executable, ROOT / "docker" / "certificate", folder],
            check=True,
            capture_output=True,
            env={"STUDIO_URL": f"https://localhost:{self.https_port}"},
        )
        (folder / "studio.conf").write_text(rendered(values, self.version).replace("/dev/stdout", str(folder / "access.log")))
        user = "user root root;" if os.getuid() == 0 else ""
        (folder / "nginx.conf").write_text(AROUND.format(folder=folder, user=user))
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"https://localhost:{self.https_port}"

    @property
    def plain(self) -> str:
        return f"http://localhost:{self.http_port}"

    def check(self) -> str:
        """What `nginx -t` says; raises CalledProcessError when it does not like the configuration."""
        command = [self.program, "-t", "-p", str(self.folder), "-c", str(self.folder / "nginx.conf")]
        return subprocess.run(command, check=True, stderr=subprocess.PIPE, text=True).stderr

    def __enter__(self) -> Proxy:
        self._process = subprocess.Popen([self.program, "-p", str(self.folder), "-c", str(self.folder / "nginx.conf")])
        while not self._listens():
            assert self._process.poll() is None, (self.folder / "error.log").read_text()
            time.sleep(0.02)
        return self

    def _listens(self) -> bool:
        with socket.socket() as one:
            return one.connect_ex(("127.0.0.1", self.https_port)) == 0

    def __exit__(self, *error: object) -> None:
        assert self._process
        self._process.terminate()
        self._process.wait(20)
