"""Copy the few files that pages need out of `node_modules` into this folder, so that the studio runs without npm or a CDN.

`npm run vendor` installs the exact versions of `package.json` and calls this; `--check` changes nothing and fails when a copy differs
from `manifest.json` (and, where `node_modules` is there, from npm's own file). Only the standard library is used.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
MODULES = ROOT / "node_modules"
MANIFEST = HERE / "manifest.json"

FILES: dict[str, dict[str, str]] = {
    "htmx.org": {
        "dist/htmx.esm.min.js": "htmx/htmx.esm.min.js",
        "dist/ext/hx-ws.min.js": "htmx/hx-ws.min.js",
        "dist/scripts/upgrade-check.py": "htmx/upgrade-check.py",
        "LICENSE": "htmx/LICENSE",
    },
    "@fontsource-variable/inter": {
        "files/inter-latin-wght-normal.woff2": "inter/inter-latin-wght-normal.woff2",
        "files/inter-latin-ext-wght-normal.woff2": "inter/inter-latin-ext-wght-normal.woff2",
        "LICENSE": "inter/LICENSE",
    },
    "dejavu-fonts-ttf": {
        "ttf/DejaVuSans.ttf": "dejavu/DejaVuSans.ttf",
        "ttf/DejaVuSans-Bold.ttf": "dejavu/DejaVuSans-Bold.ttf",
        "LICENSE": "dejavu/LICENSE",
    },
    "three": {
        "build/three.core.min.js": "three/three.core.min.js",
        "build/three.module.min.js": "three/three.module.min.js",
        "examples/jsm/controls/OrbitControls.js": "three/controls/OrbitControls.js",
        "examples/jsm/environments/RoomEnvironment.js": "three/environments/RoomEnvironment.js",
        "examples/jsm/loaders/GLTFLoader.js": "three/loaders/GLTFLoader.js",
        "examples/jsm/utils/BufferGeometryUtils.js": "three/utils/BufferGeometryUtils.js",
        "examples/jsm/utils/SkeletonUtils.js": "three/utils/SkeletonUtils.js",
        "LICENSE": "three/LICENSE",
    },
    "thumbhash": {"thumbhash.js": "thumbhash/thumbhash.js"},
}
"""npm package -> its file -> the copy here. DejaVu is for the PDF of a statement, no page asks for it. three 0.185 is the last that brings
its build in few bytes."""

ALTERED = {"three": (b"} from 'three';", b"} from '../three.module.min.js';")}
"""npm package -> what is written in its files -> what stands in the copies: a browser finds a module by its address, and an import map
would be a script in the page."""

WRITTEN_HERE = {"vendor.py", "manifest.json", "thumbhash/LICENSE"}
"""Not copies. thumbhash's package carries no licence file; ours is the text of its repository."""


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def content_for(package: str, source: str) -> bytes:
    """What the copy of a package's file holds."""
    content = (MODULES / package / source).read_bytes()
    return content.replace(*ALTERED[package]) if package in ALTERED else content


def copy() -> None:
    """Copy every listed file and write the manifest: per package its version and licence, per file its SHA-256."""
    manifest: dict[str, dict[str, object]] = {}
    for package, files in FILES.items():
        about = json.loads((MODULES / package / "package.json").read_text())
        hashes: dict[str, str] = {}
        for source, target in files.items():
            destination = HERE / target
            destination.parent.mkdir(parents=True, exist_ok=True)
            content = content_for(package, source)
            destination.write_bytes(content)
            hashes[target] = digest(content)
        manifest[package] = {"version": about["version"], "license": about["license"], "sha256": hashes}
    MANIFEST.write_text(json.dumps(manifest, indent=2) + "\n")


def problems() -> list[str]:
    """Sentences on every copy that is missing, changed, unlisted, or of another version than `package.json` asks for."""
    found: list[str] = []
    manifest = json.loads(MANIFEST.read_text())
    wanted = json.loads((ROOT / "package.json").read_text())["dependencies"]
    listed = set(WRITTEN_HERE)
    for package, files in FILES.items():
        entry = manifest.get(package, {"version": None, "sha256": {}})
        if entry["version"] != wanted.get(package):
            found.append(f"{package}: package.json asks for {wanted.get(package)}, the copies are of {entry['version']}")
        for source, target in files.items():
            listed.add(target)
            path = HERE / target
            if not path.is_file():
                found.append(f"{target} is missing")
            elif digest(path.read_bytes()) != entry["sha256"].get(target):
                found.append(f"{target} is not what manifest.json says")
            elif MODULES.is_dir() and content_for(package, source) != path.read_bytes():
                found.append(f"{target} differs from npm's {package}/{source}")
    for path in HERE.rglob("*"):
        name = path.relative_to(HERE).as_posix()
        if path.is_file() and name not in listed and "__pycache__" not in name:
            found.append(f"{name} is not in the list of vendor.py")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail when a copy is not what it should be")
    if not parser.parse_args().check:
        copy()
    found = problems()
    for line in found:
        print(line, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
