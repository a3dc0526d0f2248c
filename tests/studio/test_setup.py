"""What `make run` does before anything else: says in words what this machine lacks, and does nothing twice."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OLD = '#!/bin/sh\n[ "$1" = --version ] && echo "Python 3.9.2" && exit 0\nexit 1\n'
WITHOUT_VENV = '#!/bin/sh\ncase "$*" in *ensurepip*) exit 1 ;; esac\nexit 0\n'
PIP_THAT_REFUSES = '#!/bin/sh\ncase "$*" in "-m pip "*) echo "$*" >> {log}; exit 1 ;; esac\nexec {python} "$@"\n'


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The part of a fresh clone that the set-up reads."""
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def script(path: Path, text: str) -> str:
    path.write_text(text)
    path.chmod(0o755)
    return str(path)


def install(tree: Path, purpose: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the set-up as a person would."""
    command = [str(tree / "requirements" / "install"), purpose]
    given = {"PATH": os.environ["PATH"], "HOME": str(tree), **variables}
    return subprocess.run(command, env=given, capture_output=True, text=True, timeout=120, check=False)


def ready(tree: Path, lock: str) -> None:
    """A `.venv` in which a lock is installed, as far as the set-up can see; its pip only writes down what it was asked, and fails."""
    (tree / ".venv" / "bin").mkdir(parents=True)
    script(tree / ".venv" / "bin" / "python", PIP_THAT_REFUSES.format(python=sys.executable, log=tree / "pip.log"))
    shutil.copy(tree / "requirements" / f"{lock}.txt", tree / ".venv" / f".installed-{lock}")


def test_a_python_that_is_too_old_is_said_with_what_to_do(tree: Path) -> None:
    done = install(tree, "run", PYTHON=script(tree / "python3", OLD))

    assert done.returncode == 1
    assert done.stderr == f"\n[set-up] PYTHON={tree / 'python3'} is not Python 3.11, 3.12 or 3.13.\n"
    assert not (tree / ".venv").exists()


def test_a_machine_with_only_an_old_python_is_told_what_to_install(tree: Path) -> None:
    fake = tree / "bin"
    fake.mkdir()
    for tool in ("bash", "env", "dirname", "sed", "tail", "tr", "cmp", "flock", "grep"):
        (fake / tool).symlink_to(shutil.which(tool) or "/bin/false")
    script(fake / "python3", OLD)
    done = install(tree, "run", PATH=str(fake))

    assert done.returncode == 1
    assert "Python 3.11, 3.12 or 3.13 is needed; here is Python 3.9.2." in done.stderr
    assert "sudo apt install python3 python3-venv" in done.stderr


def test_a_python_without_venv_is_said_with_what_to_do(tree: Path) -> None:
    done = install(tree, "run", PYTHON=script(tree / "python3", WITHOUT_VENV))

    assert done.returncode == 1
    assert "has no venv module" in done.stderr
    assert "sudo apt install python3-venv" in done.stderr


@pytest.mark.parametrize(
    ("lock", "purpose", "variables"),
    [
        ("local", "run", {}),
        ("core", "run", {"STUDIO_LOCAL_RUNNER": "0"}),
        ("dev", "dev", {}),
        ("dev", "run", {}),
        ("dev", "run", {"DATABASE_URL": "postgres://x"}),
    ],
)
def test_what_is_installed_is_not_installed_again(tree: Path, lock: str, purpose: str, variables: dict[str, str]) -> None:
    ready(tree, lock)
    done = install(tree, purpose, **variables)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_local_runner_can_be_switched_off_in_the_file_of_settings(tree: Path) -> None:
    ready(tree, "core")
    (tree / ".env").write_text("# mine\nSTUDIO_LOCAL_RUNNER='0'\n")

    assert install(tree, "run").stderr == ""


def test_a_lock_that_changed_is_installed_again(tree: Path) -> None:
    ready(tree, "core")
    lock = tree / "requirements" / "core.txt"
    lock.write_text(lock.read_text() + "\n")
    done = install(tree, "run", STUDIO_LOCAL_RUNNER="0")

    assert done.returncode == 1
    asked = (tree / "pip.log").read_text().splitlines()
    assert len(asked) == 1
    assert asked[0].startswith("-m pip install --require-hashes --requirement requirements/core.txt")
    assert "pip could not install requirements/core.txt. The first set-up needs the package index" in done.stderr
    assert (tree / ".venv" / ".installed-core").read_text() != lock.read_text()


def test_a_lock_that_pyproject_has_left_behind_is_said(tree: Path) -> None:
    ask = [sys.executable, str(tree / "requirements" / "in_step.py")]
    before = subprocess.run(ask, capture_output=True, text=True, check=False)
    asked = tree / "pyproject.toml"
    asked.write_text(asked.read_text().replace("dependencies = [", 'dependencies = ["one-more>=1", '))
    after = subprocess.run(ask, capture_output=True, text=True, check=False)

    assert (before.returncode, before.stderr) == (0, "")
    assert after.returncode == 1
    assert after.stderr.startswith("core.txt, dev.txt, local.txt, scaled.txt: not made from today's pyproject.toml.")


def test_a_browser_that_is_named_is_used_or_refused(tmp_path: Path) -> None:
    chrome = script(tmp_path / "chrome", "#!/bin/sh\n")
    ask = [str(ROOT / "requirements" / "browser")]
    good = subprocess.run(ask, env={**os.environ, "CHROMIUM": chrome}, capture_output=True, text=True, check=False)
    bad = subprocess.run(ask, env={**os.environ, "CHROMIUM": "/nowhere"}, capture_output=True, text=True, check=False)

    assert (good.returncode, good.stdout) == (0, f"{chrome}\n")
    assert (bad.returncode, bad.stderr) == (1, "CHROMIUM=/nowhere cannot be started.\n")
