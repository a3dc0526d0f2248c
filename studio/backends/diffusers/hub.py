"""Models by hub id: find the snapshot in the local Hugging Face cache, or download it (in the worker only).

The cache's layout is `models--<org>--<name>/refs/<revision>` (holding a commit) and `snapshots/<commit>/` (huggingface_hub's
"Understand caching" guide). It is read here by hand so that the web process need not import the library.
"""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path

from studio.backends.diffusers.folders import FolderProblem, inspect
from studio.backends.errors import EngineUnavailable, ModelUnusable

_COMMIT = re.compile(r"[0-9a-f]{40}")
_SMALL = ("model_index.json", "*/*.json", "*/*.txt", "*/*.model")
_TRUE = {"1", "on", "yes", "true"}


def cache_folder() -> Path:
    """Where huggingface_hub keeps downloads, by the same environment variables."""
    if folder := os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE"):
        return Path(folder).expanduser()
    home = os.environ.get("HF_HOME") or os.path.join(os.environ.get("XDG_CACHE_HOME", "~/.cache"), "huggingface")
    return Path(home).expanduser() / "hub"


def offline() -> bool:
    return os.environ.get("HF_HUB_OFFLINE", "").lower() in _TRUE


def reference(hub_id: str, revision: str = "main") -> Path:
    """The file that names the commit of a revision; its time changes when another snapshot is downloaded."""
    return cache_folder() / f"models--{hub_id.replace('/', '--')}" / "refs" / revision


def cached(hub_id: str, revision: str = "main") -> Path | None:
    """The folder of a downloaded snapshot, or None when it is not there."""
    base = cache_folder() / f"models--{hub_id.replace('/', '--')}"
    commit = revision if _COMMIT.fullmatch(revision) else _read(base / "refs" / revision)
    folder = base / "snapshots" / commit if commit else None
    return folder if folder and (folder / "model_index.json").is_file() else None


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8").strip()
    except OSError:
        return ""


def fetch(hub_id: str, revision: str = "main", *, endpoint: str | None = None, half: bool = False) -> Path:
    """Return the snapshot's folder, downloading it when it is not there or not whole: safetensors, json and tokenizer tables, no code.

    `half` prefers the fp16 files where the repository has them for every part. Raises `ModelUnusable` when there is no such model or
    downloads are switched off (HF_HUB_OFFLINE), `EngineUnavailable` when the hub cannot be reached.
    """
    folder = cached(hub_id, revision)
    if folder and _whole(folder):
        return folder
    if offline():
        raise ModelUnusable("This model is not downloaded yet, and downloads are switched off (HF_HUB_OFFLINE).")
    from httpx2 import HTTPError  # huggingface_hub's own client
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import EntryNotFoundError, GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError

    try:
        info = HfApi(endpoint=endpoint).model_info(hub_id, revision=revision)
        names = [sibling.rfilename for sibling in info.siblings or ()]
        patterns = [*_SMALL, *wanted_weights(names, half=half)]
        return Path(snapshot_download(hub_id, revision=revision, allow_patterns=patterns, cache_dir=cache_folder(), endpoint=endpoint))
    except GatedRepoError:
        raise ModelUnusable("Before this model can be downloaded its hub page asks for an agreement and a token (HF_TOKEN).") from None
    except (RepositoryNotFoundError, RevisionNotFoundError):
        raise ModelUnusable("There is no such model on the hub, or it is private.") from None
    except (HTTPError, EntryNotFoundError, OSError) as error:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise ModelUnusable("The disk is full, so this model cannot be downloaded.") from None
        raise EngineUnavailable("This model has to be downloaded first, and the hub cannot be reached.", retry_after=60) from None


def _whole(folder: Path) -> bool:
    """A download that was cut off lacks parts; a folder that is broken in another way is whole, and downloading would not mend it."""
    try:
        inspect(folder)
    except FolderProblem as problem:
        return not problem.incomplete
    return True


def wanted_weights(names: list[str], *, half: bool = False) -> list[str]:
    """Choose the safetensors of a repository: those in the parts' folders, one variant only.

    Raises `ModelUnusable` when the repository carries none.
    """
    files = [name for name in names if name.count("/") == 1 and name.endswith(".safetensors")]
    plain = [name for name in files if _variant_of(name) == ""]
    fp16 = [name for name in files if _variant_of(name) == "fp16"]
    folders = {name.split("/")[0] for name in plain + fp16}
    if not folders:
        raise ModelUnusable("This model has no safetensors weights on the hub, and the runner opens no other kind.")
    all_half = {name.split("/")[0] for name in fp16} == folders
    all_plain = {name.split("/")[0] for name in plain} == folders
    return fp16 if all_half and (half or not all_plain) else plain


def _variant_of(name: str) -> str:
    """The infix of a weight file: "" in "unet/model.safetensors", "fp16" in "unet/model.fp16-00001-of-00002.safetensors"."""
    stem = re.sub(r"-\d{5}-of-\d{5}", "", name.rsplit("/", 1)[1].removesuffix(".safetensors"))
    return stem.partition(".")[2]
