"""Models by hub id: what is in the local cache is used, the rest is downloaded from a hub that this test plays, and nothing else."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from studio.backends.base import EngineState
from studio.backends.diffusers import DiffusersBackend, hub
from studio.backends.errors import EngineUnavailable, ModelUnusable
from tests.backends import tiny_models
from tests.backends.conftest import generate, picture, request

Operator = Callable[..., DiffusersBackend]
COMMIT = "0123456789abcdef0123456789abcdef01234567"
TOML = '[[model]]\nid = "far"\npath = "harbour/boats"\n'


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Hugging Face cache of this test's own, and no word from the environment."""
    for name in ("HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HUB_OFFLINE", "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def put_into_cache(cache: Path, folder: Path) -> Path:
    """Lay a model into the cache as huggingface_hub does: a reference, blobs, and a snapshot of links."""
    base = cache / "models--harbour--boats"
    (base / "refs").mkdir(parents=True)
    (base / "refs" / "main").write_text(COMMIT, "utf-8")
    (base / "blobs").mkdir()
    for file in folder.rglob("*"):
        if file.is_file():
            blob = base / "blobs" / hashlib.sha256(str(file).encode()).hexdigest()
            blob.write_bytes(file.read_bytes())
            link = base / "snapshots" / COMMIT / file.relative_to(folder)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(blob)
    return base / "snapshots" / COMMIT


class Hub(ThreadingHTTPServer):
    """A hub that offers one repository, and remembers what was asked of it."""

    def __init__(self, files: dict[str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.files, self.asked, self.status = files, [], 200

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Answers(BaseHTTPRequestHandler):
    """The three calls of huggingface_hub that a download needs: information, the tree, and the files."""

    server: Hub
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = self.path.split("?")[0]
        if self.command == "GET":
            self.server.asked.append(path)
        if self.server.status != 200:
            self.send(b"", status=self.server.status)
        elif path.startswith("/api/models/harbour/boats/tree/"):
            tree = [{"type": "file", "oid": oid(data), "size": len(data), "path": name} for name, data in self.server.files.items()]
            self.send(json.dumps(tree).encode())
        elif path.startswith("/api/models/harbour/boats"):
            siblings = [{"rfilename": name} for name in self.server.files]
            self.send(json.dumps({"id": "harbour/boats", "sha": COMMIT, "siblings": siblings}).encode())
        else:
            name = path.removeprefix(f"/harbour/boats/resolve/{COMMIT}/")
            data = self.server.files.get(name)
            self.send(data or b"", status=200 if data is not None else 404)

    def send(self, data: bytes, *, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("ETag", f'"{oid(data)}"')
        self.send_header("X-Repo-Commit", COMMIT)
        if status == 404:
            self.send_header("X-Error-Code", "RepoNotFound")
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


def oid(data: bytes) -> str:
    return hashlib.sha1(data).hexdigest()


@pytest.fixture
def far(model_folders: dict[str, Path]) -> Iterator[Hub]:
    """The model "sd" on a hub, among files that nobody should fetch."""
    base = model_folders["sd"]
    files = {str(file.relative_to(base)): file.read_bytes() for file in base.rglob("*") if file.is_file()}
    files |= {"run_me.py": b"raise SystemExit", "unet/diffusion_pytorch_model.bin": b"pickle", "all_in_one.safetensors": b"big"}
    server = Hub(files)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_snapshot_in_the_cache_is_ready(operator: Operator, model_folders: dict[str, Path], own_cache: Path) -> None:
    put_into_cache(own_cache, model_folders["sd"])
    backend = operator(TOML, HUB_ENDPOINT="http://127.0.0.1:9")  # nothing listens there
    [engine] = backend.engines()
    assert engine.state is EngineState.READY
    assert engine.size is not None
    assert engine.size.default == (64, 64)
    assert picture(generate(backend, request(engine="far"))[0]).size == (64, 64)


def test_a_model_is_downloaded_on_first_use(operator: Operator, far: Hub, own_cache: Path) -> None:
    backend = operator(TOML, HUB_ENDPOINT=far.address)
    [engine] = backend.engines()
    assert (engine.state, engine.state_detail) == (EngineState.STARTING, "This model will be downloaded on first use.")
    assert backend.problems() == ()
    assert far.asked == []
    assert picture(generate(backend, request(engine="far"))[0]).size == (64, 64)
    fetched = {path.rpartition(f"{COMMIT}/")[2] for path in far.asked if "/resolve/" in path}
    assert "unet/diffusion_pytorch_model.safetensors" in fetched
    assert fetched & {"run_me.py", "unet/diffusion_pytorch_model.bin", "all_in_one.safetensors"} == set()
    [engine] = backend.engines()
    assert engine.state is EngineState.READY
    asked = len(far.asked)
    generate(operator(TOML, HUB_ENDPOINT=far.address), request(engine="far"))
    assert len(far.asked) == asked  # what is there is not asked for again


def test_a_download_that_was_cut_off_goes_on(operator: Operator, far: Hub, own_cache: Path, model_folders: dict[str, Path]) -> None:
    snapshot = put_into_cache(own_cache, model_folders["sd"])
    (snapshot / "unet" / "diffusion_pytorch_model.safetensors").unlink()
    backend = operator(TOML, HUB_ENDPOINT=far.address)
    [engine] = backend.engines()
    assert (engine.state, engine.state_detail) == (EngineState.STARTING, "The rest of this model will be downloaded on first use.")
    assert len(generate(backend, request(engine="far"))) == 1
    fetched = {path.rpartition(f"{COMMIT}/")[2] for path in far.asked if "/resolve/" in path}
    assert fetched == {"unet/diffusion_pytorch_model.safetensors"}


def test_offline_nothing_is_asked(operator: Operator, far: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    backend = operator(TOML, HUB_ENDPOINT=far.address)
    sentence = "This model is not downloaded yet, and downloads are switched off (HF_HUB_OFFLINE)."
    [engine] = backend.engines()
    assert (engine.state, engine.state_detail) == (EngineState.NOT_INSTALLED, sentence)
    assert list(backend.problems()) == [f"Model “far”: {sentence} (harbour/boats)"]
    with pytest.raises(ModelUnusable) as raised:
        generate(backend, request(engine="far"))
    assert raised.value.message == sentence
    assert far.asked == []


def test_a_hub_that_does_not_answer_is_tried_again_later(operator: Operator, far: Hub) -> None:
    far.status = 503
    backend = operator(TOML, HUB_ENDPOINT=far.address)
    with pytest.raises(EngineUnavailable) as raised:
        generate(backend, request(engine="far"))
    assert raised.value.retryable
    assert raised.value.message == "This model has to be downloaded first, and the hub cannot be reached."
    assert backend.engines()[0].state is EngineState.STARTING
    far.status = 200
    assert len(generate(backend, request(engine="far"))) == 1


def test_a_model_that_the_hub_does_not_know(operator: Operator, far: Hub) -> None:
    far.status = 404
    backend = operator(TOML, HUB_ENDPOINT=far.address)
    with pytest.raises(ModelUnusable) as raised:
        generate(backend, request(engine="far"))
    assert raised.value.message == "There is no such model on the hub, or it is private."
    [engine] = operator(TOML, HUB_ENDPOINT=far.address).engines()
    assert (engine.state, engine.state_detail) == (EngineState.BROKEN, raised.value.message)


def test_a_repository_of_pickles_is_refused_before_anything_is_fetched(operator: Operator, far: Hub) -> None:
    far.files = {name: data for name, data in far.files.items() if not name.endswith(".safetensors")}
    with pytest.raises(ModelUnusable) as raised:
        generate(operator(TOML, HUB_ENDPOINT=far.address), request(engine="far"))
    assert raised.value.message == "This model has no safetensors weights on the hub, and the runner opens no other kind."
    assert [path for path in far.asked if "/resolve/" in path] == []


@pytest.mark.parametrize(
    ("names", "half", "wanted"),
    [
        (["unet/m.safetensors", "vae/m.safetensors", "big.safetensors"], False, ["unet/m.safetensors", "vae/m.safetensors"]),
        (["unet/m.safetensors", "unet/m.fp16.safetensors"], False, ["unet/m.safetensors"]),
        (["unet/m.safetensors", "unet/m.fp16.safetensors"], True, ["unet/m.fp16.safetensors"]),
        (["unet/m.fp16.safetensors"], False, ["unet/m.fp16.safetensors"]),
        (["unet/m.safetensors", "unet/m.fp16.safetensors", "vae/m.safetensors"], True, ["unet/m.safetensors", "vae/m.safetensors"]),
        (["unet/m.fp16-00001-of-00002.safetensors", "unet/m.non_ema.safetensors"], True, ["unet/m.fp16-00001-of-00002.safetensors"]),
    ],
)
def test_one_variant_of_the_weights_is_enough(names: list[str], half: bool, wanted: list[str]) -> None:
    assert hub.wanted_weights(names, half=half) == wanted


def test_the_cache_is_where_the_library_keeps_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert hub.cache_folder() == tmp_path / "cache"
    monkeypatch.delenv("HF_HUB_CACHE")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    assert hub.cache_folder() == tmp_path / "home" / "hub"
    monkeypatch.delenv("HF_HOME")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert hub.cache_folder() == tmp_path / "xdg" / "huggingface" / "hub"


def test_a_commit_names_its_snapshot(model_folders: dict[str, Path], tmp_path: Path) -> None:
    snapshot = tmp_path / "cache" / "models--harbour--boats" / "snapshots" / COMMIT
    snapshot.parent.mkdir(parents=True)
    tiny_models.copy(model_folders["sd"], snapshot)
    assert hub.cached("harbour/boats", COMMIT) == snapshot
    assert hub.cached("harbour/boats", "main") is None
