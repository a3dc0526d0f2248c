"""Where the processes of one data folder meet: a private folder for their sockets."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from django.conf import settings

from studio.processes.locks import exclusively

LONGEST_SOCKET_NAME = 48
"""Characters that a socket's file name may have in `run_dir()`."""

LONGEST_SOCKET_PATH = 100
"""Bytes of a unix socket's whole path that work everywhere: `sun_path` holds 104 on macOS and the BSDs, 108 on Linux, with a final zero."""

_known: dict[Path, Path] = {}


def run_dir() -> Path:
    """Return the folder for this data folder's unix sockets, made on first use; only its owner may enter.

    It is `<data folder>/run`, unless that path is too long for a socket: then a temporary folder whose name `<data folder>/run.path` keeps.
    """
    data_dir = Path(settings.DATA_DIR)
    known = _known.get(data_dir)
    if known is None or not _is_private(known):
        known = _known[data_dir] = _make(data_dir)
    return known


def _make(data_dir: Path) -> Path:
    folder = data_dir / "run"
    if len(os.fsencode(folder)) + 1 + LONGEST_SOCKET_NAME <= LONGEST_SOCKET_PATH:
        folder.mkdir(mode=0o700, exist_ok=True)
        folder.chmod(0o700)
        return folder
    note = data_dir / "run.path"
    with exclusively(data_dir / "run.lock"):
        if note.is_file() and _is_private(noted := Path(note.read_text().strip())):
            return noted
        made = Path(tempfile.mkdtemp(prefix="atelier-"))
        note.write_text(f"{made}\n")
        return made


def _is_private(folder: Path) -> bool:
    """Whether a folder is ours alone: anybody may write into /tmp, so a name found there proves nothing."""
    try:
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and stat.S_IMODE(found.st_mode) == 0o700
